"""What a saved forecaster is made of: JSON and arrays, from which it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.archive import arrays_of, read_archive, write_archive
from tscnn.common.checks import check_choice, received
from tscnn.common.estimator import check_is_fitted
from tscnn.data.encoding import (
    index_from_arrays,
    index_to_arrays,
    label_from_json,
    label_to_json,
)
from tscnn.data.schema import Schema
from tscnn.data.tables import Layout
from tscnn.forecasting.parts import pipeline_from_arrays
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.summary import FitFacts
from tscnn.network.config import read_config
from tscnn.parameters.written import describe_parameters, restore_parameters
from tscnn.statistics import GateResult

__all__ = ["SavedModel", "describe_forecaster", "restore_forecaster"]


class SavedModel:
    """An estimator that is written to a file, and read from it."""

    def save(self, path: Any, *, context: bool = True) -> None:
        """Write the fitted forecaster to one file.

        The file is a zip of JSON and of arrays; nothing in it is code. An existing file is replaced at once when all is
        written, or left as it is.

        Parameters
        ----------
        path : str or path-like
            Of the file.
        context : bool, default True
            Whether the last `lookback` training rows go with it, for ``predict()`` and ``stream()`` without rows.

        Raises
        ------
        NotFittedError
            Before `fit`.
        OSError
            If the file can't be written.

        See Also
        --------
        Forecaster.load : Read it back.

        Examples
        --------
        >>> import tempfile, numpy as np
        >>> from pathlib import Path
        >>> from tscnn import Forecaster
        >>> forecaster = Forecaster(lookback=4, filters=2, epochs=1, random_state=0).fit(np.eye(2)[np.arange(60) % 2])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     forecaster.save(Path(folder) / "model.tscnn")
        ...     loaded = Forecaster.load(Path(folder) / "model.tscnn")
        >>> loaded.predict().equals(forecaster.predict())
        True
        """
        check_is_fitted(self, "pipeline_")
        write_archive(path, *describe_forecaster(self, check_choice("context", context, (True, False))))

    @classmethod
    def load(cls, path: Any) -> Self:
        """Read a forecaster that was saved.

        Parameters
        ----------
        path : str or path-like
            Of the file. It may come from a stranger: no code of it is run.

        Returns
        -------
        Forecaster
            Its forecasts, backtests and streams are equal to the bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no saved forecaster, damaged, or of a format that this version doesn't know.
        """
        forecaster = cls()
        restore_forecaster(forecaster, *read_archive(path), path)
        return forecaster


def describe_forecaster(forecaster: Any, context: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Take a fitted forecaster apart.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    context : bool
        Whether the rows at the end of its training data are included.

    Returns
    -------
    header : dict
        Of what JSON holds.
    arrays : dict of str to ndarray
        By name: "pipeline/linear_mixture/kernel".
    """
    pipeline: Pipeline = forecaster.pipeline_
    header: dict[str, Any] = {
        "parameters": describe_parameters(forecaster.get_params(deep=False)),
        "schema": forecaster.schema_.to_json(),
        "layout": forecaster.layout_.to_json(),
        "pipeline": pipeline.settings(),
        "config": None if forecaster.config_ is None else asdict(forecaster.config_),
        "history": {name: list(map(float, values)) for name, values in forecaster.history_.items()},
        "report": _describe_report(forecaster.report_),
        "outliers": None if forecaster.outliers_ is None else forecaster.outliers_.to_dict("list"),
        "gates": {name: asdict(result) for name, result in forecaster.gates_.items()},
        "facts": asdict(forecaster._facts),
        "context": None,
    }
    arrays = {f"pipeline/{name}": array for name, array in pipeline.arrays().items()}
    if context and forecaster.context_ is not None:
        frames, names = [forecaster.context_], None
        if isinstance(forecaster.context_, dict):
            frames, names = list(forecaster.context_.values()), [label_to_json(name) for name in forecaster.context_]
        index, arrays["context/index"] = index_to_arrays(frames[0].index.append([one.index for one in frames[1:]]))
        header["context"] = {"index": index, "names": names, "lengths": [len(frame) for frame in frames]}
        arrays["context/values"] = np.concatenate([frame.to_numpy() for frame in frames])
    return header, arrays


def restore_forecaster(
    forecaster: Any, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], path: str | Path
) -> None:
    """Give a new forecaster what `describe_forecaster` took apart.

    Parameters
    ----------
    forecaster : Forecaster
        Changed in place.
    header : mapping
        Of `describe_forecaster`.
    arrays : mapping of str to ndarray
        Of `describe_forecaster`.
    path : path-like
        Of the file, for messages.

    Raises
    ------
    ValueError
        If header and arrays are not what describes a forecaster.
    """
    if "kind" in header:
        rule = "The file must hold a forecaster; `Reconstructor.load` reads reconstructors."
        raise ValueError(received(rule, kind=header["kind"], path=str(path)))
    try:
        parameters = restore_parameters(header["parameters"])
        schema, layout = Schema.from_json(header["schema"]), Layout.from_json(header["layout"])
        pipeline = pipeline_from_arrays(header["pipeline"], arrays_of("pipeline", arrays))
        config = None if header["config"] is None else read_config(header["config"])
        history = pd.DataFrame(header["history"])
        history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
        gates = {name: GateResult(**result) for name, result in header["gates"].items()}
        facts = FitFacts(**header["facts"])
        report, context, counts = _restore_report(header["report"]), None, header["outliers"]
        outliers = None if counts is None else pd.DataFrame(counts, schema.features)
        if header["context"] is not None:
            context = _restore_context(header["context"], arrays, schema)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        rule = f"The file must hold a forecaster, but a part of it is missing or of another kind ({error})."
        raise ValueError(received(rule, path=str(path))) from None
    forecaster.set_params(**parameters)
    forecaster.pipeline_, forecaster.config_, forecaster.gates_ = pipeline, config, gates
    forecaster.history_, forecaster.report_, forecaster.outliers_ = history, report, outliers
    forecaster._facts = facts
    forecaster.n_features_in_ = len(schema.columns)
    if all(isinstance(name, str) for name in schema.columns):
        forecaster.feature_names_in_ = np.asarray(schema.columns, dtype=object)
    forecaster.schema_, forecaster.layout_, forecaster.context_ = schema, layout, context


def _restore_context(
    described: Mapping[str, Any], arrays: Mapping[str, np.ndarray], schema: Schema
) -> pd.DataFrame | dict[Any, pd.DataFrame]:
    index = index_from_arrays(described["index"], arrays["context/index"])
    context, ends = pd.DataFrame(arrays["context/values"], index, schema.columns), np.cumsum(described["lengths"])
    if described["names"] is None:
        return context
    starts = [0, *ends[:-1].tolist()]
    parts = zip(described["names"], starts, ends.tolist(), strict=True)
    return {label_from_json(name): context.iloc[a:b] for name, a, b in parts}


# The report


def _describe_report(report: pd.DataFrame | None) -> dict[str, Any] | None:
    if report is None:
        return None
    columns = {str(name): list(map(float, values)) for name, values in report.items()}
    return {"index": list(report.index), "columns": columns, "attrs": dict(report.attrs)}


def _restore_report(described: Mapping[str, Any] | None) -> pd.DataFrame | None:
    if described is None:
        return None
    report = pd.DataFrame(described["columns"], described["index"])
    report.attrs.update(described["attrs"])
    return report
