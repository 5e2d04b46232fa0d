import numpy as np
import pytest

from tests.training.terms import Repeat, Trend
from tscnn.network.backend import ops
from tscnn.network.config import resolve_config
from tscnn.network.graph import build_network
from tscnn.network.term import NetworkTerm
from tscnn.training.graph import Assembled, TermsLayer
from tscnn.training.trainer import SegmentTrainer

ROWS = np.random.default_rng(0).normal(size=(2, 9, 3)).astype(np.float32)


def dense(term, rows, lookback):
    """What a term forecasts at the origins that have `lookback` rows."""
    return np.stack([term.dense(series)[lookback - term.context :] for series in rows])


@pytest.mark.backend
def test_terms_of_several_contexts_are_added_up():
    terms = [Repeat(2), Trend(3), Repeat(5)]
    layer = TermsLayer(terms, 6)
    expected = sum(dense(term, ROWS, 6) for term in terms)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(ROWS)), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(ROWS[:, -6:])), expected[:, -1:], rtol=1e-5, atol=1e-6)
    assert not layer.trainable_weights


@pytest.mark.backend
def test_a_network_is_added_in_float32():
    def network(rows, training):
        return ops.cast(rows[:, 3:, None] * (2 if training else 1), "float16")

    alone, beside = Assembled(network, None), Assembled(network, TermsLayer([Trend(1)], 4))
    np.testing.assert_allclose(ops.convert_to_numpy(alone(ROWS)), ROWS[:, 3:, None], rtol=1e-3)
    expected = 2 * ROWS[:, 3:, None] + dense(Trend(1), ROWS, 4)
    found = ops.convert_to_numpy(beside(ROWS, training=True))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


def test_a_context_longer_than_the_lookback_is_refused():
    with pytest.raises(ValueError, match=r"at most the lookback, 4 rows\. Received: context=5"):
        TermsLayer([Repeat(5)], 4)


@pytest.mark.backend
def test_what_is_known_ahead_reaches_the_steps_it_belongs_to():
    random = np.random.default_rng(0)
    config = resolve_config(8, 3, 2, targets=[1], normalizer_span=4, filters=4, n_ahead=2)
    network = build_network(config, seed=0)
    for weight in network.dense.weights:
        weight.assign(random.normal(scale=0.3, size=weight.shape))
    rows = random.normal(size=(40, 2)).astype(np.float32)
    ahead = random.normal(size=(40, 2)).astype(np.float32)
    trainer = SegmentTrainer(Assembled(network.dense, None), rows, network, 5, "mse", ahead=ahead)
    starts = np.array([0, 11], np.int32)
    losses = ops.convert_to_numpy(trainer(starts))
    origins = starts[:, None] + 7 + np.arange(5)
    steps = origins[..., None] + 1 + np.arange(3)
    term = NetworkTerm.from_keras(network)
    for i, at in enumerate(origins):
        found = term.dense(rows[at[0] - 7 : at[-1] + 1], ahead[steps[i]])[..., 0]
        np.testing.assert_allclose(losses[i], np.square(found - rows[steps[i], 1]).mean(axis=1), rtol=1e-4)
