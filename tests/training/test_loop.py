import numpy as np
import pytest

from tests.training.terms import Repeat
from tscnn.common.progress import write_line
from tscnn.data import mapped
from tscnn.data.windows import cut_segments, find_origins
from tscnn.network.backend import keras, on_tensorflow
from tscnn.network.config import resolve_config
from tscnn.network.graph import build_network, seed_weights
from tscnn.network.term import NetworkTerm
from tscnn.training.loop import find_units, plan_rounds, plan_training, thin, train
from tscnn.training.settings import Training

LOOKBACK, HORIZON, N_COLUMNS, FIRST = 6, 2, 2, 150  # FIRST: of the validation rows
QUICK = Training(epochs=2, batch_size=32, learning_rate=1e-2)


def waves(n_rows=220):
    """Columns that no constant forecasts, and a network soon does."""
    hours = np.arange(n_rows)[:, None] + 3 * np.arange(N_COLUMNS)
    return (np.sin(2 * np.pi * hours / 12) + 0.1 * np.random.default_rng(0).normal(size=hours.shape)).astype(np.float32)


def make_network(seed=0, **changes):
    settings = {"normalizer_span": None, "filters": 4, **changes}
    network = build_network(resolve_config(LOOKBACK, HORIZON, N_COLUMNS, **settings))
    seed_weights(network.dense, seed)
    return network


def fit(settings=QUICK, terms=(), rows=None, network=None, validation=True, **changes):
    """Train a small network; return it and what training tells."""
    rows = waves() if rows is None else rows
    network = make_network() if network is None else network
    training = find_origins([FIRST if validation else len(rows)], LOOKBACK, HORIZON)
    judged = find_origins([len(rows)], LOOKBACK, HORIZON, [FIRST]) if validation else []
    return network, train(network, rows, terms, training, judged, settings, device="cpu", **changes)


def losses_by_hand(network, terms, rows):
    """Mean squared errors of the validation origins, from the NumPy terms."""
    forecasts = NetworkTerm.from_keras(network).dense(rows)
    for term in terms:
        forecasts = forecasts + term.dense(rows)[LOOKBACK - term.context :]
    windows = np.lib.stride_tricks.sliding_window_view(rows[LOOKBACK:], HORIZON, axis=0).transpose(0, 2, 1)
    squares = np.square(forecasts[: len(windows)] - windows).mean(axis=(1, 2))
    return squares[FIRST - LOOKBACK :]


@pytest.mark.backend
@pytest.mark.parametrize("terms", [(), (Repeat(2),)], ids=["alone", "beside a term"])
def test_training_lowers_the_loss_of_what_is_forecast_in_the_end(terms):
    network, trained = fit(QUICK.set_params(epochs=8), terms)
    assert len(trained.history["loss"]) == len(trained.history["val_loss"]) <= 8
    assert trained.history["loss"][-1] < 0.8 * trained.history["loss"][0]
    np.testing.assert_allclose(trained.losses, losses_by_hand(network, terms, waves()), rtol=1e-3, atol=1e-6)
    assert np.mean(trained.losses) < 0.9 * np.mean(losses_by_hand(make_network(), terms, waves()))
    assert (trained.gate is not None) == bool(terms)


@pytest.mark.slow
@pytest.mark.backend
def test_rows_in_a_file_train_as_those_in_memory(monkeypatch):
    monkeypatch.setattr(mapped, "MOST_IN_MEMORY", 0)
    rows, observed = mapped.map_array(waves().shape, np.float32), np.ones(waves().shape, bool)
    rows[:], observed[40:60, 1] = waves(), False
    beside = np.random.default_rng(0).normal(size=(len(rows), HORIZON, 2)).astype(np.float32)
    given = {"beside": beside, "observed": observed}
    found = [fit(terms=(Repeat(2),), rows=one, **given)[1] for one in (waves(), rows)]
    assert found[1].history["loss"][1] < found[1].history["loss"][0]
    np.testing.assert_allclose(found[1].history["loss"], found[0].history["loss"], rtol=1e-5)
    np.testing.assert_allclose(found[1].losses, found[0].losses, rtol=1e-4, atol=1e-6)


