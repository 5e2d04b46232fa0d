"""Series that don't fit each other, each named in the error."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tscnn.data.panel import learn_panel, read_panel


def shop(n: int = 30, start: str = "2026-01-01") -> pd.DataFrame:
    return pd.DataFrame({"sales": np.arange(float(n)), "price": 1.0}, pd.date_range(start, periods=n, freq="h"))


SHOPS = {"x": shop(), "y": shop(20, "2026-01-03")}


def joined(shops: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([frame.assign(shop=name) for name, frame in shops.items()])


def put(value: Any) -> pd.DataFrame:
    """Return the shop "y" with one wrong value."""
    frame = shop(20, "2026-01-03").astype({"sales": object if isinstance(value, str) else float})
    frame.iloc[7, 0] = value
    return frame


WRONG_VALUES = {
    np.nan: "Series 'y': Every value must be finite, but column 'sales' has NaN at row 2026-01-03 07:00:00",
    np.inf: "Series 'y': Every value must be finite, but column 'sales' has infinity at row 2026-01-03 07:00:00",
    1e30: "Series 'y': Every value must be one that float32 can square, but that of column 'sales' at row 2026-01-03",
    "abc": "Series 'y': Column 'sales' must hold real numbers",
    "1,5": "`X['sales'] = X['sales'].astype(str).str.replace(',', '.').astype(float)`",
}


@pytest.mark.parametrize("value", WRONG_VALUES, ids=str)
@pytest.mark.parametrize("form", ["long", "dict"])
def test_panel_errors_name_the_series_of_a_value(form: str, value: Any) -> None:
    wrong = {**SHOPS, "y": put(value)}
    X, series_id = (joined(wrong), "shop") if form == "long" else (wrong, None)
    schema, _ = learn_panel(SHOPS, None)
    for read in (lambda: learn_panel(X, series_id), lambda: read_panel(X, series_id, schema)):
        with pytest.raises((TypeError, ValueError), match=re.escape(WRONG_VALUES[value])) as told:
            read()
        assert str(told.value).startswith("Series 'y': ")
        assert len(str(told.value)) < 400


OTHERS = {
    "a column too few": (lambda y: y[["sales"]], "columns of series 'x', and no others. Received: missing=['price']"),
    "a column too many": (lambda y: y.assign(q=1), "`X.drop(columns=['q'])` leaves them out."),
    "text for times": (lambda y: y.set_axis(y.index.astype(str)), "`X.set_axis(pd.to_datetime(X.index))` reads times"),
    "integers": (lambda y: y.reset_index(drop=True), "The index must hold times, as that of series 'x' does."),
    "a zone": (lambda y: y.tz_localize("UTC"), "no time zone, as that of series 'x'; `X.tz_localize(None)` does that."),
    "a gap": (lambda y: y.drop(y.index[3]), "2026-01-03 03:00:00 is missing"),
    "another step": (lambda y: y.iloc[::2], "step of the training data, 'h'"),
    "repeated": (lambda y: y.iloc[[0, 0, 1]], "must not repeat, but 2026-01-03 00:00:00 does; several series"),
    "no rows": (lambda y: y.iloc[:0], "`X` must have at least one row."),
    "nothing": (lambda y: None, "`X` must be a DataFrame"),  # noqa: ARG005
    "a list": (lambda y: y["sales"].tolist(), "`pd.DataFrame(X)` has a column of it"),
    "a path": (lambda y: "y.csv", "`pd.read_csv(X, index_col=0, parse_dates=True)`"),  # noqa: ARG005
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("missing", ["raise", "mask"])
def test_panel_errors_name_the_series_that_is_unlike_others(name: str, missing: str) -> None:
    change, message = OTHERS[name]
    with pytest.raises((TypeError, ValueError), match=f"^Series 'y': .*{re.escape(message)}"):
        learn_panel({**SHOPS, "y": change(SHOPS["y"])}, None, missing=missing)


def test_panel_errors_on_a_grid_name_the_series() -> None:
    with pytest.raises(ValueError, match=r"^Series 'y': The index must not repeat"):
        learn_panel({**SHOPS, "y": SHOPS["y"].iloc[[0, 0, 1]]}, None, freq="h")


@pytest.mark.parametrize("series_id", [["shop"], ["shop", "price"], {"shop"}, 3, "store"])
def test_panel_errors_of_a_series_id_that_is_no_column(series_id: Any) -> None:
    with pytest.raises(ValueError, match=re.escape("`series_id` must be a column of `X`")):
        learn_panel(joined(SHOPS), series_id)


def test_panel_columns_of_a_frame_are_series() -> None:
    wide = shop()
    _, frames = learn_panel(dict(wide.items()), None)
    assert {name: frame.iloc[-1, 0] for name, frame in frames.items()} == {"sales": 29.0, "price": 1.0}


@pytest.mark.parametrize("sizes", [("big", "small"), (3.0, 1.0)], ids=["text", "numbers"])
def test_panel_static_covariates_of_absent_rows_are_those_of_the_series(sizes: tuple[Any, Any]) -> None:
    shops = {
        name: SHOPS[name].assign(size=size).drop(SHOPS[name].index[4:6]) for name, size in zip("xy", sizes, strict=True)
    }
    settings = {"missing": "mask", "freq": "h"}
    schema, frames = learn_panel(shops, None, static="size", **settings)
    for found in (frames, read_panel(shops, None, schema, "h")):
        assert [len(frame) for frame in found.values()] == [30, 20]
        assert [frame["size"].unique().size for frame in found.values()] == [1, 1]
        assert found["x"]["sales"].isna().sum() == 2


def test_panel_static_covariates_of_later_rows_must_not_change() -> None:
    schema, _ = learn_panel({name: frame.assign(size=1.0) for name, frame in SHOPS.items()}, None, static="size")
    varying = {name: frame.assign(size=np.arange(len(frame))) for name, frame in SHOPS.items()}
    with pytest.raises(ValueError, match=r"^Series 'x': A static covariate must have one value a series"):
        read_panel(varying, None, schema)
