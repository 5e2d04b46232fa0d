import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error, root_mean_squared_error

from tscnn import metrics
from tscnn.metrics import METRICS, Metric, find_metric, seasonal_scales

LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
SEASON = 4


def draw(seed: int = 0) -> dict[str, np.ndarray]:
    """Outcomes, points, quantiles that do not cross, and rows before."""
    random = np.random.default_rng(seed)
    y = random.normal(5, 2, size=50)
    quantiles = y[:, None] + np.sort(random.normal(0, 2, size=(50, 5)), axis=1) + random.normal(size=(50, 1))
    return {"y": y, "points": y + random.normal(size=50), "quantiles": quantiles, "history": random.normal(5, 2, 90)}


def one_line_twins(y, points, quantiles, history):
    error, low, high = points - y, quantiles[:, 0], quantiles[:, -1]
    seasonal = history[SEASON:] - history[:-SEASON]
    pinball = np.mean(
        [np.where(y > q, level * (y - q), (1 - level) * (q - y)) for level, q in zip(LEVELS, quantiles.T, strict=True)]
    )
    return {
        "mae": np.abs(error).mean(),
        "mse": (error**2).mean(),
        "rmse": (error**2).mean() ** 0.5,
        "mase": np.abs(error).mean() / np.abs(seasonal).mean(),
        "rmsse": ((error**2).mean() / (seasonal**2).mean()) ** 0.5,
        "smape": (2 * np.abs(error) / (np.abs(y) + np.abs(points))).mean(),
        "wape": np.abs(error).sum() / np.abs(y).sum(),
        "pinball": pinball,
        "crps": 2 * pinball,
        "wql": 2 * pinball / np.abs(y).mean(),
        "sql": 2 * pinball / np.abs(seasonal).mean(),
        "coverage": ((low <= y) & (y <= high)).mean(),
        "width": (high - low).mean(),
        "interval_score": (
            high - low + 10 * np.where(y < low, low - y, 0) + 10 * np.where(y > high, y - high, 0)
        ).mean(),
    }


def measure(name: str, y, points, quantiles, history) -> float:
    metric = METRICS[name]
    seen = {"points": (points,), "quantiles": (quantiles, LEVELS), "intervals": (quantiles[:, [0, -1]], 0.8)}[metric.of]
    return metric(y, *seen, **({"history": history, "season_length": SEASON} if metric.per == "season" else {}))


