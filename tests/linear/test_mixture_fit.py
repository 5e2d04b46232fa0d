import numpy as np
import pytest

from tests.series import autoregression, errors_of, example, random_walks, relative_moments
from tscnn.data.windows import find_origins
from tscnn.linear import candidates, folds
from tscnn.linear import mixture as mixture_room
from tscnn.linear.bands import Bands
from tscnn.linear.candidates import ALPHAS, WIDTH, Contest, Part
from tscnn.linear.mixture import LinearMixture, SolvedMaps, mix_linear_maps
from tscnn.linear.ridge import as_kernel, fit_linear_map


def test_a_mixture_is_no_worse_than_its_best_part(monkeypatch):
    monkeypatch.setattr(folds, "N_FOLDS", 0)  # nothing competes but on the validation origins
    rows, training, validation = example()
    fitted = relative_moments(rows, training, 12, 3)
    judged = relative_moments(rows, validation, 12, 3)
    mixed = judged.squared_error(mix_linear_maps(rows, training, validation, [12], 3).solved.fitted).mean()
    best = min(
        judged.squared_error(fit_linear_map(fitted.mean(), judged)).mean(),
        judged.squared_error(fit_linear_map(fitted, judged)).mean(),
    )
    assert mixed < 1.005 * best  # it leans a little towards equal shares


def find_short_lookback(rows):
    training, validation = find_origins([2000], 64, 2), find_origins([3000], 64, 2, [2000])
    return mix_linear_maps(rows, training, validation, [1, 2, 4, 8, 16, 32, 64], 2).solved.fitted.shape[1]


def test_the_lookback_found_covers_a_period():
    random = np.random.default_rng(3)
    shape = random.normal(size=(30, 1))  # nothing shorter tells what comes next
    assert find_short_lookback(np.tile(shape, (100, 1)) + 0.01 * random.normal(size=(3000, 1))) >= 32


def test_the_lookback_found_is_short_where_nothing_older_helps():
    assert np.median([find_short_lookback(random_walks([3000], 1, seed) / 30) for seed in range(3)]) <= 2


@pytest.mark.parametrize("kinds", [["shared"], ["per_feature"], ["shared", "grouped"]])
@pytest.mark.parametrize("validated", [True, False])
def test_weights_of_each_step_sum_to_one(kinds, validated):
    rows, training, validation = example()
    mixture = mix_linear_maps(rows, training, validation if validated else [], [12], 3, kinds)
    for kernel in (mixture.solved.fitted, mixture.solved.refitted):
        assert kernel.shape[0] == (1 if kinds == ["shared"] or (not validated and kinds[0] == "shared") else 2)
        np.testing.assert_allclose(kernel.sum(axis=1), 1)


@pytest.mark.parametrize("horizon", [1, 24])
def test_what_a_map_can_forecast_exactly_is_forecast(horizon):
    times = np.arange(3000.0)[:, None]
    rows = np.hstack([np.sin(times / 150) + np.sin(times / 37), (times - 1200) / 700]).astype(np.float32)
    training, validation = find_origins([2200], 256, horizon), find_origins([2400], 256, horizon, [2200])
    lookbacks = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    kernel = mix_linear_maps(rows[:2400], training, validation, lookbacks, horizon).solved.refitted
    errors = errors_of(kernel, rows, find_origins([3000], kernel.shape[1], horizon, [2400]), kernel.shape[1], horizon)
    assert np.square(errors).mean() < 1e-3


def gain_over_repetition(rows, n_known, lookback=128, horizon=48):
    """By what part the mixture's squared errors on later rows are smaller than those of repeating the newest row."""
    first = n_known * 9 // 10
    training, validation = (
        find_origins([first], lookback, horizon),
        find_origins([n_known], lookback, horizon, [first]),
    )
    kernel = mix_linear_maps(rows[:n_known], training, validation, [lookback], horizon).solved.refitted
    later = find_origins([len(rows)], lookback, horizon, [n_known])
    repetition = as_kernel(np.zeros((1, 1, horizon)), lookback)
    ours, theirs = (
        np.square(errors_of(weights, rows, later, lookback, horizon)).mean() for weights in (kernel, repetition)
    )
    return 1 - ours / theirs


