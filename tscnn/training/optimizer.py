"""AdamW on one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tscnn.network.backend import keras, ops

__all__ = ["FlatAdamW"]


class FlatAdamW(keras.optimizers.Optimizer):
    """AdamW that updates all weights as one vector.

    The numbers are those of ``keras.optimizers.AdamW``. That one repeats its operations for every weight, and a stack
    has many small ones, so that most of what is traced is the optimizer; this runs them once. Its `learning_rate` can
    be set, as callbacks do, also where it was made with a schedule, which then no longer counts.

    Parameters
    ----------
    learning_rate : float or schedule
        Step size.
    weight_decay : float
        Share of each weight, times the learning rate, taken off it at each step; biases are left out.
    beta_1, beta_2, epsilon : float
        As in Keras.

    References
    ----------
    .. [1] Loshchilov and Hutter (2019), Decoupled Weight Decay Regularization, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name="flat_adamw")
        self.decay = weight_decay
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.rate_set = self.add_variable(shape=(), initializer="zeros", dtype="float32", name="rate_set")
        self.is_set = self.add_variable(shape=(), initializer="zeros", dtype="bool", name="is_set")

    @property
    def learning_rate(self) -> Any:
        """The present one.

        Returns
        -------
        tensor
            Of the schedule, or what it was set to since.
        """
        is_set, rate_set = map(ops.convert_to_tensor, (self.is_set, self.rate_set))
        return ops.where(is_set, rate_set, ops.cast(self._get_current_learning_rate(), "float32"))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.rate_set.assign(value)
        self.is_set.assign(True)

    def build(self, variables: Sequence[Any]) -> None:
        """Make the two moments, one vector each."""
        if self.built:
            return
        super().build(variables)
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        self.ends = np.cumsum(sizes)[:-1].tolist()
        decays = [0.0 if "bias" in variable.path else self.decay for variable in variables]
        self.decays = np.repeat(np.asarray(decays, np.float32), sizes)
        self.first_moment = self.add_variable(shape=(sum(sizes),), initializer="zeros", name="first_moment")
        self.second_moment = self.add_variable(shape=(sum(sizes),), initializer="zeros", name="second_moment")

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Update the weights.

        Parameters
        ----------
        grads : sequence of tensor
            One for each weight.
        trainable_variables : sequence of keras.Variable, optional
            The weights, default those that the optimizer was built for.
        """
        if trainable_variables is not None and not self.built:
            self.build(list(trainable_variables))
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        gradient = ops.concatenate([ops.reshape(part, (-1,)) for part in grads])
        weights = ops.concatenate([ops.reshape(ops.convert_to_tensor(variable), (-1,)) for variable in variables])
        rate = self.learning_rate
        step = ops.cast(self.iterations + 1, "float32")
        first = self.first_moment + (gradient - self.first_moment) * (1 - self.beta_1)
        second = self.second_moment + (ops.square(gradient) - self.second_moment) * (1 - self.beta_2)
        correction = ops.sqrt(1 - ops.power(self.beta_2, step)) / (1 - ops.power(self.beta_1, step))
        change = (
            rate * correction * first / (ops.sqrt(second) + self.epsilon)
            + rate * ops.convert_to_tensor(self.decays) * weights
        )
        self.first_moment.assign(first)
        self.second_moment.assign(second)
        for variable, new in zip(variables, ops.split(weights - change, self.ends), strict=True):
            variable.assign(ops.reshape(new, variable.shape))
        self.iterations.assign_add(1)
