"""Frames in and out: columns and their roles, indexes, series, windows, data sets."""
