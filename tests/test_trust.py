import pytest

from tscnn.trust import trust, trusted_gain


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
