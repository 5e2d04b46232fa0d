"""Folds: stretches of origins, each forecast by maps that were solved on the origins before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tscnn.linear.gram import GramMatrices, affordable_part, sum_gram_matrices
from tscnn.linear.settings import MixtureSettings
from tscnn.transforms.rolling import window_scales

__all__ = ["Fold", "cut_folds", "relative_gram_matrices"]


@dataclass(frozen=True)
class Fold:
    """What a map is solved on and what it is compared on, at the same steps of the horizon.

    Attributes
    ----------
    before, held_out : GramMatrices
        Of the origins before the fold, and of its own.
    origins : sequence of range
        Of the fold, one range a stretch of rows.
    """

    before: GramMatrices
    held_out: GramMatrices
    origins: Sequence[range]


def relative_gram_matrices(
    rows: np.ndarray,
    training: Sequence[range],
    lookback: int,
    horizon: int,
    groups: np.ndarray,
    settings: MixtureSettings,
    observed: np.ndarray | None = None,
) -> Callable[[Sequence[range]], GramMatrices]:
    """Return a function that sums the Gram matrices of given origins, in units of each window's scale.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training : sequence of range
        All origins to train on: of more than is affordable, a part is drawn.
    lookback, horizon : int
        Steps seen and steps predicted.
    groups : ndarray of int of shape (n_features,)
        Of `sum_gram_matrices`.
    settings : MixtureSettings
        For `scale_power`, `n_steps` and `most_products`.
    observed : ndarray of bool of shape (n_rows, n_features), optional
        Of `sum_gram_matrices`.

    Returns
    -------
    callable
        Origins -> `GramMatrices`.
    """
    n_origins = sum(map(len, training))
    part = affordable_part(n_origins, rows.shape[1], lookback, horizon, settings.most_products)
    scored = np.arange(horizon)[:: -(-horizon // settings.n_steps)]  # evenly spread
    scales = window_scales(rows, lookback, settings.scale_power, rows.dtype)
    return lambda origins: sum_gram_matrices(
        rows, origins, lookback, horizon, scored=scored, groups=groups, scales=scales, observed=observed, part=part
    )


def cut_folds(
    summing: Callable[[Sequence[range]], GramMatrices],
    training: Sequence[range],
    validation: Sequence[range],
    horizon: int,
    n_folds: int,
) -> tuple[list[Fold], GramMatrices, GramMatrices]:
    """Divide the second half of the training origins into folds, and add the validation origins as the newest one.

    Parameters
    ----------
    summing : callable
        Of `relative_gram_matrices`.
    training, validation : sequence of range
        Origins.
    horizon : int
        Steps predicted.
    n_folds : int
        Folds of the training origins, at most; each is at least two horizons long.

    Returns
    -------
    folds : list of Fold
        Oldest first. Maps are solved on all origins before a fold but those whose outcomes reach into it.
    training, everything : GramMatrices
        Of all training origins, and of those and the validation origins, of all steps.
    """
    shortest = min((len(stretch) for stretch in training if len(stretch)), default=0)
    n_folds = min(n_folds, shortest // (4 * horizon))
    ends = [[s.stop - len(s) // 2 * (n_folds - k) // n_folds for s in training] for k in range(1, n_folds + 1)]
    before = [range(s.start, s.stop - len(s) // 2) for s in training] if ends else list(training)
    summed, folds = summing(before), []
    for end in [*ends, None]:
        if end is None:
            held_out = list(validation)
        else:  # but for origins whose outcomes reach into it
            held_out = [range(min(b.stop + horizon - 1, e), e) for b, e in zip(before, end, strict=True)]
        # A stretch without origins to hold out has none between, either: outcomes would lie beyond its end.
        between = [range(b.stop, h.start if h else b.stop) for b, h in zip(before, held_out, strict=True)]
        matrices = summing(held_out)
        folds.append(Fold(summed.at_scored(), matrices.at_scored(), held_out))
        trained = summed
        summed = summed + matrices + summing(between) if any(between) else summed + matrices
        before = held_out
    return folds, trained, summed
