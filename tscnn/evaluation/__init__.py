"""Naive forecasts, backtests and reports."""
