"""Reading the file of a saved model: everything is checked before anything is allocated for it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import reprlib
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tscnn.common.archive import layout
from tscnn.common.archive.layout import (
    CENTRAL,
    CHUNK,
    DEEPEST,
    DTYPES,
    END,
    FORMAT,
    FORMAT_NUMBER,
    HEADER,
    LOCAL,
    PARTS,
    DamagedFile,
    ForeignFile,
    bytes_of,
    decode,
    dump,
    file_size,
    member_name,
)
from tscnn.common.checks import check_path, received

__all__ = ["arrays_of", "read_archive"]


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
    place = check_path("path", path)
    _check_is_file(place)
    try:
        with place.open("rb") as file:
            return _read(file)
    except ForeignFile as error:
        raise ValueError(received(str(error), path=str(place))) from None
    except DamagedFile as error:
        rule = f"The file is damaged: {error}; save the forecaster again, or take another copy of the file."
        raise ValueError(received(rule, path=str(place))) from None


def arrays_of(part: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take the arrays of one part, which have its name before their own.

    Parameters
    ----------
    part : str
        Its name.
    arrays : mapping of str to ndarray
        Of all parts, by "part/name".

    Returns
    -------
    dict of str to ndarray
        By name.

    Examples
    --------
    >>> arrays_of("season", {"season/weights": np.zeros(2), "network/kernel/0": np.ones(3)})
    {'weights': array([0., 0.])}
    """
    prefix = f"{part}/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


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
            return decode(content["header"]), arrays
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        struct.error,
    ) as error:
        raise DamagedFile(f"its members can't be read ({str(error) or 'they end too early'})") from None


def _check_kind(file: BinaryIO, size: int) -> None:
    """Refuse what doesn't begin as our files do."""
    if size == 0:
        raise DamagedFile("it is empty")
    start = file.read(LOCAL + len(HEADER))
    if start != b"PK\x03\x04" + start[4:LOCAL] + HEADER.encode():
        raise ForeignFile("The file is not a saved tscnn forecaster, which `Forecaster.save` writes.")


def _check_end(file: BinaryIO, size: int) -> None:
    """Check where the directory lies, and that it is not larger than it may be, before it is read."""
    if size > layout.LARGEST_FILE:
        raise DamagedFile(f"it has {size} bytes, more than the {layout.LARGEST_FILE} that are ever written")
    file.seek(max(0, size - END.size))
    last = file.read(END.size)
    if len(last) < END.size or last[:4] != b"PK\x05\x06":
        raise DamagedFile("its end is missing, or something follows it")
    _, disk, first_disk, n_here, n_members, length, at, comment = END.unpack(last)
    if disk or first_disk or comment or n_here != n_members or at + length + END.size != size:
        raise DamagedFile("its end does not fit its size")
    if not 1 <= n_members <= 1 + layout.MOST_ARRAYS or length > n_members * (
        CENTRAL + len(member_name(layout.MOST_ARRAYS))
    ):
        raise DamagedFile(f"its directory has {n_members} members in {length} bytes")


