from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.cli.serving.conftest import N_ROWS, Model, records, values
from tests.conftest import closed_form, make_frame
from tscnn import Forecaster


def test_updates_are_those_of_a_stream(model: Model, saved: str, frame: pd.DataFrame) -> None:
    stream = Forecaster.load(saved).stream()
    for row, record in zip(frame.iloc[N_ROWS:160].to_numpy(), records(frame.iloc[N_ROWS:160]), strict=True):
        answer, expected = model.update(rows=record), stream.update(row)
        np.testing.assert_array_equal(values(answer), expected)
    assert answer["cutoff"] == str(frame.index[159])[:16]
    assert model.forecast()["forecast"][0]["time"] == frame.index[160].isoformat()
    np.testing.assert_array_equal(values(model.forecast()), expected)
    np.testing.assert_array_equal(values(model.forecast(horizon=2)), expected.iloc[:2])


def test_forecasts_after_the_newest_rows_are_those_of_predict(model: Model, saved: str, frame: pd.DataFrame) -> None:
    forecaster = Forecaster.load(saved)
    np.testing.assert_array_equal(values(model.forecast()), forecaster.predict())
    model.update(rows=records(frame.iloc[N_ROWS:155]))
    newest = frame.iloc[100:155]
    expected = forecaster.predict(newest, coverage=[0.5, 0.8])
    np.testing.assert_allclose(values(model.forecast(coverage=[0.5, 0.8])), expected, rtol=1e-6)
    with pytest.warns(UserWarning, match="forecast from forecasts"):
        found, expected = model.forecast(horizon=5), forecaster.predict(newest, horizon=5)
    np.testing.assert_allclose(values(found), expected, rtol=1e-6)
    assert model.forecast(horizon=5) == found  # it is said once
    forecaster.quantiles = (0.1, 0.9)
    found = model.forecast(quantiles=[0.1, 0.9])
    assert list(found["forecast"][0]) == ["time", "a 0.1", "a 0.9", "b 0.1", "b 0.9"]
    np.testing.assert_allclose(values(found), forecaster.predict(newest), rtol=1e-6)


def test_forecasts_of_rows_leave_the_model_as_it_is(model: Model, saved: str, frame: pd.DataFrame) -> None:
    before = model.forecast()
    found = model.forecast(rows=records(frame.iloc[20:60]), coverage=0.9)
    assert list(found["forecast"][0]) == ["time"] + [f"{c} {k}" for c in "ab" for k in ("forecast", "lower", "upper")]
    expected = Forecaster.load(saved).predict(frame.iloc[20:60], coverage=0.9)
    np.testing.assert_allclose(values(found), expected, rtol=1e-6)
    assert model.forecast() == before


def test_rows_that_were_seen_are_passed_over(model: Model, frame: pd.DataFrame) -> None:
    assert model.update(rows=records(frame.iloc[140:N_ROWS]))["passed_over"] == 10
    first = model.update(rows=records(frame.iloc[N_ROWS:153]))
    again = model.update(rows=records(frame.iloc[N_ROWS:154]))
    assert (first["accepted"], again["accepted"], again["passed_over"]) == (3, 1, 3)


def test_all_rows_are_taken_or_none(model: Model, frame: pd.DataFrame) -> None:
    due = records(frame.iloc[N_ROWS:155])
    before = model.forecast()
    with pytest.raises(ValueError, match="'a'"):
        model.update(rows=[*due[:-1], {**due[-1], "a": 1e30}])  # what only the stream refuses
    assert model.forecast() == before
    assert model.update(rows=due)["accepted"] == 5


def test_enough_rows_begin_anew(model: Model, saved: str, frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="at least 12 rows, which begin anew"):
        model.update(rows=records(frame.iloc[160:171]))
    answer = model.update(rows=records(frame.iloc[160:190]))
    expected = Forecaster.load(saved).predict(frame.iloc[160:190])
    np.testing.assert_allclose(values(answer), expected, rtol=1e-6)
    assert model.update(rows=records(frame.iloc[190:191]))["accepted"] == 1


def test_a_model_without_its_rows_waits_for_some(frame: pd.DataFrame, tmp_path) -> None:
    closed_form().fit(frame.iloc[:N_ROWS]).save(tmp_path / "m.tscnn", context=False)
    model = Model(Forecaster.load(tmp_path / "m.tscnn"))
    assert model.served.describe()["newest"] is None
    with pytest.raises(ValueError, match="saved without its context"):
        model.forecast()
    with pytest.raises(ValueError, match="12 rows"):
        model.update(rows=records(frame.iloc[:3]))
    assert model.update(rows=records(frame.iloc[:20]))["accepted"] == 20


def test_absent_rows_are_missing_values(frame: pd.DataFrame) -> None:
    forecaster = closed_form(missing="mask").fit(frame.iloc[:N_ROWS])
    stream, model = forecaster.stream(), Model(forecaster)
    holes = frame.iloc[N_ROWS:160].copy()
    holes.iloc[[1, 4]] = np.nan
    for row in holes.to_numpy():
        expected = stream.update(row)
    given = records(holes)
    assert model.update(rows=given[0])["accepted"] == 1
    answer = model.update(rows=[*given[2:4], *given[5:]])
    assert answer["accepted"] == 7
    np.testing.assert_allclose(values(answer), expected, rtol=1e-6)
    assert model.update(rows={**records(frame.iloc[160:161])[0], "a": None})["accepted"] == 1


