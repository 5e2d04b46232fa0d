import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import CORRECTIONS, corrected, make_frame, quick_forecaster
from tscnn.network.config import resolve_config
from tscnn.network.graph import build_network, seed_weights
from tscnn.network.streaming import StreamingNetwork


def random_network(seed=0, **settings):
    """A network with no weight at zero: heads, biases and moving moments included."""
    corrections = {name: settings.pop(name, default) for name, default in CORRECTIONS.items()}
    network = build_network(corrected(resolve_config(**settings), **corrections))
    seed_weights(network.dense, seed)
    random = np.random.default_rng(seed)
    for weight in network.dense.weights:
        if "moving_variance" in weight.path:
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif "kernel" not in weight.path or "head" in weight.path or "components" in weight.path:
            weight.assign(random.normal(size=weight.shape) * 0.3)
    return network


def streamed(network, rows):
    lookback = network.config.lookback
    stream = StreamingNetwork(network, rows[:, :lookback])
    return np.stack([stream.update(row) for row in rows[:, lookback:].transpose(1, 0, 2)], axis=1)


@settings(max_examples=25)
@given(
    lookback=st.integers(1, 40),
    kernel_size=st.integers(2, 4),
    feature_mode=st.sampled_from(["joint", "front_end", "independent"]),
    normalization=st.sampled_from([None, "layer", "batch"]),
    activation=st.sampled_from(["gated", "relu", "elu"]),
    normalizer_span=st.sampled_from(["auto", None]),
    linear_skip=st.sampled_from([None, "shared", "per_feature"]),
    n_stacks=st.integers(1, 2),
    components=st.booleans(),
    reversion=st.booleans(),
    vector_skip=st.integers(0, 5),
)
def test_streaming_equals_dense_evaluators(**drawn):
    assume(drawn["lookback"] > 2 or drawn["n_stacks"] == 1)
    network = random_network(horizon=3, n_features=2, filters=3, **drawn)
    rows = np.random.default_rng(1).normal(3, 1, (2, drawn["lookback"] + 12, 2)).astype(np.float32)
    dense = network.dense.predict_on_batch(rows)[:, 1:]
    np.testing.assert_allclose(streamed(network, rows), dense, rtol=1e-5, atol=1e-5 * np.abs(dense).max())


def test_streaming_keeps_agreeing_after_many_rows():
    network = random_network(lookback=23, horizon=2, n_features=2, filters=3)
    rows = np.random.default_rng(2).normal(size=(1, 5000, 2)).astype(np.float32).cumsum(axis=1)
    late = streamed(network, rows)[:, -100:]
    dense = network.dense.predict_on_batch(rows[:, -122:])
    np.testing.assert_allclose(late, dense, rtol=1e-5, atol=1e-5 * np.abs(dense).max())


def test_memory_does_not_grow():
    network = random_network(lookback=23, horizon=2, n_features=2, filters=3)
    stream = StreamingNetwork(network, np.zeros((1, 23, 2)))
    before = len(pickle.dumps(stream))
    for row in np.random.default_rng(0).normal(size=(200, 1, 2)):
        stream.update(row)
    assert len(pickle.dumps(stream)) == before


@pytest.fixture(scope="module")
def later(frame):
    """The training frame and what came after it."""
    longer = make_frame(340)
    pd.testing.assert_frame_equal(longer.iloc[:300], frame)
    return longer


def test_streaming_equals_predict_at_every_row(fitted, later):
    stream = fitted.stream()
    for i in range(300, 330):
        forecast = stream.update(later.iloc[[i]])
        pd.testing.assert_frame_equal(forecast, fitted.predict(later.iloc[: i + 1]), rtol=1e-5, atol=1e-5)


def test_a_stream_forecasts_the_targets_in_their_units(frame, later):
    scattered = frame * [1.0, 10.0, 1000.0] + [0.0, 5.0, 100.0]
    forecaster = quick_forecaster(targets=["c", "b"]).fit(scattered)
    row = later.iloc[[300]] * [1.0, 10.0, 1000.0] + [0.0, 5.0, 100.0]
    expected = forecaster.predict(pd.concat([scattered, row]))
    assert list(expected) == ["c", "b"]
    pd.testing.assert_frame_equal(forecaster.stream().update(row), expected, rtol=1e-5, atol=1e-3)


