"""Missing values from end to end: all ways to forecast agree, and each kind of gap has its documented answer."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_frame, small_forecaster
from tscnn import Forecaster
from tscnn.data.windows import sliding_windows

LOOKBACK, HORIZON = 48, 3


def with_gaps(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """A tenth of the values at random, blocks of half a day of columns, and a row of nothing."""
    random = np.random.default_rng(seed)
    missing = random.random(frame.shape) < 0.1
    for start in random.integers(0, len(frame) - 12, len(frame) // 60):
        missing[start : start + 12, random.integers(frame.shape[1])] = True
    missing[len(frame) // 2] = True
    return frame.mask(missing)


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return make_frame(500)


@pytest.fixture(scope="module")
def frame(complete) -> pd.DataFrame:
    return with_gaps(complete)


def linear(**changes) -> Forecaster:
    return Forecaster(lookback=LOOKBACK, horizon=HORIZON, network=None, verbose=0, **changes)


@pytest.fixture(scope="module", params=["mask", "interpolate", "mask, outliers as they are", "mask and network"])
def forecaster(request, frame) -> Forecaster:
    missing = request.param.partition(",")[0].partition(" ")[0]
    if "network" in request.param:
        settings = {"lookback": LOOKBACK, "horizon": HORIZON, "filters": 2, "epochs": 1, "normalizer_span": 16}
        return small_forecaster(missing=missing, feature_mode="joint", **settings).fit(frame)
    return linear(missing=missing, outliers=None if "outliers" in request.param else "auto").fit(frame)


def close(found, expected):
    expected = np.asarray(expected)
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-5 * np.abs(expected).max())


def test_contract_missing_values_all_forms_agree(forecaster, frame):
    pipeline, n = forecaster.pipeline_, 150
    rows = pipeline.apply(frame.to_numpy(), frame.index)[: LOOKBACK - 1 + n]
    windows = sliding_windows(rows, LOOKBACK)
    dense = pipeline.dense(rows)
    assert dense.shape == (n, HORIZON, 3)
    close(pipeline.last(windows), dense)
    close(pipeline.dense(rows, stride=7), dense[::7])
    state = pipeline.start(windows[:1])
    for i in range(1, n):
        close(pipeline.step(state, windows[i][None, -1]), dense[i : i + 1])


def test_missing_values_in_predict_backtest_and_stream(forecaster, frame, tmp_path):
    forecaster.save(tmp_path / "model.tscnn")
    loaded = Forecaster.load(tmp_path / "model.tscnn")
    assert loaded.predict().equals(forecaster.predict())
    assert loaded.schema_ == forecaster.schema_
    part = frame[-LOOKBACK - HORIZON - 20 :]
    backtest = loaded.backtest(part)
    stream, saved = forecaster.stream(part[:LOOKBACK]), loaded.stream(part[:LOOKBACK])
    for cutoff in backtest.index.unique("cutoff")[1:]:
        expected = backtest.loc[cutoff]
        close(pickle.loads(pickle.dumps(forecaster)).predict(part[:cutoff]), expected)
        saved.restore(stream.state)
        found = stream.update(part.loc[cutoff])
        close(found, expected)
        close(saved.update(dict(part.loc[cutoff])), found)
    assert np.isfinite(forecaster.score(frame))


def test_missing_values_are_refused_by_default_with_the_line_that_mends_it(frame, complete):
    with pytest.raises(ValueError, match=r"column '[abc]' has NaN at row .*; `Forecaster\(missing='mask'\)` learns"):
        linear().fit(frame)
    assert not linear().fit(complete).__sklearn_tags__().input_tags.allow_nan
    assert linear(missing="mask").__sklearn_tags__().input_tags.allow_nan
    with pytest.raises(ValueError, match="`missing` must be one of"):
        linear(missing="drop").fit(frame)


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_missing_values_that_are_not_there_change_nothing(complete, missing):
    expected = linear().fit(complete)
    found = linear(missing=missing).fit(complete)
    assert found.predict().equals(expected.predict())
    pd.testing.assert_frame_equal(found.report_, expected.report_)


@pytest.mark.parametrize("kind", ["the end of a column", "a column", "all rows of a day", "everything"])
def test_missing_parts_of_the_context_have_a_forecast(forecaster, complete, kind):
    context = complete[-LOOKBACK:].copy()
    rows = {"the end of a column": np.s_[-5:], "all rows of a day": np.s_[-24:]}.get(kind, np.s_[:])
    context.iloc[rows, slice(None) if kind in ("all rows of a day", "everything") else [1]] = np.nan
    forecast = forecaster.predict(context)
    assert np.isfinite(forecast.to_numpy()).all()
    far = (forecast - complete.mean()).abs() > 3 * complete.std()
    assert not far.to_numpy().any()
    with pytest.raises(ValueError, match="has infinity"):
        forecaster.predict(context.fillna(np.inf))


def test_missing_months_of_a_target_and_of_a_past_covariate(complete):
    gap = complete.copy()
    gap.iloc[100:300, 0] = np.nan
    gap.iloc[:200, 2] = np.nan
    fitted = linear(missing="mask", targets=["a", "b"]).fit(gap[:-HORIZON])
    errors = fitted.predict() - complete[["a", "b"]][-HORIZON:]
    assert (errors.abs().mean() < 0.3 * complete[["a", "b"]].std()).all()


def test_missing_column_in_all_of_training_is_refused_by_name(frame):
    with pytest.raises(ValueError, match="column 'b' has NaN in every row"):
        linear(missing="mask").fit(frame.assign(b=np.nan))


def test_missing_values_interpolate_is_what_pandas_does(frame, complete):
    fitted = linear(missing="interpolate", outliers=None).fit(frame)
    expected = linear(outliers=None).fit(frame.interpolate(limit_direction="both"))
    pd.testing.assert_frame_equal(fitted.predict(complete), expected.predict(complete))


def test_missing_values_cost_little(frame, complete):
    train, test = complete[:380], complete[380:]
    errors = []
    for known in (complete, frame):
        found = linear(missing="mask").fit(known[: len(train)]).backtest(known[len(train) - LOOKBACK :])
        outcomes = np.stack([test.to_numpy()[i : i + HORIZON] for i in range(len(found) // HORIZON)])
        errors.append(np.abs(found.to_numpy().reshape(outcomes.shape) - outcomes).mean(axis=(0, 1)))
    assert (errors[1] / errors[0]).mean() < 1.2
