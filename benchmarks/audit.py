"""What `tscnn.audit` finds in forecasters of other packages, and in our own.

Run ``python -m benchmarks.audit``. Each is fitted to the older rows of two columns of hourly weather as its users would
do it, and audited from outside: nothing but rows and forecasts is looked at. The convolutional network of darts is
audited twice, with a scaler that was fitted to all rows and with one that was fitted to the rows up to the cutoff; that
of neuralforecast with scalers of its own, by its cross-validation and by its fit; and `tscnn.Forecaster`. darts and
neuralforecast want PyTorch and an environment of their own: a package that isn't installed is named, and left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tscnn
from benchmarks.report import print_table, read_versions, write_json
from tscnn import Forecaster

LOOKBACK, HORIZON, EPOCHS, SEED = 32, 8, 2, 1
Predict = Callable[[pd.DataFrame], pd.DataFrame]
TRAINER = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def ours(df: pd.DataFrame, cutoff: Any) -> Predict:
    """Fit a `Forecaster`, without network."""
    return Forecaster(LOOKBACK, HORIZON, network=None, verbose=0).fit(df.loc[:cutoff]).predict


def darts_tcn(df: pd.DataFrame, cutoff: Any, *, all_rows: bool = False) -> Predict:
    """Fit the ``TCNModel`` of darts, its scaler to all rows or to those up to the cutoff."""
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import TCNModel

    def read(frame: pd.DataFrame) -> TimeSeries:
        return TimeSeries.from_dataframe(frame.astype(np.float32))

    scaler = Scaler().fit(read(df if all_rows else df.loc[:cutoff]))
    sizes = {"input_chunk_length": LOOKBACK, "output_chunk_length": HORIZON, "num_filters": 8}
    model = TCNModel(**sizes, n_epochs=EPOCHS, dropout=0.0, random_state=SEED, pl_trainer_kwargs=TRAINER)
    model.fit(scaler.transform(read(df.loc[:cutoff])), verbose=False)

    def predict(context: pd.DataFrame) -> pd.DataFrame:
        series = scaler.transform(read(context.iloc[-2 * LOOKBACK :]))
        return scaler.inverse_transform(model.predict(HORIZON, series=series, verbose=False)).to_dataframe()

    return predict


def neuralforecast_tcn(df: pd.DataFrame, cutoff: Any, *, cross_validation: bool = False) -> Predict:
    """Fit the ``TCN`` of neuralforecast to the rows up to the cutoff, or let it cross-validate on the rows after it."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import TCN

    def read(frame: pd.DataFrame) -> pd.DataFrame:
        named = frame.rename_axis(index="ds", columns="unique_id")
        return named.melt(ignore_index=False, value_name="y").reset_index()[["unique_id", "ds", "y"]]

    def lay_out(found: pd.DataFrame) -> pd.DataFrame:
        return found.pivot(index="ds", columns="unique_id", values="TCN")[list(df.columns)].rename_axis(index=None)

    sizes = {"h": HORIZON, "input_size": LOOKBACK, "encoder_hidden_size": 8, "decoder_hidden_size": 8}
    # Scaled once, series by series: window by window, as is the default, would undo that.
    network = TCN(**sizes, scaler_type="identity", max_steps=20 * EPOCHS, random_seed=SEED, **TRAINER)
    model = NeuralForecast(models=[network], freq=df.index.freqstr, local_scaler_type="standard")
    if not cross_validation:
        model.fit(read(df.loc[:cutoff]), val_size=0)
        return lambda context: lay_out(model.predict(df=read(context)))
    n_later = len(df) - len(df.loc[:cutoff])
    found = model.cross_validation(read(df), n_windows=None, test_size=n_later, step_size=1, refit=False)

    def predict(context: pd.DataFrame) -> pd.DataFrame:
        at_cutoff = context.index[-1] == cutoff
        return lay_out(found[found["cutoff"] == cutoff] if at_cutoff else model.predict(df=read(context)))

    return predict


CONTESTANTS: dict[str, tuple[str, Callable[[pd.DataFrame, Any], Predict]]] = {
    "tscnn": ("tscnn", ours),
    "darts TCN": ("darts", darts_tcn),
    "darts TCN, scaler fitted to all rows": ("darts", lambda *fit: darts_tcn(*fit, all_rows=True)),
    "neuralforecast TCN": ("neuralforecast", neuralforecast_tcn),
    "neuralforecast TCN, cross-validation": (
        "neuralforecast",
        lambda *fit: neuralforecast_tcn(*fit, cross_validation=True),
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Audit all that are installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="newest rows of the weather that are used")
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), choices=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--out", type=Path, help="JSON file")
    chosen = parser.parse_args(arguments)
    os.environ["NIXTLA_ID_AS_COL"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # of the trainers, a line a forecast
    df = tscnn.datasets.load_nyc_weather()[["JFK_temp", "LGA_temp"]].iloc[-chosen.rows :].tz_localize(None)
    df = df.asfreq("h")
    found = {}
    for name in chosen.only:
        package, fit = CONTESTANTS[name]
        if importlib.util.find_spec(package) is None:
            print(
                f"{name}: {package} is not installed; `python -m pip install {package}`, in an environment of its own"
            )
            continue
        found[name] = tscnn.audit(None, df, HORIZON, fit=fit, lookback=LOOKBACK).frame
        print(f"\n{name}")
        print_table(["check", "result", "measured"], found[name].reset_index()[["check", "result", "measured"]].values)
    results = {name: frame["result"].to_dict() for name, frame in found.items()}
    if chosen.out:
        versions = read_versions(["darts", "neuralforecast", "torch"])
        write_json(chosen.out, {"versions": versions, "rows": len(df), "results": results})


if __name__ == "__main__":
    main()
