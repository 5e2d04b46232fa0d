"""The report: a pipeline against naive forecasts, on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.evaluation.report import evaluate_forecasts
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import forecast_rows
from tscnn.linear import LinearFit, LinearModel, fit_linear_model
from tscnn.transforms import Logarithm, Standardize
from tscnn.transforms.fit import transform

__all__ = ["report_on_validation"]

MOST_STRETCHES = 300  # of a panel, that its report looks at: a convention, for the time of a fit


def report_on_validation(
    fitted: Pipeline,
    seen: SeriesSet,
    rows: SeriesSet,
    split: Split,
    linear: LinearFit | None,
    seasons: Mapping[str, int],
) -> pd.DataFrame | None:
    """Compare a pipeline with naive forecasts on the validation rows.

    Parameters
    ----------
    fitted : Pipeline
        Before it has seen the validation rows.
    seen, rows : SeriesSet
        In the units of the terms: with what is missing, and with that filled.
    split : Split
        Of the series, in the data's own units.
    linear : LinearFit or None
        For the linear map that has to be beaten; it is solved anew where there is none.
    seasons : mapping of str to int
        Rows of a season by name; those that reach back beyond the first row of a series are left out.

    Returns
    -------
    DataFrame or None
        Of `evaluate_forecasts`; None where no series has enough rows before those.
    """
    horizon, targets = fitted.horizon, list(fitted.targets)
    lookback = max(fitted.fewest_rows, 0 if linear is None else linear.ridge_map.shape[-2])
    units = [one for one in fitted.transforms if isinstance(one, Logarithm | Standardize)]
    plain = transform(split.series, units)  # naive forecasts see neither yearly season nor effects
    origins = [stretch for stretch in split.validation(lookback, horizon) if len(stretch)]
    if not origins:
        return None
    origins = origins[:: max(1, -(-len(origins) // MOST_STRETCHES))]
    if linear is None:
        season_length = next(iter(seasons.values()), None)
        linear = fit_linear_model(rows.values, targets, split, [lookback], horizon, season_length, LinearModel())
    bounds = rows.bounds
    starts = np.array([stretch.start for stretch in origins])
    owners = np.searchsorted(bounds, starts, side="right") - 1
    n_seen = np.min(starts + 1 - bounds[owners])
    seasons = {name: length for name, length in seasons.items() if length <= n_seen}

    def forecast(at: np.ndarray) -> np.ndarray:
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        own = seen.values[bounds[i] : bounds[i + 1]]
        return np.concatenate([found for _, found in forecast_rows(fitted, own, rows.times(i), at - bounds[i])])

    def in_units(at: np.ndarray, forecasts: np.ndarray) -> np.ndarray:
        i = int(np.searchsorted(bounds, at[0], side="right")) - 1
        found = fitted.invert(np.array(forecasts), rows.times(i), at - bounds[i])
        return np.asarray(found - split.series.outcomes(at, horizon)[..., targets])

    return evaluate_forecasts(
        forecast, rows.values, plain.values, origins, targets, horizon, linear.ridge_map, seasons, in_units
    )
