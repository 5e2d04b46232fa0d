from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.values import FARTHEST, LARGEST, as_float, check_sizes

DAYS = pd.date_range("2026-01-01", periods=4)
NULLABLE = {kind: pd.array([1, None, 0, 1], dtype=kind) for kind in ("Int64", "Float64", "boolean", "UInt8")}
WRONG: dict[str, Any] = {
    "text": ["Aachen", "Bonn", "Aachen", "Köln"],
    "text without some": ["Aachen", None, np.nan, "Köln"],
    "numbers as text": ["1", "2.5", "-3e2", " 4"],
    "numbers and text": ["1", "2.5", "n/a", "4"],
    "decimal commas": ["1,5", "2", "-3,25", "4"],
    "a decimal comma": np.array([1.5, "2,5", 3, 4], dtype=object),
    "thousands": ["1,234", "12", "1,234,567.5", "4"],
    "thousands with decimal commas": ["1.234,5", "12", "1.234.567", "4"],
    "thousands with spaces": ["1 234", "12", "1\u202f234", "4"],
    "money": ["$1.5", "€ 2", "3 €", "4"],
    "per cent": ["1.5%", "2 %", "3%", "4%"],
    "decimals": [Decimal("1.5")] * 4,
    "objects": np.array([1, 2.5, True, np.float32(3)], dtype=object),
    "objects without some": np.array([1, None, 3, np.nan], dtype=object),
    "objects with NA": np.array([1, pd.NA, 3, 4], dtype=object),
    "integers beyond floats": np.array([1, 10**400, 2.5, None], dtype=object),
    "bytes": [b"1", b"2", b"3", b"4"],
    "categories": pd.Categorical(["x", "y", "x", "x"]),
    "categories of numbers": pd.Categorical([1, 2, 1, 1]),
    "times": DAYS,
    "times of a zone": DAYS.tz_localize("Europe/Berlin"),
    "times as text": DAYS.strftime("%Y-%m-%d"),
    "dates": np.array([date(2026, 1, 1 + i) for i in range(4)], dtype=object),
    "periods": pd.period_range("2026", periods=4, freq="M"),
    "lengths of time": pd.to_timedelta([1, 2, 3, 4], unit="h"),
    "intervals": pd.interval_range(0, 4),
    "lists": [[1], [2], [3], [4]],
    "NaN": [1, np.nan, 3, np.nan],
    "first NaN": [np.nan, 1, 2, 3],
    "infinity": [1, np.inf, -np.inf, 2],
    "nothing but NaN": [np.nan] * 4,
    "fill values": [1, 1e20, 2, -1e300],
    **NULLABLE,
}


@pytest.mark.parametrize("label", ["c", ("Close", 1), 3], ids=str)
@pytest.mark.parametrize("name", WRONG)
def test_errors_suggest_what_works(name: str, label: Any) -> None:
    other = ("Open", 1) if isinstance(label, tuple) else "d"
    X = pd.DataFrame({other: [1.0, 2, 3, 5]}, columns=pd.Index([other]))
    X[label] = WRONG[name]
    for _ in range(4):  # a mend may bring the next error to light
        try:
            learn_schema(X)
            return
        except (TypeError, ValueError) as error:
            said = str(error)
        assert len(said) < 400
        assert repr(label) in said
        mends, names = re.findall(r"`(.*?X.*?)`", said), {"X": X.copy(), "pd": pd, "np": np}
        if not mends:
            assert "`Forecaster(missing='mask')`" in said
            learn_schema(X, missing="mask")
            return
        mend = mends[0]
        exec(mend if " = " in mend else f"X = {mend}", names)
        X = names["X"]
    pytest.fail(said)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,5", 1.5), ("1,234", 1234), ("1.234,5", 1234.5), ("1 234", 1234), ("$2", 2), ("5%", 5), ("-1,234.5", -1234.5)],
)
def test_errors_suggest_what_was_meant(text: str, number: float) -> None:
    X = pd.DataFrame({"c": [text, "7"]})
    with pytest.raises(TypeError) as told:
        as_float(X)
    exec(re.findall(r"`(.*?X.*?)`", str(told.value))[0], {"X": X, "pd": pd})
    assert X["c"].tolist() == [number, 7]


