import numpy as np

from benchmarks.contestants.accuracy import start_error


def test_a_network_is_judged_with_what_it_is_told_of_the_times_of_outcomes():
    values = np.random.default_rng(0).normal(size=(600, 1))
    lookback, horizon = 12, 6

    def forecast(windows, known):  # (batch, 12, 1), (batch, 1, 6, 1) -> (batch, 1, 6, 1)
        assert windows.shape[1:] == (lookback, 1)
        return known

    assert start_error(forecast, values, lookback, horizon, values[lookback:]) == 0
    alone = start_error(lambda windows: windows[:, None, -horizon:], values, lookback, horizon)
    pairs = [values[i : i + horizon] - values[i - horizon : i] for i in range(lookback, 600 - horizon + 1)]
    np.testing.assert_allclose(alone, np.mean(np.square(pairs)))
