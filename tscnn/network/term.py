"""The network as a part of a forecast: plain NumPy, from arrays and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tscnn.common.checks import check_ints, received
from tscnn.common.ring import Ring
from tscnn.common.term import Attribution, NormalizedRow, empty_forecasts
from tscnn.common.threads import map_in_threads, on_one_thread
from tscnn.data.graph_times import GraphTimes
from tscnn.data.times import Times
from tscnn.network.attribution import attribute_network
from tscnn.network.config import NetworkConfig, read_config
from tscnn.network.inference import CACHED_POSITIONS, ArrayNetwork, weight_shapes
from tscnn.transforms import CovariateEffects
from tscnn.transforms.ahead import AheadInputs
from tscnn.transforms.rolling import EPSILON

if TYPE_CHECKING:
    from tscnn.network.graph import Network

__all__ = ["NetworkTerm"]

CHUNK_VALUES = 1 << 22  # of the outputs of the stack, or of the forecasts, that are held at a time: 16 MB


@dataclass(frozen=True, eq=False)
class NetworkTerm:
    """A trained network, whose forecasts are added to those of the linear terms.

    Attributes
    ----------
    config : NetworkConfig
        Without linear skip.
    parameters : mapping of str to ndarray
        Its weights by name, of the shapes of `weight_shapes`; as float32.
    silent : tuple of int, default ()
        Positions of targets, among the targets, of which it says nothing: 0.
    inputs : AheadInputs, optional
        Describes what is known ahead, where the network takes it.

    Raises
    ------
    ValueError
        If a name or a shape is another one, or a position is none of a target.
    """

    name: ClassVar[str] = "network"

    config: NetworkConfig
    parameters: Mapping[str, np.ndarray]
    silent: tuple[int, ...] = ()
    inputs: AheadInputs | None = None

    def __post_init__(self) -> None:
        if self.config.linear_skip is not None:
            rule = "A network with a linear skip is a Keras model alone: here linear maps are terms of their own."
            raise ValueError(received(rule, linear_skip=self.config.linear_skip))
        needed = weight_shapes(self.config)
        found = {name: np.shape(array) for name, array in self.parameters.items()}
        wrong = [name for name in sorted({*needed, *found}) if found.get(name) != needed.get(name)]
        if wrong:
            rule = "The arrays of a network must have the names and shapes that its configuration asks for."
            first = wrong[0]
            raise ValueError(received(rule, name=first, shape=found.get(first), needed=needed.get(first)))
        object.__setattr__(self, "silent", tuple(check_ints("silent", self.silent, minimum=0)) if self.silent else ())
        if self.silent and max(self.silent) >= len(self.config.targets):
            rule = f"`silent` must be positions among {len(self.config.targets)} targets."
            raise ValueError(received(rule, silent=self.silent))
        arrays = {name: np.ascontiguousarray(self.parameters[name], dtype=np.float32) for name in needed}
        object.__setattr__(self, "parameters", arrays)

    def __reduce__(self) -> Any:
        """Pickle and copy as configuration and arrays."""
        return type(self), (self.config, dict(self.parameters), self.silent, self.inputs)

    @property
    def context(self) -> int:
        """Rows that a forecast depends on.

        Returns
        -------
        int
            The lookback.
        """
        return self.config.lookback

    @property
    def normalizer(self) -> tuple[int, float]:
        """Tell over how many rows level and scale are taken, if they are, and what is added: see `NormalizingTerm`."""
        span = self.config.normalizer_span
        return span if span > 1 else 0, EPSILON

    @property
    def needs_ahead(self) -> bool:
        """Whether it takes what is known ahead.

        Returns
        -------
        bool
            As it was trained.
        """
        return self.config.n_ahead > 0

    @property
    def rows_before(self) -> int:
        """Rows of which it takes what is known."""
        return 0

    @property
    def needs_times(self) -> bool:
        """Whether it takes an index of times."""
        return self.inputs is not None and self.inputs.needs_times

    def describe(self, times: Times, effects: CovariateEffects | None) -> np.ndarray:  # noqa: ARG002 - as all terms
        """Describe times by covariates and the calendar: see `Term.needs_ahead`."""
        if self.inputs is None:
            raise ValueError(received("A network that needs what is known ahead must have `inputs`.", inputs=None))
        return self.inputs.describe(times)

    @property
    def says_something(self) -> bool:
        """Whether its forecasts are not all zero, or the rolling level.

        Returns
        -------
        bool
            Whether the head has a weight that is not zero.
        """
        return any(np.any(self.parameters.get(name, 0)) for name in ("head/kernel", "head/bias", "ahead/kernel"))

    def dense(self, rows: np.ndarray, ahead: np.ndarray | None = None) -> np.ndarray:
        """Forecast at every origin of one series, with what is known ahead of each: see `Term.dense`."""
        rows = self._check(rows[None])[0]
        n_origins = len(rows) - self.context + 1
        forecasts, n_chunk = self._empty(n_origins), self._chunk_origins()

        def forecast(first: int) -> None:
            segment = rows[first : first + n_chunk + self.context - 1]
            known = None if ahead is None else np.asarray(ahead[first : first + n_chunk], np.float32)[None]
            self._network.forecast(segment[None], known, last_only=False, out=forecasts[first : first + n_chunk])

        if n_origins <= n_chunk:
            forecast(0)
        else:
            with on_one_thread:
                map_in_threads(forecast, range(0, n_origins, n_chunk))
        return self._hush(forecasts)

    def last(self, windows: np.ndarray, ahead: np.ndarray | None = None) -> np.ndarray:
        """Forecast at the newest row of several windows, with what is known ahead of each: see `Term.last`."""
        windows = self._newest(windows)
        forecasts = self._empty(len(windows))
        n_chunk = max(1, 2 * CACHED_POSITIONS // self.context)

        for first in range(0, len(windows), n_chunk):
            chunk = windows[first : first + n_chunk]
            known = None if ahead is None else np.asarray(ahead[first : first + n_chunk], np.float32)[:, None]
            self._network.forecast(chunk, known, last_only=True, out=forecasts[first : first + n_chunk])
        return self._hush(forecasts)

    def last_in_graph(self, windows: Any, times: GraphTimes, effects: Any) -> Any:  # noqa: ARG002 - as all terms
        """Forecast at the newest row of windows: see `ExportedTerm.last_in_graph`."""
        newest, ahead = windows[:, windows.shape[1] - self.context :], None
        if self.needs_ahead and self.inputs is not None:
            ahead = self.inputs.describe_in_graph(times[windows.shape[1] :])[:, None]
        network = ArrayNetwork.of(self.config, self.parameters, times.ops)
        heard = np.isin(np.arange(len(self.config.targets)), self.silent, invert=True).astype(np.float32)
        return network.in_graph(newest, ahead)[:, 0] * heard

    def start(self, windows: np.ndarray) -> list[Ring]:
        """Remember what the rolling normaliser and each block have seen of several series: see `Term.start`."""
        rings: list[Ring] = []
        self._network.forecast(self._newest(windows), None, last_only=False, rings=rings)
        return rings

    def step(
        self,
        state: list[Ring],
        row: np.ndarray,
        ahead: np.ndarray | None = None,
        *,
        normalized: NormalizedRow | None = None,
    ) -> np.ndarray:
        """Take the next row of every series, and forecast the steps after it: see `NormalizingTerm`."""
        return self._hush(self._network.step(state, np.asarray(row, np.float32), ahead, normalized))

    def attribute(self, window: np.ndarray, ahead: np.ndarray | None = None) -> Attribution:
        """Say what each input adds, by gradients: see `Term.attribute`."""
        owners = None if ahead is None or self.inputs is None else self.inputs.owners
        newest = self._newest(window[None])[0]
        found = attribute_network(self.config, self.parameters, newest, ahead, owners)
        for part in (found.by_column, found.by_lag, found.by_known):
            if part is not None:
                self._hush(part)
        return found

    def settings(self) -> dict[str, Any]:
        """Return the fields of the configuration, and `silent`."""
        own = {**asdict(self.config), "silent": self.silent}
        return own if self.inputs is None else {**own, "inputs": self.inputs.settings()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights of Keras's layers, by name, and what describes what is known ahead."""
        described = {} if self.inputs is None else self.inputs.arrays()
        return {**self.parameters, **{f"inputs/{name}": array for name, array in described.items()}}

    @classmethod
    def from_arrays(cls, settings: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Make the term that `settings` and `arrays` describe, or name what is none of a network."""
        settings = dict(settings)
        silent, described = settings.pop("silent"), settings.pop("inputs", None)
        own = {name: array for name, array in arrays.items() if not name.startswith("inputs/")}
        inputs = None
        if described is not None:
            of_inputs = {name.removeprefix("inputs/"): array for name, array in arrays.items() if name not in own}
            inputs = AheadInputs.from_arrays(described, of_inputs)
        return cls(read_config(settings), own, tuple(silent), inputs)

    @classmethod
    def from_keras(cls, network: Network, silent: tuple[int, ...] = ()) -> Self:
        """Copy the weights of a network.

        Parameters
        ----------
        network : Network
            Without linear skip.
        silent : tuple of int, default ()
            As of the class.

        Returns
        -------
        NetworkTerm
            With the same forecasts, but of silent targets.
        """
        return cls(network.config, network.arrays(), silent)

    def to_keras(self) -> Network:
        """Make a network for Keras, which is imported.

        Returns
        -------
        Network
            With the same forecasts.
        """
        from tscnn.network.graph import network_of

        return network_of(self.config, self.parameters)

    @cached_property
    def on_keras(self) -> NetworkTerm:
        """The same term, computed by Keras, which is imported.

        Returns
        -------
        NetworkTerm
            For large batches, and GPUs.
        """
        from tscnn.network.keras_term import KerasNetworkTerm

        return KerasNetworkTerm(self.config, self.parameters, self.silent, self.inputs)

    @cached_property
    def _network(self) -> ArrayNetwork:
        return ArrayNetwork.of(self.config, self.parameters)

    def _hush(self, forecasts: np.ndarray) -> np.ndarray:
        if self.silent:
            forecasts[..., list(self.silent)] = 0
        return forecasts

    def _empty(self, n_forecasts: int) -> np.ndarray:
        return empty_forecasts(n_forecasts, self.config.horizon, len(self.config.targets))

    def _check(self, windows: np.ndarray) -> np.ndarray:
        """Return rows of several series as float32."""
        if windows.shape[1] < self.context or windows.shape[2] != self.config.n_features:
            rule = f"A network needs at least {self.context} rows of {self.config.n_features} features."
            raise ValueError(received(rule, shape=windows.shape[1:]))
        return np.asarray(windows, np.float32)

    def _newest(self, windows: np.ndarray) -> np.ndarray:
        return self._check(windows)[:, windows.shape[1] - self.context :]

    def _chunk_origins(self) -> int:
        """Return how many origins are forecast from at a time: enough that the rows before them cost little."""
        config = self.config
        n_values = max(config.n_features * config.filters, len(config.targets) * config.horizon)
        return max(CACHED_POSITIONS // 4, min(2 * self.context, CHUNK_VALUES // n_values))
