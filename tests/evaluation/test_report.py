import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tscnn.data.windows import make_windows
from tscnn.evaluation.naive import repeat_last
from tscnn.evaluation.report import ReportSettings, describe_report, evaluate_forecasts, list_unbeaten, tabulate_targets

LOOKBACK, HORIZON = 12, 3
SEASONS = {"day": 8, "week": 20}
ORIGINS = [range(20, 60), range(92, 117), range(150, 150)]
TARGETS = [2, 0]


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(120, 3)).cumsum(axis=0).astype(np.float32)


@pytest.fixture
def plain(rows) -> np.ndarray:
    return rows + np.sin(np.arange(120) / 20)[:, None].astype(np.float32)


@pytest.fixture
def linear_map() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1 / LOOKBACK, size=(LOOKBACK, HORIZON))


def noisy(rows, size=0.1):
    """Forecast with errors that depend on the origin alone."""
    errors = size * np.random.default_rng(2).normal(size=(len(rows), HORIZON, len(TARGETS))).astype(np.float32)

    def forecast(at):
        return rows[:, TARGETS][at[:, None] + 1 + np.arange(HORIZON)] + errors[at]

    return forecast, errors


def steps_of(at, season):
    """The rows that a repeated season has at every step of the horizon."""
    return at[:, None] + 1 + np.arange(HORIZON) - season


def expected_errors(rows, plain, linear_map, origins=ORIGINS):
    """By the windows of every origin, cut out."""
    at = np.concatenate([np.array(stretch, int) for stretch in origins])
    inputs, outcomes = (each[at - LOOKBACK + 1] for each in make_windows(rows[:, TARGETS], LOOKBACK, HORIZON))
    plain_inputs, plain_outcomes = (
        each[at - LOOKBACK + 1] for each in make_windows(plain[:, TARGETS], LOOKBACK, HORIZON)
    )
    return {
        "tscnn": noisy(rows)[1][at],
        "linear map": np.einsum("nlt,lh->nht", inputs, linear_map) - outcomes,
        **{f"repeat {name}": plain[:, TARGETS][steps_of(at, n)] - plain_outcomes for name, n in SEASONS.items()},
        "repeat last": repeat_last(plain_inputs, HORIZON) - plain_outcomes,
        "constant": plain_outcomes.mean(axis=0, dtype=float) - plain_outcomes,
    }


def check(report, errors):
    assert list(report.index) == list(errors)
    for name, found in errors.items():
        assert report.loc[name, "mse"] == pytest.approx(np.square(found).mean(), rel=1e-5)
        if name == "constant":
            assert np.isnan(report.loc[name, "mae"])
        else:
            assert report.loc[name, "mae"] == pytest.approx(np.abs(found).mean(), rel=1e-5)
    np.testing.assert_allclose(report["skill"], 1 - report.loc["tscnn", "mse"] / report["mse"], atol=1e-12)


@pytest.mark.parametrize("chunk_values", [2**23, 200, 1])
def test_errors_are_those_of_every_window(rows, plain, linear_map, chunk_values):
    settings = ReportSettings(chunk_values=chunk_values)
    forecast, _ = noisy(rows)
    report = evaluate_forecasts(
        forecast, rows, plain, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS, settings=settings
    )
    check(report, expected_errors(rows, plain, linear_map))
    again = evaluate_forecasts(forecast, rows, plain, ORIGINS, TARGETS, HORIZON, linear_map[None], SEASONS)
    pd.testing.assert_frame_equal(again, report)


@pytest.mark.parametrize("settings", [ReportSettings(most_origins=22), ReportSettings(most_values=22 * HORIZON * 2)])
def test_of_many_origins_every_third_is_forecast_from(rows, plain, linear_map, settings):
    thinned = [stretch[::3] for stretch in ORIGINS]
    report = evaluate_forecasts(
        noisy(rows)[0], rows, plain, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS, settings=settings
    )
    check(report, expected_errors(rows, plain, linear_map, thinned))


def test_without_a_season_none_is_repeated(rows, linear_map):
    report = evaluate_forecasts(noisy(rows)[0], rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, {})
    assert list(report.index) == ["tscnn", "linear map", "repeat last", "constant"]


