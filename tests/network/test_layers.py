import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import layers as twin
from tscnn.network.backend import keras, ops
from tscnn.network.layers import (
    CausalConv1D,
    ConvPoolBlock,
    CropToField,
    Downsample1D,
    GatedActivation,
    Head,
    LinearSkip,
    LinearUpsample1D,
    PerFeature,
    ResidualBlock,
    RollingNormalizer,
    ScaleBack,
    Upsample1D,
    WaveNetStack,
    pyramid_spacings,
)

few = settings(max_examples=8)
seeds = st.integers(0, 2**16)


def randomize(layer, seed=0):
    """Give every weight random values, those that start at zero too."""
    random = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return layer


def random_rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def to_numpy(outputs):
    return [ops.convert_to_numpy(o) for o in outputs] if isinstance(outputs, tuple) else ops.convert_to_numpy(outputs)


def weights_of(layer):
    """Return the weights by their path below the layer."""
    return {weight.path.removeprefix(f"{layer.name}/"): to_numpy(weight.value) for weight in layer.weights}


def assert_all_close(actual, expected, tolerance=1e-5):
    actual, expected = (list(a) if isinstance(a, (list, tuple)) else [a] for a in (actual, expected))
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(to_numpy(a), to_numpy(e), rtol=tolerance, atol=tolerance)


# CausalConv1D


@few
@given(kernel_size=st.integers(1, 4), dilation_rate=st.integers(1, 5), length=st.integers(1, 24), seed=seeds)
def test_causal_convolution_equals_that_of_keras_and_numpy(kernel_size, dilation_rate, length, seed):
    x = random_rows(2, length, 3, seed=seed)
    ours = CausalConv1D(4, kernel_size, dilation_rate, padding="causal")
    ours.build(x.shape)
    randomize(ours, seed)
    theirs = keras.layers.Conv1D(4, kernel_size, dilation_rate=dilation_rate, padding="causal")
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    assert_all_close(ours(x), theirs(x))
    assert_all_close(ours(x)[1], twin.causal_convolution(x[1], *ours.get_weights(), dilation_rate))


@few
@given(kernel_size=st.integers(1, 4), dilation_rate=st.integers(1, 5), extra=st.integers(0, 9), seed=seeds)
def test_valid_convolution_is_the_causal_one_where_it_sees_real_rows_only(kernel_size, dilation_rate, extra, seed):
    reach = (kernel_size - 1) * dilation_rate
    x = random_rows(2, 1 + reach + extra, 3, seed=seed)
    causal = CausalConv1D(4, kernel_size, dilation_rate, padding="causal")
    causal.build(x.shape)
    valid = CausalConv1D(4, kernel_size, dilation_rate)
    valid.build(x.shape)
    valid.set_weights(randomize(causal, seed).get_weights())
    assert valid.receptive_field == 1 + reach
    assert valid(x).shape == (2, 1 + extra, 4)
    assert_all_close(valid(x), causal(x)[:, reach:])
    assert_all_close(valid(x)[0], twin.valid_convolution(x[0], *valid.get_weights(), dilation_rate))


@few
@given(
    kernel_size=st.integers(1, 3),
    steps=st.integers(1, 3),
    spacing=st.integers(1, 3),
    stride=st.integers(1, 4),
    extra=st.integers(0, 9),
    padding=st.sampled_from(["valid", "causal"]),
)
def test_spaced_and_strided_convolution_is_a_sample_of_the_dense_one(
    kernel_size, steps, spacing, stride, extra, padding
):
    conv = CausalConv1D(4, kernel_size, steps * spacing, padding=padding)
    x = random_rows(2, 1 + ((kernel_size - 1) * steps + extra) * spacing, 3)
    conv.build(x.shape)
    dense = randomize(conv)(x)
    sampled = conv(x[:, ::spacing], spacing=spacing, stride=stride)
    expected = to_numpy(dense)[:, ::-1][:, :: spacing * stride][:, ::-1]
    assert_all_close(sampled, expected)
    spec = conv.compute_output_spec(keras.KerasTensor(x[:, ::spacing].shape), spacing=spacing, stride=stride)
    assert spec.shape == sampled.shape


