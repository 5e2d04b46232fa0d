"""Keras layers of a causal stack: the names of `tscnn.network.layers`."""

from __future__ import annotations

from tscnn.network.layers import *  # noqa: F403
from tscnn.network.layers import __all__  # noqa: F401
