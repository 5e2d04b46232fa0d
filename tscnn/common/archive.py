"""The file of a saved model: a zip of one JSON header and the raw bytes of arrays, none of which is ever executed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import reprlib
import secrets
import stat
import struct
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tscnn.common.checks import received

__all__ = ["FORMAT_NUMBER", "read_archive", "write_archive"]

FORMAT_NUMBER = 1  # a convention: raised by whatever makes older versions misread a file

# Conventions, far above what a forecaster needs: what a file may make its reader allocate or do.
LARGEST_FILE = 2**31 - 1  # bytes; beyond it a zip needs another layout, zip64
LARGEST_HEADER = 2**24  # bytes
MOST_ARRAYS = 10_000
DEEPEST = 64  # lists and dicts within each other
CHUNK = 2**20  # bytes read or written at once

_FORMAT = "tscnn"
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "int32", "int64", "uint8", "bool")}
_HEADER = "header.json"
_PARTS = ("format", "format_number", "versions", "arrays", "header", "sha256")
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_END = struct.Struct(
    "<4s4H2LH"
)  # the end of a zip: signature, disks, entries, size and place of the directory, comment
_LOCAL, _CENTRAL = 30, 46  # bytes of a zip's two records of a member, without its name


class _NotOurs(Exception):
    """The file is of another kind, or of a later format; the text says which."""


class _Damaged(Exception):
    """The file was one of ours; the text says what is wrong."""


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
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.tscnn"
    ...     write_archive(path, {"horizon": 3}, {"kernel": np.zeros(2)})
    ...     read_archive(path)
    ({'horizon': 3}, {'kernel': array([0., 0.])})
    """
    if len(arrays) > MOST_ARRAYS:
        raise ValueError(received(f"A file holds at most {MOST_ARRAYS} arrays.", n_arrays=len(arrays)))
    little = {name: _as_little_endian(name, array) for name, array in arrays.items()}
    text = _write_header(_encode(dict(header), "header"), little)
    size = _file_size([len(text), *(array.nbytes for array in little.values())])
    if len(text) > LARGEST_HEADER or size > LARGEST_FILE:
        rule = f"A file holds at most {LARGEST_HEADER} bytes of header and {LARGEST_FILE} bytes in all."
        raise ValueError(received(rule, header=len(text), file=size))
    place = _find_place(path)
    with _replacing(place) as file, zipfile.ZipFile(file, "w") as archive:
        _write_member(archive, _HEADER, memoryview(text))
        for number, array in enumerate(little.values()):
            _write_member(archive, _member(number), _bytes_of(array))


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_archive` wrote, and nothing else.

    Names, sizes and shapes are checked before anything is allocated for them; every byte that matters is covered by a
    SHA-256. That tells damage, not forgery: who can write the file decides what is in it, but not what runs.

    Parameters
    ----------
    path : str or path-like
        Of the file.

    Returns
    -------
    header : dict
        As given to `write_archive`, tuples as lists.
    arrays : dict of str to ndarray
        Equal to the bit, in the same order, writable.

    Raises
    ------
    ValueError
        If the file is of another kind, of a later format, or damaged: which, and what to do.
    OSError
        If the file can't be read; `FileNotFoundError` and its kin for a path that is no file.
    """
    place = Path(os.fspath(path))
    _check_is_file(place)
    try:
        with place.open("rb") as file:
            return _read(file)
    except _NotOurs as error:
        raise ValueError(received(str(error), path=str(place))) from None
    except _Damaged as error:
        rule = f"The file is damaged: {error}; save the forecaster again, or take another copy of the file."
        raise ValueError(received(rule, path=str(place))) from None


# Writing


def _as_little_endian(name: Any, array: Any) -> np.ndarray:
    if not isinstance(name, str):
        raise TypeError(received("The name of an array must be a str.", name=name))
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(received(f"{name!r} must be a NumPy array.", type=type(array).__name__))
    if array.dtype.name not in _DTYPES:
        raise TypeError(received(f"{name!r} must be of {', '.join(_DTYPES)}.", dtype=str(array.dtype)))
    return np.asarray(array).astype(_DTYPES[array.dtype.name], order="C", copy=False)


def _bytes_of(array: np.ndarray) -> memoryview:
    """View the memory of an array whose rows lie one behind the other."""
    return array.reshape(-1).view(np.uint8).data


def _write_header(header: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """Write the header of the whole file; its SHA-256 is that of the header without it, and so of all arrays."""
    entries = [
        {
            "name": name,
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "sha256": hashlib.sha256(_bytes_of(array)).hexdigest(),
        }
        for name, array in arrays.items()
    ]
    content = {
        "format": _FORMAT,
        "format_number": FORMAT_NUMBER,
        "versions": {name: version(name) for name in ("tscnn", "numpy", "pandas")},
        "arrays": entries,
        "header": header,
    }
    return _dump({**content, "sha256": hashlib.sha256(_dump(content)).hexdigest()})


def _dump(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def _encode(value: Any, at: str, depth: int = 0) -> Any:
    """Turn a value into one that JSON reads back: what JSON lacks becomes a dict of one key that begins with $."""
    if depth > DEEPEST:
        raise ValueError(received(f"{at} is nested more than {DEEPEST} deep.", type=type(value).__name__))
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, list | tuple):
        return [_encode(item, f"{at}[{i}]", depth + 1) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        rule = f"{at} must be a str, int, float, bool, None, list or dict to be saved."
        raise TypeError(received(rule, value=value, type=type(value).__name__))
    for key in value:
        if not isinstance(key, str):
            raise TypeError(received(f"The keys of {at} must be str to be saved.", key=key))
    items = {key: _encode(item, f"{at}[{key!r}]", depth + 1) for key, item in value.items()}
    return {"$dict": items} if len(items) == 1 and next(iter(items)).startswith("$") else items


def _write_member(archive: zipfile.ZipFile, name: str, data: memoryview) -> None:
    """Add one member: stored as it is, from no particular time and system, so that equal content is equal bytes."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    info.file_size = len(data)
    with archive.open(info, "w") as member:
        for start in range(0, len(data), CHUNK):
            member.write(data[start : start + CHUNK])


def _find_place(path: str | os.PathLike[str]) -> Path:
    """Find where the file is to lie: where a link leads to, not in its place."""
    place = Path(os.fspath(path))
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
def _replacing(place: Path) -> Iterator[BinaryIO]:
    """Open a file beside `place`, which takes its place once everything is on the disk, or is removed."""
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


# Reading


def _check_is_file(place: Path) -> None:
    if place.is_dir():
        raise IsADirectoryError(received("`path` must name a file, not a folder.", path=str(place)))
    if not place.exists():
        raise FileNotFoundError(received("There is no file of this name.", path=str(place)))
    if not place.is_file():  # reading a pipe would wait for ever
        raise ValueError(received("`path` must name a file, not a device.", path=str(place)))


def _read(file: BinaryIO) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    size = os.fstat(file.fileno()).st_size
    _check_kind(file, size)
    _check_end(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            content = _read_header(archive)
            _check_members(archive, len(content["arrays"]), size)
            arrays = {
                entry["name"]: _read_array(archive, number, entry) for number, entry in enumerate(content["arrays"])
            }
            return _decode(content["header"]), arrays
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        struct.error,
    ) as error:
        raise _Damaged(f"its members can't be read ({str(error) or 'they end too early'})") from None


def _check_kind(file: BinaryIO, size: int) -> None:
    """Refuse what doesn't begin as our files do."""
    if size == 0:
        raise _Damaged("it is empty")
    start = file.read(_LOCAL + len(_HEADER))
    if start != b"PK\x03\x04" + start[4:_LOCAL] + _HEADER.encode():
        raise _NotOurs("The file is not a saved tscnn forecaster, which `Forecaster.save` writes.")


def _check_end(file: BinaryIO, size: int) -> None:
    """Check where the directory lies, and that it is not larger than it may be, before it is read."""
    if size > LARGEST_FILE:
        raise _Damaged(f"it has {size} bytes, more than the {LARGEST_FILE} that are ever written")
    file.seek(max(0, size - _END.size))
    last = file.read(_END.size)
    if len(last) < _END.size or last[:4] != b"PK\x05\x06":
        raise _Damaged("its end is missing, or something follows it")
    _, disk, first_disk, n_here, n_members, length, at, comment = _END.unpack(last)
    if disk or first_disk or comment or n_here != n_members or at + length + _END.size != size:
        raise _Damaged("its end does not fit its size")
    if not 1 <= n_members <= 1 + MOST_ARRAYS or length > n_members * (_CENTRAL + len(_member(MOST_ARRAYS))):
        raise _Damaged(f"its directory has {n_members} members in {length} bytes")


def _read_header(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Read the first member, in which every format says its number, and check what it says."""
    info = archive.infolist()[0]
    _check_member(info, _HEADER, 0)
    if info.file_size > LARGEST_HEADER:
        raise _Damaged(f"its header has {info.file_size} bytes, more than {LARGEST_HEADER}")
    with archive.open(info) as member:
        text = member.read(info.file_size + 1)
    try:
        content = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _Damaged(f"its header is no JSON ({error})") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise _NotOurs("The file is not a saved tscnn forecaster: its header names another format.")
    number = content.get("format_number")
    if type(number) is not int or number < 1:
        raise _Damaged(f"its format has the number {reprlib.repr(number)}")
    if number > FORMAT_NUMBER:
        written_by = reprlib.repr(content.get("versions"))
        rule = f"The file was written by format {number}, and this version reads {FORMAT_NUMBER}: upgrade tscnn"
        raise _NotOurs(f"{rule} (it was written by {written_by}).")
    _check_header(content, text)
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check_header(content: dict[str, Any], text: bytes) -> None:
    """Check that the header is what was written, and that it describes arrays."""
    if tuple(content) != _PARTS:
        raise _Damaged("its header lacks a part, or has one too many")
    _check_depth(content)
    rest = {key: value for key, value in content.items() if key != "sha256"}
    if _dump(content) != text or content["sha256"] != hashlib.sha256(_dump(rest)).hexdigest():
        raise _Damaged("the SHA-256 of its header differs")
    if not isinstance(content["arrays"], list) or not isinstance(content["header"], dict):
        raise _Damaged("its header has parts of the wrong type")
    names = [_check_entry(entry) for entry in content["arrays"]]
    if len(set(names)) < len(names):
        raise _Damaged("two of its arrays have one name")


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > 2 * DEEPEST + 2:  # escaped dicts count twice
        raise _Damaged("its header is nested too deep")
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, depth + 1)


def _check_entry(entry: Any) -> str:
    """Check what the header says of an array, and return its name."""
    if not isinstance(entry, dict) or set(entry) != {"name", "dtype", "shape", "sha256"}:
        raise _Damaged("its header describes an array in other words")
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str):
        raise _Damaged(f"an array has the name {reprlib.repr(name)}")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _Damaged(f"the array {reprlib.repr(name)} has the dtype {reprlib.repr(dtype)}")
    is_shape = isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
    # Axes without entries don't let others be as large as they like.
    if not is_shape or math.prod(max(n, 1) for n in shape) > LARGEST_FILE:
        raise _Damaged(f"the array {reprlib.repr(name)} has the shape {reprlib.repr(shape)}")
    return name


def _check_members(archive: zipfile.ZipFile, n_arrays: int, size: int) -> None:
    """Check that the members are those that were written, one behind the other, and fill the file."""
    if len(archive.infolist()) != 1 + n_arrays:
        raise _Damaged(f"it has {len(archive.infolist())} members, and {n_arrays} arrays beside the header")
    at = 0
    for number, info in enumerate(archive.infolist()):
        name = _HEADER if number == 0 else _member(number - 1)
        _check_member(info, name, at)
        at += _LOCAL + len(name) + info.file_size
    if _file_size([info.file_size for info in archive.infolist()]) != size:
        raise _Damaged("there is something between its members")


def _check_member(info: zipfile.ZipInfo, name: str, at: int) -> None:
    if info.orig_filename != name:
        raise _Damaged(f"it has a member {reprlib.repr(info.orig_filename)} where {reprlib.repr(name)} belongs")
    if info.flag_bits or info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise _Damaged(f"its member {reprlib.repr(name)} is compressed or encrypted")
    if info.header_offset != at or info.extra or info.comment:
        raise _Damaged(f"its member {reprlib.repr(name)} is not in its place")


def _read_array(archive: zipfile.ZipFile, number: int, entry: dict[str, Any]) -> np.ndarray:
    """Read an array of the size that the directory and the header agree on."""
    name, dtype, shape = entry["name"], _DTYPES[entry["dtype"]], tuple(entry["shape"])
    info = archive.getinfo(_member(number))
    if info.file_size != math.prod(shape) * dtype.itemsize:
        raise _Damaged(f"the array {reprlib.repr(name)} of shape {reprlib.repr(shape)} has {info.file_size} bytes")
    array = np.empty(shape, dtype)
    data = _bytes_of(array)
    with archive.open(info) as member:
        for start in range(0, len(data), CHUNK):
            part = member.read(min(CHUNK, len(data) - start))
            data[start : start + len(part)] = part
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise _Damaged(f"the SHA-256 of the array {reprlib.repr(name)} differs")
    if entry["dtype"] == "bool" and np.any(array.view(np.uint8) > 1):
        raise _Damaged(f"the array {reprlib.repr(name)} holds something else than booleans")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _decode(value: Any) -> Any:
    """Undo `_encode`."""
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key == "$float" and isinstance(item, str) and item in _FLOATS:
            return _FLOATS[item]
        if key == "$dict" and isinstance(item, dict):
            return {name: _decode(part) for name, part in item.items()}
        if key.startswith("$"):
            raise _Damaged(f"its header has an unknown {reprlib.repr(key)}")
    return {key: _decode(item) for key, item in value.items()}


def _member(number: int) -> str:
    return f"arrays/{number}.bin"


def _file_size(sizes: list[int]) -> int:
    """Compute the size of a file with a header and arrays of some sizes."""
    names = [_HEADER, *(_member(number) for number in range(len(sizes) - 1))]
    return _END.size + sum(_LOCAL + _CENTRAL + 2 * len(name) for name in names) + sum(sizes)