@pytest.mark.backend
def test_the_kernel_initializer_is_used():
    conv = CausalConv1D(2, 2, kernel_initializer="ones")
    conv.build((None, None, 3))
    assert np.all(to_numpy(conv.kernel) == 1)
    assert np.all(to_numpy(conv.bias) == 0)


# GatedActivation, ResidualBlock, WaveNetStack


@pytest.mark.backend
def test_gated_activation_equals_numpy():
    x = 3 * random_rows(2, 5, 3, 8)
    assert_all_close(GatedActivation()(x), twin.gated_unit(x))


@few
@given(kernel_size=st.integers(1, 3), dilation_rate=st.integers(1, 4), extra=st.integers(0, 6), seed=seeds)
def test_residual_block_returns_residual_and_skip_of_numpy(kernel_size, dilation_rate, extra, seed):
    block = ResidualBlock(3, kernel_size, dilation_rate)
    x = random_rows(2, 1 + (kernel_size - 1) * dilation_rate + extra, 3, seed=seed)
    block.build(x.shape)
    residual, skip = randomize(block, seed)(x)
    assert_all_close((residual[1], skip[1]), twin.residual_block(x[1], weights_of(block), dilation_rate))


@few
@given(
    kernel_size=st.integers(1, 3),
    steps=st.integers(1, 2),
    spacing=st.integers(1, 3),
    stride=st.integers(1, 3),
    extra=st.integers(0, 7),
)
def test_spaced_and_strided_residual_block_is_a_sample_of_the_dense_one(kernel_size, steps, spacing, stride, extra):
    block = ResidualBlock(3, kernel_size, steps * spacing)
    x = random_rows(1, 1 + ((kernel_size - 1) * steps + extra) * spacing, 3)
    block.build(x.shape)
    dense = randomize(block)(x)
    sampled = block(x[:, ::spacing], spacing=spacing, stride=stride, skip_at=slice(-1, None))
    residual, skip = (to_numpy(d)[:, ::-1][:, :: spacing * stride][:, ::-1] for d in dense)
    assert_all_close(sampled, (residual, skip[:, -1:]))


@pytest.mark.parametrize("activation", ["relu", "elu", "gelu", "linear"])
def test_residual_block_takes_any_keras_activation(activation):
    block = ResidualBlock(3, 2, activation=activation)
    x = random_rows(1, 6, 3)
    block.build(x.shape)
    weights = weights_of(randomize(block))
    hidden = twin.valid_convolution(x[0], weights["conv/kernel"], weights["conv/bias"], 1)
    hidden = to_numpy(keras.activations.get(activation)(ops.convert_to_tensor(hidden, "float32")))
    assert_all_close(block(x)[1][0], hidden @ weights["to_skip/kernel"] + weights["to_skip/bias"])


@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_residual_block_normalizes_between_convolution_and_activation(normalization):
    block = ResidualBlock(3, 2, normalization=normalization)
    x = 5 + 10 * random_rows(4, 9, 3)
    block.build(x.shape)
    conv = to_numpy(block.conv(x)).astype(float)
    axes = -1 if normalization == "layer" else (0, 1)
    normal = (conv - conv.mean(axes, keepdims=True)) / np.sqrt(conv.var(axes, keepdims=True) + 1e-3)
    assert_all_close(block(x, training=True)[1], to_numpy(block.to_skip(twin.gated_unit(normal))), 1e-4)


