import numpy as np
import pytest

from tscnn.network.backend import keras
from tscnn.training.optimizer import FlatAdamW


def trained(optimizer):
    """Weights after a few steps of one small model from one start."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape))
    model.compile(optimizer=optimizer, loss="mse", jit_compile=keras.backend.backend() == "jax")
    model.fit(
        random.normal(size=(64, 3)), random.normal(size=(64, 2)), batch_size=8, epochs=3, shuffle=False, verbose=0
    )
    return model.get_weights()


@pytest.mark.backend
@pytest.mark.parametrize(
    ("rate", "weight_decay"),
    [(keras.optimizers.schedules.CosineDecay(0.05, 20), 0.1), pytest.param(0.01, 0.0, marks=pytest.mark.slow)],
)
def test_it_equals_the_adamw_of_keras(rate, weight_decay):
    theirs = keras.optimizers.AdamW(rate, weight_decay=weight_decay)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    for ours, expected in zip(trained(FlatAdamW(rate, weight_decay)), trained(theirs), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
