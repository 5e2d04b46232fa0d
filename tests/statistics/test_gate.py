import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tscnn.statistics.gate import gate, not_kept, relative_block_gains

LEVEL = 0.05
N_RUNS = 2000
TOLERANCE = 3 * np.sqrt(LEVEL * (1 - LEVEL) / N_RUNS)  # three standard errors of a rate


@pytest.mark.parametrize("n_blocks", [4, 8, 32])
@pytest.mark.parametrize("n_tries", [1, 10])
def test_noise_is_kept_no_more_often_than_the_level_says(n_blocks, n_tries):
    random = np.random.default_rng(n_blocks)
    n_kept = 0
    for _ in range(N_RUNS):
        tried = random.normal(size=(n_tries, n_blocks))
        n_kept += gate(tried[tried.mean(axis=1).argmax()], n_tries=n_tries, level=LEVEL).kept
    assert n_kept / N_RUNS < LEVEL + TOLERANCE
    if n_tries == 1:
        assert n_kept / N_RUNS > LEVEL - TOLERANCE  # the test is exact
    elif n_blocks > 4:
        # The best of ten by its mean has not the least p-value of the ten, but not by far.
        assert n_kept / N_RUNS > LEVEL / 4


def test_without_the_number_of_tries_the_best_of_ten_would_be_kept_too_often():
    random = np.random.default_rng(0)
    kept = []
    for _ in range(500):
        tried = random.normal(size=(10, 8))
        kept.append(gate(tried[tried.mean(axis=1).argmax()]).kept)
    assert np.mean(kept) > 4 * LEVEL


@pytest.mark.parametrize("by_weight", [True, False])
def test_noise_in_blocks_that_count_differently(by_weight):
    random = np.random.default_rng(0)
    weights = np.array([1, 1, 2, 3, 3, 4, 6, 8])
    scale = 1 / np.sqrt(weights) if by_weight else 1.0
    kept = [gate(scale * random.normal(size=8), weights=weights).kept for _ in range(N_RUNS)]
    assert LEVEL / 2 < np.mean(kept) < LEVEL + TOLERANCE


@pytest.mark.parametrize("n_blocks", [4, 5, 12, 32])
@pytest.mark.parametrize("seed", range(3))
def test_p_values_are_those_of_scipy(n_blocks, seed):
    gains = np.random.default_rng(seed).normal(0.3, 1, size=n_blocks)
    expected = ttest_1samp(gains, 0, alternative="greater")
    result = gate(gains, weights=np.full(n_blocks, 7))
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.gain / result.standard_error == pytest.approx(expected.statistic)
    assert gate(gains, n_tries=6).p_value == pytest.approx(1 - (1 - expected.pvalue) ** 6)
    factor = 1 - (n_blocks - 1) / (n_blocks - 3) / expected.statistic**2
    assert result.shrinkage == pytest.approx(max(0, factor) if result.gain > 0 else 0)


@pytest.mark.parametrize(
    ("n_blocks", "ratio", "least", "most"),
    [(4, 2, 0.8, 0.95), (8, 1, 0.75, 0.9), (32, 0.5, 0.8, 0.9), (32, 1, 0.99, 1)],
)
def test_a_gain_is_kept_where_it_can_be_told(n_blocks, ratio, least, most):
    random = np.random.default_rng(1)  # the power of a one-sided t-test, of a gain of `ratio` standard deviations
    kept = [gate(random.normal(ratio, 1, size=n_blocks)).kept for _ in range(500)]
    assert least < np.mean(kept) <= most


@pytest.mark.parametrize("n_blocks", [4, 8, 32])
def test_shrinkage_pays_where_there_is_nothing_to_gain(n_blocks):
    random = np.random.default_rng(0)
    results = [gate(random.normal(size=n_blocks)) for _ in range(2000)]
    shrunk = np.array([result.shrinkage * max(result.gain, 0) for result in results])
    assert np.square(shrunk).mean() < 0.5 * np.mean([max(result.gain, 0) ** 2 for result in results])
    assert all(result.shrinkage > 0 for result in results if result.kept)


@pytest.mark.parametrize("n_horizons", [4, 12, 60])
def test_forecast_errors_that_overlap_are_no_proof(n_horizons):
    random, horizon = np.random.default_rng(3), 24
    n_origins = n_horizons * horizon
    kept = []
    for _ in range(1000):
        walks = random.normal(size=(2, n_origins + horizon)).cumsum(axis=1)
        errors, change = walks[:, horizon:] - walks[:, :-horizon]
        before = np.full(n_origins, 100.0)
        gains, weights = relative_block_gains(before, before + errors * change, horizon)
        assert len(gains) in (n_horizons, 6, n_horizons // 2)
        kept.append(gate(gains, weights=weights).kept)
    assert np.mean(kept) < LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / 1000)


def test_origins_as_blocks_would_take_overlap_for_proof():
    random, horizon = np.random.default_rng(4), 24
    kept = []
    for _ in range(300):
        walks = random.normal(size=(2, 5 * horizon + horizon)).cumsum(axis=1)
        errors, change = walks[:, horizon:] - walks[:, :-horizon]
        kept.append(gate(errors * change).kept)
    assert np.mean(kept) > 5 * LEVEL


