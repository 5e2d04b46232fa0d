import numpy as np
import pandas as pd
import pytest

from tests.conftest import closed_form, make_frame
from tscnn import SeasonalNaive, compare, evaluate
from tscnn.evaluation.folds import Fold, Rows, forecast_fold, join_folds, plan_folds
from tscnn.statistics import diebold_mariano

HORIZON = 6


class Mean:
    """Forecast the mean of the rows of training; remember what was seen."""

    fits, contexts = [], []

    def fit(self, X):
        self.mean_ = X.mean() if isinstance(X, pd.DataFrame) else {name: own.mean() for name, own in X.items()}
        self.fits.append(X)
        return self

    def predict(self, X):
        self.contexts.append(X)
        if isinstance(X, dict):
            return {name: np.tile(mean, (HORIZON, 1)) for name, mean in self.mean_.items()}
        return np.tile(self.mean_, (HORIZON, 1))


class OfTraining:
    """Forecast from the rows of training alone, one column."""

    def fit(self, X):
        self.last_ = X.iloc[-1].to_numpy()

    def predict(self):
        return np.repeat(self.last_, HORIZON)


class Ordered:
    """Repeat the newest row of some columns, named in an order of its own."""

    def __init__(self, names):
        self.names = names

    def fit(self, _):
        return self

    def predict(self, X):
        return pd.concat([X[self.names].iloc[-1:]] * HORIZON, ignore_index=True)


def test_columns_are_told_apart_by_their_names(df):
    table = compare({"repeat": SeasonalNaive(1, HORIZON), "backwards": Ordered(["b", "a"])}, df)
    assert table.loc["backwards", "mae"] == table.loc["repeat", "mae"]
    one = compare({"repeat": Ordered(["b"]), "both": SeasonalNaive(1, HORIZON)}, df)
    assert one.loc["both", "mae"] == one.loc["repeat", "mae"] == evaluate_b(df)
    for other in (Ordered(["a"]), Mean()):
        with pytest.raises(ValueError, match=r"must forecast the columns that the first one does, \['b'\]"):
            compare({"repeat": Ordered(["b"]), "other": other}, df, horizon=HORIZON)


