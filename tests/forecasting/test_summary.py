"""What a fit found, on one screen and in frames."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import Forecaster
from tscnn.forecasting.summary import FitFacts, Summary


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return closed_form(lookback=48, targets=["a", "b"]).fit(make_frame(400))


def test_summary_holds_what_the_fit_found(forecaster):
    summary = forecaster.summary_
    assert (summary.n_rows, summary.n_series, summary.lookback, summary.horizon) == (400, 1, 48, 3)
    assert summary.why_lookback == "given"
    assert summary.columns["role"].to_dict() == {"a": "target", "b": "target", "c": "past_covariate"}
    assert set(summary.seconds.index) == {"outliers", "transforms", "linear model", "report", "intervals"}
    assert summary.terms["share"].sum() == pytest.approx(1)
    assert summary.terms.loc["linear mixture", "gain"] == forecaster.gates_["linear_mixture"].gain
    assert summary.tried["reason"].str.startswith("not kept").all()
    parts = {name.replace("_", " ") for name in forecaster.gates_}
    assert parts <= {*summary.terms.index, *summary.tried.index}
    assert not set(summary.terms.index) & set(summary.tried.index)


def test_summary_stays(forecaster, tmp_path):
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    pickled = pickle.loads(pickle.dumps(forecaster))
    assert str(loaded.summary_) == str(pickled.summary_) == str(forecaster.summary_) == repr(forecaster.summary_)
    pd.testing.assert_frame_equal(loaded.summary_.terms, forecaster.summary_.terms)
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.summary_.n_rows = 7


def test_summary_says_why_a_lookback_was_chosen():
    summary = closed_form(lookback="auto").fit(make_frame(400, 1)).summary_
    assert "smallest error on validation rows, of 1 to " in str(summary)
    assert "structural models" in closed_form(lookback="auto").fit(make_frame(60, 1)).summary_.why_lookback


def test_summary_of_many_columns_is_short(forecaster):
    schema = closed_form().fit(make_frame(40, 1)).schema_
    columns = pd.Index([f"a column with a long name, the {i}th" for i in range(300)])
    wide = dataclasses.replace(
        schema, columns=columns, roles=("target",) * 300, targets=tuple(range(300)), categories=(None,) * 300
    )
    gates = {**forecaster.gates_, **{f"rival {i}": forecaster.gates_["cross_series"] for i in range(40)}}
    facts = FitFacts(10_000, 25, "given", {}, {"transforms": 1.5})
    text = str(Summary.of(forecaster.pipeline_, wide, gates, forecaster.report_, None, facts))
    assert len(text.splitlines()) < 40
    assert max(map(len, text.splitlines())) <= 100
    assert "10000 rows of 25 series, 300 columns" in text
    assert "300 targets" in text


def test_summary_of_a_panel_and_of_a_network(fitted):
    panel = closed_form(lookback=24).fit({name: make_frame(200, 2, seed) for seed, name in enumerate("xy")})
    assert panel.summary_.n_series == 2
    assert panel.summary_.terms["share"].sum() == pytest.approx(1)
    assert "network" in {*fitted.summary_.terms.index, *fitted.summary_.tried.index}
    assert np.isfinite(fitted.summary_.seconds["network"])
