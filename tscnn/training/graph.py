"""Linear terms beside a network, in the graph that is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tscnn.common.checks import received
from tscnn.network.backend import keras, ops

__all__ = ["Assembled", "TermsLayer"]


class TermsLayer(keras.layers.Layer):
    """Add up the forecasts of terms that are not trained.

    (batch, time, features) -> (batch, time - lookback + 1, horizon, targets). A term of a shorter context is given the
    newest rows, so that all forecast from the same origins.

    Parameters
    ----------
    terms : sequence of Term
        With `in_graph`, at least one; of one horizon and the same targets.
    lookback : int
        At least the longest context.
    **kwargs
        Of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If a term sees more rows than the lookback.
    """

    def __init__(self, terms: Sequence[Any], lookback: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.terms = tuple(terms)
        self.lookback = lookback
        longest = max(term.context for term in terms)
        if longest > lookback:
            rule = f"Terms in training must see at most the lookback, {lookback} rows."
            raise ValueError(received(rule, context=longest))

    def build(self, input_shape: Any) -> None:
        """Do nothing: the terms' weights are constants of the graph."""

    def call(self, inputs: Any) -> Any:
        """Forecast at every origin: (batch, time, features) -> (batch, positions, horizon, targets)."""
        forecasts = [term.in_graph(inputs[:, self.lookback - term.context :], ops) for term in self.terms]
        return sum(forecasts[1:], forecasts[0])


class Assembled(keras.layers.Layer):
    """A network, and the linear terms that its forecasts are added to.

    Parameters
    ----------
    network : keras.Model
        (batch, time, features) -> (batch, positions, horizon, targets).
    terms : TermsLayer or None
        None where the network forecasts alone.
    **kwargs
        Of ``keras.layers.Layer``.
    """

    def __init__(self, network: Any, terms: TermsLayer | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.terms = terms
        self.built = True

    def call(self, inputs: Any, ahead: Any = None, training: bool = False) -> Any:
        """Forecast at every origin, in float32."""
        known = inputs if ahead is None else [inputs, ahead]
        forecasts = ops.cast(self.network(known, training=training), "float32")
        return forecasts if self.terms is None else self.terms(inputs) + forecasts
