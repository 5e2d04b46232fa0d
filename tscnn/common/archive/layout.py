"""How the file of a saved model is laid out: names, sizes and limits, and what JSON lacks."""

from __future__ import annotations

import json
import math
import reprlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from tscnn.common.checks import received

__all__ = [
    "CENTRAL",
    "CHUNK",
    "DEEPEST",
    "DTYPES",
    "END",
    "FORMAT",
    "FORMAT_NUMBER",
    "HEADER",
    "LARGEST_FILE",
    "LARGEST_HEADER",
    "LOCAL",
    "MOST_ARRAYS",
    "PARTS",
    "DamagedFile",
    "ForeignFile",
    "bytes_of",
    "decode",
    "dump",
    "encode",
    "file_size",
    "member_name",
]

FORMAT_NUMBER = 1  # a convention: raised by whatever makes older versions misread a file

# Conventions, far above what a forecaster needs: what a file may make its reader allocate or do.
LARGEST_FILE = 2**31 - 1  # bytes; beyond it a zip needs another layout, zip64
LARGEST_HEADER = 2**24  # bytes
MOST_ARRAYS = 10_000
DEEPEST = 64  # lists and dicts within each other
CHUNK = 2**20  # bytes read or written at once

FORMAT = "tscnn"
DTYPES = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "int32", "int64", "uint8", "bool")}
HEADER = "header.json"
PARTS = ("format", "format_number", "versions", "arrays", "header", "sha256")
FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
END = struct.Struct("<4s4H2LH")  # the end of a zip: signature, disks, entries, size and place of the directory, comment
LOCAL, CENTRAL = 30, 46  # bytes of a zip's two records of a member, without its name


class ForeignFile(Exception):
    """The file is of another kind, or of a later format; the text says which."""


class DamagedFile(Exception):
    """The file was one of ours; the text says what is wrong."""


def encode(value: Any, at: str, depth: int = 0) -> Any:
    """Turn a value into one that JSON reads back: what JSON lacks becomes a dict of one key that begins with $."""
    if depth > DEEPEST:
        raise ValueError(received(f"{at} is nested more than {DEEPEST} deep.", type=type(value).__name__))
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, list | tuple):
        return [encode(item, f"{at}[{i}]", depth + 1) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        rule = f"{at} must be a str, int, float, bool, None, list or dict to be saved."
        raise TypeError(received(rule, value=value, type=type(value).__name__))
    for key in value:
        if not isinstance(key, str):
            raise TypeError(received(f"The keys of {at} must be str to be saved.", key=key))
    items = {key: encode(item, f"{at}[{key!r}]", depth + 1) for key, item in value.items()}
    return {"$dict": items} if len(items) == 1 and next(iter(items)).startswith("$") else items


def decode(value: Any) -> Any:
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key == "$float" and isinstance(item, str) and item in FLOATS:
            return FLOATS[item]
        if key == "$dict" and isinstance(item, dict):
            return {name: decode(part) for name, part in item.items()}
        if key.startswith("$"):
            raise DamagedFile(f"its header has an unknown {reprlib.repr(key)}")
    return {key: decode(item) for key, item in value.items()}


def dump(content: Any) -> bytes:
    """Write what `encode` returned, the same content as the same bytes."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def bytes_of(array: np.ndarray) -> memoryview:
    """View the memory of an array whose rows lie one behind the other."""
    return array.reshape(-1).view(np.uint8).data


def member_name(number: int) -> str:
    """Name the member that holds an array."""
    return f"arrays/{number}.bin"


def file_size(sizes: list[int]) -> int:
    """Compute the size of a file with a header and arrays of some sizes."""
    names = [HEADER, *(member_name(number) for number in range(len(sizes) - 1))]
    return END.size + sum(LOCAL + CENTRAL + 2 * len(name) for name in names) + sum(sizes)
