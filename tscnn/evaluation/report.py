"""Where a fitted network stands: its errors on validation rows beside those of what it has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.evaluation.backtest import forecast_chunks
from tscnn.linear.ridge import apply_kernel
from tscnn.network.graph import Network

__all__ = ["describe_report", "judge_network", "list_unbeaten"]

MOST_ORIGINS = 10_000  # judged, evenly spread
MOST_VALUES = 40_000_000  # of the outcomes that are judged: some seconds


def judge_network(
    network: Network,
    rows: np.ndarray,
    plain: np.ndarray,
    origins: Sequence[range],
    linear_map: np.ndarray,
    seasonality: int | None,
) -> pd.DataFrame:
    """Compare a network with a linear map and with naive forecasts.

    Parameters
    ----------
    network : Network
        What is judged.
    rows : ndarray of shape (n_rows, n_features)
        Series one behind the other, in the network's units.
    plain : ndarray
        As `rows`, with the yearly wave that these may lack: what naive forecasts repeat.
    origins : sequence of range
        Where forecasts are made, of `find_origins`; with more than 10,000 of them, or 40 million outcomes, every second
        or third or .. one.
    linear_map : ndarray of shape (1, lookback, horizon)
        One for all targets, on windows of `rows`.
    seasonality : int or None
        Rows of a season, up to the oldest before the first origin; None leaves its repetition out.

    Returns
    -------
    DataFrame
        The network in the first row, "tscnn", then "linear map", "repeat season", "repeat last" and "constant": the
        mean of the very outcomes, by target and step, the best that a network can reach which has collapsed to a
        constant. Columns "mse", "mae", and "skill": 1 - the network's mse / that of the row.
    """
    config = network.config
    values, repeated = rows[:, list(config.targets)], plain[:, list(config.targets)]
    n_targets = values.shape[1]
    # by first row: (rows, targets, horizon)
    outcomes_at, plain_at = (sliding_window_view(each, config.horizon, axis=0) for each in (values, repeated))
    steps = np.arange(config.horizon)
    squares: dict[str, float] = {}
    sizes: dict[str, float] = {}
    total = np.zeros((n_targets, config.horizon))
    total_squares, n_origins = 0.0, 0
    most = min(MOST_ORIGINS, max(1, MOST_VALUES // total.size))
    stride = -(-sum(map(len, origins)) // most)
    for stretch in origins:
        cutoffs = np.asarray(stretch)[::stride]
        for chunk, forecasts in forecast_chunks(network, rows, cutoffs) if len(cutoffs) else ():
            at = cutoffs[chunk]
            calm, outcomes = outcomes_at[at + 1], plain_at[at + 1]
            errors_of = {
                "tscnn": forecasts.transpose(0, 2, 1) - calm,
                "linear map": apply_kernel(values, linear_map, [0] * n_targets, at) - calm,
                "repeat last": repeated[at][:, :, None] - outcomes,
            }
            if seasonality is not None:
                seasonal = repeated[at[:, None] - seasonality + 1 + steps % seasonality]  # (origins, horizon, targets)
                errors_of["repeat season"] = seasonal.transpose(0, 2, 1) - outcomes
            for name, errors in errors_of.items():
                squares[name] = squares.get(name, 0.0) + float(np.square(errors, dtype=np.float64).sum())
                sizes[name] = sizes.get(name, 0.0) + float(np.abs(errors).sum(dtype=np.float64))
            total += outcomes.sum(axis=0, dtype=np.float64)
            total_squares += float(np.square(outcomes, dtype=np.float64).sum())
            n_origins += len(at)
    names = [name for name in ("tscnn", "linear map", "repeat season", "repeat last") if name in squares]
    n_values = n_origins * total.size
    table = pd.DataFrame(
        {"mse": [squares[n] / n_values for n in names], "mae": [sizes[n] / n_values for n in names]}, names
    )
    table.loc["constant", "mse"] = max(total_squares - np.square(total).sum() / n_origins, 0.0) / n_values
    own = table.loc["tscnn", "mse"]
    table["skill"] = [0.0 if own == mse else 1 - own / mse if mse > 0 else -np.inf for mse in table["mse"]]
    return table


def list_unbeaten(report: pd.DataFrame) -> list[str]:
    """Name what the network does not beat.

    Parameters
    ----------
    report : DataFrame
        Of `judge_network`.

    Returns
    -------
    list of str
        Rows whose mean squared error is no greater than the network's.
    """
    return [name for name in report.index[1:] if report.loc[name, "skill"] <= 0]


def describe_report(report: pd.DataFrame) -> str:
    """Write a report in one line.

    Parameters
    ----------
    report : DataFrame
        Of `judge_network`.

    Returns
    -------
    str
        The mean squared error and by how much it is below that of the others.
    """
    others = ", ".join(f"{name} {report.loc[name, 'skill']:+.1%}" for name in report.index[1:])
    return f"validation MSE {report.loc['tscnn', 'mse']:.4f}; skill against {others}"
