"""Faults that are planted in a forecaster are found by its audit, and a sound one passes."""

import copy
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tests.conftest import closed_form, make_frame, small_forecaster
from tests.network.networks import random_term
from tscnn import TCN, Forecaster
from tscnn.auditing.fitted import isolated_series
from tscnn.auditing.fitted_subject import FittedSubject
from tscnn.auditing.rows import newest_row
from tscnn.data.series import SeriesSet
from tscnn.evaluation.folds import Rows
from tscnn.fitting.held_out_errors import Errors
from tscnn.transforms import CovariateEffects, Standardize

LOOKBACK, HORIZON = 8, 3
OF_ANY_PLANTED = {"saved, loaded, equal", "intervals of 90% cover"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return make_frame(240, 2)


@pytest.fixture(scope="module")
def sound(rows) -> Forecaster:
    return closed_form(lookback=LOOKBACK, horizon=HORIZON).fit(rows[:200])


def failed(forecaster, rows, *, refit=False):
    """The checks that fail."""
    frame = forecaster.audit(rows, refit=refit).frame
    return set(frame.index[frame["result"] == "fail"])


def with_terms(forecaster, *terms):
    """The forecaster with other terms."""
    changed = copy.copy(forecaster)
    changed.pipeline_ = replace(forecaster.pipeline_, terms=terms)
    return changed


@dataclass(frozen=True)
class Planted:
    """A term that is added to a forecast: what `weigh` makes of windows, (n, rows, features) -> (n, features)."""

    name: ClassVar[str] = "planted"
    needs_ahead: ClassVar[bool] = False
    rows_before: ClassVar[int] = 0
    context: int = LOOKBACK
    horizon: int = HORIZON

    def weigh(self, windows):
        return windows.mean(axis=1)

    def last(self, windows):
        found = self.weigh(windows[:, windows.shape[1] - self.context :])
        return np.repeat(found[:, None], self.horizon, axis=1).astype(np.float32)

    def dense(self, rows):
        return self.last(sliding_window_view(rows, self.context, axis=0).transpose(0, 2, 1))

    def start(self, windows):
        from tscnn.common.ring import Ring

        return [Ring.of(windows[:, windows.shape[1] - self.context :].transpose(1, 0, 2))]

    def step(self, state, row):
        state[0].push(row)
        return self.last(state[0].last().transpose(1, 0, 2))

    def settings(self):
        return {}

    def arrays(self):
        return {}


# Sound ones


def test_a_sound_forecaster_passes_every_line(sound, rows):
    before = dict(vars(sound))
    found = sound.audit(rows)
    assert found.passed, found
    assert (found.frame["result"] == "pass").sum() == 11
    assert vars(sound) == before
    assert sound.audit(rows, refit=False).passed
    assert failed(with_terms(sound, *sound.pipeline_.terms, Planted()), rows) <= OF_ANY_PLANTED


def panel(n=3):
    return {f"s{i}": make_frame(160 + 20 * i, 1, seed=i) * 10.0**i for i in range(n)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["covariates", "missing", "quantiles", "panel", "long", "short", "array", "network"])
def test_sound_forecasters_of_all_kinds_pass(kind, rows):
    random = np.random.default_rng(0)
    known = rows.assign(promotion=random.random(240) < 0.3, kind=np.where(random.random(240) < 0.5, "x", "y"))
    known["a"] += 2 * known["promotion"]
    forecaster, data = {
        "covariates": (closed_form(targets="a", future_covariates=["promotion", "kind"]), known),
        "missing": (closed_form(missing="mask"), rows.mask(random.random((240, 2)) < 0.1)),
        "quantiles": (closed_form(quantiles=(0.1, 0.5, 0.9)), rows),
        "panel": (closed_form(), panel()),
        "long": (closed_form(series_id="shop"), pd.concat([f.assign(shop=name) for name, f in panel().items()])),
        "short": (Forecaster(horizon=2, verbose=0), {name: frame[:60] for name, frame in panel().items()}),
        "array": (closed_form(validation_fraction=0.0), rows.to_numpy()),
        "network": (small_forecaster(feature_mode="independent", random_state=None), rows),
    }[kind]
    found = forecaster.fit(data).audit(data)
    assert found.passed, found
    frame = found.frame["result"]
    assert (frame["series isolated"] == "pass") == (kind in ("panel", "long", "short"))
    assert (frame["a future covariate changes no earlier step"] == "pass") == (kind == "covariates")
    assert (frame["columns isolated"] == "pass") == (kind == "network")


# Which rows count


def test_padding_at_both_ends(sound, rows):
    class Centred(Planted):
        def dense(self, rows):
            padded = np.concatenate([rows[1:], rows[-1:]])  # a row too late
            return super().dense(padded)

    found = failed(with_terms(sound, *sound.pipeline_.terms, Centred()), rows)
    assert {"later rows change no forecast", "evaluators agree"} <= found


def test_a_stale_shift(sound, rows):
    class Stale(Planted):
        def weigh(self, windows):
            return windows[:, :-1].mean(axis=1)

    assert "every step sees the newest row" in failed(with_terms(sound, Stale()), rows)


def test_a_stream_that_forgets_its_newest_row(sound, rows):
    class Late(Planted):
        def step(self, state, row):
            found = self.last(state[0].last().transpose(1, 0, 2))
            state[0].push(row)
            return found

    found = with_terms(sound, *sound.pipeline_.terms, Late()).audit(rows, refit=False).frame.loc["evaluators agree"]
    assert found["result"] == "fail"
    assert "`stream`" in found["measured"]
    assert "`backtest`" not in found["measured"]


def test_rows_older_than_the_lookback(sound, rows):
    class Whole(Forecaster):
        """Scales by all rows given."""

        def predict(self, X=None, **settings):
            found = super().predict(X, **settings)
            parts = X if isinstance(X, dict) else {None: X}
            for name, part in parts.items():
                found.loc[slice(None) if name is None else [name]] += part.to_numpy().mean()
            return found

    whole = Whole(**{**sound.get_params(deep=False), "network": None})
    vars(whole).update({name: value for name, value in vars(sound).items() if name.endswith("_") or name == "_facts"})
    assert {"older rows change nothing", "receptive field", "evaluators agree"} <= failed(whole, rows)


def test_layers_with_holes(sound, rows):
    term = random_term(LOOKBACK, HORIZON, 2, kernel_size=2, normalizer_span=None)
    forecaster = with_terms(sound, *sound.pipeline_.terms, term)
    forecaster.config_ = term.config
    assert failed(forecaster, rows) <= OF_ANY_PLANTED
    forecaster.config_ = replace(term.config, layers=((2, 1), (2, 6)))
    found = forecaster.audit(rows, refit=False).frame.loc["receptive field"]
    assert found["result"] == "fail"
    assert "see 8 with 4 holes" in found["measured"]


# Columns, covariates, series


def test_a_reshape_for_a_permute(sound, rows):
    class Reshaped(Planted):
        def weigh(self, windows):
            n, n_rows, n_features = windows.shape
            return windows.reshape(n, n_features, n_rows).mean(axis=2)

    independent = copy.copy(sound).set_params(network=TCN(feature_mode="independent"))
    assert not failed(independent, rows)
    assert "columns isolated" in failed(with_terms(independent, *sound.pipeline_.terms, Reshaped()), rows)


def test_a_covariate_one_step_ahead(rows):
    class OneAhead(CovariateEffects):
        def invert(self, forecasts, times, at, targets):
            return super().invert(forecasts, times.append(times[-1:]), np.asarray(at) + 1, targets)

    known = np.random.default_rng(0).random(240)
    data = rows.assign(a=rows["a"] + 3 * known, known=known)
    forecaster = closed_form(targets="a", future_covariates="known", calendar=None).fit(data)
    effects = next(each for each in forecaster.pipeline_.transforms if isinstance(each, CovariateEffects))
    ahead = OneAhead(**{each.name: getattr(effects, each.name) for each in fields(effects)})
    others = [ahead if each is effects else each for each in forecaster.pipeline_.transforms]
    forecaster.pipeline_ = replace(forecaster.pipeline_, transforms=tuple(others))
    assert "a future covariate changes no earlier step" in failed(forecaster, data)


def test_a_window_of_training_across_two_series(monkeypatch):
    data = panel(2)
    forecaster = closed_form(lookback=LOOKBACK).fit(data)
    origins = lambda self, lookback, horizon, **_: [range(lookback - 1, len(self.values) - horizon)]  # noqa: E731
    monkeypatch.setattr(SeriesSet, "origins", origins)
    assert failed(forecaster, data) == {"windows within series"}


def test_a_forecast_from_a_window_across_two_series(monkeypatch):
    data = panel(2)
    subject = FittedSubject.of(closed_form(lookback=LOOKBACK).fit(data), data)
    assert isolated_series(subject).passed

    def newest_windows(pipeline, series):
        rows = np.concatenate([np.repeat(series.values[:1], LOOKBACK, axis=0), series.values])
        return [pipeline.apply(rows[end : end + LOOKBACK], series.times(0)) for end in series.bounds[1:]]

    monkeypatch.setattr("tscnn.forecasting.predict.newest_windows", newest_windows)
    assert isolated_series(subject).passed is False


def test_a_series_that_never_moves_is_not_asked_whether_its_rows_count():
    """None of its values can be changed into another that it might have."""
    data = panel(2)
    data["still"] = data["s1"] * 0
    subject = FittedSubject.of(closed_form(lookback=LOOKBACK).fit(data), data)
    assert newest_row(subject).passed
    assert subject.frames.keys() == {"s0", "s1"}


# What a fit sees


def test_a_fit_that_sees_later_rows(sound, rows, monkeypatch):
    cut = Rows.cut
    monkeypatch.setattr(Rows, "cut", lambda self, first, end, names=None: cut(self, first, end + 9, names))
    found = sound.audit(rows).frame
    assert found.loc["later rows change no fit", "result"] == "fail"
    for part in ("calibration", "choices", "forecasts", "linear_mixture"):
        assert part in found.loc["later rows change no fit", "measured"]
    assert found.loc["same seed, same forecast", "result"] == "pass"


def test_a_fit_that_no_seed_fixes(sound, rows, monkeypatch):
    random, fit = np.random.default_rng(0), Standardize.fit.__func__

    def shaken(cls, *arguments, **settings):
        found = fit(cls, *arguments, **settings)
        return replace(found, mean=found.mean + 1e-3 * random.normal())

    monkeypatch.setattr(Standardize, "fit", classmethod(shaken))
    found = sound.audit(rows).frame["result"]
    assert found["same seed, same forecast"] == "fail"
    assert found["later rows change no fit"] == "not applicable"


def test_a_calibration_on_training_rows(monkeypatch):
    noise = pd.DataFrame({"a": np.random.default_rng(0).normal(size=200)})

    def errors_of_rows_that_were_solved_on(_, seen, *__):
        n, many = len(seen.values) - 60 - HORIZON, 60  # weights, of as many windows and half again
        windows = sliding_window_view(seen.values[:, 0], many)[:n]
        outcomes = sliding_window_view(seen.values[many:, 0], HORIZON)[:n]
        left = outcomes - windows @ np.linalg.lstsq(windows, outcomes, rcond=None)[0]
        return [Errors(np.arange(n) + many - 1, np.arange(HORIZON), left[:, :, None].astype(float), (n,))]

    forecaster = closed_form(lookback=LOOKBACK).fit(noise)
    monkeypatch.setattr("tscnn.fitting.calibration.gather_errors", errors_of_rows_that_were_solved_on)
    assert failed(forecaster, noise, refit=True) == {"intervals of 90% cover"}


def test_a_file_that_lacks_a_part(sound, rows, monkeypatch):
    monkeypatch.setattr(Forecaster, "load", staticmethod(lambda _: with_terms(sound, Planted())))
    assert failed(sound, rows) == {"saved, loaded, equal"}


# What it takes


def test_what_there_is_too_little_of_does_not_apply(sound, rows):
    found = sound.audit(rows[: LOOKBACK + HORIZON], refit=False)
    assert found.passed
    assert found.frame.loc["evaluators agree", "result"] == "not applicable"
    assert "`refit=True`" in found.frame.loc["intervals of 90% cover", "measured"]


@pytest.mark.parametrize(
    ("change", "settings", "kind", "said"),
    [
        (lambda rows: rows[: LOOKBACK + HORIZON - 1], {}, ValueError, "at least lookback \\+ horizon = 11 rows"),
        (lambda rows: rows.drop(columns="b"), {}, ValueError, "columns"),
        (lambda rows: rows, {"refit": "yes"}, ValueError, "`refit` must be one of True, False"),
    ],
)
def test_wrong_input(sound, rows, change, settings, kind, said):
    with pytest.raises(kind, match=said) as error:
        sound.audit(change(rows), **settings)
    assert len(str(error.value)) < 400


def test_an_unfitted_forecaster_is_refused(rows):
    with pytest.raises(ValueError, match="not fitted"):
        closed_form().audit(rows)
