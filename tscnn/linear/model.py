"""The linear model: which terms there are, chosen on out-of-fold errors, and solved in closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tscnn.common.term import Term
from tscnn.common.threads import on_one_thread
from tscnn.data.mapped import columns_of
from tscnn.data.split import Split
from tscnn.linear.cross_series import CrossSeries
from tscnn.linear.cross_series_fit import CrossSeriesFit, fit_cross_series
from tscnn.linear.mean_reversion import MeanReversion
from tscnn.linear.mean_reversion_fit import fit_mean_reversion
from tscnn.linear.mixture import LinearMixture
from tscnn.linear.mixture_fit import MixtureFit, Origins, fit_mixture
from tscnn.linear.out_of_fold import FoldErrors
from tscnn.linear.ridge import fit_ridge_map
from tscnn.linear.settings import LinearModel
from tscnn.linear.structural_mixture_fit import fit_structural_mixture
from tscnn.statistics.gate import GateResult, not_kept

__all__ = ["LinearFit", "fit_linear_model"]


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear model.

    Attributes
    ----------
    lookback : int
        The one chosen, or given.
    fitted : tuple of Term
        Solved on the training origins, so that the validation origins can evaluate them: the mixture, and mean
        reversion and cross-series ridge where they are kept.
    refitted : tuple of Term
        The same, solved once more on all origins: the newest rows say most about those to come. A map whose squares
        grow more than `most_growth` times by that is the one of `fitted`.
    ridge_map : ndarray of shape (1, lookback, horizon)
        The baseline that forecasts are compared with: one ridge regression for all targets, on the training origins.
    gates : dict of str to GateResult
        What was gained by each term, how certain it is, and why it is kept or not: of "linear_mixture" over repeating
        the newest row, of the others over the terms before them.
    messages : list of str
        What was chosen, in words.
    errors : sequence of FoldErrors, default ()
        Of mixture and mean reversion, out of fold, the last ones of the validation origins.
    lookbacks : sequence of int, default ()
        That were compared, ascending.
    """

    lookback: int
    fitted: tuple[Term, ...]
    refitted: tuple[Term, ...]
    ridge_map: np.ndarray
    gates: Mapping[str, GateResult]
    messages: list[str]
    errors: Sequence[FoldErrors] = ()
    lookbacks: Sequence[int] = ()

    def beside(self, name: str, terms: Sequence[Any], result: GateResult) -> LinearFit:
        """Return the fit with one more term, whose `shares` of each target's forecast are taken from the others.

        Parameters
        ----------
        name : str
            Of the term.
        terms : sequence of Term
            Fitted on the training origins, and on all; none if it isn't kept.
        result : GateResult
            Of the term.

        Returns
        -------
        LinearFit
            Of a lookback that the term sees, too.
        """
        gates, messages = {**self.gates, name: result}, list(self.messages)
        if not terms:
            return replace(self, gates=gates)
        messages.append(f"{name.replace('_', ' ')} {result.reason}")
        fits = (
            (*(before.scaled(1 - term.shares) for before in found), term)  # type: ignore[attr-defined]
            for found, term in zip((self.fitted, self.refitted), terms, strict=True)
        )
        fitted, refitted = fits
        lookback = max(self.lookback, terms[0].context)
        return replace(self, lookback=lookback, fitted=fitted, refitted=refitted, gates=gates, messages=messages)


