import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tests.conftest import closed_form, make_frame
from tscnn.data.tables import Layout
from tscnn.plotting import plot_forecast


def drawn(panel) -> dict:
    return {line.get_label(): line.get_ydata() for line in panel.lines}


def intervals(frame, names="ab") -> pd.DataFrame:
    parts = (("forecast", 0), ("lower", -1), ("upper", 2))
    return pd.DataFrame({(name, part): frame[name] + by for name in names for part, by in parts})


def backtest_of(frame, cutoffs, steps) -> pd.DataFrame:
    """Forecasts that are one too high."""
    parts = [frame.iloc[at + 1 : at + 1 + steps] + 1 for at in cutoffs]
    index = pd.MultiIndex.from_tuples(
        [(frame.index[at], time) for at, part in zip(cutoffs, parts, strict=True) for time in part.index],
        names=["cutoff", "time"],
    )
    return pd.concat(parts).set_axis(index)


def test_one_panel_a_column_with_what_was_observed_and_forecast(frame):
    panels = plot_forecast(frame.iloc[20:40] - 1, frame.iloc[:20], frame.iloc[20:40], ["c", "a"])
    assert [panel.get_title(loc="left") for panel in panels] == ["c", "a"]
    lines = drawn(panels[0])
    np.testing.assert_array_equal(lines["observed"], frame["c"].iloc[:40])
    np.testing.assert_array_equal(lines["forecast"][1:], frame["c"].iloc[20:40] - 1)
    assert panels[0].figure.get_suptitle() == "20 steps after 2026-01-01 19:00"


def test_no_gap_is_between_the_newest_row_and_forecast_or_intervals(frame):
    (panel,) = plot_forecast(intervals(frame.iloc[20:24], "a"), frame.iloc[:20])
    assert drawn(panel)["forecast"][0] == frame["a"].iloc[19]
    (band,) = panel.collections
    assert frame["a"].iloc[19] in band.get_paths()[0].vertices[:, 1]


def test_without_history_a_forecast_stands_alone(frame):
    (panel,) = plot_forecast(frame[["a"]].iloc[:4], title="", units="kWh")
    np.testing.assert_array_equal(drawn(panel)["forecast"], frame["a"].iloc[:4])
    assert panel.get_ylabel() == "kWh"
    assert panel.figure.get_suptitle() == ""


def test_series_and_units_by_column(frame):
    (panel,) = plot_forecast(frame["b"].iloc[4:6], frame["b"].iloc[:4], frame["b"].iloc[4:6], units={"b": "m"})
    assert panel.get_title(loc="left") == "b"
    assert panel.get_ylabel() == "m"
    (panel,) = plot_forecast(pd.Series([1.0], [3]), pd.Series([2.0, 3.0], [1, 2]))
    np.testing.assert_array_equal(drawn(panel)["forecast"], [3, 1])
    assert panel.figure.get_suptitle() == "1 step after row 2"


@pytest.mark.parametrize(
    ("index", "label"),
    [
        (pd.date_range("2026-03-28", periods=5, tz="Europe/Berlin", name="local"), "local (Europe/Berlin)"),
        (pd.period_range("2026-01", periods=5, freq="M"), ""),
        (pd.RangeIndex(5, name="step"), "step"),
    ],
)
def test_every_kind_of_index_can_be_drawn(index, label, tmp_path):
    panels = plot_forecast(make_frame(5, 2).set_axis(index))
    assert len(panels) == 2
    assert panels[0].figure.get_supxlabel() == label
    panels[0].figure.savefig(tmp_path / "forecast.png")


@pytest.mark.parametrize(("name", "label"), [("day", "day"), (None, "")])
def test_panels_are_labelled_as_their_rows_are(panel, frame, name, label):
    rows = frame[["a"]].rename_axis(name)
    forecast = panel.predict({"x": rows, "y": rows * 2})
    panels = plot_forecast(forecast, {"x": rows, "y": rows})
    assert panels[0].figure.get_supxlabel() == label
    assert plot_forecast(forecast)[0].figure.get_supxlabel() == "time"
    assert forecast.index.names == ["series", "time"]


def test_hours_that_a_clock_shows_twice_are_drawn_forward():
    times = pd.date_range("2026-10-25", periods=8, freq="h", tz="Europe/Berlin")
    (panel,) = plot_forecast(make_frame(8, 1).set_axis(times))
    (line,) = panel.lines
    assert (np.diff(line.get_xdata()) == np.timedelta64(1, "h")).all()


