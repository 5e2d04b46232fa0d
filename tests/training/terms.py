"""Linear terms that are simple enough to check by eye."""

from dataclasses import dataclass

from tscnn.common import numpy_ops


@dataclass(frozen=True)
class Repeat:
    """Repeat the row of `context` - 1 rows ago, two steps long."""

    context: int

    def in_graph(self, rows, ops):
        oldest = rows[:, : ops.shape(rows)[1] - self.context + 1, None]
        return ops.concatenate([oldest, oldest], axis=2)

    def dense(self, rows):
        return self.in_graph(rows[None], numpy_ops)[0]


@dataclass(frozen=True)
class Trend:
    """A correction: some part of the newest row at the first step, more at the second."""

    context: int

    def in_graph(self, rows, ops):
        newest = rows[:, self.context - 1 :, None]
        return ops.concatenate([0.1 * newest, 0.2 * newest], axis=2)

    def dense(self, rows):
        return self.in_graph(rows[None], numpy_ops)[0]
