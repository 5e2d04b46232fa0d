import numpy as np
import pandas as pd
import pytest

from tscnn.evaluation.backtest import find_cutoffs

DAYS = pd.date_range("2026-01-01", periods=20, name="day", unit="ns")


@pytest.mark.parametrize(
    ("start", "stride", "expected"),
    [
        (None, 1, range(4, 17)),
        (None, 5, range(4, 17, 5)),
        ("2026-01-10", 1, range(9, 17)),
        (pd.Timestamp("2026-01-10 12:00"), 3, range(10, 17, 3)),
        ("2025-01-01", 1, range(4, 17)),
        ("1000-01-01", 1, range(4, 17)),  # beyond what nanoseconds hold
    ],
)
def test_cutoffs_have_rows_up_to_them_and_after_them(start, stride, expected):
    np.testing.assert_array_equal(find_cutoffs(DAYS, 5, 3, start, stride), list(expected))


def test_cutoffs_of_numbered_rows():
    np.testing.assert_array_equal(find_cutoffs(pd.RangeIndex(10), 2, 1, 6, 1), [6, 7, 8])


@pytest.mark.parametrize("arguments", [(18, 3, None), (5, 16, None), (5, 3, "2026-01-18")])
def test_no_cutoff_is_an_error(arguments):
    n_first, horizon, start = arguments
    with pytest.raises(ValueError, match=r"No cutoff has .* rows up to it and .* rows after it. Received: n_rows=20"):
        find_cutoffs(DAYS, n_first, horizon, start, 1)


@pytest.mark.parametrize(
    ("index", "start"),
    [
        (DAYS, 3),
        (DAYS, DAYS[3].tz_localize("UTC")),
        (DAYS.tz_localize("UTC"), DAYS[3]),
        (DAYS.to_period("D"), DAYS[3]),
        (pd.RangeIndex(20), "2026-01-10"),
        (pd.RangeIndex(20), 6.0),
        (pd.Index(range(20), dtype="Int64"), "6"),
    ],
)
def test_errors_of_a_start_that_is_not_like_the_index(index, start):
    with pytest.raises(TypeError, match=r"`start` must be comparable with the index, which holds .*Received: label="):
        find_cutoffs(index, 5, 3, start, 1)


def test_robust_to_a_start_at_a_missing_midnight():
    days = pd.date_range("2024-09-01", periods=20).tz_localize("America/Santiago", nonexistent="shift_forward")
    np.testing.assert_array_equal(find_cutoffs(days, 5, 3, "2024-09-08", 1), range(7, 17))
