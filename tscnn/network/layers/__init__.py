"""Keras layers of a causal stack.

Every layer of a forecaster is *valid*: it returns one position for each that sees all of its field, so that nothing is
ever computed from zero padding. A layer with a field of R rows takes (batch, time, ...) to (batch, time - R + 1, ...),
and output position j belongs to input row j + R - 1. Where a `padding` is asked for, zeros are put around the rows
once, below all parts of a layer. What each layer reads is in its attribute `taps`.
"""

from __future__ import annotations

from tscnn.network.activations import check_activation
from tscnn.network.layers.ahead import AheadHead
from tscnn.network.layers.conv_pool import ConvPoolBlock
from tscnn.network.layers.convolution import CausalConv1D
from tscnn.network.layers.cropping import CropToField
from tscnn.network.layers.head import Head
from tscnn.network.layers.linear_skip import LinearSkip
from tscnn.network.layers.normalizer import RollingNormalizer, ScaleBack
from tscnn.network.layers.per_feature import PerFeature
from tscnn.network.layers.resampling import Downsample1D, LinearUpsample1D, Upsample1D
from tscnn.network.layers.stack import ResidualBlock, WaveNetStack
from tscnn.network.layers.unit import GatedActivation
from tscnn.network.positions import pyramid_spacings

__all__ = [
    "AheadHead",
    "CausalConv1D",
    "ConvPoolBlock",
    "CropToField",
    "Downsample1D",
    "GatedActivation",
    "Head",
    "LinearSkip",
    "LinearUpsample1D",
    "PerFeature",
    "ResidualBlock",
    "RollingNormalizer",
    "ScaleBack",
    "Upsample1D",
    "WaveNetStack",
    "check_activation",
    "pyramid_spacings",
]