def _read_header(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Read the first member, in which every format says its number, and check what it says."""
    info = archive.infolist()[0]
    _check_member(info, HEADER, 0)
    if info.file_size > layout.LARGEST_HEADER:
        raise DamagedFile(f"its header has {info.file_size} bytes, more than {layout.LARGEST_HEADER}")
    with archive.open(info) as member:
        text = member.read(info.file_size + 1)
    try:
        content = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedFile(f"its header is no JSON ({error})") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ForeignFile("The file is not a saved tscnn forecaster: its header names another format.")
    number = content.get("format_number")
    if type(number) is not int or number < 1:
        raise DamagedFile(f"its format has the number {reprlib.repr(number)}")
    if number > FORMAT_NUMBER:
        written_by = reprlib.repr(content.get("versions"))
        rule = f"The file was written by format {number}, and this version reads {FORMAT_NUMBER}: upgrade tscnn"
        raise ForeignFile(f"{rule} (it was written by {written_by}).")
    _check_header(content, text)
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check_header(content: dict[str, Any], text: bytes) -> None:
    """Check that the header is what was written, and that it describes arrays."""
    if tuple(content) != PARTS:
        raise DamagedFile("its header lacks a part, or has one too many")
    _check_depth(content)
    rest = {key: value for key, value in content.items() if key != "sha256"}
    if dump(content) != text or content["sha256"] != hashlib.sha256(dump(rest)).hexdigest():
        raise DamagedFile("the SHA-256 of its header differs")
    if not isinstance(content["arrays"], list) or not isinstance(content["header"], dict):
        raise DamagedFile("its header has parts of the wrong type")
    names = [_check_entry(entry) for entry in content["arrays"]]
    if len(set(names)) < len(names):
        raise DamagedFile("two of its arrays have one name")


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > 2 * DEEPEST + 2:  # escaped dicts count twice
        raise DamagedFile("its header is nested too deep")
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, depth + 1)


def _check_entry(entry: Any) -> str:
    """Check what the header says of an array, and return its name."""
    if not isinstance(entry, dict) or set(entry) != {"name", "dtype", "shape", "sha256"}:
        raise DamagedFile("its header describes an array in other words")
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str):
        raise DamagedFile(f"an array has the name {reprlib.repr(name)}")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise DamagedFile(f"the array {reprlib.repr(name)} has the dtype {reprlib.repr(dtype)}")
    is_shape = isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
    # Axes without entries don't let others be as large as they like.
    if not is_shape or math.prod(max(n, 1) for n in shape) > layout.LARGEST_FILE:
        raise DamagedFile(f"the array {reprlib.repr(name)} has the shape {reprlib.repr(shape)}")
    return name


def _check_members(archive: zipfile.ZipFile, n_arrays: int, size: int) -> None:
    """Check that the members are those that were written, one behind the other, and fill the file."""
    if len(archive.infolist()) != 1 + n_arrays:
        raise DamagedFile(f"it has {len(archive.infolist())} members, and {n_arrays} arrays beside the header")
    at = 0
    for number, info in enumerate(archive.infolist()):
        name = HEADER if number == 0 else member_name(number - 1)
        _check_member(info, name, at)
        at += LOCAL + len(name) + info.file_size
    if file_size([info.file_size for info in archive.infolist()]) != size:
        raise DamagedFile("there is something between its members")


def _check_member(info: zipfile.ZipInfo, name: str, at: int) -> None:
    if info.orig_filename != name:
        raise DamagedFile(f"it has a member {reprlib.repr(info.orig_filename)} where {reprlib.repr(name)} belongs")
    if info.flag_bits or info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise DamagedFile(f"its member {reprlib.repr(name)} is compressed or encrypted")
    if info.header_offset != at or info.extra or info.comment:
        raise DamagedFile(f"its member {reprlib.repr(name)} is not in its place")


def _read_array(archive: zipfile.ZipFile, number: int, entry: dict[str, Any]) -> np.ndarray:
    """Read an array of the size that the directory and the header agree on."""
    name, dtype, shape = entry["name"], DTYPES[entry["dtype"]], tuple(entry["shape"])
    info = archive.getinfo(member_name(number))
    if info.file_size != math.prod(shape) * dtype.itemsize:
        raise DamagedFile(f"the array {reprlib.repr(name)} of shape {reprlib.repr(shape)} has {info.file_size} bytes")
    array = np.empty(shape, dtype)
    data = bytes_of(array)
    with archive.open(info) as member:
        for start in range(0, len(data), CHUNK):
            part = member.read(min(CHUNK, len(data) - start))
            data[start : start + len(part)] = part
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise DamagedFile(f"the SHA-256 of the array {reprlib.repr(name)} differs")
    if entry["dtype"] == "bool" and np.any(array.view(np.uint8) > 1):
        raise DamagedFile(f"the array {reprlib.repr(name)} holds something else than booleans")
    return array.astype(dtype.newbyteorder("="), copy=False)
