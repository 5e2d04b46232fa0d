"""One set of weights, several evaluators, one answer."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.network.networks import difference, random_parameters, random_rows, random_term
from tscnn.common import numpy_ops
from tscnn.common.ring import Ring
from tscnn.data.graph_times import GraphTimes
from tscnn.network import inference
from tscnn.network.config import FEATURE_MODES, resolve_config
from tscnn.network.inference import weight_shapes
from tscnn.network.term import NetworkTerm

N_EXTRA = 5


def step_through(term, rows):
    """Forecasts by `step` of every row after the first context."""
    state = term.start(rows[:, : term.context])
    return np.stack([term.step(state, row) for row in rows[:, term.context :].transpose(1, 0, 2)], axis=1)


def check_in_numpy(term):
    """Dense, last, step, and whatever arrays and pickles make of the term: one answer."""
    rows = random_rows(2, term.context + N_EXTRA, term.config.n_features)
    dense = np.stack([term.dense(series) for series in rows])
    assert dense.shape == (2, N_EXTRA + 1, term.config.horizon, len(term.config.targets))
    assert np.ptp(dense, axis=1).min() > 1e-4  # or all would be equal for no merit
    windows = np.concatenate([rows[:, j : j + term.context] for j in range(N_EXTRA + 1)])
    last = np.stack(np.split(term.last(windows), N_EXTRA + 1), axis=1)
    assert difference(last, dense) < 1e-5
    exported = term.last_in_graph(windows, GraphTimes(numpy_ops), None)
    assert difference(exported, term.last(windows)) < 1e-5
    assert difference(step_through(term, rows), dense[:, 1:]) < 1e-5
    return rows, dense


def check_with_keras(term):
    """The same, and Keras's two graphs."""
    from tscnn.network.backend import ops

    rows, dense = check_in_numpy(term)
    network = term.to_keras()
    assert difference(ops.convert_to_numpy(network.dense(rows)), dense) < 1e-5
    newest = ops.convert_to_numpy(network.single_origin(rows[:, -term.context :]))
    assert difference(newest[:, 0], dense[:, -1]) < 1e-5
    ours = term.on_keras
    assert difference(np.stack([ours.dense(series) for series in rows]), dense) < 1e-5
    assert difference(ours.last(rows), dense[:, -1]) < 1e-5
    again = NetworkTerm.from_keras(network)
    assert again.config == term.config
    assert all(np.array_equal(again.parameters[name], term.parameters[name]) for name in term.parameters)


@settings(max_examples=60)
@given(
    lookback=st.integers(1, 40),
    kernel_size=st.integers(2, 4),
    n_stacks=st.integers(1, 3),
    feature_mode=st.sampled_from(FEATURE_MODES),
    normalizer_span=st.sampled_from(["auto", None]),
    normalization=st.sampled_from([None, "layer", "batch"]),
    activation=st.sampled_from(["gated", "relu", "gelu"]),
    add_level=st.booleans(),
    seed=st.integers(0, 99),
)
def test_dense_equals_last_equals_step(lookback, n_stacks, **drawn):
    assume(lookback > 4 or n_stacks == 1)
    drawn["kernel_size"] = min(drawn["kernel_size"], max(lookback, 2))
    check_in_numpy(random_term(lookback, n_stacks=n_stacks, **drawn))


ODD_SETTINGS = [
    (12, {"dilation_rates": [4, 1, 2, 2]}),
    (10, {"dilation_rates": [4, 1, 2, 2], "normalizer_span": None}),
    (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4}),  # every second row
    (16, {"dilation_rates": [6, 3], "normalizer_span": 7}),  # every third
    (25, {"dilation_rates": [2, 6, 3], "kernel_size": 3, "normalizer_span": 3}),
    (19, {"dilation_rates": [2, 4, 2], "n_stacks": 2}),
    (12, {"dilation_rates": ([4, 1], [2, 2]), "feature_mode": "front_end"}),
    (12, {"dilation_rates": ([4, 2], [2]), "feature_mode": "front_end", "normalizer_span": 4}),
    (12, {"dilation_rates": ([], [4, 1, 2]), "feature_mode": "front_end"}),
    (12, {"dilation_rates": ([1, 2, 4], []), "feature_mode": "front_end"}),
    (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4, "feature_mode": "independent"}),
    (12, {"normalizer_span": 12}),
    (1, {}),
    (12, {"targets": [1], "n_features": 3}),
    (12, {"targets": [2, 0], "n_features": 3, "feature_mode": "front_end", "add_level": False}),
    (12, {"targets": [2, 0, 1], "n_features": 3, "feature_mode": "independent"}),
]


