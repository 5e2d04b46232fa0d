"""A U-Net in time, in NumPy: dilated convolutions that see both sides, and add to what fills gaps.

Nothing is strided: levels differ by the dilation, "a trous" [1]_, so that the output of a row depends on the rows about
it and not on where a series, or a tile of it, begins. Long series are computed in tiles that overlap by the field,
whose edges are cropped.

References
----------
.. [1] Holschneider et al. (1990), A Real-Time Algorithm for Signal Analysis with the Help of the Wavelet Transform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tscnn.common import numpy_ops
from tscnn.common.checks import received
from tscnn.network.functional import Affine, convolve

__all__ = ["DOWN", "KERNEL_SIZE", "UP", "GapNetwork", "half_field", "join_inputs", "run_layers"]

KERNEL_SIZE = 3
DOWN, UP = (1, 2, 4, 8), (4, 2, 1)  # dilations; those of the way up take the outputs of the way down, too
N_LAYERS = len(DOWN) + len(UP) + 1  # without a latent layer
TILE = 4096  # rows that are computed at a time: a convention, for the memory


def half_field(down: Sequence[int] = DOWN, up: Sequence[int] = UP) -> int:
    """Count the rows on either side that an output depends on.

    Parameters
    ----------
    down, up : sequence of int
        Dilations.

    Returns
    -------
    int
        Of kernels of three taps.

    Examples
    --------
    >>> half_field((1, 2), (1,))
    4
    """
    return sum(down) + sum(up)


def run_layers(inputs: Any, weights: Sequence[Affine], ops: Any) -> Any:
    """Compute all layers, of Keras's tensors or NumPy's arrays, without padding.

    With a latent layer, between the ways down and up, nothing passes it by.

    Parameters
    ----------
    inputs : array of shape (batch, time, 2 * n_features)
        Rows without gaps, and 1 where a value was missing.
    weights : sequence of Affine
        Of each convolution on the way down, of the latent layer if there is one, on the way up, and of the last map.
    ops : module
        ``keras.ops`` or `tscnn.common.numpy_ops`.

    Returns
    -------
    array of shape (batch, time - 2 * half_field(), n_features)
        What is added, one position for each that sees all of its field.
    """
    hidden, skips = inputs, {}
    for dilation, layer in zip(DOWN, weights, strict=False):
        hidden = ops.maximum(convolve(hidden, layer, dilation, 1, ops), 0.0)
        skips[dilation] = hidden
    if len(weights) > N_LAYERS:
        hidden, skips = convolve(hidden, weights[len(DOWN)], 1, 1, ops), {}
    for dilation, layer in zip(UP, weights[-len(UP) - 1 :], strict=False):
        if dilation in skips:
            skip = skips[dilation]
            n_more = (skip.shape[1] - hidden.shape[1]) // 2
            hidden = ops.concatenate([hidden, skip[:, n_more : skip.shape[1] - n_more]], axis=-1)
        hidden = ops.maximum(convolve(hidden, layer, dilation, 1, ops), 0.0)
    return convolve(hidden, weights[-1], 1, 1, ops)


@dataclass(frozen=True, eq=False)
class GapNetwork:
    """A trained network.

    Attributes
    ----------
    weights : tuple of Affine
        Kernels (3, n_inputs, n_outputs) and biases, in order; that of a latent layer, after the way down, and the last
        one have a single tap.
    """

    weights: tuple[Affine, ...]

    def __post_init__(self) -> None:
        """Check that there are as many layers as dilations, and that they fit each other."""
        kernels = [layer.kernel.shape for layer in self.weights]
        fit = len(kernels) in (N_LAYERS, N_LAYERS + 1) and all(len(shape) == 3 for shape in kernels)
        if not fit or any(layer.bias.shape != layer.kernel.shape[2:] for layer in self.weights):
            raise ValueError(received("The network must have a kernel and a bias a layer.", shapes=kernels))

    def __call__(self, rows: np.ndarray, missing: np.ndarray, tile: int = TILE) -> np.ndarray:
        """Say what to add to rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Standardised, gaps filled.
        missing : ndarray of bool of shape (n_rows, n_features)
            Where they were.
        tile : int, default 4096
            Rows that are computed at a time, which makes no difference but of rounding.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            At every value; only those that were missing are to be changed.
        """
        half = half_field()
        inputs = join_inputs(rows, missing, half)
        found = [
            run_layers(inputs[None, start : start + tile + 2 * half], self.weights, numpy_ops)[0]
            for start in range(0, len(rows), tile)
        ]
        return np.concatenate(found).astype(np.float64)

    def settings(self) -> dict[str, Any]:
        """Return what `from_arrays` needs besides arrays.

        Returns
        -------
        dict
            The number of layers.
        """
        return {"n_layers": len(self.weights)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights.

        Returns
        -------
        dict of str to ndarray
            By "kernel 0", "bias 0" ..
        """
        return {f"{name} {at}": one for at, layer in enumerate(self.weights) for name, one in layer._asdict().items()}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """Make the network of its weights.

        Parameters
        ----------
        settings : dict
            Of `settings`.
        arrays : dict of str to ndarray
            Of `arrays`.

        Returns
        -------
        GapNetwork
            Equal to the bit.
        """
        layers = range(int(settings["n_layers"]))
        return cls(tuple(Affine(arrays[f"kernel {at}"], arrays[f"bias {at}"]) for at in layers))


def join_inputs(rows: np.ndarray, missing: np.ndarray, half: int) -> np.ndarray:
    """Put rows and their gaps side by side, with rows of which nothing is known before and after.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Gaps filled.
    missing : ndarray of bool of shape (n_rows, n_features)
        Where they were.
    half : int
        Rows before, and after.

    Returns
    -------
    ndarray of shape (n_rows + 2 * half, 2 * n_features), float32
        For `run_layers`.
    """
    inputs = np.concatenate([rows, missing], axis=1).astype(np.float32)
    unknown = np.concatenate([np.zeros((half, rows.shape[1])), np.ones((half, rows.shape[1]))], axis=1)
    return np.concatenate([unknown, inputs, unknown]).astype(np.float32)
