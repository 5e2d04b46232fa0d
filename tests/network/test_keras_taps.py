"""What is told of layers and models of Keras, against what is measured: rows are changed one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tscnn
from tests.reference.receptive_field import measured_lags
from tscnn.network.backend import keras
from tscnn.network.layers import (
    CausalConv1D,
    ConvPoolBlock,
    CropToField,
    Downsample1D,
    LinearUpsample1D,
    PerFeature,
    RollingNormalizer,
    Upsample1D,
    WaveNetStack,
)

K = keras.layers
LENGTH = 72


def measure(model: Any, length: int = LENGTH) -> list[int]:
    """List the lags of the model's outputs: kernels are positive, so that nothing cancels."""
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(random.uniform(0.1, 0.5, weight.shape))
    rows = random.uniform(0.1, 0.2, (1, length, *model.input_shape[2:])).astype(np.float32)
    changed = np.repeat(rows, length, axis=0)
    changed[np.arange(length), np.arange(length)] += 3
    outputs, clean = (np.asarray(model(x)).astype(float) for x in (changed, rows))
    differs = (np.abs(outputs - clean) > 1e-6 * np.abs(clean)).reshape(length, outputs.shape[1], -1).any(axis=-1).T
    n_missing = length - len(differs)
    if 0 < n_missing < length / 3:  # the last output stands at the last row
        differs = np.vstack([np.zeros((n_missing, length), dtype=bool), differs])
    return measured_lags(differs)


def of(*layers: Any) -> Any:
    return keras.Sequential([keras.Input((None, 2)), *layers])


def u_net(padding: str) -> Any:
    rows = keras.Input((None, 2))
    fine = K.Conv1D(3, 3, padding=padding)(rows)
    coarse = K.Conv1D(3, 3, padding=padding)(Downsample1D(3, 2, 4, padding)(fine))
    pools = ConvPoolBlock(2, 3, pool_size=3, stride=3, activation="linear", padding=padding)
    deepest = Upsample1D(3, 3, 3, padding)(pools(coarse))
    upper = K.Concatenate()([coarse, deepest])
    lower = K.Add()([fine, K.Dense(3)(LinearUpsample1D(2, padding)(upper))])
    return keras.Model(rows, K.Conv1D(1, 2, padding=padding)(lower))


def residual() -> Any:
    rows = keras.Input((None, 2))
    block = of(K.Conv1D(2, 3, dilation_rate=2), K.LayerNormalization(), K.Dropout(0.5))
    return keras.Model(rows, block(rows) + K.Cropping1D((4, 0))(rows))


