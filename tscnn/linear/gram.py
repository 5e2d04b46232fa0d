"""Products of window entries summed over all windows: what a least-squares fit needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.common.checks import received
from tscnn.common.threads import map_in_threads
from tscnn.linear.bands import Bands

__all__ = ["WindowMoments", "affordable_share", "window_moments"]

BLOCK = 2048  # windows in memory at a time
MOST_PRODUCTS = 100_000_000_000  # some seconds


@dataclass(frozen=True)
class WindowMoments:
    """Sums over all windows of the products of their entries, each window relative to the mean of its inputs.

    They say all that a least-squares fit needs, and all that is needed to judge one at some steps.
    """

    inputs: np.ndarray  # (n_features, lookback, lookback)
    cross: np.ndarray  # (n_features, lookback, n_steps)
    targets: np.ndarray  # (n_features, n_judged, n_judged)
    steps: np.ndarray  # (n_steps,): of the horizon, from 0, that `cross` has
    judged: np.ndarray  # (n_judged,): positions among `steps` that `targets` has
    n_windows: int
    waves: Bands | None = None  # that `cross` and `targets` have in place of steps

    def __add__(self, other: WindowMoments) -> WindowMoments:
        """Join the windows of both."""
        return WindowMoments(
            self.inputs + other.inputs,
            self.cross + other.cross,
            self.targets + other.targets,
            self.steps,
            self.judged,
            self.n_windows + other.n_windows,
        )

    def at_judged(self) -> WindowMoments:
        """Keep only the steps that maps can be judged at.

        Returns
        -------
        WindowMoments
            Of the same inputs, and of a horizon that has these steps alone.
        """
        every = np.arange(len(self.judged))
        return replace(self, cross=self.cross[:, :, self.judged], steps=self.steps[self.judged], judged=every)

    def in_waves(self, bands: Bands) -> WindowMoments:
        """Describe outcomes by waves along the horizon instead of step by step.

        Parameters
        ----------
        bands : Bands
            Which waves.

        Returns
        -------
        WindowMoments
            Of waves in place of steps. Those of the whole horizon have its squared errors in all. It can't be
            shortened.
        """
        targets = bands.to_waves(bands.to_waves(self.targets).swapaxes(1, 2))
        return replace(self, cross=bands.to_waves(self.cross), targets=targets, waves=bands)

    def mean(self) -> WindowMoments:
        """Join all features into one.

        Returns
        -------
        WindowMoments
            Of one feature. The error of one map for all on it is the mean of the errors on each feature.
        """
        return self._changed(lambda moments: moments.mean(axis=0, keepdims=True))

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
        return self._changed(lambda moments: moments[index : index + 1])

    def unlikeness(self) -> np.ndarray:
        """Compare the ways in which features vary.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            The squared difference of the inputs' products of each two, in units of each feature's own variance and
            relative to the size of the products: 0 where the ways are the same.
        """
        flat = self.inputs.reshape(len(self.inputs), -1) / self._units()[:, None]
        products = flat @ flat.T
        squares = np.diag(products)
        sizes = np.sqrt(squares + 1e-12)  # those of a constant are 0
        return np.asarray(np.maximum(squares[:, None] + squares - 2 * products, 0) / (sizes[:, None] * sizes))

    def pool_alike(self, width: float) -> WindowMoments:
        """Let each feature have a part in the moments of those that vary as it does.

        Windows of a feature that follows the same law say as much about the map as its own do.

        Parameters
        ----------
        width : float
            Features whose `unlikeness` is this count exp(-1) times.

        Returns
        -------
        WindowMoments
            Of mean products, each feature's in units of its own variance.
        """
        unit = self._units()
        parts = np.exp(-self.unlikeness() / width)
        parts *= unit[:, None] / unit / parts.sum(axis=1, keepdims=True)
        return self._changed(lambda moments: (parts @ moments.reshape(len(parts), -1)).reshape(moments.shape))

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
        if lookback == self.inputs.shape[1]:
            return self
        kept = replace(self, inputs=self.inputs[:, -lookback:, -lookback:], cross=self.cross[:, -lookback:])
        shortened = kept._changed(np.copy)
        shortened._take_off_mean()
        return shortened

    def error_products(self, kernels: Sequence[np.ndarray], bands: Sequence[slice] = (slice(None),)) -> np.ndarray:
        """Return the mean product of the errors of each two linear maps, by feature.

        Parameters
        ----------
        kernels : sequence of ndarray of shape (1 or n_features, length, n_steps)
            Maps of raw rows, or of the newest rows alone.
        bands : sequence of slice, default all steps
            What to sum over.

        Returns
        -------
        ndarray of shape (n_bands, n_features, n_kernels, n_kernels)
            Mean over windows, sum over the steps of each band and divided by the number of all; on the diagonals of the
            sum over bands the mean squared errors.
        """
        n_kernels, (n_features, n_steps, _) = len(kernels), self.targets.shape
        lookback = self.inputs.shape[1]
        products = np.empty((len(bands), n_features, n_kernels, n_kernels))

        def multiply(f: int) -> None:
            maps = np.zeros((n_kernels, lookback, n_steps))
            images = np.empty((n_kernels, lookback, n_steps))
            for padded, image, kernel in zip(maps, images, kernels, strict=True):
                newest = slice(lookback - kernel.shape[1], None)
                padded[newest] = kernel[f % len(kernel)]
                np.matmul(self.inputs[f][:, newest], padded[newest], out=image)
            explained, squares = np.einsum("kls,ls->ks", maps, self.cross[f]), np.diag(self.targets[f])
            for found, band in zip(products, bands, strict=True):
                flat = (moments[:, :, band].reshape(n_kernels, -1) for moments in (maps, images))
                known = explained[:, band].sum(axis=1)
                found[f] = next(flat) @ next(flat).T + squares[band].sum() - known[:, None] - known

        map_in_threads(multiply, range(n_features))
        return products / (self.n_windows * n_steps)

    def squared_error(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean squared error of a linear map, one for each feature.

        Parameters
        ----------
        weights : ndarray of shape (1 or n_features, lookback, n_steps)
            As in `squared_errors`.

        Returns
        -------
        ndarray of shape (n_features,)
            Mean over windows and steps.
        """
        return np.asarray(self.squared_errors(weights).mean(axis=1))

    def squared_errors(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean squared error of a linear map, one for each feature and step.

        Parameters
        ----------
        weights : ndarray of shape (1 or n_features, lookback, n_steps)
            From a window relative to its mean to the steps after it relative to that mean.

        Returns
        -------
        ndarray of shape (n_features, n_steps)
            Mean over windows.
        """
        explained = np.einsum("fls,fls->fs", weights, 2 * self.cross - self.inputs @ weights)
        return np.asarray((np.einsum("fss->fs", self.targets) - explained) / self.n_windows)

    def _units(self) -> np.ndarray:
        """Return the variance of each feature, or nearly nothing where it is constant."""
        return np.asarray(np.trace(self.inputs, axis1=1, axis2=2) / self.inputs.shape[1] + 1e-12 * self.n_windows)

    def _changed(self, change: Callable[[np.ndarray], np.ndarray]) -> WindowMoments:
        """Change all moments alike."""
        return replace(self, inputs=change(self.inputs), cross=change(self.cross), targets=change(self.targets))

    def _take_off_mean(self) -> None:
        """Turn moments of windows relative to whatever into those relative to the mean of each window, in place."""
        shift = self.inputs.mean(axis=1)  # products of the windows' mean with each row
        target_shift, mean_mean = self.cross.mean(axis=1), shift.mean(axis=1, keepdims=True)
        shifted = target_shift[:, self.judged] - mean_mean / 2
        self.targets[...] -= shifted[:, None, :] + shifted[:, :, None]
        self.cross[...] -= (shift - mean_mean)[:, :, None]
        self.cross[...] -= target_shift[:, None, :]
        shift -= mean_mean / 2
        self.inputs[...] -= shift[:, None, :]
        self.inputs[...] -= shift[:, :, None]


def window_moments(
    rows: np.ndarray,
    origins: Iterable[range],
    lookback: int,
    horizon: int,
    *,
    judged: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    share: float = 1.0,
) -> WindowMoments:
    """Sum the products of window entries over all origins, a few thousand windows at a time.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1. Products are summed in their precision
        within a block of windows, blocks in float64.
    origins : iterable of range
        Of `find_origins`.
    lookback, horizon : int
        Steps seen and steps predicted.
    judged : ndarray of int, optional
        Steps of the horizon, from 0, that maps will be judged at; all by default.
    groups : ndarray of int of shape (n_features,), optional
        The group of each feature, from 0, whose features are joined into one; by default each is one by itself. The
        `mean` over groups is that over features: a group's products are their sum, times groups over features.
    scales : ndarray of shape (n_rows, n_features), optional
        Of `window_scales`, by which the window of each origin is divided.
    share : float, default 1.0
        Of the origins to take, by chance and the same ones each time: see `affordable_share`.

    Returns
    -------
    WindowMoments
        In squared units of `rows`, of groups in place of features. Its memory is n_groups * (lookback * (lookback +
        horizon) + n_judged**2) floats.

    Raises
    ------
    ValueError
        If there is no origin.
    """
    length, n_features = lookback + horizon, rows.shape[1]
    listed = np.concatenate([np.empty(0, int), *(np.asarray(stretch, int) for stretch in origins)])
    if not len(listed):
        raise ValueError(received("`origins` must hold an origin.", origins=origins))
    if share < 1:
        kept = np.random.default_rng(0).random(len(listed)) < share  # at even steps they could all start at noon
        listed = listed[kept] if kept.any() else listed[:1]
    groups, steps = np.arange(n_features) if groups is None else groups, np.arange(horizon)
    n_groups = groups.max() + 1
    judged = steps if judged is None else judged
    inputs = np.zeros((n_groups, lookback, lookback))
    cross = np.zeros((n_groups, lookback, horizon))
    targets = np.zeros((n_groups, len(judged), len(judged)))
    windows = sliding_window_view(np.ascontiguousarray(rows.T), length, axis=1)

    def add_up(group: int) -> None:
        members = np.flatnonzero(groups == group)
        for first in range(0, len(members) * len(listed), BLOCK):
            of_all = np.arange(first, min(first + BLOCK, len(members) * len(listed)))
            f, at = members[of_all // len(listed)], listed[of_all % len(listed)]
            block = windows[f, at - lookback + 1]
            # Relative to its newest row, the newest rows of a smooth series are small, and keep their digits.
            block -= block[:, lookback - 1 : lookback].copy()
            if scales is not None:
                block /= scales[at, f, None].astype(block.dtype)
            seen, outcomes = block[:, :lookback], block[:, lookback:]
            inputs[group] += seen.T @ seen
            cross[group] += seen.T @ outcomes
            at_judged = outcomes[:, judged].astype(np.float64)
            targets[group] += at_judged.T @ at_judged

    map_in_threads(add_up, range(n_groups))
    for moments in (inputs, cross, targets):
        moments *= n_groups / n_features
    summed = WindowMoments(inputs, cross, targets, steps, judged, len(listed))
    summed._take_off_mean()
    return summed


def affordable_share(n_origins: int, n_features: int, lookback: int, horizon: int) -> float:
    """Return the share of the origins whose `window_moments` take a few seconds.

    Windows next to each other are alike, so that a part of very many says nearly as much as all.

    Parameters
    ----------
    n_origins, n_features, lookback, horizon : int
        What there is.

    Returns
    -------
    float
        At most 1.
    """
    return min(1.0, MOST_PRODUCTS / (n_origins * n_features * lookback * (lookback + horizon)))
