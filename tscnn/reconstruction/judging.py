"""How well gaps are filled: values that are there are taken out, and filled by the model and by what is simplest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tscnn.reconstruction.gaps import draw_gaps, interpolate
from tscnn.reconstruction.model import LEVELS, ReconstructionModel
from tscnn.statistics import GateResult, gate, relative_block_gains

__all__ = [
    "Stretch",
    "Trial",
    "as_report",
    "error_quantiles",
    "gate_network",
    "has_collapsed",
    "line_shares",
    "shrink_network",
    "try_gaps",
]

SHARE = 0.15  # of a column's rows that are taken out at a time: of more, the rest would say less than it does
FEWEST_GAPS = 24  # of a length, in all columns together or each by itself
MOST_DRAWS = 16
FEWEST_ERRORS = 200  # of a column, for quantiles of its own
FLAT = 0.1  # standard deviation within gaps, of that of the truth, below which all columns are called constant
LINE_LEVEL = 0.1  # of the test whether straight lines help
NO_BETTER = 0.98  # error, of that of the mean


class Stretch(NamedTuple):
    """Rows to take values out of.

    Attributes
    ----------
    rows, season : ndarray of shape (n_rows, n_features)
        Of `ReconstructionModel.without_season`.
    n_before : int
        First rows, which are only seen.
    """

    rows: np.ndarray
    season: np.ndarray
    n_before: int


class Trial(NamedTuple):
    """What gaps of one length were filled with; one entry a value that was taken out.

    Attributes
    ----------
    length : int
        Rows of the gaps.
    together : bool
        Whether all columns had them in the same rows.
    column, row : ndarray of int of shape (n_values,)
        Of each value; rows of all stretches are numbered one after the other.
    truth : ndarray of shape (n_values,)
        Standardised.
    filled : dict of str to ndarray
        By method, the same.
    deviation : ndarray of shape (n_values,)
        Of the model.
    """

    length: int
    together: bool
    column: np.ndarray
    row: np.ndarray
    truth: np.ndarray
    filled: dict[str, np.ndarray]
    deviation: np.ndarray

    def errors(self, method: str) -> np.ndarray:
        """Return what is to be added to what a method filled in.

        Parameters
        ----------
        method : str
            One of `filled`.

        Returns
        -------
        ndarray of shape (n_values,)
            Standardised.
        """
        return self.truth - self.filled[method]


def try_gaps(
    model: ReconstructionModel,
    stretches: Sequence[Stretch],
    lengths: Sequence[int],
    random: np.random.Generator,
    *,
    with_deviation: bool = True,
) -> list[Trial]:
    """Take values out, in gaps of several lengths, of all columns together and of each by itself, and fill them.

    Parameters
    ----------
    model : ReconstructionModel
        To judge.
    stretches : sequence of Stretch
        Rows of its kind.
    lengths : sequence of int
        Rows of gaps.
    random : Generator
        Draws the gaps.
    with_deviation : bool, default True
        Whether the model's deviations are wanted, which take longer.

    Returns
    -------
    list of Trial
        Two a length, unless there is a single column.
    """
    n_features = stretches[0].rows.shape[1]
    kinds = (True, False) if n_features > 1 else (True,)
    return [
        _try(model, stretches, length, together, random, with_deviation) for length in lengths for together in kinds
    ]


def _try(
    model: ReconstructionModel,
    stretches: Sequence[Stretch],
    length: int,
    together: bool,
    random: np.random.Generator,
    with_deviation: bool,
) -> Trial:
    n_rows = sum(len(one.rows) - one.n_before for one in stretches)
    n_gaps = SHARE * n_rows / length * (1 if together else stretches[0].rows.shape[1])
    found: list[tuple[np.ndarray, ...]] = []
    starts = np.cumsum([0, *(len(one.rows) for one in stretches)])
    for _ in range(min(MOST_DRAWS, max(1, int(np.ceil(FEWEST_GAPS / max(n_gaps, 1)))))):
        for start, (rows, season, n_before) in zip(starts, stretches, strict=False):
            gone = np.zeros(rows.shape, bool)
            gone[n_before:] = draw_gaps(gone[n_before:].shape, length, SHARE, random, together=together)
            gone &= ~np.isnan(rows)
            left = np.where(gone, np.nan, rows)
            filled = model.fill(left, season, with_deviation=with_deviation)
            lines = (interpolate(left + season), interpolate(left, model.season_length) + season)
            parts = (rows + season, filled.deviation, filled.mean + season, filled.closed_form + season, *lines)
            at, column = np.nonzero(gone)
            found.append((column, at + start, *(part[gone] for part in parts)))
    column, row, truth, deviation, *methods = (np.concatenate(part) for part in zip(*found, strict=True))
    named = dict(zip(("tscnn", "closed form", "linear", "seasonal"), methods, strict=True))
    return Trial(length, together, column, row, truth, {**named, "mean": np.zeros(len(truth))}, deviation)


def gate_network(trial: Trial, level: float) -> GateResult:
    """Test whether what the network adds in gaps of one kind is more than chance.

    Parameters
    ----------
    trial : Trial
        Of a model with a network, on rows that it has not learnt from.
    level : float
        Of `tscnn.statistics.gate`.

    Returns
    -------
    GateResult
        Of the mean squared errors of rows, in blocks of a gap.
    """
    losses = [trial.errors(method) ** 2 for method in ("closed form", "tscnn")]
    return _gate(trial.row, losses, trial.length, level)


def line_shares(trials: Sequence[Trial], lengths: Sequence[int]) -> np.ndarray:
    """Find how much of what fills gaps is to be a straight line: what has the least error, if that is no chance.

    Parameters
    ----------
    trials : sequence of Trial
        Of a model without such shares.
    lengths : sequence of int
        Rows of gaps.

    Returns
    -------
    ndarray of shape (n_lengths, 2)
        Of gaps of one column, and of all.
    """
    shares = np.zeros((len(lengths), 2))
    for trial in trials:
        errors, step = trial.errors("closed form"), trial.filled["seasonal"] - trial.filled["closed form"]
        share = float(np.clip(errors @ step / max(step @ step, 1e-12), 0, 1))
        result = _gate(trial.row, [errors**2, (errors - share * step) ** 2], trial.length, LINE_LEVEL)
        if result.kept:
            shares[lengths.index(trial.length), int(trial.together)] = share
    return shares


def _gate(rows: np.ndarray, losses: Sequence[np.ndarray], apart: int, level: float) -> GateResult:
    """Test the gain between losses of values, in blocks of rows."""
    counts = np.bincount(rows)
    before, after = (np.bincount(rows, loss)[counts > 0] / counts[counts > 0] for loss in losses)
    gains, weights = relative_block_gains(before, after, apart=apart)
    return gate(gains, weights=weights, level=level)


def shrink_network(trial: Trial, factor: float) -> Trial:
    """Return the trial of a model whose network adds a part of what it did.

    Parameters
    ----------
    trial : Trial
        With the whole network.
    factor : float
        Which part.

    Returns
    -------
    Trial
        The same gaps.
    """
    before = trial.filled["closed form"]
    return trial._replace(filled={**trial.filled, "tscnn": before + factor * (trial.filled["tscnn"] - before)})


def as_report(trials: Sequence[Trial]) -> pd.DataFrame:
    """Tabulate the errors of trials.

    Parameters
    ----------
    trials : sequence of Trial
        Of one model.

    Returns
    -------
    DataFrame of shape (n_trials, 6)
        Root mean squared errors of each method, standardised, and the "spread" of what the model filled in: its
        standard deviation, of that of the truth. Indexed by ("rows", "columns").
    """
    lines = []
    for trial in trials:
        line = {name: float(np.sqrt(np.mean(trial.errors(name) ** 2))) for name in trial.filled}
        spread = float(trial.filled["tscnn"].std() / max(trial.truth.std(), 1e-12))
        lines.append({"rows": trial.length, "columns": "all" if trial.together else "one", **line, "spread": spread})
    return pd.DataFrame(lines).set_index(["rows", "columns"])


def has_collapsed(report: pd.DataFrame) -> bool:
    """Say whether what fills gaps is a constant, or no better than one.

    Parameters
    ----------
    report : DataFrame
        Of `as_report`.

    Returns
    -------
    bool
        Whether it is, in gaps of every kind.
    """
    return bool(((report["spread"] < FLAT) | (report["tscnn"] > NO_BETTER * report["mean"])).all())


def error_quantiles(trials: Sequence[Trial], lengths: Sequence[int], n_features: int) -> np.ndarray:
    """Take quantiles of errors, in standard deviations of the model.

    Parameters
    ----------
    trials : sequence of Trial
        Of one model.
    lengths : sequence of int
        Rows of gaps.
    n_features : int
        Columns; of one with few errors, the quantiles are those of all.

    Returns
    -------
    ndarray of shape (n_lengths, n_features, n_levels)
        At `LEVELS`.
    """
    found = np.empty((len(lengths), n_features, len(LEVELS)))
    for at, length in enumerate(lengths):
        own = [trial for trial in trials if trial.length == length]
        column = np.concatenate([trial.column for trial in own])
        scaled = np.concatenate([trial.errors("tscnn") / trial.deviation for trial in own])
        of_all = np.quantile(scaled, LEVELS)
        for f in range(n_features):
            mine = scaled[column == f]
            found[at, f] = np.quantile(mine, LEVELS) if len(mine) >= FEWEST_ERRORS else of_all
    return found