def test_random_walks_are_left_where_they_are(monkeypatch):
    walks = [random_walks([3000], 1, seed) / 30 for seed in range(12)]
    gains = [gain_over_repetition(rows, 1000) for rows in walks]
    monkeypatch.setattr(mixture_room, "TRUSTED", 0.0)
    untested = [gain_over_repetition(rows, 1000) for rows in walks]
    assert np.mean(gains) > -0.005
    assert np.mean(untested) < -0.02


def test_a_certain_gain_over_repetition_is_kept_whole(monkeypatch):
    season = np.sin(np.arange(2000) * 2 * np.pi / 24)[:, None]
    rows = season + 0.3 * np.random.default_rng(0).normal(size=(2000, 2))
    gain = gain_over_repetition(rows, 1500)
    assert gain > 0.5
    monkeypatch.setattr(mixture_room, "TRUSTED", 0.0)
    assert gain == gain_over_repetition(rows, 1500)


@pytest.mark.parametrize(("n_folds", "trusted"), [(2, 0.0), (3, 1.0)])
def test_two_folds_are_trusted_by_what_shares_have_not_seen_alone(n_folds, trusted):
    season = np.sin(np.arange(1000) * 2 * np.pi / 24)[:, None]
    rows = season + 0.3 * np.random.default_rng(0).normal(size=(1000, 1))
    good = mix_linear_maps(rows, find_origins([600], 24, 24), [range(599, 700)], [24], 24).solved.fitted
    newest = as_kernel(np.zeros((1, 1, 24)), 24)
    stretches = [range(start, start + 100) for start in range(600, 600 + 100 * n_folds, 100)]
    judged = [relative_moments(rows, [stretch], 24, 24) for stretch in stretches]
    parts = [folds.Fold(moments, moments, [stretch]) for moments, stretch in zip(judged, stretches, strict=True)]
    for unseen, expected in ((1.1 * newest - 0.1 * good, trusted), (good, 1.0)):  # the former loses to the newest row
        found = mixture_room._trust_mixture(parts, [good] * n_folds, [unseen] * n_folds)
        assert found == [expected]


def test_what_is_doubted_is_shared_with_repetition_by_feature():
    season = np.sin(np.arange(1000) * 2 * np.pi / 24)[:, None]
    noise = np.random.default_rng(0).normal(size=(1000, 1))
    rows = np.hstack([season + 0.3 * noise, random_walks([1000], 1, 0) / 30])
    training, validation = find_origins([900], 128, 48), find_origins([1000], 128, 48, [900])
    mixture = mix_linear_maps(rows, training, validation, [128], 48)
    for kernel in (mixture.solved.fitted, mixture.solved.refitted, *(fold.kernel for fold in mixture.judged)):
        np.testing.assert_allclose(kernel.sum(axis=1), 1)
        own, walk = kernel[:, -1].mean(axis=1)
        assert own < 0.2
        assert walk > 0.7


def test_a_feature_mixes_by_its_own_errors_and_those_of_all(monkeypatch):
    monkeypatch.setattr(folds, "N_FOLDS", 0)
    monkeypatch.setattr(mixture_room, "N_LENGTHS", 1)
    monkeypatch.setattr(candidates, "ALPHAS", [0.1])
    monkeypatch.setattr(candidates, "MEAN_ALPHAS", ())
    rows, training, validation = example()
    fitted = relative_moments(rows, training, 12, 3)
    alike = fitted.pool_alike(WIDTH)
    parts = [as_kernel(fit_linear_map(moments, alphas=[0.1]), 12) for moments in (fitted.mean(), alike)]
    products = relative_moments(rows, validation, 12, 3).error_products(parts)[0]
    mixed = mix_linear_maps(rows, training, validation, [12], 3).solved.fitted
    common = products.mean(axis=0)
    for f in range(2):
        (a, b), (_, c) = products[f] / np.trace(products[f]) + common / np.trace(common)
        share = np.clip((c + 0.01 - b) / (a + c + 0.02 - 2 * b), 0, 1)
        np.testing.assert_allclose(mixed[f], share * parts[0][0] + (1 - share) * parts[1][f], atol=1e-3)
        assert 0.05 < share < 0.95


