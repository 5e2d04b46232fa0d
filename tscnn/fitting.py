"""From rows to a trained network, with what is chosen on validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tscnn.common.threads import on_one_thread
from tscnn.data.windows import find_origins
from tscnn.linear.cross_series import VectorAutoregression, fit_vector_autoregression
from tscnn.linear.mean_reversion import find_reversion
from tscnn.linear.mixture import LinearMixture, count_affordable, mix_linear_maps
from tscnn.linear.out_of_fold import find_residuals
from tscnn.linear.principal_components import ComponentMaps, find_components
from tscnn.network.backend import device_scope
from tscnn.network.config import NetworkConfig
from tscnn.network.graph import Network, build_network, rebuild_network, seed_weights
from tscnn.statistics.gate import FEWEST_FOLDS, trusted_share
from tscnn.training.loop import TrainingSettings, train, write_line

__all__ = ["LinearStart", "fit_corrections", "fit_linear_maps", "fit_network", "list_lookbacks"]

LONGEST = 1152  # lookback to choose, eight days of ten minutes, unless a cycle is longer
LONGEST_CYCLE = 2304  # lookback to choose in any case: eight days of five minutes
ENOUGH = 336  # rows of a lookback, beyond which a map for each column is worth as much, and takes less time
CERTAIN = 0.5  # of a gain, that is more than chance


@dataclass(frozen=True)
class LinearStart:
    """What a network starts from and keeps: its linear maps, and what is added to them in closed form.

    `reversion` is that of a `tscnn.network.layers.Head`, `vector` that of a `tscnn.network.layers.VectorSkip`.
    """

    mixture: LinearMixture
    components: ComponentMaps | None = None
    reversion: np.ndarray | None = None
    vector: VectorAutoregression | None = None

    def adapt(self, config: NetworkConfig) -> NetworkConfig:
        """Make room for it in a network with a linear map.

        Parameters
        ----------
        config : NetworkConfig
            Of a network with or without linear map.

        Returns
        -------
        NetworkConfig
            As given where there is no linear map.
        """
        if config.linear_maps is None:
            return config
        normalizes, sees_all = config.normalizer_span > 1, config.feature_mode != "independent"
        maps = self.mixture.groups
        if sees_all and self.components is not None:
            maps = np.concatenate([maps, len(self.mixture.solved.fitted) + self.components.mixture.groups])
        return replace(
            config,
            linear_maps=tuple(maps.tolist()),
            reversion=normalizes and self.reversion is not None,
            vector_skip=len(self.vector.fitted) if normalizes and sees_all and self.vector is not None else 0,
        )

    def assign(self, network: Network, refitted: bool = False) -> None:
        """Give a network of an adapted configuration the weights, which training leaves alone.

        Parameters
        ----------
        network : Network
            Changed in place.
        refitted : bool, default False
            Whether those that have seen the validation origins.
        """
        layers = {layer.name: layer for layer in network.dense.layers}
        if "linear_skip" in layers:
            solved = self.mixture.solved
            kernel = solved.refitted if refitted else solved.fitted
            if network.config.components and self.components is not None:
                kernel = _assign_components(network, self.components, kernel, refitted)
            layers["linear_skip"].weight.assign(kernel)
            layers["linear_skip"].trainable = False  # trained further, it overfits
        if network.config.reversion:
            layers["head"].reversion.assign(self.reversion)
        if "vector_skip" in layers and self.vector is not None:
            layers["vector_skip"].weight.assign(self.vector.refitted if refitted else self.vector.fitted)


@on_one_thread
def fit_corrections(start: LinearStart, rows: np.ndarray, config: NetworkConfig) -> LinearStart:
    """Fit what is added to linear maps to their errors on the folds that they were chosen on.

    Parameters
    ----------
    start : LinearStart
        Of `fit_linear_maps`.
    rows : ndarray of shape (n_rows, n_features)
        Standardised features of the same series.
    config : NetworkConfig
        Its normaliser is what both corrections work with; without one there are none.

    Returns
    -------
    LinearStart
        With the corrections that help.
    """
    span = config.normalizer_span
    if span == 1 or len(start.mixture.judged) < FEWEST_FOLDS:
        return start
    residuals, normalized = find_residuals(rows, config.targets, start.mixture.judged, span)
    if start.components is not None:
        residuals = start.components.mix_errors(rows[:, list(config.targets)], residuals)
    reversion = find_reversion(residuals, config.horizon) if start.mixture.can_judge else None
    vector, most_rows = None, config.lookback - span + 1
    if start.mixture.beats_repetition:
        vector = fit_vector_autoregression(normalized, residuals, reversion, config.horizon, most_rows)
    return replace(start, reversion=reversion, vector=vector)


def list_lookbacks(
    rows: np.ndarray, horizon: int, linear_skip: str | None = "auto", seasonality: int | None = None
) -> list[int]:
    """List the lookbacks that ``lookback="auto"`` chooses from.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised training rows of one series.
    horizon : int
        Steps predicted.
    linear_skip : str or None, default "auto"
        Of the forecaster.
    seasonality : int or None
        Rows of a season; where there is none 24, whose doubles hold many seasons.

    Returns
    -------
    list of int
        Halves and doubles of the season, ascending; the mean of whole seasons is a level free of their phase. They go
        up to 1152 rows, or up to 2304 where only those hold a week of days, or a day, whose repetition is better than
        that of a day or of half a day. There are as many training windows as rows in one. Of many targets they go
        only as far as a map for each is affordable, unless all such are short, or a week or a day wants more: groups
        have to do with a map each then.

    Examples
    --------
    >>> rows = np.zeros((3000, 2))
    >>> list_lookbacks(rows, horizon=24, seasonality=24), list_lookbacks(rows, horizon=24, seasonality=7)
    ([1, 3, 6, 12, 24, 48, 96, 192, 384, 768], [1, 3, 7, 14, 28, 56, 112, 224, 448, 896])
    """
    season = seasonality or 24
    cycle = _find_long_cycle(rows, horizon, season) if seasonality else None
    longest = cycle or season
    while longest > LONGEST and not cycle:
        longest //= 2
    while 2 * longest <= LONGEST:
        longest *= 2
    halves = [longest >> halvings for halvings in reversed(range(longest.bit_length()))]
    lookbacks = [length for length in halves if 2 * length + horizon <= len(rows)] or [1]
    affordable = [length for length in lookbacks if count_affordable(length, horizon) >= rows.shape[1]]
    if linear_skip in ("auto", None) and affordable and affordable[-1] >= ENOUGH and not cycle:
        return affordable
    return lookbacks


def _find_long_cycle(rows: np.ndarray, horizon: int, season: int) -> int | None:
    """Return the lookback that holds a week of seasons or one season, where that is long, allowed and counts."""
    for cycle, shorter, holding in ((7 * season, season, 8 * season), (season, season // 2, season)):
        if cycle > ENOUGH and holding <= min(LONGEST_CYCLE, (len(rows) - horizon) // 2):
            far, near = (np.square(rows[cycle:] - rows[cycle - n : -n]).mean(axis=1) for n in (cycle, shorter))
            if trusted_share(near - far, shorter) > CERTAIN:
                return holding
    return None


@on_one_thread
def fit_linear_maps(
    rows: np.ndarray,
    first: int | None,
    lookbacks: Sequence[int],
    horizon: int,
    linear_skip: str | None,
    feature_mode: str,
    seasonality: int | None,
    verbose: bool,
) -> LinearStart:
    """Fit the linear maps that a network starts from, and choose the lookback by them.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets of one series.
    first : int or None
        First validation row.
    lookbacks : sequence of int
        To choose from, ascending.
    horizon : int
        Steps predicted.
    linear_skip, feature_mode : str or None
        Of the forecaster: principal components are for "auto", where targets may meet.
    seasonality : int or None
        Rows of a season, of `mix_linear_maps`.
    verbose : bool
        Whether to write what was chosen.

    Returns
    -------
    LinearStart
        Of the lookback given or chosen, without what `fit_corrections` adds.
    """
    end = len(rows) if first is None else first
    kinds = ("shared", "grouped") if linear_skip in ("auto", None) else (linear_skip,)
    training = find_origins([end], lookbacks[-1], horizon)
    validation = [] if first is None else find_origins([len(rows)], lookbacks[-1], horizon, [first])
    mixture = mix_linear_maps(rows, training, validation, lookbacks, horizon, kinds, seasonality).settle()
    if verbose and len(lookbacks) > 1:
        write_line(f"lookback {mixture.lookback} chosen, of {lookbacks[0]} to {lookbacks[-1]}")
    components = None
    if linear_skip == "auto" and feature_mode != "independent" and first is not None:
        components = find_components(rows, first, mixture, training, validation, horizon, seasonality)
    if verbose and components is not None:
        write_line(f"maps of principal components count {components.shares.mean():.0%} in the linear map")
    return LinearStart(mixture, components)


def fit_network(
    candidates: Sequence[NetworkConfig],
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    settings: TrainingSettings,
    *,
    start: LinearStart | None,
    precision: str,
) -> tuple[Network, dict[str, list[float]]]:
    """Train networks around their linear map, and keep the best on validation.

    Parameters
    ----------
    candidates : sequence of NetworkConfig
        To choose from. One without linear map replaces one with it only if it is better by more than chance would give:
        it has nothing to fall back on.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`.
    settings : TrainingSettings
        Of `train`.
    start : LinearStart or None
        Where networks with a linear map start; None leaves all of it to training.
    precision : str
        Of the convolutions in training, a Keras dtype policy.

    Returns
    -------
    network : Network
        In float32.
    history : dict
        Of `train`.
    """
    fits = []
    for config in candidates:
        if start is not None:
            config = start.adapt(config)
        with device_scope(settings.device):
            network = build_network(config, None if precision == "float32" else precision)
            seed_weights(network.dense, settings.seed)
            if start is not None:
                start.assign(network)
            history, losses = train(network, rows, training, validation, settings)
            if precision != "float32":
                network = rebuild_network(config, network.dense.get_weights())
        fits.append(_Fit(network, history, losses, sum(map(len, validation))))
    chosen = fits[0]
    for fit in fits[1:]:
        if fit.beats(chosen):
            chosen = fit
    if settings.verbose and len(fits) > 1:
        described = ", ".join(f"{_describe(fit.network.config)} {fit.losses.mean():.4f}" for fit in fits)
        write_line(f"validation losses: {described}; {_describe(chosen.network.config)} chosen")
    return chosen.network, chosen.history


class _Fit(NamedTuple):
    network: Network
    history: dict[str, list[float]]
    losses: np.ndarray  # of `train`
    n_origins: int  # that there are to judge

    def beats(self, other: _Fit) -> bool:
        """Return whether it is better on validation, for sure if the other has a linear map and it has none."""
        gains, config, others = other.losses - self.losses, self.network.config, other.network.config
        if config.linear_maps is None and others.linear_maps is not None:
            # While a series stays where a level happens to be right, windows that overlap all say so.
            apart = -(-max(config.horizon, config.lookback) * len(gains) // self.n_origins)
            return trusted_share(gains, apart) > CERTAIN
        return bool(gains.mean() > 0)


def _assign_components(network: Network, components: ComponentMaps, kernel: np.ndarray, refitted: bool) -> np.ndarray:
    """Assign what turns features to targets and their components, and these to forecasts; join their maps."""
    axes, _, mixture, shares = components
    targets, n_targets = list(network.config.targets), len(axes)
    into = np.zeros((network.config.n_features, 2 * n_targets))
    into[targets] = np.hstack([np.eye(n_targets), axes])
    back = np.vstack([np.diag(1 - shares), axes.T * shares])
    for name, weight in (("to_components", into), ("from_components", back)):
        layer = network.dense.get_layer(name)
        layer.kernel.assign(weight)
        layer.trainable = False
    return np.concatenate([kernel, mixture.solved.refitted if refitted else mixture.solved.fitted])


def _describe(config: NetworkConfig) -> str:
    normalizer = f"normaliser over {config.normalizer_span} rows" if config.normalizer_span > 1 else "no normaliser"
    return f"{config.feature_mode} with {normalizer} and {'no' if config.linear_maps is None else 'a'} linear map"
