"""Pools, resampling and padding, against NumPy and Keras."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.test_layers import assert_all_close, random_rows, randomize, to_numpy, weights_of
from tests.reference import layers as twin
from tscnn.network.backend import keras
from tscnn.network.layers import (
    ConvPoolBlock,
    CropToField,
    Downsample1D,
    LinearUpsample1D,
    Upsample1D,
    WaveNetStack,
)

few = settings(max_examples=6)


def built(layer, x):
    layer.build(x.shape)
    return randomize(layer)


def zeros_around(x, before, after=0):
    return np.pad(x, ((0, 0), (before, after), (0, 0)))


@few
@given(kernel_size=st.integers(1, 3), dilation=st.integers(1, 2), pool=st.integers(1, 4), stride=st.integers(1, 3))
def test_conv_pool_block_equals_numpy(kernel_size, dilation, pool, stride):
    block = ConvPoolBlock(2, kernel_size, dilation, pool, stride)
    x = random_rows(1, block.receptive_field + 5, 3)
    weights = list(map(to_numpy, built(block, x).weights))
    first, second = (twin.gated_unit(twin.valid_convolution(x[0], *weights[i : i + 2], dilation)) for i in (0, 2))
    passed = x[0, (kernel_size - 1) * dilation :]
    rows = range(pool - 1 + (len(first) - pool) % stride, len(first), stride)  # the newest of each pool

    def pooled(branch, how):
        return np.array([how(branch[t - pool + 1 : t + 1], axis=0) for t in rows])

    expected = pooled(first, np.max), pooled(second, np.mean), pooled(passed, np.mean) @ weights[4] + weights[5]
    assert_all_close(block(x)[0], np.concatenate(expected, axis=-1))


@pytest.mark.backend
@pytest.mark.parametrize(
    "make", [lambda **k: ConvPoolBlock(3, 2, 3, 2, **k), lambda **k: WaveNetStack([(2, 1), (3, 2)], 3, **k)]
)
def test_padding_is_zeros_around_the_rows(make):
    x = random_rows(2, 11, 3)
    valid = built(make(padding="valid"), x)
    reach = valid.receptive_field - 1
    for padding, ends in (("causal", (reach, 0)), ("same", (reach // 2, reach - reach // 2))):
        padded = built(make(padding=padding), x)
        padded.set_weights(valid.get_weights())
        assert padded(x).shape[1] == 11
        if padding == "same" and isinstance(valid, ConvPoolBlock):
            continue  # whose passed-through rows stand in the middle
        assert_all_close(padded(x), valid(zeros_around(x, *ends)))


def test_the_rows_that_a_centred_conv_pool_block_passes_through_stand_in_its_middle():
    x = random_rows(1, 9, 2)
    block = built(ConvPoolBlock(1, 5, pool_size=1, padding="same"), x)
    block.pass_through.set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])
    assert_all_close(block(x)[..., 2], x[..., 0])


@pytest.mark.backend
def test_stack_of_pools_adds_residuals_and_skips():
    x = random_rows(1, 12, 3)
    stack = built(WaveNetStack([(2, 1), (2, 3)], 3, block="conv_pool", pool_size=2), x)
    assert stack.receptive_field == 1 + 1 + 1 + 3 + 1
    hidden, skips = stack.project(x), []
    for block in stack.blocks:
        pooled = block.pools(hidden)
        hidden = hidden[:, -pooled.shape[1] :] + block.to_residual(pooled)
        skips.append(block.to_skip(pooled))
    n = hidden.shape[1]
    assert_all_close(stack(x), hidden + sum(skip[:, skip.shape[1] - n :] for skip in skips))


@few
@given(factor=st.integers(1, 4), more=st.integers(0, 3), extra=st.integers(0, 5))
def test_downsampling_is_every_factorth_position_of_a_convolution(factor, more, extra):
    kernel_size = factor + more
    x = random_rows(2, kernel_size + extra, 3)
    down = built(Downsample1D(4, factor, kernel_size), x)
    causal = keras.layers.Conv1D(4, kernel_size, padding="causal")
    causal.build(x.shape)
    causal.set_weights(down.get_weights())
    assert_all_close(down(x), to_numpy(causal(x))[:, ::-1][:, ::factor][:, ::-1])
    valid = built(Downsample1D(4, factor, kernel_size, "valid"), x)
    assert_all_close(valid(x), to_numpy(down(x))[:, -valid(x).shape[1] :])
    whole = random_rows(2, 6 * factor, 3)
    same = built(Downsample1D(4, factor, kernel_size, "same"), x)
    theirs = keras.layers.Conv1D(4, kernel_size, strides=factor, padding="same")
    theirs.build(x.shape)
    theirs.set_weights(down.get_weights())
    assert_all_close(same(whole), theirs(whole))


@few
@given(factor=st.integers(1, 4), more=st.integers(0, 3), length=st.integers(2, 6))
def test_upsampling_is_a_transposed_convolution(factor, more, length):
    kernel_size = factor + more
    x = random_rows(2, length, 3)
    up, theirs = built(Upsample1D(4, factor, kernel_size, "same"), x), {}
    for padding in ("same", "valid"):
        layer = keras.layers.Conv1DTranspose(4, kernel_size, strides=factor, padding=padding)
        layer.build(x.shape)
        layer.set_weights(up.get_weights())
        theirs[padding] = to_numpy(layer(x))
    assert_all_close(up(x), theirs["same"])
    causal = to_numpy(built(Upsample1D(4, factor, kernel_size), x)(x))
    assert_all_close(causal[:, factor - 1 :], theirs["valid"][:, : length * factor - factor + 1])
    assert_all_close(causal[:, : factor - 1], np.broadcast_to(to_numpy(up.bias), (2, factor - 1, 4)))
    if length * factor >= kernel_size:
        valid = built(Upsample1D(4, factor, kernel_size, "valid"), x)
        assert_all_close(valid(x), causal[:, kernel_size - 1 :])


@few
@given(factor=st.integers(1, 5), length=st.integers(1, 6))
def test_linear_upsampling_interpolates(factor, length):
    x = random_rows(2, length, 3)
    at = np.arange(length) * factor
    for padding, shift in (("same", factor // 2), ("causal", 2 * (factor - 1))):
        wanted = np.arange(length * factor) - shift
        expected = np.stack([[np.interp(wanted, at, x[i, :, j]) for j in range(3)] for i in range(2)]).swapaxes(1, 2)
        assert_all_close(LinearUpsample1D(factor, padding)(x), expected)
    if length > 1:
        valid = to_numpy(LinearUpsample1D(factor, "valid")(x))
        assert_all_close(valid, expected[:, 2 * factor - 2 :])


@pytest.mark.backend
def test_an_hourglass_has_as_many_positions_as_rows_and_a_causal_one_looks_at_no_later_row():
    x = random_rows(1, 12, 2)
    for up in (Upsample1D(3, 3, 4), LinearUpsample1D(3)):
        hourglass = keras.Sequential([keras.Input((None, 2)), Downsample1D(3, 3, 5), up])
        disturbed = x.copy()
        disturbed[:, 7:] = np.nan
        outputs, clean = hourglass(disturbed), hourglass(x)
        assert outputs.shape == (1, 12, 3)
        assert_all_close(outputs[:, :7], clean[:, :7], 0)
        assert np.isnan(to_numpy(outputs)[:, 8:]).any()


@pytest.mark.backend
def test_blocks_compute_in_float32_and_can_be_trained():
    rows = keras.Input((12, 2))
    x = ConvPoolBlock(2, 2, pool_size=2, dropout=0.1, normalization="layer", padding="causal")(rows)
    x = Upsample1D(2, 2)(Downsample1D(3, 2)(x))
    x = CropToField(3)(LinearUpsample1D(2)(Downsample1D(2, 2)(x)))
    model = keras.Model(rows, WaveNetStack([(2, 1)], 2, padding="same", block="conv_pool")(x))
    model.compile("sgd", "mse", run_eagerly=True)
    before = [to_numpy(weight.value) for weight in model.trainable_weights]
    model.fit(random_rows(4, 12, 2), np.zeros((4, 9, 2), np.float32), verbose=0)
    after = [to_numpy(weight.value) for weight in model.trainable_weights]
    assert all(np.any(old != new) for old, new in zip(before, after, strict=True))
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    assert keras.backend.standardize_dtype(model(np.ones((1, 12, 2))).dtype) == "float32"


def test_a_seed_decides_the_initial_weights():
    first, second = (ConvPoolBlock(2, 2, n_convolutions=2, seed=5) for _ in range(2))
    for block in (first, second):
        block.build((None, None, 2))
    assert_all_close(first.get_weights(), second.get_weights(), 0)
    kernels = [value for value in weights_of(first).values() if value.ndim == 3]
    assert len({kernel.ravel()[0] for kernel in kernels}) == len(kernels)