def test_errors_of_one_row_suggest_nothing_for_a_column() -> None:
    for value, message in ((np.nan, "has NaN at row 3"), ("a", "must hold real numbers or booleans. Received")):
        with pytest.raises((TypeError, ValueError), match=message):
            as_float(pd.DataFrame({"c": [value]}, index=[3]))


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (WRONG["numbers and text"], "'n/a'"),
        ([1.5, "nan"], "'nan'"),
        ([1.5, True], "True"),
        ([None] * 2000 + [Decimal("1.5")], r"Decimal\('1.5'\)"),
        ([pd.NA, np.nan, "x"], "'x'"),
        ([None, pd.Timestamp("2026-03-28")], "'2026-03-28 00:00:00'"),
        ([None, None], "None"),
    ],
)
def test_errors_show_what_is_no_number(values: list[Any], shown: str) -> None:
    with pytest.raises(TypeError, match=f"first_value={shown}$"):
        as_float(pd.DataFrame({"c": pd.Series(values, dtype=object)}))


def test_errors_name_column_and_row_of_what_float32_cannot_square() -> None:
    frame = pd.DataFrame({"a": 1.0, "b": [0, 1, 2, 1e20]}, index=DAYS)
    message = "square, but that of column 'b' at row 2026-01-04 00:00:00 is not.* value=1e\\+20, n_such_values=1"
    with pytest.raises(ValueError, match=message):
        learn_schema(frame)
    schema, _ = learn_schema(frame[:3])
    with pytest.raises(ValueError, match=message):
        read_frame(frame, schema)
    as_float(frame.replace(1e20, 0.99 * LARGEST))


@pytest.mark.parametrize("sign", [-1, 1])
def test_errors_name_what_is_too_far_from_training(sign: int) -> None:
    frame = pd.DataFrame({"a": 1.0, "b": [0, 1, 2, sign * 1.01e8]}, index=DAYS)
    mean, scale = np.zeros(2), np.array([1, 1e8 / FARTHEST])
    with pytest.raises(
        ValueError, match=r"^Column 'b' has a value at row 2026-01-04 .* Received: value=-?101000000\.0"
    ):
        check_sizes(frame.to_numpy(), mean, scale, frame.index, frame.columns)
    check_sizes(frame.to_numpy(), mean, 1.02 * scale, frame.index, frame.columns)


def test_errors_of_many_columns_are_short() -> None:
    wide = pd.DataFrame(np.zeros((4, 300)), columns=[f"a column of a long name {i}" for i in range(300)])
    schema, _ = learn_schema(wide)
    calls = (
        lambda: learn_schema(wide * np.nan),
        lambda: learn_schema(wide, "c"),
        lambda: learn_schema(wide, [*wide.columns, "c"]),
        lambda: learn_schema(wide.astype(str)),
        lambda: learn_schema(wide.set_axis(["x" * 999] * 300, axis=1)),
        lambda: learn_schema(wide.set_axis(["x" * 999, *wide.columns[1:]], axis=1) * 1e300 + 1e300),
        lambda: read_frame(wide.add_prefix("x"), schema),
        lambda: read_frame(wide.to_numpy()[:, 1:], schema),
    )
    for call in calls:
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert len(str(caught.value)) < 400


def test_errors_name_text_in_an_array() -> None:
    for values in (np.array([["1"], ["2"]]), np.array([["1"], [2]], dtype=object), np.array([[b"1"]])):
        with pytest.raises(TypeError, match=r"`np\.asarray\(X, float\)` converts"):
            learn_schema(values)
        learn_schema(np.asarray(values, float))  # as it says
