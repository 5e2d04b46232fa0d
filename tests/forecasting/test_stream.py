"""Streams: what a row may be, when it is due, and states that come back whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from tests.conftest import closed_form, make_frame
from tscnn import Forecaster

FRAME = make_frame(160, 2)
CONTEXT, NOW = FRAME.iloc[:120], FRAME.iloc[120]


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return closed_form().fit(CONTEXT)


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    def equal(one: np.ndarray, other: np.ndarray) -> bool:
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")

    return found.keys() == expected.keys() and all(equal(found[name], expected[name]) for name in expected)


def two(frame: pd.DataFrame = CONTEXT) -> dict[str, pd.DataFrame]:
    return {"x": frame, "y": frame + 1}


# A row's time


def rows_of(row: pd.Series) -> dict[str, Any]:
    """One row in every form that has a time."""
    frame = row.to_frame().T.rename_axis("time")
    return {
        "Series": row,
        "frame": frame,
        "dict": {"time": row.name, **row.to_dict()},
        "Series with a time": frame.reset_index().iloc[0],
        "text": row.rename(str(row.name)),
        "Series of objects": row.astype(object),
    }


@pytest.mark.parametrize("form", rows_of(NOW))
def test_a_row_is_held_to_its_time(forecaster, form: str) -> None:
    expected = forecaster.stream().update(NOW.to_dict())
    pd.testing.assert_frame_equal(forecaster.stream().update(rows_of(NOW)[form]), expected)
    stream = forecaster.stream()
    before = stream.state
    for other in (119, 121, 126):  # repeated, lost, six lost
        message = r"next row must be that of 2026-01-06 00:00:00: .* give them first\. Received: row='2026"
        with pytest.raises(ValueError, match=message):
            stream.update(rows_of(FRAME.iloc[other])[form])
    assert same(stream.state, before)


@pytest.mark.parametrize("form", rows_of(NOW))
def test_rows_of_several_series_are_held_to_their_times(forecaster, form: str) -> None:
    expected = forecaster.stream(two()).update(np.stack([NOW, NOW + 1]))
    one, other = rows_of(NOW)[form], rows_of(NOW + 1)[form]
    pd.testing.assert_frame_equal(forecaster.stream(two()).update({"y": other, "x": one}), expected)
    late = rows_of((FRAME + 1).iloc[121])[form]
    stream = forecaster.stream(two())
    with pytest.raises(ValueError, match="The next row must be that of 2026-01-06 00:00:00"):
        stream.update({"x": one, "y": late})
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(stream.update(pd.concat({"y": other, "x": one})), expected)
        with pytest.raises(ValueError, match="The next row must be that of 2026-01-06 01:00:00"):
            stream.update(pd.concat({"x": one, "y": late}))


def test_either_of_two_midnights_is_the_row_of_an_index_of_days() -> None:
    clock = pd.date_range("2024-09-01", periods=80)  # in Havana the 3rd of November has two midnights
    first, second = (clock.tz_localize("America/Havana", ambiguous=np.full(80, one)) for one in (True, False))
    X = pd.DataFrame(np.arange(160.0).reshape(80, 2) % 7, first, ["a", "b"])
    at, forecaster = (
        first.get_loc(pd.Timestamp("2024-11-03").tz_localize("America/Havana", ambiguous=True)),
        closed_form(),
    )
    expected = forecaster.fit(X[:at]).stream().update(X.iloc[at])
    for name in (first[at], second[at], second[at].tz_convert("UTC"), "2024-11-03"):
        pd.testing.assert_frame_equal(forecaster.stream().update(X.iloc[at].rename(name)), expected)
    with pytest.raises(ValueError, match="The next row must be that of 2024-11-03 00:00:00-04:00"):
        forecaster.stream().update(X.iloc[at].rename(second[at] + pd.Timedelta("1h")))


def test_rows_without_a_time_are_the_next(forecaster) -> None:
    expected = forecaster.stream().update(NOW.to_dict())
    frames = [NOW.rename(None), NOW[::-1].rename(None), NOW.to_numpy(), NOW.tolist(), NOW.to_numpy()[None]]
    for row in frames:
        pd.testing.assert_frame_equal(forecaster.stream().update(row), expected)
    expected = forecaster.stream(two()).update(np.stack([NOW, NOW + 1]))
    frame = pd.DataFrame([NOW + 1, NOW], index=["y", "x"])
    for row in (frame, frame[["b", "a"]], {"x": NOW.tolist(), "y": (NOW + 1).to_dict()}):
        pd.testing.assert_frame_equal(forecaster.stream(two()).update(row), expected)


@pytest.mark.parametrize(
    "label", ["x", 120, 0, 1.5, True, pd.NaT, NOW.name.tz_localize("UTC"), pd.Period(NOW.name, "h")]
)
def test_errors_of_a_time_of_another_kind(forecaster, label: Any) -> None:
    with pytest.raises(TypeError, match="The time of `row` must be comparable with the index, which holds times"):
        forecaster.stream().update(NOW.rename(label))


@pytest.mark.parametrize("kind", ["periods", "integers", "a zone"])
def test_rows_of_other_kinds_of_index_are_held_to_them(kind: str) -> None:
    index = {
        "periods": FRAME.index.to_period("h"),
        "integers": pd.RangeIndex(160),
        "a zone": FRAME.index.tz_localize("Europe/Berlin"),
    }[kind]
    frame = FRAME.set_axis(index)
    forecaster = closed_form().fit(frame[:120])
    assert forecaster.stream().update(frame.iloc[120]).index[0] == index[121]
    if kind == "a zone":
        utc = frame.tz_convert("UTC")
        assert forecaster.stream().update(utc.iloc[120]).index[0] == index[121]
    with pytest.raises(ValueError, match="The next row must be that of"):
        forecaster.stream().update(frame.iloc[121])
    with pytest.raises(TypeError, match="The time of `row` must be comparable with the index"):
        forecaster.stream().update(frame.iloc[120].rename("x"))


def test_a_dict_has_its_time_under_index_if_the_index_has_no_name() -> None:
    frame = FRAME.rename_axis(None)
    stream = closed_form().fit(frame[:120]).stream()
    for row in frame[120:130].reset_index().to_dict("records"):
        assert stream.update(row).index[0] > row["index"]
    with pytest.raises(ValueError, match="The next row must be that of"):
        stream.update({"index": frame.index[131], "a": 1, "b": 2})


# Clock changes and zones


@pytest.mark.parametrize("step", ["D", "B", "W-SUN"])
@pytest.mark.parametrize(("zone", "day"), [("America/Santiago", "2024-09-08"), ("Asia/Beirut", "2024-03-31")])
def test_robust_stream_across_a_missing_midnight(zone: str, day: str, step: str) -> None:
    local = pd.date_range(pd.Timestamp(day) - 40 * pd.tseries.frequencies.to_offset(step), periods=60, freq=step)
    frame = FRAME[:60].set_axis(local.tz_localize(zone, nonexistent="shift_forward"))
    forecaster = closed_form(lookback=6).fit(frame[:36])
    stream, backtest = forecaster.stream(), forecaster.backtest(frame)
    for i in range(36, 57):
        found = stream.update(frame.iloc[i])
        assert found.index.equals(frame.index[i + 1 : i + 4])
        assert forecaster.predict(frame[: i + 1]).index.equals(found.index)
        assert backtest.loc[frame.index[i]].index.equals(found.index)
        state = stream.state  # at the clock change, too
        stream = forecaster.stream()
        stream.restore(state)


def test_robust_stream_of_several_zones() -> None:
    days = pd.date_range("2024-01-01", periods=800, tz="UTC")
    season = np.cos(2 * np.pi * days.day_of_year / 365.25)
    frame = pd.DataFrame({"a": 10 * season + np.random.default_rng(0).normal(size=800)}, days)
    forecaster = closed_form().fit(frame[:780])
    assert forecaster.yearly_wave_ is not None
    zones = {"b": "Europe/Berlin", "n": "America/New_York"}
    # Days of other clocks, so that each series is one of its zone.
    parts = {name: frame.tz_localize(None).tz_localize(zone) for name, zone in zones.items()}
    stream = forecaster.stream({name: part[:780] for name, part in parts.items()})
    for i in range(780, 784):
        found = stream.update({name: part.iloc[i] for name, part in parts.items()})
        expected = forecaster.predict({name: part[: i + 1] for name, part in parts.items()})
        pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
    again = forecaster.stream({name: part[:780] for name, part in parts.items()})
    again.restore(stream.state)
    pd.testing.assert_frame_equal(again.update([[1.0], [2.0]]), stream.update([[1.0], [2.0]]), check_exact=True)


def test_errors_at_the_end_of_the_index_leave_the_stream_alone() -> None:
    frame = FRAME[:40].set_axis(pd.Index(np.arange(88, 128), dtype="int8"))
    stream = closed_form(horizon=1).fit(frame[:38]).stream()
    stream.update(frame.iloc[38])
    before = stream.state
    with pytest.raises(ValueError, match="must leave room for 2 steps after its last row"):
        stream.update(frame.iloc[39])
    assert same(stream.state, before)


# What a row may hold

NUMBERS: dict[str, Any] = {
    "integers": [1, 2],
    "booleans": [True, False],
    "mixed": [True, 2.5],
    "objects": np.array([1, True], dtype=object),
    "float16": np.array([1, 2], dtype=np.float16),
    "large": [1e16, 2],
    "no mask": np.ma.array([1.0, 2.0]),
    "extension": pd.Series([1, 2], index=["a", "b"], dtype="Int64"),
    "mixed frame": pd.DataFrame({"a": [True], "b": [2]}, index=[NOW.name]),
    "sparse columns": pd.DataFrame({"a": [1.0], "b": [0.0]}, index=[NOW.name]).astype(pd.SparseDtype(float, 0)),
}

NO_NUMBERS: dict[str, Any] = {
    "text": ["1", "2"],
    "one text": ["1", 2.0],
    "text objects": np.array(["1", 2.0], dtype=object),
    "bytes": [b"1", b"2"],
    "times": np.array(["2024", "2025"], "M8[ns]"),
    "timestamps": [NOW.name, NOW.name],
    "differences": np.array([1, 2], "m8[h]"),
    "complex": np.array([1 + 2j, 1]),
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "sparse": scipy.sparse.csr_array([[1.0, 2.0]]),
    "NaN": [1.0, np.nan],
    "infinity": [np.inf, 1.0],
    "NA": pd.Series([1, None], index=["a", "b"], dtype="Int64"),
    "None": [1.0, None],
    "ragged": [[1.0], [1.0, 2.0]],
    "lists": {"a": [1.0, 2.0], "b": 1.0},
    "too few": [1.0],
    "a number": 1.0,
    "nothing": None,
    "categories": pd.DataFrame({"a": pd.Categorical([1]), "b": [1.0]}, index=[NOW.name]),
    "missing": {"a": 1.0},
    "extra": {"a": 1.0, "b": 2.0, "c": 3.0},
    "twice": pd.Series([1.0, 2.0, 3.0], index=["a", "b", "b"]),
    "two rows": FRAME[120:122],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_row_holds_numbers(forecaster, name: str) -> None:
    row = NUMBERS[name]
    plain = np.asarray(row, dtype=float).ravel()
    found = forecaster.stream().update(row)
    pd.testing.assert_frame_equal(found, forecaster.stream().update(plain), check_exact=True)


@pytest.mark.parametrize("form", ["frame", "series", "dict", "array", "step"])
def test_a_row_of_categories_that_are_numbers(form: str) -> None:
    sizes = np.random.default_rng(0).choice([10, 20, 30], 120)
    rows = pd.DataFrame({"y": np.sin(np.arange(120.0)) + sizes / 10, "size": pd.Categorical(sizes)})
    forecaster = closed_form(lookback=7, horizon=2, targets="y", future_covariates="size").fit(rows.iloc[:100])
    stream, next_row = forecaster.stream(), rows.iloc[[100]].astype({"size": int})
    if form == "step":
        found = stream.step(next_row.to_numpy()[0], future=rows[["size"]].iloc[101:103])
    else:
        forms = {"frame": next_row, "series": next_row.iloc[0], "dict": next_row.iloc[0].to_dict()}
        found = stream.update(forms.get(form, next_row.to_numpy()[0]), future=rows[["size"]].iloc[101:103]).to_numpy()
    expected = forecaster.predict(rows.iloc[:101], future=rows[["size"]].iloc[101:103]).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert abs(found - forecaster.predict(future=rows[["size"]].iloc[100:102]).to_numpy()).max() > 0.01


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_errors_of_rows_that_hold_no_numbers(forecaster, name: str) -> None:
    stream = forecaster.stream()
    before = stream.state
    forms = [NO_NUMBERS[name]]
    if isinstance(forms[0], list | np.ndarray) and len(forms[0]) == 2 and name not in ("masked", "ragged"):
        forms += [dict(zip("ab", forms[0], strict=True)), pd.Series(list(forms[0]), index=["a", "b"], dtype=object)]
    for row in forms:
        with pytest.raises((TypeError, ValueError)) as caught:
            stream.update(row)
        assert len(str(caught.value)) < 400
        with pytest.raises((TypeError, ValueError)):
            forecaster.stream(two()).update({"x": NOW, "y": row})
    if name == "one text":
        assert "Column 'a' must hold real numbers" in str(caught.value)
    if name == "NaN":
        assert "column 'b' has NaN" in str(caught.value)
    assert same(stream.state, before)


def test_errors_stay_short_with_many_columns_and_series() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 99)), columns=[f"column {i}" for i in range(99)])
    stream = closed_form(lookback=2).fit(wide).stream({f"series {i}": wide for i in range(99)})
    for row in ({}, {f"series {i}": {} for i in range(99)}, wide, wide.iloc[0], wide.to_dict("list"), np.ones(3)):
        with pytest.raises(ValueError, match="`row` must have") as caught:
            stream.update(row)
        assert len(str(caught.value)) < 400


# States


def test_a_state_comes_back(forecaster) -> None:
    for context in (CONTEXT, two(), CONTEXT.to_numpy(), {1: CONTEXT, ("a", 2): CONTEXT}):
        stream, again = forecaster.stream(context), forecaster.stream(context)
        width = len(context) if isinstance(context, dict) else 1
        for i in range(120, 125):
            stream.update(np.tile(FRAME.iloc[i], (width, 1)))
        file = io.BytesIO()
        np.savez(file, **stream.state)
        file.seek(0)
        again.restore(np.load(file))
        assert same(again.state, stream.state)
        row = np.ones((width, 2))
        pd.testing.assert_frame_equal(again.update(row), stream.update(row), check_exact=True)


DAMAGE: dict[str, Callable[[dict[str, np.ndarray]], Any]] = {
    **{f"no {name}": lambda d, name=name: d.pop(name) for name in ("model", "series", "ends", "positions", "ring_0")},
    "extra": lambda d: d.update(ring_99=np.zeros(3)),
    "NaN": lambda d: d["ring_0"].fill(np.nan),
    "one NaN": lambda d: d["ring_0"].put(0, np.nan),
    "half a change": lambda d: d["ring_0"].put(0, 1e3),
    "ring of another shape": lambda d: d.update(ring_0=d["ring_0"][:-1]),
    "ring of doubles": lambda d: d.update(ring_0=d["ring_0"].astype(float)),
    "ring of text": lambda d: d.update(ring_0=d["ring_0"].astype(str)),
    "short positions": lambda d: d.update(positions=d["positions"][:0]),
    "positions of floats": lambda d: d.update(positions=d["positions"].astype(float)),
    "position beyond": lambda d: d["positions"].put(0, 10**6),
    "position below": lambda d: d["positions"].put(0, -1),
    "another model": lambda d: d.update(model=np.array("0" * 64)),
    "two models": lambda d: d.update(model=np.array([str(d["model"])] * 2)),
    "two ends": lambda d: d.update(ends=np.array([*d["ends"], *d["ends"]])),
    "ends of bytes": lambda d: d.update(ends=d["ends"].astype("S")),
    "ends of text": lambda d: d.update(ends=np.array(["2026-01-01"])),
    "ends of nothing": lambda d: d.update(ends=np.array(["{}"])),
    "ends of a list": lambda d: d.update(ends=np.array(["[]"])),
    "objects": lambda d: d.update(ring_0=d["ring_0"].astype(object)),
    "a name": lambda d: d.update(series=np.array(["'x'"])),
    "None": lambda d: d.update(ring_0=None),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_state_that_is_damaged_changes_nothing(forecaster, name: str) -> None:
    stream, other = forecaster.stream(), forecaster.stream(CONTEXT[:60])
    before, state = stream.state, other.state
    DAMAGE[name](state)
    with pytest.raises(ValueError, match="`state") as caught:
        stream.restore(state)
    assert len(str(caught.value)) < 400
    assert same(stream.state, before)


def test_state_of_another_stream_changes_nothing(forecaster) -> None:
    integers, aware = CONTEXT.to_numpy(), CONTEXT.tz_localize("UTC")
    streams = [(forecaster.stream(), forecaster.stream(context)) for context in (integers, aware, two())]
    named = [{"y": CONTEXT, "x": CONTEXT}, {"x": CONTEXT, "z": CONTEXT}, {"x": CONTEXT}, {"x": CONTEXT, "y": aware}]
    streams += [(forecaster.stream(two()), forecaster.stream(context)) for context in named]
    streams += [(forecaster.stream({1: CONTEXT}), forecaster.stream({"1": CONTEXT}))]
    for stream, other in streams:
        before = stream.state
        with pytest.raises(ValueError, match="`state"):
            stream.restore(other.state)
        assert same(stream.state, before)


DAMAGE_OF_LEVELS: dict[str, Callable[[dict[str, np.ndarray]], Any]] = {
    "NaN": lambda d: d["levels_0"].put(0, np.nan),
    "infinite": lambda d: d["levels_0"].fill(np.inf),
    "infinite forecasts": lambda d: d["forecasts_0"].put(0, -np.inf),
    "levels of text": lambda d: d.update(levels_0=d["levels_0"].astype(str)),
    "no levels": lambda d: d.pop("levels_0"),
    "levels of another series": lambda d: d.update(levels_1=d["levels_0"]),
    "nothing asked for": lambda d: d.pop("asked"),
    "asked for other levels": lambda d: d.update(asked=d["asked"] / 2),
}


@pytest.mark.parametrize("name", DAMAGE_OF_LEVELS)
def test_state_whose_levels_are_damaged_changes_nothing(forecaster, name: str) -> None:
    stream, other = forecaster.stream(coverage=0.8, adaptive=True), forecaster.stream(coverage=0.8, adaptive=True)
    other.update(FRAME.iloc[120])
    before, state = stream.state, other.state
    DAMAGE_OF_LEVELS[name](state)
    with pytest.raises(ValueError, match="`state") as caught:
        stream.restore(state)
    assert len(str(caught.value)) < 400
    assert same(stream.state, before)
    stream.restore(other.state)
    assert same(stream.state, other.state)


@pytest.mark.parametrize(
    "asked",
    [{}, {"coverage": 0.7, "adaptive": True}, {"coverage": (0.7, 0.8), "adaptive": True}, {"coverage": 0.8}],
)
def test_state_of_a_stream_that_was_asked_for_something_else_changes_nothing(forecaster, asked) -> None:
    stream = forecaster.stream(coverage=0.8, adaptive=True)
    before = stream.state
    with pytest.raises(ValueError, match="`state` must be that of a stream of this forecaster"):
        stream.restore(forecaster.stream(**asked).state)
    assert same(stream.state, before)


def test_state_of_another_model_of_equal_shapes_changes_nothing(forecaster) -> None:
    stream, other = forecaster.stream(), closed_form().fit(CONTEXT * 2 + 1).stream()
    before = stream.state
    assert {name: array.shape for name, array in other.state.items()} == {n: a.shape for n, a in before.items()}
    with pytest.raises(ValueError, match="`state` must be that of a stream of this forecaster, not of another one"):
        stream.restore(other.state)
    assert same(stream.state, before)


@pytest.mark.parametrize("state", [None, [], "state", 3])
def test_state_that_is_no_dict(forecaster, state: Any) -> None:
    with pytest.raises(TypeError, match="`state` must be that of a stream of this forecaster, a dict of arrays"):
        forecaster.stream().restore(state)


# Arrays in, arrays out


@pytest.mark.parametrize("settings", [{}, {"coverage": 0.8}, {"coverage": 0.8, "adaptive": True}])
def test_step_forecasts_what_update_does(forecaster, settings: dict[str, Any]) -> None:
    frames, arrays = forecaster.stream(**settings), forecaster.stream(**settings)
    for row in FRAME.to_numpy()[120:130]:
        np.testing.assert_array_equal(arrays.step(row), frames.update(row))
    assert same(arrays.state, frames.state)


def test_step_takes_all_series_of_a_panel() -> None:
    forecaster = closed_form().fit(two())
    frames, arrays = forecaster.stream(), forecaster.stream()
    rows = np.stack([NOW.to_numpy(), NOW.to_numpy() + 1])
    np.testing.assert_array_equal(arrays.step(rows).reshape(6, 2), frames.update(rows))


@pytest.mark.parametrize(
    ("row", "message"), [(NOW, "takes rows with names"), ([1.0], "2 values"), ([1, np.nan], "nan")]
)
def test_errors_of_step_leave_the_stream_alone(forecaster, row: Any, message: str) -> None:
    stream = forecaster.stream()
    before = stream.state
    with pytest.raises((TypeError, ValueError), match=message):
        stream.step(row)
    assert same(stream.state, before)


def test_streams_agree_with_predict_however_many_times_are_found_at_once(monkeypatch) -> None:
    monkeypatch.setattr("tscnn.forecasting.stream.MOST_AT_ONCE", 5)
    frame = make_frame(900, 2)
    frame += np.where(frame.index.day_of_week < 5, 5.0, 0.0)[:, None]
    forecaster = closed_form(lookback=24, calendar=["hour", "weekday"]).fit(frame[:850])
    stream = forecaster.stream()
    for at in range(850, 872):
        expected = forecaster.predict(frame[: at + 1])
        pd.testing.assert_frame_equal(stream.update(frame.iloc[at]), expected, rtol=1e-6)
    assert [str(time) for time in stream._ends[0]] == [str(time) for time in frame.index[870:872]]
