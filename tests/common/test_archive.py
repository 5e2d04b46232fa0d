from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tscnn.common.archive import layout, read_archive, write_archive

HEADER = {
    "horizon": 3,
    "targets": ["a", "ä"],
    "level": 0.1,
    "lowest": -math.inf,
    "none": None,
    "nested": {"ok": [True]},
}
ARRAYS = {
    "terms/0/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "../ä b": np.array([np.nan, -0.0, 1e-300]),
    "": np.array(7, dtype=np.int64),
    "mask": np.array([True, False]),
    "empty": np.empty((3, 0), dtype=np.int32),
}


def check_equal(found: tuple[dict, dict], header: dict = HEADER, arrays: dict = ARRAYS) -> None:
    assert repr(found[0]) == repr(header)  # in which NaN is NaN, and 1 is not 1.0
    assert list(found[1]) == list(arrays)
    for name, array in arrays.items():
        assert found[1][name].dtype == array.dtype
        assert found[1][name].dtype.isnative
        assert found[1][name].shape == array.shape
        assert found[1][name].tobytes() == array.tobytes()
        assert found[1][name].flags.writeable
        assert found[1][name].flags.c_contiguous


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small file, written."""
    write_archive(tmp_path / "model.tscnn", HEADER, ARRAYS)
    return tmp_path / "model.tscnn"


def check_refused(path: Path, part: str) -> None:
    with pytest.raises(ValueError, match=re.escape(part)) as caught:
        read_archive(path)
    said = str(caught.value)
    assert type(caught.value) is ValueError
    assert said.endswith(f"{path.name}'")  # the middle of a long path is left out
    assert len(said) < 600
    assert caught.value.__cause__ is None


# What comes back


def test_round_trip(path: Path) -> None:
    check_equal(read_archive(path))
    check_equal(read_archive(str(path)))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["header.json", *(f"arrays/{i}.bin" for i in range(5))]
        content = json.loads(archive.read("header.json"))
    assert (content["format"], content["format_number"]) == ("tscnn", 1)
    assert set(content["versions"]) == {"tscnn", "numpy", "pandas"}
    assert [path.name for path in path.parent.iterdir()] == ["model.tscnn"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["$float", "$dict", "$x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), values, max_size=4))
def test_every_header_comes_back(header: dict) -> None:
    encoded = json.loads(json.dumps(layout.encode(header, "header"), allow_nan=False))
    assert repr(layout.decode(encoded)) == repr(header)


@pytest.mark.parametrize(
    "array", [np.arange(12.0).reshape(3, 4).T, np.arange(9, dtype=">f8")[::2], np.zeros((2, 0, 5))]
)
def test_arrays_of_every_layout(tmp_path: Path, array: np.ndarray) -> None:
    write_archive(tmp_path / "x", {}, {"a": array})
    found = read_archive(tmp_path / "x")[1]["a"]
    np.testing.assert_array_equal(found, array, strict=False)
    assert found.dtype.isnative


def test_an_array_may_be_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=layout.CHUNK // 8 + 5)
    write_archive(tmp_path / "x", {}, {"a": array, "b": array[:3]})
    check_equal(read_archive(tmp_path / "x"), {}, {"a": array, "b": array[:3]})


def test_tuples_are_read_as_lists(tmp_path: Path) -> None:
    write_archive(tmp_path / "x", {"a": (1, (2.0, "c"))}, {})
    assert read_archive(tmp_path / "x") == ({"a": [1, [2.0, "c"]]}, {})


def test_the_same_content_gives_the_same_bytes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_archive(path.with_name("later"), HEADER, ARRAYS)
    assert path.with_name("later").read_bytes() == path.read_bytes()


def test_it_is_read_where_pandas_and_keras_are_not_imported(path: Path) -> None:
    code = "import sys; from tscnn.common.archive import read_archive; read_archive(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert not {"pandas", "keras", "pickle5", "sklearn"} & set(done.stdout.split())


# What can't be saved


class Odd:
    pass


@pytest.mark.parametrize(
    ("header", "arrays", "message"),
    [
        (
            {"a": [{"b": Odd}]},
            {},
            "header['a'][0]['b'] must be a str, int, float, bool, None, list or dict to be saved.",
        ),
        ({"a": np.int64(1)}, {}, "header['a'] must be a str"),
        ({"a": b""}, {}, "header['a'] must be a str"),
        ({"a": {1: 2}}, {}, "The keys of header['a'] must be str to be saved. Received: key=1"),
        ({}, {"a": [1.0]}, "'a' must be a NumPy array. Received: type='list'"),
        ({}, {"a": np.ma.masked_equal([1.0], 1)}, "'a' must be a NumPy array."),
        ({}, {"a": np.array([Odd()])}, "'a' must be of float32, float64, int32, int64, uint8, bool. Received: dtype="),
        ({}, {"a": np.array(["x"])}, "Received: dtype='<U1'"),
        ({}, {"a": np.zeros(1, dtype=np.float16)}, "Received: dtype='float16'"),
        ({}, {"a": np.zeros(1, dtype=[("b", "f8")])}, "Received: dtype="),
        ({}, {0: np.zeros(1)}, "The name of an array must be a str. Received: name=0"),
    ],
)
def test_what_cannot_be_saved(path: Path, header: Any, arrays: Any, message: str) -> None:
    before = path.read_bytes()
    with pytest.raises(TypeError, match=re.escape(message)):
        write_archive(path, header, arrays)
    assert path.read_bytes() == before


def test_what_is_too_large_to_be_read_is_not_saved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep: Any = []
    for _ in range(layout.DEEPEST + 1):
        deep = [deep]
    with pytest.raises(ValueError, match="is nested more than 64 deep"):
        write_archive(path, {"a": deep}, {})
    write_archive(path, {"a": deep[0][0]}, {})
    assert read_archive(path) == ({"a": deep[0][0]}, {})
    monkeypatch.setattr(layout, "LARGEST_FILE", 2000)
    with pytest.raises(ValueError, match=r"and 2000 bytes in all\. Received: header="):
        write_archive(path, {}, {"a": np.zeros(1000)})
    monkeypatch.setattr(layout, "LARGEST_HEADER", 500)
    with pytest.raises(ValueError, match="at most 500 bytes of header"):
        write_archive(path, {"a": "x" * 500}, {})
    monkeypatch.setattr(layout, "MOST_ARRAYS", 1)
    with pytest.raises(ValueError, match=r"at most 1 arrays\. Received: n_arrays=2"):
        write_archive(path, {}, {"a": np.zeros(1), "b": np.zeros(1)})


# Paths


def test_paths_that_are_no_file(path: Path, tmp_path: Path) -> None:
    for read_or_write in (read_archive, lambda where: write_archive(where, {}, {})):
        with pytest.raises(IsADirectoryError, match="must name a file, not a folder"):
            read_or_write(tmp_path)
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe")
            with pytest.raises(ValueError, match="must name a file, not a device"):
                read_or_write(tmp_path / "pipe")
            (tmp_path / "pipe").unlink()
    with pytest.raises(FileNotFoundError, match="There is no file of this name"):
        read_archive(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="The folder of `path` must exist; create it first"):
        write_archive(tmp_path / "none" / "x", {}, {})
    with pytest.raises(FileNotFoundError, match="The folder of `path` must exist"):
        write_archive(path / "x", {}, {})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="nothing was saved"):
        write_archive(tmp_path / "x", {}, {})
    tmp_path.chmod(0o700)


def test_links_and_rights_are_kept(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path.name)
    path.chmod(0o640)
    write_archive(link, {}, {})
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert read_archive(path) == read_archive(link) == ({}, {})


# The old file is whole


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "tscnn.common.archive.writing._write_member"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_errors_while_saving(path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    before = path.read_bytes()
    monkeypatch.setattr(call, fail)
    with pytest.raises(type(error)) as caught:
        write_archive(path, {}, {})
    if isinstance(error, OSError):
        assert str(caught.value).endswith(f"No space left on device; nothing was saved. Received: path={str(path)!r}")
        assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert [other.name for other in path.parent.iterdir()] == [path.name]


KILLED = """
import os, pathlib, signal, sys, zipfile
import numpy as np
from tscnn.common.archive import write_archive

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

