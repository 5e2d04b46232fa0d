"""Whether structural models help a linear mixture to forecast a panel of short series, and their odds."""

from __future__ import annotations

import dataclasses

import numpy as np

from tscnn.data.split import Split
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.settings import MixtureSettings
from tscnn.linear.structural_mixture import SPREAD, StructuralMixture, list_models, longest_window
from tscnn.statistics import GateResult, gate, not_kept, relative_block_gains

__all__ = ["fit_structural_mixture"]

LONGEST = 400  # rows of the median series, from which on ridge regressions have enough to learn from: for the time
FEWEST_SERIES = 8  # whose forecasts are compared: a convention
SHARE_POWER = 30.0  # of the errors of both, in inverse proportion to which they count
PANEL_POWER = 20.0  # of a model's mean errors over the panel, in inverse proportion to which it counts


def fit_structural_mixture(
    rows: np.ndarray,
    split: Split,
    targets: np.ndarray,
    rival: LinearMixture,
    season: int,
    settings: MixtureSettings,
    level: float,
) -> tuple[StructuralMixture | None, GateResult]:
    """Compare structural models with a linear mixture at the first validation origin of every series.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series of a panel in units of their own, one behind the other.
    split : Split
        Of these.
    targets : ndarray of int of shape (n_targets,)
        Positions of the targets among the features.
    rival : LinearMixture
        Solved on the training rows.
    season : int
        Rows of a season; 1 for none.
    settings : MixtureSettings
        For the variances of models.
    level : float
        Of the gate.

    Returns
    -------
    term : StructuralMixture or None
        With the odds of all rows, and its share beside the linear mixture; None if both together are no better.
    result : GateResult
        Of both together against the linear mixture.
    """
    bounds, horizon = split.series.bounds, rival.horizon
    lengths = np.diff(bounds)
    if np.median(lengths) > LONGEST:
        return None, not_kept("the series are long")
    ends = np.array(split.validation_from)
    judged = np.flatnonzero((ends + horizon <= bounds[1:]) & (ends - bounds[:-1] > max(season, 3)))
    if len(judged) < FEWEST_SERIES:
        return None, not_kept(f"fewer than {FEWEST_SERIES} series have validation rows")
    context = int(min(lengths.max(), longest_window(season, horizon) + SPREAD))
    models = list_models(season, settings.level_variances, settings.trends)
    term = StructuralMixture(models, np.zeros(len(models)), targets, season, horizon, context)
    windows = _newest(rows, bounds[:-1], ends, context)
    term = _learn_odds(term, windows)
    outcomes = np.stack([rows[end : end + horizon][:, targets] for end in ends[judged]])
    seen = windows[judged]
    size = np.abs(np.diff(seen[:, :, targets], axis=1)).mean(axis=1)[:, None] + 1e-6
    near = _newest(rows, bounds[judged], ends[judged], rival.context)
    losses = [
        np.abs((forecasts - outcomes) / size).mean(axis=(1, 2)) for forecasts in (rival.last(near), term.last(seen))
    ]
    odds = (losses[0].mean() / losses[1].mean()) ** SHARE_POWER
    share = float(odds / (1 + odds))
    mixed = share * term.last(seen) + (1 - share) * rival.last(near)
    gains, weights = relative_block_gains(losses[0], np.abs((mixed - outcomes) / size).mean(axis=(1, 2)), 1)
    result = gate(gains, weights=weights, level=level)
    if not result.kept:
        return None, result
    return dataclasses.replace(_learn_odds(term, _newest(rows, bounds[:-1], bounds[1:], context)), share=share), result


def _learn_odds(term: StructuralMixture, windows: np.ndarray) -> StructuralMixture:
    """Take the odds of models from their errors over the panel."""
    parts = [term.past_errors(np.ascontiguousarray(windows[:, :, f], np.float64)) for f in term.targets]
    logs = np.concatenate([found[amount > 0] for found, amount in parts])
    if not len(logs):
        return term
    return dataclasses.replace(term, prior=-PANEL_POWER * logs.mean(axis=0))


def _newest(rows: np.ndarray, starts: np.ndarray, ends: np.ndarray, n_rows: int) -> np.ndarray:
    """Cut the rows before each of `ends`; where a series begins later, its first row stands for those before."""
    at = np.maximum(ends[:, None] + np.arange(-n_rows, 0), np.asarray(starts)[:, None])
    return rows[np.minimum(at, len(rows) - 1)]
