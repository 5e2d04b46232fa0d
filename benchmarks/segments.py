"""Train with segments of a given length, which the package chooses for itself."""

from __future__ import annotations

__all__ = ["force_segments"]


def force_segments(n_origins: int) -> None:
    """Make dense training in this process use segments of `n_origins` origins (at most the batch size)."""
    from tscnn import training

    if not hasattr(training, "_segment_origins"):
        raise RuntimeError("tscnn.training no longer chooses the segment length in _segment_origins.")
    training._segment_origins = lambda kind, _lookback: n_origins if kind == "dense" else 1
