from __future__ import annotations

import json

import pytest

from tests.cli.serving.conftest import N_ROWS, Model, records
from tests.conftest import closed_form
from tscnn.cli.serving.bodies import FORECAST_FIELDS, RowReader, in_fields, read_body

ROW = {"time": "2026-01-07 06:00", "a": 1.0, "b": 101.0}  # the one that is due


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"hello", "must be JSON"),
        (b"\xff\xfe{}", "must be JSON"),
        (
            b'{"rows": [{"a\\ud800": 1}]}',
            "`rows` of the body must be of whole characters: a surrogate must be one of a pair",
        ),
        (b'{"series": "\\uDE00\\uD83D"}', "a surrogate must be one of a pair"),
        (b'{"a\\ud800": 1}', "unknown="),
        (b'{"series": "\xed\xa0\x80"}', "must be JSON in UTF-8"),
        (b'{"series": "Gr\xf6\xdfe"}', "must be JSON in UTF-8"),
        (b"[1]", "must be an object"),
        (b'{"a": 1}', "unknown=['a']"),
        (b'{"rows": [NaN]}', "NaN is no JSON; null is a missing value"),
        (b"[" * 100_000, "nested"),
        (b'{"horizon": ' + b"9" * 5000 + b"}", "must be JSON"),
    ],
)
def test_bodies_that_are_none(raw: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="body") as error:
        read_body(raw, FORECAST_FIELDS)
    assert said in str(error.value)
    assert len(str(error.value)) < 400


