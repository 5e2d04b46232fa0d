from __future__ import annotations

import datetime
import json
import re
import sys
import zoneinfo
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from tscnn.data.encoding import zone_from_json, zone_to_json
from tscnn.data.index import find_seasonality, index_from_arrays, index_to_arrays

BERLIN = "Europe/Berlin"
TWO_HOURS = datetime.timezone(datetime.timedelta(hours=2))
CAIRO = pd.date_range("2026-04-20", periods=8, freq="h", tz="Africa/Cairo")

INDEXES = [
    *(
        pd.date_range("2026-03-28", periods=60, freq="h", tz=BERLIN, unit=unit, name="t")
        for unit in ("s", "ms", "us", "ns")
    ),
    pd.date_range("2026-10-24", periods=60, freq="15min", tz=zoneinfo.ZoneInfo(BERLIN)),
    *(
        pd.date_range("1969-12-30", periods=9, freq=f, tz=BERLIN)
        for f in ("D", "B", "W-WED", "MS", "ME", "QS", "QE", "YE")
    ),
    pd.date_range("2026-03-28", periods=3, freq="h", tz="UTC"),
    pd.date_range("2026-03-28", periods=3, freq="h", tz=zoneinfo.ZoneInfo("UTC")),
    pd.date_range("2026-03-28", periods=3, freq="h", tz=TWO_HOURS),
    pd.to_datetime(["2026-03-28T00:00-05:30", "2026-03-28T01:00-05:30"]),
    pd.date_range("2026-03-28", periods=9, freq="2D", name=("a", 1)),
    pd.date_range("2026-03-28", periods=1, freq="h"),
    pd.date_range("2026-03-28", periods=9, freq="h")[::2],
    pd.to_datetime(["2026-03-28", "2026-03-29", "2026-05-01"]),
    pd.date_range("2026-01-15", periods=9, freq=pd.DateOffset(months=2)),
    pd.date_range("2026-01-15", periods=9, freq=pd.offsets.BusinessHour(start="10:00")),
    CAIRO,
    CAIRO[:0],
    *(pd.period_range("2026-03", periods=9, freq=f, name=3) for f in ("h", "D", "W", "M", "Q-MAR", "Y", "2h", "15min")),
    pd.RangeIndex(10),
    pd.RangeIndex(-5, 100, 7, name="t"),
    pd.RangeIndex(0),
    *(pd.Index([3, 5, 7], dtype=f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)),
    pd.Index([2**64 - 2, 2**64 - 1], dtype="uint64"),
    pd.Index([3, 5, 7], dtype="Int64", name=pd.Timestamp("2026", tz=BERLIN)),
    pd.Index([3, 2**64 - 1], dtype="UInt64"),
    pd.Index([-3, 5, 7], dtype="Int8"),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{index.dtype}")
def test_indexes_come_back(index: pd.Index) -> None:
    before = index.copy(deep=True)
    written, values = index_to_arrays(index)
    assert values.dtype == np.int64
    assert values.flags.owndata or values.base is not index
    found = index_from_arrays(json.loads(json.dumps(written)), values)
    pd.testing.assert_index_equal(found, index, exact=True)
    assert type(found) is type(index)
    assert getattr(found, "freq", None) == getattr(index, "freq", None)
    assert str(getattr(found, "tz", None)) == str(getattr(index, "tz", None))
    assert found.tolist() == index.tolist()
    values[:] = 0
    pd.testing.assert_index_equal(index, before)


def test_a_range_takes_no_memory() -> None:
    assert index_to_arrays(pd.RangeIndex(10**12))[1].size == 0


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.Index(["a"]), "The index must hold times"),
        (pd.Index([0.5]), "The index must hold times"),
        (pd.RangeIndex(2, name=frozenset()), "A label must be a str, int"),
    ],
    ids=str,
)
def test_indexes_that_cannot_be_saved(index: pd.Index, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        index_to_arrays(index)


@pytest.mark.parametrize("attributes", [{}, {"key": "Europe/Atlantis"}, {"zone": "Europe/Atlantis"}, {"key": BERLIN}])
def test_zones_that_cannot_be_saved(attributes: dict[str, str]) -> None:
    class Zone(datetime.tzinfo):
        def utcoffset(self, _: datetime.datetime | None) -> None: ...

    zone = Zone()
    vars(zone).update(attributes)
    with pytest.raises(TypeError, match="A time zone must be UTC, a fixed offset or one of `zoneinfo` to be saved"):
        zone_to_json(zone)


def test_a_zone_of_pytz_is_read_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytz", None)
    written = {"zone": BERLIN, "module": "pytz"}
    assert zone_from_json(written) == zoneinfo.ZoneInfo(BERLIN)
    monkeypatch.setitem(sys.modules, "pytz", SimpleNamespace(timezone=lambda name: f"pytz's {name}"))
    assert zone_from_json(written) == f"pytz's {BERLIN}"


@pytest.mark.parametrize(
    ("step", "seasonality"),
    [
        ("15min", 96),
        ("h", 24),
        ("D", 7),
        ("B", 5),
        ("W", 52),
        ("MS", 12),
        ("QE", 4),
        ("YE", None),
        (3, None),
        (None, None),
    ],
)
def test_seasons(step: Any, seasonality: int | None) -> None:
    assert find_seasonality(to_offset(step) if isinstance(step, str) else step) == seasonality


TIMES, VALUES = index_to_arrays(pd.date_range("2026-03-28", periods=3, freq="h", tz=BERLIN))
INTEGERS = {"kind": "integers", "name": None, "dtype": "int64"}


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (None, VALUES),
        ({}, VALUES),
        ({**TIMES, "unit": "parsec"}, VALUES),
        ({**TIMES, "unit": "D"}, VALUES),
        ({**TIMES, "zone": {"zone": "../../etc/passwd"}}, VALUES),
        ({**TIMES, "zone": {"zone": "Europe/Atlantis"}}, VALUES),
        ({**TIMES, "zone": {"zone": "dateutil//etc/passwd"}}, VALUES),
        ({**TIMES, "zone": {"offset": 1e9}}, VALUES),
        ({**TIMES, "step": {"offset": "2h"}}, VALUES),
        ({**TIMES, "step": 1}, VALUES),
        ({**TIMES, "name": {}}, VALUES),
        ({**TIMES, "name": []}, VALUES),
        (TIMES, VALUES.astype(float)),
        (TIMES, VALUES[:, None]),
        ({"kind": "periods", "name": None, "step": {"offset": "x"}}, VALUES),
        ({"kind": "periods", "name": None, "step": None}, VALUES),
        ({**INTEGERS, "dtype": "object"}, VALUES),
        ({**INTEGERS, "dtype": "int9"}, VALUES),
        ({**INTEGERS, "dtype": 8}, VALUES),
        ({**INTEGERS, "range": [0, 1, 0]}, VALUES[:0]),
        ({**INTEGERS, "range": ["0"]}, VALUES[:0]),
    ],
    ids=str,
)
def test_what_describes_no_index(written: Any, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=re.escape("What was saved describes no index. Received: error=")):
        index_from_arrays(written, values)