@pytest.mark.parametrize(("lookback", "settings"), ODD_SETTINGS)
def test_dense_equals_last_equals_step_for_odd_settings(lookback, settings):
    check_in_numpy(random_term(lookback, **settings))


def test_of_silent_targets_nothing_is_said_in_every_form():
    term = random_term(feature_mode="independent", normalizer_span=None, targets=[1, 0])
    hushed = NetworkTerm(term.config, term.parameters, (1,))
    rows = random_rows(1, term.context + N_EXTRA, 2)
    dense = hushed.dense(rows[0])
    assert not dense[:, :, 1].any()
    np.testing.assert_array_equal(dense[:, :, 0], term.dense(rows[0])[:, :, 0])
    assert difference(hushed.last(rows[:, N_EXTRA:]), dense[-1:]) < 1e-5
    assert difference(step_through(hushed, rows)[0], dense[1:]) < 1e-5
    again = NetworkTerm.from_arrays(json.loads(json.dumps(hushed.settings())), hushed.arrays())
    for copied in (again, pickle.loads(pickle.dumps(hushed)), copy.copy(hushed)):
        np.testing.assert_array_equal(copied.dense(rows[0]), dense)
    with pytest.raises(ValueError, match="positions among 2 targets"):
        NetworkTerm(term.config, term.parameters, (2,))


@pytest.mark.backend
@pytest.mark.parametrize(
    ("feature_mode", "normalization", "activation", "changes"),
    [
        ("joint", None, "gated", {}),
        ("joint", "batch", "relu", {"dilation_rates": [6, 3], "lookback": 16, "normalizer_span": 7}),
        ("front_end", "layer", "gelu", {"targets": [2, 0], "n_features": 3}),
        ("independent", "batch", "gated", {"targets": [2, 0, 1], "n_features": 3, "add_level": False}),
        ("independent", "layer", "elu", {"normalizer_span": None}),
    ],
)
def test_keras_forecasts_the_same(feature_mode, normalization, activation, changes):
    settings = {"feature_mode": feature_mode, "normalization": normalization, "activation": activation, **changes}
    check_with_keras(random_term(**settings))


@pytest.mark.slow
@settings(max_examples=10)
@given(
    lookback=st.integers(1, 40),
    kernel_size=st.integers(2, 4),
    n_stacks=st.integers(1, 3),
    feature_mode=st.sampled_from(FEATURE_MODES),
    normalizer_span=st.sampled_from(["auto", None]),
    normalization=st.sampled_from([None, "layer", "batch"]),
    activation=st.sampled_from(["gated", "relu", "gelu", "hard_shrink"]),
    add_level=st.booleans(),
    seed=st.integers(0, 99),
)
def test_keras_forecasts_the_same_whatever_is_drawn(lookback, n_stacks, **drawn):
    assume(lookback > 4 or n_stacks == 1)
    drawn["kernel_size"] = min(drawn["kernel_size"], max(lookback, 2))
    check_with_keras(random_term(lookback, n_stacks=n_stacks, **drawn))


@pytest.mark.slow
@pytest.mark.parametrize(("lookback", "settings"), ODD_SETTINGS)
def test_keras_forecasts_the_same_for_odd_settings(lookback, settings):
    check_with_keras(random_term(lookback, **settings))


def test_other_weights_would_be_told_apart():
    rows = random_rows(20, 2)
    assert difference(random_term(seed=1).dense(rows), random_term(seed=0).dense(rows)) > 1e-2


