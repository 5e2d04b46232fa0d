"""Naive forecasts, the rows of a backtest, and the report on validation rows; imports no Keras."""

from tscnn.evaluation.backtest import find_cutoffs
from tscnn.evaluation.naive import repeat_last, repeat_season
from tscnn.evaluation.report import describe_report, evaluate_forecasts, list_unbeaten

__all__ = ["describe_report", "evaluate_forecasts", "find_cutoffs", "list_unbeaten", "repeat_last", "repeat_season"]
