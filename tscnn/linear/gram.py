"""Gram matrices of windows: the sums of products that a least-squares fit needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tscnn.common.checks import received
from tscnn.common.threads import map_in_threads
from tscnn.data.mapped import is_mapped, release
from tscnn.data.windows import pick_origins, sliding_windows

__all__ = ["GramMatrices", "affordable_part", "sum_gram_matrices"]

# Conventions
MOST_ORIGINS = 2**23  # whose windows are summed
RELEASED = 16  # blocks of windows after which rows in a file leave memory


@dataclass(frozen=True)
class GramMatrices:
    """Sums over windows of the products of their entries, each window relative to the mean of its inputs.

    They are all that a least-squares fit needs, and all that is needed to compute its squared error on these windows.

    Attributes
    ----------
    inputs : ndarray of shape (n_features, lookback, lookback)
        Products of inputs.
    cross : ndarray of shape (n_features, lookback, n_steps)
        Products of inputs and outcomes.
    outcomes : ndarray of shape (n_features, n_scored, n_scored)
        Products of outcomes, at the steps that errors are computed at.
    steps : ndarray of int of shape (n_steps,)
        Of the horizon, from 0, that `cross` has.
    scored : ndarray of int of shape (n_scored,)
        Positions among `steps` that `outcomes` has.
    n_windows : int
        Windows that are summed over.
    """

    inputs: np.ndarray
    cross: np.ndarray
    outcomes: np.ndarray
    steps: np.ndarray
    scored: np.ndarray
    n_windows: int

    def __add__(self, other: GramMatrices) -> GramMatrices:
        """Join the windows of both."""
        return replace(
            self,
            inputs=self.inputs + other.inputs,
            cross=self.cross + other.cross,
            outcomes=self.outcomes + other.outcomes,
            n_windows=self.n_windows + other.n_windows,
        )

    def at_scored(self) -> GramMatrices:
        """Keep only the steps that errors are computed at.

        Returns
        -------
        GramMatrices
            Of the same inputs, and of a horizon that has these steps alone.
        """
        every = np.arange(len(self.scored))
        return replace(self, cross=self.cross[:, :, self.scored], steps=self.steps[self.scored], scored=every)

    def mean(self) -> GramMatrices:
        """Average over all features.

        Returns
        -------
        GramMatrices
            Of one feature. The error of one map for all on it is the mean of the errors on each feature.
        """
        return self._changed(lambda products: products.mean(axis=0, keepdims=True))

    def weigh(self, shares: np.ndarray) -> GramMatrices:
        """Let features count more or less in `mean`.

        Parameters
        ----------
        shares : ndarray of shape (n_features,)
            By how much.

        Returns
        -------
        GramMatrices
            With errors so many times as large.
        """
        return self._changed(lambda products: shares[:, None, None] * products)

    def feature(self, index: int) -> GramMatrices:
        """Take one feature.

        Parameters
        ----------
        index : int
            Which.

        Returns
        -------
        GramMatrices
            A view.
        """
        return self._changed(lambda products: products[index : index + 1])

    def variances(self) -> np.ndarray:
        """Return the mean square of the inputs of each feature.

        Returns
        -------
        ndarray of shape (n_features,)
            Times the number of windows, and a little more than 0 for a constant.
        """
        return np.asarray(np.trace(self.inputs, axis1=1, axis2=2) / self.inputs.shape[1] + 1e-12 * self.n_windows)

    def squared_differences(self) -> np.ndarray:
        """Compare the ways in which features vary.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            The squared difference of the inputs' products of each two, in units of each feature's own variance and
            relative to the size of the products: 0 where the ways are the same.
        """
        flat = self.inputs.reshape(len(self.inputs), -1) / self.variances()[:, None]
        products = flat @ flat.T
        squares = np.diag(products)
        sizes = np.sqrt(squares + 1e-12)  # those of a constant are 0
        return np.asarray(np.maximum(squares[:, None] + squares - 2 * products, 0) / (sizes[:, None] * sizes))

    def pool(self, width: float) -> GramMatrices:
        """Add to the products of each feature those of the features that vary as it does.

        Windows of a feature that follows the same law say as much about its map as its own do.

        Parameters
        ----------
        width : float
            Features whose `squared_differences` is this count exp(-1) times.

        Returns
        -------
        GramMatrices
            Of weighted mean products, each feature's in units of its own variance.
        """
        unit = self.variances()
        parts = np.exp(-self.squared_differences() / width)
        parts *= unit[:, None] / unit / parts.sum(axis=1, keepdims=True)
        return self._changed(lambda products: (parts @ products.reshape(len(parts), -1)).reshape(products.shape))

    def shorten(self, lookback: int) -> GramMatrices:
        """Leave out the oldest rows of every window.

        Parameters
        ----------
        lookback : int
            Rows to keep.

        Returns
        -------
        GramMatrices
            Of the same origins, relative to the mean of the rows kept.
        """
        if lookback == self.inputs.shape[1]:
            return self
        kept = replace(self, inputs=self.inputs[:, -lookback:, -lookback:], cross=self.cross[:, -lookback:])
        shortened = kept._changed(np.copy)
        shortened._subtract_mean()
        return shortened

    def error_products(self, kernels: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean product of the errors of each two linear maps, by feature.

        Parameters
        ----------
        kernels : sequence of ndarray of shape (1 or n_features, length, n_steps)
            Maps of raw rows, or of the newest rows alone.

        Returns
        -------
        ndarray of shape (n_features, n_kernels, n_kernels)
            Mean over windows and steps; on the diagonals the mean squared errors.
        """
        n_kernels, (n_features, n_steps, _) = len(kernels), self.outcomes.shape
        lookback = self.inputs.shape[1]
        products = np.empty((n_features, n_kernels, n_kernels))

        def multiply(f: int) -> None:
            maps = np.zeros((n_kernels, lookback, n_steps))
            images = np.empty((n_kernels, lookback, n_steps))
            for padded, image, kernel in zip(maps, images, kernels, strict=True):
                newest = slice(lookback - kernel.shape[1], None)
                padded[newest] = kernel[f % len(kernel)]
                np.matmul(self.inputs[f][:, newest], padded[newest], out=image)
            explained = np.einsum("kls,ls->k", maps, self.cross[f])
            products[f] = maps.reshape(n_kernels, -1) @ images.reshape(n_kernels, -1).T
            products[f] += np.trace(self.outcomes[f]) - explained[:, None] - explained

        map_in_threads(multiply, range(n_features))
        return products / (self.n_windows * n_steps)

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
        return np.asarray((np.einsum("fss->fs", self.outcomes) - explained) / self.n_windows)

    def _changed(self, change: Callable[[np.ndarray], np.ndarray]) -> GramMatrices:
        """Change all matrices alike."""
        return replace(self, inputs=change(self.inputs), cross=change(self.cross), outcomes=change(self.outcomes))

    def _subtract_mean(self) -> None:
        """Turn products of windows relative to whatever into those relative to the mean of each window, in place."""
        shift = self.inputs.mean(axis=1)  # products of the windows' mean with each row
        outcome_shift, mean_mean = self.cross.mean(axis=1), shift.mean(axis=1, keepdims=True)
        shifted = outcome_shift[:, self.scored] - mean_mean / 2
        self.outcomes[...] -= shifted[:, None, :] + shifted[:, :, None]
        self.cross[...] -= (shift - mean_mean)[:, :, None]
        self.cross[...] -= outcome_shift[:, None, :]
        shift -= mean_mean / 2
        self.inputs[...] -= shift[:, None, :]
        self.inputs[...] -= shift[:, :, None]


