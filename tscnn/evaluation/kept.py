"""Folds that are done, in a folder, so that a backtest that was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import check_path, received
from tscnn.evaluation.folds import Fold, Found, Rows

__all__ = ["KeptFolds", "describe_rows"]

_FORMAT = 1


class KeptFolds:
    """The forecasts of folds, one file each: arrays alone, no code.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    described : iterable of object
        All that the forecasts depend on; what they write themselves as tells a backtest from others.

    Raises
    ------
    TypeError, ValueError, OSError
        If it is no path, or a file; or if the folder holds another backtest, or other files.
    """

    def __init__(self, folder: Any, described: Iterable[Any]) -> None:
        self.folder = check_path("folder", folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(received("`folder` must name a folder, not a file.", folder=str(folder)))
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256("\n".join(map(repr, described)).encode()).hexdigest()
        label, own = self.folder / "backtest.json", {"format": _FORMAT, "digest": digest}
        if label.exists():
            if json.loads(label.read_text(encoding="utf-8")) != own:
                rule = "`folder` holds another backtest, of other rows, parameters or cutoffs: take an empty one."
                raise ValueError(received(rule, folder=str(folder)))
        elif any(self.folder.iterdir()):
            raise ValueError(received("`folder` must be new, empty, or of the same backtest.", folder=str(folder)))
        else:
            label.write_text(json.dumps(own), encoding="utf-8")

    def _path(self, fold: Fold) -> Path:
        return self.folder / f"fold-{fold.cutoffs[0]:08d}.npz"

    def read(self, fold: Fold, names: list[Any]) -> Found | None:
        """Read the forecasts of a fold.

        Parameters
        ----------
        fold : Fold
            Of the backtest.
        names : list
            All series, in their order.

        Returns
        -------
        dict, or None
            Of `forecast_fold`; None if it is still to be done.
        """
        path = self._path(fold)
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            numbers = [int(key.removeprefix("at_")) for key in arrays.files if key.startswith("at_")]
            return {names[i]: (arrays[f"at_{i}"].tolist(), arrays[f"values_{i}"]) for i in numbers}

    def write(self, fold: Fold, found: Found, names: list[Any]) -> None:
        """Write the forecasts of a fold, all or nothing.

        Parameters
        ----------
        fold : Fold
            Of the backtest.
        found : dict
            Of `forecast_fold`.
        names : list
            All series, in their order.
        """
        arrays: dict[str, Any] = {}
        for name, (at, values) in found.items():
            i = names.index(name)
            arrays[f"at_{i}"], arrays[f"values_{i}"] = np.asarray(at), values
        unfinished = self._path(fold).with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
        unfinished.replace(self._path(fold))


def describe_rows(rows: Rows) -> list[str]:
    """Describe rows by what changes if a value, a label or a name of them does.

    Parameters
    ----------
    rows : Rows
        Of a backtest.

    Returns
    -------
    list of str
        One a series.
    """
    found = []
    for name, own in rows.by_series.items():
        frame = pd.DataFrame(own)
        hashes = pd.util.hash_pandas_object(frame, index=True).to_numpy()
        found.append(f"{name!r} {frame.columns.tolist()} {hashlib.sha256(hashes.tobytes()).hexdigest()}")
    return found
