from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from tscnn import Forecaster
from tscnn.common import numpy_ops
from tscnn.common.term import Term
from tscnn.data.graph_times import GraphTimes
from tscnn.linear.settings import StructuralSettings
from tscnn.linear.structural_mixture import StructuralMixture, list_models
from tscnn.linear.structural_mixture_fit import learn_odds


def months(n: int, seed: int, kind: str) -> np.ndarray:
    """A monthly series with growth or with a wandering level, and a season."""
    random, t = np.random.default_rng(seed), np.arange(n)
    level = 0.5 * t if kind == "growing" else np.cumsum(random.normal(size=n))
    return 20 + level + 3 * np.sin(2 * np.pi * (t + seed) / 12) + 0.3 * random.normal(size=n)


@pytest.fixture(scope="module")
def term() -> StructuralMixture:
    models = list_models(12, 6, StructuralSettings(level_variances=(0.03, 3.0), trends=(0.0, 30.0)))
    return StructuralMixture(models, np.zeros(2 * len(models)), np.array([1]), season=12, horizon=6, context=80)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.column_stack([np.zeros(120), months(120, 0, "growing")]).astype(np.float32)


def test_contract_its_forms_agree_and_it_is_saved(term: StructuralMixture, rows: np.ndarray) -> None:
    assert isinstance(term, Term)
    dense = term.dense(rows)
    assert dense.shape == (41, 6, 1)
    windows = np.stack([rows[i : i + 80] for i in range(41)])
    np.testing.assert_allclose(term.last(windows), dense, rtol=1e-5)
    state = term.start(windows[:1])
    for i in range(1, 41):
        np.testing.assert_allclose(term.step(state, rows[None, 79 + i]), dense[i : i + 1], rtol=1e-5)
    reloaded = StructuralMixture.from_arrays(json.loads(json.dumps(term.settings())), term.arrays())
    for again in (reloaded, pickle.loads(pickle.dumps(term))):
        np.testing.assert_array_equal(again.dense(rows), dense)


def test_contract_it_is_exported(term: StructuralMixture, rows: np.ndarray) -> None:
    windows = np.stack([rows[i : i + 80] for i in range(40)])
    windows[5:10, :50] = windows[5:10, 50:51]  # padded
    windows[10] -= 30  # not positive
    windows[11:15] = windows[11:15].round()
    windows[15], windows[16, :-2] = 5.0, 5.0  # constant, and of too few rows
    found = term.last_in_graph(windows, GraphTimes(numpy_ops), None)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, term.last(windows), atol=1e-5 * windows.std())


def test_each_window_finds_the_models_that_suit_it(term: StructuralMixture) -> None:
    for kind, growth in (("growing", True), ("wandering", False)):
        window = months(80, 1, kind)[None]
        logs, amount = term.past_errors(window)
        assert amount[0] > 10
        best = term.models[np.argmin(logs[0]) % len(term.models)]
        assert best[1] > 0  # sees the season
        assert (best[3] > 0 or best[0] > 1) if growth else best[3] == 0


def test_windows_that_grow_by_a_factor_have_logarithms(term: StructuralMixture) -> None:
    t = np.arange(86)
    growing = (1.04**t * (1 + 0.5 * np.sin(2 * np.pi * t / 12))).astype(np.float32)
    logs, _ = term.past_errors(growing[None, :80])
    n_models = len(term.models)
    assert logs[0, n_models:].min() < logs[0, :n_models].min() - 1
    rows = np.column_stack([growing, growing])
    np.testing.assert_allclose(term.last(rows[None, :80])[0, :, 0], growing[80:], rtol=0.05)
    below = term.last(rows[None, :80] - 1)[0, :, 0]  # of values that aren't positive no logarithm is taken
    assert np.abs(below - growing[80:] + 1).max() > 2 * np.abs(term.last(rows[None, :80])[0, :, 0] - growing[80:]).max()


def test_few_series_hardly_change_the_odds(term: StructuralMixture) -> None:
    for n_series, spread in ((1, 1.5), (100, 1.5)):
        windows = np.stack([months(80, seed, "growing") for seed in range(n_series)])
        rows = np.stack([windows, windows], axis=2).astype(np.float32)
        prior = learn_odds(term, rows, StructuralSettings()).prior
        assert (np.ptp(prior) > spread) == (n_series > 1)


def test_rows_repeated_before_a_short_series_do_not_count(term: StructuralMixture) -> None:
    short = months(40, 2, "growing")
    padded = np.concatenate([np.full(40, short[0]), short])
    longer = np.concatenate([np.full(60, short[0]), short])[-80:]
    found = term.last(np.stack([padded, longer])[:, :, None].repeat(2, axis=2))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    ahead = 20 + 0.5 * np.arange(40, 46) + 3 * np.sin(2 * np.pi * (np.arange(40, 46) + 2) / 12)
    np.testing.assert_allclose(found[0, :, 0], ahead, atol=1.2)
    constant = np.full((1, 80, 2), 5.0)
    np.testing.assert_allclose(term.last(constant), 5.0)


@pytest.fixture(scope="module")
def panel() -> dict[str, pd.DataFrame]:
    frames = {}
    for i in range(40):
        n = 40 + 2 * (i % 20)
        values = months(n, i, "growing" if i % 2 else "wandering")
        frames[f"s{i}"] = pd.DataFrame({"y": values}, pd.date_range("2015-01-01", periods=n, freq="MS"))
    return frames


@pytest.fixture(scope="module")
def forecaster(panel: dict[str, pd.DataFrame]) -> Forecaster:
    return Forecaster(horizon=6, verbose=0, random_state=0).fit({name: one[:-6] for name, one in panel.items()})


def test_panel_of_short_series_is_forecast_by_structural_models(forecaster, panel) -> None:
    assert [term.name for term in forecaster.pipeline_.terms] == ["linear_mixture", "structural_mixture"]
    assert not forecaster.gates_["network"].kept
    found = forecaster.predict()
    errors, naive = [], []
    for name, frame in panel.items():
        truth = frame["y"].to_numpy()[-6:]
        errors.append(np.abs(found.loc[name]["y"].to_numpy() - truth).mean())
        naive.append(np.abs(frame["y"].to_numpy()[-18:-12] - truth).mean())
    assert np.mean(errors) < 0.6 * np.mean(naive)


def test_panel_of_short_series_backtest_agrees_with_predict_and_stream(forecaster, panel, tmp_path) -> None:
    rows = {name: panel[name] for name in ("s3", "s4")}
    found = forecaster.backtest(rows, stride=5)
    assert found.index.get_level_values("cutoff").min() < pd.Timestamp("2016-12-01")  # sooner than the lookback
    for name, frame in rows.items():
        for cutoff in found.loc[name].index.unique("cutoff")[[0, -1]]:
            alone = forecaster.predict({name: frame.loc[:cutoff]})
            np.testing.assert_allclose(alone, found.loc[(name, cutoff)], rtol=1e-4)
    stream = forecaster.stream({name: frame[:20] for name, frame in rows.items()})
    streamed = stream.update({name: frame.iloc[20] for name, frame in rows.items()})
    alone = forecaster.predict({name: frame[:21] for name, frame in rows.items()})
    np.testing.assert_allclose(streamed, alone, rtol=1e-4)
    forecaster.save(tmp_path / "m.tscnn")
    assert Forecaster.load(tmp_path / "m.tscnn").predict().equals(forecaster.predict())
