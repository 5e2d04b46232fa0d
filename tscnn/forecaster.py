"""The estimator: fit, predict, backtest, score, stream, save and load."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from tscnn import fitting
from tscnn.common.checks import check_choice, check_int, received
from tscnn.common.term import empty_forecasts
from tscnn.data.frame import check_y, forecast_frame, learn_schema
from tscnn.data.panel import is_panel, join_forecasts, learn_panel, refuse_y
from tscnn.data.parquet import is_stored, read_stored
from tscnn.data.series import SeriesSet
from tscnn.data.tables import Layout, read_table, tables_in_and_out
from tscnn.evaluation.backtest import find_panel_cutoffs
from tscnn.evaluation.report import describe_report, list_unbeaten
from tscnn.evaluation.score import coefficient_of_determination
from tscnn.exporting import ExportedModel
from tscnn.forecasting import forecast_cutoffs
from tscnn.forecasting.adaptive import forecast_asked
from tscnn.forecasting.intervals import Asked
from tscnn.forecasting.persistence import SavedModel
from tscnn.parameters import GroupedParameters, RefitSettings, read_parameters
from tscnn.training.loss import is_squared_error

if TYPE_CHECKING:
    from tscnn.auditing import Audit

__all__ = ["Forecaster"]


class Forecaster(SavedModel, ExportedModel, GroupedParameters):
    """Forecast the columns of a frame: linear regressions on the last rows, and a causal convolutional network.

    A forecast is a sum. Ridge regressions predict every column from its own last `lookback` rows; where that makes
    errors smaller, the newest rows of all columns take part. A network of causal dilated convolutions is trained on
    what these leave, and counts as far as its gain on held-back rows is more than chance.

    Parameters
    ----------
    lookback : int or "auto", default "auto"
        Rows that a forecast depends on: exactly the network's receptive field. "auto" takes, of the halves and
        doubles of a season (for hourly rows 1, 3, 6, 12, 24 .. 768), the one whose linear model has the smallest error
        on validation rows; ``lookback_`` says which. A warning says so if one that is given sees less than a season.
        Frames of at most 200 rows, and panels of at most 400 in the median, are forecast by structural time-series
        models of up to all rows then, without network.
    horizon : int, default 1
        Steps to forecast.
    targets : column name or list of column names, optional
        Columns to forecast, default all that are no covariates. The others are past covariates: seen, not forecast.
    future_covariates : column name or list of column names, optional
        Columns that are known for the whole horizon when a forecast is made, such as a weather forecast, prices, or
        promotions: numbers, or text and categories, whose values `fit` learns. `predict` wants them as ``future=``;
        `backtest` and `score` take them from the frame.
    static_covariates : column name or list of column names, optional
        Columns that have one value in each series.
    series_id : column name, optional
        Of the column of a long frame that tells its series, such as "shop"; a dict of frames needs none. One model is
        fitted to all of them, each in units of its own; it forecasts series that it has not seen, too, from their rows.
    calendar : "auto", None or list of str, default "auto"
        What of the times to forecast may count: "hour", "weekday", "monthday", "yearday", "month", "quarter",
        "weekend", "working day", "month start", "month end", "minute", and the holidays of a country as
        "holidays:US" or "holidays:DE-BY" (with the package `holidays`). "auto" takes what suits the step of the index,
        and keeps it where it makes errors smaller.
    time : column name, optional
        The column of times; default the index of a pandas frame. Tables of polars and pyarrow need one. Forecasts have
        it as their first column then, and come in the kind of the table.
    freq : str, offset or int, optional
        Step of the rows ("h", "B", "MS", ``pd.offsets.CustomBusinessDay(..)``, 15), on which absent rows become missing
        values. Default that of the index, of which no row may be absent.
    yearly_seasonality : {"auto", None}, default "auto"
        "auto" subtracts a sine wave with the period of a year from each column whose level shows one clearly, and adds
        it to the forecasts. That takes rows of times, a few days apart at most, over most of a year or more;
        ``yearly_wave_`` says what was found. What is forecast from must have times then.
    missing : {"raise", "mask", "interpolate"}, default "raise"
        What becomes of missing values (NaN, None, ``pandas.NA``), in `fit`, `predict`, `backtest`, `score` and `stream`
        alike. "raise" refuses them. With "mask" missing outcomes count nowhere: not in the loss, nor in the closed
        form, nor in errors; and what is missing in a window is filled from the window alone: gaps of up to three rows
        by a straight line, longer ones, and those that its newest row lies in, by regressions on the rows of the column
        before and after. "interpolate" fills by straight lines, at an end by the nearest value, and takes filled
        outcomes as observed. A column that is missing all over a window counts as its mean of training; one without any
        value in `fit` is refused, and so is infinity anywhere.
    outliers : {"auto", None}, default "auto"
        "auto" replaces, among the training rows, values that no forecast should learn from (far outside of all others,
        spikes, a sensor that is stuck), and takes one or two level shifts out; in what is forecast from, values far
        outside of those of training, and one that is repeated for more than half a season and three times as long as
        any in training, unless that fills more than half of the lookback: then this is how the column is by now. A
        number that stands for missing values, such as -9999, is named in a warning. None takes every value as it is.
    quantiles : sequence of float, optional
        Levels of quantiles to forecast, ascending, such as ``(0.1, 0.5, 0.9)``: `predict`, `backtest` and `stream`
        return columns (target, level) then. They do not cross; the median may differ from the point forecast.
    network : "auto", TCN or None, default "auto"
        The convolutions: how columns meet, filters, kernel size, dilations, activation .. (`tscnn.TCN`). None leaves
        everything to the linear model, and needs no TensorFlow.
    linear_model : "auto", LinearModel or None, default "auto"
        The linear part, solved in closed form for the least squared error (`tscnn.LinearModel`); None leaves everything
        to the network, and so does "auto" with any other `loss` than "mse".
    training : "auto" or Training, default "auto"
        How the network is trained: epochs, learning rate, loss, callbacks .. (`tscnn.Training`).
    validation_fraction : float in [0, 1), default 0.1
        Last part of the rows, held back to choose on. Neither scaler nor network learn from them; the linear model is
        solved once more on all rows when everything is chosen. All rows say which values are outliers, and by what to
        scale a column that varies three times as much in them as before.
    random_state : int, RandomState or None, default None
        Of initial weights, order of training and dropout. An int makes fits repeatable.
    device : str, default "auto"
        To train on: "auto" (a GPU if there is one), "cpu", "gpu", "gpu:1", ..
    verbose : "auto", bool or int, default "auto"
        Whether `fit` writes what it does and chooses, and one line an epoch; "auto" writes on a terminal and in a
        notebook, and elsewhere sends the lines to the logger "tscnn". False is silent.
    **settings
        Settings of the three groups may be given flat: ``Forecaster(filters=8, epochs=2)`` is
        ``Forecaster(network=TCN(filters=8), training=Training(epochs=2))``.

    Attributes
    ----------
    pipeline_ : Pipeline
        The fitted model: transforms and terms.
    schema_ : Schema
        Columns and their roles, step and kind of the index.
    layout_ : Layout
        The kind of the training data's table, in which forecasts from its end come.
    context_ : DataFrame, dict of them by series, or None
        The last rows of the training data, which `predict` goes on from; None if saved without.
    lookback_ : int
        Rows that a forecast depends on: given, or chosen.
    config_ : NetworkConfig or None
        The shape of the network; ``config_.feature_mode`` says what was chosen. None without a network.
    network_ : Network
        The convolutions in Keras; ``network_.dense`` is a plain ``keras.Model`` from standardised rows to what the
        network adds.
    gates_ : dict of str to GateResult
        Of each part that is kept only if it helps: how much it gained, how certain that is, kept or not and why.
    history_ : DataFrame
        Training and validation loss by epoch.
    report_ : DataFrame or None
        Errors on the validation rows, in standard deviations: "mse" and "mae" of the forecaster ("tscnn") and of what
        it has to beat, and its "skill" against each, 1 - its mse / theirs. The others are "linear map", one ridge
        regression for all columns; "repeat day", "repeat week" and "repeat year", as far as the step of the index has
        such seasons and the rows hold them; "repeat last"; and "constant", the outcomes' own mean. These rows have
        chosen lookback, strengths, weights and epochs, so that the report is optimistic: `backtest` on later rows is
        not. None without validation rows.
    report_by_target_ : DataFrame or None
        Target by target the errors in the data's own units, "rmse" and "mae", and the skill: where one fell back to
        repeating its newest value, its skill against that is 0.
    outliers_ : DataFrame of shape (n_columns, 2) or None
        By column, how many values of the training rows were "replaced", and how many level "shifts" were taken out;
        None with ``outliers=None``.
    summary_ : Summary
        What the fit found; ``print(summary_)`` shows rows, columns and their roles, the lookback and why, what each
        part adds, what was tried, and the seconds of each stage. Its parts are frames: ``summary_.terms``, ``.tried``.
    mean_, scale_ : ndarray of shape (n_columns,)
        Of the training rows, by column.
    yearly_wave_ : DataFrame of shape (2, n_columns) or None
        Amplitudes of the "cosine" and the "sine" of the time of the year, in the data's own units, by column: zeros
        where none was found; None if that is everywhere.
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray
        Their names, if all are strings.

    References
    ----------
    .. [1] van den Oord et al. (2016), WaveNet: A Generative Model for Raw Audio.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tscnn import Forecaster
    >>> times = pd.date_range("2026-01-01", periods=200, freq="h")
    >>> df = pd.DataFrame({"wave": np.sin(np.arange(200) * 2 * np.pi / 24)}, index=times)
    >>> forecaster = Forecaster(lookback=24, horizon=3, filters=4, epochs=2, random_state=0).fit(df)
    >>> forecaster.predict().round(1)
                         wave
    2026-01-09 08:00:00   0.9
    2026-01-09 09:00:00   0.7
    2026-01-09 10:00:00   0.5
    """

    def __init__(
        self,
        lookback: int | str = "auto",
        horizon: int = 1,
        *,
        targets: Any = None,
        future_covariates: Any = None,
        static_covariates: Any = None,
        series_id: Any = None,
        calendar: Any = "auto",
        time: Any = None,
        freq: Any = None,
        yearly_seasonality: str | None = "auto",
        missing: str = "raise",
        outliers: str | None = "auto",
        quantiles: Any = None,
        network: Any = "auto",
        linear_model: Any = "auto",
        training: Any = "auto",
        validation_fraction: float = 0.1,
        random_state: Any = None,
        device: str = "auto",
        verbose: Any = "auto",
        **settings: Any,
    ) -> None:
        self.lookback = lookback
        self.horizon = horizon
        self.targets = targets
        self.future_covariates = future_covariates
        self.static_covariates = static_covariates
        self.series_id = series_id
        self.calendar = calendar
        self.time = time
        self.freq = freq
        self.yearly_seasonality = yearly_seasonality
        self.missing = missing
        self.outliers = outliers
        self.quantiles = quantiles
        self.network = network
        self.linear_model = linear_model
        self.training = training
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self._set_flat(settings)

    def fit(self, X: Any, y: Any = None, *, checkpoint: Any = None, resume: Any = None) -> Self:
        """Train on a frame, from scratch.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features), path, or pyarrow.dataset.Dataset
            Numeric, and complete unless `missing` says otherwise; oldest row first, index evenly spaced; at least
            lookback + horizon rows. A path is that of a folder of Parquet files, whose rows may be more than fit into
            memory: see docs/larger-than-memory.md.
        y : None
            The targets are columns of `X`, named by `targets`. Their values may be given here, too, as scikit-learn
            does; anything else is refused.
        checkpoint : str or path-like, optional
            Of a file, replaced if it is there, to keep in how far the fit is, after every epoch; its folder must exist.
        resume : str or path-like, optional
            Of the checkpoint of a fit that ended before its time, in whatever stage and way, with the same rows and
            parameters: it goes on from there to the same result, to the bit on the same machine, and keeps the
            checkpoint (or another one, `checkpoint`). What is solved in closed form is solved anew.

        Returns
        -------
        Forecaster
            Itself.

        Raises
        ------
        TypeError, ValueError
            Naming the parameter, or the column or row of `X`, that breaks a rule; or if a loss is not finite. An older
            fit stays whole, then.
        KeyboardInterrupt
            If interrupted before there is anything to forecast with, or as a part of something larger (a backtest, a
            search). While the network is trained the best model so far is kept instead, and a warning says so.
        """
        parameters = read_parameters(self)
        Asked.read(self.quantiles)
        roles = (self.targets, self.future_covariates, self.static_covariates)
        how = {"missing": parameters.missing, "freq": self.freq}
        if is_stored(X):
            refuse_y(y)
            stored = read_stored(X, self.time, self.series_id, *roles, **how)
            schema, series, layout, newest_of = stored.schema, stored.series, Layout(time=self.time), stored.newest
        else:
            schema, series, layout, newest_of = self._read_tables(X, y, roles, how)
        parameters, kept = fitting.open_checkpoint(checkpoint, resume, self, parameters, series, schema)
        fit = fitting.fit_pipeline(series, schema, parameters, kept)
        is_judged = fit.report is not None and is_squared_error(parameters.training.loss)
        if is_judged and (unbeaten := list_unbeaten(fit.report)):
            said = f"On the validation rows the forecasts are no better than {' or '.join(unbeaten)}: see `report_`."
            warnings.warn(f"{said} {describe_report(fit.report)}.", stacklevel=2)
        epochs = pd.RangeIndex(1, len(fit.history.get("loss", ())) + 1, name="epoch")
        newest = newest_of(fit.pipeline.lookback)
        learnt = {
            "pipeline_": fit.pipeline,
            "config_": fit.config,
            "gates_": fit.gates,
            "report_": fit.report,
            "outliers_": fit.outliers,
            "_facts": fit.facts,
            "history_": pd.DataFrame(fit.history, index=epochs),
            "n_features_in_": len(schema.columns),
            "schema_": schema,
            "layout_": layout,
            "context_": newest.get(None, newest),
        }
        if all(isinstance(name, str) for name in schema.columns):
            learnt["feature_names_in_"] = np.asarray(schema.columns, dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(learnt)  # at once: what fails before, or is interrupted, leaves an older model whole
        return self

    def _read_tables(self, X: Any, y: Any, roles: tuple[Any, ...], how: dict[str, Any]) -> tuple[Any, ...]:
        """Read tables in memory: what they look like, their rows, their kind, and what returns the newest of them."""
        X, layout = read_table(X, self.time)
        with layout.lines_of_pandas(X):
            if self.series_id is None and not is_panel(X, None):
                schema, frame = learn_schema(X, *roles, **how)
                check_y(y, X, frame, schema)
                frames = {None: frame}
            else:
                refuse_y(y)
                schema, frames = learn_panel(X, self.series_id, *roles, **how)

        def newest(n_rows: int) -> dict[Any, pd.DataFrame]:
            return {name: frame.iloc[-n_rows:] for name, frame in frames.items()}

        return schema, SeriesSet.of_frames(frames, schema), layout, newest

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what `fit` takes.

        Returns
        -------
        Tags
            With ``input_tags.allow_nan`` unless missing values are refused.
        """
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "raise"
        return tags

    @tables_in_and_out
    def backtest(
        self,
        X: Any,
        *,
        start: Any = None,
        stride: int = 1,
        refit: bool | str = False,
        every: int | None = None,
        gap: int = 0,
        window: str = "expanding",
        n_jobs: int | None = None,
        folder: Any = None,
        coverage: Any = None,
        adaptive: bool = False,
        engine: str = "numpy",
    ) -> pd.DataFrame:
        """Forecast from many cutoffs of a frame, each from the rows up to it alone.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features)
            Rows with known outcomes, at least lookback + horizon.
        start : index label, optional
            The first cutoff is the first row at or after this label; default the first row with a complete window.
            Series of a panel that end too early for one are left out, which a warning says.
        stride : int, default 1
            Rows from one cutoff to the next. The last cutoff is at least `horizon` rows before the end.
        refit : bool or "linear", default False
            Fit a new forecaster, with the same parameters, on the rows up to each cutoff. "linear" fits one at the
            first cutoff, whose transforms and network stay; later on the closed form alone is solved anew, which is
            cheap.
        every : int, optional
            Fit at every so many cutoffs; default 1. Those between are forecast with the newest fit.
        gap : int, default 0
            Rows before a fit's first cutoff that it does not learn from, though forecasts start from them.
        window : {"expanding", "rolling"}, default "expanding"
            Fit to all rows up to then, or to the newest ones, as many as those of the first fit.
        n_jobs : int, optional
            Processes to fit in, -1 for one a core; default none.
        folder : str or path-like, optional
            Keep the forecasts of every fit in this folder: after an interruption the same call goes on from there.
        coverage : float, or sequence of float, optional
            Of intervals, as of `predict`.
        adaptive : bool, default False
            Whether quantiles and intervals follow the outcomes up to each cutoff, as errors drift: how large errors are
            of late, and how often outcomes lie below (adaptive conformal inference); by default they are those of
            `predict`.
        engine : {"numpy", "keras"}, default "numpy"
            As of `predict`; not where it fits anew.

        Returns
        -------
        DataFrame of shape (n_cutoffs * horizon, n_targets)
            Forecasts as of `predict`, indexed by ("cutoff", "time"), of many series by ("series", "cutoff", "time").

        Raises
        ------
        NotFittedError
            Before `fit`, unless it refits.
        TypeError, ValueError
            If `X` breaks a rule, or no cutoff is left.
        """
        stride, how = check_int("stride", stride), RefitSettings.read(refit, every, gap, window, n_jobs, folder)
        adaptive = Asked.read(self.quantiles, coverage).check_adaptive(adaptive, refit=how is not None)
        if how is not None:
            if engine != "numpy":
                raise ValueError(received("`engine` must be 'numpy' where a backtest fits anew.", engine=engine))
            return fitting.backtest_refitted(self, X, start, stride, how, coverage)
        pipeline, asked = self._fitted().computed_by(engine), self._ask(coverage)
        frames, columns = self._reader.outcomes(X), asked.columns(self.schema_.target_names)
        origins = find_panel_cutoffs(frames, pipeline.fewest_rows, pipeline.horizon, start, stride)
        series = SeriesSet.of_frames({name: frames[name] for name in origins}, self.schema_)
        found = {}
        for i, (name, cutoffs) in enumerate(origins.items()):
            frame = frames[name]
            forecasts = empty_forecasts(len(cutoffs), pipeline.horizon, len(columns), self.schema_.dtype)
            if asked:
                parts = forecast_asked(pipeline, series, i, cutoffs, asked, adaptive)
            else:
                parts = forecast_cutoffs(pipeline, series, i, cutoffs)
            for chunk, part in parts:
                forecasts[chunk] = part
            found[name] = forecast_frame(forecasts, frame.index, cutoffs, columns, self.schema_.freq)
        if series.names is None:
            return asked.name(found[None])
        return asked.name(join_forecasts(found, self.series_id, long=False, names=("cutoff", "time")))

    @tables_in_and_out
    def score(self, X: Any, y: Any = None) -> float:
        """Return the coefficient of determination of all forecasts within a frame.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features)
            Rows with known outcomes, at least lookback + horizon.
        y : None
            As of `fit`.

        Returns
        -------
        float
            1 - (squared error / squared deviation of the outcomes from their mean), the mean over targets; 1 is best. A
            target that is constant in `X` counts 1 if forecast exactly, and 0 otherwise. Of a panel the mean over
            series.
        """
        pipeline = self._fitted()
        horizon, targets = pipeline.horizon, list(pipeline.targets)
        if is_panel(X, self.series_id):
            refuse_y(y)
        frames, scores = self._reader.outcomes(X), []
        if None in frames:
            check_y(y, X, frames[None], self.schema_)
        for name, frame in frames.items():
            series = SeriesSet.of_frames({name: frame}, self.schema_)
            cutoffs = np.arange(pipeline.fewest_rows - 1, len(frame) - horizon)
            found = ((part, cutoffs[chunk]) for chunk, part in forecast_cutoffs(pipeline, series, 0, cutoffs))
            scale = np.atleast_2d(pipeline.admit(series).standardize.scale)[0, targets]
            scores.append(coefficient_of_determination(found, series.with_values(series.values[:, targets]), scale))
        return float(np.mean(scores))

    def audit(self, X: Any, *, refit: bool = True) -> Audit:
        """Check on rows of one's own that the forecaster can be trusted.

        Rows are changed, to see which forecasts change: rows older than the lookback, or after a cutoff, must not
        count, the newest one must. Evaluators must agree, a saved forecaster must be equal, intervals must cover.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name
            Rows with known outcomes, at least lookback + horizon; better all there are.
        refit : bool, default True
            Whether clones are fitted to the first four fifths of `X`, twice, to see that later rows change no scaler,
            weight, choice, interval or forecast, that a fit repeats, and that its intervals cover the rows after it.
            That takes about as long as two fits, three if one fails.

        Returns
        -------
        Audit
            Printed, a table: a line a check, with what was measured and what to do; ``passed`` tells whether none
            fails, ``frame`` has the lines as a DataFrame.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.

        See Also
        --------
        tscnn.audit : The same for any model, as far as it can be seen from outside.

        Examples
        --------
        >>> import numpy as np
        >>> from tscnn import Forecaster
        >>> rows = np.sin(np.arange(300)[:, None] / 4) + 0.1 * np.random.default_rng(0).normal(size=(300, 1))
        >>> Forecaster(lookback=8, network=None).fit(rows[:250]).audit(rows).passed
        True
        """
        self._fitted()
        refit, (X, layout) = check_choice("refit", refit, (True, False)), read_table(X, self.time)
        with layout.lines_of_pandas(X):
            self._reader.outcomes(X)  # which says what is wrong
        from tscnn.auditing import audit_forecaster  # here, since few want it

        return audit_forecaster(self, X, refit=refit)
