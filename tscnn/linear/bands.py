"""Bands of the horizon: its cosine coefficients, from slow to fast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.fft import dct, idct

__all__ = ["CosineBands"]


@dataclass(frozen=True)
class CosineBands:
    """Octaves of the cosine coefficients of a horizon: what is slow hangs on older rows than what is fast.

    Coefficients are those of `scipy.fft.dct`, orthonormal, slowest first. The first band is the mean of the horizon,
    the second one half-wave, the next two and three .., and the last has all the rest.

    Attributes
    ----------
    n_bands : int, default 1
        Bands; of one, the horizon is not divided.

    Examples
    --------
    >>> bands = CosineBands.of_horizon(24, most=6)
    >>> [(band.start, band.stop) for band in bands.slices(24)]
    [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 24)]
    >>> bands.spans(24).tolist()
    [24.0, 24.0, 12.0, 6.0, 3.0, 1.5]
    >>> np.allclose(bands.to_steps(bands.to_coefficients(np.arange(24.0))), np.arange(24))
    True
    """

    n_bands: int = 1

    @classmethod
    def of_horizon(cls, n_steps: int, most: int) -> CosineBands:
        """Divide a horizon, as far as it has steps.

        Parameters
        ----------
        n_steps : int
            Steps that errors are computed at, evenly spread; there are as many bands of more steps.
        most : int
            Bands, at most.

        Returns
        -------
        CosineBands
            Of no empty band.
        """
        return cls(min(most, (n_steps - 1).bit_length() + 1))

    def slices(self, n_steps: int) -> list[slice]:
        """Return the coefficients of each band.

        Parameters
        ----------
        n_steps : int
            Steps of the horizon.

        Returns
        -------
        list of slice
            Slowest first.
        """
        edges = [*((1 << band) // 2 for band in range(self.n_bands)), n_steps]
        return [slice(start, stop) for start, stop in itertools.pairwise(edges)]

    def spans(self, n_steps: int) -> np.ndarray:
        """Return the steps that the slowest half-wave of each band takes.

        Parameters
        ----------
        n_steps : int
            Steps of the horizon.

        Returns
        -------
        ndarray of float of shape (n_bands,)
            All steps for the mean.
        """
        return n_steps / np.maximum(1, 2 ** np.arange(self.n_bands) // 2)

    def by_coefficient(self, values: np.ndarray, n_steps: int) -> np.ndarray:
        """Repeat what bands have for each of their coefficients.

        Parameters
        ----------
        values : ndarray of shape (n_bands, n_features)
            Of each band.
        n_steps : int
            Steps of the horizon.

        Returns
        -------
        ndarray of shape (n_features, n_steps)
            Of each coefficient.
        """
        return np.repeat(values, [band.stop - band.start for band in self.slices(n_steps)], axis=0).T

    @staticmethod
    def to_coefficients(values: np.ndarray) -> np.ndarray:
        """Turn steps into cosine coefficients.

        Parameters
        ----------
        values : ndarray of shape (..., n_steps)
            By step of the horizon.

        Returns
        -------
        ndarray of shape (..., n_steps)
            By coefficient.
        """
        return np.asarray(dct(values, norm="ortho"))

    @staticmethod
    def to_steps(coefficients: np.ndarray) -> np.ndarray:
        """Turn cosine coefficients back into steps.

        Parameters
        ----------
        coefficients : ndarray of shape (..., n_steps)
            By coefficient.

        Returns
        -------
        ndarray of shape (..., n_steps)
            By step of the horizon.
        """
        return np.asarray(idct(coefficients, norm="ortho"))
