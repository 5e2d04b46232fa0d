"""The report of a fit, on rows that nothing was fitted to."""

import numpy as np
import pytest

from tests.conftest import closed_form


def test_the_report_is_that_of_rows_that_nothing_was_fitted_to(frame):
    changed = frame.copy()
    changed.iloc[270:] = changed.iloc[270:].to_numpy()[::-1]
    reports = [closed_form(maps="shared", validation_fraction=0.1).fit(data).report_ for data in (frame, changed)]
    assert not np.allclose(reports[0]["mse"], reports[1]["mse"])
    assert "Optimistic" in reports[0].attrs["note"]


def test_the_report_has_every_season_of_the_index(frame):
    report = closed_form().fit(frame).report_
    assert list(report.index) == ["tscnn", "linear map", "repeat day", "repeat week", "repeat last", "constant"]
    short = closed_form().fit(frame.iloc[:150])
    assert list(short.report_.index) == ["tscnn", "linear map", "repeat day", "repeat last", "constant"]
    table = short.report_by_target_
    assert table.index.tolist() == ["a", "b", "c"]
    in_units = table["rmse"] / short.scale_  # of the training rows
    assert np.square(in_units).mean() == pytest.approx(short.report_.loc["tscnn", "mse"], rel=1e-6)
    assert (table["mae"] <= table["rmse"]).all()
