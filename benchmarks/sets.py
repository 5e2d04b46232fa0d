"""Sets of series by name, of several fields, steps and sizes, on which parts of the recipe are chosen.

``python -m benchmarks.sets`` lists those that are at hand. Each is a frame of numbers with an even index. They come
with tscnn (the weather of New York), with packages (`benchmarks.shipped`), from a simulation (`benchmarks.simulated`),
or from files that the user names, of which the last fifth is left alone, for tests.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.report import print_table
from benchmarks.shipped import SHIPPED
from benchmarks.simulated import SIMULATED
from tscnn.data.datasets import load_nyc_weather
from tscnn.data.frame import learn_schema
from tscnn.data.index import find_seasonality

__all__ = ["QUICK", "SETS", "SeriesSource", "load_available", "read_files"]

TEST_FRACTION = 0.2  # of a user's file: never looked at
QUICK = ("seasons", "common_factors", "short_season", "el_nino", "seattle")  # small ones


@dataclass(frozen=True)
class SeriesSource:
    """A set that can be loaded: its name, what it is, the steps ahead that are judged on it, and how it is loaded."""

    name: str
    about: str
    horizons: tuple[int, ...]
    load: Callable[[], pd.DataFrame]


def _source(load: Callable[[], pd.DataFrame], horizons: tuple[int, ...]) -> SeriesSource:
    about = str(load.__doc__).partition(" ")[2]  # but for the verb
    return SeriesSource(load.__name__, about, horizons, load)


def nyc_weather() -> pd.DataFrame:
    """Read weather of New York, hours of a year, without its last fifth, on which `benchmarks.ltsf` tests."""
    return _before_test(load_nyc_weather())


SETS = {
    load.__name__: _source(load, horizons)
    for load, horizons in {nyc_weather: (24, 168), **SHIPPED, **SIMULATED}.items()
}


def _before_test(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[: len(frame) - int(TEST_FRACTION * len(frame))]


def read_files(paths: Sequence[str]) -> dict[str, SeriesSource]:
    """Make sets of CSV files, times in the first column; a file's last fifth is dropped as soon as it is read.

    The steps ahead are a day and four days where the step of the index has a season of one, else six.
    """
    found = {}
    for path in paths:
        schema, frame = learn_schema(pd.read_csv(path, index_col=0, parse_dates=[0]))
        frame, season = _before_test(frame), find_seasonality(schema.freq)
        horizons = (6,) if season is None or len(frame) < 40 * season else (season, 4 * season)
        name = Path(path).stem
        found[name] = SeriesSource(name, f"file {Path(path).name}", horizons, lambda frame=frame: frame)
    return found


def load_available(sources: Sequence[SeriesSource]) -> dict[str, pd.DataFrame]:
    """Load sets by name; one whose package is missing is left out, with a line that says so."""
    frames = {}
    for source in sources:
        try:
            frames[source.name] = source.load()
        except FileNotFoundError as missing:
            print(f"{source.name} is left out: {missing}")
    return frames


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE.csv", nargs="*", default=[])
    sources = {**SETS, **read_files(parser.parse_args(arguments).data)}
    frames = load_available(list(sources.values()))
    lines = [
        [name, f"{frame.shape[0]:,} x {frame.shape[1]}", str(frame.index.freqstr), sources[name].about]
        for name, frame in frames.items()
    ]
    print_table(["", "rows x columns", "step", ""], lines)


if __name__ == "__main__":
    main()