def sum_gram_matrices(
    rows: np.ndarray,
    origins: Iterable[range],
    lookback: int,
    horizon: int,
    *,
    scored: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    observed: np.ndarray | None = None,
    part: float = 1.0,
    block: int = 2048,
) -> GramMatrices:
    """Sum the products of window entries over all origins, a block of windows at a time.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, each of mean near 0 and scale near 1. Products are summed in their precision
        within a block of windows, blocks in float64.
    origins : iterable of range
        Rows that windows end with.
    lookback, horizon : int
        Steps seen and steps predicted.
    scored : ndarray of int, optional
        Steps of the horizon, from 0, that errors are computed at; all by default.
    groups : ndarray of int of shape (n_features,), optional
        The group of each feature, from 0, whose features are joined into one; by default each is one by itself. The
        `mean` over groups is that over features: a group's products are their sum, times groups over features.
    scales : ndarray of shape (n_rows, n_features), optional
        Of `tscnn.transforms.rolling.window_scales`, by which the window of each origin is divided.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Which values are no fillings. A window counts by the share of its outcomes that are observed; the others are
        left out, and the products with those of a step, or of two, are in proportion to what is left.
    part : float, default 1.0
        Part of the origins to draw, the same ones each time: see `affordable_part`.
    block : int, default 2048
        Windows in memory at a time.

    Returns
    -------
    GramMatrices
        In squared units of `rows`, of groups in place of features. Their memory is n_groups * (lookback * (lookback +
        horizon) + n_scored**2) floats.

    Raises
    ------
    ValueError
        If there is no origin.
    """
    length, n_features = lookback + horizon, rows.shape[1]
    listed = _draw(list(origins), part)
    if not len(listed):
        raise ValueError(received("`origins` must hold an origin.", origins=origins))
    groups, steps = np.arange(n_features) if groups is None else groups, np.arange(horizon)
    n_groups = groups.max() + 1
    scored = steps if scored is None else scored
    inputs = np.zeros((n_groups, lookback, lookback))
    cross = np.zeros((n_groups, lookback, horizon))
    outcomes = np.zeros((n_groups, len(scored), len(scored)))
    together = rows if is_mapped(rows) else np.ascontiguousarray(rows.T).T
    windows = sliding_windows(together, length).swapaxes(1, 2)  # (windows, features, length)
    known = None if observed is None else sliding_windows(observed, horizon)  # (windows, features, horizon)
    weights, counts = np.zeros(n_groups), np.zeros_like(outcomes)
    step_counts = np.zeros((n_groups, horizon))

    def add_up(group: int) -> None:
        members = np.flatnonzero(groups == group)
        for first in range(0, len(members) * len(listed), block):
            of_all = np.arange(first, min(first + block, len(members) * len(listed)))
            f, at = members[of_all // len(listed)], listed[of_all % len(listed)]
            cut = windows[at - lookback + 1, f]
            # Relative to its newest row, the newest rows of a smooth series are small, and keep their digits.
            cut -= cut[:, lookback - 1 : lookback].copy()
            if scales is not None:
                cut /= scales[at, f, None].astype(cut.dtype)
            seen, followed = cut[:, :lookback], cut[:, lookback:]
            if known is None:
                inputs[group] += seen.T @ seen
            else:
                there = known[at + 1, :, f].astype(cut.dtype)
                followed *= there
                share = there.mean(axis=1)
                inputs[group] += (seen * share[:, None]).T @ seen
                weights[group] += share.sum(dtype=np.float64)
                step_counts[group] += there.sum(axis=0, dtype=np.float64)
                counts[group] += there[:, scored].T @ there[:, scored]
            cross[group] += seen.T @ followed
            at_scored = followed[:, scored].astype(np.float64)
            outcomes[group] += at_scored.T @ at_scored
            if first // block % RELEASED == 0:
                release(rows, *([] if scales is None else [scales]))

    map_in_threads(add_up, range(n_groups))
    n_windows = len(listed)
    if observed is not None:
        cross *= (weights[:, None] / np.maximum(step_counts, 1))[:, None]
        outcomes *= weights[:, None, None] / np.maximum(counts, 1)
        n_windows = max(1, round(weights.sum() / n_features))
    for products in (inputs, cross, outcomes):
        products *= n_groups / n_features
    summed = GramMatrices(inputs, cross, outcomes, steps, scored, n_windows)
    summed._subtract_mean()
    return summed


def _draw(stretches: Sequence[range], part: float) -> np.ndarray:
    """Draw a part of the origins, the same ones each time; of many millions no more than these."""
    n_origins, random = sum(map(len, stretches)), np.random.default_rng(0)
    part = min(part, MOST_ORIGINS / max(n_origins, 1))
    if part >= 1:
        return pick_origins(stretches, np.arange(n_origins))
    drawn = [
        first + np.flatnonzero(random.random(min(MOST_ORIGINS, n_origins - first)) < part)
        for first in range(0, n_origins, MOST_ORIGINS)
    ]  # at even steps they could all start at noon
    positions = np.concatenate([np.empty(0, int), *drawn])
    return pick_origins(stretches, positions if len(positions) else np.zeros(1, int))


def affordable_part(n_origins: int, n_features: int, lookback: int, horizon: int, most_products: float) -> float:
    """Return the part of the origins whose Gram matrices take a few seconds.

    Windows next to each other are alike, so that a part of very many says nearly as much as all.

    Parameters
    ----------
    n_origins, n_features, lookback, horizon : int
        What there is.
    most_products : float
        Products to sum, at most.

    Returns
    -------
    float
        At most 1.
    """
    return min(1.0, most_products / (n_origins * n_features * lookback * (lookback + horizon)))