@on_one_thread
def fit_linear_model(
    rows: np.ndarray,
    targets: Sequence[int] | np.ndarray,
    split: Split,
    lookbacks: Sequence[int],
    horizon: int,
    season_length: int | None,
    settings: LinearModel,
    *,
    isolated: bool = False,
    short: bool = False,
) -> LinearFit:
    """Fit the linear terms of a forecast, and choose the lookback by them.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised features of all series, one behind the other; what is missing in `split` is filled.
    targets : sequence of int
        Positions of the targets among the features.
    split : Split
        Of the rows: which train, and which choose.
    lookbacks : sequence of int
        To choose from, ascending.
    horizon : int
        Steps predicted.
    season_length : int or None
        Rows of a season: strong ridge regressions shrink to the means of its rows, or of those of seven of it.
    settings : LinearModel
        Of the terms.
    isolated : bool, default False
        Whether no target may see another column: without cross-series ridge.
    short : bool, default False
        Whether structural models forecast, beside the mixture alone, of `tscnn.linear.structural_mixture_fit.is_short`.

    Returns
    -------
    LinearFit
        Of the lookback chosen.
    """
    targets, longest = np.asarray(targets, int), max(lookbacks)
    own = np.ascontiguousarray(columns_of(rows, targets))
    validation = split.validation(longest, horizon) if split.has_validation else []
    known = split.series.observed
    observed = None if known is None else known[:, targets]
    origins = Origins(split.training(longest, horizon), validation, horizon, season_length, observed)
    mixture = fit_mixture(own, origins, lookbacks, settings)
    lookback, gates, messages = mixture.lookback, {LinearMixture.name: mixture.gain}, []
    if len(lookbacks) > 1:
        messages.append(f"lookback {lookback} chosen, of {min(lookbacks)} to {longest}")
    seeing = split.training(lookback, horizon), split.validation(lookback, horizon) if split.has_validation else []
    products = settings.mixture.most_products
    baseline = fit_ridge_map(own, *seeing, lookback, horizon, settings.baseline_alphas, products, observed)
    mixtures = [LinearMixture(kernel, mixture.maps, targets) for kernel in mixture.solve()]
    terms: list[list[Term]] = [[one] for one in mixtures]
    if short:
        structural = fit_structural_mixture(rows, split, targets, mixtures[0], season_length or 1, settings)
        share, context = structural[0].share, structural[0].context
        messages.append(f"structural models of short series are {share:.0%} of the forecast")
        rest = [replace(one, kernel=(1 - share) * one.kernel) for one in mixtures]
        both: list[tuple[Term, ...]] = list(zip(rest, structural, strict=True))
        return LinearFit(max(lookback, context), both[0], both[1], baseline, gates, messages, (), lookbacks)
    span = lookback // 2
    reversion, errors, gates[MeanReversion.name] = _try_reversion(own, mixture, horizon, settings)
    if reversion is not None:
        messages.append(f"mean reversion {gates[MeanReversion.name].reason}")
        for of_solution in terms:
            of_solution.append(MeanReversion(reversion, targets, span))
    crossing, gates[CrossSeries.name] = _try_crossing(rows, targets, errors, mixture, horizon, settings, isolated)
    if crossing is not None:
        messages.append(f"cross-series ridge {gates[CrossSeries.name].reason}")
        for of_solution, kernel in zip(terms, (crossing.fitted, crossing.refitted), strict=True):
            of_solution.append(CrossSeries(kernel, targets, span))
    fitted, refitted = (tuple(of_solution) for of_solution in terms)
    return LinearFit(lookback, fitted, refitted, baseline, gates, messages, errors, lookbacks)


def _try_reversion(
    rows: np.ndarray, mixture: MixtureFit, horizon: int, settings: LinearModel
) -> tuple[np.ndarray | None, Sequence[FoldErrors], GateResult]:
    """Fit mean reversion, where it is wanted."""
    span = mixture.lookback // 2
    if not settings.mean_reversion:
        return None, mixture.errors, not_kept("switched off")
    if span < 2:
        return None, mixture.errors, not_kept("the lookback is too short for a rolling level")
    return fit_mean_reversion(rows, mixture.errors, span, horizon, settings)


def _try_crossing(
    rows: np.ndarray,
    targets: np.ndarray,
    errors: Sequence[FoldErrors],
    mixture: MixtureFit,
    horizon: int,
    settings: LinearModel,
    isolated: bool,
) -> tuple[CrossSeriesFit | None, GateResult]:
    """Fit a cross-series ridge, where it is wanted and any gain may be more than chance."""
    span = mixture.lookback // 2
    if isolated:
        return None, not_kept("targets may not see other columns")
    if not settings.cross_series:
        return None, not_kept("switched off")
    if span < 2:
        return None, not_kept("the lookback is too short for a rolling scale")
    if not mixture.gain.kept:
        return None, not_kept("the mixture may be no better than repeating the newest row")
    return fit_cross_series(rows, targets, errors, span, mixture.lookback, horizon, settings)