def test_characters_of_every_plane_are_read() -> None:
    body = {"series": "\U0001f600"}
    written = json.dumps(body, ensure_ascii=False)
    for raw in (json.dumps(body).encode(), written.encode(), written.encode("utf-16")):
        assert read_body(raw, FORECAST_FIELDS) == body
    assert read_body(rb'{"series": "\\ud800"}', FORECAST_FIELDS) == {"series": r"\ud800"}  # a backslash, and letters


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "`rows` must hold the rows"),
        ([], "at least one row"),
        ("a", "list of objects"),
        ([5], "`rows` must be a list of objects"),
        ({"time": ROW["time"], "a": 1.0}, "missing=['b']"),
        ({**ROW, "c": 1}, "extra=['c']"),
        ({"a": 1.0, "b": 1.0}, "must have its time"),
        ({**ROW, "time": 5}, "text, such as"),
        ({**ROW, "time": "soon"}, "time='soon'"),
        ({**ROW, "time": "2026-13-07 06:00"}, "time='2026-13-07 06:00'"),
        ({**ROW, "time": "02/01/2026 06:00"}, '"time_format": "%d/%m/%Y %H:%M"'),
        ({**ROW, "time": "2026-01-07 09:00"}, "The next row must be that of 2026-01-07 06:00:00"),
        ({**ROW, "time": "2026-01-07 06:30"}, "The next row must be that of 2026-01-07 06:00:00"),
        ({**ROW, "time": "2026-01-07 06:00Z"}, "with a time zone or without"),
        ({**ROW, "a": None}, "'a'"),
        ({**ROW, "a": "warm"}, "first_value='warm'"),
        ({**ROW, "a": [1]}, "'a' is a list"),
        ({**ROW, "a": 1e300}, "float32"),
        ({**ROW, "a": 10**400}, "'a'"),
        ([{**ROW, "b": 1.5}, {**ROW, "b": -(10**400)}], "`rows[1]` must have integers of at most 64 bits, but 'b' is"),
        ({**ROW, "a": "nan"}, "first_value='nan'"),
        ([ROW, {"time": "2026-01-07 07:00", "a": 1.0}], "`rows[1]` must have the columns of `rows[0]`"),
        ([ROW, ROW], "2026-01-07 06:00"),
        ([ROW, {**ROW, "time": "2026-01-07 08:00"}], "step='2h'"),
    ],
)
def test_rows_that_are_refused(model: Model, rows: object, said: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        model.update(rows=rows)
    told = in_fields(str(error.value))
    assert said in told
    assert len(told) < 400
    assert "`X" not in told
    assert model.update(rows=ROW)["accepted"] == 1  # as if nothing had been


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"horizon": 0}, "`horizon` must be an integer"),
        ({"horizon": "3"}, "`horizon` must be an integer"),
        ({"horizon": 1001}, "at most 1000"),
        ({"horizon": 9, "coverage": 0.9}, "at most 3 steps"),
        ({"coverage": 90}, "`coverage`"),
        ({"quantiles": [0.9, 0.1]}, "must ascend"),
        ({"series": "a"}, "`series` must be left out: there is one series"),
        ({"future": [ROW]}, "`future` must be None"),
        ({"rows": [ROW]}, "at least lookback = 12 rows"),
        ({"time_format": "%d"}, "are of `rows`"),
        ({"time_format": 5, "rows": [ROW]}, "`time_format` must be text"),
        ({"static": 5, "rows": [ROW]}, "`static` must be an object"),
    ],
)
def test_questions_that_are_refused(model: Model, body: dict, said: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        model.forecast(**body)
    assert said in in_fields(str(error.value))


@pytest.mark.parametrize(("column", "value"), [("time", 2**64), ("time", -(2**64)), ("series", 2**64)])
def test_integers_of_more_than_64_bits_are_refused(frame, column: str, value: int) -> None:
    reader = RowReader(closed_form().fit({"x": frame.reset_index(drop=True)}))
    row = {"series": "x", "time": 200, "a": 1, "b": 2}
    with pytest.raises(ValueError, match=rf"`rows\[1\]` must have integers .* but '{column}' is larger"):
        reader.read("rows", {"rows": [row, {**row, column: value}]})


@pytest.mark.parametrize(("names", "n_rows"), [(["x"], 1), (["a", "b"], 1), (["x", "y"], 2)])
def test_series_are_told_by_name(frame, names: list[str], n_rows: int) -> None:
    reader = RowReader(closed_form().fit(dict.fromkeys(names, frame.reset_index(drop=True))))
    for times in ({}, {"time": 200}):
        rows = [{"series": name, "a": 1, "b": 2, **times} for name in names for _ in range(n_rows)]
        found = reader.read("rows", {"rows": rows}, after=199).frames
        assert list(found) == names  # names of columns, too
        if not times:
            assert all(part.index.tolist() == list(range(200, 200 + n_rows)) for part in found.values())


def test_lines_of_python_are_left_out() -> None:
    said = "`X` must be finite; if it stands for a gap, `X.replace(5, np.nan)` says so. Received: value=5"
    assert in_fields(said) == "`rows` must be finite. Received: value=5"


def test_rows_may_come_in_any_order_and_any_format(model: Model, frame) -> None:
    due = records(frame.iloc[N_ROWS : N_ROWS + 3])
    for row in due:
        row["time"] = f"{row['time'][8:10]}.{row['time'][5:7]}.2026 {row['time'][11:]}"
    answer = model.update(rows=due[::-1])
    assert (answer["accepted"], answer["cutoff"]) == (3, "07.01.2026 08:00")
    assert answer["forecast"][0]["time"] == "07.01.2026 09:00"
    assert json.dumps(answer, allow_nan=False)


def test_columns_and_times_of_iso_may_be_mixed(model: Model, frame) -> None:
    due = records(frame.iloc[N_ROWS : N_ROWS + 2])
    expected = [[row["time"], int(row["a"]), row["b"]] for row in due]
    sent = [
        {"b": b, "a": a, "time": time.replace(" ", mark)} for (time, a, b), mark in zip(expected, " T", strict=True)
    ]
    read = RowReader(model.served.forecaster).read("rows", {"rows": sent})
    found = read.frames[None][["a", "b"]]
    assert [
        [str(when)[:16], *row] for when, row in zip(found.index, found.to_numpy().tolist(), strict=True)
    ] == expected
