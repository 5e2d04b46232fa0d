"""Structural models beside a linear mixture: their odds, and how much of a forecast of short series is theirs."""

from __future__ import annotations

import dataclasses

import numpy as np

from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.settings import LinearModel, StructuralSettings
from tscnn.linear.structural_mixture import StructuralMixture, list_models, longest_window

__all__ = ["fit_structural_mixture", "is_short", "learn_odds"]


def is_short(series: SeriesSet, lookback: int | None, settings: LinearModel | None) -> bool:
    """Tell whether structural models are to forecast series.

    Parameters
    ----------
    series : SeriesSet
        Of training.
    lookback : int or None
        None where it is to be chosen: these models see more than a lookback that is given.
    settings : LinearModel or None
        None without linear model.

    Returns
    -------
    bool
        Whether a frame, or the median series of a panel, has too few rows for ridge regressions.
    """
    if lookback is not None or settings is None or not settings.structural_models:
        return False
    own = settings.structural_settings
    n_rows = np.median(np.diff(series.bounds))
    return bool(n_rows <= (own.longest_alone if series.names is None else own.longest))


def fit_structural_mixture(
    rows: np.ndarray,
    split: Split,
    targets: np.ndarray,
    rival: LinearMixture,
    season: int,
    settings: LinearModel,
) -> tuple[StructuralMixture, StructuralMixture]:
    """Learn the odds of structural models, and compare them with a linear mixture on validation rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series in the units of the terms, one behind the other.
    split : Split
        Of these.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    rival : LinearMixture
        Solved on the training rows.
    season : int
        Rows of a season; 1 for none.
    settings : LinearModel
        For the models and their odds.

    Returns
    -------
    fitted, refitted : StructuralMixture
        With the odds of the training rows, and of all rows; both with a share for beside the mixture.
    """
    own, horizon = settings.structural_settings, rival.horizon
    bounds = split.series.bounds
    step = -(-(len(bounds) - 1) // own.most_series)
    starts, ends, stops = bounds[:-1:step], np.array(split.validation_from)[::step], bounds[1::step]
    models = list_models(season, horizon, own)
    prior = np.zeros(len(models) * (2 if settings.logarithms else 1))
    context = int(min(np.diff(bounds).max(), longest_window(season, horizon) + own.n_rows))
    numbers = {name: getattr(own, name) for name in ("n_origins", "n_rows", "power", "most_power")}
    term = StructuralMixture(models, prior, targets, season, horizon, context, **numbers)
    fitted, refitted = (learn_odds(term, _newest(rows, starts, at, context), own) for at in (ends, stops))
    losses = np.zeros((2, 0))
    first, last = ends + horizon <= stops, stops - horizon > ends
    for origins, judged in ((ends, first), (stops - horizon, last)):
        which = np.flatnonzero(judged & (origins - starts > season))
        if len(which):
            found = _compare(rows, starts[which], origins[which], fitted, rival)
            losses = np.concatenate([losses, found], axis=1)
    share = _share(losses, own)
    return dataclasses.replace(fitted, share=share), dataclasses.replace(refitted, share=share)


def learn_odds(term: StructuralMixture, windows: np.ndarray, settings: StructuralSettings) -> StructuralMixture:
    """Take the mean weights of all series for the odds of each, again and again: empirical Bayes.

    Parameters
    ----------
    term : StructuralMixture
        Of the odds to begin with.
    windows : ndarray of shape (n_series, context, n_features)
        The newest rows of each series.
    settings : StructuralSettings
        For `n_iterations`, and for `flat_series`, with which few series leave the odds nearly as they are.

    Returns
    -------
    StructuralMixture
        Of other odds.
    """
    parts = [term.past_errors(windows[:, :, f]) for f in term.targets]
    logs, amount = (np.concatenate(found) for found in zip(*parts, strict=True))
    logs, amount = logs[amount > 0], amount[amount > 0]
    for _ in range(settings.n_iterations):
        weights = term.weigh(logs, amount).sum(axis=0) + settings.flat_series / len(term.prior)
        term = dataclasses.replace(term, prior=np.log(weights / weights.sum()))
    return term


def _compare(
    rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, term: StructuralMixture, rival: LinearMixture
) -> np.ndarray:
    """Return the errors (2, n_series * n_targets) of rival and term after `ends`, in mean changes from row to row."""
    seen = _newest(rows, starts, ends, term.context)
    outcomes = rows[ends[:, None] + np.arange(term.horizon)][:, :, term.targets]
    n_changes = np.minimum(ends - starts, term.context)[:, None] - 1
    size = np.abs(np.diff(seen[:, :, term.targets], axis=1)).sum(axis=1) / n_changes + 1e-6
    forecasts = rival.last(_newest(rows, starts, ends, rival.context)), term.last(seen)
    return np.stack([(np.abs(found - outcomes).mean(axis=1) / size).ravel() for found in forecasts])


def _share(losses: np.ndarray, settings: StructuralSettings) -> float:
    """Return how much structural models count beside the rival by their errors, (2, n), which say little if few."""
    n_errors = losses.shape[1]
    power = min(settings.power * n_errors, settings.ridge_power)
    ratio = losses[0].mean() / max(losses[1].mean(), 1e-12) if n_errors else 1.0
    ridges = settings.ridge_odds * n_errors / (n_errors + settings.flat_series)
    return float(1 / (1 + ridges / max(ratio, 1e-3) ** power))


def _newest(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, n_rows: int) -> np.ndarray:
    """Cut the rows before each of `ends`; where a series begins later, its first row stands for those before."""
    at = np.maximum(ends[:, None] + np.arange(-n_rows, 0), np.asarray(starts)[:, None])
    return rows[np.minimum(at, len(rows) - 1)]