@pytest.mark.backend
def test_dropout_drops_whole_filters_in_training_only():
    block = ResidualBlock(8, 2, activation="linear", dropout=0.5)
    x = 1 + random_rows(3, 7, 8) ** 2
    block.build(x.shape)
    randomize(block)
    block.to_skip.set_weights([np.eye(8), np.zeros(8)])
    without = ResidualBlock.from_config({**block.get_config(), "dropout": 0.0})
    without.build(x.shape)
    without.set_weights(block.get_weights())
    assert_all_close(block(x), without(x), 0)
    dropped = to_numpy(block(x, training=True)[1]) == 0
    assert 0 < dropped.mean() < 1
    assert np.all(dropped == dropped[:, :1])


@few
@given(rates=st.lists(st.integers(1, 4), max_size=3), kernel_size=st.integers(2, 3), extra=st.integers(0, 4))
def test_stack_equals_numpy(rates, kernel_size, extra):
    stack = WaveNetStack([(kernel_size, d) for d in rates], filters=3)
    assert stack.receptive_field == 1 + (kernel_size - 1) * sum(rates)
    x = random_rows(2, stack.receptive_field + extra, 2)
    stack.build(x.shape)
    randomize(stack)
    assert stack(x).shape == (2, 1 + extra, 3)
    assert_all_close(stack(x)[1], twin.wavenet_stack(x[1], weights_of(stack), rates))


@few
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), max_size=4))
def test_pyramid_of_the_stack_equals_its_newest_dense_output(pairs):
    stack = WaveNetStack(pairs, filters=3)
    x = random_rows(2, stack.receptive_field, 2)
    stack.build(x.shape)
    dense = randomize(stack)(x)
    spacings = pyramid_spacings(pairs)
    assert_all_close(stack(x[:, :: spacings[0]], spacings=spacings), dense)


def test_pyramid_computes_about_two_positions_a_row():
    spacings = pyramid_spacings([(2, 2**i) for i in range(10)])
    assert spacings == [2**i for i in range(10)] + [512]
    assert pyramid_spacings([(2, 4), (2, 1), (2, 2), (2, 2)]) == [1, 1, 2, 2, 2]
    assert pyramid_spacings([(3, 4), (2, 6)]) == [2, 6, 6]
    assert pyramid_spacings([]) == [1]


# PerFeature


