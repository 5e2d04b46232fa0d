"""How far forecasts return from the recent level to the mean of all that was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.linear.out_of_fold import Residuals
from tscnn.statistics.gate import FEWEST_FOLDS, trusted_gain

__all__ = ["find_reversion", "pull"]

STRENGTH = 0.5  # of what least squares finds: the mean drifts, and few stretches tell it


def find_reversion(folds: Sequence[Residuals], horizon: int) -> np.ndarray | None:
    """Fit the `reversion` of a `tscnn.network.layers.Head` to the errors of linear maps, if that makes them smaller.

    A linear map whose weights sum to one takes the recent level for granted. Many series return to a mean; a random
    walk does not, and looks on any one stretch as if it did. So each fold is judged by the reversion that the other
    folds give, in squared and absolute errors, and their mean gain, each counted by its origins, must exceed its
    standard error.

    Parameters
    ----------
    folds : sequence of Residuals
        Of `find_residuals`.
    horizon : int
        Steps predicted.

    Returns
    -------
    ndarray of shape (horizon,), or None
        None where it doesn't help, or where fewer than three folds could say.
    """
    if len(folds) < FEWEST_FOLDS:
        return None
    gains = [_gain(fold, STRENGTH * _fit([*folds[:i], *folds[i + 1 :]])) for i, fold in enumerate(folds)]
    if not trusted_gain(gains, [fold.n_origins for fold in folds]):
        return None
    return np.interp(np.arange(horizon), folds[0].steps, STRENGTH * _fit(folds))


def pull(fold: Residuals) -> np.ndarray:
    """Return what a `reversion` of one adds to every forecast.

    Parameters
    ----------
    fold : Residuals
        Its level and scale count.

    Returns
    -------
    ndarray of shape (origins, targets)
        At most the scale.
    """
    return np.asarray(fold.scale * np.tanh(fold.level / fold.scale))


def _fit(folds: Sequence[Residuals]) -> np.ndarray:
    """Return the multiple of the pull, by step, that takes most off the squared errors."""
    product = sum(np.einsum("ot,ots->s", fold.weights * pull(fold), fold.errors) for fold in folds)
    square = sum(float(np.sum(fold.weights * pull(fold) ** 2, dtype=np.float64)) for fold in folds)
    return np.asarray(-product / max(square, 1e-12))


def _gain(fold: Residuals, reversion: np.ndarray) -> float:
    """Return by what parts of them the mean squared and the mean absolute error fall."""
    errors = fold.errors
    if not np.any(errors):
        return 0.0
    after = errors + pull(fold)[:, :, None] * reversion.astype(errors.dtype)
    gains = [1 - np.mean(measure(after)) / np.mean(measure(errors)) for measure in (np.square, np.abs)]
    return float(np.sum(gains))
