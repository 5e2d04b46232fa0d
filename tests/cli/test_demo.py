import re
import sys

import pandas as pd
import pytest

from tscnn import datasets
from tscnn.cli import demo
from tscnn.cli.commands import main


@pytest.mark.slow
def test_demo_wins_and_writes_what_it_names(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "new" / "folder")]) == 0
    out, err = capsys.readouterr()
    assert "epoch" in err
    assert "epoch" not in out
    assert "tscnn wins" in out
    assert str((tmp_path / "new" / "folder").resolve()) in out
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["forecast.csv", "forecast.png"]
    forecast = pd.read_csv(tmp_path / "new" / "folder" / "forecast.csv", index_col="time", parse_dates=["time"])
    weather = datasets.load_nyc_weather()
    parts = ("forecast", "lower", "upper")
    assert list(forecast.columns) == [f"{name} {part}" for name in weather.columns for part in parts]
    assert len(forecast) == 24
    assert set(forecast.index) <= set(weather.index[-1746:])
    (held,) = re.findall(r"Intervals of 90% that follow drift \(adaptive=True\) hold (\d\d\.\d)% of the outcomes", out)
    assert 87 < float(held) < 93
    errors = table(out)
    # Measured with this seed: 0.41 against 0.47.
    assert errors["tscnn"] < 0.93 * errors["ridge regression"]


def table(out: str) -> dict[str, float]:
    return {name: float(mse) for name, mse in re.findall(r"^(\S.*?) +(\d\.\d{3}) +\d\.\d{3}$", out, re.MULTILINE)}


def test_a_loss_is_said_plainly():
    errors = pd.DataFrame({"MSE": {"tscnn": 0.5, "ridge regression": 0.4, "repeat last day": 0.9}})
    assert demo._verdict(errors) == "tscnn loses: ridge regression has a lower MSE (0.400 against 0.500)."


def test_an_old_forecast_survives_a_failure(tmp_path, monkeypatch):
    (tmp_path / "forecast.png").write_text("old")

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    frame = datasets.load_nyc_weather()
    with pytest.raises(OSError, match="disk full"):
        demo._write(tmp_path, frame.iloc[9:12], frame.iloc[:9], frame.iloc[9:12])
    assert (tmp_path / "forecast.png").read_text() == "old"


def test_without_matplotlib_it_says_so_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(demo, "load_nyc_weather", None)  # what would come next
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr() == (
        "",
        'tscnn demo: error: Pictures need matplotlib: python -m pip install "tscnn[plot]"\n',
    )
