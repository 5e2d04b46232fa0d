import os
import signal
import time
from pathlib import Path

import joblib
import pytest

from tscnn.common.parallel import call_many


def halve(number: int, folder: str | None = None) -> int:
    """Half of an even number; the first time that it is asked for that of 6 it is killed."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    if number == 6 and folder is not None and not Path(folder, "killed").exists():
        Path(folder, "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number // 2


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_every_call_is_made_once(n_jobs):
    assert dict(call_many(halve, [(2 * i,) for i in range(9)], n_jobs)) == {i: i for i in range(9)}


def test_what_dies_with_a_worker_is_called_again(tmp_path):
    assert dict(call_many(halve, [(2 * i, str(tmp_path)) for i in range(20)], 2)) == {i: i for i in range(20)}
    assert (tmp_path / "killed").exists()


def test_what_kills_every_worker_is_an_error():
    done = []
    with pytest.raises(joblib.externals.loky.process_executor.TerminatedWorkerError):
        done.extend(call_many(die, [(i,) for i in range(6)], 2))
    assert 3 not in dict(done)
    assert len(done) >= 2


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_an_error_ends_all_and_tells_where_it_was_raised(n_jobs):
    with pytest.raises(ValueError, match="3 is odd") as raised:
        list(call_many(halve, [(2,), (3,), (4,)], n_jobs))
    assert len(getattr(raised.value, "__notes__", [])) == (n_jobs == 2)


def test_a_backend_that_returns_lists_alone():
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        assert dict(call_many(halve, [(2 * i,) for i in range(20)], None)) == {i: i for i in range(20)}
