"""What each part of the recipe is worth, judged on rows before the test rows.

Run ``python -m benchmarks.ablation --data ETTh1.csv --protocol etth --horizons 96 336``. The training and validation
rows of the protocol are cut twice into rows to fit on, of which the last are the forecaster's validation rows, and a
fifth of all to judge on. Test rows are never looked at. Printed are mean squared errors relative to that of one ridge
regression.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ltsf import find_splits, test_errors
from benchmarks.report import describe_machine, print_table, write_json
from tscnn import Forecaster
from tscnn.data.frame import learn_schema
from tscnn.data.index import find_seasonality
from tscnn.data.windows import find_origins
from tscnn.linear import bands, candidates, cross_series, folds, mean_reversion, principal_components
from tscnn.linear import mixture as mixture_room
from tscnn.linear.mixture import mix_linear_maps
from tscnn.linear.ridge import apply_kernel, fit_shared_map

FRACTION = 0.2  # of the rows to fit on, for validation
JUDGED = ((0.6, 0.8), (0.8, 1.0))
NETWORKS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "feature_mode independent": {"feature_mode": "independent"},
    "learning_rate 5e-4": {"learning_rate": 5e-4},
    "loss mae": {"loss": "mae"},
    "dropout 0": {"dropout": 0.0},
    "64 filters": {"filters": 64},
    "no normaliser": {"normalizer_span": None},
    "no linear map": {"linear_skip": None},
    "no yearly wave": {"yearly_seasonality": None},
    "no step back to the mean": {},
    "no vector autoregression": {},
    "no principal components": {},
}
Switch = tuple[ModuleType, dict[str, Any]]  # a module, and other constants for it
SWITCHES: dict[str, Switch] = {  # for what no parameter switches off
    "no step back to the mean": (mean_reversion, {"STRENGTH": 0.0}),
    "no vector autoregression": (cross_series, {"FEWEST_FOLDS": 1_000_000}),
    "no principal components": (principal_components, {"WORTHWHILE": 1.0}),
}


@contextlib.contextmanager
def changed(switch: Switch | None) -> Iterator[None]:
    """Give a module other constants for a while."""
    module, constants = switch or (mixture_room, {})
    before = {name: getattr(module, name) for name in constants}
    try:
        for name, value in constants.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def fit_linear_maps(
    rows: np.ndarray, first: int, lookback: int, horizon: int, seasonality: int | None
) -> dict[str, np.ndarray]:
    """Fit linear maps on rows whose last, from `first` on, are for validation: from one ridge regression to ours."""
    training = find_origins([first], lookback, horizon)
    validation = find_origins([len(rows)], lookback, horizon, [first])
    maps = {"one ridge map": fit_shared_map(rows, training, validation, lookback, horizon)}
    parts: dict[str, Switch | None] = {  # each with what leaves it out
        "one map for all columns, or one each": None,
        "+ windows of several lengths": (mixture_room, {"N_LENGTHS": 1}),
        "+ errors relative to their window's scale": (folds, {"RELATIVE": 0.0}),
        "+ folds of the training rows": (folds, {"N_FOLDS": 0}),
        "+ windows of columns that vary alike": (candidates, {"WIDTH": 1e-9}),
        "+ strengths and shares by band of the horizon": (bands, {"MOST_OCTAVES": 1}),
        "+ near steps by themselves": (bands, {"NEAR": 1_000_000}),
        "+ means of seasons": (candidates, {"MEAN_ALPHAS": ()}),
        "+ correlations of errors less what may be chance": (candidates, {"_shrink": lambda products, _: products}),
        "+ repetition where the gain over it may be chance": (mixture_room, {"TRUSTED": 0.0}),
    }
    names = list(parts)
    for i, name in enumerate(names):
        with contextlib.ExitStack() as stack:
            for later in names[i + 1 :]:
                stack.enter_context(changed(parts[later]))
            mixture = mix_linear_maps(rows, training, validation, [lookback], horizon, seasonality=seasonality)
        maps[name] = mixture.solved.fitted[mixture.groups]
    maps["+ solved again on all rows"] = mixture.solved.refitted[mixture.groups]
    return maps


def forecast_by(rows: np.ndarray, kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what forecasts from given rows by a linear map."""
    groups = np.arange(rows.shape[1]) % len(kernel)
    return lambda at: apply_kernel(rows, kernel, groups, at).transpose(0, 2, 1)


def judge_all(
    frame: pd.DataFrame, n_fitted: int, lookback: int, horizon: int, seasonality: int | None, networks: Sequence[str]
) -> dict[str, float]:
    """Return the MSE of each variant on the rows from `n_fitted` on."""
    rows, first = frame.to_numpy(), round((1 - FRACTION) * n_fitted)
    known = rows[:first]
    rows = ((rows - known.mean(axis=0)) / np.where(known.std(axis=0) > 0, known.std(axis=0), 1)).astype(np.float32)
    errors = {
        name: test_errors(rows, n_fitted, horizon, forecast_by(rows, kernel))["mse"]
        for name, kernel in fit_linear_maps(rows[:n_fitted], first, lookback, horizon, seasonality).items()
    }
    scaled = pd.DataFrame(rows, frame.index, frame.columns)
    for name in networks:
        settings = {"random_state": 0, "verbose": 0, "validation_fraction": FRACTION, **NETWORKS[name]}
        with changed(SWITCHES.get(name)):
            forecaster = Forecaster(lookback, horizon, **settings).fit(scaled[:n_fitted])

        def forecast(at: np.ndarray, forecaster: Forecaster = forecaster) -> np.ndarray:
            seen = scaled[at[0] - lookback + 1 : at[-1] + horizon + 1]
            return forecaster.backtest(seen).to_numpy().reshape(len(at), horizon, -1)

        errors[f"network: {name}"] = test_errors(rows, n_fitted, horizon, forecast)["mse"]
    return errors


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CSV file, times in the first column")
    parser.add_argument("--protocol", choices=("etth", "ettm", "custom"), default="custom")
    parser.add_argument("--horizons", type=int, nargs="+", default=[96, 336])
    parser.add_argument("--lookback", type=int, default=336)
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--out", metavar="FILE.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table: variants by horizon, means over the two cuts."""
    options = _parse(arguments)
    schema, frame = learn_schema(pd.read_csv(options.data, index_col=0, parse_dates=[0]))
    seasonality = find_seasonality(schema.freq)
    frame = frame[: find_splits(len(frame), options.protocol)[1]]
    machine = describe_machine()
    print(
        f"{machine['cpu']}, {machine['cores']} cores; lookback {options.lookback}, {len(frame):,} rows before the test"
    )
    found: dict[int, dict[str, float]] = {}
    for horizon in options.horizons:
        cuts = []
        for begin, end in JUDGED:
            known, n_fitted = frame[: round(end * len(frame))], round(begin * len(frame))
            errors = judge_all(known, n_fitted, options.lookback, horizon, seasonality, options.networks)
            cuts.append({name: error / errors["one ridge map"] for name, error in errors.items()})
        found[horizon] = {name: statistics.mean(cut[name] for cut in cuts) for name in cuts[0]}
    names = list(found[options.horizons[0]])
    print_table(
        ["MSE / that of one ridge map", *(f"horizon {horizon}" for horizon in options.horizons)],
        [[name, *(f"{found[horizon][name]:.3f}" for horizon in options.horizons)] for name in names],
    )
    if options.out:
        write_json(options.out, {"machine": machine, "lookback": options.lookback, "relative_mse": found})


if __name__ == "__main__":
    main()
