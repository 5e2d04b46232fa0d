import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from tscnn.data.times import Times
from tscnn.transforms import yearly
from tscnn.transforms.yearly import (
    YearlySeason,
    YearlySettings,
    fit_yearly_season,
    list_noises,
    restricted_log_ratio,
)


def angles_of(times: pd.DatetimeIndex) -> np.ndarray:
    days = (times - times.to_period("Y").start_time) / pd.Timedelta(days=1)
    return 2 * np.pi * days.to_numpy() / (365 + times.is_leap_year)


def make_weather(n_days: int = 320, freq: str = "D", seed: int = 0) -> pd.DataFrame:
    """A wave of amplitude 10, coldest on 20 January, whose weather lasts for days; and weather without a wave."""
    times = pd.date_range("2025-02-01", periods=n_days, freq="D")
    random = np.random.default_rng(seed)
    weather = np.zeros((n_days, 2))
    for i, noise in enumerate(random.normal(0, 3, (n_days, 2))):
        weather[i] = 0.6 * weather[i - 1] + noise if i else noise
    wave = -10 * np.cos(angles_of(times) - 2 * np.pi * 19 / 365)
    frame = pd.DataFrame(weather + np.stack([15 + wave, 60 + 0 * wave], axis=1), times, ["warmth", "damp"])
    return frame.resample(freq).ffill()


def fit(frame: pd.DataFrame, season_length: int = 7, **arguments):
    rows = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
    return fit_yearly_season(rows, frame.index, season_length, **arguments)


@pytest.mark.parametrize(("freq", "season_length"), [("D", 7), ("6h", 4)])
def test_most_of_a_year_shows_its_season(freq, season_length):
    frame = make_weather(freq=freq)
    season = fit(frame, season_length)
    cosine, sine = season.coefficients[1:, 0] * frame["warmth"].std(ddof=0)
    assert np.hypot(cosine, sine) == pytest.approx(10, rel=0.15)
    assert np.arctan2(-sine, -cosine) == pytest.approx(2 * np.pi * 19 / 365, abs=0.15)
    assert not season.coefficients[:, 1].any()
    np.testing.assert_allclose(season.at(frame.index).mean(axis=0), 0, atol=1e-6)


def test_half_a_year_may_be_a_trend():
    frame = make_weather(n_days=180)
    assert fit(frame) is None


def random_walks(n_rows: int, n_walks: int, seed: int) -> np.ndarray:
    walks = np.random.default_rng(seed).normal(size=(n_rows, n_walks)).cumsum(axis=0)
    return (walks - walks.mean(axis=0)) / walks.std(axis=0)


def count_seasons(rows: np.ndarray, settings: YearlySettings | None = None) -> int:
    times = pd.date_range("2024-06-01", periods=len(rows), freq="D")
    season = fit_yearly_season(rows, times, 7, settings=settings)
    return 0 if season is None else int(season.coefficients.any(axis=0).sum())


def test_walks_and_trends_are_no_seasons():
    assert count_seasons(random_walks(400, 300, seed=1)) <= 9  # 3 %
    slopes = np.linspace(0, 1, 400)[:, None] * np.linspace(1, 30, 30) + np.random.default_rng(0).normal(size=(400, 30))
    assert count_seasons((slopes - slopes.mean(axis=0)) / slopes.std(axis=0)) == 0


@pytest.mark.slow
def test_the_threshold_keeps_one_to_three_in_a_hundred_random_walks():
    n_walks, rates = 600, {}
    for threshold in (3.0, 1.0):
        settings = YearlySettings(threshold=threshold)
        rates[threshold] = [
            count_seasons(random_walks(n_days, n_walks, seed=n_days), settings) / n_walks
            for n_days in (200, 400, 800, 1500)
        ]
    assert 0.01 < np.mean(rates[3.0]) < 0.03
    assert max(rates[3.0]) < 0.04
    assert np.mean(rates[1.0]) > 0.05


def test_the_settings_decide():
    rows = random_walks(400, 100, seed=1)
    assert count_seasons(rows, YearlySettings(threshold=-1.0)) > count_seasons(rows, YearlySettings(threshold=1.0)) > 0
    assert count_seasons(rows, YearlySettings(fewest_levels=58)) == 0  # of 57 weeks
    few = [fit(make_weather(), settings=YearlySettings(most_levels=n)) for n in (12, 200)]
    assert few[0].coefficients[1, 0] == pytest.approx(few[1].coefficients[1, 0], rel=0.2)
    assert few[0].coefficients[1, 0] != few[1].coefficients[1, 0]


