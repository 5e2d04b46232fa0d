"""The methods of a forecaster that write it for other runtimes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.archive.writing import find_place
from tscnn.common.checks import check_choice, check_path, received
from tscnn.data.calendar import as_times
from tscnn.data.series import SeriesSet
from tscnn.data.tables import read_table
from tscnn.data.times import Times, pad_times
from tscnn.exporting.plan import Plan, plan_export
from tscnn.forecasting.fitted import FittedForecaster

__all__ = ["ExportedModel"]

FORMATS = {"onnx": np.float64, "saved_model": np.float64, "litert": np.float32}


class ExportedModel(FittedForecaster):
    """A fitted forecaster that is written for other runtimes."""

    def export(self, path: Any, format: str = "onnx", *, coverage: Any = None) -> dict[str, Any]:
        """Write the fitted forecaster for another runtime, which needs neither this package nor Python.

        Everything is inside: a window in the data's own units goes in, forecasts in these units come out, those of
        `predict` to a hundred-thousandth of a standard deviation. A batch of windows is forecast at once. See
        ``docs/exports.md``.

        Parameters
        ----------
        path : str or path-like
            Of the file, or of the folder of a SavedModel. What is there is replaced at once when all is written, if it
            is of the same kind.
        format : {"onnx", "saved_model", "litert"}, default "onnx"
            ONNX needs the package `onnx`; the others need TensorFlow. LiteRT computes in float32, the others take and
            return float64.
        coverage : float, or sequence of float, optional
            Of intervals, as of `predict`: their ends are quantiles.

        Returns
        -------
        dict
            Of "inputs" and "outputs", by name: shapes, types, columns, and the levels of quantiles. An ONNX file has it
            as JSON in its metadata under "tscnn", a SavedModel in ``assets.extra/tscnn.json``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ImportError
            If what the format needs is missing.
        ValueError
            If a part can't be exported, or `path` is of another kind; nothing is written then.

        See Also
        --------
        Forecaster.export_inputs : What an exported model is given.

        Examples
        --------
        >>> import tempfile, numpy as np
        >>> from pathlib import Path
        >>> from tscnn import Forecaster
        >>> forecaster = Forecaster(lookback=4, network=None).fit(np.eye(2)[np.arange(60) % 2])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = forecaster.export(Path(folder) / "model.onnx")  # doctest: +SKIP
        """
        format, asked = check_choice("format", format, tuple(FORMATS)), self._ask(coverage)
        place = _find_folder(path) if format == "saved_model" else find_place(path)
        plan = plan_export(self._fitted(), self.schema_, asked.levels, FORMATS[format])
        if format == "onnx":
            from tscnn.exporting.onnx_file import write_onnx

            write_onnx(plan, place)
        else:
            from tscnn.exporting import tensorflow_files

            write = {"saved_model": tensorflow_files.write_saved_model, "litert": tensorflow_files.write_litert}
            write[format](plan, place)
        return plan.description

    def export_inputs(
        self, X: Any = None, *, future: Any = None, coverage: Any = None, dtype: Any = np.float64
    ) -> dict[str, np.ndarray]:
        """Return what an exported model is given to forecast the steps after the last row.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name, optional
            As of `predict`.
        future : DataFrame, or dict of them by series name, optional
            As of `predict`.
        coverage : float, or sequence of float, optional
            As of `export`.
        dtype : dtype, default float64
            Of values; LiteRT takes float32.

        Returns
        -------
        dict of str to ndarray
            Of one window for each series: "rows", and "clock", "covariates", "series" where the model needs them.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule, or holds a series that was not in `fit`.
        """
        X, future = (None if given is None else read_table(given, self.time)[0] for given in (X, future))
        pipeline, frames, schema = self._fitted(), self._read_context(X), self.schema_
        plan = plan_export(pipeline, schema, self._ask(coverage).levels, np.float64)
        series, lookback = SeriesSet.of_frames(frames, schema), pipeline.lookback
        ahead, bounds = self._reader.ahead(future, frames, pipeline.horizon), series.bounds.tolist()
        seen = [pad_times(times, lookback)[-lookback:] for times in series.all_times()]
        times = [own.append(later) for own, later in zip(seen, ahead, strict=True)]
        rows = [
            series.values[np.maximum(np.arange(stop - lookback, stop), start)]  # the first stands for those before
            for start, stop in itertools.pairwise(bounds)
        ]
        return _gather(plan, series, np.stack(rows), times, np.dtype(dtype))


def _gather(plan: Plan, series: SeriesSet, rows: np.ndarray, times: list[Times], dtype: Any) -> dict[str, np.ndarray]:
    names, found = plan.pipeline.standardize.names, {"rows": rows.astype(dtype)}
    if "clock" in plan.inputs:
        found["clock"] = np.stack([_clock(one.index) for one in times])
    if "covariates" in plan.inputs:
        found["covariates"] = np.array([one.covariates for one in times], dtype)
    if "series" in plan.inputs:
        known = {name: i for i, name in enumerate(names or ())}
        unknown = [name for name in series.names or () if name not in known]
        if unknown:
            rule = "An exported model knows the series of `fit` alone, not the level and scale of others."
            raise ValueError(received(rule, unknown=unknown[:5]))
        found["series"] = np.array([known[name] for name in series.names or ()], np.int32)
    return found


def _clock(index: pd.Index) -> np.ndarray:
    """Return days since 1970-01-01 and seconds since midnight: (n_times, 2)."""
    seconds = as_times(index).as_unit("s").asi8
    return np.stack([seconds // 86_400, seconds % 86_400], axis=1).astype(np.int32)


def _find_folder(path: Any) -> Path:
    """Find where a SavedModel is to lie."""
    place = check_path("path", path)
    if place.is_symlink():
        place = place.resolve()
    if place.exists() and not (place.is_dir() and ((place / "saved_model.pb").is_file() or not any(place.iterdir()))):
        rule = "`path` must be new, or an older SavedModel, which is replaced: what is there is something else."
        raise FileExistsError(received(rule, path=str(place)))
    if not place.parent.is_dir():
        raise FileNotFoundError(received("The folder of `path` must exist; create it first.", path=str(place)))
    return place
