"""Which rows transforms learn from."""

import numpy as np
import pandas as pd

from tscnn.data import SeriesSet, Split, learn_schema
from tscnn.transforms.fit import fit_transforms, refit_transforms, transform


def two_years() -> pd.DataFrame:
    days = np.arange(730)
    values = np.sin(2 * np.pi * days / 365.25)[:, None] + 0.3 * np.random.default_rng(0).normal(size=(730, 2))
    return pd.DataFrame(values * [1, 5] + [0, 100], pd.date_range("2020-01-01", periods=730), columns=["a", "b"])


def test_transforms_learn_from_training_rows_and_the_season_once_more_from_all():
    frame = two_years()
    schema, read = learn_schema(frame)
    split = Split.of(SeriesSet.of_frames({None: read}, schema), 7, 3, 0.2)
    changed = read.copy()
    changed.iloc[584:] += 0.5
    other = Split.of(SeriesSet.of_frames({None: changed}, schema), 7, 3, 0.2)
    found, same = fit_transforms(split, schema, 7), fit_transforms(other, schema, 7)
    assert [one.name for one in found] == ["standardize", "yearly_season"]
    for one, two in zip(found, same, strict=True):
        for name, array in one.arrays().items():
            np.testing.assert_array_equal(array, two.arrays()[name])
    refitted = refit_transforms(found, split.series, 7)
    np.testing.assert_array_equal(refitted[0].mean, found[0].mean)
    assert not np.array_equal(refitted[1].coefficients, found[1].coefficients)
    rows = transform(split.series, found)
    assert rows.values.dtype == np.float32
    assert np.abs(rows.values[:584].mean(axis=0)).max() < 0.1
    assert len(fit_transforms(split, schema, None)) == 1
