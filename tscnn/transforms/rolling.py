"""Mean, variance and scale of the rows that end with each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tscnn.common import numpy_ops
from tscnn.common.ring import Ring
from tscnn.data.mapped import empty_like, release

__all__ = [
    "EPSILON",
    "FLOOR",
    "normalize_by_block",
    "rolling_moments",
    "rolling_normalize",
    "scale_unit",
    "start_normalizing",
    "step_normalizing",
    "window_scales",
]

EPSILON = 1e-3  # added to the scale that windows are normalised by
FLOOR = 0.05  # of a window's variance, in units of that of the whole series
BLOCK = 2**20  # values whose moments are in memory at a time: a convention


def window_scales(rows: np.ndarray, lookback: int, power: float, dtype: Any = np.float64) -> np.ndarray:
    """Measure by what unit the errors of the forecasts from each window count.

    Errors grow with the scale of what is forecast, and some stretches of most series vary several times as much as
    others. In absolute units those few decide alone; in units of each window's own standard deviation the quiet ones
    do. A power between 0 and 1 is between the two.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1.
    lookback : int
        Rows of a window.
    power : float
        0 for absolute units, 1 for relative ones.
    dtype : dtype, default float64
        Of the units.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        The standard deviation of the `lookback` rows that end with each, to that power; a small constant inside keeps
        flat windows in bounds. 1 where there are fewer rows.

    Examples
    --------
    >>> window_scales(np.array([[-1.0], [1.0], [-2.0], [2.0]]), lookback=2, power=1).round(2).ravel()
    array([1.  , 1.02, 1.52, 2.01])
    """
    scales = empty_like(rows, dtype=dtype)
    scales[: lookback - 1] = 1
    for first, _, variance in _moments_by_block(rows, lookback):
        scales[first : first + len(variance)] = scale_unit(variance, power)
        release(rows, scales)
    return scales


def scale_unit(variance: np.ndarray, power: float) -> np.ndarray:
    """Return the unit of `window_scales` for windows of given variance.

    Parameters
    ----------
    variance : ndarray
        In squared units of the whole series.
    power : float
        0 for absolute units, 1 for relative ones.

    Returns
    -------
    ndarray
        As `variance`.
    """
    return np.asarray((variance + FLOOR) ** (power / 2))


def rolling_moments(rows: np.ndarray, span: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the variance of the `span` rows that end with each.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1: variances are differences of running sums,
        in float64.
    span : int
        Rows that they are taken over.

    Returns
    -------
    mean, variance : ndarray of shape (n_rows, n_features)
        Of the rows' own column means and 0 where there are fewer rows.

    Examples
    --------
    >>> mean, variance = rolling_moments(np.array([[-1.0], [1.0], [-2.0], [2.0]]), span=2)
    >>> mean.ravel(), variance.ravel().round(2)
    (array([ 0. ,  0. , -0.5,  0. ]), array([0.  , 1.  , 2.25, 4.  ]))
    """
    centre = rows.mean(axis=0, dtype=np.float64)
    mean, variance = np.tile(centre, (len(rows), 1)), np.zeros(rows.shape)
    for first, level, of_block in _moments_by_block(rows, span):
        mean[first : first + len(level)] += level
        variance[first : first + len(level)] = of_block
    return mean, variance


