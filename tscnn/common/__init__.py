"""What every room needs: argument checks, settings, the protocol of terms, ring buffers, threads, the archive."""

from __future__ import annotations

from tscnn.common.checks import received
from tscnn.common.settings import Settings

__all__ = ["Settings", "received"]
