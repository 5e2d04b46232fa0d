import threading

import pytest
from threadpoolctl import threadpool_info

from tscnn.common import threads
from tscnn.common.threads import map_in_threads, on_one_thread


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


def test_on_one_thread_holds_inside_alone():
    def count_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = count_threads()
    assert set(on_one_thread(count_threads)()) == {1}
    assert count_threads() == before
