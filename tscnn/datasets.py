"""The data that come with the package: the names of `tscnn.data.datasets`."""

from __future__ import annotations

from tscnn.data.datasets import *  # noqa: F403
from tscnn.data.datasets import __all__  # noqa: F401
