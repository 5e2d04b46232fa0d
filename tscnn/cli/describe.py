"""What there is to say of a fitted forecaster, as JSON holds it."""

from __future__ import annotations

import json
from typing import Any

from tscnn.forecaster import Forecaster

__all__ = ["describe_model"]


def describe_model(forecaster: Forecaster) -> dict[str, Any]:
    """Describe a forecaster.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.

    Returns
    -------
    dict
        Of its `summary_`, `report_`, and how its rows are told.
    """
    summary, schema, report = forecaster.summary_, forecaster.schema_, forecaster.report_
    tables = {"terms": summary.terms, "tried": summary.tried} | ({} if report is None else {"report": report})
    return {
        "n_rows": summary.n_rows,
        "n_series": summary.n_series,
        "lookback": summary.lookback,
        "horizon": summary.horizon,
        "why_lookback": summary.why_lookback,
        "time": forecaster.time,
        "series_id": forecaster.series_id,
        "step": None if schema.freq is None else getattr(schema.freq, "freqstr", schema.freq),
        "columns": {str(name): role for name, role in summary.columns["role"].items()},
        "seconds": summary.seconds.to_dict(),
        **{name: json.loads(table.to_json(orient="index")) for name, table in tables.items()},
    }
