import copy
import dataclasses
import json
import pickle
import random as global_random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tscnn import build_model, make_windows
from tscnn.network.backend import keras, ops
from tscnn.network.config import FEATURE_MODES, read_config, resolve_config
from tscnn.network.graph import build_network, seed_weights
from tscnn.network.receptive_field import find_holes, receptive_field

OLDER, LATER = 4, 3  # rows around the window under test


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


def randomize(model, seed=0):
    """Give every weight random values, those that start at zero too, none near it and none to saturate a gate."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        values = random.uniform(0.5, 1, weight.shape)
        if weight.path.endswith(("kernel", "weight")):
            values *= random.choice([-1, 1], weight.shape) / np.sqrt(np.prod(weight.shape[:-1]))
        elif weight.path.endswith(("bias", "beta", "moving_mean")):
            values -= 0.75
        weight.assign(values)
    return model


def random_rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def to_numpy(outputs):
    return ops.convert_to_numpy(outputs)


# The receptive field of built models


@pytest.fixture
def double_precision():
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def support_by_perturbation(model, lookback, n_features, features=None):
    """List the lags, negative for later rows, at which a change moves the forecast of one origin."""
    origin = OLDER + lookback - 1
    n_rows = origin + 1 + LATER
    rows = random_rows(1, n_rows, n_features)
    changed = np.repeat(rows, n_rows, axis=0)
    columns = range(n_features) if features is None else features
    for row in range(n_rows):
        changed[row, row, columns] += 1
    forecasts, clean = (to_numpy(model(x))[:, -1 - LATER] for x in (changed, rows))
    assert forecasts.dtype == np.float64  # tells a small effect from rounding
    moved = np.abs(forecasts - clean).max(axis=(1, 2)) > 1e-12 * np.abs(clean).max()
    return sorted(origin - int(row) for row in np.flatnonzero(moved))


def support_by_gradient(model, lookback, n_features):
    """List the lags at which the forecast of one origin has a gradient."""
    import tensorflow as tf

    rows = tf.constant(random_rows(1, OLDER + lookback + LATER, n_features))
    with tf.GradientTape() as tape:
        tape.watch(rows)
        forecast = tf.reduce_sum(model(rows)[:, -1 - LATER])
    gradient = np.abs(tape.gradient(forecast, rows).numpy()[0]).max(axis=1)
    return sorted(OLDER + lookback - 1 - int(row) for row in np.flatnonzero(gradient))


def assert_sees_exactly(model, lookback, n_features):
    assert support_by_perturbation(model, lookback, n_features) == list(range(lookback))
    assert support_by_gradient(model, lookback, n_features) == list(range(lookback))


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("normalizer_span", [slow(None), "auto"])
@pytest.mark.parametrize("lookback", [*map(slow, (1, 2, 23)), 10])
def test_field_of_the_convolutions_is_the_lookback(feature_mode, normalizer_span, lookback):
    settings = {"feature_mode": feature_mode, "normalizer_span": normalizer_span, "linear_skip": None, "filters": 3}
    assert_sees_exactly(randomize(build_model(lookback, 2, 2, **settings)), lookback, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    ("lookback", "settings"),
    [
        (16, {"kernel_size": 3}),
        (17, {"kernel_size": 4, "feature_mode": "front_end"}),
        (15, {"n_stacks": 2}),
        (14, {"n_stacks": 3, "kernel_size": 3, "feature_mode": "independent"}),
        (3, {"n_stacks": 2}),
        (12, {"dilation_rates": [4, 1, 2, 2]}),
        (12, {"dilation_rates": [4, 2, 2], "normalizer_span": 4}),
        (12, {"dilation_rates": ([1, 2], [4, 2]), "feature_mode": "front_end"}),
        (12, {"dilation_rates": ([], [1, 2, 4]), "feature_mode": "front_end"}),
        (12, {"dilation_rates": ([1, 2, 4], []), "feature_mode": "front_end"}),
        (12, {"normalizer_span": 12}),
        (12, {"targets": [1]}),
        (12, {"activation": "elu", "normalization": "layer"}),
        (12, {"activation": "gelu", "normalization": "batch"}),
    ],
)
def test_field_is_the_lookback_for_every_setting(lookback, settings):
    model = randomize(build_model(lookback, 2, 2, **{"linear_skip": None, "filters": 3, **settings}))
    assert_sees_exactly(model, lookback, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("linear_skip", ["shared", "per_feature"])
@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("lookback", [1, 9])
def test_field_with_the_linear_skip_is_the_lookback(linear_skip, feature_mode, lookback):
    model = build_model(lookback, 2, 2, linear_skip=linear_skip, feature_mode=feature_mode, filters=3)
    assert_sees_exactly(randomize(model), lookback, 2)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.integers(1, 40), st.integers(2, 4), st.sampled_from(FEATURE_MODES), st.sampled_from([None, "auto"]))
def test_field_of_any_plan_is_the_lookback(lookback, kernel_size, feature_mode, normalizer_span):
    kernel_size = min(kernel_size, max(lookback, 2))
    config = resolve_config(
        lookback, 1, 2, kernel_size=kernel_size, feature_mode=feature_mode, normalizer_span=normalizer_span
    )
    layers = [*config.front_end_layers, *config.layers, (config.normalizer_span, 1)]
    assert receptive_field(layers) == lookback
    assert find_holes(layers) == []
    network = build_network(dataclasses.replace(config, filters=3))
    assert support_by_gradient(randomize(network.dense), lookback, 2) == list(range(lookback))


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("feature_mode", ["front_end", slow("joint"), slow("independent")])
@pytest.mark.parametrize("normalizer_span", [slow(None), "auto"])
def test_one_layer_fewer_sees_less(feature_mode, normalizer_span):
    config = resolve_config(
        12, 2, 2, feature_mode=feature_mode, normalizer_span=normalizer_span, linear_skip=None, filters=3
    )
    _, dilation_rate = config.layers[-1]
    shorter = build_network(dataclasses.replace(config, layers=config.layers[:-1])).dense
    for measured in (support_by_perturbation, support_by_gradient):
        assert measured(randomize(shorter), 12, 2) == list(range(12 - dilation_rate))
    with pytest.raises(AssertionError):
        assert_sees_exactly(shorter, 12, 2)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("feature_mode", [slow("joint"), "front_end"])
def test_columns_that_are_not_targets_are_seen_over_the_whole_lookback(feature_mode):
    settings = {"feature_mode": feature_mode, "targets": [1], "filters": 3}
    model = randomize(build_model(10, 2, 3, normalizer_span=None, **settings))
    assert model.output_shape == (None, None, 2, 1)
    for feature in range(3):
        assert support_by_perturbation(model, 10, 3, [feature]) == list(range(10))


@pytest.mark.backend
def test_each_output_belongs_to_its_target():
    model = build_model(4, 2, 3, targets=[2, 0])  # untrained: each target's mean
    rows = random_rows(1, 4, 3)
    expected = np.broadcast_to(rows[0].mean(axis=0)[[2, 0]], (2, 2))
    np.testing.assert_allclose(to_numpy(model(rows))[0, 0], expected, rtol=1e-5, atol=1e-6)


# Causality and isolation


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("linear_skip", [None, slow("shared"), slow("per_feature")])
def test_no_later_row_leaks_in_to_the_bit_dense(feature_mode, linear_skip):
    model = build_model(9, 2, 3, feature_mode=feature_mode, linear_skip=linear_skip, filters=3, normalization="layer")
    randomize(model)
    rows = random_rows(2, 30, 3)
    clean = to_numpy(model(rows))
    for origin in (8, 15, 28):
        filled = rows.copy()
        filled[:, origin + 1 :] = np.nan
        forecasts = to_numpy(model(filled))
        n_known = origin - 9 + 2
        assert np.isfinite(forecasts[:, :n_known]).all()
        assert np.array_equal(forecasts[:, :n_known], clean[:, :n_known])
        assert np.isnan(forecasts[:, n_known:]).all()


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("normalizer_span", [slow(None), "auto"])
def test_no_older_row_leaks_in_dense(feature_mode, normalizer_span):
    model = randomize(build_model(9, 2, 3, feature_mode=feature_mode, normalizer_span=normalizer_span, filters=3))
    rows = random_rows(1, 30, 3)
    filled = rows.copy()
    filled[:, :12] = np.nan
    forecasts = to_numpy(model(filled))
    assert np.isnan(forecasts[:, :12]).all()
    assert np.array_equal(forecasts[:, 12:], to_numpy(model(rows))[:, 12:])


def test_every_step_of_the_horizon_uses_the_newest_row():
    for feature_mode in FEATURE_MODES:
        model = randomize(build_model(8, 5, 2, feature_mode=feature_mode, linear_skip=None, filters=3))
        rows = random_rows(1, 8, 2)
        changed = rows.copy()
        changed[:, -1] += 0.5
        moved = np.abs(to_numpy(model(changed)) - to_numpy(model(rows)))
        assert moved.min() > 1e-5


@pytest.mark.parametrize("linear_skip", [None, slow("shared"), "per_feature"])
def test_independent_features_do_not_meet(linear_skip):
    model = randomize(build_model(9, 2, 3, feature_mode="independent", linear_skip=linear_skip, filters=3))
    rows = random_rows(1, 12, 3)
    clean = to_numpy(model(rows))
    for feature in range(3):
        filled = rows.copy()
        filled[..., feature] = np.nan
        forecasts = to_numpy(model(filled))
        others = np.arange(3) != feature
        assert np.isnan(forecasts[..., feature]).all()
        assert np.array_equal(forecasts[..., others], clean[..., others])


@pytest.mark.parametrize("feature_mode", ["joint", slow("front_end")])
def test_features_meet_in_the_other_modes(feature_mode):
    model = randomize(build_model(9, 2, 3, feature_mode=feature_mode, linear_skip=None, filters=3))
    rows = random_rows(1, 9, 3)
    for feature in range(3):
        changed = rows.copy()
        changed[0, :, feature] += np.linspace(0, 1, 9)
        assert np.abs(to_numpy(model(changed)) - to_numpy(model(rows))).min() > 1e-6


def test_the_front_end_keeps_features_apart():
    model = randomize(build_model(9, 2, 3, feature_mode="front_end", filters=3))
    front_end = keras.Model(model.input, model.get_layer("front_end").output)
    rows = random_rows(1, 12, 3)
    filled = rows.copy()
    filled[..., 1] = np.nan
    outputs, clean = to_numpy(front_end(filled)), to_numpy(front_end(rows))  # (batch, positions, features, filters)
    assert np.isnan(outputs[:, :, 1]).all()
    assert np.array_equal(outputs[:, :, [0, 2]], clean[:, :, [0, 2]])


# Configuration


def test_explicit_dilation_rates_are_used_as_given():
    config = resolve_config(12, 1, 2, dilation_rates=[4, 1, 2, 2])
    assert config.layers == ((2, 4), (2, 1), (2, 2), (2, 2))
    assert config.normalizer_span == 3
    config = resolve_config(13, 1, 2, dilation_rates=(1, 2), kernel_size=3, n_stacks=2, normalizer_span=None)
    assert config.layers == ((3, 1), (3, 2), (3, 1), (3, 2))
    config = resolve_config(8, 1, 2, dilation_rates=([2], [1, 4]), feature_mode="front_end")
    assert (config.front_end_layers, config.layers) == (((2, 2),), ((2, 1), (2, 4)))


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
@pytest.mark.parametrize("kernel_size", [2, 3])
@pytest.mark.parametrize("lookback", [1, 6, 9])
def test_refused_dilation_rates_come_with_a_plan_that_fits(feature_mode, kernel_size, lookback):
    kernel_size = min(kernel_size, max(2, lookback))
    wrong = ([1], [9]) if feature_mode == "front_end" else [1, 9]
    settings = {"feature_mode": feature_mode, "normalizer_span": None}
    with pytest.raises(
        ValueError, match=rf"must equal the lookback, {lookback}, .* Received: dilation_rates="
    ) as error:
        resolve_config(lookback, 1, 2, kernel_size=kernel_size, dilation_rates=wrong, **settings)
    plan = str(error.value).split(" rows has ")[1].split(". ", 1)[1].split(" would fit")[0]
    config = resolve_config(lookback, 1, 2, **settings, **eval(f"dict({plan})"))
    assert config.lookback == lookback


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"dilation_rates": [1, 9]}, ValueError, r"must equal the lookback, 6, .* Received: dilation_rates=\[1, 9\]"),
        ({"dilation_rates": [1], "normalizer_span": 3}, ValueError, r"over 3 rows has 4\. .*dilation_rates=\[1, 2\]"),
        ({"dilation_rates": [1, 4]}, ValueError, r"no path reaches lags \[2, 3\]\. Received: dilation_rates=\[1, 4\]"),
        ({"dilation_rates": [5]}, ValueError, r"no path reaches lags \[1, 2, 3, 4\]\. Received: dilation_rates=\[5\]"),
        ({"dilation_rates": [0]}, ValueError, r"`dilation_rates\[0\]` must be .* Received: dilation_rates\[0\]=0"),
        (
            {"dilation_rates": 4},
            TypeError,
            r"`dilation_rates` must be 'auto' or a sequence .* Received: dilation_rates=4",
        ),
        ({"dilation_rates": "all"}, ValueError, r"`dilation_rates` must be 'auto' or a .*='all'"),
        ({"dilation_rates": [1, 4], "feature_mode": "front_end"}, ValueError, r"or a pair.*=\[1, 4\]"),
        ({"dilation_rates": 3, "feature_mode": "front_end"}, ValueError, r"or a pair.* dilation_rates=3"),
        ({"dilation_rates": ([1],), "feature_mode": "front_end"}, ValueError, r"or a pair.*\(\[1\],\)"),
        ({"feature_mode": "both"}, ValueError, r"`feature_mode` must be one of .* Received: feature_mode='both'"),
        ({"targets": [0, 3]}, ValueError, r"`targets` must be distinct positions among 3 features.*=\[0, 3\]"),
        ({"targets": [1, 1]}, ValueError, r"`targets` must be distinct .* Received: targets=\[1, 1\]"),
        ({"targets": []}, ValueError, r"`targets` must be distinct .* at least one\. Received: targets=\[\]"),
        ({"targets": [-1]}, ValueError, r"`targets\[0\]` must be .* Received: targets\[0\]=-1"),
        ({"targets": [0], "feature_mode": "independent"}, ValueError, r"every feature must be a target.*=\[0\]"),
        ({"normalizer_span": 7}, ValueError, r"`normalizer_span` must be at most .* 6\. Received: normalizer_span=7"),
        ({"normalizer_span": 1}, ValueError, r"`normalizer_span` must be .* at least 2\. Received: .*=1"),
        ({"normalizer_span": "all"}, ValueError, r"`normalizer_span` must be 'auto', None or .*='all'"),
        ({"kernel_size": 1}, ValueError, r"`kernel_size` must be .* at least 2\. Received: kernel_size=1"),
        ({"n_stacks": 0}, ValueError, r"`n_stacks` must be .* Received: n_stacks=0"),
        ({"n_stacks": 6, "dilation_rates": [1] * 999}, ValueError, r"`n_stacks` must leave fewer layers"),
        ({"kernel_size": 7}, ValueError, r"`kernel_size` must be at most 6 for a lookback of 6"),
        ({"n_stacks": 40}, ValueError, r"`n_stacks` must be at most .* Received: n_stacks=40"),
        ({"filters": 0}, ValueError, r"`filters` must be .* Received: filters=0"),
        ({"activation": "nope"}, ValueError, r"`activation` must be .* Received: activation='nope'"),
        ({"activation": np.tanh}, TypeError, r"`activation` must be .* Received: activation=<ufunc 'tanh'>"),
        ({"normalization": "group"}, ValueError, r"`normalization` must be one of None, .* normalization='group'"),
        ({"dropout": 1.0}, ValueError, r"`dropout` must be .* \[0, 1\)\. Received: dropout=1\.0"),
        ({"linear_skip": True}, ValueError, r"`linear_skip` must be one of None, .* Received: linear_skip=True"),
        ({"lookback": 0}, ValueError, r"`lookback` must be .* Received: lookback=0"),
        ({"horizon": 0}, ValueError, r"`horizon` must be .* Received: horizon=0"),
        ({"n_features": 1.0}, TypeError, r"`n_features` must be .* Received: n_features=1\.0"),
    ],
)
def test_errors_name_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        resolve_config(**{"lookback": 6, "horizon": 1, "n_features": 3, **settings})


def test_errors_ask_for_the_setting_that_was_meant():
    with pytest.raises(TypeError, match=r"no setting 'filtres'; did you mean 'filters'\? Received: filtres=3"):
        build_model(6, 2, 2, filtres=3)


@pytest.mark.parametrize("feature_mode", FEATURE_MODES)
def test_the_configuration_goes_through_json(feature_mode):
    config = resolve_config(9, 2, 3, feature_mode=feature_mode, normalization="layer", add_level=False)
    assert read_config(json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lookback": 10}, r"must equal the lookback, 10\. Received: receptive_field=9"),
        ({"lookback": 2.5}, "Received: lookback=2.5"),
        ({"layers": 3}, r"`layers` must be a list of .* Received: layers=3"),
        ({"layers": [[2, 1, 1]]}, r"`layers` must be a list of .* layers=\[\[2, 1, 1\]\]"),
        ({"front_end_layers": [[2, 1]], "normalizer_span": 3}, "`front_end_layers` must be empty"),
        ({"targets": [5]}, r"Received: targets=\[5\]"),
        ({"add_level": "yes"}, "Received: add_level='yes'"),
        ({"other": 1}, r"missing=\[\], unknown=\['other'\]"),
    ],
)
def test_a_bad_configuration_is_refused(changes, message):
    settings = dataclasses.asdict(resolve_config(9, 2, 3))
    with pytest.raises((TypeError, ValueError), match=message):
        read_config({**settings, **changes})


def test_the_configuration_is_frozen_and_hashable():
    config = resolve_config(10, 2, 3, targets=[2, 0], dilation_rates=[1, 2, 4])
    assert len({config, resolve_config(10, 2, 3, targets=(2, 0), dilation_rates=(1, 2, 4))}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.filters = 3
    assert pickle.loads(pickle.dumps(config)) == config


# Weights


def test_seed_weights_draws_the_same_weights_from_one_seed_only():
    model, other = (build_model(8, 2, 3, filters=3) for _ in range(2))
    seed_weights(model, 1)
    seed_weights(other, 1)
    for weight, same in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(weight, same)
    seed_weights(other, 2)
    kernels = [i for i, w in enumerate(model.weights) if w.path.endswith("kernel") and "head" not in w.path]
    assert len(kernels) > 6
    assert not any(np.array_equal(model.get_weights()[i], other.get_weights()[i]) for i in kernels)


def test_seed_weights_leaves_what_starts_at_zero():
    model = build_model(8, 2, 3, filters=3)
    seed_weights(model, 1)
    zero = [w.path for w in model.weights if not w.path.endswith("bias") and not to_numpy(w.value).any()]
    assert zero == ["head/kernel", "linear_skip/weight"]


def test_seed_weights_settles_dropout_too():
    outputs = []
    for seed in (1, 1, 2):
        model = build_model(8, 2, 3, filters=3, dropout=0.5)
        seed_weights(model, seed)
        outputs.append(to_numpy(model.get_layer("stack")(random_rows(2, 9, 3), training=True)))
        seed_weights(randomize(model), 0)  # from here on only the dropout differs
    assert np.array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])


def test_seed_weights_leaves_global_generators_alone():
    model = build_model(8, 2, 3, filters=3, dropout=0.5)
    before = global_random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    seed_weights(model, 1)
    assert (global_random.getstate(), pickle.dumps(np.random.get_state())) == before  # noqa: NPY002


@pytest.mark.parametrize("copied", [slow(copy.deepcopy), lambda network: pickle.loads(pickle.dumps(network))])
def test_copies_of_a_network_keep_weights_shared_between_dense_and_single_origin(copied):
    network = build_network(resolve_config(8, 2, 3, feature_mode="front_end", filters=2, normalization="batch"))
    randomize(network.dense)
    clone = copied(network)
    rows = random_rows(2, 8, 3)
    assert clone.config == network.config
    for name in ("dense", "single_origin"):
        assert np.array_equal(to_numpy(getattr(clone, name)(rows)), to_numpy(getattr(network, name)(rows)))
    assert all(a is b for a, b in zip(clone.dense.weights, clone.single_origin.weights, strict=True))
    original = network.dense.get_weights()
    randomize(clone.dense, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(original, network.dense.get_weights(), strict=True))
    difference = to_numpy(clone.dense(rows)) - to_numpy(clone.single_origin(rows))
    assert np.abs(difference).max() < 1e-4 * np.abs(to_numpy(clone.dense(rows))).max()


@pytest.mark.backend
def test_levels_keep_their_digits_in_any_state_of_keras():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model(8, 2, 3, filters=2)
    finally:
        keras.config.set_dtype_policy(before)
    stack = model.get_layer("stack")
    inside = [stack, stack.project, stack.blocks[0].conv, stack.blocks[0].to_skip]
    assert {layer.compute_dtype for layer in inside} == {"bfloat16"}
    for name in ("normalizer", "scale_back", "head", "linear_skip", "add"):
        assert model.get_layer(name).compute_dtype == "float32"
    assert model.output.dtype == "float32"


def test_a_seed_leaves_the_state_of_pythons_random_alone():
    before = global_random.getstate()
    first, second = (build_network(resolve_config(8, 2, 3, dropout=0.5), seed=3).arrays() for _ in range(2))
    assert global_random.getstate() == before
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["stack/block_0/conv/kernel"], first["stack/block_1/conv/kernel"])


# The model is plain Keras


@pytest.mark.slow
@pytest.mark.parametrize("feature_mode", [slow("joint"), "front_end", slow("independent")])
def test_the_model_trains_saves_and_loads_as_any_keras_model(feature_mode, tmp_path):
    model = build_model(6, 2, 3, feature_mode=feature_mode, filters=2, dropout=0.1)
    assert isinstance(model, keras.Model)
    assert (model.input_shape, model.output_shape) == ((None, None, 3), (None, None, 2, 3))
    model.compile("adam", "mse")
    x, y = random_rows(8, 7, 3), random_rows(8, 2, 2, 3, seed=1)
    before = model.get_weights()
    history = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert np.array_equal(to_numpy(loaded(x)), to_numpy(model(x)))


@pytest.mark.parametrize("settings", [{}, {"dilation_rates": [4, 2], "normalizer_span": 6}])
def test_the_single_origin_model_saves_and_loads(settings, tmp_path):
    model = randomize(build_network(resolve_config(12, 2, 3, filters=2, **settings)).single_origin)
    model.save(tmp_path / "model.keras")
    rows = random_rows(2, 12, 3)
    assert np.array_equal(to_numpy(keras.saving.load_model(tmp_path / "model.keras")(rows)), to_numpy(model(rows)))


@pytest.mark.parametrize("settings", [{}, {"linear_skip": None, "normalizer_span": None}])
def test_a_series_shorter_than_the_lookback_is_refused(settings):
    model = build_model(8, 2, 3, **settings)
    with pytest.raises(ValueError, match=r"at least \d rows, the receptive field\. Received: input_shape="):
        model(random_rows(1, 7, 3))


@pytest.mark.parametrize("linear_skip", [None, "per_feature"])
def test_independent_targets_in_another_order_see_their_own_past(linear_skip):
    targets = (2, 0, 1)
    network = build_network(
        resolve_config(9, 2, 3, filters=3, feature_mode="independent", targets=targets, linear_skip=linear_skip)
    )
    random = np.random.default_rng(0)
    for weight in network.dense.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    rows = random.normal(size=(1, 9, 3)).astype(np.float32)
    before = to_numpy(network.dense(rows))
    for feature in range(3):
        changed = rows.copy()
        changed[:, -1, feature] += 1
        moved = np.abs(to_numpy(network.dense(changed)) - before).max(axis=(0, 1, 2))
        assert [targets[i] for i in np.flatnonzero(moved)] == [feature]


# Outcomes as `make_windows` cuts them


def compiled_model(n_features=2, eagerly=True):
    model = randomize(build_model(5, 3, n_features, filters=2, normalizer_span=None))
    model.compile("sgd", "mse", metrics=["mae"], run_eagerly=eagerly)
    return model


@pytest.mark.backend
@pytest.mark.parametrize("eagerly", [True, False])
def test_a_model_is_evaluated_on_the_targets_of_make_windows(eagerly):
    model, rows = compiled_model(eagerly=eagerly), random_rows(14, 2)
    inputs, targets = make_windows(rows, 5, 3)
    errors = np.asarray(model(inputs))[:, 0] - targets
    expected = [np.mean(errors**2), np.mean(np.abs(errors))]
    np.testing.assert_allclose(model.evaluate(inputs, targets, verbose=0), expected, rtol=1e-4)
    np.testing.assert_allclose(model.evaluate(inputs, targets[:, None], verbose=0), expected, rtol=1e-4)
    segment, outcomes = rows[None, :-3], targets[None]  # one segment that has all windows
    np.testing.assert_allclose(model.evaluate(segment, outcomes, verbose=0), expected, rtol=1e-4)


def test_of_one_series_inputs_and_targets_need_no_axis_of_features():
    model, (inputs, targets) = compiled_model(1), make_windows(random_rows(14), 5, 3)
    errors = np.asarray(model(inputs[..., None]))[:, 0, :, 0] - targets
    np.testing.assert_allclose(model.evaluate(inputs, targets, verbose=0)[0], np.mean(errors**2), rtol=1e-4)
    model.fit(inputs, targets, verbose=0)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 3), (4, 3, 1), (4, 2, 3, 2), (4, 1, 3, 1), (4,)])
def test_other_outcomes_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"`y` must have the shape of the forecasts, \(batch, 1, 3, 2\), .* make_windows"
    ):
        compiled_model().fit(random_rows(4, 5, 2), np.zeros(shape), verbose=0)


def test_other_outcomes_are_refused_after_those_that_fit():
    model, rows = compiled_model(eagerly=False), random_rows(4, 5, 2)
    model.evaluate(rows, np.zeros((4, 3, 2)), verbose=0)
    with pytest.raises(ValueError, match=r"`y` must have the shape of the forecasts"):
        model.evaluate(rows, np.zeros((4, 3)), verbose=0)


def test_outcomes_of_one_window_are_refused_for_several():
    with pytest.raises(ValueError, match=r"\(batch, 2, 3, 2\), or of one window a sample, \(batch, 3, 2\)"):
        compiled_model().fit(random_rows(4, 6, 2), np.zeros((4, 3, 2)), verbose=0)


def test_padding_and_blocks_are_those_of_the_layer():
    with pytest.raises(
        TypeError, match=r"has no 'padding': .*WaveNetStack\(padding=\.\.\).* Received: padding='causal'"
    ):
        build_model(6, 2, 2, padding="causal")
