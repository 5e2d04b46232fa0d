"""Arrays larger than memory: they lie in a file, which is gone when they are."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tscnn.common.checks import received

__all__ = [
    "MOST_ROWS",
    "blocks",
    "columns_of",
    "copy_of",
    "empty_like",
    "every_few",
    "every_nth",
    "find_constant",
    "is_mapped",
    "map_array",
    "release",
]

# Conventions
MOST_IN_MEMORY = 2**27  # bytes of an array that needs no file
MOST_ROWS = 2**22  # of one column, that tell a mean, a scale, a median
FEWEST_ROWS = 2**16  # that do so where columns are many
MOST_VALUES = 2**24  # of an array in memory, whose temporaries are made at a time, ..
MOST_MAPPED = 2**18  # .. and of one in a file


def map_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Make an array in a file without a name, in the folder of temporary files; a small one in memory.

    Parameters
    ----------
    shape : tuple of int
        Rows first.
    dtype : dtype
        Of its values.

    Returns
    -------
    ndarray
        Zeros. The file has no name, and ends with the array and its views, or with the process, however that ends.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if n_bytes <= MOST_IN_MEMORY:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="tscnn-") as file:
        if hasattr(os, "posix_fallocate"):  # or what is written later, on a full disk, ends the process
            try:
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            except OSError as error:
                rule = "Rows larger than memory need room for temporary files; the variable TMPDIR names a folder."
                folder, needed = tempfile.gettempdir(), f"{n_bytes / 1e9:.1f} GB"
                raise OSError(received(rule, folder=folder, needed=needed, error=str(error))) from None
        return np.memmap(file, dtype, "w+", shape=shape)


def is_mapped(array: np.ndarray) -> bool:
    """Say whether an array, or what it is a view of, lies in a file.

    Parameters
    ----------
    array : ndarray
        Of any kind.

    Returns
    -------
    bool
        Of `map_array`.
    """
    return _find_map(array) is not None


def empty_like(array: np.ndarray, shape: Sequence[int] | None = None, dtype: Any = None) -> np.ndarray:
    """Make an array that lies in a file if another one does, else in memory.

    Parameters
    ----------
    array : ndarray
        The other one.
    shape : sequence of int, optional
        Default its own.
    dtype : dtype, optional
        Default its own.

    Returns
    -------
    ndarray
        Of any values.
    """
    shape, dtype = array.shape if shape is None else tuple(shape), array.dtype if dtype is None else dtype
    return map_array(shape, dtype) if is_mapped(array) else np.empty(shape, dtype)


def release(*arrays: np.ndarray) -> None:
    """Let go of the memory of arrays that lie in a file; it is read again where it is needed.

    Parameters
    ----------
    *arrays : ndarray
        Those in memory stay there.
    """
    for array in arrays:
        mapped = _find_map(array)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def blocks(array: np.ndarray, *others: np.ndarray) -> Iterator[slice]:
    """Go through the rows of an array by blocks, and let go of their memory after each.

    Parameters
    ----------
    array : ndarray of shape (n_rows, ...)
        To read.
    *others : ndarray
        That are read or written along with it.

    Yields
    ------
    slice
        Rows of a block.
    """
    most = MOST_MAPPED if is_mapped(array) else MOST_VALUES
    n_block = max(1, most // max(1, int(np.prod(array.shape[1:]))))
    for first in range(0, len(array), n_block):
        yield slice(first, min(first + n_block, len(array)))
        release(array, *others)


def every_few(rows: np.ndarray) -> np.ndarray:
    """Take every row, or of many millions every second, third .. one: enough for a mean, a scale, a median.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        Of one series.

    Returns
    -------
    ndarray
        The same array, or a copy of an odd part of it, so that no phase of a season is left out.
    """
    every = every_nth(rows)
    if every == 1:
        return rows
    taken = np.array(rows[::every])
    release(rows)
    return taken


def every_nth(rows: np.ndarray) -> int:
    """Say how far apart the rows are that `every_few` takes.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        Of one series.

    Returns
    -------
    int
        Odd; 1 for no more than `MOST_ROWS`.
    """
    if len(rows) <= MOST_ROWS:
        return 1
    return min(-(-rows.size // MOST_ROWS), len(rows) // FEWEST_ROWS) | 1


def columns_of(rows: np.ndarray, columns: Sequence[int] | np.ndarray) -> np.ndarray:
    """Take some columns.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        In memory or in a file.
    columns : sequence of int
        Which, in any order.

    Returns
    -------
    ndarray of shape (n_rows, len(columns))
        The same array in a file if these are all of its columns in their order, else a copy.
    """
    columns = list(columns)
    if not is_mapped(rows):
        return rows[:, columns]
    if columns == list(range(rows.shape[1])):
        return rows
    taken = empty_like(rows, (len(rows), len(columns)))
    for block in blocks(rows, taken):
        taken[block] = rows[block][:, columns]
    return taken


def copy_of(array: np.ndarray) -> np.ndarray:
    """Copy an array, block by block if it lies in a file.

    Parameters
    ----------
    array : ndarray of shape (n_rows, ...)
        In memory or in a file.

    Returns
    -------
    ndarray
        Of its kind.
    """
    copy = empty_like(array)
    for block in blocks(array, copy):
        copy[block] = array[block]
    return copy


def find_constant(rows: np.ndarray) -> np.ndarray:
    """Find the columns that never change.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        In memory or in a file.

    Returns
    -------
    ndarray of bool of shape (n_columns,)
        True for those.
    """
    constant = np.ones(rows.shape[1], bool)
    for block in blocks(rows):
        constant &= (rows[block] == rows[0]).all(axis=0)
    return constant


def _find_map(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None
