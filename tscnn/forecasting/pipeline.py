"""A fitted model: transforms, then terms, then the transforms undone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from tscnn.common.checks import check_choice, received
from tscnn.common.ring import Ring
from tscnn.common.term import NormalizingTerm, Term
from tscnn.common.threads import on_one_thread
from tscnn.data.series import SeriesSet
from tscnn.data.times import Times, at_steps, pad_times
from tscnn.data.windows import sliding_windows
from tscnn.forecasting.calibration import Calibration
from tscnn.linear.structural_mixture import StructuralMixture
from tscnn.transforms import CovariateEffects, Logarithm, OutlierFilter, Standardize, Transform
from tscnn.transforms.rolling import start_normalizing, step_normalizing
from tscnn.transforms.stuck import count_runs

__all__ = ["Pipeline"]

NOTHING: Mapping[str, np.ndarray] = MappingProxyType({})
CLEANED_WINDOWS = 128  # that hold outliers, in memory at a time: a convention
FEWEST_SHARING = 6  # windows in a row that are forecast from together sooner than each by itself: measured


@dataclass(frozen=True)
class Pipeline:
    """The way from rows to forecasts, in NumPy.

    Rows are transformed; what is missing in a window is filled, and outliers are replaced; every term forecasts from
    it; their forecasts are added up; then the transforms are undone, the last one first. Leaving a part out leaves a
    pipeline that works.

    Attributes
    ----------
    transforms : tuple of Transform
        In the order in which they are applied.
    terms : tuple of Term
        In any order.
    lookback, horizon : int
        Rows that a forecast depends on, and steps predicted.
    targets : tuple of int
        Positions of the forecast columns among the features.
    outliers : OutlierFilter or None
        Of windows, in the units of the terms; it fills what is missing, too.
    calibration : Calibration or None
        Of the errors of forecasts, for intervals; None where there are none to learn from.
    """

    transforms: tuple[Transform, ...]
    terms: tuple[Term, ...]
    lookback: int
    horizon: int
    targets: tuple[int, ...]
    outliers: OutlierFilter | None = None
    calibration: Calibration | None = None

    @property
    def parts(self) -> list[Transform | Term | OutlierFilter | Calibration]:
        """List transforms, terms, the filter of outliers, and the calibration.

        Returns
        -------
        list
            Transforms first.
        """
        return [*self.transforms, *self.terms, *self._others]

    @property
    def _others(self) -> list[OutlierFilter | Calibration]:
        return [one for one in (self.outliers, self.calibration) if one is not None]

    @property
    def rows_before(self) -> int:
        """Rows of which terms take what is known, besides the steps ahead.

        Returns
        -------
        int
            The newest row included, 0 if none does.
        """
        return max((term.rows_before for term in self._knowing), default=0)

    @property
    def _knowing(self) -> list[Any]:
        """The terms that forecast from what is known ahead, too."""
        return [term for term in self.terms if term.needs_ahead]

    @property
    def fewest_rows(self) -> int:
        """Rows of a series that a forecast can be made from.

        Returns
        -------
        int
            The lookback, unless structural models are among the terms: what is missing is the first row repeated, then.
        """
        return min(
            (term.fewest_rows for term in self.terms if isinstance(term, StructuralMixture)), default=self.lookback
        )

    @property
    def standardize(self) -> Standardize:
        """Find the transform that knows mean and scale.

        Returns
        -------
        Standardize
            Of one mean 0 and scale 1 for all columns, if it was left out.
        """
        without = Standardize(np.zeros(1), np.ones(1))
        return next((one for one in self.transforms if isinstance(one, Standardize)), without)

    def without(self, name: str) -> Self:
        """Leave out a transform, a term, the filter of outliers or the calibration.

        Parameters
        ----------
        name : str
            Of the part.

        Returns
        -------
        Pipeline
            With the other parts.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        names = [part.name for part in self.parts]
        if name not in names:
            raise ValueError(received(f"`name` must be one of {names}.", name=name))
        return replace(
            self,
            transforms=tuple(part for part in self.transforms if part.name != name),
            terms=tuple(part for part in self.terms if part.name != name),
            outliers=None if name == OutlierFilter.name else self.outliers,
            calibration=None if name == Calibration.name else self.calibration,
        )

    def computed_by(self, engine: Any) -> Self:
        """Choose what computes a network.

        Parameters
        ----------
        engine : {"numpy", "keras"}
            Keras, on the device it takes by itself, or NumPy.

        Returns
        -------
        Pipeline
            The same for NumPy, and without network.

        Raises
        ------
        ValueError
            If it is neither.
        """
        if check_choice("engine", engine, ("numpy", "keras")) == "numpy":
            return self
        return replace(self, terms=tuple(getattr(term, "on_keras", term) for term in self.terms))

    @property
    def unbounded(self) -> Self:
        """Return the same pipeline, whose forecasts of columns that end at 0 may be negative.

        Returns
        -------
        Pipeline
            Without `Standardize.lowest`.
        """
        transforms = (replace(one, lowest=None) if isinstance(one, Standardize) else one for one in self.transforms)
        return replace(self, transforms=tuple(transforms))

    def admit(self, series: SeriesSet) -> Self:
        """Return the pipeline for given series of a panel, those of training or others.

        Level and scale of others are those of their newest `lookback` rows.

        Parameters
        ----------
        series : SeriesSet
            In their own units.

        Returns
        -------
        Pipeline
            The same, if it was fitted to a single series.
        """
        admitted: list[Transform] = []
        for one in self.transforms:
            if isinstance(one, Logarithm):
                one = one.admit(series, self.lookback)
                series = series.with_values(one.apply_all(series))
            admitted.append(one.admit(series, self.lookback) if isinstance(one, Standardize) else one)
        calibration = None if self.calibration is None else self.calibration.admit(series)
        return replace(self, transforms=tuple(admitted), calibration=calibration)

    # Rows in, rows out

    def apply(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Transform rows.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.
        times : Times
            Of the rows.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float32
            What terms see.
        """
        for transform in self.transforms:
            values = transform.apply(values, times)
        return np.ascontiguousarray(values, dtype=np.float32)

    def count_runs(self, values: np.ndarray) -> np.ndarray | None:
        """Count for how many rows in a row each column has had its value, which transforms may change.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.

        Returns
        -------
        ndarray of int of shape (n_rows, n_features), or None
            Of `tscnn.transforms.stuck.count_runs`; None where nothing is ever taken for stuck.
        """
        if self.outliers is None or self.outliers.stuck_from is None:
            return None
        counted = np.isfinite(self.outliers.stuck_from)
        return count_runs(values if counted.all() else np.where(counted, values, np.nan))

    def take_logarithms(self, values: np.ndarray, times: Times) -> np.ndarray:
        """Transform rows into the units of `standardize`'s mean and scale.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            In the data's own units.
        times : Times
            Of the rows.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            The same, if nothing is forecast by its logarithm.
        """
        for one in self.transforms:
            if isinstance(one, Logarithm):
                values = one.apply(values, times)
        return values

    def describe_ahead(self, times: Times, at: np.ndarray, most_before: int | None = None) -> dict[str, np.ndarray]:
        """Describe what is known of the rows before some forecasts, and of the steps after them.

        Parameters
        ----------
        times : Times
            Of some rows and at least `horizon` steps after them.
        at : ndarray of int of shape (n,)
            The row that each forecast is made from.
        most_before : int, optional
            Rows that are described at most, the newest included; default `rows_before`.

        Returns
        -------
        dict of str to ndarray of shape (n, n_before + horizon, n_numbers), float32
            By the name of the term that takes it.
        """
        found = {}
        for term in self._knowing:
            before = term.rows_before if most_before is None else min(most_before, term.rows_before)
            found[term.name] = at_steps(times, at, self.horizon, self._describer(term), before)
        return found

    def describe_next(self, series: Sequence[Times], most_before: int | None = None) -> dict[str, np.ndarray]:
        """Describe what is known of the newest rows of each of several series, and of the steps after them.

        Parameters
        ----------
        series : sequence of Times
            Of the newest rows of each, and of the `horizon` steps after them.
        most_before : int, optional
            As of `describe_ahead`.

        Returns
        -------
        dict of str to ndarray of shape (n_series, n_before + horizon, n_numbers), float32
            As of `describe_ahead`.
        """
        if not self._knowing:
            return {}
        newest = [np.array([len(times) - 1 - self.horizon]) for times in series]
        described = [self.describe_ahead(times, at, most_before) for times, at in zip(series, newest, strict=True)]
        return {name: np.concatenate([one[name] for one in described]) for name in described[0]}

    def _describer(self, term: Any) -> Any:
        effects = next((one for one in self.transforms if isinstance(one, CovariateEffects)), None)
        return partial(term.describe, effects=effects)

    def invert(self, forecasts: np.ndarray, times: Times, at: np.ndarray) -> np.ndarray:
        """Undo the transforms.

        Parameters
        ----------
        forecasts : ndarray of shape (n, horizon, n_targets)
            Of the terms; their memory is used again.
        times : Times
            Of some rows and at least `horizon` steps after them.
        at : ndarray of int of shape (n,)
            The row that each forecast is made from.

        Returns
        -------
        ndarray of shape (n, horizon, n_targets)
            In the data's own units.
        """
        for transform in reversed(self.transforms):
            forecasts = transform.invert(forecasts, times, at, self.targets)
        return forecasts

    # Three ways to forecast, in the units of the terms

    def dense(
        self,
        rows: np.ndarray,
        ahead: Mapping[str, np.ndarray] = NOTHING,
        stride: int = 1,
        runs: np.ndarray | None = None,
    ) -> np.ndarray:
        """Forecast at every origin of one series, or at every second or third or ..

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Of `apply`, at least `lookback` of them.
        ahead : mapping of str to ndarray, default nothing
            Of `describe_ahead`, of n_rows - lookback + 1 forecasts.
        stride : int, default 1
            From one origin to the next.
        runs : ndarray of the shape of the rows, optional
            Of `count_runs`.

        Returns
        -------
        ndarray of shape ((n_rows - lookback) // stride + 1, horizon, n_targets), float32
            The first is that of row lookback - 1.
        """
        if self.outliers is None:
            return self._dense(rows, ahead)[::stride]
        filled, alone = self.outliers.fill(rows, self.lookback, runs)
        forecasts = self._dense(filled, ahead)[::stride]
        if alone is None:
            return forecasts
        # Of arrays in Fortran's order, windows have the rows of each column side by side, as `clean` needs them.
        windows, of_filled = (sliding_windows(np.asfortranarray(one), self.lookback) for one in (rows, filled))
        in_runs = None if runs is None else sliding_windows(np.asfortranarray(runs), self.lookback)
        own = alone[::stride]
        seen = np.flatnonzero(own.any(axis=1))
        for first in range(0, len(seen), CLEANED_WINDOWS):
            at = seen[first : first + CLEANED_WINDOWS]
            known, as_series = own[at, None], of_filled[at * stride]
            counted = None if in_runs is None else np.where(known, in_runs[at * stride], 1)
            cleaned = self.outliers.clean(np.where(known, windows[at * stride], as_series), counted)
            differs = (cleaned != as_series).any(axis=(1, 2))
            self._forecast_alone(cleaned[differs], at[differs], ahead, stride, forecasts)
        return forecasts

    def _forecast_alone(
        self, windows: np.ndarray, at: np.ndarray, ahead: Mapping[str, np.ndarray], stride: int, out: np.ndarray
    ) -> None:
        """Forecast from cleaned windows, of which several in a row that agree where they overlap share their work."""
        follows = (np.diff(at) == 1) & (stride < self.lookback)
        follows &= (windows[1:, :-stride] == windows[:-1, stride:]).all(axis=(1, 2))
        few = [np.empty(0, int)]
        with on_one_thread:
            for own in np.split(np.arange(len(at)), np.flatnonzero(~follows) + 1):
                if len(own) < FEWEST_SHARING:
                    few.append(own)
                    continue
                newest = windows[own[1:], -stride:].reshape(-1, windows.shape[2])
                known = {name: one[at[own[0]] * stride : at[own[-1]] * stride + 1] for name, one in ahead.items()}
                out[at[own]] = self._dense(np.concatenate([windows[own[0]], newest]), known)[::stride]
            if len(own := np.concatenate(few)):
                out[at[own]] = self._last(windows[own], {name: one[at[own] * stride] for name, one in ahead.items()})

    def _dense(self, rows: np.ndarray, ahead: Mapping[str, np.ndarray]) -> np.ndarray:
        of_terms = [term.dense(rows[self.lookback - term.context :], *_known(term, ahead)) for term in self.terms]
        return self._combine(of_terms, len(rows) - self.lookback + 1)

    def last(
        self, windows: np.ndarray, ahead: Mapping[str, np.ndarray] = NOTHING, runs: np.ndarray | None = None
    ) -> np.ndarray:
        """Forecast at the newest row of several windows.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            Of `apply`, at least `lookback` rows each.
        ahead : mapping of str to ndarray, default nothing
            Of `describe_ahead`.
        runs : ndarray of the shape of the windows, optional
            Of `count_runs`.

        Returns
        -------
        ndarray of shape (n_windows, horizon, n_targets), float32
            One forecast a window.
        """
        return self._last(self.clean(windows, runs), ahead)

    def clean(self, windows: np.ndarray, runs: np.ndarray | None = None) -> np.ndarray:
        """Fill what is missing in windows, and replace outliers and what is stuck.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            Of `apply`, at least `lookback` rows each.
        runs : ndarray of the same shape, optional
            Of `count_runs`.

        Returns
        -------
        ndarray of shape (n_windows, n_rows, n_features)
            What terms see; the newest `lookback` rows if there is a filter.
        """
        if self.outliers is None:
            return windows
        newest = slice(windows.shape[1] - self.lookback, None)
        return self.outliers.clean(windows[:, newest], None if runs is None else runs[:, newest])

    def last_by_term(self, windows: np.ndarray, ahead: Mapping[str, np.ndarray] = NOTHING) -> dict[str, np.ndarray]:
        """Forecast at the newest row of several windows, term by term.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, n_rows, n_features)
            Of `clean`.
        ahead : mapping of str to ndarray, default nothing
            Of `describe_ahead`.

        Returns
        -------
        dict of str to ndarray of shape (n_windows, horizon, n_targets)
            By the term's name; what is added up.
        """
        return {term.name: term.last(windows, *_known(term, ahead)) for term in self.terms}

    def start(
        self, windows: np.ndarray, series: Sequence[Times] = (), runs: np.ndarray | None = None
    ) -> list[list[Ring]]:
        """Remember what several series have seen so far.

        Parameters
        ----------
        windows : ndarray of shape (n_series, n_rows, n_features)
            Of `apply`, at least `lookback` rows each.
        series : sequence of Times
            Of the newest rows of each, where `rows_before` is not 0.
        runs : ndarray of the shape of the windows, optional
            Of `count_runs`.

        Returns
        -------
        list of list of Ring
            For `step`: the rows that the filter of outliers sees, if there is one, and their runs; what normalises rows
            for several terms; then a list a term, the last ring of which holds what is known of the rows before, if the
            term takes it.
        """
        newest = windows[:, windows.shape[1] - self.lookback :]
        of_filter = [newest] if runs is None else [newest, runs[:, windows.shape[1] - self.lookback :]]
        seen = [] if self.outliers is None else [[Ring.of(one.transpose(1, 0, 2)) for one in of_filter]]
        if self.outliers is not None and np.isnan(windows).any():
            windows = np.where(np.isnan(newest), self.outliers.clean(newest), newest)
        of_terms = [term.start(windows) for term in self.terms]
        for term, rings in self._remembering(of_terms):
            before = [pad_times(times, term.rows_before)[-term.rows_before :] for times in series]
            rings.append(Ring.of(np.stack([self._describer(term)(times) for times in before], axis=1)))
        shared: dict[Any, list[Ring]] = {None: []}
        for how, rings in zip(self._shared, of_terms, strict=True):
            if how is not None and how not in shared:
                shared[how] = start_normalizing(windows, how[0])
            del rings[: len(shared[how])]
        return [*seen, *list(shared.values())[1:], *of_terms]

    def step(
        self,
        state: list[list[Ring]],
        row: np.ndarray,
        ahead: Mapping[str, np.ndarray] = NOTHING,
        repeats: np.ndarray | None = None,
    ) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it.

        Parameters
        ----------
        state : list of list of Ring
            Of `start`; changed in place.
        row : ndarray of shape (n_series, n_features), float32
            Of `apply`.
        ahead : mapping of str to ndarray, default nothing
            Of `describe_next`, of the newest row and the steps after it.
        repeats : ndarray of bool of shape (n_series, n_features), optional
            Which values are those of the row before, in the data's own units; needed if `start` was given runs.

        Returns
        -------
        ndarray of shape (n_series, horizon, n_targets), float32
            One forecast a series.
        """
        of_terms, cleaned, known = state, None, dict(ahead)
        if self.outliers is not None:
            ((ring, *others), *of_terms) = state
            ring.push(row)
            newest, runs = ring.last().transpose(1, 0, 2), None
            for counts in others:
                counts.push(counts.ago(0) * repeats + 1)
                runs = counts.last().transpose(1, 0, 2)
            found = self.outliers.clean(newest, runs)
            if found is not newest:
                cleaned, row = found, np.where(np.isnan(row), found[:, -1], row)
        given: dict[Any, dict[str, Any]] = {None: {}}
        for how in self._shared:
            if how is not None and how not in given:
                rings, *of_terms = of_terms
                given[how] = {"normalized": step_normalizing(rings, row, *how)}
        for term, rings in self._remembering(of_terms):
            rings[-1].push(ahead[term.name][:, 0])
            known[term.name] = np.concatenate([rings[-1].last().transpose(1, 0, 2), ahead[term.name][:, 1:]], axis=1)
        of_all = zip(self.terms, of_terms, self._shared, strict=True)
        forecasts = [term.step(rings, row, *_known(term, known), **given[how]) for term, rings, how in of_all]
        return self._combine(forecasts, len(row)) if cleaned is None else self._last(cleaned, known)

    @cached_property
    def _shared(self) -> list[tuple[int, float] | None]:
        """Say of each term how it normalises rows, if others do so alike: a stream does it once for all of them."""
        found = [term.normalizer if isinstance(term, NormalizingTerm) else None for term in self.terms]
        return [how if how and how[0] and found.count(how) > 1 else None for how in found]

    def _remembering(self, of_terms: Sequence[list[Ring]]) -> list[tuple[Any, list[Ring]]]:
        """List the terms that take what is known of rows before, each with its rings."""
        return [(t, rings) for t, rings in zip(self.terms, of_terms, strict=True) if t.needs_ahead and t.rows_before]

    def _last(self, windows: np.ndarray, ahead: Mapping[str, np.ndarray]) -> np.ndarray:
        return self._combine(list(self.last_by_term(windows, ahead).values()), len(windows))

    def _combine(self, forecasts: Sequence[np.ndarray], n: int) -> np.ndarray:
        """Add up the forecasts of the terms."""
        if not forecasts:  # nothing is left but the mean of the training rows
            return np.zeros((n, self.horizon, len(self.targets)), np.float32)
        total = sum(forecasts[1:], forecasts[0])
        if not np.isfinite(total.sum(dtype=np.float64)):
            _, step, target = np.argwhere(~np.isfinite(total))[0].tolist()
            rule = "A forecast is not finite: the weights are not, or the rows are too far from those of training."
            raise ValueError(received(rule, step=step + 1, position_of_column=self.targets[target]))
        return total

    # What a file holds; `pipeline_from_arrays` makes it a pipeline again

    def settings(self) -> dict[str, Any]:
        """Describe the parts but for their arrays.

        Returns
        -------
        dict
            Of what JSON holds.
        """
        parts = {
            kind: [{"name": part.name, "settings": part.settings()} for part in found]
            for kind, found in (
                ("transforms", self.transforms),
                ("terms", self.terms),
                ("filters", self._others),
            )
        }
        return {"lookback": self.lookback, "horizon": self.horizon, "targets": list(self.targets), **parts}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of all parts.

        Returns
        -------
        dict of str to ndarray
            By the part's name and the array's, "linear_mixture/kernel".
        """
        return {f"{part.name}/{name}": array for part in self.parts for name, array in part.arrays().items()}

    @cached_property
    def fingerprint(self) -> str:
        """A text that only this very model has.

        Returns
        -------
        str
            SHA-256 of settings and arrays, in hexadecimal digits.
        """
        digest = hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode())
        for name, array in sorted(self.arrays().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _known(term: Term, ahead: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return what a term takes of what is known ahead, as further arguments."""
    return (ahead[term.name],) if term.needs_ahead and term.name in ahead else ()
