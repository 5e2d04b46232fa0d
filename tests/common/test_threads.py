import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tscnn.common import threads
from tscnn.common.threads import map_in_threads, on_one_thread


@pytest.fixture
def two_threads():
    """BLAS with two threads, set by threads that end: the first that lives keeps all others from setting it."""
    with ThreadPoolExecutor(1) as pool:
        limits = pool.submit(threadpool_limits, 2, "blas").result()
    yield
    with ThreadPoolExecutor(1) as pool:
        pool.submit(limits.restore_original_limits).result()


@pytest.mark.parametrize("n_processors", [None, 1, 2, 64])
def test_results_keep_the_order_of_the_values(monkeypatch, n_processors):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: n_processors)
    n_values = 4 * threads.MOST_THREADS
    met = threading.Barrier(min(n_processors or 1, threads.MOST_THREADS), timeout=30)  # passed by all threads at once

    def square(value):
        met.wait()
        return value**2

    assert map_in_threads(square, range(n_values)) == [value**2 for value in range(n_values)]


def test_what_fails_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        map_in_threads(lambda value: 1 / value, [1, 0, 2])


@pytest.mark.usefixtures("two_threads")
def test_on_one_thread_holds_inside_alone():
    def count_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = count_threads()
    assert set(before) == {2}
    assert set(on_one_thread(count_threads)()) == {1}
    assert count_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_overlapping_limits_put_back_the_state():
    def count_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before, met = count_threads(), threading.Barrier(2, timeout=30)

    @on_one_thread
    def leave_after(seconds):
        met.wait()
        time.sleep(seconds)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(leave_after, [0, 0.1]))
    assert count_threads() == before
