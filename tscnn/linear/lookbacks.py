"""Which lookbacks there are to choose from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tscnn.linear.settings import LinearModel
from tscnn.statistics.gate import gate, relative_block_gains
from tscnn.statistics.influence import limit_influence

__all__ = ["count_affordable", "list_lookbacks"]


def list_lookbacks(
    rows: np.ndarray | Sequence[np.ndarray], horizon: int, season_length: int | None, settings: LinearModel
) -> list[int]:
    """List the lookbacks that ``lookback="auto"`` chooses from.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_targets), or sequence of such
        Standardised training rows of one series, or of several.
    horizon : int
        Steps predicted.
    season_length : int or None
        Rows of a season; where there is none `default_season`.
    settings : LinearModel
        For `lookbacks`, and for how many maps there are to be.

    Returns
    -------
    list of int
        Halves and doubles of the season, ascending; the mean of whole seasons is a level free of their phase. They go
        up to `longest`, or up to `longest_season` where only those hold a week of days, or a day, whose repetition is
        better than that of a day or of half a day. There are as many training windows as rows in one. Of many targets
        they go only as far as a map for each is affordable, unless all such are short, or a week or a day wants more:
        groups have to do with a map each then.

    Examples
    --------
    >>> rows, settings = np.zeros((3000, 2)), LinearModel()
    >>> list_lookbacks(rows, 24, 24, settings), list_lookbacks(rows, 24, 7, settings)
    ([1, 3, 6, 12, 24, 48, 96, 192, 384, 768], [1, 3, 7, 14, 28, 56, 112, 224, 448, 896])
    """
    bounds, series = settings.lookbacks, [rows] if isinstance(rows, np.ndarray) else list(rows)
    season = season_length or bounds.default_season
    cycle = _find_long_cycle(series, horizon, season, settings) if season_length else None
    longest = cycle or season
    while longest > bounds.longest and not cycle:
        longest //= 2
    while 2 * longest <= bounds.longest:
        longest *= 2
    halves = [longest >> halvings for halvings in reversed(range(longest.bit_length()))]
    n_rows = max(map(len, series))
    lookbacks = [length for length in halves if 2 * length + horizon <= n_rows] or [1]
    n_targets, most_entries = series[0].shape[1], settings.mixture.most_entries
    affordable = [length for length in lookbacks if count_affordable(length, horizon, most_entries) >= n_targets]
    if settings.maps == "auto" and affordable and affordable[-1] >= bounds.enough and not cycle:
        return affordable
    return lookbacks


def count_affordable(lookback: int, horizon: int, most_entries: int) -> int:
    """Count the maps, of groups of targets, whose fit takes seconds, and memory that a laptop has.

    Parameters
    ----------
    lookback, horizon : int
        Steps seen and steps predicted.
    most_entries : int
        Entries of all Gram matrices.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, most_entries // (lookback * (lookback + horizon)))


def _find_long_cycle(series: Sequence[np.ndarray], horizon: int, season: int, settings: LinearModel) -> int | None:
    """Return the lookback that holds a week of seasons or one season, where that is long, allowed and helps."""
    bounds, week = settings.lookbacks, settings.mixture.week
    tries = [(week * season, season, (week + 1) * season), (season, season // 2, season)]
    longest = max(map(len, series))
    for cycle, shorter, holding in tries:
        if cycle <= bounds.enough or holding > min(bounds.longest_season, (longest - horizon) // 2):
            continue
        long = [rows for rows in series if len(rows) > cycle]
        squares = [[np.square(rows[cycle:] - rows[cycle - n : -n]) for rows in long] for n in (cycle, shorter)]
        shares = limit_influence(sum(each.sum(axis=0) for each in squares[1])).astype(series[0].dtype)
        far, near = ([(each * shares).mean(axis=1) for each in of_length] for of_length in squares)
        gains, weights = relative_block_gains(near, far, shorter)
        found = gate(
            gains, weights=weights, n_tries=len(tries), level=settings.level, fewest_blocks=settings.fewest_blocks
        )
        if found.kept:
            return holding
    return None