MODELS = {
    "no layer": lambda: of(K.Dense(3)),
    "causal": lambda: of(K.Conv1D(2, 3, padding="causal"), K.Conv1D(2, 3, dilation_rate=2, padding="causal")),
    "valid": lambda: of(K.Conv1D(2, 3), K.Conv1D(2, 2, dilation_rate=4)),
    "centred": lambda: of(K.Conv1D(2, 4, padding="same"), K.SeparableConv1D(2, 3, dilation_rate=2, padding="same")),
    "holes": lambda: of(CausalConv1D(2, 2), CausalConv1D(2, 2, 4, padding="causal")),
    "pools": lambda: of(K.MaxPooling1D(2), K.Conv1D(2, 3), K.AveragePooling1D(2, 1)),
    "hourglass": lambda: of(K.AveragePooling1D(3), K.Conv1DTranspose(2, 3, strides=3)),
    "centred hourglass": lambda: of(
        K.Conv1D(2, 4, strides=2, padding="same"), K.UpSampling1D(2), K.Conv1DTranspose(2, 3, padding="same")
    ),
    "transposed": lambda: of(K.MaxPooling1D(2, padding="same"), K.Conv1DTranspose(2, 4, strides=2, padding="same")),
    "padded by hand": lambda: of(K.ZeroPadding1D((4, 0)), K.Conv1D(2, 5)),
    "padded around": lambda: of(K.ZeroPadding1D((2, 2)), K.Conv1D(2, 5)),
    "cropped": lambda: of(K.Conv1D(2, 5, padding="same"), CropToField(2, 2)),
    "residual": residual,
    "stack": lambda: of(WaveNetStack([(2, 1), (2, 3)], 2)),
    "causal stack": lambda: of(WaveNetStack([(2, 1), (3, 2)], 2, padding="causal")),
    "centred stack": lambda: of(WaveNetStack([(2, 1), (3, 2)], 2, padding="same")),
    "stack of pools": lambda: of(WaveNetStack([(2, 1), (2, 2)], 2, padding="causal", block="conv_pool", pool_size=3)),
    "conv-pool": lambda: of(ConvPoolBlock(2, 2, 3, pool_size=4, n_convolutions=2)),
    "causal conv-pool": lambda: of(ConvPoolBlock(2, 3, pool_size=2, padding="causal")),
    "centred conv-pool": lambda: of(ConvPoolBlock(2, 3, pool_size=3, padding="same", activation="linear")),
    "down": lambda: of(Downsample1D(2, 3, 5), CausalConv1D(2, 2)),
    "linear": lambda: of(Downsample1D(2, 3), LinearUpsample1D(3)),
    "causal U-net": lambda: u_net("causal"),
    "centred U-net": lambda: u_net("same"),
    "per feature": lambda: of(PerFeature(WaveNetStack([(2, 2)], 2)), K.Reshape((-1, 4)), K.Conv1D(1, 2)),
    "build_model": lambda: tscnn.build_model(9, 2, 2, filters=2, activation="elu"),
    "front end": lambda: tscnn.build_model(9, 1, 2, filters=2, feature_mode="front_end", linear_skip=None),
}


@pytest.mark.parametrize("name", MODELS)
def test_measured_support_of_a_model_is_the_declared_one(name: str) -> None:
    model = MODELS[name]()
    lags = measure(model)
    assert tscnn.reachable_lags(model).tolist() == lags
    left, right, holes = tscnn.find_field(model)
    assert (left, right) == (lags[-1], -lags[0] if lags[0] < 0 else 0)
    assert tscnn.receptive_field(model) == left + 1 + right
    assert holes == sorted(set(range(-right, left)) - set(lags))


def test_known_models() -> None:
    assert tscnn.receptive_field(tscnn.build_model(24, 3, 2, filters=2)) == 24
    assert tscnn.find_field(K.Conv1D(2, 3, dilation_rate=4, padding="same"))[:2] == (4, 4)
    assert tscnn.find_holes(K.Conv1D(2, 3, dilation_rate=2)) == [1, 3]
    assert tscnn.receptive_field(RollingNormalizer(7)) == 7


class Own(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


def test_a_layer_of_ones_own_tells_its_taps() -> None:
    layer = Own()
    with pytest.raises(ValueError, match=r"Own is not known to: .*`self\.taps = .*Received: layer='own"):
        tscnn.receptive_field(of(layer))
    layer.taps = [tscnn.Taps(4), tscnn.Taps(2, 3)]
    assert tscnn.receptive_field(of(layer)) == 7


@pytest.mark.parametrize(
    "layer",
    [
        *(K.LSTM(2, return_sequences=True), K.Concatenate(axis=1), K.LayerNormalization(axis=1)),
        *(K.GlobalAveragePooling1D(), K.Flatten(), K.Permute((2, 1))),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_read_all_rows_are_refused(layer: Any) -> None:
    with pytest.raises(ValueError, match=f"{type(layer).__name__} is not known to"):
        tscnn.receptive_field(layer)


def test_a_model_that_is_not_built_or_has_several_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be built.* Received: model='.*', inputs=0, outputs=0"):
        tscnn.receptive_field(keras.Sequential([K.Conv1D(2, 2)]))
    rows = keras.Input((None, 2))
    with pytest.raises(ValueError, match="outputs=3"):
        tscnn.receptive_field(keras.Model(rows, RollingNormalizer(3)(rows)))
    with pytest.raises(ValueError, match=r"no `output_padding`"):
        tscnn.receptive_field(K.Conv1DTranspose(2, 3, strides=2, output_padding=1))
