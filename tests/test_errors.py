"""Wrong input, call by call: `errors.txt` says what each public call answers."""

import re
import warnings
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import tscnn
from tests.conftest import closed_form, make_frame
from tscnn import Forecaster, Reconstructor
from tscnn.cli import main
from tscnn.plotting import plot_explanation, plot_forecast

TABLE = Path(__file__).parent / "errors.txt"
CALLS = re.findall(r"^(?! |#)(.+)\n    (\w+): (.+)$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
# Of Python, scikit-learn and argparse, whose words are theirs.
THEIRS = ("NotFittedError", "SystemExit")

X, LONG = make_frame(120, 2), make_frame(500, 2)
NEXT = make_frame(123, 2).iloc[120:]
LONGFRAME = pd.concat([X.assign(shop="x"), X.assign(shop="y")]).reset_index()


def holed(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame.iloc[100, 1] = nan
    return frame


class Short:
    """Forecasts one row, whatever is asked for."""

    def fit(self, _: Any) -> "Short":
        return self

    def predict(self, rows: Any) -> Any:
        return rows.iloc[-1:]


SHARED: dict[str, Any] = {
    "np": np,
    "pd": pd,
    "pl": pl,
    "scipy": scipy,
    "nan": nan,
    "inf": inf,
    "X": X,
    "LONG": LONG,
    "NEXT": NEXT,
    "TWO": {"x": X, "y": X + 1},
    "LONGFRAME": LONGFRAME,
    "closed_form": closed_form,
    "holed": holed,
    "Short": Short,
    "main": main,
    "plot_explanation": plot_explanation,
    "plot_forecast": plot_forecast,
}


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> dict[str, Any]:
    """What calls are made of."""
    full = tmp_path_factory.mktemp("full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f = closed_form().fit(X)
        own = {
            "f": f,
            "ahead": closed_form(future_covariates="b").fit(X),
            "past": closed_form(targets="a").fit(X),
            "panel": closed_form().fit(SHARED["TWO"]),
            "r": Reconstructor(2, network=None, random_state=0).fit(X),
        }
    f.save(full / "whole")
    f.save(full / "bare", context=False)
    (full / "cut").write_bytes((full / "whole").read_bytes()[:-99])
    (full / "file").write_text("x")
    (full / "empty").touch()
    own |= {"b": f.backtest(X), "p": f.predict(), "bare": Forecaster.load(full / "bare"), "FULL": full}
    return {**{name: getattr(tscnn, name) for name in tscnn.__all__}, **SHARED, **own}


def test_errors_are_many():
    assert len({call for call, *_ in CALLS}) == len(CALLS) > 250


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("call", "kind", "said"), CALLS, ids=[call for call, *_ in CALLS])
def test_errors_name_argument_rule_and_value(call, kind, said, names, capsys):
    with pytest.raises((Exception, SystemExit)) as caught:
        eval(call, names)
    message = capsys.readouterr().err.strip() if kind == "SystemExit" else str(caught.value)
    assert caught.type.__name__ == kind
    assert len(message) < 400
    assert "eceived" in message or kind in THEIRS or "shape=" in message
    for dtype, values in (("str", ["text"]), ("datetime64[us]", pd.date_range("2026", periods=1))):
        said = said.replace(f"dtype='{dtype}'", f"dtype='{pd.Series(values).dtype}'")  # others before pandas 3
    assert re.fullmatch(re.escape(said).replace(re.escape(".."), ".*"), message, re.DOTALL), message


def test_errors_stay_short_with_many_columns_of_long_names():
    names = [f"a rather long column name, number {i}" for i in range(60)]
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 60)), columns=names)
    fitted, known = closed_form(lookback=4).fit(wide), closed_form(lookback=4, future_covariates=names[1:]).fit(wide)
    calls = {
        "missing": lambda: fitted.predict(wide[names[:1]]),
        "extra": lambda: closed_form(lookback=4).fit({"x": wide[names[:2]]}).predict({"x": wide}),
        "NaN": lambda: fitted.predict(wide * nan),
        "text": lambda: closed_form().fit(wide.astype(str)),
        "targets": lambda: closed_form(targets=[*names, "x"]).fit(wide),
        "both": lambda: closed_form(targets=names, future_covariates=names).fit(wide),
        "future": lambda: known.predict(),
        "other future": lambda: known.predict(future=wide[names[:3]]),
        "row": lambda: fitted.stream().update({}),
        "repeated": lambda: closed_form().fit(wide.set_axis([300 * "a"] * 60, axis=1)),
    }
    for call in calls.values():
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert len(str(caught.value)) < 400