class Half:
    count = 0
def die_later(self, data, write=zipfile._ZipWriteFile.write):
    Half.count += 1
    write(self, data[: len(data) // 2])
    if Half.count == 3:
        self._fileobj.flush()
        die()

{patch}
write_archive(sys.argv[1], {{}}, {{"a": np.zeros(10**6), "b": np.zeros(10**6)}})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize(
    "patch", ["os.fsync = die", "pathlib.Path.replace = die", "zipfile._ZipWriteFile.write = die_later"]
)
def test_a_killed_process_leaves_the_old_file(path: Path, patch: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED.format(patch=patch), path], check=False)
    assert done.returncode == -signal.SIGKILL
    check_equal(read_archive(path))
    write_archive(path, {}, {})  # what is left beside it is in nobody's way
    assert read_archive(path) == ({}, {})


def test_saving_and_reading_at_once(path: Path) -> None:
    arrays = [{"a": np.full(20_000, i, dtype=np.float64)} for i in range(3)]
    write_archive(path, {"i": 0}, arrays[0])
    errors: list[BaseException] = []

    def save(i: int) -> None:
        try:
            for _ in range(10):
                write_archive(path, {"i": i}, arrays[i])
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=save, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        header, found = read_archive(path)
        assert (found["a"] == header["i"]).all()
    assert not errors
    assert [other.name for other in path.parent.iterdir()] == [path.name]


# Damage


def boundaries(path: Path) -> list[int]:
    """Where the parts of the file begin: records of members, their names and data, the directory, the end."""
    data, found = path.read_bytes(), []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.filename)
            found += [
                info.header_offset,
                info.header_offset + 30,
                start,
                start + info.file_size // 2,
                start + info.file_size,
            ]
    found += [match.start() for match in re.finditer(b"PK\x01\x02|PK\x05\x06", data)]
    return sorted({*found, len(data)})