def test_every_form_of_a_row_means_the_same(fitted, later):
    row = later.iloc[300]
    expected = fitted.predict(later.iloc[:301])
    turned = later.iloc[[300]][["c", "b", "a"]]
    for form in (row, row.to_dict(), dict(reversed(row.to_dict().items())), turned, row.to_numpy(), list(row)):
        pd.testing.assert_frame_equal(fitted.stream().update(form), expected, rtol=1e-5, atol=1e-5)


def test_stream_of_a_context(fitted, later):
    stream = fitted.stream(later.iloc[:320])
    pd.testing.assert_frame_equal(
        stream.update(later.iloc[[320]]), fitted.predict(later.iloc[:321]), rtol=1e-5, atol=1e-5
    )


def test_series_side_by_side(fitted, later):
    contexts = {"north": later.iloc[:300], "south": later.iloc[:310]}
    stream = fitted.stream(contexts)
    rows = pd.DataFrame([later.iloc[310], later.iloc[300]], index=["south", "north"])
    forecast = stream.update(rows)
    assert forecast.index.names == ["series", "time"]
    for name, n_rows in (("north", 301), ("south", 311)):
        alone = fitted.predict(later.iloc[:n_rows])
        pd.testing.assert_frame_equal(forecast.loc[name], alone, rtol=1e-5, atol=1e-5, check_freq=False)


def test_state_goes_through_a_file_and_back(fitted, later, tmp_path):
    stream = fitted.stream()
    stream.update(later.iloc[[300]])
    np.savez(tmp_path / "state.npz", **stream.state)
    expected = stream.update(later.iloc[[301]])
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        other = fitted.stream(later.iloc[:50])
        other.restore(state)
    pd.testing.assert_frame_equal(other.update(later.iloc[[301]]), expected, check_exact=True)


@pytest.mark.parametrize(
    "index",
    [
        pd.period_range("2020-01", periods=60, freq="M"),
        pd.date_range("2026-10-01", periods=60, freq="D", tz="Europe/Berlin", name="day"),
        pd.RangeIndex(60),
    ],
    ids=["periods", "local days", "integers"],
)
def test_state_keeps_the_time_of_every_kind_of_index(index):
    frame = make_frame(60).set_axis(index)
    forecaster = quick_forecaster().fit(frame.iloc[:50])
    stream = forecaster.stream()
    state = stream.state
    expected = stream.update(frame.iloc[[50]])
    stream.restore(state)
    pd.testing.assert_frame_equal(stream.update(frame.iloc[[50]]), expected, check_exact=True)


def test_copies_go_their_own_way(fitted, later):
    stream = fitted.stream()
    for twin in (copy.deepcopy(stream), pickle.loads(pickle.dumps(stream))):
        twin.update(later.iloc[300] * 2)
    pd.testing.assert_frame_equal(
        stream.update(later.iloc[[300]]), fitted.predict(later.iloc[:301]), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda row: row.drop(columns="b"), ValueError, r"missing=\['b'\], extra=\[\]"),
        (lambda row: row.assign(d=1.0), ValueError, r"missing=\[\], extra=\['d'\]"),
        (lambda row: row.assign(b=np.nan), ValueError, "column 'b' is not. Received: value=nan"),
        (lambda row: row.assign(b="x"), TypeError, "`row` must hold numbers"),
        (
            lambda row: row.shift(freq="2h"),
            ValueError,
            "must be that of 2026-01-13 12:00:00. Received: index='2026-01-13 14",
        ),
        (lambda row: row.to_numpy()[0, :2], ValueError, r"3 values for each of 1 series. Received: shape=\(1, 2\)"),
        (lambda row: pd.concat([row, row]), ValueError, r"Received: shape=\(2, 3\)"),
    ],
)
def test_a_bad_row_is_named_and_changes_nothing(fitted, later, change, error, message):
    stream = fitted.stream()
    with pytest.raises(error, match=message):
        stream.update(change(later.iloc[[300]]))
    pd.testing.assert_frame_equal(
        stream.update(later.iloc[[300]]), fitted.predict(later.iloc[:301]), rtol=1e-5, atol=1e-5
    )


def test_series_must_be_the_ones_of_the_context(fitted, later):
    stream = fitted.stream({"north": later, "south": later})
    with pytest.raises(ValueError, match="one row for each of the series"):
        stream.update(pd.DataFrame([later.iloc[0]] * 2, index=["north", "east"]))


def test_state_of_another_stream_is_refused(fitted, later):
    state = fitted.stream({"a": later, "b": later}).state
    with pytest.raises(ValueError, match="`state`"):
        fitted.stream().restore(state)
