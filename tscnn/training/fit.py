"""Train networks beside their linear terms, and keep the best on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tscnn.common.interrupts import is_own_fit
from tscnn.common.processes import call_afresh
from tscnn.common.progress import Tell
from tscnn.common.term import Term
from tscnn.data.mapped import find_constant, is_mapped
from tscnn.data.split import Split
from tscnn.network.backend import agree_on, device_scope, is_forked, lost_process_scope
from tscnn.network.config import NetworkConfig, describe_network
from tscnn.network.graph import build_network, seed_weights
from tscnn.network.term import NetworkTerm
from tscnn.statistics import GateResult, not_kept
from tscnn.training.checkpoint import Checkpoint
from tscnn.training.loop import train
from tscnn.training.selection import Candidate, choose
from tscnn.training.settings import Training
from tscnn.transforms.ahead import AheadInputs

__all__ = ["FittedNetwork", "fit_network"]


@dataclass(frozen=True)
class FittedNetwork:
    """The network that was chosen.

    Attributes
    ----------
    term : NetworkTerm
        What it adds to forecasts.
    terms : tuple of Term
        The linear terms that it was trained beside.
    history : dict
        "loss", and "val_loss" where there are validation rows: a float an epoch.
    gates : dict of str to GateResult
        Whether the network is worth anything beside its linear terms, and each rival more than the first.
    interrupted : bool
        Whether its training, or that of a rival, ended before its time.
    """

    term: NetworkTerm
    terms: tuple[Term, ...]
    history: dict[str, list[float]]
    gates: dict[str, GateResult]
    interrupted: bool = False

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """The linear terms, and the network unless it says nothing beside them.

        Returns
        -------
        tuple of Term
            At least one.
        """
        return (*self.terms, self.term) if self.term.says_something or not self.terms else self.terms


def fit_network(
    candidates: Sequence[tuple[NetworkConfig, tuple[Term, ...]]],
    rows: np.ndarray,
    split: Split,
    settings: Training,
    *,
    ahead: AheadInputs | None = None,
    beside: np.ndarray | None = None,
    device: str,
    seed: int,
    tell: Tell,
    checkpoint: Checkpoint | None = None,
) -> FittedNetwork:
    """Train each of some networks, and keep the best on validation.

    In a child that was forked after TensorFlow has started, a new process does it, which takes some seconds more;
    callbacks there are copies.

    Parameters
    ----------
    candidates : sequence of (NetworkConfig, tuple of Term)
        At least one, of one lookback and horizon, each with the linear terms that it is trained beside. One without
        replaces one with them only if it is better by more than chance would give: it has nothing to fall back on.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series, one behind the other; what is missing in `split` is filled.
    split : Split
        Of these series.
    settings : Training
        How to train.
    ahead : AheadInputs, optional
        Describes what is known ahead.
    beside : ndarray of shape (n_rows, horizon, n_targets), optional
        Forecasts from every row of the terms without `in_graph`.
    device : str
        Of `tscnn.network.backend.device_scope`.
    seed : int
        Of initial weights, order of training and dropout.
    tell : callable
        Takes lines for a person.
    checkpoint : Checkpoint, optional
        To go on from, and to keep the state after each epoch in.

    Returns
    -------
    FittedNetwork
        In float32.

    Raises
    ------
    TypeError, ValueError
        Naming the setting that breaks a rule.
    KeyboardInterrupt
        If there is nothing yet that could stay, or the fit is a part of something larger.
    """
    if is_forked():
        how: dict[str, Any] = {"ahead": ahead, "beside": beside, "device": device, "seed": seed, "tell": tell}
        how |= {"checkpoint": checkpoint}
        return call_afresh(fit_network, candidates, rows, split, settings, **how)
    lookback, horizon = candidates[0][0].lookback, candidates[0][0].horizon
    training, validation = split.training(lookback, horizon), []
    if split.has_validation:
        validation = split.validation(lookback, horizon)
    fits: list[FittedNetwork] = []
    results: list[Candidate] = []
    known = None if ahead is None else _describe(ahead, split, rows)
    seed = agree_on(seed)
    for number, (config, terms) in enumerate(candidates):
        n_ahead = 0 if ahead is None else ahead.describe(split.series.times(0)[:1]).shape[1]
        config = replace(config, n_ahead=n_ahead)
        try:
            with device_scope(device), lost_process_scope():
                network = build_network(config, settings.precision, seed)
                seed_weights(network.dense, seed)
                trained = train(
                    network,
                    rows,
                    [term for term in terms if hasattr(term, "in_graph")],
                    training,
                    validation,
                    settings,
                    ahead=known,
                    beside=beside if terms else None,
                    observed=split.series.observed,
                    device=device,
                    seed=seed,
                    tell=tell,
                    before=None if checkpoint is None else checkpoint.states.get(number),
                    keep=None if checkpoint is None else partial(checkpoint.keep, number),
                )
        except KeyboardInterrupt:
            if not fits or not is_own_fit():
                raise
            fits = [replace(one, interrupted=True) for one in fits]
            break
        gates = {}
        if terms and any(validation):
            gates["network"] = trained.gate or not_kept("no epoch had a smaller error than the linear terms alone")
        term = replace(NetworkTerm.from_keras(network, list_silent(config, rows)), inputs=ahead)
        fits.append(FittedNetwork(term, tuple(terms), trained.history, gates, trained.interrupted))
        results.append(
            Candidate(trained.losses, sum(map(len, validation)), bool(terms), describe_network(config, bool(terms)))
        )
        if trained.interrupted:
            break
    best, gates = choose(results, max(lookback, horizon), level=settings.level) if len(fits) > 1 else (0, {})
    if len(fits) > 1:
        listed = ", ".join(f"{one.name} {one.losses.mean():.4f}" for one in results)
        tell(f"validation losses: {listed}; {results[best].name} chosen")
    chosen = fits[best]
    return replace(chosen, gates={**gates, **chosen.gates}, interrupted=fits[-1].interrupted)


def _describe(ahead: AheadInputs, split: Split, rows: np.ndarray) -> Any:
    """Return what is known ahead of all rows, or, where these lie in a file, a function of row numbers."""
    if not is_mapped(rows):
        return np.concatenate([ahead.describe(one) for one in split.series.all_times()])

    def describe(at: np.ndarray) -> np.ndarray:
        found = ahead.describe(split.series.times_at(at.ravel()))
        return found.reshape(*at.shape, found.shape[1])

    return describe


def list_silent(config: NetworkConfig, rows: np.ndarray) -> tuple[int, ...]:
    """List targets that never move where one head serves all of them, so that it would move these, too.

    Parameters
    ----------
    config : NetworkConfig
        Of the network. A rolling normaliser scales what is said of a constant to nothing; a head of a target's own
        learns nothing else.
    rows : ndarray of shape (n_rows, n_features)
        Standardised series.

    Returns
    -------
    tuple of int
        Positions among the targets.
    """
    if config.feature_mode != "independent" or config.normalizer_span > 1:
        return ()
    still = find_constant(rows)[list(config.targets)]
    return tuple(np.flatnonzero(still).tolist())
