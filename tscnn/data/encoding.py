"""Labels, steps, time zones and indexes in what JSON holds, and back."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import re
import sys
import warnings
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tscnn.common.checks import received
from tscnn.data.index import check_spacing, find_kind

__all__ = [
    "index_from_arrays",
    "index_to_arrays",
    "label_from_json",
    "label_to_json",
    "step_from_json",
    "step_to_json",
    "zone_from_json",
    "zone_to_json",
]


def label_to_json(label: Any) -> Any:
    """Write a column's label, or the name of an index.

    Parameters
    ----------
    label : str, int, float, bool, None, Timestamp or tuple of these
        NumPy's scalars become Python's.

    Returns
    -------
    str, int, float, bool, None or dict
        For `label_from_json`.

    Raises
    ------
    TypeError
        If it is of another type.

    Examples
    --------
    >>> label_to_json(("load", 3))
    {'tuple': ['load', 3]}
    """
    if isinstance(label, np.generic) and not isinstance(label, np.datetime64 | np.timedelta64):
        label = label.item()
    if label is None or isinstance(label, str | bool | int | float):
        return label
    if isinstance(label, pd.Timestamp):
        return {"timestamp": int(label.asm8.view(np.int64)), "unit": label.unit, "zone": zone_to_json(label.tz)}
    if isinstance(label, tuple):
        return {"tuple": [label_to_json(part) for part in label]}
    rule = "A label must be a str, int, float, bool, None, Timestamp or a tuple of these to be saved; rename it."
    raise TypeError(received(rule, label=label, type=type(label).__name__))


def label_from_json(written: Any) -> Any:
    """Read what `label_to_json` wrote.

    Parameters
    ----------
    written : str, int, float, bool, None or dict
        Of `label_to_json`.

    Returns
    -------
    str, int, float, bool, None, Timestamp or tuple
        Equal to the label.
    """
    if not isinstance(written, dict):
        return written
    if "tuple" in written:
        return tuple(label_from_json(part) for part in written["tuple"])
    time = pd.Timestamp(np.datetime64(written["timestamp"], written["unit"]))
    zone = zone_from_json(written["zone"])
    return time if zone is None else time.tz_localize("UTC").tz_convert(zone)


def step_to_json(step: Any) -> Any:
    """Write the step of an index.

    Parameters
    ----------
    step : offset, int or None
        As of `tscnn.data.index.check_spacing`.

    Returns
    -------
    int, None or dict
        For `step_from_json`.

    Raises
    ------
    TypeError
        If it can't be written so that it comes back equal.

    Examples
    --------
    >>> step_to_json(pd.offsets.Hour(2)), step_to_json(pd.DateOffset(months=3))
    ({'offset': '2h'}, {'class': 'DateOffset', 'n': 1, 'normalize': False, 'keywords': {'months': 3}})
    """
    if step is None or isinstance(step, int):
        return step
    by_name = {"offset": step.freqstr}
    if _reads_as(by_name, step):
        return by_name
    with contextlib.suppress(TypeError):
        keywords = {key: _keyword_to_json(value) for key, value in step.kwds.items() if key != "calendar"}
        by_class = {"class": type(step).__name__, "n": step.n, "normalize": step.normalize, "keywords": keywords}
        if _reads_as(by_class, step):
            return by_class
    raise TypeError(received("The step of the index can't be saved; `X.asfreq` gives another.", step=str(step)))


def step_from_json(written: Any) -> Any:
    """Read what `step_to_json` wrote.

    Parameters
    ----------
    written : int, None or dict
        Of `step_to_json`.

    Returns
    -------
    offset, int or None
        Equal to the step.
    """
    if written is None or isinstance(written, int):
        return written
    if "offset" in written:
        return to_offset(written["offset"])
    if written["class"] not in pd.offsets.__all__:
        raise ValueError(received("The class of an offset must be one of pandas.", written=written))
    keywords = {key: _keyword_from_json(key, value) for key, value in written["keywords"].items()}
    return getattr(pd.offsets, written["class"])(written["n"], normalize=written["normalize"], **keywords)


def _reads_as(written: dict[str, Any], step: Any) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return bool(step_from_json(written) == step)
    except (ValueError, TypeError, KeyError, AttributeError, Warning):
        return False


def _keyword_to_json(value: Any) -> Any:
    """Write an argument of an offset: numbers and words, opening hours, holidays, an offset from midnight."""
    if isinstance(value, tuple):
        return [_keyword_to_json(part) for part in value]
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M")
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, np.datetime64):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(received("An argument of an offset must be a number or a word.", value=value))


def _keyword_from_json(key: str, value: Any) -> Any:
    if key == "offset":
        return datetime.timedelta(seconds=value)
    return tuple(value) if isinstance(value, list) else value


def zone_to_json(zone: datetime.tzinfo | None) -> Any:
    """Write a time zone.

    Parameters
    ----------
    zone : tzinfo or None
        UTC, a fixed offset, or a zone of the IANA data base.

    Returns
    -------
    None or dict
        For `zone_from_json`.

    Raises
    ------
    TypeError
        If it has neither a name there nor a fixed offset.

    Examples
    --------
    >>> zone_to_json(zoneinfo.ZoneInfo("Europe/Berlin"))
    {'zone': 'Europe/Berlin'}
    """
    if zone is None:
        return None
    if zone == datetime.UTC:
        return {"zone": "UTC"}
    offset = zone.utcoffset(None)
    written: dict[str, Any] = {}
    if offset is not None:
        written = {"offset": offset.total_seconds()}
    elif getattr(zone, "key", None) is not None:
        written = {"zone": getattr(zone, "key", None)}
    elif getattr(zone, "zone", None) is not None:  # pandas 2 takes pytz, and tells it from zoneinfo
        written = {"zone": getattr(zone, "zone", None), "module": "pytz"}
    if written:
        with contextlib.suppress(ValueError):
            if pd.DatetimeTZDtype(tz=zone_from_json(written)) == pd.DatetimeTZDtype(tz=zone):
                return written
    rule = "A time zone must be UTC, a fixed offset or one of `zoneinfo` to be saved; `X.tz_convert` gives another."
    raise TypeError(received(rule, zone=str(zone)))


def zone_from_json(written: Any) -> datetime.tzinfo | None:
    """Read what `zone_to_json` wrote.

    Parameters
    ----------
    written : None or dict
        Of `zone_to_json`.

    Returns
    -------
    tzinfo or None
        Equal to the zone.

    Raises
    ------
    ValueError
        If this machine doesn't know the zone.
    """
    if written is None:
        return None
    if "offset" in written:
        return datetime.timezone(datetime.timedelta(seconds=written["offset"]))
    if written["zone"] == "UTC":
        return datetime.UTC
    if written.get("module") == "pytz":
        with contextlib.suppress(ImportError, KeyError):
            zone: datetime.tzinfo = importlib.import_module("pytz").timezone(written["zone"])
            return zone
    try:
        return zoneinfo.ZoneInfo(written["zone"])
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        rule = "This machine doesn't know the time zone; `pip install tzdata` brings them all."
        raise ValueError(received(rule, zone=written["zone"])) from None


def index_to_arrays(index: pd.Index) -> tuple[dict[str, Any], np.ndarray]:
    """Write an index of rows in what JSON holds, and an array.

    Parameters
    ----------
    index : Index
        Of a kind that `find_kind` knows.

    Returns
    -------
    written : dict
        Name, step, time zone and the like.
    values : ndarray of shape (n_rows,), int64
        Its entries; none for a `RangeIndex`.

    Raises
    ------
    TypeError
        If it is of another kind, or has a name, a step or a time zone that can't be saved.

    Examples
    --------
    >>> written, values = index_to_arrays(pd.date_range("1970-01-02", periods=2, freq="h", unit="s"))
    >>> written, values
    ({'kind': 'times', 'name': None, 'unit': 's', 'zone': None, 'step': {'offset': 'h'}}, array([86400, 90000]))
    """
    kind, name = find_kind(index), label_to_json(index.name)
    if kind == "times":
        written = {"unit": index.unit, "zone": zone_to_json(index.tz), "step": step_to_json(index.freq)}
        values = index.asi8
    elif kind == "periods":
        written, values = {"step": step_to_json(index.freq)}, index.asi8
    elif isinstance(index, pd.RangeIndex):
        written = {"range": [index.start, index.stop, index.step]}
        values = np.empty(0)
    else:
        written = {"dtype": str(index.dtype)}
        values = index.to_numpy(np.uint64 if "uint" in str(index.dtype).lower() else np.int64).view(np.int64)
    return {"kind": kind, "name": name, **written}, values.astype(np.int64)


def index_from_arrays(written: dict[str, Any], values: np.ndarray) -> pd.Index:
    """Read what `index_to_arrays` wrote.

    Parameters
    ----------
    written : dict
        Of `index_to_arrays`, after JSON.
    values : ndarray of shape (n_rows,), int64
        Of `index_to_arrays`.

    Returns
    -------
    Index
        Of the same entries, type, name, time zone, resolution and frequency.

    Raises
    ------
    ValueError
        If they describe none.
    """
    try:
        if values.ndim != 1 or values.dtype != np.int64:
            raise ValueError(f"values of shape {values.shape} and dtype {values.dtype}")
        index = _make_index(written, values)
        index.name = label_from_json(written["name"])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(received("What was saved describes no index.", error=str(error))) from None
    return index


def _make_index(written: dict[str, Any], values: np.ndarray) -> pd.Index:
    if written["kind"] == "times":
        index = pd.DatetimeIndex(values.astype(f"M8[{written['unit']}]"))
        zone = zone_from_json(written["zone"])
        if zone is not None:
            index = index.tz_localize("UTC").tz_convert(zone)
        step = step_from_json(written["step"])
        # pandas takes a day that begins at 01:00, after a clock change, for an error: before pandas 3 one of pytz.
        of_pytz = getattr(sys.modules.get("pytz"), "InvalidTimeError", ValueError)
        try:
            index.freq = step
        except (ValueError, of_pytz):
            check_spacing(index, step)
        return index
    if written["kind"] == "periods":
        return pd.PeriodIndex.from_ordinals(values, freq=step_from_json(written["step"]))
    if "range" in written:
        return pd.RangeIndex(*written["range"])
    if not re.fullmatch(r"(u?int|U?Int)(8|16|32|64)(\[pyarrow\])?", written["dtype"]):
        raise ValueError(f"dtype={written['dtype']!r}")
    values = values.view(np.uint64) if written["dtype"][0] in "uU" else values
    return pd.Index(values, dtype=written["dtype"])
