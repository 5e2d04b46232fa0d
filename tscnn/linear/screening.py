"""Whether what is known ahead helps: errors of one ridge regression, with and without, on rows that it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.common.threads import on_one_thread
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import sliding_windows
from tscnn.linear.ridge import fit_ridge_map
from tscnn.statistics import GateResult, gate, not_kept, relative_block_gains

__all__ = ["compare_rows", "compare_units", "find_held_out"]

MOST_ORIGINS = 1500  # that errors are computed at, evenly spread: a convention, for the time of a fit
MOST_PRODUCTS = 3e9  # that the regression is summed of: some tenths of a second


def find_held_out(split: Split, lookback: int, horizon: int, share: float) -> tuple[list[range], np.ndarray]:
    """Part the origins into earlier ones, to fit to, and later ones, to compute errors at.

    Parameters
    ----------
    split : Split
        Of the series.
    lookback, horizon : int
        Steps seen and steps predicted.
    share : float
        Of the training origins of each series, to fit to. The outcomes of the others lie after theirs.

    Returns
    -------
    earlier : list of range
        One a stretch.
    later : ndarray of int
        Training and validation origins, ascending.
    """
    earlier, later = [], []
    for stretch in split.training(lookback, horizon):
        end = stretch.start + int(len(stretch) * share)
        earlier.append(range(stretch.start, end))
        later.append(np.arange(min(end + horizon, stretch.stop), stretch.stop))
    if split.has_validation:
        later += [np.asarray(stretch, int) for stretch in split.validation(lookback, horizon)]
    return earlier, np.sort(np.concatenate(later)).astype(int)


@on_one_thread
def compare_rows(
    rows: np.ndarray,
    rivals: Sequence[np.ndarray],
    targets: Sequence[int],
    split: Split,
    lookback: int,
    horizon: int,
    *,
    share: float,
    level: float,
    least_gain: float,
) -> tuple[int, np.ndarray, GateResult]:
    """Compare ways to take something off rows that is known ahead, and added to forecasts.

    What is known ahead is the same in rows and outcomes, so that errors of what is left are those of the forecast.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Of which nothing is taken.
    rivals : sequence of ndarray of shape (n_rows, n_features)
        Of which something is, fitted to no more than the first `share` of the training rows.
    targets : sequence of int
        Columns that are forecast.
    split : Split
        Of the series.
    lookback, horizon : int
        Of the regression.
    share : float
        Of `find_held_out`.
    level, least_gain : float
        Of `tscnn.statistics.gate`.

    Returns
    -------
    best : int
        The rival with the smallest error.
    helped : ndarray of bool of shape (n_targets,)
        Targets whose error it makes smaller by more than chance would give.
    result : GateResult
        Of these together, or of all if none is.
    """
    earlier, later = find_held_out(split, lookback, horizon, share)
    nothing = np.zeros(len(targets), bool)
    if not any(earlier) or not len(later):
        return 0, nothing, not_kept("too few rows")
    spacing = max(1, len(later) // MOST_ORIGINS)
    at, apart = later[::spacing], -(-horizon // spacing)
    own = [np.ascontiguousarray(one[:, list(targets)]) for one in (rows, *rivals)]
    losses = [_losses(one, earlier, at, lookback, horizon) for one in own]  # (n_origins, n_targets) each
    best = 1 + int(np.argmin([one.mean() for one in losses[1:]]))

    def test(which: np.ndarray) -> GateResult:
        gains, weights = relative_block_gains(
            losses[0][:, which].mean(axis=1), losses[best][:, which].mean(axis=1), apart
        )
        return gate(gains, weights=weights, n_tries=len(rivals), level=level, least_gain=least_gain)

    helped = np.array([test(np.array([i])).kept for i in range(len(targets))])
    return best - 1, helped, test(np.flatnonzero(helped) if helped.any() else np.arange(len(targets)))


def _losses(rows: np.ndarray, earlier: Sequence[range], at: np.ndarray, lookback: int, horizon: int) -> np.ndarray:
    """Return the mean squared error of each origin and column, of a regression on earlier origins."""
    (kernel,) = fit_ridge_map(rows, earlier, [], lookback, horizon, (0.1,), MOST_PRODUCTS).astype(np.float32)
    losses = np.empty((len(at), rows.shape[1]))
    for first in range(0, len(at), 256):
        own = at[first : first + 256]
        windows = sliding_windows(rows, lookback)[own - lookback + 1]
        outcomes = sliding_windows(rows, horizon)[own + 1]
        forecasts = np.einsum("nlf,lh->nhf", windows, kernel, optimize=True)
        losses[first : first + 256] = np.square(outcomes - forecasts).mean(axis=1)
    return losses


@on_one_thread
def compare_units(
    rivals: Sequence[tuple[SeriesSet, Sequence[Any]]],
    series: SeriesSet,
    split: Split,
    targets: Sequence[int],
    lookback: int,
    horizon: int,
    scale: np.ndarray,
    *,
    share: float = 0.6,
    level: float = 0.05,
    least_gain: float = 0.0,
) -> tuple[np.ndarray, GateResult]:
    """Compare two ways to transform rows by the errors of forecasts in the data's own units.

    Parameters
    ----------
    rivals : sequence of (SeriesSet, sequence of Transform)
        Two of them: transformed rows, and what undoes that.
    series : SeriesSet
        In the data's own units, NaN where a value is missing.
    split : Split
        Of the series.
    targets : sequence of int
        Columns that are forecast.
    lookback, horizon : int
        Of the regression.
    scale : ndarray of shape (1 or n_series, n_features)
        By which errors are divided, so that series count alike.
    share, level, least_gain : float
        Of `find_held_out` and of `tscnn.statistics.gate`.

    Returns
    -------
    helped : ndarray of bool of shape (n_targets,)
        Targets whose mean absolute error the second makes smaller by more than chance would give, and whose mean
        squared error not larger.
    result : GateResult
        Of the absolute errors of these together, or of all if none is.
    """
    earlier, later = find_held_out(split, lookback, horizon, share)
    if not any(earlier) or not len(later):
        return np.zeros(len(targets), bool), not_kept("too few rows")
    spacing = max(1, len(later) // MOST_ORIGINS)
    at, apart, columns = later[::spacing], -(-horizon // spacing), list(targets)
    owners = np.searchsorted(series.bounds, at, side="right") - 1
    losses = []
    for rows, transforms in rivals:
        own = np.ascontiguousarray(rows.values[:, columns])
        (kernel,) = fit_ridge_map(own, earlier, [], lookback, horizon, (0.1,), MOST_PRODUCTS).astype(np.float32)
        found = np.empty((2, len(at), len(columns)))
        for i in np.unique(owners):
            which, begin = np.flatnonzero(owners == i), series.bounds[i]
            windows = sliding_windows(own, lookback)[at[which] - lookback + 1]
            forecasts = np.einsum("nlf,lh->nhf", windows, kernel, optimize=True).astype(np.float64)
            for one in reversed(transforms):
                forecasts = one.invert(forecasts, rows.times(int(i)), at[which] - begin, columns)
            outcomes = sliding_windows(series.values[:, columns], horizon)[at[which] + 1]
            errors = (forecasts - outcomes) / scale[min(i, len(scale) - 1), columns]
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an origin all of whose outcomes are missing
                for size, of_all in zip((np.abs(errors), np.square(errors)), found, strict=True):
                    of_all[which] = np.nanmean(size, axis=1)
        losses.append(np.nan_to_num(found))

    def test(which: np.ndarray) -> GateResult:
        before, after = (one[0][:, which].mean(axis=1) for one in losses)
        gains, weights = relative_block_gains(before, after, apart)
        return gate(gains, weights=weights, level=level, least_gain=least_gain)

    no_worse = losses[1][1].mean(axis=0) <= losses[0][1].mean(axis=0)
    helped = no_worse & np.array([test(np.array([i])).kept for i in range(len(columns))])
    return helped, test(np.flatnonzero(helped) if helped.any() else np.arange(len(columns)))
