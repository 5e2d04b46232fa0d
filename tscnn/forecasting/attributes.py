"""What a fitted forecaster tells of its model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.estimator import check_is_fitted
from tscnn.data.schema import Schema
from tscnn.data.tables import Layout
from tscnn.evaluation.report import tabulate_targets
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.summary import FitFacts, Summary
from tscnn.network.config import NetworkConfig
from tscnn.network.term import NetworkTerm
from tscnn.statistics import GateResult
from tscnn.transforms import YearlySeason

__all__ = ["FittedAttributes"]


class FittedAttributes:
    """Attributes that are read from the pipeline and the report of a fitted forecaster."""

    pipeline_: Pipeline
    schema_: Schema
    layout_: Layout
    context_: Any
    report_: pd.DataFrame | None
    gates_: dict[str, GateResult]
    config_: NetworkConfig | None
    _facts: FitFacts

    def _fitted(self) -> Pipeline:
        """Return the pipeline, or raise if there is none."""
        check_is_fitted(self, "pipeline_")
        return self.pipeline_

    @property
    def lookback_(self) -> int:
        """Rows that a forecast depends on.

        Returns
        -------
        int
            Given, or chosen.
        """
        return self._fitted().lookback

    @property
    def summary_(self) -> Summary:
        """What the fit found.

        Returns
        -------
        Summary
            ``print(summary_)`` shows rows, columns, lookback, what each part adds, what was tried, and seconds.
        """
        pipeline = self._fitted()
        return Summary.of(pipeline, self.schema_, self.gates_, self.report_, self.config_, self._facts)

    @property
    def network_(self) -> Any:
        """The convolutions in Keras.

        Returns
        -------
        Network
            ``network_.dense`` is a plain ``keras.Model``.
        """
        found = next((term for term in self._fitted().terms if isinstance(term, NetworkTerm)), None)
        if found is None:
            raise AttributeError("The network adds nothing to the linear model, and was not kept: see `gates_`.")
        return found.to_keras()

    @property
    def mean_(self) -> np.ndarray:
        """Mean of the training rows.

        Returns
        -------
        ndarray of shape (n_features_in_,)
            By column.
        """
        return self._fitted().standardize.mean

    @property
    def scale_(self) -> np.ndarray:
        """Standard deviation of the training rows.

        Returns
        -------
        ndarray of shape (n_features_in_,)
            By column, 1 for a constant.
        """
        return self._fitted().standardize.scale

    @property
    def report_by_target_(self) -> pd.DataFrame | None:
        """Errors on the validation rows, target by target.

        Returns
        -------
        DataFrame of shape (n_targets, n_columns) or None
            "mse", and the skill against what `report_` has; 0 against "repeat last" is a target that fell back to
            repeating its newest value. None without validation rows.
        """
        self._fitted()
        return None if self.report_ is None else tabulate_targets(self.report_, self.schema_.target_names)

    @property
    def yearly_wave_(self) -> pd.DataFrame | None:
        """The yearly season that was found.

        Returns
        -------
        DataFrame of shape (2, n_features_in_) or None
            Amplitudes of "cosine" and "sine", in the data's own units.
        """
        season = next((one for one in self._fitted().transforms if isinstance(one, YearlySeason)), None)
        if season is None:
            return None
        return pd.DataFrame(season.coefficients[1:] * self.scale_, ["cosine", "sine"], self.schema_.features)
