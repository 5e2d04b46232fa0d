import numpy as np
import pytest

from tscnn.data.windows import make_windows
from tscnn.evaluation.naive import repeat_last, repeat_season


def test_repeating_equals_a_loop():
    inputs, _ = make_windows(np.random.default_rng(0).normal(size=(40, 2)), 10, 1)
    np.testing.assert_array_equal(repeat_last(inputs, 3), np.stack([inputs[:, -1]] * 3, axis=1))
    for season_length in range(1, 11):
        forecast = repeat_season(inputs, 25, season_length)
        assert forecast.shape == (len(inputs), 25, 2)
        series = [list(window) for window in inputs]
        for window in series:
            for _ in range(25):
                window.append(window[-season_length])
        np.testing.assert_array_equal(forecast, np.array(series)[:, 10:])


@pytest.mark.parametrize(
    ("horizon", "season_length", "message"),
    [
        (3, 11, "`season_length` must be at most the lookback, 10. Received: season_length=11"),
        (3, 0, "`season_length` must be an integer of at least 1. Received: season_length=0"),
        (0, 2, "`horizon` must be an integer of at least 1. Received: horizon=0"),
    ],
)
def test_a_season_lies_in_the_window(horizon, season_length, message):
    with pytest.raises(ValueError, match=message):
        repeat_season(np.zeros((1, 10, 1)), horizon, season_length)
