import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import layers as twin
from tscnn.transforms import rolling
from tscnn.transforms.rolling import (
    normalize_by_block,
    rolling_moments,
    rolling_normalize,
    start_normalizing,
    step_normalizing,
    window_scales,
)


def random_rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(max_examples=30)
@given(span=st.integers(1, 70), extra=st.integers(0, 20), seed=st.integers(0, 99))
def test_rolling_normalize_equals_float64_numpy(span, extra, seed):
    rows = (random_rows(2, span + extra, 3, seed=seed) * [1, 10, 0.1] + [0, 5, -3]).astype(np.float32)
    normalized, level, scale = rolling_normalize(rows, span, epsilon=0.01)
    assert {found.dtype for found in (normalized, level, scale)} == {np.dtype(np.float32)}
    mean, deviation = twin.rolling_moments(rows[1], span)
    np.testing.assert_allclose(level[1], mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scale[1], deviation, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(normalized[1], (rows[1, span - 1 :] - mean) / (deviation + 0.01), rtol=1e-4, atol=1e-4)


@settings(max_examples=30)
@given(span=st.integers(1, 70), seen=st.integers(0, 9), seed=st.integers(0, 99))
def test_rows_one_by_one_give_the_same(span, seen, seed):
    rows = 5 + random_rows(2, span + seen + 40, 3, seed=seed)
    rings = start_normalizing(rows[:, : span + seen], span)
    expected = [statistic[:, seen + 1 :] for statistic in rolling_normalize(rows, span)]
    found = [step_normalizing(rings, row, span) for row in rows[:, span + seen :].transpose(1, 0, 2)]
    for steps, dense in zip(zip(*found, strict=True), expected, strict=True):
        assert steps[0].dtype == np.float32
        np.testing.assert_allclose(np.stack(steps, axis=1), dense, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("span", [2, 24, 100, 255])
def test_a_small_variation_on_a_high_level_is_kept(span):
    rows = (1e6 + 3 * random_rows(1, 400, 2)).astype(np.float32)
    _, level, scale = rolling_normalize(rows, span)
    mean, deviation = twin.rolling_moments(rows[0], span)
    np.testing.assert_allclose(level[0], mean, rtol=1.2e-7)  # float32 rounds 1e6 to 0.06
    np.testing.assert_allclose(scale[0], deviation, rtol=0, atol=0.05)


def test_moments_of_float64_are_those_from_scratch():
    rows = np.random.default_rng(0).normal(size=(30, 2)) + 3
    mean, variance = rolling_moments(rows, 7)
    expected_mean, deviation = twin.rolling_moments(rows, 7)
    np.testing.assert_allclose(mean[6:], expected_mean)
    np.testing.assert_allclose(variance[6:], deviation**2)
    np.testing.assert_allclose(mean[:6], np.tile(rows.mean(axis=0), (6, 1)))
    assert not variance[:6].any()
    assert (window_scales(rows, 7, 0) == 1).all()


@pytest.mark.parametrize("span", [1, 3, 8, 30])
def test_blocks_change_no_bit(span, monkeypatch):
    rows = random_rows(300, 2).cumsum(axis=0)
    moments, whole = rolling_moments(rows, span), rolling_normalize(rows[None], span)
    monkeypatch.setattr(rolling, "BLOCK", 14)
    np.testing.assert_array_equal(rolling_moments(rows, span), moments)
    blocks = [found for _, *found in normalize_by_block(rows, span)]
    for parts, expected in zip(zip(*blocks, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), expected[0])