def two_kinds(n_rows=1500, n_features=6, seed=0):
    """Every other column is called back to 0, the others repeat every 24 rows."""
    random = np.random.default_rng(seed)
    rows = np.sin(np.arange(n_rows)[:, None] * 2 * np.pi / 24 + np.arange(n_features))
    rows += 0.3 * random.normal(size=rows.shape)
    rows[:, ::2] = autoregression(n_rows, 5, rows[:, ::2].shape[1], seed)
    return (rows / rows.std(axis=0)).astype(np.float32)


@pytest.mark.parametrize("validated", [True, False])
def test_features_that_vary_alike_share_a_map_where_not_all_can_have_their_own(monkeypatch, validated):
    rows = two_kinds()
    training, validation = find_origins([1300], 48, 3), find_origins([1500], 48, 3, [1300])
    monkeypatch.setattr(mixture_room, "MOST_ENTRIES", 2 * 48 * 51)
    kinds = ("shared", "grouped") if validated else ("grouped",)
    mixture = mix_linear_maps(rows, training, validation if validated else [], [48], 3, kinds)
    assert mixture.solved.fitted.shape == mixture.solved.refitted.shape == (2, 48, 3)
    np.testing.assert_array_equal(mixture.groups % 2, (mixture.groups[0] + np.arange(6)) % 2)
    for fold in mixture.judged:
        assert fold.kernel.shape == (2, 48, 3)
        np.testing.assert_array_equal(fold.groups, mixture.groups)


def test_validation_rows_do_not_tell_groups(monkeypatch):
    monkeypatch.setattr(mixture_room, "MOST_ENTRIES", 2 * 48 * 51)
    rows, training, validation = two_kinds(), find_origins([1300], 48, 3), find_origins([1500], 48, 3, [1300])
    changed = rows.copy()
    changed[1300:] = rows[1300:][:, [0, 2, 1, 3, 5, 4]] * np.linspace(1, 9, 6, dtype=np.float32)
    first, second = (mix_linear_maps(each, training, validation, [48], 3) for each in (rows, changed))
    np.testing.assert_array_equal(first.groups, second.groups)


@pytest.mark.parametrize(("trusted", "certain"), [([1.0, 0.1], True), ([0.1, 1.0], False)])
def test_a_group_counts_by_its_features(trusted, certain):
    kernel = np.zeros((2, 4, 1))
    groups = np.array([0] * 9 + [1])
    mixture = LinearMixture(4, 1, groups, lambda: SolvedMaps(kernel, kernel), trusted=np.array(trusted))
    assert mixture.beats_repetition == certain


def test_a_map_for_each_group_is_worth_nearly_as_much_as_one_for_each_feature():
    rows = two_kinds(2400)
    training, validation = find_origins([1300], 48, 3), find_origins([1500], 48, 3, [1300])

    def error(*kinds, most=6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mixture_room, "MOST_ENTRIES", most * 48 * 51)
            mixture = mix_linear_maps(rows[:1500], training, validation, [48], 3, kinds)
        kernel = mixture.solved.refitted[mixture.groups]
        return np.square(errors_of(kernel, rows, find_origins([2400], 48, 3, [1500]), 48, 3)).mean()

    shared, grouped, own = error("shared"), error("shared", "grouped", most=2), error("shared", "grouped")
    assert own < 0.95 * shared
    assert grouped < 1.01 * own
    assert error("per_feature", most=2) == error("per_feature")


def test_near_steps_count_once_in_the_choice_of_the_lookback():
    parts = [Part(length, "shared", [], np.zeros((2, 1), int), np.zeros(1, int)) for length in (2, 1)]
    shorter, longer = np.array([[100.0, 5.0], [5.0, 1.0]]), np.array([[1.0, 5.0], [5.0, 100.0]])  # is of use alone
    for products, expected in (([shorter, longer], 1), ([longer, shorter], 2)):  # of the whole horizon, of near steps
        contest = Contest(parts, np.array(products)[None, :, None], np.full((1, 2), np.inf), [], Bands(1, 1))
        lookback, shares, _ = mixture_room._choose_lookback(contest, [1, 2])
        assert lookback == expected
        assert shares.shape == (2, 2, 1)


