import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from tests.conftest import quick_forecaster, small_forecaster
from tests.series import random_walks
from tscnn.transforms import yearly
from tscnn.transforms.standardize import fit_scaler
from tscnn.transforms.yearly import fit_yearly_wave


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


def fit(frame: pd.DataFrame, seasonality: int = 7):
    rows = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
    return fit_yearly_wave(rows, frame.index, seasonality)


@pytest.mark.parametrize(("freq", "seasonality"), [("D", 7), ("6h", 4)])
def test_most_of_a_year_shows_its_wave(freq, seasonality):
    frame = make_weather(freq=freq)
    wave = fit(frame, seasonality)
    cosine, sine = wave.coefficients[1:, 0] * frame["warmth"].std(ddof=0)
    assert np.hypot(cosine, sine) == pytest.approx(10, rel=0.15)
    assert np.arctan2(-sine, -cosine) == pytest.approx(2 * np.pi * 19 / 365, abs=0.15)
    assert not wave.coefficients[:, 1].any()
    np.testing.assert_allclose(wave.at(frame.index).mean(axis=0), 0, atol=1e-6)


def test_half_a_year_may_be_a_trend():
    frame = make_weather(n_days=180)
    assert fit(frame) is None


def test_walks_and_trends_are_no_waves():
    times = pd.date_range("2024-06-01", periods=400, freq="D")
    walks = random_walks([400], 300, seed=1)
    wave = fit(pd.DataFrame(walks, times))
    shown = 0 if wave is None else int(wave.coefficients.any(axis=0).sum())
    assert shown <= 6  # of 300: evidence of 20 to 1 comes by chance now and then
    slopes = np.linspace(0, 1, 400)[:, None] * np.linspace(1, 30, 30) + np.random.default_rng(0).normal(size=(400, 30))
    assert fit(pd.DataFrame(slopes, times)) is None


def test_evidence_is_that_of_a_normal_distribution(monkeypatch):
    random = np.random.default_rng(0)
    n_levels, days, memory, white = 24, 14.0, 50, 0.3
    levels = random.normal(size=(n_levels, 2)).cumsum(axis=0)
    waves = np.stack([np.cos(np.arange(n_levels) / 4), np.sin(np.arange(n_levels) / 4)], axis=1)
    left = np.exp(-days / memory)
    steps = np.abs(np.subtract.outer(np.arange(n_levels), np.arange(n_levels)))
    noise = left**steps / (1 - left**2) + white * np.eye(n_levels)
    contrasts = np.linalg.svd(np.ones((1, n_levels)))[2][1:]  # what no constant changes

    def likelihood(values, strength):
        covariance = contrasts @ (noise + strength * waves @ waves.T) @ contrasts.T
        seen = contrasts @ values
        variance = seen @ np.linalg.solve(covariance, seen) / len(seen)
        return multivariate_normal(cov=variance * covariance).logpdf(seen)

    strengths = [0.0, *yearly.STRENGTHS]
    monkeypatch.setattr(yearly, "MEMORIES", (memory,))
    monkeypatch.setattr(yearly, "WHITE", (white,))
    evidence, coefficients = yearly._weigh(levels, waves, list(yearly._list_noises(n_levels, days)))
    for feature in range(2):
        likelihoods = [likelihood(levels[:, feature], strength) for strength in strengths]
        assert evidence[feature] == pytest.approx(max(likelihoods) - likelihoods[0], rel=1e-6)
        best = strengths[int(np.argmax(likelihoods))]
        covariance = contrasts @ (noise + best * waves @ waves.T) @ contrasts.T
        mean = best * (contrasts @ waves).T @ np.linalg.solve(covariance, contrasts @ levels[:, feature])
        np.testing.assert_allclose(coefficients[:, feature], mean, rtol=1e-6)


def test_a_column_that_had_a_wave_keeps_one():
    frame = make_weather()
    known, half = fit(frame), make_weather(n_days=180)
    assert fit(half) is None
    rows = ((half - half.mean()) / half.std(ddof=0)).to_numpy()
    assert fit_yearly_wave(rows, half.index, 7, before=known).coefficients.any(axis=0).tolist() == [True, False]
    scaler = fit_scaler(frame.to_numpy()).with_wave(frame.to_numpy(), frame.index, 7)
    assert scaler.with_wave(half.to_numpy(), half.index, 7).wave.coefficients.any(axis=0).tolist() == [True, False]
    assert scaler.with_wave(half.to_numpy(), half.index, None).wave is None


def test_periods_are_times():
    frame = make_weather()
    wave = fit(frame)
    periods = fit(frame.to_period("D"))
    np.testing.assert_array_equal(wave.coefficients, periods.coefficients)


@pytest.mark.parametrize(
    ("index", "seasonality"),
    [
        (pd.date_range("2000-01-01", periods=320, freq="W"), 52),
        (pd.date_range("1990-01-01", periods=320, freq="MS"), 12),
        (pd.RangeIndex(320), None),
    ],
)
def test_there_is_no_wave_where_the_season_is_a_year_or_none(index, seasonality):
    years = np.arange(320) * 2 * np.pi / (seasonality or 52)
    assert fit_yearly_wave(np.sin(years)[:, None], index, seasonality) is None


def test_constants_and_few_rows_have_none():
    frame = make_weather()
    assert fit_yearly_wave(np.zeros((320, 1)), frame.index, 7) is None
    assert fit(frame[:60]) is None


def test_a_wave_goes_on_after_each_row():
    frame = make_weather()
    wave = fit(frame)
    ahead = wave.ahead(frame.index, frame.index.freq, 3)
    assert ahead.shape == (320, 3, 2)
    times = pd.date_range(frame.index[0], periods=323, freq="D")
    for step in range(3):
        np.testing.assert_array_equal(ahead[:, step], wave.at(times)[step + 1 : step + 321])


