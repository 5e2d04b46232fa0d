"""The term of the linear mixture: a linear map from each target's own window to the steps after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tscnn.linear.maps import LinearMaps

__all__ = ["LinearMixture"]


@dataclass(frozen=True, eq=False)
class LinearMixture(LinearMaps):
    """A weighted mean of ridge regressions on windows of several lengths, which is a linear map of the longest.

    See `LinearMaps` for its attributes; its columns are the targets.

    Examples
    --------
    >>> import numpy as np
    >>> repeats = LinearMixture(np.array([[[0.0], [1.0]]]), maps=[0], weights=[1.0], targets=[0])
    >>> repeats.dense(np.arange(4, dtype=np.float32)[:, None]).ravel()
    array([1., 2., 3.], dtype=float32)
    """

    name: ClassVar[str] = "linear_mixture"
