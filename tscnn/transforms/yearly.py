"""The yearly wave in the level of a series, where its rows show one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from tscnn.common.threads import on_one_thread
from tscnn.data.index import future_index

__all__ = ["YearlyWave", "fit_yearly_wave"]

EVIDENCE = 3.0  # of a wave, a natural logarithm: 20 to 1, which is strong (Kass and Raftery 1995)
FEWEST_LEVELS = 10
MOST_LEVELS = 200  # means of whole seasons that the level is known by
MEMORIES = (1.5, 4.5, 9.5, 20, 50, 100, 200, 500, 2000)  # of the level, in days: after them e-times less is left
WHITE = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # noise of a mean, in variances of a step of the level
STRENGTHS = 10 ** np.arange(-2, 5, 0.5)  # of a wave: the prior variance of its coefficients, in the same unit


@dataclass(frozen=True)
class YearlyWave:
    """A sine wave a column, of any phase, whose period is the year of the calendar."""

    coefficients: np.ndarray  # (3, n_features): of a constant, a cosine and a sine; 0 where there is no wave

    def at(self, index: pd.Index) -> np.ndarray:
        """Return the wave at some times.

        Parameters
        ----------
        index : DatetimeIndex or PeriodIndex
            Of n_rows times.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float32
            What the rows of that time are above or below the mean of those that it was fitted on.
        """
        angles = _angles(index)
        waves = np.stack([np.ones(len(angles)), np.cos(angles), np.sin(angles)], axis=1)
        return np.asarray(waves @ self.coefficients, dtype=np.float32)

    def ahead(self, index: pd.Index, freq: Any, horizon: int) -> np.ndarray:
        """Return the wave at the steps after each of some rows.

        Parameters
        ----------
        index : DatetimeIndex or PeriodIndex
            Of n_rows rows.
        freq : offset or None
            Their step.
        horizon : int
            Steps after a row.

        Returns
        -------
        ndarray of shape (n_rows, horizon, n_features), float32
            A view.
        """
        waves = self.at(index[1:].append(future_index(index, freq, horizon)))
        return sliding_window_view(waves, horizon, axis=0).transpose(0, 2, 1)


@on_one_thread
def fit_yearly_wave(
    rows: np.ndarray, index: pd.Index, seasonality: int | None, before: YearlyWave | None = None
) -> YearlyWave | None:
    """Fit a yearly wave to each column, and keep those that its rows are strong evidence of.

    The level, by the means of whole seasons, is a wave, or a trend, or neither, and noise that wanders and comes back
    within days or years, and other noise. Less than a year shows a wave if the level turns as one would and hardly
    wanders otherwise; nothing else shows its level at the other end of the year.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised rows.
    index : Index
        Of the rows.
    seasonality : int or None
        Rows of a season, of `tscnn.time_index.find_seasonality`; of a year, or none, there is no wave.
    before : YearlyWave, optional
        Of the older of the rows: a column that had a wave keeps one, whatever newer rows are evidence of.

    Returns
    -------
    YearlyWave or None
        None where no column shows one. Its mean over the rows is zero.

    References
    ----------
    .. [1] Harville (1974), Bayesian Inference for Variance Components Using Only Error Contrasts.
    .. [2] Kass and Raftery (1995), Bayes Factors.

    Examples
    --------
    >>> times = pd.date_range("2026-01-01", periods=300)
    >>> warmth = -np.cos(2 * np.pi * (times.day_of_year.to_numpy() - 20) / 365)
    >>> noise = np.random.default_rng(0).normal(scale=0.5, size=(300, 2))
    >>> wave = fit_yearly_wave(noise + np.outer(warmth, [1, 0]), times, seasonality=7)
    >>> wave.at(pd.DatetimeIndex(["2027-01-20", "2027-07-20"])).round(1)
    array([[-1.1,  0. ],
           [ 0.9,  0. ]], dtype=float32)
    """
    if seasonality is None or len(rows) < FEWEST_LEVELS * seasonality:
        return None
    angles = np.unwrap(_angles(index))
    turn = (angles[-1] - angles[0]) / (len(rows) - 1)  # from row to row
    if seasonality * turn > np.pi:
        return None
    n_rows = seasonality * -(-len(rows) // (MOST_LEVELS * seasonality))  # of a level
    explaining = np.stack([np.cos(angles), np.sin(angles), angles], axis=1)
    levels, means = _means(rows, n_rows), _means(explaining, n_rows)
    waves, trend = means[:, :2], means[:, 2:]
    trend = (trend - trend.mean()) / trend.std() / np.sqrt(2)  # of the size of a wave
    noises = list(_list_noises(len(levels), n_rows * turn / (2 * np.pi) * 365.25))
    evidence, coefficients = _weigh(levels, waves, noises)
    shown = evidence - _weigh(levels, trend, noises)[0] > EVIDENCE
    if before is not None:
        shown |= before.coefficients.any(axis=0)
    if not shown.any():
        return None
    coefficients = np.where(shown, coefficients, 0.0)
    return YearlyWave(np.vstack([-explaining[:, :2].mean(axis=0) @ coefficients, coefficients]))


def _angles(index: pd.Index) -> np.ndarray:
    """Return the time of the year as an angle."""
    days = np.asarray(index.day_of_year) - 1 + (np.asarray(index.hour) + np.asarray(index.minute) / 60) / 24
    return np.asarray(2 * np.pi * days / (365 + np.asarray(index.is_leap_year)))


def _means(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the means of as many neighbouring rows each, without the oldest rows that are left over."""
    n_means = len(rows) // n_rows
    return np.asarray(rows[len(rows) - n_means * n_rows :].reshape(n_means, n_rows, -1).mean(axis=1, dtype=np.float64))