def test_the_report_says_that_it_is_optimistic(rows, linear_map):
    report = evaluate_forecasts(noisy(rows)[0], rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    assert "Optimistic" in report.attrs["note"]
    line = describe_report(report)
    mse = report.loc["tscnn", "mse"]
    assert line.startswith(f"validation MSE {mse:.4f} (optimistic: these rows chose the model); skill against linear ")
    assert "repeat day +" in line
    assert "repeat week +" in line


def test_what_is_not_beaten_is_named(rows, linear_map):
    good = evaluate_forecasts(noisy(rows)[0], rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    assert list_unbeaten(good) == []
    poor = evaluate_forecasts(noisy(rows, size=100)[0], rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    assert list_unbeaten(poor) == list(good.index[1:])

    def repeat(at):
        return np.repeat(rows[:, TARGETS][at][:, None], HORIZON, axis=1)

    same = evaluate_forecasts(repeat, rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    assert "repeat last" in list_unbeaten(same)
    assert same.loc["repeat last", "skill"] == 0


def test_a_linear_map_that_is_hardly_better_is_not_named(rows, linear_map):
    """One map is much alike a linear mixture: on most small data it is a little better or a little worse."""
    good = evaluate_forecasts(noisy(rows)[0], rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    good.loc["linear map", "skill"] = -0.03
    assert list_unbeaten(good) == []
    good.loc["linear map", "skill"] = -0.3
    good.loc["repeat day", "skill"] = -0.001
    assert list_unbeaten(good) == ["linear map", "repeat day"]


def test_one_target_of_many_does_not_decide_what_is_beaten():
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 50)).cumsum(axis=0)
    rows[:, 7] *= 100
    steps = np.arange(HORIZON)

    def forecast(at):  # better than the newest row for all but one target
        found = (rows[at][:, None] + rows[at[:, None] + 1 + steps]) / 2
        found[:, :, 7] += 200
        return found

    report = evaluate_forecasts(forecast, rows, rows, [range(20, 100)], range(50), HORIZON, np.ones((1, HORIZON)), {})
    assert list_unbeaten(report) == []
    by_target = report.attrs["mse_by_target"]
    assert by_target["tscnn"][7] > by_target["repeat last"][7]
    assert np.mean(by_target["tscnn"]) > np.mean(by_target["repeat last"])


def test_forecasts_that_have_collapsed_to_a_constant_are_caught(rows, linear_map):
    def constant(at):
        return np.full((len(at), HORIZON, len(TARGETS)), rows.mean())

    report = evaluate_forecasts(constant, rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    assert "constant" in list_unbeaten(report)


def test_constant_outcomes_can_be_met_but_not_beaten(linear_map):
    rows = np.full((120, 3), 0.1, np.float32)
    exact = evaluate_forecasts(
        lambda at: np.full((len(at), HORIZON, 2), np.float32(0.1)),
        rows,
        rows,
        ORIGINS,
        TARGETS,
        HORIZON,
        linear_map,
        SEASONS,
    )
    assert exact.loc["repeat last", "skill"] == 0
    off = evaluate_forecasts(
        lambda at: np.zeros((len(at), HORIZON, 2)), rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS
    )
    assert off.loc["repeat last", "skill"] == -np.inf


def test_what_cannot_be_evaluated(rows, linear_map):
    forecast, _ = noisy(rows)
    with pytest.raises(ValueError, match="`origins` must not be empty"):
        evaluate_forecasts(forecast, rows, rows, [range(3, 3)], TARGETS, HORIZON, linear_map, SEASONS)
    with pytest.raises(ValueError, match=r"`forecast` must return an array of shape \(40, 3, 1\).*\(40, 3, 2\)"):
        evaluate_forecasts(forecast, rows, rows, ORIGINS, [0], HORIZON, linear_map, SEASONS)


def test_the_room_imports_no_keras():
    code = "import sys, tscnn.evaluation; sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_targets_are_told_apart(rows, linear_map):
    def repeat_the_first(at):
        forecasts = noisy(rows, size=0.1)[0](at)
        forecasts[:, :, 0] = rows[at][:, None, TARGETS[0]]
        return forecasts

    report = evaluate_forecasts(repeat_the_first, rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    table = tabulate_targets(report, pd.Index(["a", "b"]))
    assert table.columns.tolist() == ["rmse", "mae", *(f"skill: {name}" for name in report.index[1:])]
    assert np.square(table["rmse"]).mean() == pytest.approx(report.loc["tscnn", "mse"])
    assert table.loc["a", "skill: repeat last"] == 0 < table.loc["b", "skill: repeat last"]


def test_errors_of_targets_are_in_units_of_their_own(rows, linear_map):
    forecast, errors = noisy(rows)
    units = np.array([10.0, 0.5])

    def in_units(at, forecasts):
        return (forecasts - rows[at[:, None] + 1 + np.arange(HORIZON)][..., TARGETS]) * units

    report = evaluate_forecasts(forecast, rows, rows, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS, in_units)
    own = np.concatenate([errors[stretch] * units for stretch in ORIGINS])
    table = tabulate_targets(report, pd.Index(["a", "b"]))
    np.testing.assert_allclose(table["rmse"], np.sqrt(np.square(own).mean(axis=(0, 1))), rtol=1e-6)
    np.testing.assert_allclose(table["mae"], np.abs(own).mean(axis=(0, 1)), rtol=1e-6)


def test_a_constant_that_is_the_only_outcome_is_no_yardstick(rows, linear_map):
    single = [range(20, 21), range(50, 50)]
    report = evaluate_forecasts(noisy(rows)[0], rows, rows, single, TARGETS, HORIZON, linear_map, SEASONS)
    assert list(report.index) == ["tscnn", "linear map", "repeat day", "repeat week", "repeat last"]
    assert list_unbeaten(report) == []
    assert "skill: constant" not in tabulate_targets(report, pd.Index(["a", "b"]))


def test_missing_outcomes_count_nowhere(rows, plain, linear_map):
    gaps = plain.copy()
    gaps[np.random.default_rng(0).random(plain.shape) < 0.2] = np.nan
    report = evaluate_forecasts(noisy(rows)[0], rows, gaps, ORIGINS, TARGETS, HORIZON, linear_map, SEASONS)
    at = np.concatenate([np.array(stretch, int) for stretch in ORIGINS])
    after = at[:, None] + 1 + np.arange(HORIZON)
    errors = noisy(rows)[0](at) - rows[after][..., TARGETS]
    outcomes = gaps[after][..., TARGETS]
    known = ~np.isnan(outcomes)
    by_target = [np.square(errors)[..., f][known[..., f]].mean() for f in range(len(TARGETS))]
    np.testing.assert_allclose(report.loc["tscnn", "mse"], np.mean(by_target), rtol=1e-5)
    about = np.square(outcomes - np.nanmean(outcomes, axis=0))
    np.testing.assert_allclose(report.loc["constant", "mse"], np.nanmean(about, axis=(0, 1)).mean(), rtol=1e-4)
    assert np.isfinite(report["mse"]).all()
