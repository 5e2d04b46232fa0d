import numpy as np
import pytest

from tscnn.statistics import limit_influence


def test_no_column_counts_more_than_ten_times_the_median_one():
    sizes = np.random.default_rng(0).uniform(1, 2, 50)
    np.testing.assert_array_equal(limit_influence(sizes), 1)
    sizes[3] = 1e6
    shares = limit_influence(sizes)
    assert shares[3] * sizes[3] == pytest.approx(10 * np.median(sizes))
    np.testing.assert_array_equal(np.delete(shares, 3), 1)


@pytest.mark.parametrize("sizes", [[0.0, 0.0], [5.0], [0.0] * 9 + [1e9]])
def test_columns_without_errors_are_not_asked(sizes):
    np.testing.assert_array_equal(limit_influence(np.array(sizes)), 1)
