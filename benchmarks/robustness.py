"""What outliers, stuck sensors, level steps and waking columns among the training rows cost.

Run ``python -m benchmarks.robustness``, or with ``--quick`` on two small sets without LightGBM. Training rows are
damaged, in all columns, the last fifth of the rows is forecast as it is. Figures are squared errors on columns
standardised by the undamaged training rows, divided by those of the same forecaster after a fit on undamaged rows; of
the seasonal naive forecast divided by those of tscnn.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import describe_machine, print_table, write_json
from benchmarks.sets import SETS, load_available
from tscnn import Forecaster
from tscnn.data.frame import learn_schema
from tscnn.data.index import find_seasonality

Errors = Callable[[pd.DataFrame, int, int, int], np.ndarray]  # of frame, n_training, season and horizon, by column

CHOSEN = ("nyc_weather", "seattle", "demand", "seasons")
QUICK = ("seasons", "seattle")
TEST_FRACTION = 0.2
SENTINEL = -9999.0
SPIKE = 10.0  # standard deviations
STEP = 5.0


# Damage: (training rows, random, season) -> the same rows, damaged, and perhaps one column more


def _spikes(rows: np.ndarray, random: np.random.Generator, share: float) -> np.ndarray:
    damaged = rows.copy()
    for column, scale in zip(damaged.T, rows.std(axis=0), strict=True):
        n_spikes = max(1, round(share * len(rows)))
        at = random.choice(len(rows), n_spikes, replace=False)
        column[at] += SPIKE * scale * random.choice([-1, 1], n_spikes)
    return damaged


def one_spike(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:  # noqa: ARG001
    """One value of each column is ten standard deviations off."""
    return _spikes(rows, random, 0.0)


def many_spikes(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:  # noqa: ARG001
    """One value of a hundred is ten standard deviations off."""
    return _spikes(rows, random, 0.01)


def stuck(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:
    """Each column repeats one value for two seasons, the second among the newest rows."""
    damaged = rows.copy()
    for column in damaged.T:
        for first in (random.integers(len(rows) // 4, len(rows) // 2), len(rows) - 4 * season):
            column[first : first + season] = column[first]
    return damaged


def zeros(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:
    """Each column is zero, or three standard deviations below its mean, for two seasons."""
    damaged = rows.copy()
    low = np.minimum(0, rows.mean(axis=0) - 3 * rows.std(axis=0))
    for column, value in zip(damaged.T, low, strict=True):
        for first in (random.integers(len(rows) // 4, len(rows) // 2), len(rows) - 4 * season):
            column[first : first + season] = value
    return damaged


def step(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:  # noqa: ARG001
    """All rows up to some are five standard deviations higher."""
    damaged = rows.copy()
    for column, scale in zip(damaged.T, rows.std(axis=0), strict=True):
        column[: random.integers(len(rows) // 3, len(rows) * 2 // 3)] += STEP * scale
    return damaged


def sentinels(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:  # noqa: ARG001
    """Five values of a hundred are -9999."""
    return np.where(random.random(rows.shape) < 0.05, SENTINEL, rows)


def waking(rows: np.ndarray, random: np.random.Generator, season: int) -> np.ndarray:  # noqa: ARG001
    """One more column is zero until the newest eighth of the rows."""
    moving = 5000 + 500 * random.normal(size=len(rows))
    return np.column_stack([rows, np.where(np.arange(len(rows)) < 7 * len(rows) // 8, 0, moving)])


DAMAGES = {damage.__name__: damage for damage in (one_spike, many_spikes, stuck, zeros, step, sentinels, waking)}


# Contestants: squared errors of forecasts from every row, by column


def _tscnn(frame: pd.DataFrame, n_training: int, season: int, horizon: int) -> np.ndarray:
    forecaster = Forecaster(min(8 * season, 336, n_training // 8), horizon, random_state=0, verbose=0)
    forecaster.fit(frame.iloc[:n_training])
    found = forecaster.backtest(frame.iloc[n_training - forecaster.lookback_ :])
    return _square(found.to_numpy().reshape(-1, horizon, frame.shape[1]), frame, n_training)


def _filtered(frame: pd.DataFrame, n_training: int, season: int, horizon: int) -> np.ndarray:
    known = frame.iloc[:n_training]
    medians = known.rolling(2 * season + 1, center=True, min_periods=1).median()
    spread = 1.4826 * (known - medians).abs().rolling(2 * season + 1, center=True, min_periods=1).median()
    filtered = known.where((known - medians).abs() <= 3 * spread, medians)
    return _tscnn(pd.concat([filtered, frame.iloc[n_training:]]), n_training, season, horizon)


def _lightgbm(frame: pd.DataFrame, n_training: int, season: int, horizon: int) -> np.ndarray:
    from lightgbm import LGBMRegressor

    values, lags = frame.to_numpy(), np.unique([*range(min(season, 24)), season - 1, 2 * season - 1])
    steps = np.arange(1, horizon + 1)

    def features(at: np.ndarray, column: int) -> np.ndarray:
        seen = np.repeat(values[at[:, None] - lags, column], horizon, axis=0)
        return np.column_stack([seen, np.tile(steps, len(at)), (at[:, None] + steps).ravel() % season])

    found = []
    known = np.arange(2 * season, n_training - horizon)
    known = known[:: -(-len(known) * horizon // 50_000)]
    tests = np.arange(n_training - 1, len(values) - horizon)
    for column in range(values.shape[1]):
        model = LGBMRegressor(n_estimators=200, num_leaves=31, verbose=-1, random_state=0)
        model.fit(features(known, column), values[known[:, None] + steps, column].ravel())
        found.append(np.asarray(model.predict(features(tests, column))).reshape(-1, horizon))
    return _square(np.stack(found, axis=2), frame, n_training)


def _seasonal_naive(frame: pd.DataFrame, n_training: int, season: int, horizon: int) -> np.ndarray:
    at = np.arange(n_training - 1, len(frame) - horizon)[:, None]
    return _square(frame.to_numpy()[at - season + 1 + np.arange(horizon) % season], frame, n_training)


def _square(forecasts: np.ndarray, frame: pd.DataFrame, n_training: int) -> np.ndarray:
    at = np.arange(n_training - 1, len(frame) - forecasts.shape[1])[:, None]
    outcomes = frame.to_numpy()[at + 1 + np.arange(forecasts.shape[1])]
    return np.asarray(np.square(forecasts - outcomes).mean(axis=(0, 1)))


CONTESTANTS: dict[str, Errors] = {
    "tscnn": _tscnn,
    "tscnn, filtered": _filtered,
    "LightGBM": _lightgbm,
    "seasonal naive": _seasonal_naive,
}


def judge(frame: pd.DataFrame, names: Sequence[str], damages: Sequence[str]) -> list[dict[str, Any]]:
    """Return one record for each damage, with the error of each contestant relative to no damage."""
    schema, frame = learn_schema(frame)
    season = find_seasonality(schema.freq) or 12
    n_training, n_columns = round(len(frame) * (1 - TEST_FRACTION)), frame.shape[1]
    scale = frame.iloc[:n_training].std().to_numpy()
    clean: dict[str, np.ndarray] = {}
    records = []
    for name in ("clean", *damages):
        damaged = frame
        if name != "clean":
            rows = DAMAGES[name](frame.to_numpy()[:n_training], np.random.default_rng(0), season)
            tests = np.column_stack([frame.to_numpy()[n_training:], 5000 + np.zeros(len(frame) - n_training)])
            columns = [*map(str, frame.columns), "waking"][: rows.shape[1]]
            damaged = pd.DataFrame(np.concatenate([rows, tests[:, : rows.shape[1]]]), frame.index, columns)
        record: dict[str, Any] = {"damage": name}
        for contestant in names:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                errors = CONTESTANTS[contestant](damaged, n_training, season, season)[:n_columns] / scale**2
            beside = clean.setdefault(contestant, errors)
            beside = clean["tscnn"] if contestant == "seasonal naive" else beside
            record[contestant] = float(errors.mean() / beside.mean())
        records.append(record)
    return records


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small sets, without LightGBM: two minutes")
    parser.add_argument("--sets", nargs="+", choices=SETS, metavar="SET", help="of `python -m benchmarks.sets`")
    parser.add_argument("--damages", nargs="+", choices=DAMAGES, default=list(DAMAGES))
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS)
    parser.add_argument("--rows", type=int, default=3000, help="use the last rows of each set only")
    parser.add_argument("--columns", type=int, default=3, help="use the first columns of each set only")
    parser.add_argument("--out", metavar="FILE.json")
    parsed = parser.parse_args(arguments)
    parsed.sets = parsed.sets or (QUICK if parsed.quick else CHOSEN)
    left_out = ("LightGBM",) if parsed.quick else ()
    parsed.contestants = parsed.contestants or [name for name in CONTESTANTS if name not in left_out]
    return parsed


def main(arguments: Sequence[str] | None = None) -> None:
    """Damage, fit, forecast, and print a table for each set."""
    options = _parse(arguments)
    results = {}
    for name, frame in load_available([SETS[name] for name in options.sets]).items():
        part = frame.iloc[-options.rows :, : options.columns]
        results[name] = judge(part, options.contestants, options.damages)
        print(f"\n{name}, {len(part):,} rows x {part.shape[1]}")
        lines = [[record["damage"], *(f"{record[c]:.2f}" for c in options.contestants)] for record in results[name]]
        print_table(["training rows", *options.contestants], lines)
    worst = max(record["tscnn"] for records in results.values() for record in records)
    middle = statistics.median(record["tscnn"] for records in results.values() for record in records[1:])
    print(f"\ntscnn: at worst {worst:.2f} of the error without damage, in the median {middle:.2f}")
    if options.out:
        write_json(options.out, {"machine": describe_machine(), "results": results})


if __name__ == "__main__":
    main()
