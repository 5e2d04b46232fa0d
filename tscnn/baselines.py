"""What every model has to beat: repeating what was seen, and the best linear map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.signal import correlate

from tscnn._validation import check_int, received

__all__ = ["WindowMoments", "fit_linear_map", "repeat_last", "repeat_season", "window_moments"]

ALPHAS = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def repeat_last(inputs: np.ndarray, horizon: int) -> np.ndarray:
    """Forecast that every step equals the newest row.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Examples
    --------
    >>> repeat_last(np.arange(6.0).reshape(1, 6, 1), horizon=2)[0, :, 0]
    array([5., 5.])
    """
    return repeat_season(inputs, horizon, 1)


def repeat_season(inputs: np.ndarray, horizon: int, seasonality: int) -> np.ndarray:
    """Forecast that the newest `seasonality` rows repeat.

    Parameters
    ----------
    inputs : ndarray of shape (n_windows, lookback, n_features)
        Windows, oldest row first.
    horizon : int
        Steps to predict.
    seasonality : int
        Rows of a season, at most the lookback.

    Returns
    -------
    ndarray of shape (n_windows, horizon, n_features)
        In the units of `inputs`.

    Raises
    ------
    ValueError
        If a season is longer than the windows.

    Examples
    --------
    >>> repeat_season(np.arange(6.0).reshape(1, 6, 1), horizon=5, seasonality=3)[0, :, 0]
    array([3., 4., 5., 3., 4.])
    """
    lookback = inputs.shape[1]
    if check_int("seasonality", seasonality) > lookback:
        raise ValueError(received(f"`seasonality` must be at most the lookback, {lookback}.", seasonality=seasonality))
    steps = lookback - seasonality + np.arange(horizon) % seasonality
    return inputs[:, steps]


@dataclass(frozen=True)
class WindowMoments:
    """Sums over all windows of the products of their entries, each window relative to the mean of its inputs.

    They say all that a least-squares fit needs, and all that is needed to judge one.
    """

    inputs: np.ndarray  # (n_features, lookback, lookback)
    cross: np.ndarray  # (n_features, lookback, horizon)
    targets: np.ndarray  # (n_features, horizon): of each step with itself
    n_windows: int

    def mean(self) -> WindowMoments:
        """Join all features into one."""
        inputs, cross, targets = (m.mean(axis=0, keepdims=True) for m in (self.inputs, self.cross, self.targets))
        return WindowMoments(inputs, cross, targets, self.n_windows)

    def squared_error(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean squared error of a linear map, one for each feature.

        Parameters
        ----------
        weights : ndarray of shape (1 or n_features, lookback, horizon)
            From a window relative to its mean to the steps after it relative to that mean.

        Returns
        -------
        ndarray of shape (n_features,)
            Mean over windows and steps.
        """
        explained: np.ndarray = np.einsum("flh,flh->f", weights, 2 * self.cross - self.inputs @ weights)
        total = self.targets.sum(axis=1)
        return np.asarray((total - explained) / (self.n_windows * self.targets.shape[1]))


def window_moments(rows: np.ndarray, origins: Iterable[range], lookback: int, horizon: int) -> WindowMoments:
    """Sum the products of window entries over all origins, without cutting a window.

    The moment of entries i + 1 and j + 1 is that of i and j with one product added and one taken away, so that one
    correlation a feature gives them all: the cost of a row does not depend on the lookback squared.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1.
    origins : iterable of range
        Of `find_origins`.
    lookback, horizon : int
        Steps seen and steps predicted.

    Returns
    -------
    WindowMoments
        In squared units of `rows`.
    """
    length, n_features = lookback + horizon, rows.shape[1]
    products = np.zeros((n_features, length, length))
    n_windows = 0
    for stretch in origins:
        if len(stretch):
            series = rows[stretch.start - lookback + 1 : stretch.stop + horizon].astype(np.float64)
            products += np.stack([_entry_products(series[:, f], length) for f in range(n_features)])
            n_windows += len(stretch)
    from_mean = products[:, :lookback].mean(axis=1)  # products of the inputs' mean with every entry
    mean_mean = from_mean[:, :lookback].mean(axis=1)
    products += mean_mean[:, None, None] - from_mean[:, None, :] - from_mean[:, :, None]
    targets = np.diagonal(products, axis1=1, axis2=2)[:, lookback:]
    return WindowMoments(products[:, :lookback, :lookback], products[:, :lookback, lookback:], targets, n_windows)


def _entry_products(series: np.ndarray, length: int) -> np.ndarray:
    """Sum x[s + i] x[s + j] over every window start s, for all i and j below `length`."""
    n_windows = len(series) - length + 1
    products = np.empty((length, length))
    products[0] = correlate(series, series[:n_windows], mode="valid", method="auto")
    products[:, 0] = products[0]
    for i in range(length - 1):
        left, joined = series[i] * series[: length - 1], series[n_windows + i] * series[n_windows:]
        products[i + 1, 1:] = products[i, :-1] - left + joined[: length - 1]
    return products


def fit_linear_map(
    training: WindowMoments, validation: WindowMoments | None = None, alphas: Sequence[float] = ALPHAS
) -> np.ndarray:
    """Fit the ridge regression from windows to the steps after them, in closed form.

    Parameters
    ----------
    training : WindowMoments
        Of the training origins; a single feature's, or several features' `mean`, gives one map for all.
    validation : WindowMoments, optional
        Of the validation origins: `alphas` compete on them. Without, the third is taken.
    alphas : sequence of float
        Ridge strengths, relative to the mean square of an input.

    Returns
    -------
    ndarray of shape (n_features, lookback, horizon)
        The map of each feature in `training`, from a window relative to its mean to the steps relative to it.

    References
    ----------
    .. [1] Hoerl and Kennard (1970), Ridge Regression, equation 2.1.
    """
    maps = [_solve(training, alpha) for alpha in (alphas if validation is not None else alphas[2:3])]
    if validation is None:
        return maps[0]
    errors = np.array([validation.squared_error(weights) for weights in maps])  # (alphas, validation features)
    if len(training.inputs) == 1:
        errors = errors.mean(axis=1, keepdims=True)
    best = errors.argmin(axis=0)
    return np.stack([maps[choice][f] for f, choice in enumerate(best)])


def _solve(moments: WindowMoments, alpha: float) -> np.ndarray:
    lookback = moments.inputs.shape[1]
    maps = []
    for inputs, cross in zip(moments.inputs, moments.cross, strict=True):
        ridge = alpha * np.trace(inputs) / lookback + 1e-12 * moments.n_windows
        try:
            factor: Any = cho_factor(inputs + ridge * np.eye(lookback))
        except LinAlgError:  # rounding on windows that are nearly alike
            maps.append(np.zeros_like(cross))
        else:
            maps.append(cho_solve(factor, cross))
    return np.stack(maps)
