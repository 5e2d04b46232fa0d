import numpy as np
import pytest

from tests.series import autoregression, errors_of, relative_moments
from tscnn.data.windows import find_origins
from tscnn.linear import candidates, folds, gram
from tscnn.linear import mixture as mixture_room
from tscnn.linear.bands import Bands
from tscnn.linear.candidates import ALPHAS, REPEATING, Ridge, hold_contest, mixture_shares
from tscnn.linear.gram import window_moments
from tscnn.linear.mixture import mix_linear_maps
from tscnn.linear.ridge import as_kernel, fit_linear_map
from tscnn.linear.structural import Structure, structural_map


def test_each_band_has_the_strength_that_serves_it_best(monkeypatch):
    monkeypatch.setattr(folds, "N_FOLDS", 0)
    monkeypatch.setattr(mixture_room, "N_LENGTHS", 1)
    monkeypatch.setattr(mixture_room, "FEW_WINDOWS", 100)
    monkeypatch.setattr(candidates, "MEAN_ALPHAS", ())
    monkeypatch.setattr(candidates, "TOLERANCE", 0.0)
    noise = np.random.default_rng(0).normal(size=(400, 1))
    rows = autoregression(400, 20, 1).astype(float) + 0.5 * noise
    training, validation = find_origins([250], 24, 16), find_origins([400], 24, 16, [250])
    fitted = relative_moments(rows, training, 24, 16)
    scales = relative_moments(rows, validation, 24, 16)
    maps = [fit_linear_map(fitted, alphas=[alpha]) for alpha in ALPHAS]
    bands = Bands.of_horizon(16)
    judged = scales.in_waves(bands)
    errors = np.stack([judged.squared_errors(bands.to_waves(weights))[0] for weights in maps])
    best = [int(np.argmin(errors[:, band].sum(axis=1))) for band in bands.slices(16)]
    expected = np.zeros((1, 24, 18))
    for band, i in zip(bands.slices(16), best, strict=True):
        expected[:, :, band] = bands.to_waves(as_kernel(maps[i], 24))[:, :, band]
    mixture = mix_linear_maps(rows, training, validation, [24], 16).solved.fitted
    np.testing.assert_allclose(mixture, bands.to_steps(expected, 16), atol=1e-9)
    assert best[bands.n_octaves :] != best[: bands.n_near]  # near steps by themselves
    assert len(set(best)) > 1
    monkeypatch.setattr(mixture_room, "FEW_WINDOWS", 2000)  # of these one strength is found
    kernel = mix_linear_maps(rows, training, validation, [24], 16).solved.fitted
    assert min(np.abs(kernel - as_kernel(weights, 24)).max() for weights in maps) < 1e-9


def test_each_band_has_the_shares_that_serve_it_best():
    good, bad = 0.1, 10.0
    products = np.array([np.diag([good, bad]), np.diag([bad, good]), np.diag([good, good])])[:, None]
    shares = mixture_shares(products, np.full(3, np.inf))
    assert shares.shape == (2, 3, 1)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares[0, :, 0], [0.98, 0.02, 0.5], atol=0.02)