def test_a_forecast_of_one_step_is_a_visible_point(frame):
    assert plot_forecast(frame.iloc[:1])[0].lines[0].get_marker() == "o"


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("n_before", [0, 20])
def test_intervals_are_bands(frame, n, n_before):
    history = frame.iloc[:20] if n_before else None
    panels = plot_forecast(intervals(frame).iloc[20 : 20 + n], history)
    assert [panel.get_title(loc="left") for panel in panels] == ["a", "b"]
    (band,) = panels[1].collections
    ends = np.concatenate([path.vertices[:, 1] for path in band.get_paths()])
    own = frame["b"].iloc[20 : 20 + n]
    assert own.max() + 2 == ends.max()
    assert n_before or own.min() - 1 == ends.min()


def test_quantiles_are_bands_about_the_one_in_the_middle(frame):
    parts = {("a", level): frame["a"] + level for level in (0.1, 0.2, 0.5, 0.8, 0.9)}
    panel = plot_forecast(pd.DataFrame(parts).iloc[:4])[0]
    assert [band.get_label() for band in panel.collections] == ["80%", "60%"]
    np.testing.assert_array_equal(drawn(panel)["forecast"], frame["a"].iloc[:4] + 0.5)


def test_of_a_backtest_forecasts_are_drawn_that_do_not_overlap(frame):
    (panel, _) = plot_forecast(backtest_of(frame, range(20, 40), 5), truth=frame, columns=["a", "b"])
    paths = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == 6]
    assert len(paths) == 4
    np.testing.assert_array_equal(paths[1], [frame["a"].iloc[25], *(frame["a"].iloc[26:31] + 1)])
    observed = drawn(panel)["observed"]
    np.testing.assert_array_equal(observed, frame["a"].iloc[14:41])
    assert panel.figure.get_suptitle() == "4 forecasts of 5 steps after 2026-01-01 20:00"
    assert len(plot_forecast(backtest_of(frame, [20], 5))) == 3  # without outcomes


def test_many_series_are_small_multiples(frame):
    frames = {f"shop {i}": frame[["a"]] + i for i in range(7)}
    forecast = pd.concat({name: each.iloc[20:24] for name, each in frames.items()}, names=["series", "time"])
    panels = plot_forecast(forecast, {name: each.iloc[:20] for name, each in frames.items()})
    assert [panel.get_title(loc="left") for panel in panels] == list(frames)
    np.testing.assert_array_equal(drawn(panels[3])["observed"], frame["a"].iloc[:20] + 3)
    assert len(panels[0].figure.axes) == 7
    (one,) = plot_forecast(forecast, series="shop 2")
    np.testing.assert_array_equal(drawn(one)["forecast"], frame["a"].iloc[20:24] + 2)


def test_long_frames_and_backtests_of_panels(frame):
    long = pd.concat([frame.assign(shop=name) for name in ("x", "y")])
    panels = plot_forecast(long.groupby("shop").tail(5), long, columns="b", series_id="shop")
    assert [panel.get_title(loc="left") for panel in panels] == ["x", "y"]
    one = backtest_of(frame, [20, 30], 5)
    panels = plot_forecast(pd.concat({"x": one, "y": one}, names=["series"]), truth={"x": frame, "y": frame})
    assert [panel.get_title(loc="left") for panel in panels][:2] == ["x: a", "x: b"]


def test_what_is_left_out_of_many_panels_is_said():
    panels = plot_forecast(make_frame(5, 10).add_prefix("x").join(make_frame(5, 10)))
    assert len(panels) == 12
    assert panels[0].figure.get_suptitle().endswith("12 of 20 panels")


def test_it_draws_in_a_figure_that_is_given(frame):
    left, right = Figure().subfigures(1, 2)
    assert plot_forecast(frame.iloc[:4], figure=left)[0].figure is left
    assert not right.axes
    with pytest.raises(TypeError, match="`figure` must be a Figure or SubFigure"):
        plot_forecast(frame, figure=3)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"columns": ["z"]}, r"`columns` must name columns of \['a', 'b', 'c'\]. Received: columns=\['z'\]"),
        ({"series": "x"}, "`series` must be None"),
        ({"truth": {"x": make_frame()}}, "`truth` must tell its series as `forecast` does"),
    ],
)
def test_errors_name_the_argument(frame, how, said):
    with pytest.raises(ValueError, match=said):
        plot_forecast(frame, **how)


def test_without_matplotlib_the_extra_is_named(frame, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"tscnn\[plot\]"):
        plot_forecast(frame)


