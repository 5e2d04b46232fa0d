"""What one layer reads: the positions of its input that each position of its output depends on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tscnn.common.checks import check_choice, check_int, received

__all__ = ["WIDEST_FIELD", "Chain", "Rows", "Taps"]

# Listing rows takes memory and time in proportion to the field; a slip of the finger should not.
WIDEST_FIELD = 1_000_000
PADDINGS = ("valid", "causal", "same")


class Rows(NamedTuple):
    """A set of positions, which may lie before the first row: the data are thought to go on there."""

    first: int
    reached: NDArray[np.bool_]

    def __or__(self, other: object) -> Rows:
        """Return the union."""
        assert isinstance(other, Rows)
        parts = [rows for rows in (self, other) if len(rows.reached)]
        first = min((rows.first for rows in parts), default=0)
        reached = np.zeros(max((rows.first - first + len(rows.reached) for rows in parts), default=0), dtype=bool)
        for rows in parts:
            reached[rows.first - first :][: len(rows.reached)] |= rows.reached
        return Rows(first, reached)

    def positions(self) -> NDArray[np.int64]:
        """List them.

        Returns
        -------
        ndarray of int64
            Ascending.
        """
        return np.flatnonzero(self.reached).astype(np.int64) + self.first


@dataclass(frozen=True)
class Taps:
    """The taps of a convolution, a pooling layer, or a transposed convolution.

    Output position j of a convolution or a pooling layer reads the positions
    ``j * stride + i * dilation_rate - before`` of its input, i = 0 .. kernel_size - 1, where `before` are the zeros put
    before the first row. A transposed one goes the other way: input position j reaches the positions
    ``j * stride + i * dilation_rate - before`` of its output, where `before` are those cut off at the front.

    Attributes
    ----------
    kernel_size : int
        Number of taps; of a pooling layer the size of its pool.
    dilation_rate, stride : int, default 1
        Positions from one tap to the next, and from one output to the next: of a transposed convolution, the outputs
        for each input.
    transposed : bool, default False
        Whether it spreads its input instead of gathering it.
    padding : {"causal", "same", "valid"} or (int, int), default "causal"
        As in Keras: with "causal" no output reads a later row, with "same" the field lies around it, with "valid" there
        is no padding. Or what is put before the first and after the last position, negative where positions are cut
        off; of a transposed convolution what is cut off its output at both ends.
    from_end : bool, default False
        Whether the positions of a `stride` are counted back from the newest row instead of from the first.

    Examples
    --------
    >>> Taps(3, dilation_rate=2).ends(100)
    (4, 0)
    >>> Taps(4, stride=2, transposed=True, padding="same").ends(100)
    (1, 1)
    """

    kernel_size: int
    dilation_rate: int = 1
    stride: int = 1
    transposed: bool = False
    padding: str | tuple[int, int] = "causal"
    from_end: bool = False

    def __post_init__(self) -> None:
        """Check all of it."""
        for name in ("kernel_size", "dilation_rate", "stride"):
            check_int(name, getattr(self, name), most=None)
        for name in ("transposed", "from_end"):
            check_choice(name, getattr(self, name), (True, False))
        if self.padding in PADDINGS:
            return
        if not isinstance(self.padding, tuple) or [type(n) for n in self.padding] != [int, int]:
            raise ValueError(
                received("`padding` must be one of 'valid', 'causal', 'same', or two integers.", padding=self.padding)
            )

    @property
    def reach(self) -> int:
        """Count the positions from the first tap to the last, less one.

        Returns
        -------
        int
            Zero for a single tap.
        """
        return (self.kernel_size - 1) * self.dilation_rate

    def ends(self, length: int) -> tuple[int, int]:
        """Count what is put before and after the input, or cut off the output of a transposed convolution.

        Parameters
        ----------
        length : int
            Positions of the input.

        Returns
        -------
        before, after : int
            Positions.
        """
        if isinstance(self.padding, tuple):
            return self.padding
        surplus = self.reach + 1 - self.stride  # of a transposed one, beyond `stride` outputs for each input
        if self.transposed:
            before = {"causal": 0, "valid": 0, "same": max(0, surplus // 2)}[self.padding]
            return before, min(0, surplus) if self.padding == "valid" else surplus - before
        if self.padding == "same":
            total = max(0, (-(-length // self.stride) - 1) * self.stride + self.reach + 1 - length)
            return total // 2, total - total // 2
        return (self.reach if self.padding == "causal" else 0), 0

    def length(self, length: int) -> int:
        """Count the positions of the output.

        Parameters
        ----------
        length : int
            Positions of the input.

        Returns
        -------
        int
            Positions.
        """
        before, after = self.ends(length)
        if self.transposed:
            return (length - 1) * self.stride + self.reach + 1 - before - after
        return (length + before + after - self.reach - 1) // self.stride + 1

    def read(self, rows: Rows, length: int) -> Rows:
        """Find what positions of the output depend on.

        Parameters
        ----------
        rows : Rows
            Positions of the output.
        length : int
            Positions of the input.

        Returns
        -------
        Rows
            Positions of the input.

        Raises
        ------
        ValueError
            If they are spread over more than a million.
        """
        before, after = self.ends(length)
        stride, reached = self.stride, rows.reached
        if self.transposed:
            first, reached = rows.first + before - self.reach, self._spread(reached)
            skipped = -first % stride
            return Rows((first + skipped) // stride, reached[skipped::stride])
        offset = (length + before + after - self.reach - 1) % stride if self.from_end else 0
        apart = _nothing(max(0, (len(reached) - 1) * stride + 1))
        apart[::stride] = reached
        return Rows(rows.first * stride + offset - before, self._spread(apart))

    def _spread(self, reached: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Shift by every tap, and unite."""
        wide = _nothing(len(reached) + self.reach)
        wide[: len(reached)] = reached
        n_taps = 1
        while n_taps < self.kernel_size and len(reached):  # twice as many at a time
            further = min(n_taps, self.kernel_size - n_taps) * self.dilation_rate
            wide[further:] |= wide[:-further]
            n_taps += further // self.dilation_rate
        return wide


def _nothing(n_rows: int) -> NDArray[np.bool_]:
    if n_rows > WIDEST_FIELD:
        rule = f"`layers` must have a receptive field of at most {WIDEST_FIELD} rows to list its lags."
        raise ValueError(received(rule, receptive_field=n_rows))
    return np.zeros(n_rows, dtype=bool)


@dataclass(frozen=True)
class Chain:
    """Layers one after the other, the one nearest to the input first."""

    taps: tuple[Taps, ...] = ()

    @property
    def rates(self) -> tuple[int, int]:
        """Multiply the strides.

        Returns
        -------
        up, down : int
            Of transposed layers, and of others.
        """
        up, down = ([taps.stride for taps in self.taps if taps.transposed is wanted] for wanted in (True, False))
        return math.prod(up), math.prod(down)

    def length(self, length: int) -> int:
        """Count the positions of the output.

        Parameters
        ----------
        length : int
            Positions of the input.

        Returns
        -------
        int
            Positions.
        """
        for taps in self.taps:
            length = taps.length(length)
        return length

    def read(self, rows: Rows, length: int) -> Rows:
        """Find what positions of the output depend on.

        Parameters
        ----------
        rows : Rows
            Positions of the output.
        length : int
            Positions of the input.

        Returns
        -------
        Rows
            Positions of the input.
        """
        lengths = [length]
        for taps in self.taps:
            lengths.append(taps.length(lengths[-1]))
        for taps, n_inputs in zip(self.taps[::-1], lengths[-2::-1], strict=True):
            rows = taps.read(rows, n_inputs)
        return rows
