"""Settings of the linear model, part by part: default, unit, and where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tscnn.common.checks import check_choice, check_int, check_real
from tscnn.common.settings import Settings

__all__ = [
    "CrossSeriesSettings",
    "LinearModel",
    "LookbackSettings",
    "MixtureSettings",
    "PeriodicSettings",
    "StructuralSettings",
]

INFINITE = float("inf")


@dataclass(frozen=True)
class LookbackSettings(Settings):
    """Which lookbacks ``lookback="auto"`` chooses from.

    Attributes
    ----------
    default_season : int, default 24
        Rows of a season where none is known: its doubles hold many seasons. A convention.
    longest : int, default 1152
        Rows of the longest candidate: eight days of ten minutes. A convention, for the time of a fit.
    longest_season : int, default 2304
        Rows of the longest candidate where only that holds a week, or a day, that helps: eight days of five minutes. A
        convention, for the time of a fit.
    enough : int, default 336
        Rows beyond which a map for each target is worth as much as a longer window. Chosen by benchmarks: "Long
        memory".
    """

    default_season: int = 24
    longest: int = 1152
    longest_season: int = 2304
    enough: int = 336

    def __post_init__(self) -> None:
        """Check every setting."""
        self.check_kinds()


@dataclass(frozen=True)
class MixtureSettings(Settings):
    """How ridge regressions on windows of several lengths are fitted, compared and combined.

    Ridge strengths are multiples of the mean square of an input.

    Attributes
    ----------
    n_lengths : int, default 6
        Lengths of windows: the lookback, its half, quarter .. Chosen on sets, see docs/what-was-tried.md: eight gain
        no more.
    alphas : tuple of float
        Ridge strengths of the candidate that follows the window closely. Chosen on sets, see docs/what-was-tried.md.
    mean_alphas : tuple of float
        Ridge strengths of the candidate that leaves little (100) or nothing (infinite) but means of the window and of
        its season, where windows are many. Chosen on sets, see docs/what-was-tried.md.
    seasonal_alphas : tuple of float
        Of few windows: strengths towards repeating the season. A convention: a grid of decades.
    structural_alphas : tuple of float
        Of few windows: strengths towards the forecast of a structural time-series model. A convention, as above.
    level_variances : tuple of float
        Of these models: variance of the steps of the level, in units of the variance of the noise. A convention.
    season_changes : tuple of float
        Of these models: variance of the change of a seasonal effect in a season, in units of its own. A convention.
    trends : tuple of float
        Of these models: variance of the growth in a season, in units of the variance of the noise. A convention.
    structural_windows : float, default 6.0
        Windows, in multiples of the lookback, of which fitted ridges count as much as these models, were errors equal;
        of half as many their odds are smaller by 2 to the power of `discount`. Chosen on samples of the M3 and the
        tourism competition, see docs/what-was-tried.md.
    season_variances : tuple of float
        Of these models: variance of a seasonal effect, in units of the variance of the noise. A convention.
    week : int, default 7
        Seasons that may be a season, too: days of a week.
    few_windows : int, default 2000
        Training origins, up to which windows are few: seasonal candidates compete.
        Chosen on sets, see docs/what-was-tried.md.
    tolerance : float, default 0.005
        Part of the squared error that a weaker ridge may lose: folds have fewer windows than what is solved in the end.
        A convention.
    discount : float, default 3.0
        Power of a squared error, in inverse proportion to which structural models are weighted. A convention.
    pooling : float, default 0.03
        Squared relative difference of the ways in which two columns vary, at which each counts exp(-1) times in the map
        of the other; 0 for not at all. Chosen on sets, see docs/what-was-tried.md.
    equal_weights : float, default 0.02
        Penalty on squared weights, in units of the errors' mean square: leans a little towards equal weights. A
        convention.
    least_weight : float, default 0.01
        Smaller weights are zero: they cost time. A convention.
    n_folds : int, default 3
        Folds of the training origins, besides the validation origins. Chosen on sets, see docs/what-was-tried.md.
    n_steps : int, default 48
        Steps of the horizon, evenly spread, that errors are computed at. A convention, for the time of a fit.
    scale_power : float, default 0.5
        Errors count in units of their window's standard deviation to this power: 0 absolute, 1 relative. Chosen by
        docs/what-was-tried.md.
    noise : float, default 0.1
        Part of the outcomes' variance that is noise, where there are no validation origins to tell. A convention.
    most_growth : float, default 4.0
        Factor by which the squares of a map may grow when it is solved on all origins. Beyond it the new origins hold
        an outlier or a change of law, and the map of the training origins is kept. A convention.
    most_entries : int, default 12_600_000
        Entries of all Gram matrices: 100 MB a fold. It bounds the number of maps. A convention.
    most_products : float, default 1e11
        Products that Gram matrices are summed of; of more, origins are drawn. A convention: some seconds.
    cluster_lookback, cluster_windows : int, default 96 and 2000
        Rows and number of the windows that columns are grouped by, where not each can have a map. A convention.
    """

    may_be_zero: ClassVar[tuple[str, ...]] = ("n_folds", "few_windows")
    bounds: ClassVar[dict[str, int]] = {"tolerance": 1, "least_weight": 1, "noise": 1, "scale_power": 9, "discount": 99}

    n_lengths: int = 6
    alphas: tuple[float, ...] = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
    mean_alphas: tuple[float, ...] = (100.0, INFINITE)
    seasonal_alphas: tuple[float, ...] = (0.03, 0.3, 3.0, 30.0, 300.0)
    structural_alphas: tuple[float, ...] = (0.3, 3.0, 30.0, 300.0)
    level_variances: tuple[float, ...] = (0.03, 0.3, 3.0, 100.0)
    season_changes: tuple[float, ...] = (0.0, 0.3)
    trends: tuple[float, ...] = (0.0, 1.0, 30.0)
    structural_windows: float = 6.0
    season_variances: tuple[float, ...] = (3.0, 30.0)
    week: int = 7
    few_windows: int = 2000
    tolerance: float = 0.005
    discount: float = 3.0
    pooling: float = 0.03
    equal_weights: float = 0.02
    least_weight: float = 0.01
    n_folds: int = 3
    n_steps: int = 48
    scale_power: float = 0.5
    noise: float = 0.1
    most_growth: float = 4.0
    most_entries: int = 12_600_000
    most_products: float = 1e11
    cluster_lookback: int = 96
    cluster_windows: int = 2000

    def __post_init__(self) -> None:
        """Check every setting."""
        self.check_kinds()
        check_real("equal_weights", self.equal_weights, low=0, include_low=False)


@dataclass(frozen=True)
class CrossSeriesSettings(Settings):
    """How the newest rows of all columns correct the forecasts of each target.

    Attributes
    ----------
    lengths : tuple of int, default (1, 6)
        Rows seen, to choose from. Chosen on sets, see docs/what-was-tried.md, where 24 gain no more.
    alphas : tuple of float
        Ridge strengths to choose from, in units of the mean square of an input. A convention: decades.
    strength : float, default 0.5
        Part of the least-squares correction that is added. Chosen on sets, see docs/what-was-tried.md, against 1.
    n_parts : int, default 4
        Parts of the horizon that are chosen and tested by themselves, each twice as long as the one before. Chosen by
        docs/what-was-tried.md.
    most_inputs : int, default 600
        Rows times columns seen. A convention, for the time of a fit.
    most_weights : int, default 2_000_000
        Weights of the correction. A convention, for memory.
    """

    may_not_be_empty: ClassVar[tuple[str, ...]] = ("lengths", "alphas")
    bounds: ClassVar[dict[str, int]] = {"strength": 9, "n_parts": 99}

    lengths: tuple[int, ...] = (1, 6)
    alphas: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    strength: float = 0.5
    n_parts: int = 4
    most_inputs: int = 600
    most_weights: int = 2_000_000

    def __post_init__(self) -> None:
        """Check every setting."""
        self.check_kinds()


@dataclass(frozen=True)
class PeriodicSettings(Settings):
    """How regressions on what is known ahead are fitted, one for each position in a season.

    Attributes
    ----------
    seasons : int, default 7
        Seasons that a window holds at most: a week of days. A convention.
    alphas : tuple of float
        Ridge strengths to choose from, in units of the variance of each input. A convention: a grid of half decades.
    n_steps : int, default 8
        Steps of the horizon, evenly spread, that errors are computed at. A convention, for the time of a fit.
    fewest_origins : int, default 60
        Training origins at each position in a season, below which all positions share one regression. A convention.
    most_products : float, default 3e10
        Products that a regression is summed of; of more, origins are left out. A convention: some seconds.
    """

    may_not_be_empty: ClassVar[tuple[str, ...]] = ("alphas",)

    seasons: int = 7
    alphas: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)
    n_steps: int = 8
    fewest_origins: int = 60
    most_products: float = 3e10

    def __post_init__(self) -> None:
        """Check every setting."""
        self.check_kinds()


@dataclass(frozen=True)
class StructuralSettings(Settings):
    """How structural models of short series are listed and weighted.

    Attributes
    ----------
    longest : int, default 400
        Rows of the median series of a panel, up to which series are short; longer ones have ridge regressions. A
        convention, for the time of a fit.
    longest_alone : int, default 200
        Rows of a single frame, up to which it is short. A convention.
    level_variances : tuple of float
        Variance of the steps of the level, in units of the variance of the noise. Chosen by docs/what-was-tried.md:
        five gain no more.
    trends : tuple of float
        Variance of the growth in a season, in units of the variance of the noise. Chosen by docs/what-was-tried.md.
    damping : float, default 0.5
        Of the largest growth, once more, in a horizon: correlations of growth fall by its exponential. Chosen by
        docs/what-was-tried.md.
    n_origins, n_rows : int, default 24 and 96
        Past forecasts of a window that models are compared by, and its newest rows that they are made from. Chosen
        by docs/what-was-tried.md.
    power, most_power : float, default 0.5 and 15.0
        Power of a window's past errors, in inverse proportion to which a model counts, for each horizon's worth of
        errors; and at most. Chosen by docs/what-was-tried.md.
    n_iterations : int, default 10
        In which the odds of a panel become the mean weights of its series. A convention.
    flat_series : float, default 20.0
        Series of equal weights, and without ridge regressions, that are added to those of the panel: few series tell
        little. A convention.
    ridge_odds, ridge_power : float, default 0.5 and 30.0
        Odds of the linear mixture against structural models before their errors are seen, and the power of these at
        most. Chosen by docs/what-was-tried.md.
    most_series : int, default 1000
        Of a panel, evenly drawn, that odds are learnt from. A convention, for the time of a fit.
    """

    may_not_be_empty: ClassVar[tuple[str, ...]] = ("level_variances", "trends")
    bounds: ClassVar[dict[str, int]] = {"power": 99, "most_power": 99, "ridge_power": 99, "n_iterations": 999}

    longest: int = 400
    longest_alone: int = 200
    level_variances: tuple[float, ...] = (0.01, 0.3, 10.0)
    trends: tuple[float, ...] = (0.0, 1.0, 30.0)
    damping: float = 0.5
    n_origins: int = 24
    n_rows: int = 96
    power: float = 0.5
    most_power: float = 15.0
    n_iterations: int = 10
    flat_series: float = 20.0
    ridge_odds: float = 0.5
    ridge_power: float = 30.0
    most_series: int = 1000

    def __post_init__(self) -> None:
        """Check every setting."""
        self.check_kinds()


@dataclass(frozen=True)
class LinearModel(Settings):
    """The linear part of a forecast, fitted in closed form.

    Attributes
    ----------
    maps : {"auto", "shared", "per_feature"}, default "auto"
        One linear map for all targets, one for each, or a mixture of both.
    mean_reversion : bool, default True
        Whether a return from the recent level to the mean of the training rows is tried.
    cross_series : bool, default True
        Whether a correction from the newest rows of all columns is tried, where columns may meet.
    structural_models : bool, default True
        Whether series that are short, alone or in panels, are forecast by structural models, too, which each window
        weights by their past errors.
    logarithms : bool, default True
        Whether columns that are never negative are tried as logarithms.
    periodic_regression : bool, default True
        Whether regressions on future covariates, one for each position in a season, are tried.
        Whether columns that are never negative are tried as logarithms; structural models are applied to both.
    level : float, default 0.1
        Greatest p-value, adjusted for the settings tried, at which a part is kept. A convention.
    fewest_blocks : int, default 4
        Independent blocks of out-of-fold errors without which nothing is tested. Derived: with four the variance of
        Student's t is finite.
    fewest_folds : int, default 3
        Folds without which mean reversion and the cross-series ridge are not tried: each fold is forecast by what the
        others say. A convention.
    least_gain : float, default 0.0005
        Smallest gain, as a part of the error, that is worth the time of a part. A convention.
    most_origins, most_windows : int, default 2000 and 400_000
        Origins of a fold, and those times targets, whose out-of-fold errors are computed; of more, evenly spread ones.
        A convention, for time and memory.
    reversion_strength : float, default 0.5
        Part of the least-squares mean reversion that is added: the mean drifts, and few stretches tell it. Chosen by
        docs/what-was-tried.md, against 0.3 and 1.
    baseline_alphas : tuple of float, default (1e-5, 1e-3, 1e-2, 1e-1)
        Ridge strengths of the linear map that forecasts are compared with. A convention.
    mixture : MixtureSettings
        Of the mixture of ridge regressions.
    cross_series_settings : CrossSeriesSettings
        Of the cross-series ridge.
    periodic : PeriodicSettings
        Of the periodic regression.
    structural_settings : StructuralSettings
        Of the structural models.
    lookbacks : LookbackSettings
        Of the lookbacks to choose from.

    Examples
    --------
    >>> LinearModel(maps="shared", cross_series=False).maps
    'shared'
    >>> LinearModel(maps="none")
    Traceback (most recent call last):
    ValueError: `maps` must be one of 'auto', 'shared', 'per_feature'. Received: maps='none'
    """

    may_not_be_empty: ClassVar[tuple[str, ...]] = ("baseline_alphas",)
    bounds: ClassVar[dict[str, int]] = {"least_gain": 1, "reversion_strength": 9}

    maps: str = "auto"
    mean_reversion: bool = True
    cross_series: bool = True
    structural_models: bool = True
    logarithms: bool = True
    periodic_regression: bool = True
    level: float = 0.1
    fewest_blocks: int = 4
    fewest_folds: int = 3
    least_gain: float = 0.0005
    most_origins: int = 2000
    most_windows: int = 400_000
    reversion_strength: float = 0.5
    baseline_alphas: tuple[float, ...] = (1e-5, 1e-3, 1e-2, 1e-1)
    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    cross_series_settings: CrossSeriesSettings = field(default_factory=CrossSeriesSettings)
    periodic: PeriodicSettings = field(default_factory=PeriodicSettings)
    structural_settings: StructuralSettings = field(default_factory=StructuralSettings)
    lookbacks: LookbackSettings = field(default_factory=LookbackSettings)

    def __post_init__(self) -> None:
        """Check every setting."""
        check_choice("maps", self.maps, ("auto", "shared", "per_feature"))
        check_real("level", self.level, low=0, high=1, include_low=False)
        check_int("fewest_blocks", self.fewest_blocks, minimum=2)
        check_int("fewest_folds", self.fewest_folds, minimum=2)
        self.check_kinds()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of maps that candidates have.

        Returns
        -------
        tuple of {"shared", "per_feature", "grouped"}
            One map for all targets, one for each, or one for each group of targets that vary alike.
        """
        return ("shared", "grouped") if self.maps == "auto" else (self.maps,)
