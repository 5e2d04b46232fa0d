"""The parts of the recipe, each with the settings of a forecaster that goes without it. Nothing is patched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tscnn.linear import LinearModel

__all__ = ["BASES", "PARTS", "Part"]

Settings = dict[str, Any]  # arguments of `tscnn.Forecaster`


@dataclass(frozen=True)
class Part:
    """A part of the recipe.

    `without` takes the linear model of the forecaster with everything, and returns settings that leave the part out.
    `base` says what it is judged among: "closed form", the forecaster without network, or "network", the forecaster
    with everything. `quick` says whether ``--quick`` judges it.
    """

    about: str
    without: Callable[[LinearModel], Settings]
    base: str = "closed form"
    quick: bool = True


def _linear(**changed: Any) -> Callable[[LinearModel], Settings]:
    """Return settings whose linear model differs."""
    return lambda whole: {"linear_model": replace(whole, **changed)}


def _mixture(**changed: Any) -> Callable[[LinearModel], Settings]:
    """Return settings whose mixture of ridge regressions differs."""
    return lambda whole: {"linear_model": replace(whole, mixture=replace(whole.mixture, **changed))}


def _given(**settings: Any) -> Callable[[LinearModel], Settings]:
    return lambda _: settings


BASES: dict[str, Settings] = {"closed form": {"network": None}, "network": {}}

PARTS: dict[str, Part] = {
    "lengths": Part("windows of several lengths", _mixture(n_lengths=1)),
    "relative": Part("errors relative to the window's scale", _mixture(scale_power=0.0)),
    "folds": Part("folds of the training rows", _mixture(n_folds=0)),
    "means": Part("strong ridges, to means of seasons", _mixture(mean_alphas=())),
    "centres": Part("seasonal and structural centres", _mixture(seasonal_alphas=(), structural_alphas=())),
    "structural": Part("structural centres alone", _mixture(structural_alphas=())),
    "groups": Part("maps of columns or groups of them", _linear(maps="shared")),
    "pooling": Part("windows of columns that vary alike", _mixture(pooling=0.0)),
    "refit": Part("refit on all rows", _mixture(most_growth=0.0)),
    "reversion": Part("mean reversion", _linear(mean_reversion=False)),
    "cross_series": Part("cross-series ridge", _linear(cross_series=False)),
    "outliers": Part("outliers replaced, shifts taken out", _given(outliers=None)),
    "logarithms": Part("logarithms of columns that are never negative", _linear(logarithms=False)),
    "calendar": Part("effects of the calendar", _given(calendar=None)),
    "yearly": Part("yearly season", _given(yearly_seasonality=None)),
    "network": Part("the network's convolutions", _given(network=None), "network"),
    "shrinkage": Part("half of the network's shrinkage", _given(shrinkage=1.0), "network", quick=False),
    "normaliser": Part("the network's rolling normaliser", _given(normalizer_span=None), "network", quick=False),
    "plain": Part("the plain network, for short lookbacks", _given(short_lookback=1), "network", quick=False),
    "linear_model": Part("the whole closed form", _given(linear_model=None), "network", quick=False),
}
