"""Is a gain more than chance: one test for every part of a forecast, with the number of tries in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tscnn.common.checks import check_int, check_real, received

__all__ = ["FEWEST_BLOCKS", "GateResult", "gate", "not_kept", "relative_block_gains"]

FEWEST_BLOCKS = 4  # independent ones: with fewer, t^2 has no mean where nothing is gained
LONG_BLOCK = 2  # times `apart`, beyond which longer blocks hardly depend less on each other
ENOUGH_BLOCKS = 6  # from here on blocks become longer rather than more (as batch means do, Schmeiser 1982)


@dataclass(frozen=True)
class GateResult:
    """What a test for a gain has found.

    Attributes
    ----------
    gain : float
        Mean gain, as a part of the error (0.02: 2 % less).
    standard_error : float
        Of the gain, from blocks that hardly depend on each other; infinite for fewer than two.
    n_blocks : int
        Number of these blocks.
    n_tries : int
        Settings that were tried, the best of which this is.
    p_value : float
        One-sided: the probability of such a gain, or a greater one, where there is none, adjusted for the tries.
    shrinkage : float
        Factor between 0 and 1 for what was gained, whether it is kept or not; the tries are not in it.
    kept : bool
        Whether the gain is large enough, and significant.
    reason : str
        The same in words.
    """

    gain: float
    standard_error: float
    n_blocks: int
    n_tries: int
    p_value: float
    shrinkage: float
    kept: bool
    reason: str


def gate(
    gains: Sequence[float] | np.ndarray,
    *,
    weights: Sequence[float] | np.ndarray | None = None,
    n_tries: int = 1,
    level: float = 0.05,
    least_gain: float = 0.0,
    fewest_blocks: int = FEWEST_BLOCKS,
) -> GateResult:
    """Test whether a mean gain is more than chance, and find the factor to shrink it by.

    The test is Student's, one-sided, with one degree of freedom less than there are blocks. Where blocks count
    differently, their effective number (sum of weights)^2 / sum of weights^2 takes the place of their number, and the
    standard error is the one that is robust to unequal variances (HC2 of the regression on a constant [4]_). The
    p-value of the best of several settings is adjusted by Sidak's formula [2]_, 1 - (1 - p)^n_tries, which holds for
    settings that are independent or err alike.

    The shrinkage factor is 1 - E[t^2 | no gain] / t^2, or 0 where that is negative: an estimate of the part of the
    squared gain that is not noise ("positive-part" shrinkage). E[t^2 | no gain] = nu / (nu - 2) is the variance of
    Student's t with nu degrees of freedom; where it is infinite, the factor is 0.

    Parameters
    ----------
    gains : sequence of float of shape (n_blocks,)
        Relative gains of blocks that are approximately independent of each other, of `relative_block_gains`.
    weights : sequence of float of shape (n_blocks,), optional
        By how much each counts, positive: the number of its origins. All the same if not given.
    n_tries : int, default 1
        Settings that were tried, the best of which has these gains.
    level : float in (0, 1), default 0.05
        Greatest adjusted p-value that is kept: the probability of keeping what gains nothing. A convention.
    least_gain : float, default 0.0
        Smallest mean gain that is kept, as a part of the error.
    fewest_blocks : int, default 4
        With fewer (effective) blocks nothing is kept. Four are the fewest with a finite E[t^2].

    Returns
    -------
    GateResult
        Of the mean gain.

    Raises
    ------
    ValueError
        If gains are not finite, or weights not positive, or not as many.

    References
    ----------
    .. [1] Student (1908), The Probable Error of a Mean. Biometrika 6.
    .. [2] Sidak (1967), Rectangular Confidence Regions for the Means of Multivariate Normal Distributions. JASA 62.
    .. [3] Judge and Bock (1978), The Statistical Implications of Pre-Test and Stein-Rule Estimators in Econometrics:
       both keeping after a test and positive-part shrinkage.
    .. [4] MacKinnon and White (1985), Some Heteroskedasticity-Consistent Covariance Matrix Estimators. Journal of
       Econometrics 29.

    Examples
    --------
    >>> result = gate([0.02, 0.03, 0.01, 0.02])
    >>> result.reason, round(result.p_value, 4), round(result.shrinkage, 3)
    ('kept: 2.0 % less error, p = 0.0081', 0.0081, 0.875)
    >>> gate([0.02, 0.03, 0.01, 0.02], n_tries=10).reason
    'not kept: 2.0 % less error, but p = 0.078 after 10 tries'
    >>> gate([0.02, 0.03, 0.01]).reason
    'not kept: fewer than 4 independent blocks'
    """
    gains, weights = _check_blocks(gains, weights)
    n_tries, fewest_blocks = check_int("n_tries", n_tries), check_int("fewest_blocks", fewest_blocks, minimum=2)
    level = check_real("level", level, low=0, high=1, include_low=False)
    least_gain = check_real("least_gain", least_gain)
    if len(gains) < 2:
        mean, error, effective = float(gains.sum()), np.inf, float(len(gains))
    else:
        mean, error, effective = _weighted_mean(gains, weights)
    t, freedom = _ratio(mean, error), effective - 1
    enough = len(gains) >= fewest_blocks and effective > fewest_blocks - 0.5
    p_value = float(-np.expm1(n_tries * np.log1p(-_upper_tail(t, freedom)))) if enough else 1.0
    kept = enough and mean > 0 and mean >= least_gain and p_value <= level
    return GateResult(
        gain=mean,
        standard_error=error,
        n_blocks=len(gains),
        n_tries=n_tries,
        p_value=p_value,
        shrinkage=_shrinkage(t, freedom) if enough else 0.0,
        kept=kept,
        reason=_describe(mean, p_value, n_tries, kept, least_gain, fewest_blocks if not enough else None),
    )


def not_kept(reason: str, n_tries: int = 1) -> GateResult:
    """Return the result where there was nothing to test.

    Parameters
    ----------
    reason : str
        Why, in words.
    n_tries : int, default 1
        Settings that would have been tried.

    Returns
    -------
    GateResult
        No gain, not kept.

    Examples
    --------
    >>> not_kept("no validation rows").reason
    'not kept: no validation rows'
    """
    return GateResult(0.0, float("inf"), 0, n_tries, 1.0, 0.0, False, f"not kept: {reason}")


def relative_block_gains(
    before: np.ndarray | Sequence[np.ndarray],
    after: np.ndarray | Sequence[np.ndarray],
    apart: int,
    most_blocks: int = 32,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut losses into blocks of consecutive origins, and return the gain of each: block means for dependent data.

    Forecasts err together where their outcomes overlap, so that neighbouring origins say the same. Means of blocks
    hardly depend on each other, the less the longer they are: from 6 blocks on they become longer, up to three times
    `apart`, before they become more. What is left of the dependence lets the test of `gate` at the level of 0.05 keep 5
    to 7 % of products of random walks' forecast errors that gain nothing, and 6 to 9 % of sums over the horizon, the
    more of each the closer blocks are to one `apart`.

    Parameters
    ----------
    before, after : ndarray of shape (n_origins,), or sequence of such
        Loss of each origin without and with what is tested, oldest first: of one stretch, or of several that lie at
        least `apart` from each other, such as folds.
    apart : int
        Origins that are further from each other count as independent: at least the horizon.
    most_blocks : int, default 32
        Blocks of all stretches, at most, unless there are more stretches. More would add little: the 5 % point of
        Student's t with 31 degrees of freedom is 3 % above that of the normal distribution.

    Returns
    -------
    gains : ndarray of shape (n_blocks,)
        (mean of `before` - mean of `after`) of each block / mean of `before` over all origins.
    weights : ndarray of int of shape (n_blocks,)
        Origins of each block, at least `apart` but for stretches that are shorter, which are one block each. The
        weighted mean of the gains is the relative gain over all origins.

    Raises
    ------
    ValueError
        If `before` and `after` differ in shape, or losses are not finite.

    References
    ----------
    .. [1] Carlstein (1986), The Use of Subseries Values for Estimating the Variance of a General Statistic from a
       Stationary Sequence. Annals of Statistics 14.
    .. [2] Schmeiser (1982), Batch Size Effects in the Analysis of Simulation Output. Operations Research 30.

    Examples
    --------
    >>> relative_block_gains(np.full(10, 2.0), np.repeat([1.0, 2.0], 5), apart=5)
    (array([0.5, 0. ]), array([5, 5]))
    """
    apart, most_blocks = check_int("apart", apart), check_int("most_blocks", most_blocks)
    old, new = _as_stretches("before", before), _as_stretches("after", after)
    if [len(stretch) for stretch in old] != [len(stretch) for stretch in new]:
        rule = "`before` and `after` must have the same shape."
        raise ValueError(received(rule, before=[len(s) for s in old], after=[len(s) for s in new]))
    n_origins = sum(map(len, old))
    if not n_origins:
        return np.zeros(0), np.zeros(0, int)
    length = max(apart, n_origins / most_blocks, min(LONG_BLOCK * apart, n_origins / ENOUGH_BLOCKS))
    gained, weights = [], []
    for stretch, other in zip(old, new, strict=True):
        n_blocks = max(1, int(len(stretch) / length + 1e-9))
        blocks = [block for block in np.array_split(stretch - other, n_blocks) if len(block)]
        gained += [block.mean() for block in blocks]
        weights += [len(block) for block in blocks]
    unit = np.concatenate(old).mean() or np.concatenate(new).mean() or 1.0
    return np.array(gained) / abs(unit), np.array(weights)


