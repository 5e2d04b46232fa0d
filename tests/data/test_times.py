"""What is known of times, at the rows before forecasts and at the steps after them."""

import numpy as np
import pandas as pd
import pytest

from tscnn.data.times import Times, at_steps, pad_times


@pytest.mark.parametrize("before", [0, 1, 4])
@pytest.mark.parametrize("at", [[9], [9, 10, 12], [9, 80], [90, 9]])
def test_steps_of_close_and_of_distant_rows_are_their_own(at, before):
    times = Times(pd.RangeIndex(100), np.arange(100.0)[:, None])
    found = at_steps(times, np.array(at), 3, lambda some: some.covariates, before)
    expected = [np.arange(row + 1 - before, row + 4) for row in at]
    np.testing.assert_array_equal(found[..., 0], expected)


@pytest.mark.parametrize(("at", "before"), [([97], 0), ([2], 4)])
def test_rows_without_all_their_times_are_refused(at, before):
    times = Times(pd.RangeIndex(100), np.arange(100.0)[:, None])
    with pytest.raises(ValueError, match="`times` must go on for 3 steps"):
        at_steps(times, np.array(at), 3, lambda some: some.covariates, before)


def test_the_first_time_stands_for_those_before():
    times = Times(pd.RangeIndex(5, 8), np.array([[1.0], [2.0], [3.0]]))
    assert pad_times(times, 5).index.tolist() == [5, 5, 5, 6, 7]
    assert pad_times(times, 2) is times
