"""Changes of rows: values that a column might have, in the rows that are asked for."""

import numpy as np
import pandas as pd
import pytest

from tscnn.auditing.changes import Context, change_later, find_ranges, nudge

FRAME = pd.DataFrame(
    {
        "count": np.array([0, 0, 0, 5, 9]),
        "single": np.arange(5, dtype=np.float32),
        "gaps": [1.0, np.nan, 3.0, 4.0, np.nan],
        "kind": pd.Categorical(list("xyxyx")),
        "flag": [True, False, True, True, False],
        "constant": 1.0,
    }
)


def moved(rows, columns=None):
    return nudge(FRAME, rows, FRAME, find_ranges(FRAME), columns)


def test_values_move_within_what_the_column_holds():
    found = moved(slice(None))
    for name in ("count", "single", "gaps"):
        low, high = FRAME[name].min(), FRAME[name].max()
        assert found[name].dropna().between(low, high).all()
        assert (found[name] != FRAME[name])[FRAME[name].notna()].all()
    assert found["gaps"].isna().equals(FRAME["gaps"].isna())
    assert found["single"].dtype == np.float32
    assert (found["constant"] == 1).all()


def test_anything_but_numbers_becomes_another_value():
    found = moved(slice(None))
    assert found["kind"].tolist() == list("yxyxy")
    assert found["kind"].dtype == FRAME["kind"].dtype
    assert found["flag"].tolist() == [not each for each in FRAME["flag"]]


def test_other_rows_and_columns_stay():
    found = moved(slice(-1, None), ["count"])
    assert found["count"].tolist()[:4] == [0, 0, 0, 5]
    assert found["count"].iloc[-1] < 9
    pd.testing.assert_frame_equal(found.drop(columns="count"), FRAME.drop(columns="count"))


@pytest.mark.parametrize("of", [np.mean, np.std, np.max])
def test_later_rows_have_another_scale(of):
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=100)})
    changed = change_later(frame, 80)
    pd.testing.assert_frame_equal(changed[:80], frame[:80])
    assert abs(of(changed["a"].to_numpy()) - of(frame["a"].to_numpy())) > 0.1


def test_later_rows_stay_missing_and_not_negative():
    frame = pd.DataFrame({"a": [0.0, 5.0, np.nan, 0.0, 100.0], "b": np.nan})
    changed = change_later(frame, 2)
    assert changed["a"].isna().tolist() == [False, False, False, False, True]  # backwards in time
    assert changed["a"].min() >= 0
    assert changed["b"].isna().all()
    pd.testing.assert_frame_equal(change_later(frame, 2, columns=["b"]), frame)


def test_a_context_is_given_as_the_model_takes_it():
    single, panel = Context({None: FRAME}, {None: FRAME[:1]}), Context({"s": FRAME}, {"s": FRAME[:1]})
    assert single.table is FRAME
    assert list(panel.table) == ["s"]
    changed = panel.change(lambda _, frame: frame.drop(columns="kind"), after=True)
    assert changed.table["s"] is FRAME
    assert "kind" not in changed.future["s"]
