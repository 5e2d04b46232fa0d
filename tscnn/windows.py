"""Sliding windows of a series: the names of `tscnn.data.windows`."""

from __future__ import annotations

from tscnn.data.windows import *  # noqa: F403
from tscnn.data.windows import __all__  # noqa: F401