def test_shares_count_on_correlations_as_far_as_they_are_not_chance():
    squares, correlations = np.array([1.0, 1.2, 2.0]), np.array([[1.0, 0.9, 0.3], [0.9, 1.0, 0.2], [0.3, 0.2, 1.0]])
    products = (correlations * np.sqrt(np.outer(squares, squares)))[None, None]
    least = np.linalg.solve(products[0, 0], np.ones(3))
    discounted = squares**-3.0

    def found(n_errors):
        return mixture_shares(products, np.array([n_errors]))[:, 0, 0]

    np.testing.assert_allclose(found(np.inf), least / least.sum(), atol=0.03)
    np.testing.assert_allclose(found(0.1), discounted / discounted.sum(), atol=0.02)
    distances = [np.abs(found(n_errors) - found(np.inf)).sum() for n_errors in (1, 4, 16, 64, 1e9)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6
    sure = np.mean(np.square(correlations))  # Chen et al. (2010), of 16 samples and a matrix of three rows
    chance = (sure + 1) / (17 * (sure - 1 / 3))
    shrunk = (1 - chance) * products[0, 0] + chance * np.diag(squares**3 / squares.mean() ** 2)
    np.testing.assert_allclose(candidates._shrink(products[0, 0], 16), shrunk)


def test_parts_without_errors_have_no_correlations():
    np.testing.assert_allclose(mixture_shares(np.zeros((1, 1, 2, 2)), np.array([4.0])), 0.5)
    exact = np.diag([0.0, 1.0])
    assert mixture_shares(exact[None, None], np.array([4.0]))[0, 0, 0] > 0.9


@pytest.mark.parametrize("most_products", [gram.MOST_PRODUCTS, 1_000_000])  # of all windows, or of a part
@pytest.mark.parametrize(("horizon", "n_steps"), [(16, 16), (96, 48)])
def test_errors_a_half_wave_apart_count_as_independent(monkeypatch, horizon, n_steps, most_products):
    monkeypatch.setattr(gram, "MOST_PRODUCTS", most_products)
    rows = np.random.default_rng(0).normal(size=(3000, 1))
    training, validation = find_origins([2000], 24, horizon), find_origins([3000], 24, horizon, [2000])
    summed = folds.summing(rows, training, 24, horizon, np.zeros(1, int))
    held, _, _ = folds.fold_moments(summed, training, validation, horizon)
    bands = Bands.of_horizon(n_steps)
    n_errors = hold_contest(held, [24], ["shared"], None, False, bands).n_errors
    n_origins = [sum(map(len, fold.origins)) for fold in held]
    assert n_errors.shape == (len(held), bands.n_octaves + bands.n_near)
    shorter = [*[1, 1, 2, 4, 8, 16][: bands.n_octaves], *[8, 8, 16, 32][: bands.n_near]]
    seen = horizon - horizon // n_steps + 1  # steps up to the last one that is judged
    np.testing.assert_allclose(n_errors, np.outer(n_origins, shorter) / seen)
    assert np.isinf(hold_contest(held, [24], ["shared"], None, True, Bands()).n_errors).all()


def test_a_seasonal_ridge_draws_to_the_season_of_its_steps():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    judged = np.array([0, 6, 11])
    moments = window_moments(rows, find_origins([300], 12, 12), 12, 12, judged=judged)
    for structure in (Structure(0.0, 4, REPEATING), Structure(0.3, 4, 0.3)):
        expected = structural_map(structure, 12, (0, 6, 11))
        for bands in (Bands(), Bands(2, 1)):
            weights = Ridge(1e12, structure).solve(moments.at_judged().in_waves(bands))[0]
            np.testing.assert_allclose(bands.to_steps(weights, 3), expected, atol=1e-6)
        np.testing.assert_allclose(Ridge(1e12, structure).solve(moments.at_judged())[0], expected, atol=1e-6)


def test_ridges_of_one_strength_are_solved_at_once():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    moments = window_moments(rows, find_origins([300], 12, 6), 12, 6).in_waves(Bands())
    alike = [Structure(level, 4, 0.3) for level in (0.1, 1.0)]
    tried = [Ridge(0.1), *(Ridge(alpha, structure) for alpha in (0.3, 30.0) for structure in alike)]
    solved = candidates._solve_all(tried, moments)
    for ridge, weights in zip(tried, solved, strict=True):
        np.testing.assert_allclose(weights, ridge.solve(moments)[0], atol=1e-12)


def test_an_infinite_strength_leaves_the_means_of_the_season():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    moments = window_moments(rows, find_origins([300], 28, 6), 28, 6)
    for structure in (None, Structure(0.0, 4, 0.0)):
        near, alone = (Ridge(alpha, structure).solve(moments)[0] for alpha in (1e12, np.inf))
        np.testing.assert_allclose(alone, near, atol=1e-9)
    window = rows[100:128, 0]
    shrunk = 3 * 7 / (3 * 7 + 1)  # seven seasons of a variance of three in that of the noise
    means = window.mean() + shrunk * (window.reshape(7, 4).mean(axis=0) - window.mean())
    np.testing.assert_allclose(window @ alone, means[[0, 1, 2, 3, 0, 1]])


@pytest.mark.parametrize(
    ("length", "seasonality", "seasons"),
    [(56, 4, [4, 28]), (55, 4, [4]), (8, 4, [4]), (7, 4, [None]), (56, None, [None]), (56, 1, [None])],
)
def test_strong_ridges_draw_to_the_seasons_that_windows_hold_twice(length, seasonality, seasons):
    weak, strong = candidates._list_rivals(length, seasonality, few=False)
    assert [ridge.structure for ridge in weak] == [None] * len(ALPHAS)
    expected = [None if season is None else Structure(0.0, season, 0.0) for season in seasons]
    assert strong == [Ridge(alpha, structure) for alpha in (100.0, np.inf) for structure in expected]


@pytest.mark.parametrize("period", [4, 28])
def test_a_season_under_noise_is_told_by_its_means(monkeypatch, period):
    monkeypatch.setattr(mixture_room, "FEW_WINDOWS", 10)
    training, validation, later = find_origins([800], 224, 8), find_origins([1000], 224, 8, [800]), [range(999, 2992)]
    random = np.random.default_rng(0)
    rows = random.normal(size=(period, 1))[np.arange(3000) % period] + random.normal(size=(3000, 1))

    def error(seasonality):
        kernel = mix_linear_maps(rows[:1000], training, validation, [224], 8, seasonality=seasonality).solved.refitted
        return np.square(errors_of(kernel, rows, later, 224, 8)).mean() - 1  # beyond the noise

    assert error(4) < 0.8 * error(None)
