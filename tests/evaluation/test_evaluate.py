import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import evaluate, metrics
from tscnn.evaluation.columns import name_columns

HORIZON = 3


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return make_frame(200, 2).add(5).rename_axis("when")


def make_backtest(df: pd.DataFrame, columns=None, seed: int = 0, cutoffs=range(100, 190, 7)) -> pd.DataFrame:
    """Forecasts that are off by chance."""
    random, columns = np.random.default_rng(seed), df.columns if columns is None else columns
    rows = [(df.index[at], df.index[at + step + 1]) for at in cutoffs for step in range(HORIZON)]
    index = pd.MultiIndex.from_tuples(rows, names=["cutoff", "time"])
    noise = random.normal(size=(len(index), len(columns) // 2, 2)).cumsum(axis=-1).reshape(len(index), -1)
    if len(columns) > 2:
        noise = np.sort(random.normal(size=(len(index), 2, len(columns) // 2)), axis=-1).reshape(len(index), -1)
    truth = df.loc[index.get_level_values("time")].to_numpy()
    return pd.DataFrame(np.repeat(truth, len(columns) // 2, axis=1) + noise, index, columns)


def parts(backtest: pd.DataFrame, df: pd.DataFrame):
    """Series of one cutoff, target and step after another: outcome, forecast, rows before."""
    for (cutoff, time), target in itertools.product(backtest.index, df.columns):
        step = df.index.get_loc(time) - df.index.get_loc(cutoff)
        yield (
            {"target": target, "cutoff": cutoff, "step": step},
            df.loc[time, target],
            backtest.loc[(cutoff, time), target],
            df.loc[:cutoff, target],
        )


@pytest.mark.parametrize("by", ["target", "step", "cutoff", ["target", "step"], ["step", "cutoff"], []])
def test_equals_a_loop(df, by):
    backtest, groups = make_backtest(df), {}
    for labels, y, forecast, history in parts(backtest, df):
        own = groups.setdefault(tuple(labels[each] for each in ([by] if isinstance(by, str) else by)), [])
        scale = (history - history.shift(24)).abs().mean()
        own.append([abs(forecast - y), (forecast - y) ** 2, abs(forecast - y) / scale])
    found = evaluate(backtest, df, by=by)
    assert found.columns.tolist() == ["mae", "rmse", "mase", "n", "n_missing"]
    assert found.index.names == ([None] if by == [] else [by] if isinstance(by, str) else by)
    for label, row in found.iterrows():
        mae, mse, mase = np.mean(groups[() if by == [] else label if isinstance(label, tuple) else (label,)], axis=0)
        np.testing.assert_allclose(row[["mae", "rmse", "mase"]], [mae, mse**0.5, mase])
    assert len(found) == len(groups)
    assert found["n"].sum() == 2 * len(backtest)


def test_missing_outcomes_are_left_out_and_counted(df):
    backtest = make_backtest(df)
    gaps = df.copy()
    gaps.iloc[101, 0] = np.nan
    absent = gaps.drop(df.index[102])
    for rows, n_missing in [(gaps, [1, 0]), (absent, [2, 1])]:
        found = evaluate(backtest, rows, by="target")
        assert found["n_missing"].tolist() == n_missing
        assert (found["n"] + found["n_missing"] == len(backtest)).all()
        errors = (backtest - rows.reindex(backtest.index.get_level_values("time")).to_numpy()).abs().mean()
        np.testing.assert_allclose(found["mae"], errors)
    assert evaluate(backtest, absent, by="step").index.tolist() == [1, 2, 3]


def test_part_of_a_backtest_keeps_its_steps(df):
    backtest = make_backtest(df)
    late = backtest[backtest.groupby("cutoff").cumcount() == 2]
    assert evaluate(late, df, by="step").index.tolist() == [3]
    pd.testing.assert_frame_equal(evaluate(late, df, by="step"), evaluate(backtest, df, by="step").loc[[3]])


def test_quantiles(df):
    levels = [0.1, 0.5, 0.9]
    backtest = make_backtest(df, name_columns(df.columns, levels))
    found = evaluate(backtest, df, by="target")
    expected = ["mae", "rmse", "mase", "crps", "sql", "coverage 80%", "width 80%", "interval_score 80%"]
    assert found.columns.tolist() == [*expected, "n", "n_missing"]
    truth = df.loc[backtest.index.get_level_values("time")]
    for target in df:
        y, own = truth[target].to_numpy(), backtest[target]
        assert found.loc[target, "mae"] == pytest.approx(metrics.mae(y, own[0.5]))
        assert found.loc[target, "crps"] == pytest.approx(metrics.crps(y, own, levels))
        assert found.loc[target, "interval_score 80%"] == pytest.approx(
            metrics.interval_score(y, own[[0.1, 0.9]], level=0.8)
        )
    single = evaluate(backtest.iloc[:HORIZON], df, "sql", by="target")["sql"]
    history = df.loc[: backtest.index[0][0]]
    for target in df:
        y, own = truth[target].iloc[:HORIZON], backtest[target].iloc[:HORIZON]
        expected = metrics.sql(y, own, levels, history=history[target], season_length=24)
        assert single[target] == pytest.approx(expected)


def test_intervals(df):
    one = make_backtest(df, name_columns(df.columns, coverage=[0.9]))[["a", "b"]]
    assert evaluate(one, df, "coverage").columns.tolist() == ["coverage", "n", "n_missing"]
    assert "interval_score" not in evaluate(one, df)
    claimed = evaluate(one, df, coverage=0.9)["interval_score"]
    assert claimed.item() == pytest.approx(
        np.mean(
            [
                metrics.interval_score(
                    df.loc[one.index.get_level_values("time"), name], one[name][["lower", "upper"]], 0.9
                )
                for name in df
            ]
        )
    )
    one.attrs["coverage"] = 0.9
    pd.testing.assert_series_equal(evaluate(one, df)["interval_score"], claimed)
    several = make_backtest(df, name_columns(df.columns, coverage=[0.8, 0.9]))
    found = evaluate(several, df, ["coverage", "width"])
    assert found.columns.tolist() == ["coverage 80%", "coverage 90%", "width 80%", "width 90%", "n", "n_missing"]


def test_series_of_a_panel(df):
    frames = {"x": df, "y": 3 * df.iloc[20:]}
    own = {name: make_backtest(frame, cutoffs=range(100, 170, 9)) for name, frame in frames.items()}
    panel = pd.concat(own, names=["series"])
    found = evaluate(panel, frames, by=["series", "target"])
    assert found.index.names == ["series", "target"]
    for name in frames:
        pd.testing.assert_frame_equal(found.loc[name], evaluate(own[name], frames[name], by="target"))
    long = pd.concat([frame.assign(shop=name) for name, frame in frames.items()])
    pd.testing.assert_frame_equal(evaluate(panel, long, by=["series", "target"], series_id="shop"), found)
    together = evaluate(panel, frames)
    assert together["mase"].item() == pytest.approx(np.average(found["mase"], weights=found["n"]))


def test_backtests_of_a_forecaster(df):
    forecaster = closed_form(lookback=24).fit(df.iloc[:120])
    backtest = forecaster.backtest(df.iloc[90:], stride=5)
    assert evaluate(backtest, df)["mase"].item() < 1
    panel = closed_form().fit({"x": df, "y": df.iloc[20:]})
    frames = {"x": df, "y": df.iloc[20:]}
    assert evaluate(panel.backtest(frames, stride=9), frames, "mae", by="series").index.tolist() == ["x", "y"]
    array = closed_form().fit(df.to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluate(array.backtest(df.to_numpy()), df.to_numpy(), "mase").notna().all(axis=None)


def test_tables_of_other_libraries(df):
    polars = pytest.importorskip("polars")
    backtest = make_backtest(df, name_columns(df.columns, coverage=[0.8, 0.9]))
    expected = evaluate(backtest, df, by="target").reset_index()
    for library in ("pandas", "polars", "pyarrow"):
        flat = backtest.rename_axis(["cutoff", "when"]).reset_index()
        flat.columns = [" ".join(map(str, name)).strip() for name in flat.columns]
        rows = df.reset_index()
        if library != "pandas":
            flat, rows = polars.from_dict(flat.to_dict("list")), polars.from_dict(rows.to_dict("list"))
        if library == "pyarrow":
            flat, rows = flat.to_arrow(), rows.to_arrow()
        found = evaluate(flat, rows, by="target")
        assert type(found).__module__.split(".")[0] == library
        found = (
            found.reset_index()
            if library == "pandas"
            else pd.DataFrame(found.to_pydict() if library == "pyarrow" else found.to_dict(as_series=False))
        )
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_a_short_history_is_told(df):
    backtest = make_backtest(df)
    with pytest.warns(UserWarning, match=r"Scaled metrics leave out 6 of 78 outcomes: .* a smaller `season_length`"):
        found = evaluate(backtest, df.iloc[80:])
    assert found["n"].item() == 78
    assert np.isfinite(found["mase"]).all()


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        (lambda b, d: (b, d), {"by": "day"}, ValueError, "`by` must be of series, .*Received: by='day'"),
        (lambda b, d: (b, d), {"by": ["step", "step"]}, ValueError, "`by` must be of .* each once"),
        (lambda b, d: (b, d), {"by": "series"}, ValueError, "`by='series'` takes forecasts of several series"),
        (lambda b, d: (b, d), {"metrics": "sql"}, ValueError, r"`sql` measures quantiles, .*has=\['points'\]"),
        (lambda b, d: (b, d), {"metrics": ["mae", "ae"]}, ValueError, "`metrics` must be of mae, .*metric='ae'"),
        (lambda b, d: (b, d), {"season_length": 0.5}, TypeError, "`season_length` must be an integer"),
        (lambda b, d: (b, d), {"coverage": 90}, ValueError, r"`coverage` must be a number in \[0, 1\)"),
        (lambda b, d: (b.reset_index(drop=True), d), {}, ValueError, "`backtest` must be of `Forecaster.backtest`, "),
        (lambda b, d: (b, d[["a"]]), {}, ValueError, r"Columns of forecasts must be those of `df`.*column='b'"),
        (lambda b, d: (b, d[:90]), {}, ValueError, "`df` must hold outcomes of the times that were forecast"),
        (lambda b, d: (b, d.tz_localize("UTC")), {}, TypeError, "`df` must be indexed as `backtest` is"),
        (lambda b, d: (b, d.reset_index(drop=True)), {}, TypeError, "`df` must be indexed as `backtest` is"),
        (lambda b, d: (b, d[::-1]), {}, ValueError, "The index must ascend"),
        (lambda b, d: (b, {"x": d}), {}, ValueError, "`df` must be a frame, as `backtest` has no series"),
        (lambda b, d: (pd.concat({"x": b}, names=["series"]), d), {}, ValueError, "`series_id` must name the column"),
        (
            lambda b, d: (pd.concat({"x": b}, names=["series"]), {"y": d}),
            {},
            ValueError,
            "`df` must have the series 'x'",
        ),
    ],
)
def test_errors_name_what_does_not_fit(df, change, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        evaluate(*change(make_backtest(df), df), **arguments)
    assert len(str(raised.value)) < 400
