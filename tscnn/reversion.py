"""How far forecasts return from the recent level to the mean of all that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.linear_mixture import RELATIVE, JudgedMap
from tscnn.moments import rolling_moments, scale_unit

__all__ = ["find_reversion"]

STRENGTH = 0.5  # of what least squares finds: the mean drifts, and few stretches tell it
EPSILON = 1e-3  # of the normaliser
MOST_ORIGINS = 2000  # of a fold, evenly spread


def find_reversion(rows: np.ndarray, judged: Sequence[JudgedMap], span: int, horizon: int) -> np.ndarray | None:
    """Fit the `reversion` of a `tscnn.layers.Head` to the errors of linear maps, if that makes them smaller.

    A linear map whose weights sum to one takes the recent level for granted. Many series return to a mean; a random
    walk does not, and looks on any one stretch as if it did. So each fold is judged by the reversion that the other
    folds give, in squared and absolute errors.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised series, one behind the other.
    judged : sequence of JudgedMap
        Of `mix_linear_maps`.
    span : int
        Rows that the level and the scale are taken over, those of the network's normaliser.
    horizon : int
        Steps predicted.

    Returns
    -------
    ndarray of shape (horizon,), or None
        None where it doesn't help, or where fewer than two folds could say.
    """
    if len(judged) < 2:
        return None
    level, variance = rolling_moments(rows, span)
    folds = [_judge(rows, fold, level, variance) for fold in judged]
    sizes = np.sqrt([sum(map(len, fold.origins)) for fold in judged])
    gains = [_gain(fold, STRENGTH * _fit(folds[:i] + folds[i + 1 :])) for i, fold in enumerate(folds)]
    if not np.dot(sizes, gains) > 0:
        return None
    return np.interp(np.arange(horizon), judged[0].steps, STRENGTH * _fit(folds))


class _Fold(NamedTuple):
    errors: np.ndarray  # (origins, targets, steps)
    pull: np.ndarray  # (origins, targets)
    weights: np.ndarray  # as `pull`


def _judge(rows: np.ndarray, fold: JudgedMap, level: np.ndarray, variance: np.ndarray) -> _Fold:
    """Forecast from a fold's origins by its map, given the rolling statistics at every row."""
    at = np.concatenate([np.asarray(stretch) for stretch in fold.origins if len(stretch)])
    at = at[:: -(-len(at) // MOST_ORIGINS)]
    lookback, n_targets = fold.kernel.shape[1], rows.shape[1]
    errors = np.empty((len(at), n_targets, len(fold.steps)), rows.dtype)
    for f in range(n_targets):
        windows = sliding_window_view(rows[:, f], lookback)[at - lookback + 1]
        outcomes = rows[at[:, None] + 1 + fold.steps, f]
        errors[:, f] = windows @ fold.kernel[f % len(fold.kernel)].astype(rows.dtype) - outcomes
    scale = np.sqrt(variance[at]) + EPSILON
    pull = scale * np.tanh(level[at] / scale)
    return _Fold(errors, pull.astype(rows.dtype), (scale_unit(variance[at], RELATIVE) ** -2).astype(rows.dtype))


def _fit(folds: Sequence[_Fold]) -> np.ndarray:
    """Return the multiple of the pull, by step, that takes most off the squared errors."""
    product = sum(np.einsum("ot,ots->s", weights * pull, errors) for errors, pull, weights in folds)
    square = sum(float(np.sum(weights * pull**2, dtype=np.float64)) for _, pull, weights in folds)
    return np.asarray(-product / max(square, 1e-12))


def _gain(fold: _Fold, reversion: np.ndarray) -> float:
    """Return by what parts of them the mean squared and the mean absolute error fall."""
    errors, pull, _ = fold
    if not np.any(errors):
        return 0.0
    after = errors + pull[:, :, None] * reversion.astype(errors.dtype)
    gains = [1 - np.mean(measure(after)) / np.mean(measure(errors)) for measure in (np.square, np.abs)]
    return float(np.sum(gains))
