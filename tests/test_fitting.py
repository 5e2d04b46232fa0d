import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

from tests.conftest import make_frame, small_forecaster
from tscnn import Forecaster, fitting
from tscnn.fitting import list_lookbacks
from tscnn.linear import candidates, folds
from tscnn.linear import mixture as mixture_room
from tscnn.statistics.gate import trusted_share


def dependent_frame(n_rows: int, seed: int) -> pd.DataFrame:
    """Two columns of noise, and one that is a lagged nonlinear function of both, plus noise of variance 1/4."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n_rows))
    y = 0.5 * random.normal(size=n_rows)
    y[3:] += np.tanh(2 * a[1:-2]) * b[:-3]
    return pd.DataFrame({"a": a, "b": b, "y": y})


@pytest.mark.slow
@pytest.mark.parametrize("feature_mode", ["joint", "front_end", "independent"])
def test_columns_that_depend_on_each_other(feature_mode):
    forecaster = Forecaster(lookback=10, feature_mode=feature_mode, random_state=0, verbose=0)
    forecaster.fit(dependent_frame(8000, seed=0))
    after = dependent_frame(4000, seed=1)
    errors = forecaster.backtest(after)["y"].to_numpy() - after["y"].to_numpy()[10:]
    if feature_mode == "independent":  # its own past says nothing of what comes
        assert np.square(errors).mean() > 0.98 * after["y"].var()
    else:
        assert np.square(errors).mean() < 1.1 * 0.25


def test_what_validation_rows_judge_is_not_solved_on_them(monkeypatch):
    monkeypatch.setattr(candidates, "ALPHAS", [0.1])  # nothing is left to choose
    monkeypatch.setattr(candidates, "MEAN_ALPHAS", ())
    monkeypatch.setattr(mixture_room, "N_LENGTHS", 1)
    monkeypatch.setattr(folds, "N_FOLDS", 0)
    rows = np.random.default_rng(0).normal(size=(300, 2))
    changed = rows.copy()
    changed[240:] = changed[:59:-1][-60:] + 1
    before, after = (fitting.fit_linear_maps(r, 240, [12], 3, "shared", "joint", None, False) for r in (rows, changed))
    np.testing.assert_allclose(before.mixture.solved.fitted, after.mixture.solved.fitted, rtol=1e-9)
    assert not np.allclose(before.mixture.solved.refitted, after.mixture.solved.refitted)
    changed[239] += 1  # the newest outcome that it is solved on
    after = fitting.fit_linear_maps(changed, 240, [12], 3, "shared", "joint", None, False)
    assert not np.allclose(before.mixture.solved.fitted, after.mixture.solved.fitted)


def test_the_closed_form_leaves_other_cores_alone(monkeypatch):
    def n_threads():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    used = []

    def noting(*given):
        used.append(n_threads())
        return mixture_room.mix_linear_maps(*given)

    monkeypatch.setattr(fitting, "mix_linear_maps", noting)
    outside = n_threads()
    fitting.fit_linear_maps(np.random.default_rng(0).normal(size=(60, 1)), 40, [4], 1, "auto", "joint", None, False)
    assert used == [{1}]
    assert n_threads() == outside


def test_the_lookback_is_chosen_on_validation_rows(capsys):
    frame = make_frame(600)
    forecaster = small_forecaster(lookback="auto", verbose=1, epochs=1).fit(frame)
    assert forecaster.config_.lookback in (24, 48, 96, 192)  # a day has 24 rows
    out = capsys.readouterr().out
    assert out.startswith(f"lookback {forecaster.config_.lookback} chosen, of 1 to 192\n")
    assert forecaster.predict(frame).shape == (3, 3)
    assert forecaster.get_params()["lookback"] == "auto"
    frame.index = pd.date_range("2025-01-01", periods=len(frame), freq="D")
    weekly = small_forecaster(lookback="auto", verbose=1, epochs=1).fit(frame)
    assert weekly.config_.lookback in (56, 112, 224)
    assert "chosen, of 1 to 224\n" in capsys.readouterr().out


def test_the_lookback_is_chosen_without_a_linear_skip_too():
    forecaster = small_forecaster(lookback="auto", linear_skip=None, epochs=1).fit(make_frame(300))
    assert forecaster.config_.linear_maps is None
    assert forecaster.config_.lookback > 1


def test_the_feature_mode_is_chosen_on_validation_rows(frame, capsys):
    settings = {"linear_skip": None, "epochs": 3, "learning_rate": 0.01}
    losses = {
        mode: small_forecaster(feature_mode=mode, **settings).fit(frame).history_["val_loss"].min()
        for mode in ("joint", "independent")
    }
    forecaster = small_forecaster(feature_mode="auto", verbose=1, **settings).fit(frame)
    assert forecaster.config_.feature_mode == min(losses, key=losses.get)
    assert (
        f"{forecaster.config_.feature_mode} with normaliser over 6 rows and no linear map chosen"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("changes", [{"targets": ["a"]}, {"columns": ["b"]}])
def test_where_features_cannot_be_apart_there_is_no_choice(frame, changes):
    columns = changes.pop("columns", list(frame.columns))
    assert small_forecaster(feature_mode="auto", **changes).fit(frame[columns]).config_.feature_mode == "joint"


def test_a_short_normaliser_has_to_show_that_it_helps(frame):
    assert small_forecaster(normalizer_span="auto").fit(frame).config_.normalizer_span in (1, 6)
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 2)))
    noise[1] = np.sign(noise[0].shift(1).fillna(0)) * 2 + 0.1 * noise[1]
    chosen = small_forecaster(normalizer_span="auto", linear_skip=None, epochs=10, learning_rate=0.01).fit(noise)
    assert chosen.config_.normalizer_span == 1


@pytest.mark.parametrize(("gain", "plain"), [(0.02, False), (0.5, True)])
def test_a_plain_network_has_to_win_by_more_than_chance(frame, monkeypatch, gain, plain):
    noise, trained = np.random.default_rng(0).normal(0, 0.3, 30), []

    def train(network, *_):
        trained.append(network)
        losses = np.ones(30) if network.config.linear_maps else 1 - gain + noise - noise.mean()
        return {"loss": [1.0]}, losses

    monkeypatch.setattr(fitting, "train", train)
    config = small_forecaster(lookback=6, normalizer_span="auto").fit(frame).config_
    assert (config.linear_maps is None) == plain
    for too_long in ({"lookback": 6, "horizon": 9}, {"lookback": 12, "horizon": 3}):  # for four in 22 or 28 origins
        trained.clear()
        assert small_forecaster(normalizer_span="auto", **too_long).fit(frame).config_.linear_maps is not None
        assert len(trained) == 1  # what can't win isn't tried


def test_gains_of_windows_that_overlap_count_once():
    config = fitting.NetworkConfig(**dict.fromkeys(fitting.NetworkConfig.__dataclass_fields__))
    config = replace(config, lookback=10, horizon=1)
    gains = np.repeat([0.3, 0.6, -0.3, 0.5, 0.0, 0.4], 10)  # a series that stays where it is for ten rows
    plain, linear = (
        fitting._Fit(SimpleNamespace(config=replace(config, linear_maps=skip)), {}, losses, 60)
        for skip, losses in ((None, 1 - gains), ((0,), np.ones(60)))
    )
    assert trusted_share(gains, 1) > fitting.CERTAIN
    assert not plain.beats(linear)
    gains = np.array([0.3, 0.2, 0.4, 0.3, 0.2, 0.4])
    for n_origins, wins in ((6, False), (60, True)):  # all are judged, or one of ten: too close, or far enough apart
        fits = [
            fitting._Fit(fit.network, {}, 1 - gain, n_origins) for fit, gain in ((plain, gains), (linear, 0 * gains))
        ]
        assert fits[0].beats(fits[1]) == wins


@pytest.mark.parametrize("changes", [{"lookback": "auto"}, {"feature_mode": "auto"}])
def test_without_validation_rows_nothing_can_be_chosen(frame, changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"`{name}='auto'` is chosen on validation rows, and there are none"):
        small_forecaster(validation_fraction=0, **changes).fit(frame)


def test_a_refitted_backtest_chooses_anew(frame):
    forecaster = small_forecaster(lookback="auto", epochs=1)
    forecasts = forecaster.backtest(frame, start=frame.index[280], stride=20, refit=True)
    alone = small_forecaster(lookback="auto", epochs=1).fit(frame.iloc[:281]).predict()
    np.testing.assert_array_equal(forecasts.loc[frame.index[280]], alone)
    with pytest.raises(ValueError, match="`lookback='auto'` with `refit` needs a `start`"):
        forecaster.backtest(frame, refit=True)


def test_the_linear_map_is_solved_again_on_all_rows(frame):
    changed = frame.copy()
    changed.iloc[-3:] += 0.5  # validation rows
    maps = [
        small_forecaster(epochs=1, linear_skip="shared")
        .fit(data)
        .network_.dense.get_layer("linear_skip")
        .get_weights()[0]
        for data in (frame, changed)
    ]
    assert not np.allclose(*maps, atol=1e-5)


@pytest.mark.parametrize("changes", [{"normalizer_span": 5}, {"dilation_rates": [1, 2]}])
def test_what_must_fit_the_lookback_cannot_be_given_with_it_left_to_choose(frame, changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"With lookback='auto' `{name}` must be 'auto'"):
        small_forecaster(lookback="auto", **changes).fit(frame)


def test_the_step_of_the_index_tells_the_season(monkeypatch):
    seasons = []

    def noting(*settings):
        seasons.append(settings[6])
        return fitting.fit_linear_maps(*settings)

    monkeypatch.setattr("tscnn.forecaster.fit_linear_maps", noting)
    values = np.random.default_rng(0).normal(size=66)
    for index in (pd.date_range("2018-01-01", periods=66, freq="MS"), pd.RangeIndex(66)):
        small_forecaster().fit(pd.Series(values, index=index))
    assert seasons == [12, None]


def test_many_columns_are_forecast_by_the_maps_of_their_groups(monkeypatch):
    frame = make_frame(400, 4)
    monkeypatch.setattr("tscnn.linear.mixture.MOST_ENTRIES", 2 * 12 * 15)
    forecaster = small_forecaster(epochs=1, feature_mode="independent", normalizer_span=None).fit(frame)
    assert sorted(set(forecaster.config_.linear_maps)) == [0, 1]
    kernel = np.asarray(forecaster.network_.dense.get_layer("linear_skip").kernel())
    head = forecaster.network_.dense.get_layer("head")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    rows = (frame.to_numpy()[-12:] - forecaster.mean_) / forecaster.scale_
    expected = np.stack([rows[:, i] @ kernel[m] for i, m in enumerate(forecaster.config_.linear_maps)], axis=1)
    expected = expected * forecaster.scale_ + forecaster.mean_
    streamed = forecaster.stream(frame[:-1]).update(frame.iloc[-1])
    for found in (streamed, forecaster.predict(), forecaster.predict(frame)):
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-3)


def cycles(n_rows, day, week):
    """Rows of days whose last two of seven are flat where there are weeks, and a little noise."""
    at = np.arange(n_rows)
    waves = np.sin(2 * np.pi * at / day) * (1 if week is None else at % week < 5 * day)
    return (waves + np.random.default_rng(0).normal(0, 0.1, n_rows))[:, None]


@pytest.mark.parametrize(
    ("season", "rows", "longest"),
    [
        (288, cycles(15_000, 288, 2016), 2304),  # five minutes: a week
        (288, cycles(15_000, 288, None), 1152),
        (144, cycles(15_000, 144, None), 1152),  # ten minutes
        (1440, cycles(15_000, 1440, None), 1440),  # one minute: a day
        (1440, np.random.default_rng(0).normal(size=(15_000, 1)).cumsum(axis=0), 720),
        (24, cycles(15_000, 24, 168), 768),
        (None, cycles(15_000, 288, 2016), 768),
        (288, cycles(2000, 288, 2016), 576),  # there is no week to be seen
        (288, cycles(4613, 288, 2016), 1152),  # a lookback of 2304 would have a row too few
        (288, cycles(4614, 288, 2016), 2304),
    ],
)
def test_lookbacks_to_choose_hold_a_week_or_a_day_where_that_counts(season, rows, longest):
    lookbacks = list_lookbacks(rows, horizon=6, seasonality=season)
    assert lookbacks[-1] == longest
    assert all(b // 2 == a for a, b in itertools.pairwise(lookbacks))


@pytest.mark.parametrize("linear_skip", ["auto", None, "shared", "per_feature"])
def test_a_map_for_each_column_is_preferred_to_the_longest_lookbacks_but_not_to_a_week(monkeypatch, linear_skip):
    weekly, daily = (np.tile(cycles(15_000, 144, week), 3) for week in (1008, None))
    grouped = linear_skip in ("auto", None)
    for most, longest in ((3 * 576 * 582, 576), (3 * 288 * 294, 1152)):  # shorter ones would say too little
        monkeypatch.setattr(mixture_room, "MOST_ENTRIES", most)
        assert list_lookbacks(weekly, 6, linear_skip, 144)[-1] == 1152
        assert list_lookbacks(daily, 6, linear_skip, 144)[-1] == (longest if grouped else 1152)
        # Nor where a week of five minutes counts, but is longer than half of the rows.
        few = np.tile(cycles(4600, 288, 2016), 3)
        assert list_lookbacks(few, 6, linear_skip, 288)[-1] == (longest if grouped else 1152)


def test_as_many_training_windows_as_rows_in_one_are_asked_for():
    rows = np.random.default_rng(0).normal(size=(102, 1))
    assert [list_lookbacks(rows[-n:], 6, seasonality=12)[-1] for n in (102, 101, 8, 3)] == [48, 24, 1, 1]
