"""Fold after fold of a backtest, one at a time or in processes, while a person watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tscnn.common.parallel import call_many
from tscnn.common.progress import show_progress
from tscnn.evaluation.folds import Fold, Found, Rows, forecast_fold
from tscnn.evaluation.kept import KeptFolds

__all__ = ["forecast_folds"]


def forecast_folds(
    model: Any,
    rows: Rows,
    folds: Sequence[Fold],
    horizon: int,
    fewest: int = 1,
    *,
    arguments: Mapping[str, Any] = MappingProxyType({}),
    n_jobs: int | None = None,
    kept: KeptFolds | None = None,
    watched: bool = False,
) -> list[Found]:
    """Forecast all folds, but for those that are kept already.

    Parameters
    ----------
    model : object with fit and predict, or callable that makes one
        Of `forecast_fold`.
    rows : Rows
        Of training and forecast alike.
    folds : sequence of Fold
        Of `plan_folds`.
    horizon, fewest : int
        Of `forecast_fold`.
    arguments : mapping
        Of `forecast_fold`.
    n_jobs : int, optional
        Workers of joblib; default none, unless ``joblib.parallel_config`` says otherwise.
    kept : KeptFolds, optional
        Where they are kept, each as soon as it is done.
    watched : bool, default False
        Whether to show how far it is: as a bar where tqdm is installed, else in lines.

    Returns
    -------
    list of dict
        Of `forecast_fold`, one a fold.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; a note says what is kept.
    """
    names = list(rows.by_series)
    found: dict[int, Found] = {}
    if kept is not None:
        before = {i: kept.read(fold, names) for i, fold in enumerate(folds)}
        found = {i: part for i, part in before.items() if part is not None}
    left = [i for i in range(len(folds)) if i not in found]
    calls = [(model, rows, folds[i], horizon, fewest, dict(arguments)) for i in left]
    done = call_many(forecast_fold, calls, n_jobs)
    try:
        for i, (part, _) in show_progress(done, len(folds), len(found), "backtest", watched=watched):
            found[left[i]] = part
            if kept is not None:
                kept.write(folds[left[i]], part, names)
    except KeyboardInterrupt as stop:
        how = "`folder=..` would have kept them" if kept is None else "they are kept: the same call goes on from there"
        stop.add_note(f"{len(found)} of {len(folds)} fits of the backtest were done; {how}.")
        raise
    return [found[i] for i in range(len(folds))]
