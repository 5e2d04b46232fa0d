import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_frame
from tests.plotting.test_forecast import intervals
from tscnn.plotting import plot_interactive


def test_without_plotly_the_extra_is_named(frame, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.subplots", None)
    with pytest.raises(ImportError, match=r"tscnn\[interactive\]"):
        plot_interactive(frame)


def test_it_draws_what_plot_forecast_draws(frame):
    pytest.importorskip("plotly")
    figure = plot_interactive(intervals(frame.iloc[20:24]), frame.iloc[:20], frame.iloc[20:24], units={"b": "m"})
    traces = {trace.name: trace for trace in figure.data if trace.showlegend}
    assert list(traces) == ["interval", "forecast", "observed"]
    np.testing.assert_allclose(traces["forecast"].y, frame["a"].iloc[19:24])
    assert figure.layout.title.text == "4 steps after 2026-01-01 19:00"
    assert figure.layout.yaxis2.title.text == "m"


def test_hours_that_a_clock_shows_twice_are_drawn_forward():
    pytest.importorskip("plotly")
    times = pd.date_range("2026-10-25", periods=8, freq="h", tz="Europe/Berlin")
    (line,) = plot_interactive(make_frame(8, 1).set_axis(times)).data
    assert (np.diff(np.array(line.x, dtype="datetime64[m]")) == np.timedelta64(60, "m")).all()
    assert line.text[2:4] == ("2026-10-25 02:00:00+02:00", "2026-10-25 02:00:00+01:00")


def test_a_forecaster_draws_it(forecaster):
    pytest.importorskip("plotly")
    figure = forecaster.plot(interactive=True, columns="a")
    assert {trace.name for trace in figure.data} == {"50%", "90%", "forecast", "observed"}