def test_a_lookback_is_not_chosen_by_shares_that_flatter_it():
    parts = [Part(length, "shared", [], np.zeros((1, 1), int), np.zeros(1, int)) for length in (2, 2, 1)]

    def products(first, second):
        """Errors of three parts on a fold, which the parts of the longer lookback share with none."""
        return np.diag([first, second, 1.0])[None, None]

    # Each part of two rows errs on the fold where the other does not.
    for contrast, expected in ((1.3, 2), (1.9, 2), (3.0, 1), (6.0, 1)):
        by_fold = np.array([products(0.1, contrast), products(contrast, 0.1)])
        contest = Contest(parts, by_fold, np.full((2, 1), np.inf), [], Bands())
        lookback, shares, apart = mixture_room._choose_lookback(contest, [1, 2])
        assert lookback == expected
        np.testing.assert_allclose(shares, np.mean(apart, axis=0))
        assert shares.shape == apart[0].shape == apart[1].shape == (3, 1, 1)
        assert len(apart) == 2


def test_there_are_as_many_maps_as_are_affordable(monkeypatch):
    rows, training, validation = example()
    for most, n_maps in ((12 * 15 * 2, 2), (12 * 15 * 2 - 1, 1), (100, 1)):
        monkeypatch.setattr(mixture_room, "MOST_ENTRIES", most)
        assert mix_linear_maps(rows, training, validation, [12], 3).solved.fitted.shape == (n_maps, 12, 3)


def test_a_lookback_of_one_repeats_the_last_row():
    rows, _, _ = example()
    mixture = mix_linear_maps(rows, find_origins([300], 1, 2), [], [1], 2)
    np.testing.assert_array_equal(mixture.solved.fitted, np.ones((1, 1, 2)))


@pytest.mark.parametrize("lengths", [[400], [250, 350]])
def test_one_map_is_solved_on_the_training_origins_and_one_on_all(monkeypatch, lengths):
    monkeypatch.setattr(folds, "N_FOLDS", 0)
    monkeypatch.setattr(mixture_room, "N_LENGTHS", 1)
    monkeypatch.setattr(candidates, "MEAN_ALPHAS", ())
    rows = random_walks(lengths, 2, 8) / 10
    known = [length - 60 for length in lengths]
    starts = np.cumsum([0, *lengths[:-1]])
    training = [range(start + 11, start + n - 3) for start, n in zip(starts, known, strict=True)]
    validation = find_origins(lengths, 12, 3, known)
    mixture = mix_linear_maps(rows, training, validation, [12], 3, ["shared"])
    for kernel, origins in ((mixture.solved.fitted, training), (mixture.solved.refitted, find_origins(lengths, 12, 3))):
        moments = relative_moments(rows, origins, 12, 3).mean()
        strengths = np.array(ALPHAS) * sum(map(len, training)) / sum(map(len, origins))
        solved = [as_kernel(fit_linear_map(moments, alphas=[alpha]), 12) for alpha in strengths]
        assert min(np.abs(kernel - weights).max() for weights in solved) < 1e-9
    errors = [
        np.square(errors_of(kernel, rows, validation)).mean()
        for kernel in (mixture.solved.refitted, mixture.solved.fitted)
    ]
    assert errors[0] < errors[1]


def test_the_single_map_is_one_ridge_regression_on_the_whole_window(monkeypatch):
    monkeypatch.setattr(folds, "N_FOLDS", 0)
    rows, training, validation = example()
    mixture = mix_linear_maps(rows, training, validation, [6, 12], 3)
    lookback = mixture.solved.fitted.shape[1]
    moments = relative_moments(rows, [range(11, 297)], 12, 3).shorten(lookback).mean()
    solved = [as_kernel(fit_linear_map(moments, alphas=[alpha]), lookback) for alpha in ALPHAS]
    assert min(np.abs(mixture.solved.single - weights).max() for weights in solved) < 1e-6
    assert mix_linear_maps(rows, training, validation, [12], 3, ["per_feature"]).solved.single is None


