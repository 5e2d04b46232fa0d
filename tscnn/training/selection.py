"""The choice among trained networks, by their losses on the validation origins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tscnn.common.checks import check_int, received
from tscnn.statistics.gate import GateResult, gate, not_kept, relative_block_gains

__all__ = ["Candidate", "choose"]


@dataclass(frozen=True)
class Candidate:
    """How a trained network did.

    Attributes
    ----------
    losses : ndarray of shape (n_evaluated,)
        Loss of each validation origin that was evaluated, oldest first.
    n_origins : int
        Validation origins that there are, of which those evaluated are evenly spread.
    has_linear : bool
        Whether linear terms forecast beside it.
    name : str
        Of the network, distinct among candidates.
    """

    losses: np.ndarray
    n_origins: int
    has_linear: bool
    name: str


def choose(candidates: Sequence[Candidate], apart: int, *, level: float = 0.05) -> tuple[int, dict[str, GateResult]]:
    """Choose the candidate with the least mean loss, but one without linear terms only where its gain is significant.

    A network without linear terms has nothing to fall back on where series change; while a series stays where a level
    happens to be right, windows that overlap all say that it is better. Candidates are compared one after the other
    with the one that is chosen so far.

    Parameters
    ----------
    candidates : sequence of Candidate
        At least one; the first one stays where nothing is better.
    apart : int
        Origins that are further from each other count as independent: the horizon or the lookback, which is longer.
    level : float in (0, 1), default 0.05
        Of `gate`; its number of tries is that of the candidates after the first.

    Returns
    -------
    index : int
        Of the chosen one.
    results : dict of str to GateResult
        By name, the test of each after the first against the one chosen before it. Where both have linear terms, or
        neither, or only the later one, the mean loss alone decides.

    Raises
    ------
    ValueError
        If there is no candidate.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> losses = random.uniform(1, 2, size=(2, 400))
    >>> linear = Candidate(losses[0], 400, has_linear=True, name="with linear terms")
    >>> free = Candidate(losses[1] - 0.2, 400, has_linear=False, name="without")
    >>> index, results = choose([linear, free], apart=10)
    >>> index, results["without"].kept, results["without"].n_blocks
    (1, True, 20)
    """
    if not candidates:
        raise ValueError(received("`candidates` must not be empty.", candidates=candidates))
    check_int("apart", apart)
    chosen, results = 0, {}
    for i, rival in enumerate(candidates[1:], start=1):
        present = candidates[chosen]
        result = _compare(present, rival, apart, len(candidates) - 1, level)
        results[rival.name] = result
        needs_proof = present.has_linear and not rival.has_linear
        if result.kept if needs_proof else _mean_loss(rival) < _mean_loss(present):
            chosen = i
    return chosen, results


def _mean_loss(candidate: Candidate) -> float:
    """Return the mean loss, infinite for one whose training diverged."""
    return float(candidate.losses.mean()) if np.isfinite(candidate.losses).all() else float("inf")


def _compare(present: Candidate, rival: Candidate, apart: int, n_tries: int, level: float) -> GateResult:
    """Test the gain of the later candidate over the one chosen so far."""
    if not all(np.isfinite(candidate.losses).all() for candidate in (present, rival)):
        return not_kept("losses are not finite", n_tries)
    if len(present.losses) != len(rival.losses):
        return not_kept("losses are not of the same origins", n_tries)
    evaluated_apart = -(-apart * len(rival.losses) // max(rival.n_origins, 1))  # where not every origin is evaluated
    gains, weights = relative_block_gains(present.losses, rival.losses, max(1, evaluated_apart))
    return gate(gains, weights=weights, n_tries=n_tries, level=level)
