"""The data that come with the package."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tscnn.common.checks import received

__all__ = ["load_nyc_weather"]

_PACKAGE = Path(__file__).parent.parent

# A wheel carries the files inside the package; a checkout has its only copy at the top.
_FOLDERS = (_PACKAGE / "_data", _PACKAGE.parent / "datasets")


def _find(name: str) -> Path:
    """Return the path of the data file `name`."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    rule = f"The data file {name!r} must be in one of tscnn's data folders; reinstall tscnn."
    raise FileNotFoundError(received(rule, searched=[str(folder) for folder in _FOLDERS]))


def load_nyc_weather() -> pd.DataFrame:
    """Load a year of hourly weather at the three airports of New York City.

    Returns
    -------
    weather : DataFrame of shape (8730, 12)
        One row an hour from 2013-01-01 06:00 to 2013-12-30 23:00, on a `DatetimeIndex` named ``"time"`` in
        UTC with frequency ``"h"``. The float64 columns are named ``<airport>_<measure>``: airports ``EWR``,
        ``JFK`` and ``LGA``; measures ``dewp`` (dew point, °F), ``humid`` (relative humidity, %), ``temp``
        (temperature, °F) and ``wind_speed`` (mph). No value is missing: 308 were interpolated.

    Raises
    ------
    FileNotFoundError
        If the installation lacks the data file.

    References
    ----------
    .. [1] H. Wickham, nycflights13: flights that departed NYC in 2013, table ``weather``, CC0.

    Examples
    --------
    >>> from tscnn import datasets
    >>> weather = datasets.load_nyc_weather()
    >>> weather.shape
    (8730, 12)
    >>> float(weather.loc["2013-07-04 18:00+00:00", "JFK_temp"])
    80.96
    """
    weather = pd.read_csv(_find("nyc_weather.csv"), index_col="time", parse_dates=["time"])
    weather.index = weather.index.tz_localize("UTC")
    # Setting the frequency checks it: pandas raises if a row is missing.
    weather.index.freq = "h"
    return weather