def _check_blocks(
    gains: Sequence[float] | np.ndarray, weights: Sequence[float] | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return gains and weights as arrays of float64, or raise."""
    values = np.asarray(gains, dtype=np.float64)
    counts = np.ones(values.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(received("`gains` must be a sequence of finite numbers, one a block.", gains=gains))
    if counts.shape != values.shape or not np.isfinite(counts).all() or (counts <= 0).any():
        rule = f"`weights` must be {len(values)} positive numbers, as many as there are gains."
        raise ValueError(received(rule, weights=weights))
    return values, counts


def _weighted_mean(gains: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Return the mean, its standard error, and the effective number of two gains or more."""
    fractions = weights / weights.sum()
    mean = float(fractions @ gains)
    error = float(np.sqrt(np.sum(np.square(fractions * (gains - mean)) / (1 - fractions))))
    return mean, error, float(1 / np.square(fractions).sum())


def _ratio(mean: float, error: float) -> float:
    """Return Student's t; of gains that do not vary it is infinite, or 0 without gain."""
    if error > 0:
        return mean / error
    return float(np.sign(mean) * np.inf) if mean else 0.0


def _upper_tail(t: float, freedom: float) -> float:
    """Return the probability of a greater t where nothing is gained."""
    below_one = 1 - 2.0**-53  # for the logarithm of the rest
    from scipy.special import stdtr  # takes longer to import than to load a model and forecast

    return min(float(stdtr(freedom, -t)), below_one) if np.isfinite(t) else float(t < 0) * below_one


def _shrinkage(t: float, freedom: float) -> float:
    """Return 1 - E[t^2 | no gain] / t^2, or 0 where that or the gain is negative."""
    if t <= 0 or freedom <= 2:
        return 0.0
    return max(0.0, 1 - freedom / (freedom - 2) / t**2)


def _describe(
    gain: float, p_value: float, n_tries: int, kept: bool, least_gain: float, fewest_blocks: int | None
) -> str:
    """Say whether a gain is kept, and why."""
    if fewest_blocks is not None:
        return f"not kept: fewer than {fewest_blocks} independent blocks"
    if gain <= 0:
        return f"not kept: {-100 * gain:.1f} % more error"
    size = f"{100 * gain:.1f} % less error"
    if gain < least_gain:
        return f"not kept: {size}, {100 * least_gain:.1f} % are asked for"
    certain = f"p = {p_value:.2g}" + (f" after {n_tries} tries" if n_tries > 1 else "")
    return f"kept: {size}, {certain}" if kept else f"not kept: {size}, but {certain}"


def _as_stretches(name: str, losses: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return losses as a list of arrays of float64, one a stretch, or raise."""
    one = len(losses) == 0 or np.ndim(losses[0]) == 0
    stretches = [np.asarray(stretch, dtype=np.float64) for stretch in ([losses] if one else losses)]
    if any(stretch.ndim != 1 or not np.isfinite(stretch).all() for stretch in stretches):
        raise ValueError(received(f"`{name}` must hold finite losses, one an origin.", **{name: losses}))
    return stretches
