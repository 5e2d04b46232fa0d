"""Fits many times over, side by side, and of anything: same forecasts, nothing left behind, clear errors."""

import dataclasses
import gc
import multiprocessing
import pickle
import random
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_frame, start_quickly
from tscnn import Forecaster

FRAME = make_frame(150, 2)
NETWORKS = [None, pytest.param("auto", marks=pytest.mark.slow)]


def forecast(network):
    """Fit, and forecast with paths: what a process or a thread is given to do."""
    own = {"filters": 2, "epochs": 1, "dropout": 0.1, "linear_model": None, "normalizer_span": 6}
    own["traced_steps"] = 1  # a graph, as fits of more rows have
    own = {} if network is None else own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Forecaster(12, 3, network=network, random_state=0, verbose=0, **own).fit(FRAME)
    return np.stack([fitted.predict(), *fitted.sample(2, random_state=0).to_numpy().reshape(2, 3, 2)])


@pytest.fixture(scope="module")
def expected_of():
    """What a fit forecasts, by what its network is; done once."""
    return cache(forecast)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("network", NETWORKS)
def test_robust_fits_in_a_loop_and_in_threads_forecast_the_same(network, expected_of):
    expected = expected_of(network)
    with ThreadPoolExecutor(2) as pool:
        found = [forecast(network), *pool.map(forecast, [network] * 2)]
    for each in found:
        np.testing.assert_array_equal(each, expected)


@pytest.mark.slow
@pytest.mark.parametrize("network", [None, "auto"])
def test_robust_fits_in_other_processes_forecast_the_same(network, expected_of):
    expected = expected_of(network)
    with multiprocessing.get_context("spawn").Pool(1, start_quickly) as pool:
        (found,) = pool.map(forecast, [network])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_robust_fits_of_joblib_forecast_the_same():
    for found in joblib.Parallel(2)([joblib.delayed(forecast)(None)]):
        np.testing.assert_allclose(found, forecast(None), rtol=1e-6)


def states():
    """Return the states of the generators of Python and NumPy that all code shares."""
    return random.getstate(), str(np.random.get_state())  # noqa: NPY002


@pytest.mark.parametrize("network", NETWORKS)
def test_robust_fits_leave_the_state_of_all_generators(network):
    if network is not None:
        from tscnn.network.backend import keras

        keras.utils.set_random_seed(3)
        expected = np.asarray(keras.random.uniform((3,)))
        keras.utils.set_random_seed(3)
    before = states()
    forecast(network)
    fitted = Forecaster(12, 3, network=None, verbose=0).fit(FRAME)  # without a seed, too
    fitted.sample(2)
    assert states() == before
    if network is not None:
        np.testing.assert_array_equal(np.asarray(keras.random.uniform((3,))), expected)


def memory_of_fits():
    """Return the bytes that Python holds after each of some fits: for a process of its own."""
    sizes = []
    warnings.simplefilter("ignore")
    for i in range(4):
        rows = make_frame(2000, 2)  # anew: pandas lets a frame remember for a while which views it had
        Forecaster(12, 3, network=None, verbose=0).fit(rows).backtest(rows, refit="linear", start=rows.index[1996])
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        if not i:  # what the first one imports and keeps is not counted
            tracemalloc.start()
    return sizes


@pytest.mark.slow
def test_robust_fits_in_a_loop_take_no_more_memory():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        sizes = pool.apply(memory_of_fits)
    assert sizes[3] - sizes[1] < 2000 * 2 * 8  # the rows once, where two fits could have kept them


@pytest.mark.slow
def test_robust_fits_in_a_loop_leave_no_network_and_no_graph_behind(expected_of):
    from tscnn.network.backend import keras

    expected_of("auto")  # what the first one imports and keeps is not counted
    layers, objects = [], []
    for _ in range(2):
        forecast("auto")
        gc.collect()
        found = gc.get_objects()
        layers.append(sum(isinstance(each, keras.Layer) for each in found))
        objects.append(len(found))
    assert layers[1] <= layers[0]
    assert objects[1] - objects[0] < 2000  # a graph that something keeps holds ten thousand and more