def test_blocks_are_cut_within_stretches():
    random = np.random.default_rng(0)
    lengths = [70, 25, 7, 0]
    before = [random.uniform(1, 2, size=n) for n in lengths]
    after = [random.uniform(1, 2, size=n) for n in lengths]
    gains, weights = relative_block_gains(before, after, apart=10)
    assert weights.tolist() == [18, 18, 17, 17, 25, 7]
    together = np.concatenate(before)
    expected = 1 - np.concatenate(after).mean() / together.mean()
    assert np.average(gains, weights=weights) == pytest.approx(expected)
    assert gains[4] == pytest.approx((before[1].mean() - after[1].mean()) / together.mean())
    assert gate(gains, weights=weights).gain == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n_origins", "apart", "n_blocks"),
    [(3, 4, 1), (8, 4, 2), (24, 4, 6), (40, 4, 6), (96, 4, 12), (960, 4, 32), (33, 1, 16), (6, 1, 6)],
)
def test_blocks_become_longer_before_they_become_more(n_origins, apart, n_blocks):
    gains, weights = relative_block_gains(np.ones(n_origins), np.zeros(n_origins), apart)
    assert len(gains) == n_blocks
    assert weights.sum() == n_origins
    assert weights.min() >= min(apart, n_origins)
    np.testing.assert_allclose(gains, 1)


def test_losses_of_zero_have_gains():
    zero, one = np.zeros(4), np.ones(4)
    assert relative_block_gains(zero, zero, 1)[0].tolist() == [0] * 4
    assert relative_block_gains(zero, one, 1)[0].tolist() == [-1] * 4
    assert len(relative_block_gains([], [], 1)[0]) == 0


def test_results_say_why():
    assert gate([0.1, 0.1, 0.1, 0.1]).reason == "kept: 10.0 % less error, p = 0"
    assert gate([0.1, 0.1, 0.1, 0.1]).shrinkage == 1
    assert gate([-0.1, -0.2, -0.1, -0.1]).reason == "not kept: 12.5 % more error"
    assert gate([-0.1, -0.1, -0.1, -0.1]).p_value == pytest.approx(1)
    assert gate([0.0, 0.0, 0.0, 0.0]).kept is False
    small = gate([0.002, 0.002, 0.002, 0.0021], least_gain=0.01)
    assert small.reason == "not kept: 0.2 % less error, 1.0 % are asked for"
    assert small.shrinkage > 0.99
    unsure = gate([0.3, -0.2, 0.1, 0.1, -0.1])
    assert unsure.reason.startswith("not kept: 4.0 % less error, but p = 0.3")
    assert not_kept("one series is too short", 3).n_tries == 3


@pytest.mark.parametrize("gains", [[], [0.3], [0.3, 0.2, 0.1]])
def test_few_blocks_cannot_tell(gains):
    result = gate(gains)
    assert (result.kept, result.shrinkage, result.p_value) == (False, 0, 1)
    assert result.n_blocks == len(gains)
    assert result.gain == pytest.approx(np.mean(gains) if gains else 0)
    assert result.reason == "not kept: fewer than 4 independent blocks"


def test_one_heavy_block_is_no_four():
    assert not gate([0.3, 0.31, 0.3, 0.3], weights=[100, 1, 1, 1]).kept
    assert gate([0.3, 0.31, 0.3, 0.3], weights=[25, 24, 24, 24]).kept
    assert gate([0.3, 0.3, 0.3], fewest_blocks=3).kept
    assert gate([0.3, 0.31, 0.3], fewest_blocks=3).shrinkage == 0  # t has no variance


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"gains": [0.1, np.nan]}, ValueError, "`gains` must be .*finite.*Received: gains="),
        ({"gains": [[0.1, 0.2]]}, ValueError, "`gains`"),
        ({"gains": [0.1, 0.2], "weights": [1]}, ValueError, "`weights` must be 2 positive numbers"),
        ({"gains": [0.1, 0.2], "weights": [1, 0]}, ValueError, "`weights`"),
        ({"gains": [0.1, 0.2], "n_tries": 0}, ValueError, "`n_tries`"),
        ({"gains": [0.1, 0.2], "level": 0}, ValueError, "`level`"),
        ({"gains": [0.1, 0.2], "fewest_blocks": 1}, ValueError, "`fewest_blocks`"),
        ({"gains": [0.1, 0.2], "least_gain": "1 %"}, TypeError, "`least_gain`"),
    ],
)
def test_what_the_gate_refuses(arguments, error, match):
    with pytest.raises(error, match=match):
        gate(**arguments)


@pytest.mark.parametrize(
    ("before", "after", "apart", "match"),
    [
        (np.ones(3), np.ones(4), 1, "same shape"),
        ([np.ones(3)], [np.ones(3), np.ones(2)], 1, "same shape"),
        (np.array([1, np.inf]), np.ones(2), 1, "`before` must hold finite"),
        (np.ones(2), np.array([1, np.nan]), 1, "`after` must hold finite"),
        (np.ones(2), np.ones(2), 0, "`apart`"),
    ],
)
def test_what_cannot_be_cut_into_blocks(before, after, apart, match):
    with pytest.raises(ValueError, match=match):
        relative_block_gains(before, after, apart)


def test_the_standard_error_of_blocks_that_count_differently_is_that_of_statsmodels():
    regression = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")
    random = np.random.default_rng(0)
    gains, weights = random.normal(size=9), random.integers(1, 9, size=9)
    expected = regression.WLS(gains, np.ones(9), weights=weights).fit()
    result = gate(gains, weights=weights)
    assert result.gain == pytest.approx(expected.params[0])
    assert result.standard_error == pytest.approx(expected.HC2_se[0])
