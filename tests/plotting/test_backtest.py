import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_frame
from tests.plotting.test_forecast import backtest_of
from tscnn import evaluate
from tscnn.data.tables import Layout
from tscnn.plotting import plot_calibration, plot_errors

FRAME = make_frame(200, 2)
NOISY = FRAME + np.random.default_rng(0).normal(size=FRAME.shape)
BACKTEST = backtest_of(NOISY, range(50, 150, 3), 4)


def test_errors_are_drawn_by_step_and_by_cutoff():
    panels = plot_errors({"ours": BACKTEST, "theirs": BACKTEST + 1}, FRAME, "rmse", units={"a": "m"})
    assert panels.shape == (2, 2)
    by_step = evaluate(BACKTEST, FRAME, "rmse", ["target", "step"])["rmse"]
    by_cutoff = evaluate(BACKTEST + 1, FRAME, "rmse", ["target", "cutoff"])["rmse"]
    np.testing.assert_array_equal(panels[0, 0].lines[0].get_ydata(), by_step.loc["a"])
    np.testing.assert_array_equal(panels[1, 1].lines[1].get_ydata(), by_cutoff.loc["b"])
    assert [line.get_label() for line in panels[0, 0].lines] == ["ours", "theirs"]
    assert len({line.get_linestyle() for line in panels[0, 0].lines}) == 2
    assert [panel.get_ylabel() for panel in panels[:, 0]] == ["rmse, m", "rmse"]


def test_errors_of_one_backtest_and_column():
    panels = plot_errors(BACKTEST, FRAME, columns="b", title="Errors")
    assert panels.shape == (1, 2)
    assert panels[0, 0].figure.get_suptitle() == "Errors"
    with pytest.raises(ValueError, match=r"`columns` must name columns of \['a', 'b'\]"):
        plot_errors(BACKTEST, FRAME, columns="z")


def with_intervals(shares) -> pd.DataFrame:
    """Intervals as wide as their shares."""
    names = [""] if len(shares) == 1 else [f" {100 * share:g}%" for share in shares]
    parts = {("a", "forecast"): BACKTEST["a"]}
    for name, share in zip(names, shares, strict=True):
        parts |= {("a", f"lower{name}"): BACKTEST["a"] - share, ("a", f"upper{name}"): BACKTEST["a"] + share}
    return pd.DataFrame(parts)


def test_intervals_are_compared_with_what_they_claim():
    panels = plot_calibration(with_intervals([0.5, 0.8]), FRAME, units="m")
    assert panels.shape == (1, 3)
    reliability, share, width = panels[0]
    _, found = reliability.lines
    held = evaluate(with_intervals([0.5, 0.8]), FRAME, "coverage").iloc[0]
    np.testing.assert_allclose(found.get_xydata(), [[0.5, held["coverage 50%"]], [0.8, held["coverage 80%"]]])
    assert [line.get_label() for line in width.lines] == ["0.5", "0.8"]
    np.testing.assert_allclose(width.lines[1].get_ydata(), 1.6)
    assert len(share.lines) == 4
    assert width.get_ylabel() == "m"


def test_one_interval_needs_a_claim():
    with pytest.raises(ValueError, match="`coverage` must say what intervals claim"):
        plot_calibration(with_intervals([0.5]), FRAME)
    assert plot_calibration(with_intervals([0.5]), FRAME, coverage=0.5)[0, 1].lines[1].get_ydata()[0] == 0.5


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_without_an_index_are_drawn_as_frames_are(library):
    pytest.importorskip(library)
    layout = Layout(library, "time")
    table, outcomes = layout.give_back(with_intervals([0.8])), layout.give_back(FRAME.rename_axis("time"))
    pairs = [
        (plot_errors({"ours": table}, outcomes), plot_errors(with_intervals([0.8]), FRAME)),
        (plot_calibration(table, outcomes, coverage=0.8), plot_calibration(with_intervals([0.8]), FRAME, coverage=0.8)),
    ]
    for of_table, of_frame in pairs:
        for panel, other in zip(of_table.flat, of_frame.flat, strict=True):
            for line, same in zip(panel.lines, other.lines, strict=True):
                np.testing.assert_allclose(line.get_ydata(), same.get_ydata())