def isolated_and_causal(apply, x, atol=1e-6):
    """Whether output (.., row, feature, ..) of a per-feature causal layer sees only its feature, up to its row."""
    clean = to_numpy(apply(x))  # (batch, positions, features, filters)
    for row in (0, x.shape[1] // 2, x.shape[1] - 1):
        for feature in range(x.shape[2]):
            for value in (np.nan, x[0, row, feature] + 1):
                disturbed = x.copy()
                disturbed[0, row, feature] = value
                outputs = to_numpy(apply(disturbed))
                same = np.isfinite(outputs) & (np.abs(outputs - clean) <= atol)
                first = max(0, row - (x.shape[1] - clean.shape[1]))  # output position of the disturbed row
                others = np.arange(x.shape[2]) != feature
                if not (same[0, :first].all() and same[0][:, others].all() and same[1:].all()):
                    return False
                if same[0, first, feature].all():  # and it does see its own newest row
                    return False
    return True


def built_stack(filters=2):
    stack = WaveNetStack([(2, 1), (2, 2)], filters=filters)
    stack.build((None, None, 1))
    return randomize(stack)


@pytest.mark.parametrize("layer_type", ["stack", "convolution", "Keras's convolution"])
def test_per_feature_equals_permute_and_time_distributed(layer_type):
    layer = {
        "stack": built_stack(),
        "convolution": CausalConv1D(2, 3),
        "Keras's convolution": keras.layers.Conv1D(2, 3, padding="causal"),
    }[layer_type]
    x = random_rows(3, 8, 4)
    swap, swap_back = keras.layers.Permute((2, 1)), keras.layers.Permute((2, 1, 3))
    outputs = PerFeature(layer)(x)
    assert_all_close(outputs, swap_back(keras.layers.TimeDistributed(layer)(swap(x)[..., None])), 1e-6)
    inputs = keras.Input((None, 4))
    assert_all_close(keras.Model(inputs, PerFeature(layer)(inputs))(x), outputs, 1e-6)


def test_per_feature_isolates_features_and_is_causal():
    assert isolated_and_causal(PerFeature(built_stack()), random_rows(2, 10, 3))


@pytest.mark.slow
def test_reshape_instead_of_permute_breaks_isolation_and_causality():
    stack, (n_rows, n_features) = built_stack(), (10, 3)

    def reshape_variant(x):
        series = keras.layers.Reshape((n_features, n_rows))(x)  # what the popular mistake does
        outputs = keras.layers.TimeDistributed(stack)(series[..., None])
        return keras.layers.Reshape((outputs.shape[2], n_features, outputs.shape[3]))(outputs)

    def permute_variant(x):
        series = keras.layers.Permute((2, 1))(x)
        return keras.layers.Permute((2, 1, 3))(keras.layers.TimeDistributed(stack)(series[..., None]))

    x = random_rows(2, n_rows, n_features)
    assert reshape_variant(x).shape == permute_variant(x).shape
    assert isolated_and_causal(permute_variant, x)
    assert not isolated_and_causal(reshape_variant, x)


# RollingNormalizer, ScaleBack, LinearSkip


@few
@given(span=st.integers(2, 40), extra=st.integers(0, 20), seed=seeds)
def test_rolling_normalizer_equals_float64_numpy(span, extra, seed):
    x = random_rows(2, span + extra, 3, seed=seed) * [1, 10, 0.1] + [0, 5, -3]
    x = x.astype(np.float32)
    normalized, level, scale = to_numpy(RollingNormalizer(span, epsilon=0.01)(x))
    mean, deviation = twin.rolling_moments(x[1], span)
    assert_all_close((level[1], scale[1]), (mean, deviation))
    assert_all_close(normalized[1], (x[1, span - 1 :] - mean) / (deviation + 0.01), 1e-4)


@pytest.mark.backend
def test_rolling_normalizer_leaves_a_flat_stretch_at_zero():
    normalized, level, scale = to_numpy(RollingNormalizer(7)(np.full((1, 20, 1), 1234.567, np.float32)))
    assert np.abs(normalized).max() < 0.2
    assert_all_close(level, np.full((1, 14, 1), 1234.567), 1e-6)
    assert scale.max() < 1e-3


@pytest.mark.parametrize("add_level", [True, False])
@pytest.mark.parametrize("targets", [[0, 1, 2], [2, 0], [1]])
def test_scale_back_takes_the_statistics_of_each_forecasts_own_origin(targets, add_level):
    forecasts, level, scale = random_rows(2, 4, 5, len(targets)), random_rows(2, 9, 3), random_rows(2, 9, 3, seed=1)
    outputs = ScaleBack(targets, add_level)(forecasts, level, scale)
    for i in range(2):
        expected = twin.scale_back(forecasts[i], level[i], scale[i], targets, add_level)
        assert_all_close(outputs[i], expected)


@pytest.mark.backend
@pytest.mark.parametrize("targets", [[0, 1, 2], [2, 0, 1], [1]])
@pytest.mark.parametrize("apart", [False, True])
def test_head_equals_numpy(apart, targets):
    head, n_targets = Head(4, targets), len(targets)
    hidden = random_rows(2, 5, *([3, 6] if apart else [6]))
    head(hidden)
    kernel, bias = (to_numpy(weight) for weight in randomize(head).weights)
    if apart:
        expected = (hidden[:, :, targets] @ kernel + bias).transpose(0, 1, 3, 2)
    else:
        expected = (hidden @ kernel + bias).reshape(2, 5, 4, n_targets)
    assert_all_close(head(hidden), expected)
    assert [weight.path.split("/")[-1] for weight in head.trainable_weights] == ["kernel", "bias"]


def built_skip(lookback, horizon, maps, features=None, seed=0):
    skip = LinearSkip(lookback, horizon, maps, features)
    skip.build((None, None, 3))
    return randomize(skip, seed)


@few
@given(
    lookback=st.integers(1, 9),
    horizon=st.integers(1, 4),
    extra=st.integers(0, 5),
    maps=st.sampled_from([None, [0, 1, 2], [1, 0, 1], [0, 0, 0]]),
    features=st.sampled_from([None, [0, 1, 2], [2, 0], [1]]),
)
def test_linear_skip_equals_numpy(lookback, horizon, extra, maps, features):
    x = random_rows(2, lookback + extra, 3)
    selected = x[1] if features is None else x[1][:, features]
    maps = maps and maps[: selected.shape[1]]
    skip = built_skip(lookback, horizon, maps, features)
    weights = to_numpy(skip.weight)[maps or [0]]
    assert_all_close(skip(x)[1], twin.linear_skip(selected, weights, lookback))
    assert skip.weight.shape[0] == max(maps or [0]) + 1


@pytest.mark.parametrize("maps", [None, [0, 1, 2], [1, 0, 1]])
def test_linear_skip_adds_a_constant_to_the_forecast(maps):
    skip, x = built_skip(6, 4, maps), random_rows(2, 9, 3)
    constants = np.array([10, -20, 30], np.float32)
    assert_all_close(skip(x + constants), skip(x) + constants, 1e-4)


@pytest.mark.parametrize("maps", [None, [0, 1, 2]])
def test_linear_skip_starts_at_the_windows_mean(maps):
    x = random_rows(2, 9, 3)
    forecasts = to_numpy(LinearSkip(6, 2, maps)(x))
    mean, _ = twin.rolling_moments(x[0], 6)
    assert_all_close(forecasts[0], np.stack([mean, mean], axis=1))


def test_linear_skip_shares_maps_as_told():
    x = np.repeat(random_rows(1, 9, 1), 3, axis=2)  # three times the same series
    shared, own, some = (to_numpy(built_skip(6, 4, maps)(x)) for maps in (None, [0, 1, 2], [1, 0, 1]))
    assert_all_close(shared, np.repeat(shared[..., :1], 3, axis=-1), 1e-6)
    assert np.abs(own[..., 0] - own[..., 1]).min() > 1e-4
    assert_all_close(some[..., 0], some[..., 2], 1e-6)
    assert np.abs(some[..., 0] - some[..., 1]).min() > 1e-4


@pytest.mark.parametrize(
    ("n_rows", "maps"),
    [(9, [1, 0, 1]), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((6, [0, 1, 2]), (9, None), (6, None)))],
)
def test_linear_skip_can_be_trained(n_rows, maps):
    skip, x = built_skip(6, 4, maps), random_rows(2, n_rows, 3)
    model = keras.Sequential([keras.Input((n_rows, 3)), skip])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    before, targets = to_numpy(skip.weight), np.zeros((2, n_rows - 5, 4, 3))
    losses = model.fit(x, targets, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]
    assert np.all(np.any(to_numpy(skip.weight) != before, axis=(1, 2)))


