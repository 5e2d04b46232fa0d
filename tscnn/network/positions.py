"""Which positions of a series a layer works on, and which features; for Keras and NumPy alike, as `functional`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tscnn.common.checks import received

__all__ = ["align", "crop", "pyramid_spacings", "take_features"]


def crop(inputs: Any, n_rows: int, ops: Any) -> Any:
    """Drop the first `n_rows` positions of (batch, time, n), so that what is left ends at the same row."""
    if not n_rows:
        return inputs
    batch, n_positions, n_inputs = ops.shape(inputs)
    return ops.slice(inputs, (0, n_rows, 0), (batch, n_positions - n_rows, n_inputs))


def align(inputs: Any, reach: int, stride: int, ops: Any) -> Any:
    """Drop the first few rows, so that the newest output is one of every `stride`-th.

    Parameters
    ----------
    inputs : array or tensor of shape (batch, time, n)
        Of a known number of rows, unless `stride` is 1.
    reach : int
        Rows from the first to the last that an output sees, less one.
    stride : int
        Positions from one output to the next.
    ops : module
        ``keras.ops``, or `tscnn.common.numpy_ops`.

    Returns
    -------
    array or tensor of shape (batch, time or a little less, n)
        What the convolution works on.
    """
    return inputs if stride == 1 else crop(inputs, (inputs.shape[1] - reach - 1) % stride, ops)


def take_features(inputs: Any, features: Sequence[int], ops: Any) -> Any:
    """Select from the last axis; nothing to do when it is all of it in order."""
    n_features = inputs.shape[-1]
    if max(features) >= n_features:
        raise ValueError(received(f"The positions must be among {n_features} features.", positions=features))
    return inputs if list(features) == list(range(n_features)) else ops.take(inputs, features, axis=-1)


def pyramid_spacings(layers: Any) -> list[int]:
    """Rows between the positions that the newest output needs: at each layer's input, then at the output.

    Layer i is only asked for lags that are sums of multiples of the dilations from i on, so of their greatest common
    divisor. The first entry is that of all dilations: which rows of the data are needed.

    Parameters
    ----------
    layers : sequence of (int, int)
        ``(kernel_size, dilation_rate)`` of each layer, first to last.

    Returns
    -------
    list of int
        One more than there are layers.

    Examples
    --------
    >>> pyramid_spacings([(2, 1), (2, 2), (2, 4)])
    [1, 2, 4, 4]
    """
    spacings = [math.gcd(*(d for _, d in layers[i:])) for i in range(len(layers))]
    return [*spacings, spacings[-1] if spacings else 1]