def test_windows_have_the_same_losses():
    _, trained = fit(QUICK.set_params(mode="window", epochs=1, learning_rate=1e-12), (Repeat(2),))
    expected = losses_by_hand(make_network(), [Repeat(2)], waves())
    np.testing.assert_allclose(trained.losses, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.backend
def test_without_validation_the_last_weights_stay(capsys):
    network, trained = fit(QUICK, validation=False, tell=write_line)
    assert list(trained.history) == ["loss"]
    assert trained.losses == trained.history["loss"][-1:]
    assert trained.gate is None
    assert NetworkTerm.from_keras(network).says_something
    assert capsys.readouterr().out.startswith("epoch 1/2   loss ")


@pytest.mark.skipif(not on_tensorflow(), reason="a setting of TensorFlow")
def test_training_computes_in_all_digits_of_float32():
    from tensorflow.config.experimental import tensor_float_32_execution_enabled

    digits = []
    noting = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: digits.append(tensor_float_32_execution_enabled()))
    assert tensor_float_32_execution_enabled()
    fit(QUICK.set_params(callbacks=[noting]), validation=False)
    assert digits == [False, False]


def test_chance_beside_linear_terms_is_undone(capsys):
    rows = np.random.default_rng(0).normal(size=(220, N_COLUMNS)).astype(np.float32).cumsum(axis=0)
    network, trained = fit(QUICK, (Repeat(1),), rows, tell=write_line)
    assert trained.gate is None or not trained.gate.kept
    assert not NetworkTerm.from_keras(network).says_something
    assert capsys.readouterr().out.splitlines()[-1].startswith("the linear terms forecast alone")


def make_plan(settings, n_rows=220, *, has_terms=False, validation=True):
    """What would be trained on."""
    training = find_origins([FIRST if validation else n_rows], LOOKBACK, HORIZON)
    judged = find_origins([n_rows], LOOKBACK, HORIZON, [FIRST]) if validation else []
    config = resolve_config(LOOKBACK, HORIZON, N_COLUMNS)
    return plan_training(training, judged, config, settings, has_terms=has_terms, seed=0)


def test_auto_takes_one_epoch_where_nothing_can_be_told():
    settings = Training(batch_size=32, n_steps=1)
    for n_validation, has_terms, rounds, n_batches in (
        (4 * HORIZON, True, [1], 5),  # one origin too few
        (5 * HORIZON - 1, True, [3, 9, 21], 5),
        (4 * HORIZON, False, [3, 9, 21], 5),
    ):
        plan = make_plan(settings, FIRST + n_validation, has_terms=has_terms)
        assert (plan.rounds, plan.training.n_batches) == (rounds, n_batches)
    short = make_plan(settings, 14, has_terms=True, validation=False)  # 7 training origins
    assert short.rounds == [1]


@pytest.mark.parametrize(("epochs", "n_batches", "rounds"), [("auto", 2, [3, 9, 21]), (2, 5, [2])])
def test_auto_leaves_out_what_would_take_long(epochs, n_batches, rounds):
    changes = {"epoch_values": 2 * 32 * HORIZON * N_COLUMNS, "epoch_steps": 1, "n_steps": 10}
    plan = make_plan(Training(epochs=epochs, batch_size=32, **changes))
    assert (plan.training.n_batches, plan.rounds) == (n_batches, rounds)


def test_as_many_origins_are_evaluated_at_a_time_as_memory_allows():
    for most, n_segments in ((1, 1), (3 * 32 * HORIZON * N_COLUMNS, 3), (10**6, 4)):
        assert make_plan(Training(batch_size=32, step_values=most)).validation.batch_size == n_segments


def test_a_window_is_a_segment_of_one_origin():
    plan = make_plan(Training(mode="window", batch_size=32))
    assert plan.training.weights.shape == (160, 1)
    assert plan.training.batch_size == 32


@pytest.mark.parametrize(
    ("changes", "rounds"),
    [
        ({}, [30, 90, 210]),
        ({"most_rounds": 1}, [30]),  # nothing is evaluated
        ({"hopeless": True}, [1]),
        ({"n_batches": 1}, [50, 150, 350]),
        ({"n_batches": 1000}, [3, 9, 21]),
        ({"n_values": 10**6}, [30]),  # 900 million values in two rounds
        ({"n_values": 5 * 10**5}, [30, 90]),
        ({"n_values": 5 * 10**5, "n_batches": 1000}, [3, 9]),  # of which an epoch has a hundred
    ],
)
def test_rounds_of_epochs_take_twice_as_long_each_until_they_would_take_long(changes, rounds):
    arguments = {"n_batches": 10, "n_values": 1000, "hopeless": False, "most_rounds": 3, "settings": Training()}
    assert plan_rounds(**arguments | changes)[0] == rounds


