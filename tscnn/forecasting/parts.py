"""Every part that a pipeline may have, by the name that a file knows it by."""

from __future__ import annotations

from typing import Any

import numpy as np

from tscnn.common.archive import arrays_of
from tscnn.common.checks import received
from tscnn.forecasting.calibration import Calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.linear import TERMS as LINEAR_TERMS
from tscnn.network.term import NetworkTerm
from tscnn.transforms import CovariateEffects, Logarithm, OutlierFilter, Standardize, YearlySeason

__all__ = ["FILTERS", "TERMS", "TRANSFORMS", "pipeline_from_arrays"]

TRANSFORMS: dict[str, Any] = {part.name: part for part in (Logarithm, Standardize, YearlySeason, CovariateEffects)}
FILTERS: dict[str, Any] = {part.name: part for part in (OutlierFilter, Calibration)}
TERMS: dict[str, Any] = {part.name: part for part in (*LINEAR_TERMS, NetworkTerm)}


def pipeline_from_arrays(settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> Pipeline:
    """Make the pipeline that settings and arrays describe.

    Parameters
    ----------
    settings : dict
        Of `Pipeline.settings`, after JSON.
    arrays : dict of str to ndarray
        Of `Pipeline.arrays`.

    Returns
    -------
    Pipeline
        Its forecasts are equal to the bit.

    Raises
    ------
    ValueError
        If a part is unknown, or its arrays don't fit it.
    """

    def make(known: dict[str, Any], described: dict[str, Any]) -> Any:
        name = described["name"]
        if name not in known:
            raise ValueError(received(f"A part of a pipeline must be one of {list(known)}.", name=name))
        return known[name].from_arrays(described["settings"], arrays_of(name, arrays))

    filters = {described["name"]: make(FILTERS, described) for described in settings["filters"]}
    return Pipeline(
        tuple(make(TRANSFORMS, described) for described in settings["transforms"]),
        tuple(make(TERMS, described) for described in settings["terms"]),
        int(settings["lookback"]),
        int(settings["horizon"]),
        tuple(map(int, settings["targets"])),
        filters.get(OutlierFilter.name),
        filters.get(Calibration.name),
    )
