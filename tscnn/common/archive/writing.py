"""Writing the file of a saved model: whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tscnn.common.archive import layout
from tscnn.common.archive.layout import (
    CHUNK,
    DTYPES,
    FORMAT,
    FORMAT_NUMBER,
    HEADER,
    bytes_of,
    dump,
    encode,
    file_size,
    member_name,
)
from tscnn.common.checks import check_path, received

__all__ = ["find_place", "replacing", "write_archive"]


def write_archive(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write settings and arrays into one file, in place of what was there.

    The same content gives the same bytes. The file is written beside its place and moved there when it is complete: if
    anything fails, or the process is killed, the old file is whole.

    Parameters
    ----------
    path : str or path-like
        Of the file; its folder must exist.
    header : mapping
        Of str to whatever JSON holds, floats that aren't finite included. Tuples are read back as lists.
    arrays : mapping of str to ndarray
        Of float32, float64, int32, int64, uint8 or bool. Any str is a name.

    Raises
    ------
    TypeError, ValueError
        If something can't be saved, naming it.
    OSError
        If the file can't be written; `FileNotFoundError` and its kin for a path that can't be one.

    Examples
    --------
    >>> import tempfile
    >>> from tscnn.common.archive import read_archive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.tscnn"
    ...     write_archive(path, {"horizon": 3}, {"kernel": np.zeros(2)})
    ...     read_archive(path)
    ({'horizon': 3}, {'kernel': array([0., 0.])})
    """
    if len(arrays) > layout.MOST_ARRAYS:
        raise ValueError(received(f"A file holds at most {layout.MOST_ARRAYS} arrays.", n_arrays=len(arrays)))
    little = {name: _as_little_endian(name, array) for name, array in arrays.items()}
    text = _write_header(encode(dict(header), "header"), little)
    size = file_size([len(text), *(array.nbytes for array in little.values())])
    if len(text) > layout.LARGEST_HEADER or size > layout.LARGEST_FILE:
        rule = f"A file holds at most {layout.LARGEST_HEADER} bytes of header and {layout.LARGEST_FILE} bytes in all."
        raise ValueError(received(rule, header=len(text), file=size))
    place = find_place(path)
    with replacing(place) as file, zipfile.ZipFile(file, "w") as archive:
        _write_member(archive, HEADER, memoryview(text))
        for number, array in enumerate(little.values()):
            _write_member(archive, member_name(number), bytes_of(array))


def _as_little_endian(name: Any, array: Any) -> np.ndarray:
    if not isinstance(name, str):
        raise TypeError(received("The name of an array must be a str.", name=name))
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(received(f"{name!r} must be a NumPy array.", type=type(array).__name__))
    if array.dtype.name not in DTYPES:
        raise TypeError(received(f"{name!r} must be of {', '.join(DTYPES)}.", dtype=str(array.dtype)))
    return np.asarray(array).astype(DTYPES[array.dtype.name], order="C", copy=False)


def _write_header(header: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """Write the header of the whole file; its SHA-256 is that of the header without it, and so of all arrays."""
    entries = [
        {
            "name": name,
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "sha256": hashlib.sha256(bytes_of(array)).hexdigest(),
        }
        for name, array in arrays.items()
    ]
    content = {
        "format": FORMAT,
        "format_number": FORMAT_NUMBER,
        "versions": {name: version(name) for name in ("tscnn", "numpy", "pandas")},
        "arrays": entries,
        "header": header,
    }
    return dump({**content, "sha256": hashlib.sha256(dump(content)).hexdigest()})


def _write_member(archive: zipfile.ZipFile, name: str, data: memoryview) -> None:
    """Add one member: stored as it is, from no particular time and system, so that equal content is equal bytes."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.file_size = len(data)
    with archive.open(info, "w") as member:
        for start in range(0, len(data), CHUNK):
            member.write(data[start : start + CHUNK])


def find_place(path: str | os.PathLike[str]) -> Path:
    """Find where a file is to lie: where a link leads to, not in its place.

    Parameters
    ----------
    path : str or path-like
        Of the file.

    Returns
    -------
    Path
        In a folder that exists.

    Raises
    ------
    OSError, TypeError, ValueError
        If no file can lie there.
    """
    place = check_path("path", path)
    if place.is_symlink():
        place = place.resolve()
    if place.is_dir():
        raise IsADirectoryError(received("`path` must name a file, not a folder.", path=str(place)))
    if not place.parent.is_dir():
        raise FileNotFoundError(received("The folder of `path` must exist; create it first.", path=str(place)))
    if place.exists() and not place.is_file():
        raise ValueError(received("`path` must name a file, not a device.", path=str(place)))
    return place


@contextlib.contextmanager
def replacing(place: Path) -> Iterator[BinaryIO]:
    """Open a file beside `place`, which takes its place once everything is on the disk, or is removed.

    Parameters
    ----------
    place : Path
        Of `find_place`.

    Yields
    ------
    BinaryIO
        To write to.

    Raises
    ------
    OSError
        If it can't be written; what was there before is as it was.
    """
    beside = place.with_name(f".tscnn-{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        beside.replace(place)
    except OSError as error:
        rule = f"{error.strerror or error}; nothing was saved."
        raise OSError(error.errno, received(rule, path=str(place))) from error
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name written to the disk, too, where the system knows how."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
