"""From rows to a trained network, with what is chosen on validation rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tscnn._backend import device_scope
from tscnn.baselines import find_lookback, start_linear_map
from tscnn.network import Network, NetworkConfig, build_network, rebuild_network, seed_weights
from tscnn.training import TrainingSettings, train
from tscnn.windows import find_origins

__all__ = ["choose_lookback", "fit_network"]

LOOKBACKS = tuple(2**power for power in range(11))


def choose_lookback(rows: np.ndarray, first: int, horizon: int, linear_skip: str | None, verbose: bool) -> int:
    """Choose a power of two, up to 1024, by the linear map that it allows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets)
        Standardised targets of one series.
    first : int
        First validation row.
    horizon : int
        Steps predicted.
    linear_skip : {"auto", "shared", "per_feature", None}
        Of the forecaster.
    verbose : bool
        Whether to write what was chosen.

    Returns
    -------
    int
        At most such that there are as many training windows as rows in one; 1 where there are too few rows for any.
    """
    lookbacks = [lookback for lookback in LOOKBACKS if 2 * lookback + horizon <= first] or [1]
    training = find_origins([first], lookbacks[-1], horizon)
    validation = find_origins([len(rows)], lookbacks[-1], horizon, [first])
    lookback = find_lookback(rows, training, validation, lookbacks, horizon, _kinds(linear_skip or "auto"))
    if verbose:
        _write(f"lookback {lookback}, of 1 to {lookbacks[-1]}")
    return lookback


def fit_network(
    config: NetworkConfig,
    rows: np.ndarray,
    training: Sequence[range],
    validation: Sequence[range],
    settings: TrainingSettings,
    *,
    linear_skip: str | None,
    feature_modes: Sequence[str],
    precision: str,
) -> tuple[Network, dict[str, list[float]]]:
    """Fit a linear map, and train a network around it; of several feature modes keep the best on validation.

    Parameters
    ----------
    config : NetworkConfig
        Of the network; its `linear_skip` and `feature_mode` are replaced.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other.
    training, validation : sequence of range
        Origins, of `find_origins`.
    settings : TrainingSettings
        Of `train`.
    linear_skip : {"auto", "shared", "per_feature", None}
        Of the forecaster.
    feature_modes : sequence of str
        To choose from.
    precision : str
        Of the convolutions in training, a Keras dtype policy.

    Returns
    -------
    network : Network
        In float32.
    history : dict
        Of `train`.
    """
    kernel = None
    if linear_skip is not None:
        targets = rows[:, list(config.targets)]
        kernel = start_linear_map(targets, training, validation, config.lookback, config.horizon, _kinds(linear_skip))
        config = replace(config, linear_skip="shared" if len(kernel) == 1 else "per_feature")
    fits = []
    for feature_mode in feature_modes:
        with device_scope(settings.device):
            network = build_network(
                replace(config, feature_mode=feature_mode), None if precision == "float32" else precision
            )
            seed_weights(network.dense, settings.seed)
            if kernel is not None:
                linear_map = network.dense.get_layer("linear_skip")
                linear_map.weight.assign(kernel)
                linear_map.trainable = False  # trained further, it overfits
            history, loss = train(network, rows, training, validation, settings)
            if precision != "float32":
                network = rebuild_network(network.config, network.dense.get_weights())
        fits.append((loss, network, history))
        if settings.verbose and len(feature_modes) > 1:
            _write(f"feature mode {feature_mode}: validation loss {loss:.4f}")
    _, network, history = min(fits, key=lambda fit: fit[0])
    if settings.verbose and len(feature_modes) > 1:
        _write(f"feature mode {network.config.feature_mode} chosen")
    return network, history


def _kinds(linear_skip: str) -> tuple[str, ...]:
    return ("shared", "per_feature") if linear_skip == "auto" else (linear_skip,)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
