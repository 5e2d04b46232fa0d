"""Settings of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tscnn.common.checks import check_choice, check_int, check_real, received
from tscnn.common.settings import Settings

__all__ = ["Training"]

_REFUSED = {
    "BackupAndRestore": "a fit starts from scratch, and saves with `Forecaster.save` when it is done",
    "OrbaxCheckpoint": "keras.callbacks.ModelCheckpoint saves the convolutions",
    "SwapEMAWeights": "with validation rows the best epoch stays, and the optimizer averages no weights",
}


@dataclass(frozen=True)
class Training(Settings):
    """How the network of a forecaster is trained; checked when training begins.

    The first nine settings are those that people change. Of the others each says where its value comes from:
    "benchmarks" is the page in the repository, by section.

    Attributes
    ----------
    epochs : "auto" or int, default "auto"
        Passes over the training rows, at most; "auto" makes about `n_steps` steps of them, at least 3 passes, each over
        a part of the origins, drawn anew, where all would be more than `epoch_values` forecast values. Where the second
        half of these still lowered the validation loss by one per cent, as many again follow twice over, and then
        four times, unless all would be more than `round_values`. It makes a single step where the validation origins
        are too few to tell whether convolutions add something to linear terms; without validation rows, a single pass
        where the training origins are.
    batch_size : int, default 256
        Origins of a training step.
    learning_rate : float, default 2e-3
        Of AdamW at the start; it falls to zero along a cosine, in each round of ``epochs="auto"`` anew.
    weight_decay : float, default 1e-3
        Of AdamW.
    patience : int, default 3
        Epochs without improvement on the validation rows after which training stops; with ``epochs="auto"`` in the
        first round only, and not while that still lowers the loss.
    loss : str or callable, default "mse"
        What forecasts are to make small, on columns standardised by their training rows: "mse" (which forecasts means),
        "mae" (medians), "huber" or "log_cosh" (between the two), a Keras loss of these kinds, such as
        ``keras.losses.Huber(delta=0.5)``, or a function (outcomes, forecasts) of shape (.., n_targets) -> loss of shape
        (..), such as that of a quantile: ``lambda y, f: ops.mean(ops.maximum(0.9 * (y - f), 0.1 * (f - y)), axis=-1)``.
        The linear model, which has the least squared error, takes part for "mse" only; by any other loss the network
        forecasts alone, and is trained and chosen by that loss, and `report_` says little of it. A function counts as
        another loss, whatever it computes.
    mode : {"dense", "window"}, default "dense"
        "dense" trains on segments of neighbouring origins, whose work is shared; "window" on one window an origin, in
        random order, of which only what its forecast needs is computed. Slower, and the same weights.
    precision : {"float32", "mixed_bfloat16"}, default "float32"
        Of the convolutions in training; "mixed_bfloat16" is for GPUs. Forecasts are always computed in float32.
    callbacks : list of keras.callbacks.Callback, optional
        Called for each network that is tried, one after the other. What sets the learning rate
        (``ReduceLROnPlateau``, ``LearningRateScheduler``) replaces the cosine from then on; what saves, loads, gets or
        sets weights (``ModelCheckpoint``, ``EarlyStopping``) means those of the convolutions, before they are shrunk,
        and with validation rows the best epoch stays in any case. ``logs["val_loss"]`` is there with validation rows
        alone. A batch is up to `looped_steps` training steps.
    n_steps : int, default 300
        Training steps that ``epochs="auto"`` aims at in its first round: beside linear terms a network learns fast, and
        then overfits. Chosen on sets, see docs/what-was-tried.md, where more gain nothing beside long linear maps.
    n_rounds : int, default 3
        Rounds of ``epochs="auto"``, at most, each twice as long as the one before. Chosen by benchmarks: "What was
        tried", where convolutions have much to learn.
    round_gain : float, default 0.01
        Part by which the second half of a round has to lower the loss for another round. A convention.
    round_values : int, default 500_000_000
        Forecast values up to the end of any round but the first: some minutes. A convention, for the time of a fit.
    epoch_values : int, default 50_000_000
        Forecast values in an epoch of ``epochs="auto"``, at most: some seconds. Chosen by benchmarks: "Speed", where
        many columns or a long horizon make a step dear, and rarely teach more.
    epoch_steps : int, default 30
        Steps of an epoch in any case, or all that there are. A convention.
    validation_values : int, default 20_000_000
        Outcomes that an epoch is evaluated on, unless the horizon is shorter than a segment, and they are no more than
        67 million. A convention, for the time of a fit.
    step_values : int, default 1_000_000
        Forecast values that are evaluated at a time, unless a training step has more: 4 MB. A convention, for the
        memory.
    looped_steps : int, default 64
        Training steps of one call of TensorFlow's graph, at most. Chosen by benchmarks: "Speed".
    traced_steps : int, default 12
        Steps of training and of evaluation from which on TensorFlow traces them, which takes two seconds, before it
        runs them. A convention, for the time of short fits.
    segment_origins : "auto" or int, default "auto"
        Origins of a segment; "auto" takes 32, and longer ones with longer lookbacks. Neighbours are alike, so that
        several short segments a step teach more than a long one. Chosen by benchmarks: "Time to accuracy".
    fewest_blocks : int, default 4
        Independent stretches, as long as the horizon, that validation origins must hold to tell whether the network
        adds something to linear terms. That of `tscnn.statistics.gate`.
    level : float in (0, 1), default 0.2
        Of the test whether it does. A convention: what passes is shrunk by how uncertain it is, so that a gain by
        chance costs little.
    shrinkage : float in [0, 1], default 0.5
        Part that is applied of the shrinkage that the test finds for the gain: a gain is quadratic in what the network
        adds, which is known better. Chosen by ``benchmarks.ablation --parts shrinkage``: 0.06 +- 0.04 % of the error of
        ten sets of hours and days, 0.3 % of the weather's, no loss.
    least_scale : float, default 0.1
        Least scale that an epoch is kept with beside linear terms: some tiny part of anything is better by chance. A
        convention.
    short_lookback : int, default 64
        Rows of a lookback, below which ``normalizer_span="auto"`` also tries a network without rolling normaliser.
        Chosen on sets, see docs/what-was-tried.md.

    Examples
    --------
    >>> Training(epochs=3).set_params(batch_size=64).batch_size
    64
    """

    bounds: ClassVar[dict[str, int]] = {"round_gain": 1}

    epochs: str | int = "auto"
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    patience: int = 3
    loss: Any = "mse"
    mode: str = "dense"
    precision: str = "float32"
    callbacks: Sequence[Any] | None = None
    n_steps: int = 300
    n_rounds: int = 3
    round_gain: float = 0.01
    round_values: int = 500_000_000
    epoch_values: int = 50_000_000
    epoch_steps: int = 30
    validation_values: int = 20_000_000
    step_values: int = 1_000_000
    looped_steps: int = 64
    traced_steps: int = 12
    segment_origins: str | int = "auto"
    fewest_blocks: int = 4
    level: float = 0.2
    shrinkage: float = 0.5
    least_scale: float = 0.1
    short_lookback: int = 64

    def check(self) -> None:
        """Check every setting but the loss, which needs Keras.

        Raises
        ------
        TypeError, ValueError
            Naming the setting that breaks a rule.
        """
        check_real("learning_rate", self.learning_rate, low=0, include_low=False)
        check_real("level", self.level, low=0, high=1, include_low=False)
        if check_real("shrinkage", self.shrinkage, low=0) > 1:
            raise ValueError(received("`shrinkage` must be a number in [0, 1].", shrinkage=self.shrinkage))
        self.check_kinds()
        _check_callbacks(self.callbacks)
        for name in ("epochs", "segment_origins"):
            value = getattr(self, name)
            if not (isinstance(value, str) and value == "auto"):
                check_int(name, value, auto=True)
        check_choice("mode", self.mode, ("dense", "window"))
        check_choice("precision", self.precision, ("float32", "mixed_bfloat16"))


def _check_callbacks(callbacks: Any) -> None:
    """Check, without Keras, that callbacks are a list of Keras's, and can be called in a fit."""
    rule = "`callbacks` must be None or a list of Keras callbacks, such as [keras.callbacks.EarlyStopping()]."
    if callbacks is None:
        return
    if not isinstance(callbacks, list | tuple):
        raise TypeError(received(rule, callbacks=callbacks))
    for callback in callbacks:
        bases = [base for base in type(callback).__mro__ if base.__module__.startswith("keras.")]
        if not any(base.__name__ == "Callback" for base in bases):
            raise TypeError(received(rule, callbacks=callbacks))
        for name in (base.__name__ for base in bases if base.__name__ in _REFUSED):
            raise ValueError(received(f"`callbacks` can't hold a {name}: {_REFUSED[name]}.", callbacks=callbacks))
