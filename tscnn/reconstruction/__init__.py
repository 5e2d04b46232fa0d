"""Gaps filled, and values found that do not go with the others."""

from __future__ import annotations

from tscnn.reconstruction.persistence import is_reconstructor
from tscnn.reconstruction.reconstructor import Reconstructor

__all__ = ["Reconstructor", "is_reconstructor"]
