"""The estimator: fit, predict, backtest, score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from tscnn.common.checks import check_choice, check_int, received
from tscnn.data.frame import forecast_frame, learn_schema, read_frame
from tscnn.data.index import find_seasonality, future_index
from tscnn.data.windows import count_windows, find_origins, make_windows, split_row
from tscnn.evaluation.backtest import find_cutoffs, forecast_chunks
from tscnn.evaluation.report import describe_report, judge_network, list_unbeaten
from tscnn.fitting import fit_corrections, fit_linear_maps, fit_network, list_lookbacks
from tscnn.linear.ridge import fit_shared_map
from tscnn.network.backend import device_scope
from tscnn.parameters import (
    check_needs_no_validation,
    is_lookback_chosen,
    list_candidates,
    read_network_config,
    read_training_settings,
)
from tscnn.stream import Stream
from tscnn.training.loop import write_line
from tscnn.transforms.standardize import fit_scaler

__all__ = ["Forecaster"]


class Forecaster(BaseEstimator):
    """Forecast the columns of a frame with a causal convolutional network.

    Parameters
    ----------
    lookback : int or "auto", default 10
        Rows that a forecast depends on: exactly the network's receptive field. "auto" takes, of the halves and
        doubles of a season (for hourly rows 1, 3, 6, 12, 24 .. 768; fewer with dozens of targets; up to 2304 where only
        those hold a week, or a day, that tells more than a day or half a day), the one whose linear map serves the
        validation rows best; ``config_.lookback`` says which.
    horizon : int, default 1
        Steps to forecast.
    targets : column name or list of column names, optional
        Columns to forecast, default all. The others are past covariates: seen, not forecast.
    feature_mode : {"joint", "front_end", "independent", "auto"}, default "joint"
        How columns meet: all in the first layer; after a front end that treats each by itself; or never, with the
        same weights for each. "auto" trains a joint and an independent network and keeps the one that serves the
        validation rows better; ``config_.feature_mode`` says which.
    filters : int, default 32
        Outputs of each convolution.
    kernel_size : int, default 2
        Taps of each convolution, at least 2.
    dilation_rates : "auto" or sequence of int, default "auto"
        Rows between the taps, layer by layer; "auto" plans them from the lookback. For
        ``feature_mode="front_end"`` a pair of sequences: front end, then joint stack. Used as given, or refused if
        the receptive field is not the lookback.
    n_stacks : int, default 1
        Cycles of dilations.
    normalizer_span : "auto", int or None, default "auto"
        Rows that the rolling normaliser takes level and scale from; they count in the lookback. "auto" is what explicit
        dilation rates leave of the lookback, else half of it. A mean of few rows follows the very values that it
        is to take the level of: with a lookback below 64 "auto" also trains a plain network, without normaliser (and
        without linear map, where that is "auto" too), and keeps it if it serves the validation rows better; without
        linear map, by more than chance would give.
    activation : str, default "gated"
        "gated" or the name of a Keras activation.
    normalization : {None, "layer", "batch"}, default None
        Normalisation inside the residual blocks.
    dropout : float in [0, 1), default 0.2
        Share of filters dropped in training.
    linear_skip : {"auto", "shared", "per_feature", None}, default "auto"
        The linear map from window to forecast that the convolutions are added to: one for all targets, one for each, a
        mixture of both (of many targets, with one for each group that varies alike), or none. It is a mixture of ridge
        regressions on windows of several lengths, solved in closed form and mixed as serves the validation rows and
        later training rows best, and mixed with repeating the newest row as far as its gain over that may be chance.
        The mean of the horizon and each octave of its waves are mixed by themselves; of up to 2,000 windows they are
        not, but some parts draw to repeating or smoothing the season, where the step of the index tells one. With
        "auto", and unless ``feature_mode="independent"``, maps of the principal components of up to 100 targets are
        averaged with it for those targets that they help on these rows. The convolutions are trained on what it leaves,
        scaled as serves the validation rows best, and count as far as their gain there can be trusted (with fewer
        validation origins than four horizons: not at all). When all is chosen, the map is solved once more on all rows.
        Beside a rolling normaliser forecasts also step back from the recent level towards the mean, and take in what
        the newest rows of all columns say, each if that helps on those rows.
    yearly_seasonality : {"auto", None}, default "auto"
        "auto" takes a yearly wave off each column whose level is strong evidence of one, and adds it to the forecasts.
        That takes rows of times, a few days apart at most, that see most of a year or more. It is fitted to the
        training rows while things are chosen, then to all rows; ``yearly_wave_`` says what was found. What is forecast
        from must have times then.
    training : {"dense", "window"}, default "dense"
        "dense" trains on segments of neighbouring origins, whose work is shared; "window" on one window an origin, in
        random order, of which only what its forecast needs is computed. Slower, and the same weights.
    loss : str or callable, default "mse"
        Name of a Keras loss, or what ``keras.losses.get`` takes; on columns standardised by their training rows.
    epochs : "auto" or int, default "auto"
        Passes over the training rows, at most; "auto" makes about 300 steps of them, at least 3 passes, each over a
        part of the origins, drawn anew, where all would be more than 50 million forecast values. Where the second half
        of these still took a hundredth off the validation loss, as many again follow twice over, and then four times,
        unless all would be more than 500 million values. It makes a single step where the validation origins are too
        few to trust what convolutions add to a linear map; without validation rows, a single pass where the training
        origins are.
    batch_size : int, default 256
        Origins of a training step.
    learning_rate : float, default 2e-3
        Of AdamW at the start; it falls to zero along a cosine, in each round of ``epochs="auto"`` anew.
    weight_decay : float, default 1e-3
        Of AdamW.
    validation_fraction : float in [0, 1), default 0.1
        Last part of the rows, held back to choose the best epoch. Its weights are not trained on it, nor its scaler
        fitted.
    patience : int, default 3
        Epochs without improvement on the validation rows after which training stops; with ``epochs="auto"`` in the
        first round only, and not while that still pays.
    precision : {"float32", "mixed_bfloat16"}, default "float32"
        Of the convolutions in training; "mixed_bfloat16" is for GPUs. Forecasts are always computed in float32,
        on GPUs, too, in all of its digits: never in TensorFloat-32.
    device : str, default "auto"
        "auto" (a GPU if there is one), "cpu", "gpu", "gpu:1", ..
    callbacks : sequence of keras.callbacks.Callback, optional
        Passed on to Keras.
    random_state : int, RandomState or None, default None
        Of initial weights, order of training and dropout. An int makes fits repeatable.
    verbose : "auto", bool or int, default "auto"
        One line an epoch; "auto" writes on a terminal only.

    Attributes
    ----------
    network_ : Network
        The trained network; ``network_.dense`` is a plain ``keras.Model``.
    config_ : NetworkConfig
        What it is made of.
    history_ : DataFrame
        Training and validation loss by epoch.
    report_ : DataFrame or None
        Errors on the validation rows, on columns standardised by their training rows: "mse" and "mae" of the network
        ("tscnn") and of what it has to beat, and its "skill" against each, 1 - its mse / theirs. The others are
        "linear map", one ridge regression for all columns on the same windows; "repeat season", of a day, a week or a
        year, where the step of the index tells; "repeat last"; and "constant", the outcomes' own mean. `fit` warns of
        those that the network does not beat. None without validation rows. It judges the network before its linear map
        is solved once more, on the validation rows as well.
    mean_, scale_ : ndarray of shape (n_features_in_,)
        Of the training rows, by column.
    yearly_wave_ : DataFrame of shape (2, n_features_in_) or None
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
        lookback: int = 10,
        horizon: int = 1,
        *,
        targets: Any = None,
        feature_mode: str = "joint",
        filters: int = 32,
        kernel_size: int = 2,
        dilation_rates: Any = "auto",
        n_stacks: int = 1,
        normalizer_span: Any = "auto",
        activation: str = "gated",
        normalization: str | None = None,
        dropout: float = 0.2,
        linear_skip: str | None = "auto",
        yearly_seasonality: str | None = "auto",
        training: str = "dense",
        loss: Any = "mse",
        epochs: int | str = "auto",
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-3,
        validation_fraction: float = 0.1,
        patience: int = 3,
        precision: str = "float32",
        device: str = "auto",
        callbacks: Any = None,
        random_state: Any = None,
        verbose: Any = "auto",
    ) -> None:
        self.lookback = lookback
        self.horizon = horizon
        self.targets = targets
        self.feature_mode = feature_mode
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation_rates = dilation_rates
        self.n_stacks = n_stacks
        self.normalizer_span = normalizer_span
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.linear_skip = linear_skip
        self.yearly_seasonality = yearly_seasonality
        self.training = training
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.precision = precision
        self.device = device
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Train on a frame, from scratch.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features)
            Numeric and complete, oldest row first, index evenly spaced; at least lookback + horizon rows.
        y : None
            Not used: the targets are columns of `X`.

        Returns
        -------
        Forecaster
            Itself.

        Raises
        ------
        TypeError, ValueError
            Naming the parameter, or the column or row of `X`, that breaks a rule.
        """
        settings = read_training_settings(self)
        schema, frame = learn_schema(X)
        auto_lookback = is_lookback_chosen(self)
        config = read_network_config(self, schema, 1 if auto_lookback else self.lookback)
        n_rows, horizon = len(frame), config.horizon
        if count_windows(n_rows, config.lookback, horizon) == 0:
            rule = f"`X` must have at least lookback + horizon = {config.lookback + horizon} rows."
            raise ValueError(received(rule, n_samples=n_rows))
        first = split_row(n_rows, config.lookback, horizon, self.validation_fraction)
        if first is None:
            check_needs_no_validation(self, n_rows)
        values, seasonality = frame.to_numpy(), find_seasonality(schema.freq)
        yearly = seasonality if self.yearly_seasonality is not None else None
        scaler = fit_scaler(values[:first]).with_wave(values[:first], frame.index[:first], yearly)
        rows = scaler.standardize(values, frame.index)
        start = linear_map = None
        if auto_lookback or self.linear_skip is not None:
            targets = rows[:, list(config.targets)]
            kinds, lookbacks = (self.linear_skip, self.feature_mode), [config.lookback]
            if auto_lookback:
                lookbacks = list_lookbacks(targets[:first], horizon, self.linear_skip, seasonality)
            found = fit_linear_maps(targets, first, lookbacks, horizon, *kinds, seasonality, settings.verbose)
            config = read_network_config(self, schema, found.mixture.lookback)
            linear_map = found.mixture.solved.single
            if config.linear_maps is not None:
                start = fit_corrections(found, rows, config)
        training = find_origins([n_rows if first is None else first], config.lookback, horizon)
        validation = [] if first is None else find_origins([n_rows], config.lookback, horizon, [first])

        network, history = fit_network(
            list_candidates(self, schema, config, sum(map(len, validation))),
            rows,
            training,
            validation,
            settings,
            start=start,
            precision=self.precision,
        )

        self.config_ = network.config
        self.network_ = network
        self.mean_, self.scale_ = scaler.mean, scaler.scale
        self._scaler = scaler.with_wave(values, frame.index, yearly)
        self.yearly_wave_ = self._describe_wave(schema.columns, settings.verbose)
        self.history_ = pd.DataFrame(history, index=pd.RangeIndex(1, len(history["loss"]) + 1, name="epoch"))
        self.n_features_in_ = len(schema.columns)
        self.__dict__.pop("feature_names_in_", None)
        if all(isinstance(name, str) for name in schema.columns):
            self.feature_names_in_ = np.asarray(schema.columns, dtype=object)
        self._schema = schema
        self._context = frame.iloc[-config.lookback :]
        self.report_ = None
        if first is not None:
            plain = rows if scaler.wave is None else replace(scaler, wave=None).standardize(values, frame.index)
            self.report_ = self._report(rows, plain, training, validation, linear_map, settings.verbose)
        if start is not None:
            start.assign(network, refitted=True)
        if self.report_ is not None and (unbeaten := list_unbeaten(self.report_)):
            said = f"On the validation rows the forecasts are no better than {' or '.join(unbeaten)}: see `report_`."
            warnings.warn(f"{said} {describe_report(self.report_)}.", stacklevel=2)
        return self

    def predict(self, X: Any = None) -> pd.DataFrame:
        """Forecast the steps after the last row.

        Parameters
        ----------
        X : DataFrame, Series, array, or dict of them by series name, optional
            Rows to forecast from, at least `lookback`; default the end of the training data. Columns are matched by
            name.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            In the data's own units, float32 if all columns of the training data were, else float64; the index
            continues that of `X`. For a dict (n_series * horizon, n_targets), indexed by ("series", "time"), all
            computed at once.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` breaks a rule.
        """
        check_is_fitted(self)
        lookback = self.config_.lookback
        if isinstance(X, Mapping):
            contexts = {name: self._read(context, lookback) for name, context in X.items()}
        else:
            contexts = {None: self._context if X is None else self._read(X, lookback)}
        if not contexts:
            raise ValueError(received("`X` must hold at least one series.", X=X))
        frames = [frame.iloc[-lookback:] for frame in contexts.values()]
        windows = np.stack([self._scaler.standardize(frame.to_numpy(), frame.index) for frame in frames])
        ends, freq, horizon = [frame.index[-1:] for frame in frames], self._schema.freq, self.config_.horizon
        ahead = self._scaler.ahead(ends, freq, horizon)
        with device_scope(self.device):
            found = self.network_.single_origin.predict_on_batch(windows)[:, 0]
        out = np.empty(found.shape, self._schema.dtype)
        forecasts = [
            pd.DataFrame(forecast, index=future_index(end, freq, horizon), columns=self._target_names())
            for forecast, end in zip(self._scaler.restore(found, self.config_.targets, out, ahead), ends, strict=True)
        ]
        if not isinstance(X, Mapping):
            return forecasts[0]
        return pd.concat(forecasts, keys=list(contexts), names=["series", "time"])

    def backtest(self, X: Any, *, start: Any = None, stride: int = 1, refit: bool = False) -> pd.DataFrame:
        """Forecast from many cutoffs of a frame, each from the rows up to it alone.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features)
            Rows with known outcomes, at least lookback + horizon.
        start : index label, optional
            The first cutoff is the first row at or after this label; default the first row with a complete window.
        stride : int, default 1
            Rows from one cutoff to the next. The last cutoff is at least `horizon` rows before the end.
        refit : bool, default False
            Fit a new forecaster, with the same parameters, on the rows up to each cutoff.

        Returns
        -------
        DataFrame of shape (n_cutoffs * horizon, n_targets)
            Forecasts as of `predict`, indexed by ("cutoff", "time").

        Raises
        ------
        NotFittedError
            Before `fit`, unless `refit`.
        TypeError, ValueError
            If `X` breaks a rule, or no cutoff is left.
        """
        stride, refit = check_int("stride", stride), check_choice("refit", refit, (True, False))
        if refit:
            return self._backtest_refitted(X, start, stride)
        check_is_fitted(self)
        frame = self._read(X, self.config_.lookback + self.config_.horizon)
        cutoffs = find_cutoffs(frame.index, self.config_.lookback, self.config_.horizon, start, stride)
        shape = (len(cutoffs), self.config_.horizon, len(self.config_.targets))
        forecasts = np.empty(shape, self._schema.dtype)
        with device_scope(self.device):
            for chunk, found, ahead in self._forecast_chunks(frame, cutoffs):
                self._scaler.restore(found, self.config_.targets, forecasts[chunk], ahead)
        return forecast_frame(forecasts, frame.index, cutoffs, self._target_names(), self._schema.freq)

    def stream(self, context: Any = None) -> Stream:
        """Follow a series row by row.

        Parameters
        ----------
        context : DataFrame, Series, array, or dict of them by series name, optional
            What has been seen so far, at least `lookback` rows; default the end of the training data. A dict makes a
            stream of several series side by side.

        Returns
        -------
        Stream
            ``stream.update(row)`` takes the next row and returns the forecast of the steps after it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If a context breaks a rule.

        Examples
        --------
        >>> import numpy as np
        >>> from tscnn import Forecaster
        >>> forecaster = Forecaster(lookback=4, filters=2, epochs=1, random_state=0).fit(np.eye(2)[np.arange(60) % 2])
        >>> stream = forecaster.stream()
        >>> stream.update([1, 0]).shape
        (1, 2)
        """
        check_is_fitted(self)
        lookback = self.config_.lookback
        if context is None:
            contexts: Any = self._context
        elif isinstance(context, Mapping):
            contexts = {name: self._read(rows, lookback) for name, rows in context.items()}
        else:
            contexts = self._read(context, lookback)
        return Stream(self.network_, self._schema, self._scaler, contexts)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Return the coefficient of determination of all forecasts within a frame.

        Parameters
        ----------
        X : DataFrame, Series or array of shape (n_timesteps, n_features)
            Rows with known outcomes, at least lookback + horizon.
        y : None
            Not used.

        Returns
        -------
        float
            1 - (squared error / squared deviation of the outcomes from their mean), the mean over targets; 1 is best. A
            target that is constant in `X` counts 1 if forecast exactly, and 0 otherwise.
        """
        check_is_fitted(self)
        lookback, horizon, targets = self.config_.lookback, self.config_.horizon, list(self.config_.targets)
        frame = self._read(X, lookback + horizon)
        values = frame.to_numpy()
        outcomes, unit = make_windows(values[:, targets], lookback, horizon)[1], self.scale_[targets]
        centre = outcomes[:, 0].mean(axis=0)
        error = deviation = total = np.zeros(len(targets))
        cutoffs = np.arange(lookback - 1, len(values) - horizon)
        with device_scope(self.device):
            for chunk, found, ahead in self._forecast_chunks(frame, cutoffs):
                forecasts = self._scaler.restore(found, targets, np.empty(found.shape), ahead)
                error = error + np.square((forecasts - outcomes[chunk]) / unit).sum(axis=(0, 1))
                known = (outcomes[chunk] - centre) / unit
                deviation = deviation + np.square(known).sum(axis=(0, 1))
                total = total + known.sum(axis=(0, 1))
        n_values = len(cutoffs) * horizon
        deviation = deviation - total**2 / n_values
        varies = deviation > 1e-12 * n_values
        constant = np.where(error > 0, 0.0, 1.0)
        return float(np.mean(np.where(varies, 1 - error / np.where(varies, deviation, 1), constant)))

    def _report(
        self,
        rows: np.ndarray,
        plain: np.ndarray,
        training: list[range],
        validation: list[range],
        linear_map: np.ndarray | None,
        verbose: bool,
    ) -> pd.DataFrame:
        """Judge the network on the validation rows; what it has to beat sees `plain` rows."""
        config = self.config_
        if linear_map is None:
            targets = rows[:, list(config.targets)]
            linear_map = fit_shared_map(targets, training, validation, config.lookback, config.horizon)
        seasonality = find_seasonality(self._schema.freq)
        if seasonality is not None and seasonality > validation[0].start + 1:
            seasonality = None
        with device_scope(self.device):
            report = judge_network(self.network_, rows, plain, validation, linear_map, seasonality)
        if verbose:
            write_line(describe_report(report))
        return report

    def _forecast_chunks(
        self, frame: pd.DataFrame, cutoffs: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
        """Yield a network's forecasts from some rows of a frame, with what `Scaler.restore` adds to them."""
        rows = self._scaler.standardize(frame.to_numpy(), frame.index)
        ahead = self._scaler.ahead([frame.index], self._schema.freq, self.config_.horizon)
        for chunk, found in forecast_chunks(self.network_, rows, cutoffs):
            yield chunk, found, None if ahead is None else ahead[cutoffs[chunk]]

    def _describe_wave(self, columns: pd.Index, verbose: bool) -> pd.DataFrame | None:
        """Return the yearly wave in the data's own units, and say what has one."""
        if self._scaler.wave is None:
            return None
        table = pd.DataFrame(self._scaler.wave.coefficients[1:] * self.scale_, ["cosine", "sine"], columns)
        if verbose:
            write_line(f"a yearly wave is taken off {table.any().sum()} of {len(columns)} columns")
        return table

    def _target_names(self) -> pd.Index:
        return self._schema.columns[list(self.config_.targets)]

    def _read(self, X: Any, n_rows: int) -> pd.DataFrame:
        frame = read_frame(X, self._schema)
        if len(frame) < n_rows:
            parts = "lookback" if n_rows == self.config_.lookback else "lookback + horizon"
            raise ValueError(received(f"`X` must have at least {parts} = {n_rows} rows.", n_rows=len(frame)))
        if self._scaler.wave is not None and not isinstance(X, pd.DataFrame | pd.Series):
            rule = (
                "`X` must be a frame indexed by times, for the yearly wave; `yearly_seasonality=None` does without it."
            )
            raise TypeError(received(rule, type=type(X).__name__))
        return frame

    def _backtest_refitted(self, X: Any, start: Any, stride: int) -> pd.DataFrame:
        schema, frame = learn_schema(X)
        auto = is_lookback_chosen(self)
        if auto and start is None:
            raise ValueError(received("`lookback='auto'` with `refit` needs a `start`.", start=start))
        config = read_network_config(self, schema, 1 if auto else self.lookback)
        # The first fit needs outcomes of its own, `horizon` rows more than a forecast.
        first = config.lookback + config.horizon
        cutoffs = find_cutoffs(frame.index, first, config.horizon, start, stride)
        folds = [clone(self).fit(frame.iloc[: cutoff + 1]).predict() for cutoff in cutoffs]
        forecasts = np.stack([fold.to_numpy() for fold in folds])
        return forecast_frame(forecasts, frame.index, cutoffs, folds[0].columns, schema.freq)