# Every layer


def fit_for_a_model(name):
    """Return a fresh layer, and a function that calls it on (batch, time, 4)."""
    layer = {
        "CausalConv1D": lambda: CausalConv1D(3, 2, 2, kernel_initializer="he_normal"),
        "causal CausalConv1D": lambda: CausalConv1D(3, 2, 2, padding="causal"),
        "GatedActivation": GatedActivation,
        "ResidualBlock": lambda: ResidualBlock(4, 2, 3, "elu", "batch", 0.25),
        "gated ResidualBlock": lambda: ResidualBlock(4, 3),
        "WaveNetStack": lambda: WaveNetStack([(2, 1), (3, 2)], 3, "gelu", "layer", 0.5),
        "empty WaveNetStack": lambda: WaveNetStack([], 3),
        "padded WaveNetStack": lambda: WaveNetStack([(2, 1), (3, 2)], 3, padding="same"),
        "WaveNetStack of pools": lambda: WaveNetStack([(2, 1), (2, 2)], 3, "elu", "layer", block="conv_pool", seed=3),
        "ConvPoolBlock": lambda: ConvPoolBlock(3, 2, 2, 3, 2, 2, "elu", "batch", 0.25, seed=4),
        "causal ConvPoolBlock": lambda: ConvPoolBlock(3, 2, padding="causal"),
        "centred ConvPoolBlock": lambda: ConvPoolBlock(3, 3, pool_size=4, normalization="layer", padding="same"),
        "CropToField": lambda: CropToField(2, 3),
        "Downsample1D": lambda: Downsample1D(3, 2, 3),
        "centred Downsample1D": lambda: Downsample1D(3, 3, 4, "same"),
        "valid Downsample1D": lambda: Downsample1D(3, 2, padding="valid"),
        "Upsample1D": lambda: Upsample1D(3, 2, 3),
        "centred Upsample1D": lambda: Upsample1D(3, 3, 4, "same"),
        "valid Upsample1D": lambda: Upsample1D(3, 2, padding="valid"),
        "LinearUpsample1D": lambda: LinearUpsample1D(3),
        "centred LinearUpsample1D": lambda: LinearUpsample1D(2, "same"),
        "valid LinearUpsample1D": lambda: LinearUpsample1D(3, "valid"),
        "PerFeature": lambda: PerFeature(WaveNetStack([(2, 1)], 2)),
        "RollingNormalizer": lambda: RollingNormalizer(5, 0.5),
        "ScaleBack": lambda: ScaleBack([2, 0], add_level=False),
        "Head": lambda: Head(2, [2, 0]),
        "LinearSkip": lambda: LinearSkip(4, 2, None, [3, 1]),
        "LinearSkip with two maps": lambda: LinearSkip(4, 2, [0, 1, 1, 0]),
    }[name]()
    if name == "ScaleBack":
        return layer, lambda rows: layer(keras.layers.Reshape((-1, 2, 2))(rows), rows, rows)
    return layer, layer


