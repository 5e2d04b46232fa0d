import threading

import pytest

from tscnn import threads
from tscnn.threads import map_in_threads


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