def test_the_log_ratio_is_that_of_normal_distributions():
    random = np.random.default_rng(0)
    n_levels, days, memory, white = 24, 14.0, 50, 0.3
    settings = YearlySettings(memories=(memory,), white_noise=(white,))
    levels = random.normal(size=(n_levels, 2)).cumsum(axis=0)
    wave = np.stack([np.cos(np.arange(n_levels) / 4), np.sin(np.arange(n_levels) / 4)], axis=1)
    left = np.exp(-days / memory)
    steps = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels)))
    noise = left**steps / (1 - left**2) + white * np.eye(n_levels)
    contrasts = np.linalg.svd(np.ones((1, n_levels)))[2][1:]  # what no constant changes

    def log_likelihood(values, strength):
        covariance = contrasts @ (noise + strength * wave @ wave.T) @ contrasts.T
        seen = contrasts @ values
        variance = seen @ np.linalg.solve(covariance, seen) / len(seen)
        return multivariate_normal(cov=variance * covariance).logpdf(seen)

    strengths = [0.0, *settings.strengths]
    noises = list_noises(n_levels, days, settings.memories)
    ratio, coefficients = restricted_log_ratio(levels, wave, noises, settings)
    for feature in range(2):
        likelihoods = [log_likelihood(levels[:, feature], strength) for strength in strengths]
        assert ratio[feature] == pytest.approx(max(likelihoods) - likelihoods[0], rel=1e-6)
        best = strengths[int(np.argmax(likelihoods))]
        covariance = contrasts @ (noise + best * wave @ wave.T) @ contrasts.T
        mean = best * (contrasts @ wave).T @ np.linalg.solve(covariance, contrasts @ levels[:, feature])
        np.testing.assert_allclose(coefficients[:, feature], mean, rtol=1e-6)


def test_a_column_that_had_a_season_keeps_one():
    known, half = fit(make_weather()), make_weather(n_days=180)
    assert fit(half) is None
    assert fit(half, before=known).coefficients.any(axis=0).tolist() == [True, False]


def test_periods_are_times():
    frame = make_weather()
    season = fit(frame)
    periods = fit(frame.to_period("D"))
    np.testing.assert_array_equal(season.coefficients, periods.coefficients)


@pytest.mark.parametrize(
    ("index", "season_length"),
    [
        (pd.date_range("2000-01-01", periods=320, freq="W"), 52),
        (pd.date_range("1990-01-01", periods=320, freq="MS"), 12),
        (pd.RangeIndex(320), None),
    ],
)
def test_there_is_none_where_the_season_is_a_year_or_none(index, season_length):
    years = np.arange(320) * 2 * np.pi / (season_length or 52)
    assert fit_yearly_season(np.sin(years)[:, None], index, season_length) is None


def test_constants_and_few_rows_have_none():
    frame = make_weather()
    assert fit_yearly_season(np.zeros((320, 1)), frame.index, 7) is None
    assert fit(frame[:60]) is None


@pytest.fixture(scope="module")
def season():
    """Of three columns, the second of which has none."""
    coefficients = np.random.default_rng(0).normal(size=(3, 3))
    coefficients[:, 1] = 0
    return YearlySeason(coefficients)


@pytest.mark.parametrize("at", [[0, 1, 2, 3], [9, 3, 3], [11], [0, 390], []])
@pytest.mark.parametrize("as_periods", [False, True])
def test_forecasts_get_back_what_rows_have_lost(season, at, as_periods):
    horizon, targets, times = 4, [2, 1], pd.date_range("2023-12-20", periods=400, freq="D")
    times = times.to_period("D") if as_periods else times
    values = np.random.default_rng(1).normal(size=(400, 3)).astype(np.float32)
    applied = season.apply(values, Times(times))
    assert applied.dtype == np.float32
    np.testing.assert_array_equal(applied[:, 1], values[:, 1])
    at = np.array(at, int)
    steps = at[:, None] + 1 + np.arange(horizon)
    outcomes = applied[steps][:, :, targets]
    restored = season.invert(outcomes, Times(times), at, targets)
    assert restored.dtype == np.float32
    assert restored.shape == (len(at), horizon, 2)
    np.testing.assert_array_equal(restored, outcomes + season.at(times)[steps][:, :, targets])
    np.testing.assert_allclose(restored, values[steps][:, :, targets], rtol=1e-6, atol=1e-6)


def test_only_the_times_of_the_steps_are_looked_at(season, monkeypatch):
    seen = []
    angles = yearly._angles
    monkeypatch.setattr(yearly, "_angles", lambda index: seen.append(len(index)) or angles(index))
    times = pd.date_range("2024-01-01", periods=5000, freq="h")
    for at in (np.arange(100), np.array([10, 4000])):
        season.invert(np.zeros((len(at), 24, 1), np.float32), Times(times), at, [0])
    assert seen == [99 + 24, 2 * 24]


def test_times_must_reach_the_last_step(season):
    times = pd.date_range("2024-01-01", periods=10)
    assert season.invert(np.zeros((1, 3, 1)), Times(times), np.array([6]), [0]).shape == (1, 3, 1)
    with pytest.raises(ValueError, match=r"`times` must go on for 3 steps.*Received: n_times=10, row=7"):
        season.invert(np.zeros((1, 3, 1)), Times(times), np.array([7]), [0])


def test_a_season_is_saved(season):
    times = pd.date_range("2024-01-01", periods=10)
    settings = json.loads(json.dumps(season.settings()))
    reloaded = YearlySeason.from_arrays(settings, season.arrays())
    np.testing.assert_array_equal(reloaded.at(times), season.at(times))
    assert reloaded.name == "yearly_season"


@pytest.mark.parametrize("coefficients", [np.zeros(3), np.zeros((2, 3)), np.full((3, 1), np.nan)])
def test_no_season_is_made_of_other_arrays(coefficients):
    with pytest.raises(ValueError, match=r"`yearly_season` must have three finite coefficients.*Received: shape="):
        YearlySeason.from_arrays({}, {"coefficients": coefficients})
