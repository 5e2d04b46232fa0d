import numpy as np
import pandas as pd
import pytest

from tscnn.evaluation.columns import ForecastColumns, name_columns


def test_points_alone_keep_the_names_of_the_targets():
    targets = pd.Index(["b", "a"], name="what")
    assert name_columns(targets) is targets
    found = ForecastColumns.of(targets, ["a", "b", "c"])
    assert (found.targets, found.points, found.levels, found.intervals) == (["b", "a"], [0, 1], (), {})


@pytest.mark.parametrize("flat", [False, True])
def test_what_is_named_is_found(flat):
    names = name_columns(["a", "a b"], quantiles=[0.1, 0.5, 0.9], coverage=[0.8, 0.975])
    if flat:
        names = pd.Index([f"{target} {part}" for target, part in names])
    found = ForecastColumns.of(names, ["a", "a b", "c"])
    assert found.targets == ["a", "a b"]
    assert found.points == [0, 8]
    assert found.levels == (0.1, 0.5, 0.9)
    assert found.quantiles == [[1, 2, 3], [9, 10, 11]]
    assert found.intervals == {" 80%": ([(4, 5), (12, 13)], 0.8), " 97.5%": ([(6, 7), (14, 15)], 0.975)}


def test_quantiles_alone_have_a_point_and_intervals():
    found = ForecastColumns.of(name_columns([7], np.array([0.05, 0.1, 0.5, 0.9])), [7])
    assert found.points == [2]
    assert found.intervals == {" 80%": ([(1, 3)], 0.8)}
    assert ForecastColumns.of(name_columns([7], [0.1, 0.7]), [7]).points is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "d"], r"Columns of forecasts must be those of `df`, .*Received: column='d', df=\['a', 'b'\]"),
        ([("a", "lower")], r"Beside 'lower' there must be 'upper'. Received: columns=\['lower'\]"),
        ([("a", "low"), ("a", "high")], r"Columns of forecasts must be .*Received: column=\('a', 'low'\)"),
        ([("a", 1.5)], r"Columns of forecasts must be .*Received: column=\('a', 1.5\)"),
        ([("a", 0.5), ("b", 0.9)], r"Every target must have the same columns, but 'b' .*first=\[0.5\], others=\[0.9\]"),
    ],
)
def test_errors_of_other_columns(names, message):
    names = pd.Index(names) if isinstance(names[0], str) else pd.MultiIndex.from_tuples(names)
    with pytest.raises(ValueError, match=message):
        ForecastColumns.of(names, ["a", "b"])