def test_what_is_known_ahead(tmp_path) -> None:
    frame = make_frame(200, 3).assign(day=lambda x: x.index.day_name())
    settings = {"future_covariates": ["c", "day"], "targets": ["a", "b"]}
    forecaster = closed_form(**settings).fit(frame.iloc[:N_ROWS])
    stream, model = forecaster.stream(), Model(forecaster, path=str(tmp_path / "m.state"))
    known, due = frame[["c", "day"]], records(frame.iloc[N_ROWS:153])
    for at in range(N_ROWS, 153):
        expected = stream.update(frame.iloc[at], future=known.iloc[at + 1 : at + 4])
    with pytest.raises(ValueError, match="`future` must hold what is known ahead"):
        model.forecast()
    with pytest.raises(ValueError, match="`future` must have exactly the 3 steps"):
        model.update(rows=due)
    answer = model.update(rows=due, future=records(known.iloc[153:156]))
    np.testing.assert_allclose(values(answer), expected, rtol=1e-6)
    np.testing.assert_allclose(values(model.forecast()), expected, rtol=1e-6)
    other = known.iloc[153:156].assign(c=5.0)
    revised = forecaster.predict(frame.iloc[:153], future=other)
    np.testing.assert_allclose(values(model.forecast(future=records(other))), revised, rtol=1e-6)


def panel(n_rows: int) -> dict[str, pd.DataFrame]:
    return {name: make_frame(200, 2, seed).iloc[:n_rows] for seed, name in enumerate(("north", "south"))}


def long(frames: dict[str, pd.DataFrame]) -> list[dict]:
    return [{"series": name, **row} for name, frame in frames.items() for row in records(frame)]


def test_many_series() -> None:
    forecaster = closed_form().fit(panel(N_ROWS))
    stream, model = forecaster.stream(), Model(forecaster)
    due = {name: frame.iloc[N_ROWS:] for name, frame in panel(153).items()}
    for at in range(3):
        expected = stream.update({name: frame.iloc[at] for name, frame in due.items()})
    with pytest.raises(ValueError, match="missing=\\['south'\\]"):
        model.update(rows=[row for row in long(due) if row["series"] == "north"])
    with pytest.raises(ValueError, match="every series at every time"):
        model.update(rows=long(due)[:-1])
    with pytest.raises(ValueError, match="must name its series"):
        model.update(rows=records(due["north"]))
    answer = model.update(rows=long(due))
    assert answer["cutoff"] == {"north": "2026-01-07 08:00", "south": "2026-01-07 08:00"}
    np.testing.assert_allclose(values(answer), expected, rtol=1e-6)
    south = model.forecast(series="south", horizon=2)
    assert [row["series"] for row in south["forecast"]] == ["south"] * 2
    np.testing.assert_allclose(values(south), expected.loc["south"].iloc[:2], rtol=1e-6)
    assert values(model.forecast(series=["south"], coverage=0.9))[0][1] < values(south)[0][0]
    assert len(model.forecast(rows=long({"west": make_frame(50, 2)}))["forecast"]) == 3
    assert model.served.describe()["n_series"] == 2


def test_static_covariates_need_not_be_repeated() -> None:
    frames = [f.assign(shop=n, size=float(len(n)), kind=n[0]) for n, f in panel(N_ROWS).items()]
    forecaster = closed_form(series_id="shop", static_covariates=["size", "kind"]).fit(pd.concat(frames))
    rows = [{"shop": row.pop("series"), **row} for row in long({n: f.iloc[:40] for n, f in panel(N_ROWS).items()})]
    static = {name: {"size": 5.0, "kind": name[0]} for name in ("north", "south")}
    model = Model(forecaster)
    found = model.forecast(rows=rows, static=static)
    assert found == model.forecast(rows=[{**row, **static[row["shop"]]} for row in rows])
    assert list(found["forecast"][0])[:2] == ["shop", "time"]
    assert len(model.forecast(rows=rows[:40], static={"size": 5.0, "kind": "n"})["forecast"]) == 3


@pytest.mark.parametrize("kind", ["numbers", "months", "zone"])
def test_other_indexes(kind: str) -> None:
    frame = make_frame(200, 2)
    numbers, first, after = frame.reset_index(drop=True), 150, 153
    if kind == "months":
        frame, first, after = numbers.set_axis(pd.period_range("2000-01", periods=200, freq="M")), "2012-07", "2012-10"
    elif kind == "zone":
        frame = frame.tz_localize("Europe/Berlin")
        first, after = "2026-01-07T05:00:00Z", "2026-01-07T09:00:00+01:00"
    else:
        frame = numbers
    model = Model(closed_form().fit(frame.iloc[:150]))
    rows = numbers.iloc[150:153].to_dict("records")
    if kind == "numbers":
        assert model.update(rows=rows)["accepted"] == 3
    else:
        assert model.update(rows={"time": first, **rows[0]})["forecast"][0]["time"][:7] in ("2012-08", "2026-01")
        times = {"months": ["2012-08", "2012-09"], "zone": ["2026-01-07T06:00:00Z", "2026-01-07T07:00:00Z"]}[kind]
        model.update(rows=[{"time": time, **row} for time, row in zip(times, rows[1:], strict=True)])
    assert model.forecast()["forecast"][0]["time"] == after
    with pytest.raises((TypeError, ValueError)):
        model.update(rows={"time": True, **rows[0]})


def test_intervals_that_adapt(make: Callable[..., Model], saved: str, frame: pd.DataFrame) -> None:
    stream, model = Forecaster.load(saved).stream(coverage=0.8, adaptive=True), make(coverage=[0.8], adaptive=True)
    for row in frame.iloc[N_ROWS:].to_numpy():
        expected = stream.update(row)
    np.testing.assert_allclose(values(model.update(rows=records(frame.iloc[N_ROWS:]))), expected, rtol=1e-6)
    with pytest.warns(UserWarning, match="forecast from forecasts"):
        assert len(model.forecast(horizon=5)["forecast"][0]) == 3  # points alone, beyond the horizon of the fit