# Anything


def draw_case(seed):
    """Draw a frame, the roles of its columns, and settings; some of them are wrong."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns = int(rng.choice([1, 8, 30, 90, 250])), int(rng.integers(1, 5))
    names = list("abcd"[:n_columns]) if rng.random() < 0.8 else list(range(n_columns))
    kinds = [
        lambda n: rng.normal(size=n),
        lambda n: np.sin(np.arange(n) * 2 * np.pi / 24) + 0.1 * rng.normal(size=n),
        lambda n: rng.normal(size=n).cumsum() * 1e6,
        lambda n: rng.poisson(0.3, n),
        lambda n: np.full(n, 7.0),
        lambda n: rng.random(n) < 0.5,
        lambda n: (rng.normal(size=n) * 1e-9).astype(np.float32),
        lambda n: np.exp(rng.normal(size=n) * 3),
        lambda n: np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        lambda n: np.where(rng.random(n) < 0.01, -9999.0, rng.normal(size=n)),
        lambda n: rng.choice(["x", "y"], n),
    ]
    chances = np.array([3, 4, 2, 2, 1, 1, 2, 2, 1, 1, 0.4])
    picked = rng.choice(len(kinds), size=n_columns, p=chances / chances.sum())
    if rng.random() < 0.3:
        picked[:] = 6  # float32 throughout
    index = [
        pd.date_range("2025-03-01", periods=n_rows, freq=rng.choice(["h", "D", "B", "MS", "15min", "W"])),
        pd.date_range("2025-03-01", periods=n_rows, freq="h", tz="Europe/Berlin"),
        pd.period_range("2025-03", periods=n_rows, freq=rng.choice(["M", "D", "h"])),
        pd.RangeIndex(5, 5 + 2 * n_rows, 2),
    ][rng.integers(4)]
    frame = pd.DataFrame({name: kinds[kind](n_rows) for name, kind in zip(names, picked, strict=True)}, index)
    roles = {}
    if n_columns > 1 and rng.random() < 0.4:
        roles["targets"] = names[0]
    if n_columns > 2 and rng.random() < 0.4:
        roles["future_covariates"] = [names[-1]]
    settings = {
        "lookback": [1, 5, 24, "auto", 400][rng.choice(5, p=[0.2, 0.3, 0.2, 0.25, 0.05])],
        "horizon": [1, 3, 12, 0][rng.choice(4, p=[0.4, 0.4, 0.15, 0.05])],
        "missing": rng.choice(["raise", "mask", "interpolate"]).item(),
        "outliers": [None, "auto"][rng.integers(2)],
        "calendar": [None, "auto"][rng.integers(2)],
        "validation_fraction": [0.0, 0.1, 0.4][rng.integers(3)],
        "quantiles": [None, None, (0.1, 0.5, 0.9)][rng.integers(3)],
    }
    return frame, {**settings, **roles}


def check_case(seed, **changes):
    frame, parameters = draw_case(seed)
    forecaster = Forecaster(random_state=0, verbose=0, **{**parameters, **changes})
    horizon, ahead = parameters["horizon"], parameters.get("future_covariates")
    known = frame.iloc[: len(frame) - horizon] if ahead and horizon else frame
    future = None if ahead is None else frame.iloc[len(known) :][ahead]
    before = frame.copy(deep=True)
    try:
        found = forecaster.fit(known).predict(future=future)
        backtest = forecaster.backtest(frame.iloc[-(forecaster.lookback_ + 2 * horizon + 20) :])
    except (TypeError, ValueError) as error:
        said = str(error)
        found = None
    pd.testing.assert_frame_equal(frame, before)
    if found is None:
        assert "eceived" in said
        assert len(said) < 400
        return
    targets = [parameters["targets"]] if "targets" in parameters else [c for c in frame if c not in (ahead or [])]
    levels = parameters["quantiles"]
    columns = targets if levels is None else [(target, level) for target in targets for level in levels]

    for each in (found, backtest):
        assert each.columns.tolist() == columns
        assert np.isfinite(each.to_numpy()).all()
        kind = np.float32 if (known.dtypes == np.float32).all() else np.float64
        assert (each.dtypes == kind).all()
    assert len(found) == horizon
    assert type(found.index) is type(known.index) or isinstance(known.index, pd.RangeIndex)
    assert found.index[0] > known.index[-1]
    assert found.index.is_monotonic_increasing
    if ahead is not None:
        assert found.index.equals(future.index)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(40))
def test_robust_fits_of_anything_work_or_say_what_is_wrong(seed):
    check_case(seed, network=None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(8))
def test_robust_fits_of_anything_more(part):
    for seed in range(100 + 25 * part, 125 + 25 * part):
        check_case(seed, network=None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(1000, 1012))
def test_robust_fits_of_anything_with_a_network(seed):
    check_case(seed, filters=2, epochs=1)


# Contexts with a stuck sensor

SEEN, DAY, N_TRAINING = 96, 24, 600


@pytest.fixture(scope="module", params=[1, 2])
def hourly(request):
    """Daily waves with noise about a mean of 3, and a count that mostly is zero; a fit to the first of the rows."""
    random, hours = np.random.default_rng(5), np.arange(1100)[:, None]
    waves = 3 + np.sin(2 * np.pi * (hours + np.arange(request.param)) / DAY)
    times = pd.date_range("2026-01-01", periods=len(hours), freq="h")
    frame = pd.DataFrame(waves + 0.2 * random.normal(size=waves.shape), times, list("ab"[: request.param]))
    if request.param > 1:
        frame["count"] = random.poisson(0.2, len(hours)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frame, Forecaster(SEEN, DAY, network=None, verbose=0).fit(frame[:N_TRAINING])


def test_robust_forecasts_from_a_context_with_a_stuck_day(hourly):
    frame, fitted = hourly
    low = frame["a"].quantile(0.02)
    for start, value in ((-DAY, None), (-DAY, low), (-60, None), (-60, low), (-20, 3.0)):  # the newest day, or another
        squares = []
        for end in range(700, 1060, 20):
            clean, outcome = frame[end - SEEN : end], frame["a"].iloc[end : end + DAY]
            context, stuck = clean.copy(), slice(start, min(start + DAY, 0) or None)
            context.iloc[stuck, 0] = context.iloc[start, 0] if value is None else value
            squares.append([np.square(fitted.predict(one)["a"] - outcome).mean() for one in (clean, context)])
        of_clean, of_stuck = np.sqrt(np.mean(squares, axis=0))
        assert of_clean < 0.25
        assert of_stuck < 1.15 * of_clean, (start, value)


def test_robust_forecasts_from_a_stuck_context_are_equal_in_every_form(hourly):
    frame, fitted = hourly[0][620:].copy(), hourly[1]
    frame.iloc[110:140, 0] = 4.0
    frame.iloc[250:, 0] = frame.iloc[250, 0]  # soon for most of a window: this is how the column is by now
    backtest, stream = fitted.backtest(frame), fitted.stream(frame[:100])
    for end in range(101, 320):
        found, expected = stream.step(frame.iloc[end - 1].to_numpy()), backtest.loc[frame.index[end - 1]]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        if end == 120:  # in the midst of a run
            state, stream = stream.state, fitted.stream(frame[:100])
            stream.restore(state)
        if end % 20 == 0:
            np.testing.assert_allclose(fitted.predict(frame[:end]), expected, rtol=1e-4, atol=1e-4)
    spans = backtest["a"].groupby("cutoff").agg(np.ptp)
    assert spans[frame.index[139:180]].min() > 1.5  # a wave, not a line
    assert spans[frame.index[320]] < 1


def test_robust_forecasts_believe_counts_that_are_zero(hourly):
    frame, fitted = hourly[0][620:800].copy(), pickle.loads(pickle.dumps(hourly[1]))
    if "count" not in frame:
        assert fitted.pipeline_.outliers.stuck_from == 13
        return
    frame.iloc[20:120, 2] = 0.0
    found = fitted.backtest(frame)
    fitted.pipeline_ = dataclasses.replace(fitted.pipeline_, outliers=None)
    pd.testing.assert_frame_equal(found, fitted.backtest(frame))
