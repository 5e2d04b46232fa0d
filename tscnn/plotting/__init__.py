"""Pictures: of forecasts, backtests, training, explanations and receptive fields.

Forecasts              `plot_forecast`, which `Forecaster.plot` calls; `plot_interactive`, by plotly
Backtests              `plot_errors`, `plot_calibration`
What the model is      `plot_explanation`, `plot_training`, `plot_receptive_field`

Each draws with matplotlib (``pip install "tscnn[plot]"``), in a figure of pyplot or one that is given, and returns its
Axes: ``axes[0].figure.savefig("forecast.png")``. Colours are those of Okabe and Ito, which colour-blind readers tell
apart; in grey lines differ by width, dashes or marks.
"""

from __future__ import annotations

from tscnn.plotting.backtest import plot_calibration, plot_errors
from tscnn.plotting.explanation import plot_explanation
from tscnn.plotting.figures import need_matplotlib, save_picture
from tscnn.plotting.forecast import plot_forecast
from tscnn.plotting.interactive import plot_interactive
from tscnn.plotting.receptive_field import plot_receptive_field
from tscnn.plotting.training import plot_training

__all__ = [
    "need_matplotlib",
    "plot_calibration",
    "plot_errors",
    "plot_explanation",
    "plot_forecast",
    "plot_interactive",
    "plot_receptive_field",
    "plot_training",
    "save_picture",
]
