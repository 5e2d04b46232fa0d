"""The term of the principal components: linear maps of what targets have in common, and of what sets them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tscnn.linear.maps import LinearMaps

__all__ = ["PrincipalComponents"]


@dataclass(frozen=True, eq=False)
class PrincipalComponents(LinearMaps):
    """Linear mixtures of the principal components of all targets.

    See `LinearMaps` for its attributes; its columns are the components.

    References
    ----------
    .. [1] Stock and Watson (2002), Forecasting Using Principal Components From a Large Number of Predictors.
    """

    name: ClassVar[str] = "principal_components"

    @classmethod
    def of_axes(
        cls,
        axes: np.ndarray,
        targets: np.ndarray,
        n_features: int,
        *,
        kernel: np.ndarray,
        maps: np.ndarray,
        weights: np.ndarray,
    ) -> Self:
        """Make the term of given axes.

        Parameters
        ----------
        axes : ndarray of shape (n_targets, n_components)
            A component a column, of length one.
        targets : ndarray of int of shape (n_targets,)
            Positions of the targets among the features.
        n_features : int
            Features of the rows.
        kernel, maps, weights : ndarray
            Of `LinearMaps`.

        Returns
        -------
        PrincipalComponents
            Whose components see the targets alone.
        """
        into = np.zeros((n_features, axes.shape[1]), np.float32)
        into[targets] = axes
        return cls(kernel, maps, weights, into=into, back=axes.T)
