"""The outcomes of a horizon as waves, from slow to fast, and those of its near steps besides."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.fft import dct, idct

__all__ = ["Bands"]

MOST_OCTAVES = 6  # of the waves of a horizon: what is slow in it hangs on older rows than what is fast
NEAR = 8  # part of the horizon whose steps are near


@dataclass(frozen=True)
class Bands:
    """Octaves of the cosine waves of a horizon, and as many as there are of those of its near steps, the first eighth.

    Near steps hang on newer rows than the others, which the waves of the whole horizon can't tell; so they have waves
    of their own, which replace the others there. Waves are coefficients of `scipy.fft.dct`, orthonormal: those of the
    whole horizon come first, slowest first, then those of the near steps.

    Examples
    --------
    >>> bands = Bands.of_horizon(24)
    >>> bands
    Bands(n_octaves=6, n_near=3)
    >>> [(band.start, band.stop) for band in bands.slices(24)]
    [(0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 24), (24, 25), (25, 26), (26, 27)]
    >>> bands.spans(24).tolist()
    [24.0, 24.0, 12.0, 6.0, 3.0, 1.5, 3.0, 3.0, 1.5]
    >>> import numpy as np
    >>> waves = bands.to_waves(np.arange(24.0))
    >>> waves.shape, np.allclose(bands.to_steps(waves, 24), np.arange(24))
    ((27,), True)
    """

    n_octaves: int = 1  # of the whole horizon: its mean, one half-wave, two and three, .. the last has all the rest
    n_near: int = 0  # of the near steps, if they have waves of their own

    @classmethod
    def of_horizon(cls, n_steps: int) -> Bands:
        """Divide a horizon, as far as it has steps.

        Parameters
        ----------
        n_steps : int
            Steps that maps are judged at, evenly spread; bands of more steps are as many.

        Returns
        -------
        Bands
            Of a horizon of fewer than eight steps without near ones.
        """
        return cls(_count_octaves(n_steps), _count_octaves(_count_near(n_steps)) if n_steps >= NEAR else 0)

    def slices(self, n_steps: int) -> list[slice]:
        """Return the waves of each band.

        Parameters
        ----------
        n_steps : int
            Of the horizon.

        Returns
        -------
        list of slice
            Those of the whole horizon first.
        """
        return _octaves(0, n_steps, self.n_octaves) + _octaves(n_steps, _count_near(n_steps), self.n_near)

    def spans(self, n_steps: int) -> np.ndarray:
        """Return the steps that the slowest half-wave of each band takes.

        Parameters
        ----------
        n_steps : int
            Of the horizon.

        Returns
        -------
        ndarray of float of shape (n_bands,)
            Of a mean all steps that it is taken of.
        """
        whole, near = (1 / np.maximum(1, 2 ** np.arange(n) // 2) for n in (self.n_octaves, self.n_near))
        return np.concatenate([n_steps * whole, _count_near(n_steps) * near])

    def by_wave(self, values: np.ndarray, n_steps: int) -> np.ndarray:
        """Repeat what bands have for each of their waves.

        Parameters
        ----------
        values : ndarray of shape (n_bands, n_features)
            Of each band.
        n_steps : int
            Of the horizon.

        Returns
        -------
        ndarray of shape (n_features, n_waves)
            Of each wave.
        """
        return np.repeat(values, [band.stop - band.start for band in self.slices(n_steps)], axis=0).T

    def to_waves(self, values: np.ndarray) -> np.ndarray:
        """Describe steps by waves.

        Parameters
        ----------
        values : ndarray of shape (..., n_steps)
            By step of the horizon.

        Returns
        -------
        ndarray of shape (..., n_waves)
            By wave.
        """
        waves = dct(values, norm="ortho")
        if not self.n_near:
            return np.asarray(waves)
        return np.concatenate([waves, dct(values[..., : _count_near(values.shape[-1])], norm="ortho")], axis=-1)

    def to_steps(self, waves: np.ndarray, n_steps: int) -> np.ndarray:
        """Return what waves add up to.

        Parameters
        ----------
        waves : ndarray of shape (..., n_waves)
            By wave.
        n_steps : int
            Of the horizon.

        Returns
        -------
        ndarray of shape (..., n_steps)
            By step: near ones are what their own waves say.
        """
        steps = np.asarray(idct(waves[..., :n_steps], norm="ortho"))
        if self.n_near:
            steps[..., : _count_near(n_steps)] = idct(waves[..., n_steps:], norm="ortho")
        return steps


def _count_near(n_steps: int) -> int:
    return -(-n_steps // NEAR)


def _count_octaves(n_waves: int) -> int:
    return min(MOST_OCTAVES, (n_waves - 1).bit_length() + 1)


def _octaves(first: int, n_waves: int, n_octaves: int) -> list[slice]:
    """Divide waves into octaves, the last of which has all that are left."""
    edges = [*(first + (1 << octave) // 2 for octave in range(n_octaves)), first + n_waves]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)] if n_octaves else []