LAYERS = [
    *("CausalConv1D", "causal CausalConv1D", "GatedActivation", "ResidualBlock", "gated ResidualBlock"),
    *("WaveNetStack", "empty WaveNetStack", "padded WaveNetStack", "WaveNetStack of pools"),
    *("ConvPoolBlock", "causal ConvPoolBlock", "centred ConvPoolBlock", "CropToField"),
    *("Downsample1D", "centred Downsample1D", "valid Downsample1D"),
    *("Upsample1D", "centred Upsample1D", "valid Upsample1D"),
    *("LinearUpsample1D", "centred LinearUpsample1D", "valid LinearUpsample1D"),
    *("PerFeature", "RollingNormalizer", "ScaleBack"),
    *("Head", "LinearSkip", "LinearSkip with two maps"),
]


@pytest.mark.parametrize("name", LAYERS)
def test_config_round_trip(name):
    layer, _ = fit_for_a_model(name)
    config = layer.get_config()
    copy = type(layer).from_config(config)
    assert copy.get_config() == config
    assert {a: v for a, v in vars(layer).items() if isinstance(v, (int, float, str))}.items() <= vars(copy).items()


@pytest.mark.parametrize("name", LAYERS)
def test_saved_and_loaded_model_gives_equal_outputs(name, tmp_path):
    _, call = fit_for_a_model(name)
    inputs = keras.Input((None, 4))
    model = randomize(keras.Model(inputs, call(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = random_rows(2, 12, 4)
    assert_all_close(loaded(x), model(x), 0)


@pytest.mark.parametrize("name", LAYERS)
def test_batch_and_time_are_dynamic(name):
    _, call = fit_for_a_model(name)
    inputs = keras.Input((None, 4))
    outputs = call(inputs)
    model = keras.Model(inputs, outputs)
    symbolic = outputs if isinstance(outputs, tuple) else [outputs]
    for batch, time in [(1, 9), (3, 20)]:
        x = random_rows(batch, time, 4)
        eager = call(ops.convert_to_tensor(x))
        in_a_graph = model.predict(x, verbose=0)
        assert_all_close(in_a_graph, eager)
        for spec, value in zip(symbolic, eager if isinstance(eager, tuple) else [eager], strict=True):
            assert spec.shape[:2] == (None, None)
            assert spec.shape[2:] == value.shape[2:]
            assert spec.dtype == keras.backend.standardize_dtype(value.dtype)
    static = keras.Input((9, 4), batch_size=1)
    specs, values = call(static), call(ops.convert_to_tensor(random_rows(1, 9, 4)))
    pairs = zip(specs, values, strict=True) if isinstance(specs, tuple) else [(specs, values)]
    assert all(spec.shape == value.shape for spec, value in pairs)


def empty(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CausalConv1D(0, 2), ValueError, r"`filters` must be .* at least 1\. Received: filters=0"),
        (lambda: CausalConv1D(2, 1.5), TypeError, r"`kernel_size` must be an integer .* Received: kernel_size=1\.5"),
        (lambda: CausalConv1D(2, 2, 0), ValueError, r"`dilation_rate` must be .* Received: dilation_rate=0"),
        (lambda: CausalConv1D(2, 2, padding="same"), ValueError, r"`padding` must be one of .* padding='same'"),
        (lambda: CausalConv1D(2, 2, 3)(empty(1, 9, 2), spacing=2), ValueError, r"`spacing` must .* spacing=2"),
        (lambda: CausalConv1D(2, 4)(empty(1, 3, 2)), ValueError, r"at least 4 rows.* input_shape=\(1, 3, 2\)"),
        (lambda: CausalConv1D(2, 4)(keras.Input((3, 2))), ValueError, r"at least 4 rows.* input_shape=\(None, 3, 2\)"),
        (lambda: GatedActivation()(empty(1, 3, 5)), ValueError, r"last axis .* even size\. Received: input_shape="),
        (lambda: ResidualBlock(2, 2)(empty(1, 3, 5)), ValueError, r"2 filters .* Received: input_shape=\(1, 3, 5\)"),
        (lambda: ResidualBlock(2, 0), ValueError, r"`kernel_size` must be .* Received: kernel_size=0"),
        (lambda: ResidualBlock(2, 2, activation="nope"), ValueError, r"`activation` must be .* activation='nope'"),
        (lambda: ResidualBlock(2, 2, activation=None), TypeError, r"`activation` must be .* activation=None"),
        (lambda: ResidualBlock(2, 2, normalization="group"), ValueError, r"`normalization` must be .*'group'"),
        (lambda: ResidualBlock(2, 2, dropout=1), ValueError, r"`dropout` must be .* \[0, 1\)\. Received: dropout=1"),
        (lambda: WaveNetStack([(2, 0)]), ValueError, r"`layers\[0\]\[1\]` must be .* Received: layers\[0\]\[1\]=0"),
        (lambda: WaveNetStack([(2, 1, 2)]), ValueError, r"`layers` must be a sequence .* layers=\[\(2, 1, 2\)\]"),
        (lambda: WaveNetStack(3), TypeError, r"`layers` must be a sequence .* Received: layers=3"),
        (lambda: WaveNetStack([], filters=-1), ValueError, r"`filters` must be .* Received: filters=-1"),
        (lambda: WaveNetStack([], activation="nope"), ValueError, r"`activation` must be .* activation='nope'"),
        (lambda: WaveNetStack([(3, 2)])(empty(1, 4, 2)), ValueError, r"at least 5 rows.* Received: input_shape="),
        (lambda: WaveNetStack([], padding="full"), ValueError, r"`padding` must be one of .* padding='full'"),
        (lambda: WaveNetStack([], block="dense"), ValueError, r"`block` must be one of .* block='dense'"),
        (
            lambda: WaveNetStack([(2, 2)], padding="causal")(empty(1, 4, 2), spacings=[2, 2]),
            ValueError,
            r"`spacings` are for padding='valid' .* Received: padding='causal', block='residual'",
        ),
        (lambda: ConvPoolBlock(2, 3, pool_size=0), ValueError, r"`pool_size` must be .* Received: pool_size=0"),
        (lambda: ConvPoolBlock(2, 3, n_convolutions=0), ValueError, r"`n_convolutions` must be .*n_convolutions=0"),
        (lambda: ConvPoolBlock(2, 3, padding="full"), ValueError, r"`padding` must be one of .* padding='full'"),
        (lambda: ConvPoolBlock(2, 3)(empty(1, 3, 2)), ValueError, r"at least 4 rows.* Received: input_shape="),
        (lambda: CropToField(-1), ValueError, r"`left` must be .* at least 0\. Received: left=-1"),
        (lambda: CropToField(2, 2)(empty(1, 4, 2)), ValueError, r"at least 5 rows.* Received: input_shape="),
        (lambda: Downsample1D(2, 3, 2), ValueError, r"`kernel_size` must be at least the factor, 3.*kernel_size=2"),
        (lambda: Downsample1D(2, 2, 3, "valid")(empty(1, 2, 2)), ValueError, r"at least 3 rows.* input_shape="),
        (lambda: Upsample1D(2, 2, 5, "valid")(empty(1, 2, 2)), ValueError, r"at least 3 rows.* input_shape="),
        (lambda: LinearUpsample1D(3, "valid")(empty(1, 1, 2)), ValueError, r"at least 2 rows.* input_shape="),
        (lambda: Upsample1D(2, 0), ValueError, r"`factor` must be .* Received: factor=0"),
        (lambda: Upsample1D(2, 2, padding="full"), ValueError, r"`padding` must be one of .* padding='full'"),
        (lambda: LinearUpsample1D(2.5), TypeError, r"`factor` must be an integer .* Received: factor=2\.5"),
        (lambda: PerFeature(3), TypeError, r"`layer` must be a Keras layer\. Received: layer=3"),
        (lambda: RollingNormalizer(1), ValueError, r"`span` must be .* at least 2\. Received: span=1"),
        (lambda: RollingNormalizer(3, 0), ValueError, r"`epsilon` must be .* \(0, inf\)\. Received: epsilon=0"),
        (lambda: RollingNormalizer(3)(empty(1, 2, 1)), ValueError, r"at least 3 rows.* Received: input_shape="),
        (lambda: ScaleBack(3), TypeError, r"`targets` must be a sequence .* Received: targets=3"),
        (lambda: ScaleBack([-1]), ValueError, r"`targets\[0\]` must be .* at least 0\. Received: targets\[0\]=-1"),
        (lambda: Head(0, [0]), ValueError, r"`horizon` must be .* Received: horizon=0"),
        (lambda: Head(1, [0.5]), TypeError, r"`targets\[0\]` must be .* Received: targets\[0\]=0\.5"),
        (lambda: LinearSkip(0, 1), ValueError, r"`lookback` must be .* Received: lookback=0"),
        (lambda: LinearSkip(1, 0), ValueError, r"`horizon` must be .* Received: horizon=0"),
        (lambda: LinearSkip(1, 1, features=[0.5]), TypeError, r"`features\[0\]` must be .* features\[0\]=0\.5"),
        (lambda: LinearSkip(1, 1, features=[3])(empty(1, 2, 3)), ValueError, r"among 3 features.* positions=\[3\]"),
        (lambda: LinearSkip(1, 1, [0, 1])(empty(1, 2, 3)), ValueError, r"each of 3 targets.* Received: maps=\[0, 1\]"),
        (lambda: LinearSkip(1, 1, [0, -1]), ValueError, r"`maps\[1\]` must be .* Received: maps\[1\]=-1"),
        (lambda: LinearSkip(3, 1)(empty(1, 2, 1)), ValueError, r"at least 3 rows.* Received: input_shape="),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