def _list_noises(n_levels: int, n_days: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """List how levels so many days apart may wander and come back: variances, and the axes that have them."""
    apart = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels)))
    for memory in MEMORIES:
        left = np.exp(-n_days / memory)
        variances, axes = np.linalg.eigh(left**apart / (1 - left**2))
        yield np.maximum(variances, 1e-9), axes


def _weigh(
    levels: np.ndarray, waves: np.ndarray, noises: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Weigh what levels say for waves, by the restricted likelihood of the noise and strength that make it greatest.

    Parameters
    ----------
    levels : ndarray of shape (n_levels, n_features)
        Each feature by itself.
    waves : ndarray of shape (n_levels, n_waves)
        What may explain them, beside a constant and noise.
    noises : list of (variances, axes)
        To choose from, with some of `WHITE` besides.

    Returns
    -------
    evidence : ndarray of shape (n_features,)
        Logarithm of the likelihood, less that without waves.
    coefficients : ndarray of shape (n_waves, n_features)
        Their mean, given levels, noise and strength.
    """
    strengths = np.concatenate([[0.0], STRENGTHS])[:, None]
    features, n_free = np.arange(levels.shape[1]), len(levels) - 1
    best, none = (np.full(len(features), -np.inf) for _ in range(2))
    coefficients = np.zeros((waves.shape[1], len(features)))
    everything = np.column_stack([np.ones(len(levels)), waves, levels])
    turned = [(variances, axes.T @ everything) for variances, axes in noises]
    for (variances, along_axes), white in itertools.product(turned, WHITE):
        known = along_axes / np.sqrt(variances + white)[:, None]
        precision = np.square(known[:, 0]).sum()  # of the constant
        constant = known[:, 0] / np.sqrt(precision)
        known = known[:, 1:] - np.outer(constant, constant @ known[:, 1:])
        explaining, levels_left = np.hsplit(known, [waves.shape[1]])
        left, sizes, right = np.linalg.svd(explaining, full_matrices=False)
        along = left.T @ levels_left
        beside = np.square(levels_left).sum(axis=0) - np.square(along).sum(axis=0)
        shrunk = 1 + strengths * sizes**2  # (n_strengths, n_waves)
        squares = np.maximum(beside, 0) + (1 / shrunk) @ np.square(along)
        likelihood = -0.5 * (
            n_free * np.log(np.maximum(squares, 1e-30))
            + np.log(shrunk).sum(axis=1, keepdims=True)
            + np.log(variances + white).sum()
            + np.log(precision)
        )
        none = np.maximum(none, likelihood[0])
        at = likelihood.argmax(axis=0)
        found = likelihood[at, features]
        means = right.T @ ((strengths * sizes / shrunk)[at].T * along)
        coefficients = np.where(found > best, means, coefficients)
        best = np.maximum(best, found)
    return best - none, coefficients
