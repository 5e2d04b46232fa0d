"""By what unit the errors of each window count: the larger, the more it varies, and the worse it can be forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.data.windows import sliding_windows
from tscnn.linear.ridge import fit_ridge_map
from tscnn.linear.settings import MixtureSettings
from tscnn.transforms.rolling import window_scales

__all__ = ["error_scales"]

BLOCK = 2**22  # values in memory at a time: a convention


def error_scales(
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    lookback: int,
    horizon: int,
    settings: MixtureSettings,
    observed: np.ndarray | None = None,
) -> np.ndarray:
    """Measure by what unit the errors of the forecasts from each window count.

    The scale of the window, times the size of the residuals that a first ridge regression leaves of it, both to some
    power: iteratively reweighted least squares [1]_, with one weight for all steps of a window. In absolute units the
    few windows decide that nothing could have forecast.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins; the first regression is solved on those of training.
    lookback, horizon : int
        Steps seen and steps predicted.
    settings : MixtureSettings
        For `scale_power`, `residual_power`, `residual_lookback` and `n_steps`.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Which values are no fillings.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        Of the window that ends with each row. Residuals count relative to their median, and those that are smaller than
        a third of it as that.

    References
    ----------
    .. [1] Holland and Welsch (1977), Robust regression using iteratively reweighted least-squares.
    """
    scales, listed = window_scales(rows, lookback, settings.scale_power), [*training, *validation]
    if not settings.residual_power or not any(training):
        return scales
    length = min(lookback, settings.residual_lookback)
    kernel = fit_ridge_map(rows, training, [], length, horizon, (0.01,), settings.most_products / 30, observed)[0]
    steps = np.arange(horizon)[:: -(-horizon // settings.n_steps)]
    kernel = np.ascontiguousarray(kernel[:, steps].T).astype(rows.dtype)
    at = np.concatenate([np.asarray(stretch, int) for stretch in listed])
    sizes = np.empty((len(at), rows.shape[1]))
    windows, outcomes = sliding_windows(rows, length), sliding_windows(rows, horizon)
    known = None if observed is None else sliding_windows(observed, horizon)
    for part in np.array_split(np.arange(len(at)), max(1, len(at) * rows.shape[1] * length // BLOCK)):
        squares = np.square(outcomes[at[part] + 1][:, steps] - kernel @ windows[at[part] - length + 1])
        if known is None:
            sizes[part] = squares.mean(axis=1)
        else:
            there = known[at[part] + 1][:, steps]
            sizes[part] = (squares * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    sizes = np.sqrt(sizes)
    middle = np.median(sizes[: sum(map(len, training))], axis=0)
    relative = np.maximum(sizes / np.where(middle > 0, middle, 1), 1 / 3)
    scales[at] *= relative ** (settings.residual_power / 2)
    return scales
