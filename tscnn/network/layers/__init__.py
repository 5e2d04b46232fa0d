"""Keras layers of a causal stack.

Every layer here is *valid*: it returns one position for each that sees all of its field, so that nothing is ever
computed from zero padding. A layer with a field of R rows takes (batch, time, ...) to (batch, time - R + 1, ...), and
output position j belongs to input row j + R - 1.
"""

from __future__ import annotations

from tscnn.network.activations import check_activation
from tscnn.network.layers.ahead import AheadHead
from tscnn.network.layers.convolution import CausalConv1D
from tscnn.network.layers.head import Head
from tscnn.network.layers.linear_skip import LinearSkip
from tscnn.network.layers.normalizer import RollingNormalizer, ScaleBack
from tscnn.network.layers.per_feature import PerFeature
from tscnn.network.layers.stack import GatedActivation, ResidualBlock, WaveNetStack
from tscnn.network.positions import pyramid_spacings

__all__ = [
    "AheadHead",
    "CausalConv1D",
    "GatedActivation",
    "Head",
    "LinearSkip",
    "PerFeature",
    "ResidualBlock",
    "RollingNormalizer",
    "ScaleBack",
    "WaveNetStack",
    "check_activation",
    "pyramid_spacings",
]