def test_cut_short_anywhere(path: Path) -> None:
    data, places = path.read_bytes(), boundaries(path)
    for place in {
        *places,
        *(place + 1 for place in places),
        *(place - 1 for place in places),
        *range(0, len(data), 97),
    }:
        if 0 <= place < len(data):
            path.write_bytes(data[:place])
            known = place >= 41
            check_refused(path, "damaged" if known or place == 0 else "is not a saved tscnn forecaster")


@pytest.mark.parametrize("invert", [True, False])
def test_any_byte_changed(path: Path, invert: bool) -> None:
    header, arrays = {"ä": math.nan}, {"a/b": np.arange(2.0)}
    write_archive(path, header, arrays)
    data = path.read_bytes()
    harmless = []
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0xFF if invert else 1 << place % 8
        path.write_bytes(changed)
        try:
            found = read_archive(path)
        except ValueError as error:
            refused = str(error)
            assert "save the forecaster again" in refused or (place < 41 and "not a saved tscnn" in refused)
        else:
            check_equal(found, header, arrays)
            harmless.append(place)
    assert len(harmless) <= 2 * 44  # times, rights, versions and what is repeated, in the records of two members


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8))
def test_several_bytes_changed(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.tscnn"
    write_archive(path, HEADER, ARRAYS)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    try:
        found = read_archive(path)
    except ValueError:
        return
    check_equal(found)


@pytest.mark.parametrize("more", [b"\0", b"PK\x05\x06" + bytes(18), b"garbage" * 10])
def test_what_surrounds_the_file_is_refused(path: Path, more: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes(data + more)
    check_refused(path, "damaged")
    path.write_bytes(more + data)
    check_refused(path, "not a saved tscnn forecaster")
    middle = data.index(b"PK\x01\x02")
    path.write_bytes(data[:middle] + more + data[middle:])
    check_refused(path, "its end does not fit its size")
    end = data[:-6] + struct.pack("<LH", middle + len(more), 0)
    path.write_bytes(data[:middle] + more + end[middle:])
    check_refused(path, "there is something between its members")


# Files of other kinds, and files that someone made


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def zipped(members: dict[str, bytes] | list[tuple[Any, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of names that are there already
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, data)
    return file.getvalue()


OTHER_KINDS = {
    "csv": b"time,a\n2026-01-01,1\n",
    "one byte": b"P",
    "pickle": pickle.dumps(HEADER),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "keras": zipped({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b"\x89HDF"}),
    "npz": npz(),
    "empty zip": zipped({}),
    "npy": b"\x93NUMPY\x01\x00v\x00" + bytes(200),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_files_of_another_kind(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(OTHER_KINDS[kind])
    check_refused(tmp_path / "x", "The file is not a saved tscnn forecaster, which `Forecaster.save` writes.")


def content(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("header.json"))


def dump(parts: dict[str, Any]) -> bytes:
    return json.dumps(parts, separators=(",", ":")).encode()


def signed(parts: dict[str, Any]) -> bytes:
    """Write a header whose SHA-256 fits, as one can who wants to do harm."""
    rest = {key: value for key, value in parts.items() if key != "sha256"}
    return dump({**rest, "sha256": hashlib.sha256(dump(rest)).hexdigest()})


def forge(path: Path, header: bytes, members: list[tuple[Any, bytes]] | None = None) -> None:
    with zipfile.ZipFile(path) as archive:
        kept = [(info.filename, archive.read(info)) for info in archive.infolist()[1:]]
    path.write_bytes(zipped([("header.json", header), *(kept if members is None else members)]))


def test_a_forged_file_is_as_good_as_its_hashes(path: Path) -> None:
    forge(path, signed(content(path)))
    check_equal(read_archive(path))


def test_later_formats_say_so(path: Path) -> None:
    header = {"format": "tscnn", "format_number": 2, "versions": {"tscnn": "9.9"}, "ünknown": []}
    forge(path, json.dumps(header, ensure_ascii=False).encode(), [("other/layout", b"x")])
    check_refused(
        path, "written by format 2, and this version reads 1: upgrade tscnn (it was written by {'tscnn': '9.9'})"
    )
    for number in (0, -1, "1", 1.0, True, None):
        forge(path, signed({**content(path), "format_number": number}), [])
        check_refused(path, f"its format has the number {number!r}")


def test_other_formats_are_not_ours(path: Path) -> None:
    for header in (b"{}", b"[]", b"1", b'{"format":"other","format_number":1}'):
        forge(path, header)
        check_refused(path, "not a saved tscnn forecaster: its header names another format")


def nested(depth: int) -> bytes:
    return b'{"format":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b'{"format":NaN}',
        b'{"format":-Infinity}',
        b"9" * 5000,
        nested(10**6),
        b'{"format":"tscnn"} x',
    ],
    ids=range(8),
)
def test_headers_that_are_no_json(path: Path, header: bytes) -> None:
    forge(path, header)
    check_refused(path, "damaged: its header is no JSON (")


def entry(path: Path, **changes: Any) -> dict[str, Any]:
    """The header with its first array described in other words."""
    parts = content(path)
    return {**parts, "arrays": [{**parts["arrays"][0], **changes}, *parts["arrays"][1:]]}


def drop(parts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in parts.items() if key != name}


FORGED = {
    "lacks": (lambda path: drop(content(path), "versions"), "its header lacks a part"),
    "more": (lambda path: {**content(path), "more": 1}, "its header lacks a part"),
    "deep": (lambda path: {**content(path), "header": json.loads(nested(200))}, "its header is nested too deep"),
    "header": (lambda path: {**content(path), "header": []}, "parts of the wrong type"),
    "arrays": (lambda path: {**content(path), "arrays": {}}, "parts of the wrong type"),
    "dollar": (
        lambda path: {**content(path), "header": {"$object": "os.system"}},
        "its header has an unknown '$object'",
    ),
    "float": (lambda path: {**content(path), "header": {"a": {"$float": "1"}}}, "its header has an unknown '$float'"),
    "entry": (lambda path: {**content(path), "arrays": [1] * 5}, "describes an array in other words"),
    "entry lacks": (lambda path: {**content(path), "arrays": [{"name": "a"}]}, "describes an array in other words"),
    "name": (lambda path: entry(path, name=1), "an array has the name 1"),
    "same name": (lambda path: entry(path, name="mask"), "two of its arrays have one name"),
    "object": (lambda path: entry(path, dtype="object"), "has the dtype 'object'"),
    "dtype": (lambda path: entry(path, dtype="float16"), "has the dtype 'float16'"),
    "dtype list": (lambda path: entry(path, dtype=["f", "8"]), "has the dtype ['f', '8']"),
    "other dtype": (lambda path: entry(path, dtype="float64"), "of shape (2, 3) has 24 bytes"),
    "huge": (lambda path: entry(path, shape=[10**15, 10**15]), "has the shape [1000000000000000, 1000000000000000]"),
    "large": (lambda path: entry(path, shape=[2**28]), "of shape (268435456,) has 24 bytes"),
    "no entries": (lambda path: entry(path, shape=[0, 2**60]), "has the shape [0, 1152921504606846976]"),
    "negative": (lambda path: entry(path, shape=[-2, -3]), "has the shape [-2, -3]"),
    "fraction": (lambda path: entry(path, shape=[2.0, 3]), "has the shape [2.0, 3]"),
    "true": (lambda path: entry(path, shape=[True, 6]), "has the shape [True, 6]"),
    "axes": (lambda path: entry(path, shape=[1] * 33), "has the shape [1, 1, 1, 1, 1, 1, ...]"),
    "shape": (lambda path: entry(path, shape="2"), "has the shape '2'"),
    "sha": (lambda path: entry(path, sha256="0" * 64), "the SHA-256 of the array 'terms/0/kernel' differs"),
    "fewer": (
        lambda path: {**content(path), "arrays": content(path)["arrays"][:-1]},
        "it has 6 members, and 4 arrays beside",
    ),
    "too many": (
        lambda path: {**content(path), "arrays": content(path)["arrays"] + [entry(path, name="z")["arrays"][0]]},
        "it has 6 members, and 6 arrays beside",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_headers(path: Path, name: str) -> None:
    make, message = FORGED[name]
    forge(path, signed(make(path)))
    check_refused(path, message)


def test_a_header_that_was_changed(path: Path) -> None:
    for change in (
        lambda text: text.replace(b'"horizon":3', b'"horizon":4'),
        lambda text: text.replace(b'"horizon":3', b'"horizon": 3'),
        lambda text: text.replace(b'{"horizon":3', b'{"horizon":4,"horizon":3'),
        lambda text: text.replace(b"0.1", b"1e999"),
        lambda text: text.replace(b"\\u00e4", "ä".encode()),
    ):
        before = path.read_bytes()
        forge(path, change(dump(content(path))))
        check_refused(path, "damaged: ")
        path.write_bytes(before)


def test_booleans_are_booleans(path: Path) -> None:
    write_archive(path, {}, {"a": np.array([1, 2], dtype=np.uint8)})
    forge(path, signed(entry(path, dtype="bool")))
    check_refused(path, "holds something else than booleans")


def info(name: str, **changes: Any) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    for key, value in changes.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/passwd", "arrays/5.bin", "arrays/../0.bin", "header.json", "C:\\x", "arrays/0.bin\0.py", ""],
)
@pytest.mark.parametrize("at", [0, 4])
def test_members_of_other_names(path: Path, name: str, at: int) -> None:
    members = [(f"arrays/{i}.bin", array.tobytes()) for i, array in enumerate(ARRAYS.values())]
    if name == "arrays/5.bin" and at == 4:
        members.append((name, b"extra"))
    else:
        members[at] = (info("x"), members[at][1])
        members[at][0].filename = members[at][0].orig_filename = name
    forge(path, dump(content(path)), members)
    check_refused(path, "damaged: ")


def test_members_more_or_twice(path: Path) -> None:
    members = [(f"arrays/{i}.bin", array.tobytes()) for i, array in enumerate(ARRAYS.values())]
    for more in ([*members, members[0]], [members[0], *members], members[:-1], [*members, ("run.py", b"import os")]):
        forge(path, dump(content(path)), more)
        check_refused(path, "damaged: ")


def test_a_zip_bomb_is_not_inflated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = info("arrays/0.bin", compress_type=zipfile.ZIP_DEFLATED)
    members = [(f"arrays/{i}.bin", array.tobytes()) for i, array in enumerate(ARRAYS.values())]
    forge(path, signed(entry(path, shape=[2**20], dtype="float64")), [(bomb, bytes(2**23)), *members[1:]])
    assert path.stat().st_size < 2**16
    check_refused(path, "its member 'arrays/0.bin' is compressed or encrypted")
    path.write_bytes(zipped([(info("header.json", compress_type=zipfile.ZIP_DEFLATED), b" " * 2**25)]))
    check_refused(path, "its member 'header.json' is compressed or encrypted")
    monkeypatch.setattr(layout, "LARGEST_HEADER", 100)
    forge(path, b" " * 101, [])
    check_refused(path, "its header has 101 bytes, more than 100")


def test_sizes_that_lie(path: Path) -> None:
    data = path.read_bytes()
    local, central = data.index(b"PK\x03\x04", 1), [m.start() for m in re.finditer(b"PK\x01\x02", data)][1]
    for size in (2**32 - 1, 2**30, 25, 0):
        for places in ((central + 20, central + 24), (central + 20, central + 24, local + 18, local + 22)):
            changed = bytearray(data)
            for place in places:
                struct.pack_into("<L", changed, place, size)
            path.write_bytes(changed)
            check_refused(path, "damaged: ")


def test_flags_and_directories_that_lie(path: Path) -> None:
    data = path.read_bytes()
    central = data.index(b"PK\x01\x02")
    for place, values in ((central + 8, (1, 8, 64)), (central + 10, (8, 12, 14, 99)), (central + 42, (1, 2**31))):
        for value in values:
            changed = bytearray(data)
            struct.pack_into("<H" if value < 2**16 else "<L", changed, place, value)
            path.write_bytes(changed)
            check_refused(path, "damaged: ")
    end = len(data) - 22
    for place, value in ((8, 65535), (10, 65535), (12, 2**31), (16, 2**31), (20, 5), (4, 1)):
        changed = bytearray(data)
        struct.pack_into("<L" if value > 65535 else "<H", changed, end + place, value)
        path.write_bytes(changed)
        check_refused(path, "damaged: its end does not fit its size")


def test_a_directory_too_long_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_ARRAYS", 4)
    check_refused(path, "damaged: its directory has 6 members in")
    monkeypatch.setattr(layout, "LARGEST_FILE", 1000)
    check_refused(path, "more than the 1000 that are ever written")
