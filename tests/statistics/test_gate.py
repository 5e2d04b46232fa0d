import numpy as np
import pytest

from tscnn.statistics.gate import trust, trusted_gain, trusted_share


def test_a_gain_within_its_standard_error_is_not_trusted():
    assert trusted_gain([0.3, 0.3, 0.3], [1, 1, 1]) == pytest.approx(0.3)
    assert trusted_gain([0.3, 0.1, 0.2], [50, 50, 50]) == pytest.approx(0.2 - 0.01 / 3 / 0.2)
    squared_error = (0.25 * 0.1) ** 2 * 2 * 3 / 2  # the last one counts as much as the others together
    assert trusted_gain([0.3, 0.1, 0.2], [50, 50, 100]) == pytest.approx(0.2 - squared_error / 0.2)
    assert trusted_gain([0.5, -0.4, 0.2, 0.1], [1, 1, 1, 1]) == 0
    assert trusted_gain([-0.3, -0.3, -0.3], [1, 1, 1]) == 0
    assert trusted_gain([0.3, 0.3], [1, 1]) == 0


def test_two_folds_are_enough_to_doubt():
    assert trust([0.3, 0.3], [1, 1]) == 1
    assert trust([0.3, 0.1], [1, 1]) == pytest.approx(1 - (0.1 / 0.2) ** 2)
    assert trust([0.3, -0.2], [1, 1]) == trust([-0.3, -0.2], [1, 1]) == 0


def test_a_steady_gain_is_trusted_and_a_chance_one_is_not():
    random = np.random.default_rng(0)
    noise = random.normal(size=3200)
    assert trusted_share(0.5 + 0.1 * noise, apart=1) > 0.99
    assert trusted_share(-0.5 + 0.1 * noise, apart=1) == 0
    one_block = np.zeros(400)
    one_block[100:150] = 1  # all of the gain in an eighth of the origins
    assert trusted_share(one_block, apart=100) == pytest.approx(0)
    assert trusted_share(np.ones(3), apart=1) == 0  # too few to tell
    assert trusted_share(np.ones(4), apart=1) == 1


def test_the_trusted_share_is_that_of_block_means():
    gains = np.random.default_rng(1).normal(0.3, 1, size=600)
    means = gains.reshape(6, 100).mean(axis=1)
    expected = 1 - 5 / 3 * means.var(ddof=1) / 6 / gains.mean() ** 2
    assert expected > 0.9
    assert trusted_share(gains, apart=100) == pytest.approx(expected)
    assert trusted_share(gains, apart=151) == 0  # not four blocks