def test_few_windows_may_draw_to_the_season(monkeypatch):
    training, validation, later = find_origins([54], 12, 6), find_origins([66], 12, 6, [54]), [range(65, 102)]

    def error(seasonality):
        kernel = mix_linear_maps(rows[:66], training, validation, [12], 6, seasonality=seasonality).solved.refitted
        return np.square(errors_of(kernel, rows, later, 12, 6)).mean()

    ratios = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        rows = np.tile(random.normal(size=(12, 1)), (9, 1)) + 0.3 * random.normal(size=(108, 1))
        ratios.append(error(12) / error(None))
    assert np.mean(ratios) < 0.95
    assert error(24) == error(None)  # no window sees it
    monkeypatch.setattr(mixture_room, "FEW_WINDOWS", 10)
    assert error(12) == error(None)


def test_few_windows_may_draw_to_the_season_far_ahead():
    random = np.random.default_rng(0)
    rows = np.tile(random.normal(size=(12, 1)), (60, 1)) + 0.1 * random.normal(size=(720, 1))
    training, validation = (
        find_origins([400], 12, 100),
        find_origins([520], 12, 100, [400]),
    )  # judged at every third step
    kernel = mix_linear_maps(rows[:520], training, validation, [12], 100, seasonality=12).solved.refitted
    errors = errors_of(kernel, rows, find_origins([720], 12, 100, [520]), 12, 100)
    assert np.square(errors).mean() < 3 * 0.1**2  # repeating the season has twice the noise


@pytest.mark.parametrize("broken", ["a step", "an outlier", "the first steps of a constant"])
def test_what_the_newest_rows_alone_say_is_not_explained(broken):
    rows = np.random.default_rng(0).normal(size=(600, 1))
    if broken == "a step":
        rows[595:] += 1e4
    elif broken == "an outlier":
        rows[580] = 1e6
    else:
        rows[:540] = 0
    lookbacks = [1, 3, 6, 12, 24, 48, 96]
    mixture = mix_linear_maps(rows, find_origins([540], 96, 12), find_origins([600], 96, 12, [540]), lookbacks, 12)
    seen = rows[-mixture.solved.refitted.shape[1] :, 0]
    assert np.abs(seen @ mixture.solved.refitted[0] - seen.mean()).max() < np.ptp(seen)


def test_a_few_windows_that_nothing_judges_are_not_explained_by_chance():
    ratios = []
    for seed in range(10):
        rows = np.random.default_rng(seed).normal(size=(80, 1))
        kernel = mix_linear_maps(rows, find_origins([30], 10, 12), [], [10], 12).solved.fitted
        mean = np.full((1, 10, 12), 0.1)
        later = find_origins([80], 10, 12, [30])
        ours, theirs = (np.square(errors_of(weights, rows, later, 10, 12)).mean() for weights in (kernel, mean))
        ratios.append(ours / theirs)
    assert np.mean(ratios) < 2  # one ridge regression of a usual strength has 21


def test_many_windows_that_nothing_judges_are_explained():
    rows = np.sin(np.arange(600.0) / 5)[:, None] + np.random.default_rng(0).normal(0, 0.1, (600, 1))
    kernel = mix_linear_maps(rows, find_origins([500], 32, 4), [], [32], 4).solved.fitted
    assert np.square(errors_of(kernel, rows, find_origins([600], 32, 4, [500]), 32, 4)).mean() < 0.03


@pytest.mark.parametrize("n_rows", [25, 40, 60, 100])
def test_few_rows_are_enough(n_rows):
    rows = random_walks([n_rows], 2, 7) / 5
    first = n_rows - 5
    training, validation = find_origins([first], 8, 4), find_origins([n_rows], 8, 4, [first])
    mixture = mix_linear_maps(rows, training, validation, [2, 4, 8], 4)
    assert np.isfinite(mixture.solved.fitted).all()
    assert np.isfinite(mixture.solved.refitted).all()


@pytest.mark.parametrize(("horizon", "enough"), [(3, True), (20, False), (60, False)])
def test_what_holds_few_horizons_can_judge_nothing_else(horizon, enough):
    rows, training, validation = example(horizon=horizon)
    mixture = mix_linear_maps(rows, training, validation, [12], horizon)
    n_origins = sum(len(stretch) for fold in mixture.judged for stretch in fold.origins)
    assert mixture.can_judge == enough
    assert (len(mixture.judged) >= 3 and n_origins >= 12 * horizon) == enough