# Chunks, memory, state


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
def test_chunks_of_origins_windows_and_features_fit_together(monkeypatch, feature_mode):
    term = random_term(lookback=5, n_features=7, feature_mode=feature_mode)
    rows = random_rows(60, 7)
    expected = term.dense(rows)
    windows = np.stack([rows[i : i + 5] for i in range(56)])
    monkeypatch.setattr(inference, "CACHED_POSITIONS", 16)
    monkeypatch.setattr("tscnn.network.term.CACHED_POSITIONS", 16)
    assert difference(term.dense(rows), expected) < 1e-5
    assert difference(term.last(windows), expected) < 1e-5


def test_older_rows_do_not_matter():
    term, rows = random_term(), random_rows(2, 40, 2)
    assert np.array_equal(term.last(rows), term.last(rows[:, -term.context :]))
    for found, expected in zip(term.start(rows), term.start(rows[:, -term.context :]), strict=True):
        assert np.array_equal(found.last(), expected.last())


def test_steps_agree_with_dense_after_many_rows():
    term = random_term(lookback=23)
    rows = random_rows(1, 3000, 2, seed=2).cumsum(axis=1)
    late = step_through(term, rows)[:, -100:]
    dense = term.dense(rows[0, -122:])[None]
    np.testing.assert_allclose(late, dense, rtol=1e-5, atol=1e-5 * np.abs(dense).max())


def test_memory_does_not_grow():
    term = random_term(lookback=23)
    state = term.start(random_rows(1, 23, 2))
    before = len(pickle.dumps(state))
    for row in random_rows(50, 1, 2):
        term.step(state, row)
    assert all(isinstance(ring, Ring) for ring in state)
    assert len(pickle.dumps(state)) == before


# Arrays


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("normalization", [None, "layer", "batch"])
def test_copies_are_equal_to_the_bit(feature_mode, normalization):
    term = random_term(feature_mode=feature_mode, normalization=normalization)
    rows = random_rows(20, 2)
    expected = term.dense(rows)
    as_json = json.loads(json.dumps(term.settings()))
    for twin in (
        NetworkTerm.from_arrays(as_json, term.arrays()),
        pickle.loads(pickle.dumps(term)),
        copy.deepcopy(term),
    ):
        assert twin.config == term.config
        assert np.array_equal(twin.dense(rows), expected)


def test_a_head_of_zeros_says_nothing():
    term = random_term()
    assert term.says_something
    zeros = {name: 0 * array if name.startswith("head/") else array for name, array in term.arrays().items()}
    assert not NetworkTerm(term.config, zeros).says_something


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("head/bias"), r"name='head/bias', shape=None, needed=\(4,\)"),
        (lambda arrays: arrays.update(other=np.zeros(3)), r"name='other', shape=\(3,\), needed=None"),
        (lambda arrays: arrays.update({"head/bias": np.zeros(5)}), r"name='head/bias', shape=\(5,\), needed=\(4,\)"),
    ],
)
def test_arrays_of_another_network_are_refused(change, message):
    term = random_term()
    arrays = term.arrays()
    change(arrays)
    with pytest.raises(ValueError, match=message):
        NetworkTerm.from_arrays(term.settings(), arrays)


def test_a_linear_skip_is_refused():
    config = resolve_config(8, 2, 2, linear_skip="shared", filters=3)
    with pytest.raises(ValueError, match="linear_skip='shared'"):
        NetworkTerm(config, random_parameters(config))


@pytest.mark.parametrize("n_features", [1, 3])
def test_rows_of_another_shape_are_refused(n_features):
    with pytest.raises(ValueError, match=rf"at least 12 rows of 2 features\. Received: shape=\(12, {n_features}\)"):
        random_term().dense(random_rows(12, n_features))
    with pytest.raises(ValueError, match=r"Received: shape=\(11, 2\)"):
        random_term().last(random_rows(3, 11, 2))


# Without Keras


def test_numpy_alone_is_enough():
    code = "import sys, tscnn.network.term; sys.exit(bool({'keras', 'tensorflow'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_have_the_names_of_keras():
    config = resolve_config(6, 2, 3, filters=2, normalization="batch", feature_mode="front_end")
    names = {name.split("/")[0] for name in weight_shapes(config)}
    assert names == {"front_end_stack", "stack", "head"}
