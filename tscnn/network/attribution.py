"""What each input adds to one forecast of a network: its gradient times the input, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tscnn.common.term import Attribution, empty_forecasts
from tscnn.network.config import NetworkConfig
from tscnn.network.inference import ArrayNetwork
from tscnn.transforms.rolling import rolling_normalize

__all__ = ["attribute_network"]

STEP = 1e-3  # of the input, of central differences in float64: they err by a millionth of the third derivative
MOST_VALUES = 2**22  # of the first layer in memory at a time, 32 MB: a convention


def attribute_network(
    config: NetworkConfig,
    parameters: Mapping[str, np.ndarray],
    window: np.ndarray,
    known: np.ndarray | None = None,
    owners: np.ndarray | None = None,
) -> Attribution:
    """Take one forecast apart.

    Inputs are what the layers see: rows relative to their rolling level, in units of their rolling scale, where there
    is a normaliser. A derivative in the direction of an input, all columns of a row or all rows of a column, is the sum
    of gradients times inputs there [1]_; it is a central difference in float64, all of them in one batch.

    Parameters
    ----------
    config : NetworkConfig
        Of the network.
    parameters : mapping of str to ndarray
        Of `weight_shapes`.
    window : ndarray of shape (lookback, n_features)
        The newest rows.
    known : ndarray of shape (horizon, n_ahead), optional
        What is known ahead.
    owners : ndarray of int of shape (n_ahead,), optional
        What each number of `known` is of: 0 for the calendar, from 1 on covariates.

    Returns
    -------
    Attribution
        Of the forecast, but for a constant and for what bends.

    References
    ----------
    .. [1] Shrikumar, Greenside and Kundaje (2017), Learning Important Features Through Propagating Activation
       Differences: gradient times input.
    """
    network = ArrayNetwork.of(config, {name: array.astype(np.float64) for name, array in parameters.items()})
    rows, span, targets = window.astype(np.float64), config.normalizer_span, list(config.targets)
    moments: list[np.ndarray] = []
    inputs = rows
    if span > 1:
        normalized, *moments = rolling_normalize(rows[None], span)
        inputs = normalized[0]
    ahead = None if known is None else known.astype(np.float64)
    n_rows, n_features = inputs.shape
    together = max(1, MOST_VALUES // (inputs.size * config.filters))

    def forecast(rows: np.ndarray, ahead: np.ndarray | None) -> np.ndarray:
        out = empty_forecasts(len(rows), config.horizon, len(targets), np.float64)
        later = None if ahead is None else ahead[:, None]
        network.forecast(rows, later, last_only=True, out=out, normalizer=lambda each: (each, *moments))
        return out

    def derivatives(of_rows: np.ndarray, of_known: np.ndarray | None = None) -> np.ndarray:
        parts = []
        for first in range(0, len(of_rows), together):
            own = slice(first, first + together)
            ends = []
            for step in (STEP, -STEP):
                moved = inputs * (1 + step * of_rows[own])
                later = None if ahead is None else np.broadcast_to(ahead, (len(moved), *ahead.shape))
                if later is not None and of_known is not None:
                    later = later * (1 + step * of_known[own])
                ends.append(forecast(moved, later))
            parts.append((ends[0] - ends[1]) / (2 * STEP))
        return np.concatenate(parts)

    by_lag = derivatives(np.eye(n_rows)[:, :, None])
    by_known = None
    if owners is not None:
        groups = owners == np.arange(owners.max(initial=0) + 1)[:, None]
        by_known = derivatives(np.zeros((len(groups), 1, 1)), groups[:, None].astype(np.float64))
    if config.feature_mode == "independent":
        found = Attribution.of_own_columns(by_lag, np.array(targets), n_features)
    else:
        found = Attribution(derivatives(np.eye(n_features)[:, None]), by_lag)
    levels = np.zeros((max(n_rows, span), config.horizon, len(targets)))
    if config.add_level and span > 1:
        levels[-span:] += rows[-span:, None, targets] / span
    of_level = Attribution.of_own_columns(levels, np.array(targets), n_features)
    of_level.by_lag[-n_rows:] += found.by_lag
    return Attribution(found.by_column + of_level.by_column, of_level.by_lag, by_known)
