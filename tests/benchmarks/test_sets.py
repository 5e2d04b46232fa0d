"""Sets of series are what they say, and one that is not at hand is left out with a line."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import sets, shipped
from benchmarks.simulated import SIMULATED, leader, nonlinear_map, random_walks
from tscnn.data.frame import learn_schema


@pytest.mark.parametrize("load", [*SIMULATED, sets.nyc_weather], ids=lambda load: load.__name__)
def test_a_set_is_a_complete_frame_with_an_even_index(load):
    frame = load()
    assert np.isfinite(frame.to_numpy()).all()
    assert (frame.std() > 0).all()
    assert learn_schema(frame)[0].freq is not None
    assert min(sets.SETS[load.__name__].horizons) < 0.2 * len(frame)
    pd.testing.assert_frame_equal(frame, load())


def test_sets_of_packages_are_complete_frames_with_an_even_index():
    frames = sets.load_available([sets.SETS[load.__name__] for load in shipped.SHIPPED])
    if not frames:
        pytest.skip("no package with sets is installed")
    for name, frame in frames.items():
        assert np.isfinite(frame.to_numpy(float)).all(), name
        assert (frame.std() > 0).all(), name
        assert frame.index.freq is not None, name
        assert len(frame) >= 60, name


def test_simulated_truths_hold():
    walks = random_walks().diff().dropna()
    assert (walks.corr().abs() < 0.1).sum().sum() == 12  # independent of each other
    assert max(abs(walks[name].autocorr()) for name in walks) < 0.1  # and of what was
    led = leader()
    assert led["y0"].shift(3).corr(led["y1"]) > 0.8 > led["y0"].corr(led["y1"])
    rows = nonlinear_map().to_numpy()
    assert np.abs(1 - 1.4 * rows[:-1, 0] ** 2 + rows[:-1, 1] - rows[1:, 0]).max() < 0.3


def test_a_set_without_its_package_is_left_out_with_a_line(capsys):
    def missing():
        """Nowhere."""
        return shipped.find_file("no-such-distribution", "a.csv")

    sources = [sets.SeriesSource("missing", "nowhere", (1,), missing), sets.SETS["short_season"]]
    assert list(sets.load_available(sources)) == ["short_season"]
    assert capsys.readouterr().out == "missing is left out: no-such-distribution is not installed\n"
    with pytest.raises(FileNotFoundError, match="this version of numpy has no nothing"):
        shipped.find_file("numpy", "nothing")


def test_the_last_fifth_of_a_file_is_not_looked_at(csv):
    source = sets.read_files([csv])["waves"]
    assert len(source.load()) == 320  # of 400
    assert source.horizons == (6,)  # of so few days


def test_sets_are_listed(capsys):
    sets.main([])
    printed = capsys.readouterr().out
    assert "nyc_weather" in printed
    assert "four independent random walks" in printed
