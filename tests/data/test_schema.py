from __future__ import annotations

import datetime
import json
import math
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from pandas.tseries.frequencies import to_offset
from pandas.tseries.holiday import USFederalHolidayCalendar

from tscnn.common.archive import read_archive, write_archive
from tscnn.data import Schema, learn_schema, read_frame
from tscnn.data.encoding import index_from_arrays, index_to_arrays

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
LEVELS = pd.MultiIndex.from_product([["u", "v"], [1, 2]], names=["x", None])
TIME = pd.Timestamp("2026-03-29 03:00", tz="Europe/Berlin")


def frame(columns: Any = ("a", "b", "c"), index: Any = None) -> pd.DataFrame:
    columns = columns if isinstance(columns, pd.Index) else pd.Index(columns)
    return pd.DataFrame(np.zeros((6, len(columns))), index, columns)


def schema(of: Any = ("a", "b", "c"), names: Any = None, **changes: Any) -> Schema:
    learned, _ = learn_schema(frame(of), names)
    return replace(learned, **changes)


# Targets and past covariates


@pytest.mark.parametrize(
    ("columns", "targets", "positions"),
    [
        ("abc", None, (0, 1, 2)),
        ("abc", "b", (1,)),
        ("abc", ["c", "a"], (2, 0)),
        ("abc", ("c", "a"), (2, 0)),
        ("abc", np.array(["b"]), (1,)),
        ("abc", pd.Index(["b", "c"]), (1, 2)),
        ([0, 1, 2], 2, (2,)),
        ([0, 1, 2], np.int64(0), (0,)),
        ([0, 1, 2], range(2, 0, -1), None),
        (pd.RangeIndex(3), np.array([2, 1]), (2, 1)),
        (LEVELS, ("v", 1), (2,)),
        (LEVELS, [("v", 1)], (2,)),
        (LEVELS, (("v", 2), ("u", 1)), (3, 0)),
        (LEVELS, LEVELS[1:3], (1, 2)),
        (LEVELS, "u", None),
        (LEVELS, ["u"], None),
        (LEVELS, ("u",), None),
        (pd.Index(["a", None, TIME, 1.5, True], dtype=object), [TIME, None], (2, 1)),
        ("abc", "d", None),
        ("abc", ["a", "d"], None),
        ("abc", ["a", "a"], None),
        ("abc", [], None),
        ("abc", {"a"}, None),
        ("abc", [["a"]], None),
        ("abc", 0, None),
        ("abc", slice(1), None),
        ("abc", np.array("a"), None),
        ("abc", pd.Series(["c", "a"]), (2, 0)),
        ([0, 1, 2], [True, False], None),
        ([0, 1, 2], True, None),
        ([True, False], [False], (1,)),
        ("abc", "", None),
    ],
)
def test_targets_are_found(columns: Any, targets: Any, positions: tuple[int, ...] | None) -> None:
    columns = list(columns) if isinstance(columns, str) else columns
    if positions is None:
        message = r"^`targets` must be a column of `X` or a list of distinct ones.* Received: targets=.*, columns=\["
        with pytest.raises(ValueError, match=message):
            learn_schema(frame(columns), targets)
        return
    learned, _ = learn_schema(frame(columns), targets)
    assert learned.targets == positions
    assert learned.target_names.tolist() == [learned.columns[position] for position in positions]
    assert set(learned.targets) | set(learned.past_covariates) == set(range(len(learned.columns)))
    assert sorted(learned.past_covariates) == list(learned.past_covariates)
    assert [role == "target" for role in learned.roles] == [i in positions for i in range(len(learned.columns))]


@pytest.mark.parametrize(
    ("columns", "targets", "message"),
    [
        (["load", "wind"], ["wind", "laod"], "'laod' is none; did you mean 'load'?"),
        (LEVELS, "u", "each a tuple with an entry for every level, such as ('u', 1); 'u' is none."),
        (LEVELS, ("v", 3), "('v', 3) is none."),
    ],
)
def test_errors_name_the_target_that_is_none(columns: Any, targets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        learn_schema(frame(columns), targets)


def test_frames_are_held_to_columns_of_every_role() -> None:
    learned, _ = learn_schema(frame(), "b")
    with pytest.raises(ValueError, match=re.escape("missing=['c']")):
        read_frame(frame(["a", "b"]), learned)


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ("target",)},
        {"roles": ("target", "target", "other")},
        {"roles": ("target", "target", "past_covariate")},
        {"targets": (0, 1)},
        {"targets": (0, 1, 1)},
        {"targets": ()},
        {"targets": (0, 1, 3)},
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received: "):
        schema(**changes)


