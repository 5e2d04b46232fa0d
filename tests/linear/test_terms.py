"""The contract that every term of the linear model keeps."""

import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from tscnn.common import numpy_ops
from tscnn.common.term import Term
from tscnn.linear.cross_series import CrossSeries
from tscnn.linear.mean_reversion import MeanReversion
from tscnn.linear.mixture import LinearMixture

N_FEATURES, HORIZON, TARGETS = 4, 3, np.array([2, 0, 3])


def _map(function, pairs):
    return np.stack([function(pair) for pair in zip(*pairs, strict=True)])


def _conv(inputs, kernel, strides, padding, data_format):
    assert strides == 1
    assert (padding, data_format) == ("valid", "channels_last")
    windows = np.lib.stride_tricks.sliding_window_view(inputs[:, :, 0], len(kernel), axis=1)
    return windows @ kernel[:, 0]


OPS = SimpleNamespace(**vars(numpy_ops), map=_map, conv=_conv)


def mixture(n_maps, lookback=7, targets=TARGETS):
    kernel = np.random.default_rng(0).normal(size=(n_maps, lookback, HORIZON))
    maps = np.arange(len(targets)) % n_maps
    return LinearMixture(kernel, maps, targets)


def cross_series(n_rows, span):
    kernel = np.random.default_rng(2).normal(size=(n_rows, N_FEATURES, HORIZON, len(TARGETS)))
    return CrossSeries(kernel, TARGETS, span)


TERMS = {
    "one map": lambda: mixture(1),
    "a map each": lambda: mixture(3),
    "two maps": lambda: mixture(2),
    "all features in order": lambda: mixture(2, targets=np.arange(N_FEATURES)),
    "one row": lambda: mixture(1, lookback=1),
    "newest row": lambda: cross_series(1, span=6),
    "newest rows": lambda: cross_series(3, span=2),
    "long span": lambda: cross_series(2, span=13),
    "mean reversion": lambda: MeanReversion(np.array([-0.2, -0.5, -0.9]), TARGETS, span=6),
}


@pytest.fixture(params=TERMS)
def term(request):
    return TERMS[request.param]()


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(3).normal(size=(40, N_FEATURES)).astype(np.float32)


def test_it_is_a_term(term):
    assert isinstance(term, Term)
    assert term.context >= 1


def test_all_forms_give_the_same_numbers(term, rows):
    dense = term.dense(rows)
    n_targets = dense.shape[2]
    assert dense.shape == (len(rows) - term.context + 1, HORIZON, n_targets)
    assert dense.dtype == np.float32
    ends = np.arange(term.context, len(rows) + 1)
    for longer in (0, 2):
        windows = np.stack([rows[max(0, end - term.context - longer) : end] for end in ends[longer:]])
        last = term.last(windows)
        np.testing.assert_allclose(last, dense[longer:], atol=1e-5)
        assert last.dtype == np.float32
    both = np.stack([rows, rows[::-1]])  # two series side by side
    state = term.start(both[:, : term.context + 1])
    reversed_dense = term.dense(np.ascontiguousarray(rows[::-1]))
    for t in range(term.context + 1, len(rows)):
        stepped = term.step(state, both[:, t])
        assert stepped.dtype == np.float32
        np.testing.assert_allclose(stepped[0], dense[t - term.context + 1], atol=1e-5)
        np.testing.assert_allclose(stepped[1], reversed_dense[t - term.context + 1], atol=1e-5)


def test_the_graph_computes_the_same(term, rows):
    batch = np.stack([rows, 2 * rows[::-1]])
    expected = np.stack([term.dense(np.ascontiguousarray(each)) for each in batch])
    np.testing.assert_allclose(term.in_graph(batch, OPS), expected, atol=2e-5)
    one_window = batch[:, : term.context]
    np.testing.assert_allclose(term.in_graph(one_window, OPS), expected[:, :1], atol=2e-5)


@pytest.mark.slow
def test_the_graph_of_keras_computes_the_same(rows):
    from tscnn.network.backend import ops

    batch = np.stack([rows, 2 * rows[::-1]])
    for make in TERMS.values():
        term = make()
        expected = np.stack([term.dense(np.ascontiguousarray(each)) for each in batch])
        for n_rows in (len(rows), term.context):
            found = term.in_graph(ops.convert_to_tensor(batch[:, :n_rows]), ops)
            np.testing.assert_allclose(ops.convert_to_numpy(found), expected[:, : n_rows - term.context + 1], atol=2e-5)


def test_rows_older_than_the_context_change_nothing(term, rows):
    spoiled = rows.copy()
    spoiled[: -term.context] = 1e6
    np.testing.assert_array_equal(term.last(spoiled[None]), term.last(rows[None]))
    np.testing.assert_allclose(term.dense(spoiled)[-1], term.dense(rows)[-1], atol=1e-5)
    changed = rows.copy()
    changed[-term.context] += 10
    assert np.abs(term.last(changed[None]) - term.last(rows[None])).max() > 1e-3


def test_later_rows_change_nothing(term, rows):
    spoiled = rows.copy()
    spoiled[30:] = np.nan
    n_known = 30 - term.context + 1
    np.testing.assert_array_equal(term.dense(spoiled)[:n_known], term.dense(rows)[:n_known])


def test_arrays_and_copies_are_equal_to_the_bit(term, rows):
    settings = json.loads(json.dumps(term.settings()))
    for other in (type(term).from_arrays(settings, term.arrays()), pickle.loads(pickle.dumps(term))):
        np.testing.assert_array_equal(other.dense(rows), term.dense(rows))
        assert other.context == term.context
        assert other.arrays().keys() == term.arrays().keys()


def test_many_origins_are_forecast_block_by_block():
    rows = np.random.default_rng(4).normal(size=(2500, N_FEATURES)).astype(np.float32)
    term = mixture(2)
    dense = term.dense(rows)
    at = [0, 1023, 1024, 2047, len(dense) - 1]
    windows = np.stack([rows[i : i + term.context] for i in at])
    np.testing.assert_allclose(dense[at], term.last(windows), atol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        {"maps": [0, 1, 2]},
        {"maps": [0, 0]},
        {"targets": [0, 1]},
        {"targets": [0, 1, -1]},
        {"kernel": np.zeros((3, 3))},
    ],
)
def test_maps_that_do_not_fit_are_refused(changed):
    arrays = {"kernel": np.zeros((1, 5, 2)), "maps": [0, 0, 0], "targets": [0, 1, 2], **changed}
    with pytest.raises(ValueError, match="Received: shapes="):
        LinearMixture.from_arrays({}, arrays)


@pytest.mark.parametrize(
    ("kernel", "targets", "span", "error"),
    [
        (np.zeros((1, 4, 2)), [0, 1], 5, ValueError),
        (np.zeros((1, 4, 2, 3)), [0, 1], 5, ValueError),
        (np.zeros((1, 4, 2, 2)), [0, 4], 5, ValueError),
        (np.zeros((1, 4, 2, 2)), [0, 1], 1, ValueError),
        (np.zeros((1, 4, 2, 2)), [0, 1], 2.5, TypeError),
    ],
)
def test_cross_series_that_do_not_fit_are_refused(kernel, targets, span, error):
    with pytest.raises(error, match="Received"):
        CrossSeries(kernel, targets, span)
