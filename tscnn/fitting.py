"""From rows to a trained network, with what is chosen on validation rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tscnn._backend import device_scope
from tscnn.linear_mixture import LinearMixture, mix_linear_maps
from tscnn.network import Network, NetworkConfig, build_network, rebuild_network, seed_weights
from tscnn.training import TrainingSettings, train
from tscnn.windows import find_origins

__all__ = ["fit_linear_start", "fit_network"]

LOOKBACKS = tuple(2**power for power in range(11))


def fit_linear_start(
    rows: np.ndarray, first: int | None, lookback: int | str, horizon: int, linear_skip: str | None, verbose: bool
) -> LinearMixture:
    """Fit the linear map that a network starts from, and choose the lookback by it.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets of one series.
    first : int or None
        First validation row.
    lookback : int or "auto"
        "auto" for a power of two, up to 1024, and such that there are as many training windows as rows in one.
    horizon : int
        Steps predicted.
    linear_skip : {"auto", "shared", "per_feature", None}
        Of the forecaster.
    verbose : bool
        Whether to write what was chosen.

    Returns
    -------
    LinearMixture
        Of the lookback given or chosen.
    """
    end = len(rows) if first is None else first
    lookbacks = [length for length in LOOKBACKS if 2 * length + horizon <= end] or [1]
    if not isinstance(lookback, str):
        lookbacks = [lookback]
    training = find_origins([end], lookbacks[-1], horizon)
    validation = [] if first is None else find_origins([len(rows)], lookbacks[-1], horizon, [first])
    kinds = ("shared", "per_feature") if linear_skip in ("auto", None) else (linear_skip,)
    mixture = mix_linear_maps(rows, training, validation, lookbacks, horizon, kinds)
    if verbose and isinstance(lookback, str):
        _write(f"lookback {mixture.fitted.shape[1]} chosen, of 1 to {lookbacks[-1]}")
    return mixture


def fit_network(
    candidates: Sequence[NetworkConfig],
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    settings: TrainingSettings,
    *,
    kernel: np.ndarray | None,
    reversion: np.ndarray | None,
    precision: str,
) -> tuple[Network, dict[str, list[float]]]:
    """Train networks around their linear map, and keep the best on validation.

    Parameters
    ----------
    candidates : sequence of NetworkConfig
        To choose from. Where `linear_skip` is not None, it is that of `kernel`.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`.
    settings : TrainingSettings
        Of `train`.
    kernel : ndarray of shape (1 or n_targets, lookback, horizon), or None
        The linear map, which is not trained; None for a network without a linear map.
    reversion : ndarray of shape (horizon,), or None
        That of the head, in networks with a normaliser and a linear map.
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
        if kernel is not None and config.linear_skip is not None:
            reverts = reversion is not None and config.normalizer_span > 1
            kind = "shared" if len(kernel) == 1 else "per_feature"
            config = replace(config, linear_skip=kind, reversion=reverts)
        with device_scope(settings.device):
            network = build_network(config, None if precision == "float32" else precision)
            seed_weights(network.dense, settings.seed)
            if kernel is not None and config.linear_skip is not None:
                linear_map = network.dense.get_layer("linear_skip")
                linear_map.weight.assign(kernel)
                linear_map.trainable = False  # trained further, it overfits
            if config.reversion:
                network.dense.get_layer("head").reversion.assign(reversion)
            history, loss = train(network, rows, training, validation, settings)
            if precision != "float32":
                network = rebuild_network(config, network.dense.get_weights())
        fits.append((loss, network, history))
    _, network, history = min(fits, key=lambda fit: fit[0])
    if settings.verbose and len(fits) > 1:
        losses = ", ".join(f"{_describe(other.config)} {other_loss:.4f}" for other_loss, other, _ in fits)
        _write(f"validation losses: {losses}; {_describe(network.config)} chosen")
    return network, history


def _describe(config: NetworkConfig) -> str:
    normalizer = f"normaliser over {config.normalizer_span} rows" if config.normalizer_span > 1 else "no normaliser"
    return f"{config.feature_mode} with {normalizer} and {'a' if config.linear_skip else 'no'} linear map"


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