@pytest.mark.parametrize("name", METRICS)
def test_equals_its_twin(name):
    assert measure(name, **draw()) == pytest.approx(one_line_twins(**draw())[name], rel=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_missing_outcomes_count_nowhere(name):
    drawn, known = draw(), np.arange(50) % 7 != 0
    some = {part: values if part == "history" else values[known] for part, values in drawn.items()}
    assert measure(name, **{**drawn, "y": np.where(known, drawn["y"], np.nan)}) == pytest.approx(measure(name, **some))
    assert np.isnan(measure(name, **{**drawn, "y": np.full(50, np.nan)}))


def test_agrees_with_scikit_learn():
    y, points, quantiles, _ = draw().values()
    assert metrics.mae(y, points) == pytest.approx(mean_absolute_error(y, points))
    assert metrics.mse(y, points) == pytest.approx(mean_squared_error(y, points))
    assert metrics.rmse(y, points) == pytest.approx(root_mean_squared_error(y, points))
    losses = [mean_pinball_loss(y, quantile, alpha=level) for level, quantile in zip(LEVELS, quantiles.T, strict=True)]
    assert metrics.pinball(y, quantiles, LEVELS) == pytest.approx(np.mean(losses))


def test_agrees_with_utilsforecast():
    losses = pytest.importorskip("utilsforecast.losses", reason="utilsforecast is not installed")
    y, points, quantiles, history = draw().values()
    names = [f"q{level}" for level in LEVELS]
    found = pd.DataFrame(
        {"unique_id": "a", "ds": range(90, 140), "y": y, "m": points, **dict(zip(names, quantiles.T, strict=True))}
    )
    found = found.assign(**{"m-lo-80": quantiles[:, 0], "m-hi-80": quantiles[:, -1]})
    train = pd.DataFrame({"unique_id": "a", "ds": range(90), "y": history})
    scaled, by_level = {"seasonality": SEASON, "train_df": train}, {"models": {"m": names}, "quantiles": LEVELS}
    theirs = {
        "mae": losses.mae(found, ["m"]),
        "mse": losses.mse(found, ["m"]),
        "rmse": losses.rmse(found, ["m"]),
        "mase": losses.mase(found, ["m"], **scaled),
        "rmsse": losses.rmsse(found, ["m"], **scaled),
        "wape": losses.wape(found, ["m"]),
        "smape": losses.smape(found, ["m"]),  # theirs is from 0 to 1
        "pinball": losses.mqloss(found, **by_level),
        "wql": losses.scaled_crps(found, **by_level),
        "sql": losses.scaled_mqloss(found, **by_level, **scaled),  # theirs is half
        "coverage": losses.coverage(found, ["m"], 80),
        "interval_score": losses.winkler_score(found, ["m"], 80),
    }
    for name, frame in theirs.items():
        factor = 2 if name in ("smape", "sql") else 1
        assert measure(name, **draw()) == pytest.approx(factor * frame["m"].item()), name


def test_frames_of_pandas_and_missing_history():
    y = pd.Series([1, 2, pd.NA], dtype="Int64")
    assert metrics.mae(y, pd.Series([1.5, 2.5, 9])) == 0.5
    assert metrics.coverage(y, pd.DataFrame({"lower": [0, 0, 0], "upper": [1, 1, 1]})) == 0.5
    assert metrics.mase([2.0], [4.0], history=[1.0, np.nan, 3.0, 4.0]) == 2.0


def test_scales_equal_a_loop():
    history = np.random.default_rng(0).normal(size=(30, 2))
    history[[3, 7], 1] = np.nan
    for power in (1, 2):
        scales = seasonal_scales(history, 5, range(31), power)
        for end in range(31):
            known = np.abs(history[5:end] - history[: max(end - 5, 0)]) ** power
            expected = [np.nanmean(column) if np.isfinite(column).any() else np.nan for column in known.T]
            np.testing.assert_allclose(scales[end], expected if end > 5 else [np.nan] * 2)


def test_what_cannot_be_scaled_counts_nowhere():
    assert np.isnan(metrics.mase([1.0], [2.0], history=[3.0, 3.0, 3.0]))
    assert np.isnan(metrics.mase([1.0], [2.0], history=[3.0], season_length=2))
    assert np.isnan(metrics.wape([0.0], [2.0]))
    assert metrics.smape([0.0, 1.0], [0.0, -1.0]) == 1.0  # 0 where both are 0, and 2 at most


def test_a_forecast_that_is_not_there_is_told():
    assert np.isnan(metrics.mae([1.0, 2.0], [1.0, np.nan]))
    assert np.isnan(metrics.coverage([1.0, 2.0], [[0.0, 3.0], [np.nan, 3.0]]))


def test_one_more_metric_is_one_more_entry():
    bias = Metric("bias", lambda y, forecast: forecast - y)
    assert bias([1.0, 2.0], [2.0, 4.0]) == 1.5
    assert find_metric(bias) is bias
    assert find_metric("mae") is metrics.mae


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.mae([1.0], [1.0, 2.0]), r"`forecast` must have the shape \(1,\), .*Received: shape=\(2,\)"),
        (lambda: metrics.pinball([1.0], [[1.0]], [0.1, 0.9]), r"`forecast` must have the shape \(1, 2\)"),
        (lambda: metrics.coverage([1.0], [1.0]), r"`forecast` must have the shape \(1, 2\)"),
        (lambda: metrics.pinball([1.0], [[1.0]]), r"`level` must list the levels .* `pinball`. Received: level=None"),
        (lambda: metrics.crps([1.0], [[1.0]], [10]), r"`level` must list .* Received: level=\[10\]"),
        (lambda: metrics.interval_score([1.0], [[0.0, 1.0]]), "`interval_score` needs the coverage .*: coverage=None"),
        (lambda: metrics.interval_score([1.0], [[0.0, 1.0]], 90), r"`level` must be a number in \(0, 1\)"),
        (lambda: metrics.mase([1.0], [1.0]), "`mase` needs `history=`, the rows before .*Received: history=None"),
        (lambda: metrics.mase([1.0], [1.0], history=[1.0], season_length=0), "`season_length` must be an integer"),
        (
            lambda: find_metric("rmsee"),
            "`metrics` must be of mae, mse, .*did you mean 'rmse'.*Received: metric='rmsee'",
        ),
    ],
)
def test_errors_name_what_breaks_a_rule(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as raised:
        call()
    assert len(str(raised.value)) < 400
