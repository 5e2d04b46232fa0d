from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import small_forecaster
from tscnn.network.config import resolve_config
from tscnn.network.graph import build_network
from tscnn.training.best_weights import BestWeights, describe_trust, find_scale, scale_head


def test_the_scale_is_that_of_least_squares():
    random = np.random.default_rng(0)
    errors, learnt = random.normal(size=(2, 500))
    learnt -= 0.3 * errors
    squares = [np.square(errors + scale * learnt) for scale in (0, 0.5, 1)]
    expected = -errors @ learnt / (learnt @ learnt)
    assert 0.1 < expected < 0.9
    scale, losses = find_scale(*squares)
    assert scale == pytest.approx(expected)
    np.testing.assert_allclose(losses, np.square(errors + scale * learnt), atol=1e-12)


@pytest.mark.parametrize(
    ("losses", "scale"),
    [((4.0, 2.25, 1.0), 1), ((1.0, 2.25, 4.0), 0), ((1.0, 1.5, 0.5), 1), ((1.0, 1.5, 1.2), 0), ((1.0, 1.0, 1.0), 0)],
)
def test_the_scale_stays_between_nothing_and_all(losses, scale):
    found, at_scale = find_scale(*np.array(losses)[:, None])
    assert found == scale
    assert at_scale[0] == pytest.approx(losses[2 if scale else 0])


@pytest.mark.parametrize(("scales", "best", "second"), [(True, 0.8, 1.6), (False, 1.0, 1.0)])
def test_the_best_epoch_counts_as_far_as_it_serves(scales, best, second):
    network = build_network(resolve_config(4, 2, 1))
    kernel = network.dense.get_layer("head").kernel
    wanted = np.full(kernel.shape, best)

    def judge():
        return np.square(np.array(kernel) - wanted).ravel()

    callback = BestWeights(network.dense, judge, 2, [9], scales)
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    logs = {}
    for epoch, learnt in enumerate((0.4, second, 0.1, 0.1)):
        assert not callback.model.stop_training
        kernel.assign(np.full(kernel.shape, learnt))
        callback.on_epoch_end(epoch, logs)
        assert logs["val_loss"] == pytest.approx((learnt - best) ** 2)
        np.testing.assert_allclose(kernel, learnt)  # training goes on from what it learnt
    assert callback.model.stop_training
    callback.on_train_end()
    np.testing.assert_allclose(kernel, best, rtol=1e-6)
    assert callback.scale == pytest.approx(best / second)
    np.testing.assert_allclose(callback.losses, 0, atol=1e-6)
    np.testing.assert_allclose(callback.start_losses, best**2, rtol=1e-6)


@pytest.mark.parametrize(
    ("rounds", "losses", "n_epochs"),
    [
        ([4], [9, 8, 7, 6], 4),
        ([4, 12], [9, 8, 7, 6, 5, 5, 5, 5, 4, 4, 3, 3], 12),
        ([4, 12], [9, 8, 8, 7.93], 4),  # hardly better than halfway
        ([4, 12, 28], [9, 8, 7, 6, 7, 7, 5, 5, 5, 5, 5, 4.96], 12),
        ([4, 12], [7, 8, 8], 3),  # patience
        ([8, 24], [9, 8, 7, 5, 6, 6], 7),  # patience has to wait, and ends what halfway through is no longer better
        ([8], [9, 8, 7, 5, 6, 6], 6),
    ],
)
def test_a_further_round_follows_if_half_of_one_still_pays(rounds, losses, n_epochs):
    network, current = build_network(resolve_config(4, 2, 1)), [10.0]
    callback = BestWeights(network.dense, lambda: np.array(current), 2, rounds, scales=False)
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    for epoch, loss in enumerate([*losses, *losses[-1:] * 9][: rounds[-1]]):
        current[0] = float(loss)
        callback.on_epoch_end(epoch, {})
        if callback.model.stop_training:
            break
    assert epoch + 1 == n_epochs


def test_the_head_is_scaled_by_what_can_be_trusted():
    network = build_network(resolve_config(4, 2, 1))
    kernel, bias = network.dense.get_layer("head").trainable_weights
    assert scale_head(network, np.ones(20), 1) is None
    kernel.assign(np.ones(kernel.shape))
    bias.assign(np.full(bias.shape, 2.0))
    gains = np.repeat([0.9, 1.0, 1.1, 1.0], 2)
    share = scale_head(network, gains, 2)
    assert 0.9 < share < 1
    np.testing.assert_allclose(kernel, share, rtol=1e-6)
    np.testing.assert_allclose(bias, 2 * share, rtol=1e-6)
    assert scale_head(network, -gains, 2) == 0
    assert not np.any(kernel)


def test_what_is_not_trusted_is_taken_back():
    rows = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)  # nothing but the linear map to be learnt
    head = small_forecaster(learning_rate=0.01).fit(rows).network_.dense.get_layer("head").get_weights()
    free = (
        small_forecaster(learning_rate=0.01, linear_skip=None).fit(rows).network_.dense.get_layer("head").get_weights()
    )
    assert np.abs(head[0]).max() < 0.5 * np.abs(free[0]).max()


def test_what_is_taken_back_is_told(capsys):
    rows = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    small_forecaster(verbose=1, horizon=20, learning_rate=0.01).fit(rows)  # not four horizons to judge on
    line = capsys.readouterr().out.splitlines()[-2]
    assert line in (describe_trust(None), describe_trust(0.0))
    assert line.startswith("the linear map forecasts alone: ")
    assert describe_trust(0.25).startswith("the convolutions add 25% of what they learnt ")
