"""One contract for every transform and every term: its forms agree, it is saved and left out."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import small_forecaster
from tests.exporting.runtimes import run_exported
from tscnn.common import numpy_ops
from tscnn.common.term import Term
from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times
from tscnn.forecasting import Pipeline
from tscnn.forecasting.parts import TERMS as ALL_TERMS
from tscnn.forecasting.parts import TRANSFORMS, pipeline_from_arrays
from tscnn.transforms import Transform
from tscnn.transforms.rolling import start_normalizing

LOOKBACK, HORIZON = 32, 3
TERMS = [name for name in ALL_TERMS if name != "structural_mixture"]  # of panels: test_structural_mixture.py


def two_years() -> pd.DataFrame:
    """Daily columns with a yearly season, of which the second follows the first and all share a slow part."""
    random = np.random.default_rng(0)
    days = np.arange(900)
    season = 3 * np.sin(2 * np.pi * days / 365.25)
    slow = np.convolve(random.normal(size=930), np.ones(30) / 5, "valid")[:900]
    noise = random.normal(size=(900, 4))
    noise[1:, 1] = noise[:-1, 0] + 0.2 * noise[1:, 1]
    known = random.normal(size=900)
    effect = np.where(np.arange(4) < 2, 1.5 * np.abs(known)[:, None], 0)  # on two of the four
    effect[:, 2] = known * np.cos(2 * np.pi * days / 7)  # another one on every weekday
    values = season[:, None] + slow[:, None] + noise + effect
    values[:, 3] = np.exp(values[:, 3] / 2)  # whose logarithm is as the others are
    frame = pd.DataFrame(values, pd.date_range("2020-01-01", periods=900, name="day"), columns=list("abcd"))
    return frame.assign(known=known)


def times(rows: pd.DataFrame) -> Times:
    return Times(rows.index, rows[["known"]].to_numpy())


def features(rows: pd.DataFrame) -> np.ndarray:
    return rows[list("abcd")].to_numpy()


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return two_years()


@pytest.fixture(scope="module")
def forecaster(rows):
    """A forecaster that has every part."""
    settings = {"lookback": LOOKBACK, "horizon": HORIZON, "normalizer_span": 16, "epochs": 30, "learning_rate": 0.01}
    return small_forecaster(**settings, future_covariates="known", calendar=None, validation_fraction=0.3).fit(rows)


@pytest.fixture(scope="module")
def pipeline(forecaster) -> Pipeline:
    return forecaster.pipeline_


@pytest.fixture(scope="module")
def standardized(pipeline, rows) -> np.ndarray:
    return pipeline.apply(features(rows), times(rows))


@pytest.fixture(scope="module")
def ahead(pipeline, rows):
    """What terms take of what is known ahead of the rows from `first` on, as further arguments."""

    def take(term, at):
        if not term.needs_ahead:
            return ()
        return (pipeline.describe_ahead(times(rows), np.asarray(at))[term.name],)

    return take


def part(pipeline, name):
    found = [part for part in (*pipeline.transforms, *pipeline.terms) if part.name == name]
    assert found, f"the pipeline has no {name}: {[part.name for part in (*pipeline.transforms, *pipeline.terms)]}"
    return found[0]


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


# Terms


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_its_forms_agree(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    assert isinstance(term, Term)
    assert 1 <= term.context <= LOOKBACK
    n = 40
    known = ahead(term, term.context - 1 + np.arange(n))
    dense = term.dense(standardized[: term.context - 1 + n], *known)
    assert dense.shape == (n, HORIZON, 4)
    assert dense.dtype == np.float32
    assert np.ptp(dense, axis=0).max() > 1e-3  # or all would agree for no merit
    windows = np.stack([standardized[i : i + term.context] for i in range(n)])
    close(term.last(windows, *known), dense)
    longer = np.concatenate([np.full((1, 5, 4), 7, np.float32), windows[:1]], axis=1)
    close(term.last(longer, *(one[:1] for one in known)), dense[:1])  # only the newest rows of a window count
    state = term.start(windows[:1])
    for i in range(1, n):
        close(term.step(state, windows[i][None, -1], *(one[i : i + 1] for one in known)), dense[i : i + 1])


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_it_is_exported(pipeline, standardized, rows, ahead, name):
    term, at = part(pipeline, name), np.arange(100, 120)
    windows = np.stack([standardized[i + 1 - LOOKBACK : i + 1] for i in at])
    seen = [times(rows)[i + 1 - LOOKBACK : i + 1 + HORIZON] for i in at]
    days = np.stack([one.index.as_unit("s").asi8 // 86_400 for one in seen])
    clock = np.stack([days, np.zeros_like(days)], axis=-1).astype(np.int32)
    known = GraphTimes(numpy_ops, clock, np.stack([one.covariates for one in seen]))
    effects = part(pipeline, "covariate_effects")
    close(term.last_in_graph(windows, known, effects), term.last(windows, *ahead(term, at)))


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_several_series_at_once(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    windows = np.stack([standardized[i : i + term.context] for i in (0, 50, 99)])
    state = term.start(windows)
    row = standardized[[200, 300, 400]]
    moved = np.concatenate([windows[:, 1:], row[:, None]], axis=1)
    known = ahead(term, [200, 300, 400])
    close(term.step(state, row, *known), term.last(moved, *known))


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_it_sees_its_context_and_nothing_else(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    window, known = standardized[None, 100 : 100 + term.context], ahead(term, [99 + term.context])
    for lag in (0, term.context - 1):
        changed = window.copy()
        changed[0, term.context - 1 - lag] += 10
        assert np.abs(term.last(changed, *known) - term.last(window, *known)).max() > 1e-7, lag
    rows = np.concatenate([standardized[:200], np.full((20, 4), np.nan, np.float32)])
    n = len(rows) - term.context + 1
    known = ahead(term, term.context - 1 + np.arange(n))
    dense = term.dense(rows, *known)
    before = term.dense(rows[:200], *(one[: n - 20] for one in known))
    close(dense[: n - 20], before)  # what comes after a row changes nothing


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_what_is_known_of_a_step_changes_no_step_before(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    if not term.needs_ahead:
        pytest.skip("takes nothing that is known ahead")
    window, (known,) = standardized[None, 100 : 100 + term.context], ahead(term, [99 + term.context])
    other = known.copy()
    other[0, -2] += 1
    changes = np.abs(term.last(window, other) - term.last(window, known))[0].max(axis=1)
    assert changes[1] > 1e-6
    assert changes[0] == 0


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_it_is_saved_and_pickled(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    reloaded = type(term).from_arrays(json.loads(json.dumps(term.settings())), term.arrays())
    known = ahead(term, np.arange(term.context - 1, 100))
    for again in (reloaded, pickle.loads(pickle.dumps(term))):
        found, expected = again.dense(standardized[:100], *known), term.dense(standardized[:100], *known)
        np.testing.assert_array_equal(found, expected)
        assert again.context == term.context


@pytest.mark.parametrize("name", TERMS)
def test_contract_of_a_term_what_inputs_add_is_told(pipeline, standardized, ahead, name):
    term = part(pipeline, name)
    window, known = standardized[100 : 100 + term.context], ahead(term, [99 + term.context])
    found, forecast = term.attribute(window, *(one[0] for one in known)), term.last(window[None], *known)[0]
    assert found.by_column.shape == (4, HORIZON, 4)
    assert found.by_lag.shape[1:] == (HORIZON, 4)
    assert 1 <= len(found.by_lag) <= term.context
    assert (found.by_known is not None) == term.needs_ahead
    if name not in ("network", "periodic_regression"):  # which bend, and have constants
        close(found.by_column.sum(axis=0), forecast)
        close(found.by_lag.sum(axis=0), forecast)


# Transforms


@pytest.mark.parametrize("name", TRANSFORMS)
def test_contract_of_a_transform_it_is_undone(pipeline, rows, name):
    transform = part(pipeline, name)
    assert isinstance(transform, Transform)
    in_data_units = name in ("logarithm", "standardize")
    values = features(rows) if in_data_units else features(rows).astype(np.float32)
    applied = transform.apply(values, times(rows))
    assert applied.dtype == (np.float64 if name == "logarithm" else np.float32)
    at, targets = np.arange(5, 800), [2, 0]
    outcomes = np.stack([applied[i + 1 : i + 1 + HORIZON, targets] for i in at])
    undone = transform.invert(outcomes, times(rows), at, targets)
    close(undone, np.stack([values[i + 1 : i + 1 + HORIZON, targets] for i in at]))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_contract_of_a_transform_it_is_saved_and_pickled(pipeline, rows, name):
    transform = part(pipeline, name)
    reloaded = type(transform).from_arrays(json.loads(json.dumps(transform.settings())), transform.arrays())
    expected = transform.apply(features(rows), times(rows))
    for again in (reloaded, pickle.loads(pickle.dumps(transform))):
        np.testing.assert_array_equal(again.apply(features(rows), times(rows)), expected)


# The whole


def test_contract_of_a_pipeline_its_forms_agree(pipeline, rows, standardized):
    at = times(rows)
    known = pipeline.describe_ahead(at, LOOKBACK - 1 + np.arange(31))
    dense = pipeline.dense(standardized[: LOOKBACK + 30], known)
    windows = np.stack([standardized[i : i + LOOKBACK] for i in range(31)])
    close(pipeline.last(windows, known), dense)
    state = pipeline.start(windows[:1], [at[:LOOKBACK]])
    for i in range(1, 31):
        newest = pipeline.describe_next([at[LOOKBACK - 1 + i : LOOKBACK + i + HORIZON]], most_before=1)
        close(pipeline.step(state, windows[i][None, -1], newest), dense[i : i + 1])


def test_contract_of_a_pipeline_rows_are_normalised_once_for_all_terms_that_do_so_alike(pipeline, rows, standardized):
    at, windows = times(rows), standardized[None, : LOOKBACK + 1]
    newest = pipeline.describe_next([at[LOOKBACK : LOOKBACK + 1 + HORIZON]], most_before=1)
    other = tuple(replace(term, epsilon=0.01) if term.name == "cross_series" else term for term in pipeline.terms)
    for own, n_alike in ((pipeline, 3), (replace(pipeline, terms=other), 2)):
        state = own.start(windows[:, :-1], [at[:LOOKBACK]])
        n_apart = sum(len(term.start(windows)) + (term.rows_before > 0) for term in own.terms)
        n_once = len(start_normalizing(windows, 16))
        assert sum(map(len, state[own.outliers is not None :])) == n_apart - (n_alike - 1) * n_once
        expected = own.last(windows, own.describe_ahead(at, np.array([LOOKBACK])))
        close(own.step(state, windows[:, -1], newest), expected)


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("saved_model", "litert")]


@pytest.mark.parametrize("kind", ["onnx", *SLOW])
def test_contract_exported_forecasts_are_those_of_predict(forecaster, rows, kind, tmp_path):
    pytest.importorskip("onnx" if kind == "onnx" else "tensorflow")
    path, ends = tmp_path / "model", (200, 500, 850, 870, 896)
    rows = rows.copy()
    rows.iloc[840:855, 0] = rows.iloc[840, 0]  # that some windows hold, and others a part of
    forecaster.export(path, kind, coverage=0.8)
    inputs, expected = [], []
    for end in ends:
        given, future = rows.iloc[:end], rows[["known"]].iloc[end : end + HORIZON]
        dtype = np.float32 if kind == "litert" else np.float64
        inputs.append(forecaster.export_inputs(given, future=future, coverage=0.8, dtype=dtype))
        expected.append(forecaster.predict(given, future=future, coverage=0.8))
    batch = {name: np.concatenate([one[name] for one in inputs]) for name in inputs[0]}
    found, scale = run_exported(path, kind, batch), forecaster.scale_
    for i, of_predict in enumerate(expected):
        points, low, high = (of_predict.xs(name, axis=1, level=1) for name in ("forecast", "lower", "upper"))
        assert np.abs((found["forecast"][i] - points) / scale).max(axis=None) < 1e-5
        assert np.abs((found["quantiles"][i, 0] - low) / scale).max(axis=None) < 2e-5
        assert np.abs((found["quantiles"][i, 1] - high) / scale).max(axis=None) < 2e-5


def test_contract_stuck_values_are_replaced_in_every_form(forecaster, pipeline, rows, tmp_path):
    damaged, first = rows[780:].copy(), 70
    damaged.iloc[first : first + 12, 0] = damaged.iloc[first, 0]  # from which transforms subtract something each day
    forecaster.save(tmp_path / "model.tscnn")
    loaded = type(forecaster).load(tmp_path / "model.tscnn")
    believing = pickle.loads(pickle.dumps(loaded))
    believing.pipeline_ = replace(pipeline, outliers=replace(pipeline.outliers, stuck_from=None))
    dense, believed, stream = loaded.backtest(damaged), believing.backtest(damaged), loaded.stream(damaged[:first])
    differ = []
    for end in range(first + 1, first + 48):
        seen, future = damaged[:end], damaged[["known"]].iloc[end : end + HORIZON]
        expected = dense.loc[damaged.index[end - 1]].to_numpy()
        differ.append(np.abs(expected - believed.loc[damaged.index[end - 1]]).max(axis=None) > 1e-3)
        close(stream.step(damaged.iloc[end - 1].to_numpy(), future=future), expected)
        if end % 12 == 0:
            close(loaded.predict(seen, future=future).to_numpy(), expected)
            parts = loaded.explain(seen, future=future).terms
            summed = parts.pivot_table(index="time", columns="target", values="value", aggfunc="sum")
            np.testing.assert_allclose(summed, expected, atol=1e-4)
    assert np.flatnonzero(differ).tolist() == list(range(9, 34))  # windows that hold ten of the rows
    apart = loaded.backtest(damaged, stride=9)
    close(apart.to_numpy(), dense.loc[apart.index.get_level_values("cutoff").unique()].to_numpy())


def test_contract_explain_sums_to_the_forecast(forecaster, rows):
    future = rows[["known"]].iloc[-HORIZON:]
    found = forecaster.explain(rows[:-HORIZON], future=future)
    forecast = forecaster.predict(rows[:-HORIZON], future=future)
    for tidy in (found.terms, found.by_column, found.by_lag):
        summed = tidy.pivot_table(index="time", columns="target", values="value", aggfunc="sum")
        np.testing.assert_allclose(summed, forecast, atol=1e-4)


@pytest.mark.parametrize("name", [*TRANSFORMS, *TERMS])
def test_contract_without_a_part_the_forecaster_works(forecaster, pipeline, rows, name):
    forecaster = pickle.loads(pickle.dumps(forecaster))
    before = forecaster.backtest(rows[-100:])
    forecaster.pipeline_ = pipeline.without(name)
    after = forecaster.backtest(rows[-100:])
    assert np.isfinite(after.to_numpy()).all()
    assert after.index.equals(before.index)
    assert not np.allclose(after, before)
    cutoff = after.index[0][0]
    future = rows.loc[cutoff:].iloc[1 : 1 + HORIZON]
    found = forecaster.predict(rows.loc[:cutoff], future=future)
    np.testing.assert_allclose(found, after.loc[cutoff], rtol=1e-4, atol=1e-4)


def test_contract_a_part_that_is_not_there_cannot_be_left_out(pipeline):
    with pytest.raises(ValueError, match="`name` must be one of"):
        pipeline.without("networks")


def test_contract_an_unknown_part_is_refused(pipeline):
    settings = pipeline.settings()
    settings["terms"][0]["name"] = "os.system"
    with pytest.raises(ValueError, match="A part of a pipeline must be one of"):
        pipeline_from_arrays(settings, pipeline.arrays())


def test_contract_the_fingerprint_tells_models_apart(pipeline):
    again = pipeline_from_arrays(json.loads(json.dumps(pipeline.settings())), pipeline.arrays())
    assert again.fingerprint == pipeline.fingerprint
    assert pipeline.without("network").fingerprint != pipeline.fingerprint
