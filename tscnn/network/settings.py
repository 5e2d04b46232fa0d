"""Settings of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tscnn.common.settings import Settings

__all__ = ["TCN"]


@dataclass(frozen=True)
class TCN(Settings):
    """The causal convolutions of a forecaster; checked when they are built.

    Attributes
    ----------
    feature_mode : {"joint", "front_end", "independent", "auto"}, default "joint"
        How columns meet: all in the first layer; after a front end that treats each by itself; or never, with the
        same weights for each. "auto" trains a joint and an independent network and keeps the one whose error on the
        validation rows is smaller.
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
        is to take the level of: with a short lookback "auto" also trains a network without normaliser, and keeps it
        if its error on the validation rows is smaller.
    activation : str, default "gated"
        "gated" or the name of a Keras activation.
    normalization : {None, "layer", "batch"}, default None
        Normalisation inside the residual blocks.
    dropout : float in [0, 1), default 0.2
        Share of filters dropped in training.

    Examples
    --------
    >>> TCN(filters=16).set_params(kernel_size=3)
    TCN(feature_mode='joint', filters=16, kernel_size=3, dilation_rates='auto', n_stacks=1, normalizer_span='auto',
        activation='gated', normalization=None, dropout=0.2)
    """

    feature_mode: str = "joint"
    filters: int = 32
    kernel_size: int = 2
    dilation_rates: str | Sequence[int] | Sequence[Sequence[int]] = "auto"
    n_stacks: int = 1
    normalizer_span: str | int | None = "auto"
    activation: str = "gated"
    normalization: str | None = None
    dropout: float = 0.2
