import gc

import numpy as np
import pytest

from tests.conftest import make_frame, quick_forecaster, small_forecaster
from tscnn.data.windows import cut_segments
from tscnn.network.backend import keras
from tscnn.training import loop
from tscnn.training.loop import SegmentBatches


def test_a_cut_epoch_draws_its_batches_anew():
    segments = cut_segments([range(9, 393)], 10, 8)
    batches = SegmentBatches(segments, 4, n_looped=5, seed=3, most_batches=7)
    seen = []
    for _ in range(2):
        starts, weights = (np.concatenate(parts) for parts in zip(*(batches[i] for i in range(2)), strict=True))
        assert weights.any(axis=2).sum() == 7 * 4
        seen.append(set(starts[weights.any(axis=2)]))
        batches.on_epoch_end()
    assert len(batches) == 2
    assert len(seen[0]) == len(seen[1]) == 7 * 4
    assert seen[0] != seen[1]


@pytest.mark.parametrize(("epochs", "n_steps", "n_epochs"), [("auto", 5, 43), (2, 7, 2)])
def test_auto_leaves_out_what_would_take_long(monkeypatch, epochs, n_steps, n_epochs):
    monkeypatch.setattr(loop, "EPOCH_VALUES", 5 * 32 * 3 * 3)  # of 32 origins, 3 steps and 3 columns
    monkeypatch.setattr(loop, "EPOCH_STEPS", 1)
    steps = []
    counter = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: steps.append(int(counter.model.optimizer.iterations))
    )
    quick_forecaster(epochs=epochs, batch_size=32, callbacks=[counter]).fit(make_frame(220))
    assert steps == [n_steps * (i + 1) for i in range(n_epochs)]


@pytest.mark.parametrize(
    ("changes", "rounds"),
    [
        ({}, [30, 90, 210]),
        ({"most_rounds": 1}, [30]),  # nothing is judged
        ({"hopeless": True}, [1]),
        ({"n_batches": 1}, [50, 150, 350]),
        ({"n_batches": 1000}, [3, 9, 21]),
        ({"n_values": 10**6}, [30]),  # 900 million values in two rounds
        ({"n_values": 5 * 10**5}, [30, 90]),
        ({"n_values": 5 * 10**5, "n_batches": 1000}, [3, 9]),  # of which an epoch has a hundred
    ],
)
def test_rounds_of_epochs_take_twice_as_long_each_until_they_would_take_long(changes, rounds):
    planned, _ = loop.plan_rounds(**{"n_batches": 10, "n_values": 1000, "hopeless": False, "most_rounds": 3} | changes)
    assert planned == rounds


def test_each_round_begins_with_the_full_learning_rate(capsys):
    rates = []
    noting = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: rates.append(float(noting.model.optimizer.learning_rate))
    )
    rows = np.zeros((400, 1))
    for i in range(2, 400):  # Hénon's map, of which no straight line says anything
        rows[i] = 1 - 1.4 * rows[i - 1] ** 2 + 0.3 * rows[i - 2]
    settings = {"lookback": 4, "horizon": 1, "filters": 8, "linear_skip": None, "normalizer_span": None}
    small_forecaster(**settings, epochs="auto", learning_rate=1e-2, callbacks=[noting], verbose=1).fit(rows)
    begun = [i for i, rate in enumerate(rates) if rate == pytest.approx(1e-2)]
    assert begun in ([0, 50], [0, 50, 150])
    out = capsys.readouterr().out
    assert "epoch 50/50 " in out
    assert "epoch  51/150 " in out


def test_as_many_origins_are_judged_at_a_time_as_memory_allows(monkeypatch):
    sizes, predict = set(), loop.SegmentTrainer.predict_on_batch

    def recording(trainer, starts):
        sizes.add(len(starts))
        return predict(trainer, starts)

    monkeypatch.setattr(loop.SegmentTrainer, "predict_on_batch", recording)
    losses = []
    for most, n_segments in ((1, 1), (3 * 32 * 3 * 3, 3), (10**6, 4)):  # a segment forecasts 32 x 3 x 3 values
        monkeypatch.setattr(loop, "STEP_VALUES", most)
        sizes.clear()
        history = small_forecaster(batch_size=32, epochs=1, validation_fraction=0.4).fit(make_frame(400)).history_
        assert sizes == {n_segments}
        losses.append(history["val_loss"].iloc[0])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


