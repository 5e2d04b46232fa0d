"""AutoETS of statsforecast, by series; needs nothing but statsforecast, so that it runs in an environment of its own.

``python -m benchmarks.contestants.auto_ets IN.csv OUT.csv SEASON HORIZON``: columns unique_id, ds (row numbers), y.
"""

from __future__ import annotations

import os
import sys

import pandas as pd


def main(series: str, forecasts: str, season: str, horizon: str) -> None:
    """Read series, and write their forecasts."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    fitted = StatsForecast(models=[AutoETS(season_length=int(season))], freq=1, n_jobs=os.cpu_count())
    fitted.forecast(df=pd.read_csv(series), h=int(horizon)).to_csv(forecasts, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
