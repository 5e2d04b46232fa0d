from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from tests.cli.serving.conftest import N_ROWS, Model, records, values
from tests.cli.serving.test_served import long, panel
from tests.conftest import closed_form

ADAPTIVE = {"coverage": [0.8], "adaptive": True}


@pytest.mark.parametrize("settings", [{}, ADAPTIVE], ids=["points", "adaptive intervals"])
def test_a_state_goes_on_to_the_bit(
    make: Callable[..., Model], frame: pd.DataFrame, tmp_path: Path, settings: dict
) -> None:
    path, whole = str(tmp_path / "m.state"), make(**settings)
    for start, stop in ((150, 151), (151, 160), (160, 163)):
        model = make(path=path, **settings)
        answer = model.update(rows=records(frame.iloc[start:stop]))
        assert whole.update(rows=records(frame.iloc[start:stop])) == answer
        assert make(path=path, **settings).forecast() == whole.forecast()
        assert make(path=path, **settings).forecast(coverage=0.5) == whole.forecast(coverage=0.5)


def test_other_intervals_go_on_from_the_rows(make: Callable[..., Model], frame: pd.DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "m.state")
    found = make(path=path).update(rows=records(frame.iloc[N_ROWS:160]))
    model = make(path=path, **ADAPTIVE)
    assert model.forecast()["cutoff"] == frame.index[159].isoformat()
    np.testing.assert_allclose([row[::3] for row in values(model.forecast())], values(found), rtol=1e-4)
    assert model.update(rows=records(frame.iloc[160:161]))["accepted"] == 1


def test_states_of_many_series(tmp_path: Path) -> None:
    path, forecaster = str(tmp_path / "m.state"), closed_form().fit(panel(N_ROWS))
    rows = long({name: frame.iloc[N_ROWS:] for name, frame in panel(155).items()})
    found = Model(forecaster, path=path).update(rows=rows)
    again = Model(closed_form().fit(panel(N_ROWS)), path=path)
    assert again.forecast(horizon=3)["forecast"][0]["a"] == found["forecast"][0]["a"]
    assert again.update(rows=rows)["passed_over"] == 5


def test_rows_that_cannot_be_kept_are_not_accepted(
    make: Callable[..., Model], frame: pd.DataFrame, tmp_path: Path
) -> None:
    model = make(path=str(tmp_path / "m.state"))
    due, before = records(frame.iloc[N_ROWS:153]), model.forecast()
    with patch("os.fsync", side_effect=OSError(28, "No space left on device")), pytest.raises(OSError, match="space"):
        model.update(rows=due)
    assert not list(tmp_path.iterdir())
    assert model.forecast() == before
    assert model.update(rows=due)["accepted"] == 3


def test_states_of_others_are_refused(make: Callable[..., Model], frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "m.state"
    for raw in (b"", b"no state", b"PK\x03\x04 no zip"):
        path.write_bytes(raw)
        with pytest.raises(ValueError, match="one that `tscnn serve` wrote"):
            make(path=str(path))
        assert path.read_bytes() == raw
    path.unlink()
    Model(closed_form(lookback=13).fit(frame.iloc[:N_ROWS]), path=str(path)).update(
        rows=records(frame.iloc[N_ROWS:151])
    )
    with pytest.raises(ValueError, match="that of this model"):
        make(path=str(path))
