"""Forecasts that follow series row by row: one row in, one forecast frame out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tscnn.common.checks import received
from tscnn.common.ring import Ring
from tscnn.data.encoding import index_from_arrays, index_to_arrays
from tscnn.data.frame import read_values
from tscnn.data.future import future_of, read_future
from tscnn.data.index import check_spacing, find_kind, is_due, read_label
from tscnn.data.panel import is_panel, naming, split_panel
from tscnn.data.schema import Schema
from tscnn.data.series import SeriesSet
from tscnn.data.tables import Layout, read_row
from tscnn.data.times import Times
from tscnn.data.values import FARTHEST, check_sizes, list_some, refuse_large_integers
from tscnn.forecasting.adaptive import Following
from tscnn.forecasting.intervals import Asked, RawForecasts, require_calibration
from tscnn.forecasting.pipeline import Pipeline
from tscnn.forecasting.predict import newest_runs, newest_windows
from tscnn.forecasting.upcoming import MOST_AT_ONCE, Upcoming

__all__ = ["Stream"]

_BEYOND_DOUBT = 1e15  # smaller numbers are fine for any model; what remains is for `read_values` to judge


class Stream:
    """Forecasts that follow one or several series row by row; made by `tscnn.Forecaster.stream`.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted model.
    schema : Schema
        Of the training frame.
    context : dict of DataFrame
        What has been seen so far, at least `lookback` rows a series, in the data's own units, of
        `tscnn.data.frame.read_frame`; by name, a single series without one by None.
    layout : Layout
        Of the tables that it came from, in which forecasts come.
    series_id : column name, optional
        Of the column that tells the series of a long frame of rows.
    asked : Asked, optional
        Quantiles and intervals that are wanted beside points.
    adaptive : bool, default False
        Whether they follow the outcomes, as of `tscnn.Forecaster.backtest`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        schema: Schema,
        context: Mapping[Any, pd.DataFrame],
        layout: Layout,
        series_id: Any = None,
        *,
        asked: Asked | None = None,
        adaptive: bool = False,
    ) -> None:
        self.names = None if None in context else list(context)
        self._pipeline, self._schema, self._layout, self._series_id = pipeline, schema, layout, series_id
        series = SeriesSet.of_frames(context, schema)
        pipeline = self._pipeline = pipeline.admit(series)
        self._set_ends([index[-2:] for index in series.indexes])
        windows, runs = np.stack(newest_windows(pipeline, series)), newest_runs(pipeline, series)
        self._state = pipeline.start(windows, series.all_times(), runs)
        self._newest = None if runs is None else series.values[series.bounds[1:] - 1]  # that the next row may repeat
        self._asked, self._recent, self._following = asked or Asked(), [], []
        self._columns = schema.columns.tolist()
        if self._asked:
            n_recent = max(1, require_calibration(pipeline).n_rows)
            self._recent = [Ring.of(windows[:, windows.shape[1] - n_recent :].transpose(1, 0, 2))]
        if adaptive:
            sizes = len(self._asked.levels), pipeline.horizon, len(pipeline.targets)
            self._following = [Following.of(self._asked.levels, *sizes[1:]) for _ in series.indexes]

    def update(self, row: Any, *, future: Any = None) -> pd.DataFrame:
        """Take the next row, and forecast the steps after it.

        Parameters
        ----------
        row : dict, Series, DataFrame or array
            The next value of every column, in the data's own units: by column name, or an array of n_features values.
            With several series a dict of such rows by series name, a long frame of one row a series, or a frame or
            array of as many rows; a frame's index holds the names, or names and times, in any order. A row that has a
            time is held to the one that is due: the name of a Series, the index of a frame, or what a dict has under
            the name of the index ("index" if it has none).
        future : DataFrame, or dict of them by series name, optional
            The future covariates of exactly the steps after the row, as of `tscnn.Forecaster.predict`.

        Returns
        -------
        DataFrame of shape (horizon, n_targets)
            As of `tscnn.Forecaster.predict`; with several series (n_series * horizon, n_targets), indexed by
            ("series", "time").

        Raises
        ------
        TypeError, ValueError
            If a column or a series is missing, a value is none that `Forecaster.fit` takes, or the row has another time
            than is due. The stream is as before, then.
        """
        due = self._times()
        with self._layout.lines_of_pandas():
            row, later = (self._tell_apart(read_row(one, self._layout.time)) for one in (row, future))
            newest = self._read(row, due)
            seen = self._know(newest, later)
        forecasts, columns = self._take(newest, seen), self._asked.columns(self._schema.target_names)
        frames = [
            pd.DataFrame(forecast, index=when[1:].index, columns=columns)
            for forecast, when in zip(forecasts, seen, strict=True)
        ]
        found = frames[0] if self.names is None else pd.concat(frames, keys=self.names, names=["series", "time"])
        return self._asked.name(self._layout.give_back(found))

    def step(self, row: Any, *, future: Any = None) -> np.ndarray:
        """Take the next row as an array and forecast the steps after it, without frames around: faster than `update`.

        Parameters
        ----------
        row : array of shape (n_columns,), or (n_series, n_columns)
            In the data's own units, columns and series in the order of `fit`.
        future : DataFrame, or dict of them by series name, optional
            As of `update`.

        Returns
        -------
        ndarray of shape (horizon, n_forecasts), or (n_series, horizon, n_forecasts)
            What the frame of `update` holds, columns in its order.

        Raises
        ------
        TypeError, ValueError
            If a value is none that `Forecaster.fit` takes, or there are not as many. The stream is as before, then.

        Examples
        --------
        >>> from tscnn import Forecaster
        >>> rows = np.sin(np.arange(100.0) / 4)[:, None] * [1, 2]
        >>> stream = Forecaster(8, 3, network=None).fit(rows).stream()
        >>> stream.step([0.6, 1.2]).shape
        (3, 2)
        """
        if isinstance(row, pd.Series | pd.DataFrame | Mapping):
            rule = "`row` must be an array: `stream.update(row)` takes rows with names."
            raise TypeError(received(rule, type=type(row).__name__))
        newest = self._read_array(row, len(self._which))
        forecasts = self._take(newest, self._know(newest, future))
        return forecasts[0] if self.names is None else np.stack(forecasts)

    def _times(self) -> list[Times]:
        """Return the next row's time and those of the steps after it, of every series."""
        found = [each.find() for each in self._upcoming]
        return [found[which] for which in self._which]

    def _take(self, newest: np.ndarray, seen: Sequence[Times]) -> list[np.ndarray]:
        """Take a checked row of every series, and forecast in the data's own units: (horizon, n_columns) each."""
        values, _ = self._schema.encode(newest)
        now = [known[:1] for known in seen]
        rows = np.concatenate([self._pipeline.apply(own[None], at) for own, at in zip(values, now, strict=True)])
        if (np.abs(rows) >= FARTHEST).any():
            mean, scale = map(np.atleast_2d, (self._pipeline.standardize.mean, self._pipeline.standardize.scale))
            for i, (own, at) in enumerate(zip(values, now, strict=True)):
                of = min(i, len(mean) - 1)
                taken = self._pipeline.take_logarithms(own[None], at)
                check_sizes(taken, mean[of], scale[of], at.index, self._schema.features)
        repeats = None if self._newest is None else values == self._newest
        steps = self._pipeline.step(self._state, rows, self._pipeline.describe_next(seen, most_before=1), repeats)
        self._newest = None if self._newest is None else values
        for each in self._upcoming:
            each.advance()
        return self._forecast(steps, rows, values, seen)

    def _know(self, newest: np.ndarray, future: Any) -> list[Times]:
        """Return what is known of the newest row of each series and of the steps after it."""
        known, times = [], self._times()
        if future is None and not self._schema.ahead:
            return [when.knowing(None, i) for i, when in enumerate(times)]
        for i, (name, own, when) in enumerate(zip(self.names or [None], newest, times, strict=True)):
            with naming(name):
                ahead = read_future(future_of(future, name), self._schema, own, when[1:].index).covariates
            covariates = None
            if ahead is not None:
                covariates = np.concatenate([self._schema.encode(own[None])[1], ahead])
            known.append(when.knowing(covariates, i))
        return known

    def _forecast(
        self, steps: np.ndarray, rows: np.ndarray, values: np.ndarray, seen: Sequence[Times]
    ) -> list[np.ndarray]:
        """Put the forecasts of all series into the data's own units: (horizon, n_columns) each."""
        pipeline, first = self._pipeline, np.zeros(1, int)
        if not self._asked:
            return [pipeline.invert(own[None], times, first)[0] for own, times in zip(steps, seen, strict=True)]
        (ring,), found = self._recent, []
        ring.push(rows)
        newest = np.full(1, ring.length - 1)
        for i, (own, times) in enumerate(zip(steps, seen, strict=True)):
            raw = RawForecasts(pipeline, own[None], ring.last()[:, i], newest, times, first)
            if not self._following:
                found.append(self._asked.forecast(raw)[0][0])
                continue
            following = self._following[i]
            following.learn_next(values[i, list(pipeline.targets)])
            columns, forecast = following.forecast(self._asked, raw)
            following.forecasts.push(forecast)
            found.append(columns[0])
        return found

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What the stream remembers, as copies: arrays that ``numpy.savez`` takes.

        Returns
        -------
        dict of str to ndarray
            For `restore`.

        Raises
        ------
        TypeError
            If the index has a name or a time zone that can't be saved.
        """
        rings = self._rings
        names = [name.item() if isinstance(name, np.generic) else name for name in self.names or ()]
        return {
            "model": np.array(self._pipeline.fingerprint),
            "series": np.array([repr(name) for name in names], dtype=str),
            "ends": np.array([_write_index(end) for end in self._ends]),
            "positions": np.array([ring.at for ring in rings], dtype=np.int64),
            **({"asked": np.array(self._asked.levels)} if self._following else {}),
            **({} if self._newest is None else {"newest": self._newest.copy()}),
            **{f"ring_{i}": ring.rows.copy() for i, ring in enumerate(rings)},
            **{f"levels_{i}": one.levels.current.copy() for i, one in enumerate(self._following)},
            **{f"sizes_{i}": one.sizes.sums.copy() for i, one in enumerate(self._following)},
            **{f"forecasts_{i}": one.forecasts.last().copy() for i, one in enumerate(self._following)},
        }

    @property
    def _ends(self) -> list[pd.Index]:
        """Times of the newest one or two rows of every series."""
        ends = [each.end for each in self._upcoming]
        return [ends[which] for which in self._which]

    def _set_ends(self, ends: Sequence[pd.Index]) -> None:
        """Go on from these times, those of series that end together once for all of them."""
        places: dict[Any, int] = {}
        self._which = [places.setdefault((type(end), *end), len(places)) for end in ends]
        distinct = dict(zip(self._which, ends, strict=True))
        how = self._schema.freq, self._pipeline.horizon, MOST_AT_ONCE // len(distinct)
        self._upcoming = [Upcoming(distinct[place], *how) for place in range(len(distinct))]

    @property
    def _rings(self) -> list[Ring]:
        return [ring for of_term in [*self._state, self._recent] for ring in of_term]

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a `state`.

        Parameters
        ----------
        state : mapping of str to ndarray
            Of this stream, or of another one of the same forecaster and the same series, in the same order.

        Raises
        ------
        TypeError, ValueError
            If it is that of another forecaster, of other series or of another kind of index, or if something in it is
            missing, too much or damaged. The stream is as before, then.
        """
        found, ends = self._check_state(state)
        for i, ring in enumerate(self._rings):
            ring.rows[:] = found[f"ring_{i}"]
            ring.at = int(found["positions"][i])
        for i, one in enumerate(self._following):
            one.levels.current[:], one.sizes.sums[:] = found[f"levels_{i}"], found[f"sizes_{i}"]
            one.forecasts = Ring.of(found[f"forecasts_{i}"])
        self._newest = found.get("newest")
        self._set_ends(ends)

    def _check_state(self, state: Any) -> tuple[dict[str, np.ndarray], list[pd.Index]]:
        """Return the arrays of a state, and its newest times, if they are those of a stream like this one."""
        rule, own = "`state` must be that of a stream of this forecaster", self.state
        if not isinstance(state, Mapping):
            raise TypeError(received(f"{rule}, a dict of arrays.", type=type(state).__name__))
        model = str(np.asarray(state.get("model")))
        if model != self._pipeline.fingerprint:
            needed = f"{self._pipeline.fingerprint[:12]}.."
            raise ValueError(received(f"{rule}, not of another one.", model=f"{model[:12]}..", needed=needed))
        missing, extra = [name for name in own if name not in state], [name for name in state if name not in own]
        if missing or extra:
            raise ValueError(received(f"{rule}.", missing=missing[:5], extra=extra[:5]))
        found = {name: np.asarray(state[name]) for name in own}
        if not np.array_equal(found["series"], own["series"]) or found["ends"].shape != own["ends"].shape:
            rule = f"`state` must be that of a stream of {len(self._ends)} series, the same in the same order."
            named, needed = (np.atleast_1d(one["series"])[:5].tolist() for one in (found, own))
            raise ValueError(received(rule, n_series=found["ends"].size, series=named, needed=needed))
        if self._following and not np.array_equal(found["asked"], own["asked"]):
            rule = f"{rule} with the same quantiles and `coverage`."
            raise ValueError(received(rule, levels=found["asked"].tolist(), needed=own["asked"].tolist()))
        for name, like in own.items():
            if found[name].shape != like.shape or _type(found[name]) != _type(like):
                rule = f"`state[{name!r}]` must be an array of shape {like.shape} and type {_type(like)}."
                raise ValueError(received(rule, shape=found[name].shape, type=_type(found[name])))
        self._check_rings(found)
        return found, [
            _read_end(str(text), end, self._schema) for text, end in zip(found["ends"], self._ends, strict=True)
        ]

    def _check_rings(self, found: Mapping[str, np.ndarray]) -> None:
        """Raise if the rows that a state remembers are none."""
        for i, ring in enumerate(self._rings):
            rows, at = found[f"ring_{i}"], int(found["positions"][i])
            unfilled = i == 0 or ring in self._recent  # what the filter of windows remembers, and the scale of errors
            may_miss = unfilled and self._schema.missing != "raise"
            good = np.isfinite(rows) | (np.isnan(rows) & may_miss)
            if not good.all() or not np.array_equal(rows[: ring.length], rows[ring.length :], equal_nan=True):
                rule = f"`state['ring_{i}']` must hold finite values, and each of them twice; this state is damaged."
                raise ValueError(received(rule, n_not_finite=int((~good).sum())))
            if not 0 <= at < ring.length:
                raise ValueError(
                    received(f"`state['positions'][{i}]` must be from 0 to {ring.length - 1}.", position=at)
                )
        for i in range(len(self._following)):
            good_ones = {name: np.isfinite(found[name]) for name in (f"levels_{i}", f"sizes_{i}")}
            good_ones[f"forecasts_{i}"] = ~np.isinf(found[f"forecasts_{i}"])  # NaN: nothing was forecast yet
            for name, good in good_ones.items():
                if not good.all():
                    rule = f"`state[{name!r}]` must hold finite values; this state is damaged."
                    raise ValueError(received(rule, n_not_finite=int((~good).sum())))

    # Reading a row

    def _tell_apart(self, row: Any) -> Any:
        """Return the rows of a long frame by series, and all else as it is."""
        is_long = isinstance(row, pd.DataFrame) and is_panel(row, self._series_id) and self.names is not None
        return split_panel(row, self._series_id) if is_long else row

    def _read(self, row: Any, due: Sequence[Times]) -> np.ndarray:
        """Return the values of a row, (n_series, n_features), after checking names, numbers and times."""
        if self.names is None:
            if isinstance(row, Mapping | pd.Series | pd.DataFrame):
                return self._read_labelled(row, due[0])
        elif isinstance(row, Mapping | pd.DataFrame):
            if isinstance(row, pd.DataFrame) and row.index.nlevels == 2 and not set(row.index) <= set(self.names):
                row = {name: row.xs(name) for name in row.index.unique(0)}  # names and times, as forecasts have them
            names = list(row) if isinstance(row, Mapping) else row.index.tolist()
            if len(names) != len(self.names) or set(names) != set(self.names):
                rule = f"`row` must have one row for each of the {len(self.names)} series, {list_some(self.names)}."
                raise ValueError(received(rule, names=list_some(names)))
            if isinstance(row, pd.DataFrame):
                return read_values(row.loc[self.names], self._schema).to_numpy()
            rows = []
            for name, when in zip(self.names, due, strict=True):
                with naming(name):
                    rows.append(self._read_labelled(row[name], when))
            return np.concatenate(rows)
        return self._read_array(row, len(due))

    def _read_labelled(self, row: Any, due: Times) -> np.ndarray:
        """Return the values of one series' row, (1, n_features), held to the time that is due if it has one."""
        if not isinstance(row, Mapping | pd.Series | pd.DataFrame):
            return self._read_array(row, 1)
        if isinstance(row, pd.DataFrame):
            if len(row) != 1:
                raise ValueError(received("`row` must be a frame of one row.", n_rows=len(row)))
            is_plain = all(isinstance(each, np.dtype) and each.kind in "fiu" for each in row.dtypes)
            is_plain = is_plain and self._schema.is_numeric and row.columns.equals(self._schema.columns)
            values = self._read_array(row.to_numpy(), 1) if is_plain else read_values(row, self._schema).to_numpy()
            label = row.index[0]
        elif isinstance(row, pd.Series) and row.index.equals(self._schema.columns):
            values = self._read_array(row.to_numpy() if isinstance(row.dtype, np.dtype) else row.tolist(), 1)
            label = row.name
        elif isinstance(row, Mapping) and list(row) == self._columns:
            values, label = self._read_array(list(row.values()), 1), None
        else:
            columns, time = self._columns, "index" if due.index.name is None else due.index.name
            names, known = list(row.keys()), set(columns)
            entries = dict(zip(names, row.tolist() if isinstance(row, pd.Series) else row.values(), strict=True))
            label = row.name if isinstance(row, pd.Series) else None
            if time not in known and time in entries:
                label = entries.pop(time)
                names.remove(time)
            if len(names) != len(known) or set(names) != known:
                missing, extra = [c for c in columns if c not in entries], [c for c in names if c not in known]
                rule = f"`row` must have the {len(columns)} columns of the training data, each once."
                raise ValueError(received(rule, missing=list_some(missing), extra=list_some(extra)))
            values = self._read_array([entries[name] for name in columns], 1)
        expected = due.look_up(_labels, _labels)[0]
        if label is not None and not (type(label) is type(expected) and label == expected):
            when = due.index[:1]
            if not is_due(read_label("The time of `row`", label, when), when, self._schema.freq):
                rule = f"The next row must be that of {when[0]}: fill rows that are missing and give them first."
                raise ValueError(received(rule, row=str(label)))
        return values

    def _read_array(self, row: Any, n_series: int) -> np.ndarray:
        """Return the values of rows without names, (n_series, n_features)."""
        columns = self._schema.columns
        try:
            values = np.asanyarray(row)
        except ValueError:
            raise TypeError(received("`row` must hold one number a column.", type=type(row).__name__)) from None
        if values.ndim == 0:
            rule = f"`row` must be a dict, a Series, a frame or an array of {len(columns)} numbers."
            raise TypeError(received(rule, row=row))
        if hasattr(row, "to_pandas"):
            return read_values(row, self._schema).to_numpy()  # which says what to do with other kinds of tables
        rows = values[None] if values.ndim == 1 and n_series == 1 else values
        if rows.shape != (n_series, len(columns)):
            rule = f"`row` must have {len(columns)} values for each of {n_series} series."
            raise ValueError(received(rule, shape=values.shape))
        if type(rows) is np.ndarray and rows.dtype.kind in "fiub" and self._schema.is_numeric:
            rows = rows.astype(np.float64)
            if (np.abs(rows) < _BEYOND_DOUBT).all():
                return rows
        elif not isinstance(rows, np.ma.MaskedArray):  # each column in the type of its own value
            if values.dtype == object:
                refuse_large_integers(values, columns)
            parts = values.tolist() if values.dtype == object else row
            rows = pd.DataFrame([parts] if values.ndim == 1 else parts)
            rows.columns = columns
        return read_values(rows, self._schema).to_numpy()


def _labels(index: pd.Index) -> np.ndarray:
    """Return the labels of an index one by one: an array of objects."""
    return np.fromiter(index, object, len(index))


def _type(array: np.ndarray) -> str:
    """Name the type of an array's values; texts of any length have one."""
    return "str" if array.dtype.kind == "U" else array.dtype.name


def _write_index(index: pd.Index) -> str:
    written, values = index_to_arrays(index)
    return json.dumps({**written, "values": values.tolist()})


def _read_end(text: str, like: pd.Index, schema: Schema) -> pd.Index:
    """Read the newest rows' times that a state holds, which must be of the kind of others."""
    try:
        written = json.loads(text)
        end = index_from_arrays(written, np.array(written.pop("values"), dtype=np.int64))
        kind, zone = find_kind(end), getattr(end, "tz", None) is None
        if len(end) not in (1, 2) or (kind, zone) != (find_kind(like), getattr(like, "tz", None) is None):
            raise ValueError(f"{len(end)} {kind}")
        check_spacing(end, schema.freq if kind == schema.kind else None)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        rule = f"`state['ends']` must hold {find_kind(like)}, like the index of this stream"
        raise ValueError(received(f"{rule}.", error=str(error)[:150], needed=str(like[-1]))) from None
    return end