def evaluate_b(df):
    """The mean error of repeating the newest row of "b", by hand."""
    cutoffs = range(4 * len(df) // 5, len(df) - HORIZON, HORIZON)
    rows = df["b"].to_numpy()
    return np.mean([np.abs(rows[at + 1 : at + 1 + HORIZON] - rows[at]) for at in cutoffs])


@pytest.fixture
def seen(monkeypatch) -> type[Mean]:
    monkeypatch.setattr(Mean, "fits", [])
    monkeypatch.setattr(Mean, "contexts", [])
    return Mean


@pytest.fixture(scope="module")
def df() -> pd.DataFrame:
    return make_frame(500, 2)


def test_every_model_forecasts_from_the_same_cutoffs(df, seen):
    table = compare(
        {"mean": Mean(), "repeat last": SeasonalNaive(1, HORIZON)}, df, horizon=HORIZON, start=df.index[400]
    )
    assert table.index.tolist() == ["mean", "repeat last", "repeat day", "repeat week"]
    assert table.columns.tolist() == ["mase", "mae", "skill", "p_value", "n", "seconds"]
    assert table["n"].tolist() == [2 * 16 * HORIZON] * 4
    assert [rows.index[-1] for rows in seen.fits] == [df.index[400]]
    assert [rows.index[-1] for rows in seen.contexts] == df.index[400 : 500 - HORIZON : HORIZON].tolist()
    np.testing.assert_allclose(table["skill"], 1 - table["mase"].iloc[0] / table["mase"])
    assert np.isnan(table["p_value"].iloc[0])
    assert table.loc["repeat day", "p_value"] < 0.01
    assert "..." not in str(table)


def test_the_test_takes_cutoffs_that_share_outcomes(df):
    models = {"day": SeasonalNaive(24, HORIZON), "last": SeasonalNaive(1, HORIZON)}
    losses = {}
    for name, model in models.items():
        rows, cutoffs = Rows.of(df), range(300, 494, 2)
        fold, columns = forecast_fold(model, rows, Fold(0, 301, tuple(cutoffs)), HORIZON)
        losses[name] = evaluate(join_folds([fold], rows, columns), df, "mae", by=["target", "cutoff"])["mae"]
    table = compare(models, df, "mae", by="target", start=df.index[300], stride=2)
    for target in df:
        difference = (losses["last"] - losses["day"])[target].to_numpy()
        assert table.loc[(target, "last"), "p_value"] == pytest.approx(diebold_mariano(difference, 3)[1])


@pytest.mark.parametrize(
    ("how", "ends"), [({"refit": True}, [400, 430, 460, 490]), ({"every": 2}, [400, 460]), ({}, [400])]
)
def test_fits_see_no_row_after_their_first_cutoff(df, seen, how, ends):
    compare({"mean": Mean()}, df, "mae", horizon=HORIZON, start=df.index[400], stride=30, **how)
    assert [len(rows) - 1 for rows in seen.fits] == ends


def test_equal_forecasts_do_not_differ(df):
    table = compare({"day": SeasonalNaive(24, HORIZON)}, df * (1 + 1e-12), "mae")
    assert table.loc["repeat day", "p_value"] == 1
    assert table.loc["repeat day", "skill"] == 0


def test_a_model_that_takes_no_rows(df):
    settings = {"horizon": HORIZON, "start": df.index[400]}
    own = df[["a"]]
    table = compare({"last": OfTraining}, own, "mae", refit=True, **settings)
    assert table.loc["last", "mae"] == pytest.approx(table.loc["repeat last", "mae"])
    with pytest.raises(ValueError, match=r"`OfTraining.predict` takes no rows.* `refit=True` fits at every cutoff"):
        compare({"last": OfTraining}, own, **settings)


def test_a_forecaster_with_covariates_and_factories(df):
    known = df.assign(known=np.arange(500) % 5, a=df["a"] + 3 * (np.arange(500) % 5 == 2))
    model = closed_form(lookback=24, horizon=HORIZON, targets="a", future_covariates="known")
    table = compare({"ours": model, "factory": lambda: SeasonalNaive(24, HORIZON, ["a"])}, known, "mae")
    assert table["n"].tolist() == [16 * HORIZON] * 5
    assert table["mae"].idxmin() == "ours"
    assert not hasattr(model, "pipeline_")


def test_panels(df):
    frames = {"x": df, "y": df.iloc[30:450] * 2}
    models = {"mean": Mean(), "ours": closed_form(lookback=24, horizon=HORIZON)}
    table = compare(models, frames, "mae", by="series", start=df.index[400])
    assert table.index.names == ["series", "model"]
    assert table.loc["x", "n"].tolist() == [2 * 16 * HORIZON] * 5
    assert table.loc["y", "n"].tolist() == [2 * 8 * HORIZON] * 5
    long = pd.concat([frame.assign(shop=name) for name, frame in frames.items()])
    again = compare(models, long, "mae", by="series", start=df.index[400], series_id="shop")
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), table.drop(columns="seconds"))


def test_tables_of_polars(df):
    polars = pytest.importorskip("polars")
    table = polars.from_dict(df.reset_index().to_dict("list"))
    models = {"day": SeasonalNaive(24, HORIZON)}
    found = compare(models, table, time="time").drop(columns="seconds")
    pd.testing.assert_frame_equal(found, compare(models, df).drop(columns="seconds"))


def test_rolling_folds_keep_their_size():
    folds = plan_folds([9, 11, 13, 15], every=2, gap=2, rolling=True)
    assert folds == [Fold(0, 8, (9, 11)), Fold(4, 12, (13, 15))]
    assert plan_folds([9, 11], None) == [Fold(0, 10, (9, 11))]
    with pytest.raises(ValueError, match=r"`gap` must be at most 9, to leave rows to fit on. Received: gap=10"):
        plan_folds([9], None, gap=10)


def test_naive_forecasts_of_missing_values_and_few_rows():
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan]}, pd.date_range("2026-01-01", periods=4))
    assert SeasonalNaive(2, 3).fit(rows).predict(rows)["a"].tolist() == [3.0, 2.0, 3.0]
    assert SeasonalNaive(7, 2).predict(rows)["a"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("models", "arguments", "error", "message"),
    [
        ([], {}, TypeError, r"`models` must be a dict of models by name.*Received: models=\[\]"),
        ({"m": Mean()}, {}, ValueError, "`horizon` must be given, as no model has one"),
        ({"m": Mean()}, {"horizon": 7}, ValueError, r"`Mean.predict` must return 7 rows.*shape=\(6, 2\)"),
        ({"m": SeasonalNaive(1, 3)}, {"every": -1}, ValueError, "`every` must be an integer of at least 1"),
        ({"m": SeasonalNaive(1, 3)}, {"metrics": "mea"}, ValueError, "`metrics` must be of"),
        ({"m": SeasonalNaive(1, 3)}, {"start": "2027-01-01"}, ValueError, "No cutoff has"),
    ],
)
def test_errors_name_what_breaks_a_rule(df, models, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        compare(models, df, **arguments)
    assert len(str(raised.value)) < 400
