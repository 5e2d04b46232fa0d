import gc
import os
import resource

import numpy as np
import pytest

from tscnn.data import mapped
from tscnn.data.mapped import (
    blocks,
    columns_of,
    copy_of,
    empty_like,
    every_few,
    find_constant,
    is_mapped,
    map_array,
    release,
)


@pytest.fixture
def on_disk(monkeypatch):
    monkeypatch.setattr(mapped, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(mapped, "MOST_MAPPED", 64)


def on_file(values):
    array = map_array(values.shape, values.dtype)
    array[:] = values
    return array


def test_small_arrays_stay_in_memory():
    assert not is_mapped(map_array((10, 2), np.float32))


@pytest.mark.usefixtures("on_disk")
def test_views_of_a_file_are_known_and_keep_their_values():
    rows = on_file(np.arange(300.0).reshape(100, 3))
    for view in (rows, rows[10:], rows[:, 1], np.asarray(rows), np.ascontiguousarray(rows)):
        assert is_mapped(view)
        before = view.copy()
        release(view)
        np.testing.assert_array_equal(view, before)
    assert not is_mapped(rows + 1)
    assert not is_mapped(rows[[0, 3]])
    assert is_mapped(empty_like(rows, (4,), np.int32))
    assert not is_mapped(empty_like(np.zeros(3)))


@pytest.mark.usefixtures("on_disk")
def test_blocks_cover_all_rows_once():
    rows = on_file(np.arange(300.0).reshape(100, 3))
    assert [(part.start, part.stop) for part in blocks(rows)][:2] == [(0, 21), (21, 42)]
    np.testing.assert_array_equal(np.concatenate([rows[part] for part in blocks(rows)]), rows)
    np.testing.assert_array_equal(copy_of(rows), rows)
    assert not np.shares_memory(copy_of(rows), rows)


@pytest.mark.usefixtures("on_disk")
def test_columns_are_not_copied_without_need():
    rows = on_file(np.arange(300.0).reshape(100, 3))
    assert columns_of(rows, [0, 1, 2]) is rows
    taken = columns_of(rows, np.array([2, 0]))
    assert is_mapped(taken)
    np.testing.assert_array_equal(taken, rows[:, [2, 0]])
    np.testing.assert_array_equal(columns_of(np.array(rows), [1]), rows[:, [1]])


@pytest.mark.usefixtures("on_disk")
def test_constant_columns_are_found():
    rows = np.ones((100, 3))
    rows[77, 1] = 2
    np.testing.assert_array_equal(find_constant(on_file(rows)), [True, False, True])
    np.testing.assert_array_equal(find_constant(rows), [True, False, True])


def test_some_rows_stand_for_very_many(monkeypatch):
    monkeypatch.setattr(mapped, "MOST_ROWS", 1000)
    monkeypatch.setattr(mapped, "FEWEST_ROWS", 100)
    rows = np.arange(7000.0)
    assert every_few(rows[:1000]) is not None
    np.testing.assert_array_equal(every_few(rows), rows[::7])
    assert 90 <= len(every_few(np.zeros((7000, 90)))) < 200


def test_memory_is_let_go_of():
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("files of another kind")
    rows = map_array((2**19 + 1, 32), np.float64)  # 134 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for block in blocks(rows):
        rows[block] = 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    assert rows[[0, -1]].all()
    del rows
    gc.collect()


@pytest.mark.usefixtures("on_disk")
def test_no_room_is_said_before(monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(OSError, match="TMPDIR names a folder") as error:
        map_array((1000, 2), np.float64)
    assert len(str(error.value)) < 400
