import numpy as np
import pandas as pd
import pytest

from tests.linear.series import example, random_walks
from tscnn.data.series import SeriesSet
from tscnn.data.split import Split
from tscnn.data.windows import find_origins
from tscnn.linear.folds import cut_folds, relative_gram_matrices
from tscnn.linear.gram import sum_gram_matrices
from tscnn.linear.settings import MixtureSettings
from tscnn.transforms.rolling import window_scales


class Summed(frozenset):
    """The origins that Gram matrices are summed over, in place of these."""

    def __add__(self, other):
        assert not self & other, "an origin counts twice"
        return Summed(self | other)

    def at_scored(self):
        return self


def sum_origins(origins):
    return Summed(row for stretch in origins for row in stretch)


def split_of(lengths, first):
    indexes = tuple(pd.RangeIndex(n) for n in lengths)
    starts = np.cumsum([0, *lengths[:-1]])
    return Split.at(
        SeriesSet(np.zeros((sum(lengths), 1)), indexes), [s + n for s, n in zip(starts, first, strict=True)]
    )


@pytest.mark.parametrize(
    ("lengths", "first"), [([400], [300]), ([200, 300], [150, 250]), ([200, 300], [150, 300]), ([10, 300], [10, 250])]
)
def test_no_outcome_is_seen_by_the_maps_that_forecast_it(lengths, first):
    split = split_of(lengths, first)
    training, validation = split.training(12, 3), split.validation(12, 3)
    folds, of_training, everything = cut_folds(sum_origins, training, validation, 3, 3)
    by_series = np.repeat(np.arange(len(lengths)), lengths)
    assert len(folds) == 4
    for fold in folds:
        assert fold.held_out == sum_origins(fold.origins)
        for series in range(len(lengths)):
            seen, new = ([row for row in rows if by_series[row] == series] for rows in (fold.before, fold.held_out))
            if seen and new:
                assert max(seen) + 3 == min(
                    new
                )  # the last outcome seen is the row that the first forecast is made from
    assert of_training == folds[-1].before == sum_origins(training)
    assert folds[-1].held_out == sum_origins(validation)
    complete = split.series.origins(12, 3)
    assert everything == sum_origins(complete)


@pytest.mark.parametrize(("horizon", "n_folds"), [(3, 4), (20, 4), (30, 3), (35, 2), (60, 1)])
def test_folds_are_at_least_two_horizons_long(horizon, n_folds):
    rows = random_walks([400], 1, 0)
    training, validation = find_origins([300], 12, horizon), find_origins([400], 12, horizon, [300])
    folds, _, _ = cut_folds(lambda each: sum_gram_matrices(rows, each, 12, horizon), training, validation, horizon, 3)
    assert len(folds) == n_folds
    assert all(len(fold.origins[0]) > horizon for fold in folds[:-1])


def test_windows_count_in_units_of_their_scale():
    rows, training, _ = example(horizon=9)
    settings = MixtureSettings(scale_power=1.0, n_steps=3)
    found = relative_gram_matrices(rows, training, 12, 9, np.arange(2), settings)(training)
    scales = window_scales(rows, 12, 1.0)
    expected = sum_gram_matrices(rows, training, 12, 9, scales=scales, scored=np.array([0, 3, 6]))
    for name in ("inputs", "cross", "outcomes", "scored"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))