# Forecaster.plot


def test_a_forecaster_draws_its_own_forecast(forecaster, frame):
    panels = forecaster.plot()
    lines = drawn(panels[0])
    np.testing.assert_array_equal(lines["observed"], frame["a"].iloc[226:250])
    np.testing.assert_allclose(lines["forecast"][1:], forecaster.predict()["a"])
    assert [band.get_label() for band in panels[0].collections] == ["90%", "50%"]


def test_after_a_cutoff_it_draws_what_came_true(forecaster, frame):
    (panel,) = forecaster.plot(frame, cutoff="2026-01-12", history=30, coverage=None, columns="b", units="m")
    at = frame.index.get_loc("2026-01-12 00:00") + 1
    lines = drawn(panel)
    np.testing.assert_array_equal(lines["observed"], frame["b"].iloc[at - 30 : at + 3])
    np.testing.assert_allclose(lines["forecast"][1:], forecaster.predict(frame.iloc[:at])["b"])
    assert not panel.collections


def test_what_was_known_ahead_is_taken_from_the_rows_after_a_cutoff(frame):
    planner = closed_form(lookback=24, targets="a", future_covariates="b").fit(frame[["a", "b"]])
    (panel,) = planner.plot(frame[["a", "b"]], cutoff=frame.index[250])
    found = planner.predict(frame[["a", "b"]].iloc[:251], future=frame[["b"]].iloc[251:254])
    np.testing.assert_allclose(drawn(panel)["forecast"][1:], found["a"])


@pytest.mark.filterwarnings("ignore:Quantiles this far out")
def test_categories_known_ahead_are_drawn_as_they_are_forecast(frame):
    sky = np.where(np.arange(len(frame)) % 5 == 0, "rain", "clear")
    frame = frame[["a"]].assign(a=frame["a"] + 3 * (sky == "rain"), sky=sky)
    planner = closed_form(lookback=24, targets="a", future_covariates="sky").fit(frame)
    (panel,) = planner.plot(frame, cutoff=frame.index[250])
    found = planner.predict(frame.iloc[:251], future=frame[["sky"]].iloc[251:254])
    np.testing.assert_allclose(drawn(panel)["forecast"][1:], found["a"])
    with pytest.raises(ValueError, match="must have at least lookback = 24 rows"):
        planner.plot(frame, cutoff=frame.index[20])


def test_a_panel_draws_its_series(panel):
    assert [each.get_title(loc="left") for each in panel.plot()] == ["x", "y"]
    assert len(panel.plot(series="y")) == 1
    with pytest.raises(ValueError, match="`series` must be"):
        panel.plot(series="z")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_with_a_column_of_times_are_drawn_as_frames_with_an_index_are(frame, library):
    pytest.importorskip(library)

    def table_of(rows):
        return Layout(library, "when").give_back(rows.rename_axis([*rows.index.names[:-1], "when"]))

    forecast, before, after = intervals(frame, "a").iloc[20:24], frame[["a"]].iloc[:20], frame[["a"]].iloc[20:24]
    (panel,) = plot_forecast(*map(table_of, (forecast, before, after)), time="when")
    (other,) = plot_forecast(forecast, before, after)
    for name, line in drawn(other).items():
        np.testing.assert_array_equal(drawn(panel)[name], line)
    ((band,), (same,)) = panel.collections, other.collections
    np.testing.assert_array_equal(band.get_paths()[0].vertices, same.get_paths()[0].vertices)
    assert panel.figure.get_supxlabel() == "when"
    (panel,) = plot_forecast(table_of(backtest_of(frame[["a"]], [20], 5)), table_of(before), time="when")
    np.testing.assert_array_equal(drawn(panel)["forecast"][1:], frame["a"].iloc[21:26] + 1)


def test_a_table_that_has_a_column_called_as_an_interval_is_taken_at_its_word(frame):
    rows = frame[["a"]].rename(columns={"a": "load forecast"})
    (panel,) = plot_forecast(rows.iloc[20:24], rows.iloc[:20])
    assert panel.get_title(loc="left") == "load forecast"
    np.testing.assert_array_equal(drawn(panel)["observed"], rows.iloc[:20, 0])


def test_long_frames_of_many_series_with_intervals_are_drawn_without_a_warning(frame):
    long = intervals(frame, "a").iloc[20:24]
    long.insert(0, ("shop", ""), ["x", "x", "y", "y"])
    assert [panel.get_title(loc="left") for panel in plot_forecast(long, series_id="shop")] == ["x", "y"]
