"""The estimator: fit, impute, score_samples, reconstruct, save and load."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.common.estimator import Estimator, check_is_fitted
from tscnn.common.progress import find_teller
from tscnn.common.random_state import read_random_state
from tscnn.common.settings import Settings, is_auto
from tscnn.data.clock import check_zone
from tscnn.data.frame import learn_schema, read_frame
from tscnn.data.index import find_kind
from tscnn.data.panel import is_panel, join_forecasts, learn_panel, naming, read_panel
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.tables import read_table, tables_in_and_out
from tscnn.parameters.groups import resolve_group
from tscnn.reconstruction.fit import fit_model
from tscnn.reconstruction.judging import has_collapsed
from tscnn.reconstruction.model import ReconstructionModel
from tscnn.reconstruction.naming import naming_reconstructor
from tscnn.reconstruction.persistence import SavedReconstructor
from tscnn.reconstruction.settings import UNet
from tscnn.training.settings import Training

if TYPE_CHECKING:
    from tscnn.auditing import Audit

__all__ = ["Reconstructor"]

PARTS = ("value", "lower", "upper")


class Reconstructor(SavedReconstructor, Estimator):
    """Fill the gaps of series, and find values that do not go with the others.

    Rows are taken apart into means by time of the day, the week and the year, and a vector autoregression of what
    differs from these, solved in closed form. What is missing has the mean, and the variance, that the rows on both
    sides and all other columns give it; a convolutional network adds to that where it helps.

    Parameters
    ----------
    lookback : int or "auto", default "auto"
        Rows before and after that a value depends on beside the others, the order of the autoregression; "auto" takes
        the one of 1, 2, 3, 4, 6, 8, 12, 16, 24 with the greatest likelihood on rows that were left out.
    series_id : column name, optional
        Of the column of a long frame that tells its series; a dict of frames needs none.
    calendar : "auto" or None, default "auto"
        Whether means by time are subtracted.
    network : "auto", UNet or None, default "auto"
        A U-Net of convolutions that see both sides is trained, on gaps made at random, for what the closed form leaves,
        and kept for the lengths of gaps, and as far, as its gain on validation rows is more than chance. With
        ``tscnn.UNet(latent=8)`` it is an autoencoder of 8 numbers a row. None does without, and needs no TensorFlow.
    training : "auto" or Training, default "auto"
        How it is trained, of `tscnn.Training`: `epochs`, `batch_size`, `learning_rate`, `weight_decay`, `loss`, `level`
        and `shrinkage` count.
    time : column name, optional
        Of the times, in tables without index.
    freq : str, offset, timedelta or int, optional
        Step of the index; absent rows are missing values.
    validation_fraction : float in [0, 1), default 0.1
        Last part of the rows, held back for `report_`; all is fitted to all rows once more at the end.
    false_alarm_rate : float in (0, 1), default 0.01
        Of the training rows, how many have a score above `threshold_`; more where a stuck sensor repeats one value.
    random_state : int, RandomState or None, default None
        Of the gaps that are drawn to measure errors in. An int makes fits repeatable.
    verbose : "auto", bool or int, default "auto"
        Whether `fit` writes what it does, as of `tscnn.Forecaster`.

    Attributes
    ----------
    model_ : ReconstructionModel
        The fitted parts.
    schema_ : Schema
        Columns, step and kind of the index.
    layout_ : Layout
        The kind of the training data's table.
    gates_ : dict of str to GateResult
        Of the network, for gaps of each length in one column and in all: how much it gained, how certain that is, kept
        or not and why.
    lookback_ : int
        Rows on either side: given, or chosen.
    report_ : DataFrame
        Root mean squared errors, in standard deviations, in gaps that were made in the validation rows: of the
        reconstructor ("tscnn"), without its network ("closed form"), straight lines ("linear"), the same above seasonal
        means ("seasonal"; in gaps of a season and more between the means of a season before and after), and the "mean";
        and the "spread" of what was filled in, of that of the truth: about 0, it is flat. A line for gaps of so
        many "rows" in "one" column or "all" of them.
    collapsed_ : bool
        Whether all that it fills in is a constant, or no better; `fit` warns, then.
    threshold_ : float
        Of the highest score of a row.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray
        Their names, if all are strings.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tscnn import Reconstructor
    >>> times = pd.date_range("2026-01-01", periods=240, freq="h")
    >>> wave = np.sin(np.arange(240) / 6)
    >>> df = pd.DataFrame({"a": wave, "b": 10 * wave + 3}, index=times)
    >>> df.iloc[100:104] = np.nan
    >>> Reconstructor(network=None, random_state=0).fit(df).impute(df).iloc[100:104].round(1)
                           a    b
    2026-01-05 04:00:00 -0.8 -5.2
    2026-01-05 05:00:00 -0.9 -6.0
    2026-01-05 06:00:00 -1.0 -6.6
    2026-01-05 07:00:00 -1.0 -6.9
    """

    groups: ClassVar[dict[str, type[Settings]]] = {"network": UNet, "training": Training}

    model_: ReconstructionModel
    schema_: Schema
    collapsed_: bool
    threshold_: float

    def __init__(
        self,
        lookback: int | str = "auto",
        *,
        series_id: Any = None,
        calendar: str | None = "auto",
        network: Any = "auto",
        training: Any = "auto",
        time: Any = None,
        freq: Any = None,
        validation_fraction: float = 0.1,
        false_alarm_rate: float = 0.01,
        random_state: Any = None,
        verbose: Any = "auto",
    ) -> None:
        self.lookback = lookback
        self.series_id = series_id
        self.calendar = calendar
        self.network = network
        self.training = training
        self.time = time
        self.freq = freq
        self.validation_fraction = validation_fraction
        self.false_alarm_rate = false_alarm_rate
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from a frame, which may have gaps.

        Parameters
        ----------
        X : DataFrame, Series, array of shape (n_timesteps, n_features), or dict of them by series name
            Numeric, NaN where a value is missing; oldest row first, index evenly spaced.
        y : None
            For scikit-learn.

        Returns
        -------
        Reconstructor
            Itself.

        Raises
        ------
        TypeError, ValueError
            Naming the parameter, or the column or row of `X`, that breaks a rule. An older fit stays whole, then.
        """
        if y is not None:
            raise ValueError(received("`y` must be None: every column of `X` is reconstructed.", y=type(y).__name__))
        auto = isinstance(self.lookback, str) and self.lookback == "auto"
        training = resolve_group("training", self.training)
        training.check()
        settings = {
            "network": _read_network(self.network),
            "training": training,
            "order": None if auto else check_int("lookback", self.lookback, auto=True),
            "seasonal": check_choice("calendar", self.calendar, ("auto", None)) == "auto",
            "validation_fraction": check_real("validation_fraction", self.validation_fraction, low=0, high=1),
            "false_alarm_rate": check_real("false_alarm_rate", self.false_alarm_rate, low=0, high=1, include_low=False),
            "seed": int(read_random_state(self.random_state).randint(2**31 - 1)),
            "tell": find_teller(check_choice("verbose", self.verbose, ("auto", True, False, 0, 1, 2))),
        }
        X, layout = read_table(X, self.time)
        how = {"missing": "mask", "freq": self.freq}
        with layout.lines_of_pandas(X), naming_reconstructor():
            if self.series_id is None and not is_panel(X, None):
                schema, frame = learn_schema(X, **how)
                frames = {None: frame}
            else:
                schema, frames = learn_panel(X, self.series_id, **how)
        series = SeriesSet.of_frames(frames, schema)
        _check_length(series, settings["order"])
        found = fit_model(series, schema, **settings)
        learnt = {
            "model_": found.model,
            "schema_": schema,
            "layout_": layout,
            "lookback_": found.model.autoregression.order,
            "report_": found.report,
            "gates_": found.gates,
            "threshold_": found.threshold,
            "collapsed_": has_collapsed(found.report),
            "n_features_in_": len(schema.columns),
        }
        if all(isinstance(name, str) for name in schema.columns):
            learnt["feature_names_in_"] = np.asarray(schema.columns, dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(learnt)  # at once: what fails before leaves an older model whole
        if self.collapsed_:
            said = "In every kind of gap what is filled in is a constant, or no better than the mean: the columns do "
            warnings.warn(f"{said}not tell of each other, nor of their own next rows. See `report_`.", stacklevel=2)
        return self

    @tables_in_and_out
    def impute(self, X: Any, *, coverage: Any = None) -> Any:
        """Fill the gaps of a frame; values that are there stay as they are.

        Values far outside of those of training stay, too, but nothing is filled from them.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name
            The columns of training, NaN where a value is missing. Absent rows become rows where `freq` is given.
        coverage : float in (0, 1), optional
            Of intervals, which are to hold that part of the missing values.

        Returns
        -------
        DataFrame of shape (n_timesteps, n_features)
            In the data's own units. With `coverage` its columns are (column, "value"), (column, "lower") and (column,
            "upper"), all the same for values that are there. Of a dict indexed by ("series", "time").

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        check_is_fitted(self, "model_")
        if coverage is not None:
            coverage = check_real("coverage", coverage, low=0, high=1, include_low=False)

        def fill(model: Any, series: SeriesSet, i: int) -> np.ndarray:
            rows, season = model.without_season(series, i)
            missing, filled = np.isnan(rows), model.fill(rows, season, with_deviation=coverage is not None)
            parts = [filled.mean, *(() if coverage is None else model.interval(filled, missing, coverage))]
            own = series.values[series.bounds[i] : series.bounds[i + 1]]
            in_units = [np.where(missing, model.in_units(part, season, series, i), own) for part in parts]
            return np.stack(in_units, axis=2).reshape(len(rows), -1)

        columns = self.schema_.columns
        if coverage is not None:
            columns = pd.MultiIndex.from_product([columns, PARTS])
        return self._map(X, fill, columns)

    @tables_in_and_out
    def score_samples(self, X: Any) -> Any:
        """Score every value by how little it goes with the others.

        A value counts as far as it lies from what all other columns, and its own one a season before and after, say of
        it; as long as it is repeated; and, the more the fewer columns there are, as far as it lies from the values
        beside it. ``(scores > threshold_).any(axis=1)`` tells the rows that are anomalous.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name
            As of `impute`.

        Returns
        -------
        DataFrame of shape (n_timesteps, n_features)
            About the size of a standard deviation where nothing is wrong; NaN where a value is missing. The score of a
            row is the highest in it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        check_is_fitted(self, "model_")
        return self._map(X, lambda model, series, i: model.score(series, i), self.schema_.columns)

    @tables_in_and_out
    def reconstruct(self, X: Any) -> Any:
        """Say what every value is to be, by the others about it: its own one doesn't count.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name
            As of `impute`.

        Returns
        -------
        DataFrame of shape (n_timesteps, n_features)
            In the data's own units; of missing values what `impute` fills in.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        check_is_fitted(self, "model_")

        def leave_out(model: Any, series: SeriesSet, i: int) -> np.ndarray:
            rows, season = model.without_season(series, i)
            filled = model.fill(rows, season, with_deviation=False).mean
            mean, _ = model.autoregression.leave_out(filled)
            return model.in_units(np.where(np.isnan(rows), filled, mean), season, series, i)

        return self._map(X, leave_out, self.schema_.columns)

    def audit(self, X: Any, *, refit: bool = True) -> Audit:
        """Check on rows of one's own that the reconstructor can be trusted.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name
            As of `impute`.
        refit : bool, default True
            Whether a clone is fitted to `X` twice, to see that a fit repeats itself.

        Returns
        -------
        Audit
            Printed, a line a check; ``passed`` tells whether none fails.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        check_is_fitted(self, "model_")
        refit, (table, layout) = check_choice("refit", refit, (True, False)), read_table(X, self.time)
        with layout.lines_of_pandas(X):
            frames = self._read(table)
        from tscnn.reconstruction.audit import audit_reconstructor  # here, since few want it

        return audit_reconstructor(self, X, frames, refit=refit)

    def _read(self, X: Any) -> dict[Any, pd.DataFrame]:
        """Read what is of the kind of the training data, by series; a single one by None."""
        with naming_reconstructor():
            if is_panel(X, self.series_id):
                frames = read_panel(X, self.series_id, self.schema_, self.freq)
            else:
                frames = {None: read_frame(X, self.schema_, self.freq)}
        for name, frame in frames.items() if self.model_.season.cycles else ():
            with naming(name):
                if find_kind(frame.index) == "integers":
                    rule = "`X` must be indexed by times, as that of `fit`, for means by time; a fit with"
                    rule += " `calendar=None` has none, and takes arrays."
                    raise TypeError(received(rule, index=type(frame.index).__name__))
                if name in (self.model_.standardize.names or (None,)):  # others may be of other places
                    check_zone(frame.index, self.schema_.zone)
        return frames

    def _map(self, X: Any, function: Any, columns: pd.Index) -> pd.DataFrame:
        """Apply a function of a model, series and one of these to each, and lay out what it returns as `X` is."""
        frames = self._read(X)
        series = SeriesSet.of_frames(frames, self.schema_)
        model = self.model_.admit(series)
        found = {
            name: pd.DataFrame(function(model, series, i).astype(self.schema_.dtype), frame.index, columns, copy=False)
            for i, (name, frame) in enumerate(frames.items())
        }
        if None in found:
            return found[None]
        return join_forecasts(found, self.series_id, long=not isinstance(X, Mapping))


def _read_network(network: Any) -> UNet | None:
    """Return the settings of a network, checked."""
    settings = UNet() if is_auto(network) else network
    if settings is None:
        return None
    if not isinstance(settings, UNet):
        raise TypeError(received("`network` must be 'auto', None or tscnn.UNet(...).", network=network))
    settings.check()
    return settings


def _check_length(series: SeriesSet, lookback: int | None) -> None:
    if (longest := max(map(len, series.indexes))) < 8:
        raise ValueError(received("`X` must have at least 8 rows to learn from.", n_rows=longest))
    if lookback is not None and lookback >= longest:
        raise ValueError(received(f"`X` must have more than lookback = {lookback} rows.", n_rows=longest))
