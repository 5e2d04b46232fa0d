"""Can a fitted reconstructor be trusted: a line a check, on rows of one's own."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tscnn.auditing import Audit, Finding
from tscnn.reconstruction.network import half_field

__all__ = ["audit_reconstructor"]

COVERAGE = 0.8
FAR = 0.12  # from it, that intervals may be
SHARE = 0.1  # of values that are taken out
CLOSE = 1e-4  # standard deviations


def audit_reconstructor(reconstructor: Any, X: Any, frames: Mapping[Any, pd.DataFrame], *, refit: bool) -> Audit:
    """Check a reconstructor.

    Parameters
    ----------
    reconstructor : Reconstructor
        Fitted.
    X : DataFrame, Series, array, or dict of them
        Of the user.
    frames : mapping of DataFrame
        What was read of it, by series.
    refit : bool
        Whether a clone is fitted to `X`, twice.

    Returns
    -------
    Audit
        A line a check.
    """
    frame = max(frames.values(), key=len)
    findings = [
        _keeps_values(reconstructor, frame),
        _shows_no_seam(reconstructor, frame),
        _is_saved(reconstructor, frame),
        _covers(reconstructor, frame),
        _is_not_flat(reconstructor),
    ]
    if refit:
        findings.append(_repeats(reconstructor, X, frame))
    return Audit(tuple(findings))


def _impute(reconstructor: Any, frame: pd.DataFrame, **settings: Any) -> pd.DataFrame:
    """Fill one series, whose values are numbers in the order of training."""
    if reconstructor.model_.standardize.names is None:
        return reconstructor.impute(frame, **settings)
    return reconstructor.impute({"series": frame}, **settings).droplevel("series")


def _differ(one: pd.DataFrame, other: pd.DataFrame, scale: pd.Series) -> float:
    return float(np.nanmax(((one - other).abs() / scale.replace(0, 1)).to_numpy(), initial=0))


def _keeps_values(reconstructor: Any, frame: pd.DataFrame) -> Finding:
    filled = _impute(reconstructor, frame)
    far = _differ(filled, frame, frame.std())
    n_left = int(filled.isna().to_numpy().sum())
    told = f"values that are there differ by {far:.1g} standard deviations, {n_left} gaps are left"
    return Finding("known values stay, gaps are filled", far <= CLOSE and not n_left, far, told, "report this fault")


def _shows_no_seam(reconstructor: Any, frame: pd.DataFrame) -> Finding:
    model = reconstructor.model_
    reach = reconstructor.lookback_ + model.season_length  # of lines in gaps of a season
    if model.network is not None:
        reach += half_field() + reconstructor.lookback_
    check, middle = "no seam shows where a part begins", len(frame) // 2
    first, gone = middle - 2 * reach - 8, frame.copy()
    if first < 1 or middle + reach + 8 > len(frame) or model.standardize.names is not None:
        return Finding(check, None, float("nan"), "a single series of more rows would tell")
    gone.iloc[middle : middle + 3] = np.nan
    rows = frame.index[middle : middle + 3]
    whole = _impute(reconstructor, gone).loc[rows]
    parts = [gone.iloc[at : middle + reach + 8] for at in (first, first - 1)]
    far = max(_differ(_impute(reconstructor, part).loc[rows], whole, frame.std()) for part in parts)
    advice = "longer gaps or more missing values beside these reach further; else report this fault"
    return Finding(check, far <= CLOSE, far, f"parts differ by {far:.1g} standard deviations", advice)


def _is_saved(reconstructor: Any, frame: pd.DataFrame) -> Finding:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reconstructor.save(Path(folder) / "model")
        loaded = type(reconstructor).load(Path(folder) / "model")
    far = _differ(_impute(loaded, frame), _impute(reconstructor, frame), frame.std())
    told = f"loaded again, what fills gaps differs by {far:.1g} standard deviations"
    return Finding("a saved reconstructor is equal", far == 0, far, told, "report this fault")


def _covers(reconstructor: Any, frame: pd.DataFrame) -> Finding:
    gone = (np.random.default_rng(0).random(frame.shape) < SHARE) & frame.notna().to_numpy()
    found = _impute(reconstructor, frame.mask(gone), coverage=COVERAGE)
    lower, upper = (found.xs(end, axis=1, level=-1).to_numpy()[gone] for end in ("lower", "upper"))
    truth = frame.to_numpy()[gone]
    inside = float(np.mean((lower <= truth) & (truth <= upper))) if len(truth) else float("nan")
    told = f"{100 * COVERAGE:.0f} % intervals hold {100 * inside:.0f} % of {len(truth)} values that were taken out"
    advice = "errors here are not those of training: fit to newer rows"
    enough = len(truth) >= 50
    return Finding("intervals cover", abs(inside - COVERAGE) <= FAR if enough else None, inside, told, advice)


def _is_not_flat(reconstructor: Any) -> Finding:
    spread = float(reconstructor.report_["spread"].max())
    told = f"what fills gaps varies by up to {spread:.2f} of the truth's standard deviation"
    advice = "the columns do not tell of each other: fill by the mean, or find columns that do"
    return Finding("the output is no constant", not reconstructor.collapsed_, spread, told, advice)


def _repeats(reconstructor: Any, X: Any, frame: pd.DataFrame) -> Finding:
    found = []
    for _ in range(2):
        parameters = {**reconstructor.get_params(deep=False), "random_state": 0, "verbose": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(_impute(type(reconstructor)(**parameters).fit(X), frame))
    far = _differ(found[0], found[1], frame.std())
    told = f"two fits with one seed differ by {far:.1g} standard deviations"
    return Finding("a fit repeats itself", far == 0, far, told, "on a GPU sums differ; else report this fault")
