"""A saved reconstructor: JSON and arrays, from which it is made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from tscnn.common.archive import read_archive, write_archive
from tscnn.common.checks import received
from tscnn.common.estimator import check_is_fitted
from tscnn.data.schema import Schema
from tscnn.data.tables import Layout
from tscnn.parameters.groups import GROUPS
from tscnn.parameters.written import describe_parameters, restore_parameters
from tscnn.reconstruction.model import ReconstructionModel
from tscnn.reconstruction.naming import naming_reconstructor
from tscnn.reconstruction.settings import UNet
from tscnn.statistics import GateResult

__all__ = ["SavedReconstructor", "is_reconstructor"]

KIND = "reconstructor"


def is_reconstructor(path: Any) -> bool:
    """Tell the file of a reconstructor from that of a forecaster.

    Parameters
    ----------
    path : str or path-like
        Of a saved model.

    Returns
    -------
    bool
        Whether a reconstructor is in it.

    Raises
    ------
    OSError, ValueError
        If it can't be read, or is no saved model.
    """
    return bool(read_archive(path)[0].get("kind") == KIND)


class SavedReconstructor:
    """An estimator that is written to a file, and read from it."""

    def save(self, path: Any) -> None:
        """Write the fitted reconstructor to one file.

        The file is a zip of JSON and of arrays; nothing in it is code. An existing file is replaced at once when all is
        written, or left as it is.

        Parameters
        ----------
        path : str or path-like
            Of the file.

        Raises
        ------
        NotFittedError
            Before `fit`.
        OSError
            If the file can't be written.

        Examples
        --------
        >>> import tempfile, numpy as np
        >>> from pathlib import Path
        >>> from tscnn import Reconstructor
        >>> rows = np.random.default_rng(0).normal(size=(99, 2)).cumsum(axis=0)
        >>> reconstructor = Reconstructor(lookback=1, network=None, random_state=0).fit(rows)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     reconstructor.save(Path(folder) / "model.tscnn")
        ...     loaded = Reconstructor.load(Path(folder) / "model.tscnn")
        >>> loaded.reconstruct(rows).equals(reconstructor.reconstruct(rows))
        True
        """
        check_is_fitted(self, "model_")
        write_archive(path, *_describe(self))

    @classmethod
    def load(cls, path: Any) -> Self:
        """Read a reconstructor that was saved.

        Parameters
        ----------
        path : str or path-like
            Of the file. It may come from a stranger: no code of it is run.

        Returns
        -------
        Reconstructor
            What it says is equal to the bit.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no saved reconstructor, damaged, or of a format that this version doesn't know.
        """
        reconstructor = cls()
        with naming_reconstructor():
            header, arrays = read_archive(path)
        _restore(reconstructor, header, arrays, path)
        return reconstructor


def _describe(reconstructor: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    report = reconstructor.report_.reset_index()
    header = {
        "kind": KIND,
        "parameters": describe_parameters(reconstructor.get_params(deep=False)),
        "schema": reconstructor.schema_.to_json(),
        "layout": reconstructor.layout_.to_json(),
        "model": reconstructor.model_.settings(),
        "report": {name: report[name].tolist() for name in report},
        "gates": {name: asdict(result) for name, result in reconstructor.gates_.items()},
        "collapsed": reconstructor.collapsed_,
        "threshold": reconstructor.threshold_,
    }
    return header, reconstructor.model_.arrays()


def _restore(reconstructor: Any, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    if header.get("kind") != KIND:
        rule = "The file must hold a reconstructor; `Forecaster.load` reads forecasters."
        raise ValueError(received(rule, path=str(path)))
    try:
        parameters = restore_parameters(header["parameters"], {**GROUPS, "network": UNet})
        schema, layout = Schema.from_json(header["schema"]), Layout.from_json(header["layout"])
        learnt = {
            "model_": ReconstructionModel.from_arrays(header["model"], dict(arrays)),
            "schema_": schema,
            "layout_": layout,
            "report_": pd.DataFrame(header["report"]).set_index(["rows", "columns"]),
            "gates_": {name: GateResult(**result) for name, result in header["gates"].items()},
            "collapsed_": bool(header["collapsed"]),
            "threshold_": float(header["threshold"]),
            "n_features_in_": len(schema.columns),
        }
        learnt["lookback_"] = learnt["model_"].autoregression.order
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        rule = f"The file must hold a reconstructor, but a part of it is missing or of another kind ({error})."
        raise ValueError(received(rule, path=str(path))) from None
    learnt |= {name: parameters[name] for name in reconstructor.get_params(deep=False)}
    if all(isinstance(name, str) for name in schema.columns):
        learnt["feature_names_in_"] = np.asarray(schema.columns, dtype=object)
    reconstructor.__dict__.update(learnt)