# Equality


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": pd.Index(["a", "b", "d"])},
        {"columns": pd.Index(["a", "b", "c"], name="x")},
        {"roles": ("target", "target", "past_covariate"), "targets": (0, 1)},
        {"targets": (2, 1, 0)},
        {"freq": 2},
        {"kind": "times"},
        {"dtype": FLOAT32},
    ],
)
def test_what_differs_is_not_equal(changes: dict[str, Any]) -> None:
    assert schema() == schema()
    assert schema(**changes) != schema()
    assert schema() != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(schema())


# There and back


def there_and_back(one: Schema) -> Schema:
    return Schema.from_json(json.loads(json.dumps(one.to_json())))


COLUMNS = [
    pd.Index(["a", "ä", ""]),
    pd.Index(["a", "b"], name="variable"),
    pd.Index(["a", "b"], name=("x", 1)),
    pd.Index(["a", "b"], dtype=object),
    pd.Index(["a", "b"], dtype="string"),
    pd.RangeIndex(4),
    pd.RangeIndex(8, 0, -2, name="x"),
    pd.Index([3, 1, 2]),
    pd.Index([3, 1], dtype="uint8", name=0),
    pd.Index([3, 1], dtype="Int32"),
    pd.Index([2**63, 1], dtype="uint64"),
    pd.Index([0.1, -np.inf, 1e300]),
    pd.Index([0.1, 3], dtype="float32"),
    pd.Index([0.5, 3], dtype="Float64"),
    pd.Index([True, False]),
    pd.Index([True, False], dtype="boolean"),
    pd.Index(["a", 1, 2.5, None, False, TIME], dtype=object),
    pd.Index([("a", 1), "b", ("c", (None, TIME))], tupleize_cols=False),
    pd.Index([np.float64(1), np.int8(2), np.str_("x"), np.bool_(False)], dtype=object),
    pd.date_range("2026-03-01", periods=3, tz="Europe/Berlin", name="day"),
    pd.to_datetime(["2026-03-01", "2026-01-01"]),
    pd.period_range("2026", periods=3, freq="Q"),
    LEVELS,
    LEVELS[[3, 0]],
    pd.MultiIndex.from_product([["a"], pd.date_range("2026", periods=2), [0.5]], names=[TIME, 3, "z"]),
]


@pytest.mark.parametrize("columns", COLUMNS, ids=range(len(COLUMNS)))
def test_columns_come_back(columns: pd.Index) -> None:
    before = schema(columns, [columns[1]] if len(columns) > 1 else None)
    after = there_and_back(before)
    assert after == before
    pd.testing.assert_index_equal(after.columns, columns, exact=True)
    assert [type(label) for label in after.columns] == [
        type(label.item() if isinstance(label, np.generic) and columns.dtype == object else label) for label in columns
    ]
    pd.testing.assert_frame_equal(read_frame(frame(columns), after), frame(columns))


def test_the_archive_keeps_schemas_and_indexes(tmp_path: Path) -> None:
    index = pd.date_range("2026-03-28", periods=6, freq="h", tz="Europe/Berlin", name="t")
    columns = pd.Index(["a", math.nan, ("b", math.inf)], tupleize_cols=False)
    before, read = learn_schema(frame(columns, index), [("b", math.inf)])
    written, values = index_to_arrays(read.index)
    write_archive(tmp_path / "x", {"schema": before.to_json(), "index": written}, {"index": values})
    header, arrays = read_archive(tmp_path / "x")
    assert Schema.from_json(header["schema"]) == before
    pd.testing.assert_index_equal(index_from_arrays(header["index"], arrays["index"]), index, exact=True)


STEPS = [
    "h", "2h", "15min", "30s", "D", "2D", "B", "W-SUN", "W-WED", "2W", "MS", "ME", "3ME", "QS", "QE-DEC", "QE-MAR",
    "YS", "YE", "2YE-JUN", "bh", "BMS", "BQE-FEB", "SMS", "SME-15", "WOM-1MON", "C", "ms", "us", "ns",
]  # fmt: skip
OFFSETS = [
    *map(to_offset, STEPS),
    pd.DateOffset(months=3),
    pd.DateOffset(2, days=1, hours=6),
    pd.DateOffset(day=15, months=1),
    pd.offsets.Week(),
    pd.offsets.MonthEnd(2, normalize=True),
    pd.offsets.LastWeekOfMonth(weekday=4),
    pd.offsets.Easter(),
    pd.offsets.FY5253(weekday=2, startingMonth=5),
    pd.offsets.BusinessHour(start="10:00", end="18:30"),
    pd.offsets.BusinessHour(start=["09:00", "14:00"], end=["12:00", "18:00"]),
    pd.offsets.BusinessDay(offset=datetime.timedelta(hours=2)),
    pd.offsets.CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu", holidays=["2026-01-01", "2026-12-25"]),
    pd.offsets.CustomBusinessHour(start="08:00", weekmask="1111110"),
    1,
    7,
    None,
]


