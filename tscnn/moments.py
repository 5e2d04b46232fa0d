"""Products of window entries summed over all windows: what a least-squares fit needs, without cutting a window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate

from tscnn._validation import received

__all__ = ["WindowMoments", "window_moments"]


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
        """Join all features into one.

        Returns
        -------
        WindowMoments
            Of one feature. The error of one map for all on it is the mean of the errors on each feature.
        """
        inputs, cross, targets = (m.mean(axis=0, keepdims=True) for m in (self.inputs, self.cross, self.targets))
        return WindowMoments(inputs, cross, targets, self.n_windows)

    def feature(self, index: int) -> WindowMoments:
        """Take one feature.

        Parameters
        ----------
        index : int
            Which.

        Returns
        -------
        WindowMoments
            A view.
        """
        one = slice(index, index + 1)
        return WindowMoments(self.inputs[one], self.cross[one], self.targets[one], self.n_windows)

    def shorten(self, lookback: int) -> WindowMoments:
        """Forget the oldest rows of every window.

        Parameters
        ----------
        lookback : int
            Rows to keep.

        Returns
        -------
        WindowMoments
            Of the same origins, relative to the mean of the rows kept.
        """
        inputs, cross = self.inputs[:, -lookback:, -lookback:], self.cross[:, -lookback:]
        shift = inputs.mean(axis=1)  # products of the kept rows' mean with each of them
        target_shift, mean_mean = cross.mean(axis=1), shift.mean(axis=1)
        return WindowMoments(
            inputs - shift[:, None, :] - shift[:, :, None] + mean_mean[:, None, None],
            cross - target_shift[:, None, :] - shift[:, :, None] + mean_mean[:, None, None],
            self.targets - 2 * target_shift + mean_mean[:, None],
            self.n_windows,
        )

    def error_products(self, kernels: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean product of the errors of each two linear maps.

        Parameters
        ----------
        kernels : sequence of ndarray of shape (1 or n_features, lookback, horizon)
            Maps as in `squared_error`.

        Returns
        -------
        ndarray of shape (n_kernels, n_kernels)
            Mean over windows, steps and features; on the diagonal the mean squared errors.
        """
        n_kernels, (n_features, horizon) = len(kernels), self.targets.shape
        products = np.zeros((n_kernels, n_kernels))
        for f in range(n_features):
            maps = np.stack([kernel[f % len(kernel)] for kernel in kernels])  # (kernels, lookback, horizon)
            explained = np.einsum("klh,lh->k", maps, self.cross[f])
            flat = maps.reshape(n_kernels, -1)
            products += flat @ (self.inputs[f] @ maps).reshape(n_kernels, -1).T
            products += self.targets[f].sum() - explained[:, None] - explained
        return products / (self.n_windows * n_features * horizon)

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


def window_moments(
    rows: np.ndarray, origins: Iterable[range], lookback: int, horizon: int, *, joined: bool = False
) -> WindowMoments:
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
    joined : bool, default False
        Whether to return the `mean` over features only.

    Returns
    -------
    WindowMoments
        In squared units of `rows`. Its memory is n_features * lookback * (lookback + horizon) floats, or as for one
        feature if `joined`.

    Raises
    ------
    ValueError
        If there is no origin.
    """
    length, n_features = lookback + horizon, rows.shape[1]
    stretches = [slice(o.start - lookback + 1, o.stop + horizon) for o in origins if len(o)]
    if not stretches:
        raise ValueError(received("`origins` must hold an origin.", origins=origins))
    n_windows = sum(stretch.stop - stretch.start - length + 1 for stretch in stretches)
    n_kept = 1 if joined else n_features
    inputs = np.zeros((n_kept, lookback, lookback))
    cross = np.zeros((n_kept, lookback, horizon))
    targets = np.zeros((n_kept, horizon))
    for f in range(n_features):
        products = _entry_products([rows[stretch, f] for stretch in stretches], length)
        from_mean = products[:lookback].mean(axis=0)  # products of the inputs' mean with every entry
        products -= from_mean
        products -= from_mean[:, None]
        products += from_mean[:lookback].mean()
        products /= n_features // n_kept
        inputs[f % n_kept] += products[:lookback, :lookback]
        cross[f % n_kept] += products[:lookback, lookback:]
        targets[f % n_kept] += np.diagonal(products)[lookback:]
    return WindowMoments(inputs, cross, targets, n_windows)


def _entry_products(series: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Sum x[s + i] x[s + j] over every window start s of every series, for all i and j below `length`."""
    first = np.zeros(length)
    heads, tails = np.empty((2, len(series), length - 1))
    for k, values in enumerate(series):
        # Only what lies between rows of a window counts in the end: a high level would only cost digits.
        x = values.astype(np.float64)
        x -= x.mean()
        n_windows = len(x) - length + 1
        first += correlate(x, x[:n_windows], mode="valid", method="auto")
        heads[k], tails[k] = x[: length - 1], x[n_windows:]
    products = np.empty((length, length))
    products[0] = products[:, 0] = first
    products[1:, 1:] = tails.T @ tails
    products[1:, 1:] -= heads.T @ heads
    for i in range(length - 1):
        products[i + 1, 1:] += products[i, :-1]
    return products
