"""What a fit found, on one screen: rows and columns, the lookback, what each part adds, what was tried, the time."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import show
from tscnn.data.schema import Schema
from tscnn.data.values import list_some
from tscnn.evaluation.report import describe_report
from tscnn.forecasting.pipeline import Pipeline
from tscnn.network.config import NetworkConfig, describe_network
from tscnn.network.term import NetworkTerm
from tscnn.statistics import GateResult
from tscnn.transforms import OutlierFilter

__all__ = ["FitFacts", "Summary"]

WIDTH = 100  # of the text
MOST_TRIED = 12  # lines of the text


@dataclass(frozen=True)
class FitFacts:
    """What a fit tells that neither the pipeline nor gates nor the report do.

    Attributes
    ----------
    n_rows, n_series : int
        Of the training data.
    why_lookback : str
        Why it is what it is.
    shares : mapping of str to float
        Of `tscnn.forecasting.contributions.share_of_variance`.
    seconds : mapping of str to float
        By stage of the fit.
    """

    n_rows: int = 0
    n_series: int = 1
    why_lookback: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Summary:
    """What a fit found; ``print(summary)`` shows it.

    Attributes
    ----------
    n_rows, n_series : int
        Of the training data.
    lookback, horizon : int
        Rows that a forecast depends on, and steps predicted.
    why_lookback : str
        Why the lookback is what it is.
    columns : DataFrame of shape (n_columns, 1)
        The "role" of each column.
    terms : DataFrame of shape (n_parts, 4)
        Of each part of the model: "share" of the variance of forecasts; "gain", the part of the error that it saves on
        rows that it was not fitted to, its "standard_error", and the "p_value" of such a gain by chance. NaN where a
        part is none that is added up, or was not tested.
    tried : DataFrame of shape (n_tried, 1)
        Of each part that was tried and is not in the model the "reason".
    seconds : Series of shape (n_stages,)
        Of each stage of the fit.
    report : str or None
        Errors on the validation rows, in a line.
    """

    n_rows: int
    n_series: int
    lookback: int
    horizon: int
    why_lookback: str
    columns: pd.DataFrame
    terms: pd.DataFrame
    tried: pd.DataFrame
    seconds: pd.Series
    report: str | None

    @classmethod
    def of(
        cls,
        pipeline: Pipeline,
        schema: Schema,
        gates: Mapping[str, GateResult],
        report: pd.DataFrame | None,
        config: NetworkConfig | None,
        facts: FitFacts,
    ) -> Self:
        """Put together what a fitted forecaster knows.

        Parameters
        ----------
        pipeline : Pipeline
            The fitted model.
        schema : Schema
            Columns and roles.
        gates : mapping of str to GateResult
            By part.
        report : DataFrame or None
            Of the validation rows.
        config : NetworkConfig or None
            Of the network that was chosen among some.
        facts : FitFacts
            The rest.

        Returns
        -------
        Summary
            Of it.
        """
        filters = [] if pipeline.outliers is None else [OutlierFilter.name]
        parts = [*(one.name for one in pipeline.transforms), *(one.name for one in pipeline.terms), *filters]
        rows = [_describe_part(name, gates.get(name), facts.shares) for name in parts]
        terms = pd.DataFrame(rows, pd.Index(list(map(_readable, parts)), name="part"), dtype=float)
        has_linear = any(one.name != NetworkTerm.name for one in pipeline.terms)
        known = {*parts, None if config is None else describe_network(config, has_linear)}
        tried = {_readable(name): result.reason for name, result in gates.items() if name not in known}
        return cls(
            facts.n_rows,
            facts.n_series,
            pipeline.lookback,
            pipeline.horizon,
            facts.why_lookback,
            pd.DataFrame({"role": list(schema.roles)}, schema.columns),
            terms[["share", "gain", "standard_error", "p_value"]],
            pd.DataFrame({"reason": list(tried.values())}, pd.Index(list(tried), name="part"), dtype=object),
            pd.Series(dict(facts.seconds), name="seconds", dtype=float).rename_axis("stage"),
            None if report is None else describe_report(report),
        )

    def __str__(self) -> str:
        """Write all of it in less than 40 lines."""
        series = f" of {self.n_series} series" if self.n_series > 1 else ""
        lines = [f"{self.n_rows} rows{series}, {len(self.columns)} columns"]
        for role, own in self.columns.groupby("role", sort=False):
            names = ", ".join(one if one == "..." else show(one, 24) for one in list_some(own.index))
            plural = "s" if len(own) > 1 else ""
            lines.append(f"  {len(own)} {str(role).replace('_', ' ')}{plural}: {names}")
        lines.append(f"lookback {self.lookback} ({self.why_lookback}), horizon {self.horizon}")
        width = max(map(len, self.terms.index), default=4) + 2
        lines += ["", f"{'part':{width}}share of variance   gain on rows not fitted to"]
        lines += [f"{name:{width}}{_describe_gain(row)}" for name, row in self.terms.iterrows()]
        if len(self.tried):
            lines += ["", "tried"]
            lines += [f"  {name}: {reason}" for name, reason in self.tried["reason"].iloc[:MOST_TRIED].items()]
        if self.report is not None:
            lines += ["", self.report]
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.seconds.items())
        lines += ["", f"seconds: {stages}; together {self.seconds.sum():.1f}"]
        return "\n".join(
            part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ") or [""]
        )

    __repr__ = __str__


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _describe_part(name: str, result: GateResult | None, shares: Mapping[str, float]) -> dict[str, Any]:
    tested = result is not None and result.n_blocks > 0
    found = {name: getattr(result, name) if tested else np.nan for name in ("gain", "standard_error", "p_value")}
    return {"share": shares.get(name, np.nan), **found}


def _describe_gain(row: pd.Series) -> str:
    share = "" if pd.isna(row["share"]) else f"{100 * row['share']:.1f} %"
    if pd.isna(row["gain"]):
        return f"{share:>17}"
    error = f" +- {100 * row['standard_error']:.1f}" if row["standard_error"] < float("inf") else ""
    return f"{share:>17}   {100 * row['gain']:.1f}{error} % (p = {row['p_value']:.2g})"
