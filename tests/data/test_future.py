"""What is known ahead, and what is not."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tscnn.data.future import read_future
from tscnn.data.index import find_kind
from tscnn.data.schema import Schema

DUE = pd.date_range("2026-03-29", periods=3, freq="h")
FUTURE = pd.DataFrame({"sun": [1.0, 2.0, 3.0], "sky": ["clear", "rain", "clear"]}, DUE)
SCHEMA = Schema.of(
    pd.Index(["load", "sun", "sky"]),
    "load",
    future=["sun", "sky"],
    categories=(None, None, pd.Index(["clear", "rain"], dtype=object)),
    freq=pd.offsets.Hour(),
    kind="times",
    dtype=np.dtype(float),
)


DUE_IN_BERLIN = pd.date_range("2026-03-29", periods=3, freq="h", tz="Europe/Berlin")  # a clock is set, in between


def read(future: Any, due: pd.DatetimeIndex = DUE) -> np.ndarray:
    covariates = read_future(future, SCHEMA, np.zeros(3), due).covariates
    assert covariates is not None
    return covariates


MENDED = {
    "another zone": (FUTURE.tz_localize("UTC").tz_convert("Europe/Berlin"), DUE.tz_localize("UTC")),
    "no zone": (FUTURE, DUE.tz_localize("UTC")),
    "a zone": (FUTURE.tz_localize("UTC"), DUE),
    "unsorted": (FUTURE[::-1], DUE),
    "repeated": (FUTURE.iloc[[0, 1, 1, 2]], DUE),
    "too many rows": (pd.concat([FUTURE, FUTURE.set_axis(DUE + pd.Timedelta("3h"))]), DUE),
    "too few rows": (FUTURE[:2], DUE),
    "a hole": (FUTURE.iloc[[0, 2]], DUE),
    "a hole, and another row": (FUTURE.iloc[[0, 2]].set_axis(DUE[[1, 2]] + pd.Timedelta("1h")), DUE),
    "a hole in a zone": (FUTURE.set_axis(DUE_IN_BERLIN).iloc[[0, 2]], DUE_IN_BERLIN),
    "too many columns": (FUTURE.assign(wind=1.0), DUE),
    "repeated columns": (FUTURE[["sun", "sky", "sun"]], DUE),
    "missing": (FUTURE.assign(sun=[1.0, np.nan, 3.0]), DUE),
    "missing category": (FUTURE.assign(sky=["clear", None, "rain"]), DUE),
    "infinity": (FUTURE.assign(sun=[1.0, np.inf, 3.0]), DUE),
    "text for times": (FUTURE.set_axis(DUE.astype(str)), DUE),
    "text for numbers": (FUTURE.assign(sun=["1", "2", "3"]), DUE),
}


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_covariates_of_types_of_other_libraries(backend: str) -> None:
    np.testing.assert_array_equal(read(FUTURE.convert_dtypes(dtype_backend=backend)), read(FUTURE))
    holed = FUTURE.assign(sun=[1.0, None, 3.0], sky=["clear", "rain", None])
    with pytest.raises(ValueError, match=r"column 'sun' has none at row 2026-03-29 01:00:00.*n_missing=2"):
        read(holed.convert_dtypes(dtype_backend=backend))


@pytest.mark.parametrize("name", MENDED)
def test_covariates_errors_name_a_line_that_works(name: str) -> None:
    future, due = MENDED[name]
    with pytest.raises((TypeError, ValueError)) as told:
        read(future, due)
    line = re.search("`(future[^`]+)`", str(told.value))
    assert line is not None, told.value
    assert len(str(told.value)) < 400
    assert read(eval(line.group(1), {"future": future, "np": np, "pd": pd}), due).shape == (3, 3)


@pytest.mark.parametrize(
    "future", [None, FUTURE.to_numpy(), {"sun": [1.0]}, "x", 3, FUTURE["sun"], FUTURE[:2]], ids=str
)
def test_covariates_errors_say_what_is_needed(future: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"`future` must (be a DataFrame|h)"):
        read(future)


def test_covariates_in_a_series_need_no_name() -> None:
    schema = Schema.of(pd.Index(["load", "sun"]), "load", future="sun", freq=1, kind="integers", dtype=np.dtype(float))
    times = read_future(pd.Series([1.0, 2.0]), schema, np.zeros(2), pd.RangeIndex(2))
    assert times.covariates is not None
    assert times.covariates.ravel().tolist() == [1.0, 2.0]


def test_covariates_errors_leave_a_column_called_x_its_name() -> None:
    settings: dict[str, Any] = {"freq": 1, "kind": "integers", "dtype": np.dtype(float)}
    schema = Schema.of(pd.Index(["load", "X"]), "load", future="X", **settings)
    with pytest.raises(TypeError, match="'X'"):
        read_future(pd.DataFrame({"X": ["1,5", "2,5"]}, pd.RangeIndex(5, 7)), schema, np.zeros(2), pd.RangeIndex(5, 7))


@pytest.mark.parametrize(
    ("due", "freq"),
    [
        (pd.period_range("2026-03", periods=3, freq="M"), pd.offsets.MonthEnd()),
        (pd.RangeIndex(5, 8), 1),
        (pd.RangeIndex(5, 20, 5), 5),
        (pd.Index([7]), 1),
        (DUE[:1], pd.offsets.Hour()),
        (DUE_IN_BERLIN, pd.offsets.Hour()),
        (pd.date_range("2026-03-31", periods=3, freq="ME"), pd.offsets.MonthEnd()),
        (pd.date_range("2026-03-28", periods=3, freq="D", tz="Europe/Berlin"), pd.offsets.Day()),
        (pd.date_range("2026-03-28", periods=3, freq="36h"), pd.offsets.Hour(36)),
    ],
    ids=str,
)
def test_errors_write_the_times_that_are_due(due: pd.Index, freq: Any) -> None:
    how = {"freq": freq, "kind": find_kind(due), "dtype": np.dtype(float)}
    schema = Schema.of(pd.Index(["load", "sun"]), "load", future="sun", **how)
    for absent in (due[:0], due[:-1] if len(due) > 1 else due[:0]):
        with pytest.raises(ValueError, match="`future` must have exactly the") as told:
            read_future(pd.DataFrame({"sun": 1.0}, absent), schema, np.zeros(2), due)
        assert len(str(told.value)) < 400
        line = re.findall(r"(?:pd\.\w+_)?range\(.*?\)", str(told.value))[0]
        assert pd.Index(eval(line)).equals(due)
