"""Many independent fits: a forecaster of its own for each of many frames."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, clone

from tscnn.common.checks import check_choice, check_n_jobs, check_path, received, show
from tscnn.common.parallel import call_many
from tscnn.common.progress import show_progress, write_line
from tscnn.data.panel import naming
from tscnn.data.tables import read_table
from tscnn.evaluation.folds import Rows
from tscnn.evaluation.kept import describe_rows
from tscnn.parameters import GroupedParameters, read_parameters

__all__ = ["fit_many"]

_FORMAT = 1


def fit_many(
    forecaster: Any, X: Any, *, n_jobs: int | None = None, folder: Any = None, errors: str = "raise"
) -> dict[Any, Any]:
    """Fit a forecaster of its own to each of many frames.

    Fits go through joblib: in processes, or inside of ``with joblib.parallel_config(backend="dask")`` (or "ray",
    registered by ``ray.util.joblib.register_ray()``) on a cluster. What a worker had begun that dies is fitted again.
    One model of all frames, a panel, is ``forecaster.fit(dict)``.

    Parameters
    ----------
    forecaster : Forecaster
        For its parameters; it stays as it is. With an int as `random_state` fits are the same for any `n_jobs`,
        backend and order.
    X : dict of DataFrame, or groupby of pandas
        By key, what `Forecaster.fit` takes. The columns that a frame was grouped by are left out.
    n_jobs : int, optional
        Processes to fit in, -1 for one a core; default none, or as ``joblib.parallel_config`` says.
    folder : str or path-like, optional
        Keep every fitted forecaster in this folder, as soon as it is done: where a call was interrupted, or some of its
        frames have changed or are new, the same call fits only what is left.
    errors : {"raise", "collect"}, default "raise"
        Whether a fit that fails ends all of them, or has its exception in place of a forecaster, with one warning.

    Returns
    -------
    dict
        By key, in the order of `X`, the fitted forecasters.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks a rule, or, naming the key, a frame.
    KeyboardInterrupt
        When interrupted; a note says what is kept.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tscnn import Forecaster, fit_many
    >>> df = pd.DataFrame({"shop": np.repeat(["a", "b"], 40), "sales": np.arange(80) % 4}, np.tile(np.arange(40), 2))
    >>> fitted = fit_many(Forecaster(lookback=4, network=None, outliers=None), df.groupby("shop"))
    >>> fitted["b"].predict().round(1)
        sales
    40    0.0
    """
    cls: Any = type(forecaster)
    if not issubclass(cls, GroupedParameters):
        raise TypeError(received("`forecaster` must be a `tscnn.Forecaster`.", forecaster=forecaster))
    parameters, n_jobs = read_parameters(clone(forecaster)), check_n_jobs(n_jobs)
    errors = check_choice("errors", errors, ("raise", "collect"))
    frames, found = _read_frames(X), {}
    places = {} if folder is None else _find_places(forecaster, frames, folder)
    for key, place in places.items():
        if place.exists():
            found[key] = cls.load(place).set_params(**forecaster.get_params(deep=False))
    left = [key for key in frames if key not in found]
    done = call_many(_fit_one, [(forecaster, key, frames[key], errors) for key in left], n_jobs)
    watched = parameters.tell is write_line
    try:
        for i, (fitted, warned) in show_progress(done, len(frames), len(found), "fit_many", watched=watched):
            found[left[i]] = fitted
            for category, said in warned:
                warnings.warn(f"{said} Of {show(left[i], 30)}.", category, stacklevel=2)
            if folder is not None and not isinstance(fitted, Exception):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # parameters that can't be saved are put back
                    fitted.save(places[left[i]])
    except KeyboardInterrupt as stop:
        how = (
            "`folder=..` would have kept them" if folder is None else "they are kept: the same call goes on from there"
        )
        stop.add_note(f"{len(found)} of {len(frames)} fits were done; {how}.")
        raise
    if failed := [key for key in frames if isinstance(found[key], Exception)]:
        said = f"{len(failed)} of {len(frames)} fits failed; their exceptions are in place of forecasters."
        warnings.warn(received(said, keys=failed[:5], first=str(found[failed[0]])), stacklevel=2)
    return {key: found[key] for key in frames}


def _read_frames(X: Any) -> dict[Any, Any]:
    """Return frames by key."""
    if isinstance(X, Mapping):
        return dict(X)
    if isinstance(X, pd.api.typing.DataFrameGroupBy):
        return {key: frame.drop(columns=list(X.exclusions), errors="ignore") for key, frame in X}
    if isinstance(X, pd.api.typing.SeriesGroupBy):
        return dict(iter(X))
    rule = "`X` must be a dict of frames, or a groupby of pandas, such as df.groupby('shop')."
    raise TypeError(received(rule, type=type(X).__name__, X=X))


def _fit_one(
    forecaster: BaseEstimator, key: Any, frame: Any, errors: str
) -> tuple[Any, list[tuple[type[Warning], str]]]:
    """Fit a clone, and return it, or what it raised, and what it warned of."""
    fitted = clone(forecaster).set_params(verbose=0)
    is_alone = threading.current_thread() is threading.main_thread()  # threads share what shows warnings
    with warnings.catch_warnings(record=True) if is_alone else contextlib.nullcontext([]) as warned:
        try:
            with naming(key):
                fitted.fit(frame)
            fitted.set_params(verbose=forecaster.verbose)
        except Exception as error:
            if errors == "raise":
                raise
            fitted = error
    return fitted, [(one.category, str(one.message)) for one in warned or ()]


def _find_places(forecaster: BaseEstimator, frames: Mapping[Any, Any], folder: Any) -> dict[Any, Path]:
    """Return where the forecaster of each key is kept: its name tells parameters and rows from others."""
    folder = check_path("folder", folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(received("`folder` must name a folder, not a file.", folder=str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    different = ("device", "verbose")  # no other forecasts
    described = {name: value for name, value in forecaster.get_params(deep=True).items() if name not in different}
    places = {}
    for key, frame in frames.items():
        rows = describe_rows(Rows.of(read_table(frame, forecaster.time)[0]))
        digest = hashlib.sha256("\n".join(map(repr, [_FORMAT, described, key, *rows])).encode()).hexdigest()
        places[key] = folder / f"{digest[:32]}.tscnn"
    return places
