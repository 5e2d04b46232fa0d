"""The file of a saved model: a zip of one JSON header and the raw bytes of arrays, none of which is ever executed."""

from __future__ import annotations

from tscnn.common.archive.layout import FORMAT_NUMBER
from tscnn.common.archive.reading import arrays_of, read_archive
from tscnn.common.archive.writing import find_place, replacing, write_archive

__all__ = ["FORMAT_NUMBER", "arrays_of", "find_place", "read_archive", "replacing", "write_archive"]
