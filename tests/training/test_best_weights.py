from types import SimpleNamespace

import numpy as np
import pytest

from tscnn.network.backend import keras
from tscnn.training.best_weights import BestWeights, describe_scaling, find_scale, scale_head


class Network:
    """A kernel and a bias of one layer, and a weight that is not of the head."""

    def __init__(self) -> None:
        self.body = keras.Variable(np.full(3, 7.0))
        self.head = [keras.Variable(np.zeros((2, 4))), keras.Variable(np.zeros(4))]

    def get_weights(self):
        return [np.array(variable) for variable in (self.body, *self.head)]

    def set_weights(self, weights):
        for variable, weight in zip((self.body, *self.head), weights, strict=True):
            variable.assign(weight)


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
    network = Network()
    kernel = network.head[0]
    wanted = np.full(kernel.shape, best)

    def judge():
        return np.square(np.array(kernel) - wanted).ravel()

    callback = BestWeights(network, network.head, judge, 2, [9], scales=scales)
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
    callback.put_back()
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
    network, current = Network(), [10.0]
    callback = BestWeights(network, network.head, lambda: np.array(current), 2, rounds, scales=False)
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    for epoch, loss in enumerate([*losses, *losses[-1:] * 9][: rounds[-1]]):
        current[0] = float(loss)
        callback.on_epoch_end(epoch, {})
        if callback.model.stop_training:
            break
    assert epoch + 1 == n_epochs


def test_what_counts_as_going_on_is_a_setting():
    network, current = Network(), [10.0]
    n_epochs = []
    for round_gain in (0.01, 0.2):
        callback = BestWeights(
            network, network.head, lambda: np.array(current), 2, [4, 12], scales=False, round_gain=round_gain
        )
        callback.set_model(SimpleNamespace(stop_training=False))
        current[0] = 10.0
        callback.on_train_begin()
        for epoch in range(12):
            current[0] *= 0.95
            callback.on_epoch_end(epoch, {})
            if callback.model.stop_training:
                break
        n_epochs.append(epoch + 1)
    assert n_epochs == [12, 4]


def test_a_tiny_part_of_what_was_learnt_is_not_kept():
    kept = []
    for least_scale in (0.1, 0.01):
        network = Network()
        kernel = network.head[0]

        def judge(kernel=kernel):
            return np.square(np.array(kernel) - 0.05).ravel()

        callback = BestWeights(network, network.head, judge, 2, [9], scales=True, least_scale=least_scale)
        callback.set_model(SimpleNamespace(stop_training=False))
        callback.on_train_begin()
        kernel.assign(np.ones(kernel.shape))
        callback.on_epoch_end(0, {})
        callback.put_back()
        kept.append(bool(np.any(kernel)))
    assert kept == [False, True]


def test_the_head_is_scaled_by_the_shrinkage_factor():
    network = Network()
    kernel, bias = network.head
    before = np.full(8, 2.0)
    assert scale_head(network.head, before, before - 1, 1) is None  # at its start
    kernel.assign(np.ones(kernel.shape))
    bias.assign(np.full(bias.shape, 2.0))
    gains = np.repeat([0.9, 1.0, 1.1, 1.0], 2)
    result = scale_head(network.head, before, before - gains, 2)
    t = 1.0 / np.sqrt(np.var([0.9, 1.0, 1.1, 1.0], ddof=1) / 4)
    assert result.kept
    assert result.gain == pytest.approx(0.5)
    assert result.shrinkage == pytest.approx(1 - 3 / t**2)
    np.testing.assert_allclose(kernel, result.shrinkage, rtol=1e-6)
    np.testing.assert_allclose(bias, 2 * result.shrinkage, rtol=1e-6)
    np.testing.assert_allclose(network.body, 7)


@pytest.mark.parametrize(
    ("gains", "level"),
    [
        ([-0.9, -1.0, -1.1, -1.0], 0.05),
        ([0.9, -0.5, 0.6, 0.1], 0.05),
        ([1.0, 1.0, 1.0], 0.05),
        ([1.0, -0.4, 0.9, 0.3], 0.2),  # p = 0.13, but a shrinkage factor of 0
    ],
)
def test_a_gain_that_may_be_chance_is_taken_back(gains, level):
    network, before = Network(), np.full(len(gains), 2.0)
    network.head[0].assign(np.ones((2, 4)))
    network.head[1].assign(np.ones(4))
    result = scale_head(network.head, before, before - gains, 1, level=level)
    assert not result.kept
    assert result.reason.startswith("not kept")
    assert not any(np.any(variable) for variable in network.head)


def test_what_is_left_of_a_network_is_told():
    assert describe_scaling(None) == "the linear terms forecast alone: no epoch improved on them"
    network, before = Network(), np.full(4, 2.0)
    lines = []
    for losses in (np.array([1.8, 1.81, 1.8, 1.79]), np.array([1.8, 2.2, 1.7, 2.0])):
        network.head[0].assign(np.ones((2, 4)))
        lines.append(describe_scaling(scale_head(network.head, before, losses, 1)))
    assert lines[0].startswith("the network's forecast is shrunk by a factor of 1.00; kept: 10.0 % less error, p = ")
    assert lines[1].startswith("the linear terms forecast alone; network not kept: 3.7 % less error, but p = ")
