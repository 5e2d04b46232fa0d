"""Stretches of the origins that maps of those before them are judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tscnn.linear.gram import WindowMoments, affordable_share, window_moments
from tscnn.transforms.rolling import window_scales

__all__ = ["Fold", "fold_moments", "summing"]

RELATIVE = 0.5  # power of `window_scales` in which errors count
N_FOLDS = 3  # of the training origins, in which strengths and shares compete as well as on the validation origins
N_STEPS = 48  # of the horizon, at most, on which they do


@dataclass(frozen=True)
class Fold:
    """What a map is solved on and what it is judged on, at the same steps of the horizon."""

    fitted: WindowMoments
    judged: WindowMoments
    origins: Sequence[range]  # of `judged`


def summing(
    rows: np.ndarray, training: Sequence[range], lookback: int, horizon: int, groups: np.ndarray
) -> Callable[[Sequence[range]], WindowMoments]:
    """Return what sums the moments of given origins, of as many as is affordable of all.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training : sequence of range
        All origins to train on.
    lookback, horizon : int
        Steps seen and steps predicted.
    groups : ndarray of int of shape (n_features,)
        Of `window_moments`.

    Returns
    -------
    callable
        Origins -> `WindowMoments`.
    """
    share = affordable_share(sum(map(len, training)), rows.shape[1], lookback, horizon)
    judged = np.arange(horizon)[:: -(-horizon // N_STEPS)]  # evenly spread
    scales = window_scales(rows, lookback, RELATIVE).astype(rows.dtype)
    return lambda origins: window_moments(
        rows, origins, lookback, horizon, judged=judged, groups=groups, scales=scales, share=share
    )


def fold_moments(
    moments: Callable[[Sequence[range]], WindowMoments],
    training: Sequence[range],
    validation: Sequence[range],
    horizon: int,
) -> tuple[list[Fold], WindowMoments, WindowMoments]:
    """Divide the second half of the training origins into folds, and add the validation origins as the newest one.

    Parameters
    ----------
    moments : callable
        Of `summing`.
    training, validation : sequence of range
        Origins, of `find_origins`.
    horizon : int
        Steps predicted.

    Returns
    -------
    folds : list of Fold
        Oldest first. Maps are solved on all origins before a fold but those whose outcomes reach into it.
    training, everything : WindowMoments
        Of all training origins, and of those and the validation origins, of all steps.
    """
    shortest = min((len(stretch) for stretch in training if len(stretch)), default=0)
    n_blocks = min(N_FOLDS, shortest // (4 * horizon))  # in the second half, each at least two horizons long
    ends = [[s.stop - len(s) // 2 * (n_blocks - k) // n_blocks for s in training] for k in range(1, n_blocks + 1)]
    before = [range(s.start, s.stop - len(s) // 2) for s in training] if ends else list(training)
    fitted, folds = moments(before), []
    for end in [*ends, None]:
        if end is None:
            block = list(validation)
        else:  # but for origins whose outcomes reach into it
            block = [range(min(b.stop + horizon - 1, e), e) for b, e in zip(before, end, strict=True)]
        between = [range(b.stop, j.start) for b, j in zip(before, block, strict=True)]
        judged = moments(block)
        folds.append(Fold(fitted.at_judged(), judged.at_judged(), block))
        trained = fitted
        fitted = fitted + judged + moments(between) if any(between) else fitted + judged
        before = block
    return folds, trained, fitted