def _moments_by_block(rows: np.ndarray, span: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield the first row of a block, and the means, less those of the columns, and variances of `span` rows."""
    centre = rows.mean(axis=0, dtype=np.float64)
    sums = np.zeros((1, 2, rows.shape[1]))  # running, of rows and of squares, of the `span` rows before a block
    for first in range(0, len(rows), n_block := _rows_of_block(rows, span)):
        centred = rows[first : first + n_block] - centre
        new = np.concatenate([sums[-1:], np.stack([centred, np.square(centred)], axis=1)])
        sums = np.concatenate([sums[:-1], np.cumsum(new, axis=0)])
        if len(sums) > span:
            level, square = np.moveaxis((sums[span:] - sums[:-span]) / span, 1, 0)
            yield first + len(centred) - len(level), level, np.maximum(square - np.square(level), 0)
            sums = sums[-span:]


def _rows_of_block(rows: np.ndarray, span: int) -> int:
    """Return how many rows are looked at at a time, besides the `span` before them."""
    return max(4 * span, BLOCK // rows.shape[1])


def rolling_normalize(rows: Any, span: int, epsilon: float = EPSILON, ops: Any = numpy_ops) -> tuple[Any, Any, Any]:
    """Standardise each row by the mean and the standard deviation of the `span` rows that end with it.

    Means and sums of squared deviations of two neighbouring stretches are merged [1]_, stretches of 1, 2, 4, .. rows,
    and those of the binary digits of `span` joined. Nothing is ever subtracted from a running sum, which in float32
    loses every digit of a small variation on a high level.

    Parameters
    ----------
    rows : array or tensor of shape (batch, n_rows, n_features)
        At least `span` rows, oldest first.
    span : int
        Rows that a mean is taken over, at least 1.
    epsilon : float, default 1e-3
        Added to the standard deviation, in the units of the rows, so that a flat stretch is not blown up.
    ops : module, default `tscnn.common.numpy_ops`
        That, or ``keras.ops`` for tensors.

    Returns
    -------
    normalized, level, scale : array or tensor of shape (batch, n_rows - span + 1, n_features)
        ``normalized = (row - level) / (scale + epsilon)``; the scale of a flat stretch is 0.

    References
    ----------
    .. [1] Chan, Golub and LeVeque (1983), Algorithms for Computing the Sample Variance, equation 2.1.

    Examples
    --------
    >>> _, level, scale = rolling_normalize(np.arange(6.0).reshape(1, 6, 1), span=3)
    >>> level.ravel(), scale.ravel().round(2)
    (array([1., 2., 3., 4.]), array([0.82, 0.82, 0.82, 0.82]))
    """
    stretch = rows, ops.zeros_like(rows)  # mean, sum of squared deviations; of stretches of one row
    merged, n_merged = None, 0
    for bit in range(span.bit_length()):
        n_rows = 1 << bit
        if span & n_rows:
            merged = stretch if merged is None else _merge_neighbours(stretch, n_rows, merged, n_merged, ops)
            n_merged += n_rows
        if n_rows << 1 <= span:
            stretch = _merge_neighbours(stretch, n_rows, stretch, n_rows, ops)
    assert merged is not None
    level, squares = merged
    scale = ops.sqrt(squares / span)
    return (_without_first(rows, span - 1, ops) - level) / (scale + epsilon), level, scale


def normalize_by_block(rows: np.ndarray, span: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Do what `rolling_normalize` does to long series, in little memory.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Oldest first.
    span : int
        Of `rolling_normalize`.

    Yields
    ------
    at : slice
        The rows of a block, the first of which has `span` rows up to it.
    normalized, level, scale : ndarray of shape (n_block, n_features)
        Of these, to the bit those of all at once.
    """
    for first in range(span - 1, len(rows), n_block := _rows_of_block(rows, span)):
        normalized, level, scale = rolling_normalize(rows[None, first - span + 1 : first + n_block], span)
        yield slice(first, first + n_block), normalized[0], level[0], scale[0]
        release(rows)


def start_normalizing(windows: np.ndarray, span: int) -> list[Ring]:
    """Remember what `step_normalizing` needs of the rows before.

    Parameters
    ----------
    windows : ndarray of shape (n_series, n_rows, n_features)
        What several series have seen so far, at least `span` rows each.
    span : int
        Of `rolling_normalize`.

    Returns
    -------
    list of Ring
        Moments of the newest stretches of 1, 2, 4, .. rows, (2, n_series, n_features) each.
    """
    rows = np.asarray(windows[:, windows.shape[1] - span :], np.float32)
    stretch, rings = (rows, np.zeros_like(rows)), []
    for bit in range(span.bit_length()):
        n_rows = 1 << bit
        # A stretch twice as long needs that of `n_rows` ago; of the longest, that which completes the span is needed.
        length = min(n_rows, span - n_rows) + 1
        moments = np.stack(stretch)[:, :, -length:]  # (2, n_series, length, n_features)
        rings.append(Ring.of(moments.transpose(2, 0, 1, 3)))
        if n_rows << 1 <= span:
            stretch = _merge_neighbours(stretch, n_rows, stretch, n_rows, numpy_ops)
    return rings


def step_normalizing(
    rings: list[Ring], row: np.ndarray, span: int, epsilon: float = EPSILON
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Do what `rolling_normalize` does to the next row of several series.

    Parameters
    ----------
    rings : list of Ring
        Of `start_normalizing`; changed in place.
    row : ndarray of shape (n_series, n_features), float32
        The next row of each series.
    span, epsilon : int, float
        Of `rolling_normalize`.

    Returns
    -------
    normalized, level, scale : ndarray of shape (n_series, n_features)
        Of that row.

    Examples
    --------
    >>> rows = np.arange(6.0, dtype=np.float32).reshape(1, 6, 1)
    >>> rings = start_normalizing(rows[:, :5], span=3)
    >>> normalized, level, scale = step_normalizing(rings, rows[:, 5], span=3)
    >>> level, scale.round(2)
    (array([[4.]], dtype=float32), array([[0.82]], dtype=float32))
    """
    stretch, merged, n_merged = (row, np.zeros_like(row)), None, 0
    for bit, ring in enumerate(rings):
        n_rows = 1 << bit
        ring.push(np.array(stretch))
        if span & n_rows:
            merged = stretch if merged is None else _merge(ring.ago(n_merged), n_rows, merged, n_merged, numpy_ops)
            n_merged += n_rows
        if n_rows << 1 <= span:
            stretch = _merge(ring.ago(n_rows), n_rows, stretch, n_rows, numpy_ops)
    assert merged is not None
    level, squares = merged
    scale = np.sqrt(squares / span)
    return (row - level) / (scale + np.float32(epsilon)), level, scale


def _merge_neighbours(early: Any, n: int, late: Any, m: int, ops: Any) -> tuple[Any, Any]:
    """Join the moments of `late` stretches with those of the `early` stretches that end just before them."""
    late_mean, late_squares = (_without_first(moment, n, ops) for moment in late)
    n_positions = ops.shape(late_mean)[1]
    mean, squares = (moment[:, :n_positions] for moment in early)
    return _merge((mean, squares), n, (late_mean, late_squares), m, ops)


def _merge(early: Any, n: int, late: Any, m: int, ops: Any) -> tuple[Any, Any]:
    """Return mean and sum of squared deviations of stretches of `n` rows and those of `m` rows together."""
    (mean, squares), (late_mean, late_squares) = early, late
    difference = late_mean - mean
    joined = mean + difference * (m / (n + m))
    return joined, squares + late_squares + ops.square(difference) * (n * m / (n + m))


def _without_first(rows: Any, n_rows: int, ops: Any) -> Any:
    if isinstance(rows, np.ndarray):  # faster, where arrays are small
        return rows[:, n_rows:]
    if not n_rows:
        return rows
    batch, n_positions, n_features = ops.shape(rows)
    return ops.slice(rows, (0, n_rows, 0), (batch, n_positions - n_rows, n_features))
