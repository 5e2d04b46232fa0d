"""The callbacks of Keras in our training loop."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from tests.conftest import make_frame, small_forecaster
from tests.training.terms import Repeat
from tests.training.test_loop import LOOKBACK, QUICK, fit, make_network
from tscnn.network.backend import keras
from tscnn.training.settings import Training

callbacks = keras.callbacks
FOUR = QUICK.set_params(epochs=4)


def rates(trained):
    return trained.history["learning_rate"]


@pytest.mark.slow
def test_callbacks_set_the_learning_rate():
    schedule = callbacks.LearningRateScheduler(lambda epoch, _: 1e-2 * 0.5**epoch)
    _, trained = fit(FOUR.set_params(callbacks=[schedule]))
    np.testing.assert_allclose(rates(trained), [1e-2, 5e-3, 2.5e-3, 1.25e-3], rtol=1e-6)
    plateau = callbacks.ReduceLROnPlateau(monitor="loss", patience=1, factor=0.5, min_delta=100)
    _, trained = fit(FOUR.set_params(callbacks=[plateau]))
    assert rates(trained)[0] > rates(trained)[1]  # along the cosine
    np.testing.assert_allclose(rates(trained)[3], rates(trained)[2] / 2, rtol=1e-6)


@pytest.mark.backend
@pytest.mark.slow
def test_a_learning_rate_of_zero_set_by_callbacks_teaches_nothing():
    still = callbacks.LearningRateScheduler(lambda *_: 0.0)
    network, _ = fit(FOUR.set_params(callbacks=[still], epochs=2), validation=False)
    for name, weight in make_network().arrays().items():
        np.testing.assert_array_equal(network.arrays()[name], weight)


@pytest.mark.backend
@pytest.mark.slow
def test_callbacks_save_and_restore_the_network_alone(tmp_path):
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    best = callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True, save_best_only=True)
    early = callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=100, restore_best_weights=True)
    network, trained = fit(FOUR.set_params(callbacks=[saving, best, early]), (Repeat(2),))
    assert len(trained.history["loss"]) == 2
    first = keras.saving.load_model(tmp_path / "1.keras")
    rows = np.ones((1, LOOKBACK, 2), np.float32)
    assert np.any(first.predict_on_batch(rows))
    assert first.count_params() == network.dense.count_params()
    kept = network.arrays()["head/kernel"]
    network.dense.load_weights(tmp_path / "best.weights.h5")
    # What stays is the best epoch, shrunk, and not what EarlyStopping put back.
    part = kept[0, 0] / network.arrays()["head/kernel"][0, 0]
    assert 0 <= part < 1
    np.testing.assert_allclose(kept, part * network.arrays()["head/kernel"], rtol=1e-5)


@pytest.mark.slow
def test_early_stopping_among_callbacks_puts_weights_back_without_validation():
    worse = callbacks.LearningRateScheduler(lambda epoch, _: 1e-2 if epoch == 0 else 1.0)
    early = callbacks.EarlyStopping(monitor="loss", patience=2, min_delta=100, restore_best_weights=True)
    traced = FOUR.set_params(traced_steps=1)  # what is traced and what is not differ by rounding
    kept, after_first = fit(traced.set_params(callbacks=[worse, early]), validation=False)[0], []
    noting = callbacks.LambdaCallback(on_epoch_end=lambda *_: after_first.append(noting.model.get_weights()))
    fit(traced.set_params(callbacks=[worse, noting], epochs=1), validation=False)
    for ours, expected in zip(kept.dense.get_weights(), after_first[0], strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_other_callbacks_run(tmp_path):
    calls = []
    several = [
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.TerminateOnNaN(),
        callbacks.History(),
        callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: calls.append(logs["loss"])),
    ]
    _, trained = fit(QUICK.set_params(callbacks=several))
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch,loss,val_loss"
    assert len(calls) == len(trained.history["loss"]) == 2


@pytest.mark.slow
def test_tensorboard_among_callbacks(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    fit(QUICK.set_params(callbacks=[callbacks.TensorBoard(tmp_path, histogram_freq=1)]))
    assert list(tmp_path.rglob("events*"))


@pytest.mark.slow
def test_a_forecaster_with_callbacks_is_copied_after_its_fit(tmp_path):
    early, log = callbacks.EarlyStopping(patience=1), callbacks.CSVLogger(tmp_path / "log.csv")
    fitted = small_forecaster(callbacks=[early, log], epochs=1).fit(make_frame(150, 1))
    assert clone(fitted).training.callbacks[0] is early
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch,loss,val_loss"
    copied = pickle.loads(pickle.dumps(early))
    assert copied.model is None
    assert copied.patience == 1


@pytest.mark.parametrize(
    "wrong",
    [callbacks.EarlyStopping, callbacks.EarlyStopping(), "x", 3, [1], [callbacks.EarlyStopping], {"a": 1}, [[]]],
    ids=["class", "one", "text", "number", "numbers", "classes", "dict", "nested"],
)
def test_errors_name_callbacks(wrong):
    with pytest.raises(TypeError, match=r"^`callbacks` must be None or a list of Keras callbacks") as raised:
        Training(callbacks=wrong).check()
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("refused", [callbacks.BackupAndRestore("folder"), callbacks.SwapEMAWeights()])
def test_errors_refuse_callbacks_by_name_and_say_what_to_do(refused):
    class Own(type(refused)):
        pass

    refused.__class__ = Own
    with pytest.raises(ValueError, match=f"`callbacks` can't hold a {Own.__mro__[1].__name__}: ") as raised:
        Training(callbacks=(refused,)).check()
    assert len(str(raised.value)) < 400


# A loss that is not finite


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("stopping", [[], [callbacks.TerminateOnNaN()]])
def test_errors_of_a_diverging_fit_say_what_to_try(validation, stopping):
    settings = Training(
        loss=lambda _, p: keras.ops.log(keras.ops.mean(p * p, axis=-1)),  # of a new network's zeros
        epochs=3,
        callbacks=stopping,
    )
    with pytest.raises(
        ValueError, match=r"finite numbers, but `loss` is (nan|-inf) after epoch 1\. Try a smaller `l"
    ) as raised:
        fit(settings, validation=validation)
    assert len(str(raised.value)) < 400


@pytest.mark.backend
def test_errors_where_the_last_step_spoils_the_weights():
    settings = QUICK.set_params(epochs=1, looped_steps=1, batch_size=1000, learning_rate=1e38)
    with pytest.raises(ValueError, match=r"finite numbers, but .* Received: learning_rate=1e\+38"):
        fit(settings, validation=False)