@pytest.mark.parametrize("step", OFFSETS, ids=str)
def test_steps_come_back(step: Any) -> None:
    after = there_and_back(schema(freq=step)).freq
    assert after == step
    assert type(after) is type(step)
    assert str(after) == str(step)
    if isinstance(step, pd.offsets.BaseOffset):
        start = pd.Timestamp("2026-01-01 10:00")
        assert [start + k * after for k in (1, 2)] == [start + k * step for k in (1, 2)]


@pytest.mark.parametrize("step", ["h", "D", "W", "M", "Q", "Y", "Q-MAR", "2h", "15min"])
def test_steps_of_periods_come_back(step: str) -> None:
    index = pd.period_range("2026-03", periods=6, freq=step)
    before, _ = learn_schema(frame(index=index))
    after = there_and_back(before)
    assert after == before
    pd.testing.assert_frame_equal(read_frame(frame(index=index), after), frame(index=index))


@pytest.mark.parametrize("kind", ["times", "periods", "integers"])
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_kind_and_type_come_back(kind: str, dtype: np.dtype) -> None:
    after = there_and_back(schema(names=["c", "a"], kind=kind, dtype=dtype))
    assert (after.kind, after.dtype, after.targets) == (kind, dtype, (2, 0))
    assert after.dtype == dtype


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            pd.Index([Decimal(1)]),
            "A label must be a str, int, float, bool, None, Timestamp or a tuple of these to be saved;",
        ),
        (pd.Index([datetime.date(2026, 1, 1)]), "label=datetime.date(2026, 1, 1), type='date'"),
        (pd.Index(["a"], name=frozenset()), "label=frozenset(), type='frozenset'"),
        (pd.CategoricalIndex(["a"]), "Column labels of this type can't be saved; `X.columns.astype(str)` gives text."),
        (pd.to_timedelta(["1h"]), "Column labels of this type can't be saved;"),
    ],
)
def test_labels_that_cannot_be_saved(columns: pd.Index, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        schema(columns).to_json()


def test_steps_that_cannot_be_saved() -> None:
    calendar = USFederalHolidayCalendar()
    with pytest.raises(TypeError, match=r"The step of the index can.t be saved;"):
        schema(freq=pd.DateOffset(weekday=relativedelta(weekday=0).weekday)).to_json()

    class Odd(pd.offsets.BusinessDay): ...

    with pytest.raises(TypeError, match=r"The step of the index can.t be saved;"):
        schema(freq=Odd()).to_json()
    step = pd.offsets.CustomBusinessDay(calendar=calendar)
    assert there_and_back(schema(freq=step)).freq == step


@pytest.mark.parametrize(
    "change",
    [
        {"columns": 1},
        {"columns": {"labels": ["a", "b", "c"], "dtype": "M8[ns]", "name": None}},
        {"columns": {"labels": ["a", "b"], "dtype": "object", "name": None}},
        {"columns": {"labels": [{"other": 1}] * 3, "dtype": "object", "name": None}},
        {"columns": {"index": {"kind": "integers", "name": None, "range": [0, 10**18, 1]}, "values": []}},
        {"columns": {"levels": [], "codes": [], "names": []}},
        {"roles": None},
        {"roles": ["target", "target", "series"]},
        {"targets": ["a", "b", "c"]},
        {"targets": [0, 1, -1]},
        {"freq": {"offset": "x"}},
        {"freq": {"class": "__import__", "n": 1, "normalize": False, "keywords": {}}},
        {"freq": {"class": "Hour", "n": 10**30, "normalize": False, "keywords": {}}},
        {"freq": {"class": "DateOffset", "n": 1, "normalize": False, "keywords": {"x": 1}}},
        {"freq": []},
        {"kind": "text"},
        {"dtype": "object"},
    ],
    ids=str,
)
def test_what_describes_no_columns(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=re.escape("What was saved describes no columns. Received: error=")):
        Schema.from_json({**schema().to_json(), **change})


def test_parts_that_lack() -> None:
    written = schema().to_json()
    del written["missing"]  # as in the files of versions that refused what is missing
    del written["zone"]  # .. and of those that took times of every zone
    assert Schema.from_json(written) == schema()
    for part in written:
        written = schema().to_json()
        del written[part]
        with pytest.raises(ValueError, match=f"no columns. Received: error=.*{part}"):
            Schema.from_json(written)
    with pytest.raises(ValueError, match="no columns"):
        Schema.from_json(None)