@pytest.mark.parametrize(("horizon", "most", "every"), [(70, 1, 2), (70, 10**9, 1), (30, 1, 1)])
def test_many_outcomes_of_long_horizons_are_judged_by_every_second_segment_or_so(monkeypatch, horizon, most, every):
    monkeypatch.setattr(loop, "JUDGED_VALUES", most)
    judge, scale, losses, blocks = loop.origin_losses, loop.scale_head, [], []
    monkeypatch.setattr(loop, "origin_losses", lambda *given: losses.append(judge(*given)) or losses[-1])
    monkeypatch.setattr(loop, "scale_head", lambda *given: blocks.append(given[2]) or scale(*given))
    quick_forecaster(lookback=12, horizon=horizon, validation_fraction=0.4).fit(make_frame(1000))
    n_origins = 400 - horizon + 1
    of_segments = [min(32, n_origins - first) for first in range(0, n_origins, 32 * every)]  # 32 in each but the last
    assert {len(found) for found in losses} == {sum(of_segments)}
    assert blocks == [-(-horizon * sum(of_segments) // n_origins)]


def test_looped_batches_hold_every_origin_once():
    segments = cut_segments([range(9, 400)], 10, 8)
    plain, looped = SegmentBatches(segments, 4, seed=3), SegmentBatches(segments, 4, n_looped=5, seed=3)
    assert len(plain) == plain.n_batches == looped.n_batches == 13
    assert len(looped) == 3
    starts, weights = (np.concatenate(parts) for parts in zip(*(looped[i] for i in range(3)), strict=True))
    assert starts.shape == (15, 4)
    assert weights.shape == (15, 4, 8)
    assert not weights[13:].any()
    for i in range(13):
        np.testing.assert_array_equal(starts[i], plain[i][0])
        np.testing.assert_array_equal(weights[i], plain[i][1])


def test_steps_in_one_call_are_the_same_steps(monkeypatch):
    frame = make_frame(200)
    parameters = {"batch_size": 32, "dropout": 0.2, "linear_skip": None}
    expected = small_forecaster(**parameters).fit(frame)
    for steps in (1, 3):
        monkeypatch.setattr(loop, "LOOPED_STEPS", steps)
        found = small_forecaster(**parameters).fit(frame)
        np.testing.assert_allclose(found.history_, expected.history_, rtol=1e-5)
        np.testing.assert_allclose(found.predict(), expected.predict(), rtol=1e-5)


def test_auto_makes_one_epoch_of_what_cannot_be_trusted(frame, monkeypatch):
    monkeypatch.setattr(loop, "N_STEPS", 1)  # three epochs otherwise, or more
    steps, judged = [], []
    counter = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: steps.append(int(counter.model.optimizer.iterations))
    )
    judge = loop.origin_losses
    monkeypatch.setattr(loop, "origin_losses", lambda *given: judged.append(0) or judge(*given))
    settings = {"epochs": "auto", "horizon": 8, "batch_size": 32}
    forecaster = small_forecaster(**settings, callbacks=[counter]).fit(frame)  # 23 validation origins
    assert len(forecaster.history_) == len(steps) == 1
    assert steps == [1]  # of eight: it is taken back in any case
    assert len(judged) == 2  # before and after
    moved = forecaster.network_.dense.get_layer("head").trainable_weights
    assert all(not np.any(weights) for weights in moved)
    assert len(small_forecaster(epochs="auto", horizon=8, linear_skip=None).fit(frame).history_) >= 3
    settings = {"epochs": "auto", "horizon": 8, "batch_size": 16, "validation_fraction": 0, "callbacks": [counter]}
    short = small_forecaster(**settings).fit(frame.iloc[:40])  # 21 in all
    assert len(short.history_) == 1
    assert steps[1:] == [2]  # which stay


def test_a_fit_leaves_nothing_behind():
    frame, counts = make_frame(200), []
    for _ in range(3):
        small_forecaster(epochs=1).fit(frame)
        gc.collect()
        counts.append(len(gc.get_objects()))
    assert counts[2] - counts[1] < 2000  # a graph that something keeps holds ten thousand and more
