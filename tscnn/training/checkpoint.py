"""How far the training of a fit's networks is, kept in a file after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from tscnn.common.archive import arrays_of, find_place, read_archive, write_archive
from tscnn.common.checks import received

__all__ = ["Checkpoint", "Keep", "State"]

State = tuple[dict[str, Any], dict[str, np.ndarray]]  # of one network: what JSON holds, and arrays by name
Keep = Callable[[State], None]


class Checkpoint:
    """A file of JSON and arrays, written anew and at once after every epoch.

    Parameters
    ----------
    path : str or path-like
        Of the file, in a folder that exists.
    described : mapping
        What tells the fit from others, of what JSON holds.
    states : mapping of int to State, optional
        By number of the network, how far its training is.
    """

    def __init__(self, path: Any, described: Mapping[str, Any], states: Mapping[int, State] | None = None) -> None:
        self.path: Path = find_place(path)
        self.described = dict(described)
        self.states = dict(states or {})

    @classmethod
    def read(cls, path: Any) -> Self:
        """Read what was written.

        Parameters
        ----------
        path : str or path-like
            Of the file.

        Returns
        -------
        Checkpoint
            As it was then.

        Raises
        ------
        ValueError, OSError
            If there is no such file, or it is no checkpoint.
        """
        header, arrays = read_archive(path)
        if set(header) != {"checkpoint", "networks"}:
            raise ValueError(received("`resume` must name a checkpoint, of `fit(checkpoint=..)`.", resume=str(path)))
        states = {}
        for name, own in header["networks"].items():
            states[int(name)] = own, arrays_of(name, arrays)
        return cls(path, header["checkpoint"], states)

    def keep(self, number: int, state: State) -> None:
        """Keep how far a network is, in place of what was kept of it.

        Parameters
        ----------
        number : int
            Of the network.
        state : State
            Of its training.
        """
        self.states[number] = state
        self.write()

    def write(self) -> None:
        """Write the file, in place of what was there."""
        networks = {str(number): header for number, (header, _) in self.states.items()}
        arrays = {f"{number}/{name}": array for number, (_, own) in self.states.items() for name, array in own.items()}
        write_archive(self.path, {"checkpoint": self.described, "networks": networks}, arrays)
