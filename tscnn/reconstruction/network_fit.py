"""Training the network on gaps that are made at random, for what the autoregression leaves of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from tscnn.network.backend import float32_scope, keras, ops, start_runtime, to_numpy
from tscnn.network.functional import Affine
from tscnn.reconstruction.gaps import draw_gaps
from tscnn.reconstruction.model import ReconstructionModel
from tscnn.reconstruction.network import DOWN, KERNEL_SIZE, UP, GapNetwork, half_field, join_inputs, run_layers
from tscnn.reconstruction.settings import UNet
from tscnn.training.settings import Training

__all__ = ["train_network"]

FILTERS = 32
WINDOW = 64  # rows whose outputs are trained at a time: a convention
BATCH = 32  # windows of a step, at most: of `Training.batch_size` rows and more
N_DRAWS = 2  # of the gaps of each length and kind
SHARE = 0.15  # of a column's rows that are in gaps


class _Layers(keras.layers.Layer):
    """The layers of `run_layers`; what isn't missing gets nothing."""

    def __init__(self, n_features: int, latent: int | None, seed: int) -> None:
        super().__init__(name="unet")
        self.n_features = n_features
        widths = [2 * n_features, *[FILTERS] * len(DOWN)]
        shapes = [(KERNEL_SIZE, widths[at], FILTERS) for at in range(len(DOWN))]
        if latent is None:
            shapes += [(KERNEL_SIZE, 2 * FILTERS, FILTERS)] * len(UP)
        else:
            shapes += [(1, FILTERS, latent), (KERNEL_SIZE, latent, FILTERS)]
            shapes += [(KERNEL_SIZE, FILTERS, FILTERS)] * (len(UP) - 1)
        seeds = itertools.count(seed)
        self.affine = [
            Affine(
                self.add_weight(shape=shape, initializer=keras.initializers.HeNormal(seed=next(seeds) % 2**31)),
                self.add_weight(shape=shape[2:], initializer="zeros"),
            )
            for shape in shapes
        ]
        last = (1, FILTERS, n_features)
        self.affine.append(Affine(*(self.add_weight(shape=shape, initializer="zeros") for shape in (last, last[2:]))))

    def call(self, inputs: object) -> object:
        """Return what is added where a value was missing."""
        half = half_field()
        missing = inputs[:, half:-half, self.n_features :]  # type: ignore[index]
        return run_layers(inputs, self.affine, ops) * missing


def train_network(
    model: ReconstructionModel,
    parts: Sequence[np.ndarray],
    seasons: Sequence[np.ndarray],
    settings: UNet,
    training: Training,
    seed: int,
) -> GapNetwork:
    """Train on the rows of series.

    Parameters
    ----------
    model : ReconstructionModel
        The closed form.
    parts, seasons : sequence of ndarray of shape (n_rows, n_features)
        Rows of each series and the seasonal means that were subtracted.
    settings : UNet
        Of the layers.
    training : Training
        Epochs, batches and learning rate.
    seed : int
        Of the gaps, the weights and the order.

    Returns
    -------
    GapNetwork
        In NumPy.
    """
    random = np.random.default_rng(seed)
    inputs, outcomes = _make_windows(model, parts, seasons, random)
    start_runtime()
    batch = min(BATCH, max(1, training.batch_size * 8 // WINDOW))
    n_steps = -(-len(inputs) // batch)
    epochs = training.epochs if isinstance(training.epochs, int) else max(3, -(-training.n_steps // n_steps))
    with float32_scope():
        layers = _Layers(outcomes.shape[2], settings.latent, seed)
        trained = keras.Sequential([keras.Input(inputs.shape[1:]), layers])
        schedule = keras.optimizers.schedules.CosineDecay(training.learning_rate, epochs * n_steps)
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=training.weight_decay)
        optimizer.build(trained.trainable_variables)  # here, or the first step is traced twice
        trained.compile(optimizer=optimizer, loss=training.loss, jit_compile=False)
        for _ in range(epochs):  # in an order of our own: Keras's comes from a global state
            order = random.permutation(len(inputs))
            trained.fit(inputs[order], outcomes[order], batch_size=batch, epochs=1, shuffle=False, verbose=0)
        return GapNetwork(tuple(Affine(*map(to_numpy, layer)) for layer in layers.affine))


def _make_windows(
    model: ReconstructionModel,
    parts: Sequence[np.ndarray],
    seasons: Sequence[np.ndarray],
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Make gaps of every kind, fill them, and cut windows: what goes in, and what should be added."""
    half, inputs, outcomes = half_field(), [], []
    kinds = [kind for kind in itertools.product(model.lengths, (True, False)) for _ in range(N_DRAWS)]
    for part, season in zip(parts, seasons, strict=True):
        for length, together in kinds if len(part) >= max(WINDOW, 2 * max(model.lengths)) else ():
            gone = draw_gaps(part.shape, length, SHARE, random, together=together)
            missing = gone | np.isnan(part)
            filled = model.fill(np.where(missing, np.nan, part), season, with_deviation=False).mean
            wanted = np.where(gone, np.nan_to_num(part - filled), 0.0).astype(np.float32)
            joined = join_inputs(filled + season, missing, half)
            joined_missing = joined[half : len(joined) - half, part.shape[1] :]
            for start in range(0, len(part) - WINDOW + 1, WINDOW):
                if gone[start : start + WINDOW].any():
                    inputs.append(joined[start : start + WINDOW + 2 * half])
                    outcomes.append(wanted[start : start + WINDOW] * joined_missing[start : start + WINDOW])
    return np.stack(inputs), np.stack(outcomes)