@pytest.mark.slow
def test_each_round_begins_with_the_full_learning_rate(capsys):
    rates = []
    noting = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: rates.append(float(noting.model.optimizer.learning_rate))
    )
    settings = QUICK.set_params(epochs="auto", n_steps=20, n_rounds=2, round_gain=0.0, callbacks=[noting], patience=99)
    fit(settings, tell=write_line)
    assert [i for i, rate in enumerate(rates) if rate == pytest.approx(1e-2)] == [0, 4]
    out = capsys.readouterr().out
    assert "epoch 4/4 " in out
    assert "epoch  5/12 " in out


@pytest.mark.parametrize(
    ("horizon", "most", "judged", "every"),
    [(70, 1, 2**26, 2), (70, 10**9, 2**26, 1), (30, 1, 2**26, 1), (30, 3000, 10_000, 8)],
)
def test_of_many_outcomes_of_long_horizons_some_are_evaluated(monkeypatch, horizon, most, judged, every):
    monkeypatch.setattr("tscnn.training.loop.MOST_JUDGED", judged)
    config = resolve_config(LOOKBACK, horizon, N_COLUMNS)
    segments = cut_segments([range(5, 400)], LOOKBACK, 32)
    thinned = thin(segments, config, Training(validation_values=most))
    np.testing.assert_array_equal(thinned.starts, segments.starts[::every])
    np.testing.assert_array_equal(thinned.weights, segments.weights[::every])


@pytest.mark.slow
def test_steps_in_one_call_are_the_same_steps():
    found = []
    for steps in (1, 3):
        changes = {"network": make_network(dropout=0.2), "validation": False, "seed": 1}
        network, trained = fit(QUICK.set_params(looped_steps=steps), **changes)
        found.append((trained.history["loss"], network.arrays()["head/kernel"]))
    for one, three in zip(*found, strict=True):
        np.testing.assert_allclose(one, three, rtol=1e-4, atol=1e-6)


def test_one_target_of_many_does_not_decide_what_is_evaluated():
    rows, config = np.ones((220, 50), np.float32), resolve_config(LOOKBACK, HORIZON, 50, filters=2)
    validation = find_origins([220], LOOKBACK, HORIZON, [FIRST])
    assert find_units(rows, validation, config) is None
    rows[FIRST:, 7] = 100
    units = find_units(rows, validation, config)
    np.testing.assert_array_equal(np.delete(units, 7), 1)
    assert (rows[-1, 7] / units[7]) ** 2 == pytest.approx(10)
    assert find_units(rows, [], config) is None


def test_validation_losses_are_in_these_units(monkeypatch):
    monkeypatch.setattr("tscnn.training.loop.find_units", lambda *_: np.array([1, 1e6], np.float32))
    network, trained = fit(QUICK.set_params(epochs=1))
    rows = waves()
    windows = np.lib.stride_tricks.sliding_window_view(rows[FIRST:], HORIZON, axis=0).transpose(0, 2, 1)
    errors = NetworkTerm.from_keras(network).dense(rows)[FIRST - LOOKBACK :][: len(windows)] - windows
    np.testing.assert_allclose(trained.losses, np.square(errors[:, :, 0]).mean(axis=1) / 2, rtol=1e-3, atol=1e-6)


@pytest.mark.backend
def test_missing_outcomes_carry_no_loss():
    rows = waves()
    observed = np.random.default_rng(0).random(rows.shape) < 0.8
    network, trained = fit(rows=rows, observed=observed)
    forecasts = NetworkTerm.from_keras(network).dense(rows)
    windows, known = (
        np.lib.stride_tricks.sliding_window_view(each[LOOKBACK:], HORIZON, axis=0).transpose(0, 2, 1)
        for each in (rows, observed)
    )
    squares = np.square(forecasts[: len(windows)] - windows) * known / observed.mean()
    np.testing.assert_allclose(trained.losses, squares.mean(axis=(1, 2))[FIRST - LOOKBACK :], rtol=1e-4, atol=1e-9)
