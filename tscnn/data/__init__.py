"""Frames in and out: columns and their roles, indexes, series, windows, data sets."""

from __future__ import annotations

from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import make_windows

__all__ = ["Schema", "SeriesSet", "Split", "learn_schema", "make_windows", "read_frame"]
