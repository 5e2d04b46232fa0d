import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn.plotting import plot_explanation, plot_forecast


def drawn(panel) -> dict:
    return {line.get_label(): line.get_ydata() for line in panel.lines}


def test_one_panel_a_column_with_every_line(frame):
    figure = plot_forecast(frame.iloc[20:], frame.iloc[:20], frame.iloc[20:] + 1, ["c", "a"])
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["c", "a"]
    lines = drawn(figure.axes[0])
    np.testing.assert_array_equal(lines["history"], frame["c"].iloc[:20])
    np.testing.assert_array_equal(lines["forecast"], frame["c"].iloc[20:])
    np.testing.assert_array_equal(lines["truth"], frame["c"].iloc[20:] + 1)


@pytest.mark.parametrize(
    ("index", "label"),
    [
        (pd.date_range("2026-03-28", periods=5, tz="Europe/Berlin", name="local"), "local (Europe/Berlin)"),
        (pd.period_range("2026-01", periods=5, freq="M"), ""),
        (pd.RangeIndex(5, name="step"), "step"),
    ],
)
def test_every_kind_of_index_can_be_drawn(index, label, tmp_path):
    figure = plot_forecast(make_frame(5, 2).set_axis(index))
    assert len(figure.axes) == 2
    assert figure.axes[-1].get_xlabel() == label
    figure.savefig(tmp_path / "forecast.png")


def test_a_forecast_of_one_step_is_a_visible_point(frame):
    assert plot_forecast(frame.iloc[:1]).axes[0].lines[0].get_marker() == "o"


@pytest.mark.parametrize("n", [1, 4])
def test_intervals_are_bands(frame, n):
    parts = {
        (name, part): frame[name] + by for name in "ab" for part, by in (("forecast", 0), ("lower", -1), ("upper", 2))
    }
    figure = plot_forecast(pd.DataFrame(parts).iloc[20 : 20 + n], frame.iloc[:20])
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["a", "b"]
    (band,) = figure.axes[1].collections
    ends = np.concatenate([path.vertices[:, 1] for path in band.get_paths()])
    own = frame["b"].iloc[20 : 20 + n]
    assert (ends.min(), ends.max()) == (own.min() - 1, own.max() + 2)


def test_quantiles_are_bands_about_the_one_in_the_middle(frame):
    parts = {("a", level): frame["a"] + level for level in (0.1, 0.2, 0.5, 0.8, 0.9)}
    panel = plot_forecast(pd.DataFrame(parts).iloc[:4]).axes[0]
    assert [band.get_label() for band in panel.collections] == ["60%", "80%"]
    np.testing.assert_array_equal(drawn(panel)["forecast"], frame["a"].iloc[:4] + 0.5)


def test_a_notebook_shows_the_figure(frame):
    assert plot_forecast(frame)._repr_png_().startswith(b"\x89PNG")


def test_unknown_columns_are_named(frame):
    with pytest.raises(
        ValueError, match=r"`columns` must name columns of \['a', 'b', 'c'\]. Received: columns=\['z'\]"
    ):
        plot_forecast(frame, columns=["z"])


def test_without_matplotlib_the_extra_is_named(frame, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"tscnn\[plot\]"):
        plot_forecast(frame)


def test_explain_is_drawn_as_terms_columns_and_lags(frame):
    explanation = closed_form(lookback=48, horizon=6).fit(frame).explain()
    figure = plot_explanation(explanation, "b")
    terms, columns, lags = figure.axes
    np.testing.assert_allclose(drawn(terms)["forecast"], explanation.forecast["b"])
    heights = np.sum([[bar.get_height() for bar in bars] for bars in terms.containers], axis=0)
    np.testing.assert_allclose(drawn(terms)["level"] + heights, explanation.forecast["b"], rtol=1e-4)
    assert "b" in [label.get_text() for label in columns.get_yticklabels()]
    assert len(lags.lines[0].get_xdata()) == 48
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"`target` must be one of \['a', 'b', 'c'\]. Received: target='z'"):
        plot_explanation(explanation, "z")


def test_explain_of_one_series_of_a_panel_is_drawn(frame):
    explanation = closed_form(lookback=24).fit({"x": frame, "y": frame * 2}).explain()
    found = drawn(plot_explanation(explanation, "a", "y").axes[0])["forecast"]
    np.testing.assert_allclose(found, explanation.forecast.loc["y"]["a"])
