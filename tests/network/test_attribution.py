"""Gradient times input of a network, from NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from tests.network.networks import random_rows, random_term
from tscnn.network.attribution import attribute_network
from tscnn.network.config import FEATURE_MODES
from tscnn.network.term import NetworkTerm

LOOKBACK, N_FEATURES = 12, 3


@pytest.mark.parametrize("mode", FEATURE_MODES)
def test_a_linear_network_is_explained_exactly(mode):
    term = random_term(n_features=N_FEATURES, feature_mode=mode, activation="linear", normalizer_span=None)
    window = random_rows(LOOKBACK, N_FEATURES)
    found, constant = term.attribute(window), term.last(np.zeros_like(window)[None])[0]

    def alone(rows, columns):
        kept = np.zeros_like(window)
        kept[rows, columns] = window[rows, columns]
        return term.last(kept[None])[0] - constant

    close(found.by_column, np.stack([alone(slice(None), f) for f in range(N_FEATURES)]))
    close(found.by_lag, np.stack([alone(row, slice(None)) for row in range(LOOKBACK)]))


@pytest.mark.parametrize("mode", FEATURE_MODES)
@pytest.mark.parametrize("activation", ["gated", "relu"])
def test_columns_and_lags_sum_to_the_derivative_along_the_window(mode, activation):
    term = random_term(n_features=N_FEATURES, feature_mode=mode, activation=activation, normalizer_span=None)
    window = random_rows(LOOKBACK, N_FEATURES)
    found = term.attribute(window)
    longer, shorter = (term.last(window[None] * np.float32(1 + each))[0].astype(float) for each in (0.01, -0.01))
    close(found.by_column.sum(axis=0), (longer - shorter) / 0.02, 2e-3)
    close(found.by_lag.sum(axis=0), (longer - shorter) / 0.02, 2e-3)


@pytest.mark.parametrize("mode", FEATURE_MODES)
def test_behind_a_normaliser_columns_and_lags_agree(mode):
    term = random_term(n_features=N_FEATURES, feature_mode=mode, normalizer_span=5)
    found = term.attribute(random_rows(LOOKBACK, N_FEATURES))
    close(found.by_column.sum(axis=0), found.by_lag.sum(axis=0))
    others = found.by_column[[1, 2], :, 0]
    assert (others == 0).all() if mode == "independent" else np.abs(others).min() > 1e-6


def test_the_level_is_shared_out_among_its_rows_and_silent_targets_stay_so():
    term = random_term(n_features=N_FEATURES, normalizer_span=5)
    with_level, without = (
        NetworkTerm(replace(term.config, add_level=add_level), term.parameters, silent=(1,))
        for add_level in (True, False)
    )
    window = random_rows(LOOKBACK, N_FEATURES)
    found = with_level.attribute(window)
    close(found.by_column[2, :, 2] - without.attribute(window).by_column[2, :, 2], np.full(2, window[-5:, 2].mean()))
    close(found.by_column.sum(axis=0), found.by_lag.sum(axis=0))
    assert (found.by_column[..., 1] == 0).all()


def test_what_is_known_ahead_is_told_by_covariate():
    term = random_term(n_features=N_FEATURES, n_ahead=3, normalizer_span=None)
    window, known = random_rows(LOOKBACK, N_FEATURES), random_rows(2, 3, seed=1)
    found = attribute_network(term.config, term.parameters, window, known, np.array([1, 2, 0]))
    assert found.by_known.shape == (3, 2, N_FEATURES)
    longer, shorter = (
        term.last(window[None], known[None] * np.float32(1 + each))[0].astype(float) for each in (0.01, -0.01)
    )
    close(found.by_known.sum(axis=0), (longer - shorter) / 0.02, 2e-3)
    known[:, 0] = 0
    assert (attribute_network(term.config, term.parameters, window, known, np.array([1, 2, 0])).by_known[1] == 0).all()


def close(found, expected, tolerance=1e-4):
    np.testing.assert_allclose(found, expected, atol=tolerance * np.abs(expected).max())
