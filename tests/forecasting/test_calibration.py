"""Quantiles of errors: conformal, wide where errors are few, in a scale that follows the rows."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tscnn.data.times import Times
from tscnn.forecasting.calibration import KNOTS, Calibration, measure_changes


def make(n_errors=1e6, **changes) -> Calibration:
    """A calibration of two steps and one target, whose errors are normal."""
    parts = {
        "sizes": np.array([[1.0], [2.0]]),
        "weights": np.zeros((4, 1)),
        "typical": np.zeros((3, 1)),
        "farthest": np.ones((3, 1)),
        "departures": np.ones((2, 1)),
        "positions": np.zeros((1, 1, 1)),
        "bands": np.zeros(2, int),
        "quantiles": ndtri(KNOTS)[None, :, None],
        "n_errors": np.full(2, float(n_errors)),
        "paths": np.zeros((1, 2, 1), np.float32),
        "lowest": np.array([-np.inf]),
        "of_series": np.ones((1, 1)),
        "n_rows": 4,
        "season": 1,
        "cycle": "",
    }
    return Calibration(**{**parts, **changes})


def test_quantiles_are_those_that_were_seen_and_go_on_beyond():
    levels = np.array([0.001, 0.025, 0.2, 0.5, 0.65, 0.9, 0.999])
    found = make().numbers(levels)
    assert found.shape == (7, 2, 1)
    np.testing.assert_allclose(found[:, 0, 0], ndtri(levels), atol=0.01)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 100, 1000])
def test_conformal_quantiles_of_few_errors_are_further_out(n):
    levels = np.array([0.025, 0.5, 0.975])
    few, many = make(n).numbers(levels)[:, 0, 0], make().numbers(levels)[:, 0, 0]
    assert few[0] < many[0] < few[1] + 1e-9 < few[2] + 1e-9
    assert few[2] > many[2]
    assert few[1] == pytest.approx(0, abs=1e-9)
    assert make(n).is_beyond(levels) == (n < 39)


@pytest.mark.parametrize("n", [5, 10, 40, 160])
def test_conformal_quantiles_cover_what_they_say_however_few_errors_there_are(n):
    random, levels, inside = np.random.default_rng(0), np.array([0.05, 0.95]), []
    for _ in range(300):
        drawn = np.quantile(random.normal(size=n), KNOTS, method="hazen")
        lower, upper = make(n, quantiles=drawn[None, :, None]).numbers(levels)[:, 0, 0]
        inside.append(ndtr(upper) - ndtr(lower))
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_conformal_levels_of_each_step_never_cross():
    random = np.random.default_rng(0)
    levels = np.sort(random.random((5, 2, 1)), axis=0)
    assert (np.diff(make(30).numbers(levels), axis=0) >= 0).all()


def test_conformal_scale_follows_changes_departures_and_series():
    rows = np.cumsum(np.r_[np.full(10, 0.1), np.full(10, 1.0)])[:, None]
    weights = np.array([[1.0], [0], [0], [0]])
    times = Times(np.arange(30))
    calibration = make(weights=weights, typical=measure_changes(rows[None, 2:6], 1)[0], farthest=np.full((3, 1), 9.0))
    forecasts, at = np.zeros((2, 2, 1)), np.array([8, 18])
    found = calibration.scale(forecasts, rows, at, times, at)
    np.testing.assert_allclose(found[0], calibration.sizes, rtol=1e-6)
    np.testing.assert_allclose(found[1] / found[0], 1.01 / 0.11, rtol=1e-6)
    far = make(weights=np.array([[0.0], [0], [0], [1]]))
    same, away = (far.scale(forecasts[:1] + rows[8] + by, rows, at[:1], times, at[:1]) for by in (0, 3))
    np.testing.assert_allclose(away / same, 4, rtol=1e-6)
    twice = make(of_series=np.array([[1.0], [2.0]]), names=("a", "b"))
    other = times.knowing(times.covariates, 1)
    np.testing.assert_allclose(
        twice.scale(forecasts, rows, at, other, at), 2 * make().scale(forecasts, rows, at, times, at)
    )


def test_conformal_scale_of_rows_with_gaps_is_finite():
    rows = np.where(np.arange(20) % 5, np.arange(20.0), np.nan)[:, None]
    found = measure_changes(np.stack([rows, np.full_like(rows, np.nan)]), season=4)
    assert np.isfinite(found).all()


def test_quantiles_of_a_damaged_file_are_refused():
    calibration = make()
    arrays, settings = calibration.arrays(), calibration.settings()
    again = Calibration.from_arrays(settings, arrays)
    assert all(np.array_equal(arrays[name], again.arrays()[name]) for name in arrays)
    for name, wrong in {"weights": np.zeros((3, 1)), "bands": np.array([0, 1])}.items():
        with pytest.raises(ValueError, match="must fit each other"):
            Calibration.from_arrays(settings, {**arrays, name: wrong})