@pytest.fixture(scope="module")
def weather() -> pd.DataFrame:
    return make_weather(n_days=420)


@pytest.fixture(scope="module")
def knowing(weather):
    """A forecaster that knows the wave."""
    return quick_forecaster(lookback=10).fit(weather[:320])


def test_a_forecaster_knows_its_wave_in_the_data_s_own_units(knowing, weather):
    table = knowing.yearly_wave_
    assert list(table.index) == ["cosine", "sine"]
    assert list(table.columns) == ["warmth", "damp"]
    assert np.hypot(*table["warmth"]) == pytest.approx(10, rel=0.15)
    assert not table["damp"].any()
    assert quick_forecaster(lookback=10, yearly_seasonality=None).fit(weather[:320]).yearly_wave_ is None


def test_the_wave_comes_back_in_every_forecast(knowing, weather):
    backtest = knowing.backtest(weather)
    stream = knowing.stream(weather[:330])
    for cutoff in range(330, 350):
        found, expected = stream.update(weather.iloc[cutoff]), backtest.loc[weather.index[cutoff]]
        pd.testing.assert_frame_equal(found, expected, check_freq=False, check_names=False, rtol=1e-4)
    found = knowing.predict(weather[:350])
    pd.testing.assert_frame_equal(found, expected, check_freq=False, check_names=False, rtol=1e-5)
    outcomes = np.stack([weather.to_numpy()[cutoff + 1 : cutoff + 4] for cutoff in range(9, 417)])
    errors = backtest.to_numpy().reshape(outcomes.shape) - outcomes
    deviations = outcomes - outcomes[:, 0].mean(axis=0)
    deviation = np.square(deviations).sum(axis=(0, 1)) - np.square(deviations.sum(axis=(0, 1))) / (408 * 3)
    assert knowing.score(weather) == pytest.approx(
        np.mean(1 - np.square(errors).sum(axis=(0, 1)) / deviation), rel=1e-6
    )


def test_series_may_stand_at_different_times(knowing, weather):
    contexts = {"spring": weather[50:80], "autumn": weather[230:260]}
    together = knowing.predict(contexts)
    for name, context in contexts.items():
        pd.testing.assert_frame_equal(together.loc[name], knowing.predict(context), check_freq=False, check_names=False)
    stream = knowing.stream({name: context[:-1] for name, context in contexts.items()})
    newest = pd.concat([context[-1:] for context in contexts.values()]).set_axis(list(contexts))
    pd.testing.assert_frame_equal(stream.update(newest), together, check_freq=False, check_names=False, rtol=1e-4)


def test_the_time_of_the_year_turns_a_forecast(knowing, weather):
    rows = weather[50:80]
    later = rows.set_axis(rows.index + pd.Timedelta(days=183))
    rising, falling = (knowing.predict(context)["warmth"].diff().iloc[-1] for context in (rows, later))
    wave = knowing._scaler.wave.at(pd.DatetimeIndex(rows.index[-1] + pd.to_timedelta([2, 3], "D")))[:, 0]
    slope = np.diff(wave)[0] * knowing.scale_[0]
    assert slope > 0.1
    assert rising - falling > slope


def test_periods_are_forecast_as_times_are(knowing, weather):
    periods = quick_forecaster(lookback=10).fit(weather[:320].to_period("D"))
    for forecast in (lambda by, frame: by.predict(frame), lambda by, frame: by.backtest(frame)):
        expected, found = forecast(knowing, weather[:350]), forecast(periods, weather[:350].to_period("D"))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_rows_without_times_are_refused(knowing, weather):
    with pytest.raises(TypeError, match=r"`X` must be a frame indexed by times.*`yearly_seasonality=None`.*ndarray"):
        knowing.predict(weather.to_numpy())


def test_yearly_seasonality_is_auto_or_none(weather):
    with pytest.raises(ValueError, match="yearly_seasonality"):
        quick_forecaster(yearly_seasonality=True).fit(weather)


def test_validation_rows_are_judged_by_the_wave_of_the_rows_before_them(weather):
    changed = weather.copy()
    changed.iloc[-42:, 0] += 30 * np.sin(np.arange(42))
    fits = [small_forecaster(lookback=10, linear_skip=None, epochs=1).fit(each) for each in (weather, changed)]
    assert fits[0].history_["loss"].tolist() == fits[1].history_["loss"].tolist()
    assert not np.allclose(fits[0].yearly_wave_, fits[1].yearly_wave_)


def test_naive_forecasts_in_the_report_repeat_the_rows_as_they_are(weather):
    forecaster = small_forecaster(lookback=10).fit(weather)
    assert forecaster.yearly_wave_ is not None
    rows = ((weather - forecaster.mean_) / forecaster.scale_).to_numpy()
    cutoffs = np.arange(len(rows) - 42 - 1, len(rows) - 3)
    outcomes = rows[cutoffs[:, None] + np.arange(1, 4)]
    for name, repeated in (
        ("repeat last", rows[cutoffs][:, None]),
        ("repeat season", rows[cutoffs[:, None] + np.arange(-6, -3)]),
    ):
        expected = np.square(repeated - outcomes).mean()
        assert forecaster.report_.loc[name, "mse"] == pytest.approx(expected, rel=1e-5)


def test_a_verbose_fit_says_how_many_columns_have_a_wave(weather, capsys):
    quick_forecaster(lookback=10, verbose=1).fit(weather[:320])
    assert "a yearly wave is taken off 1 of 2 columns\n" in capsys.readouterr().out
