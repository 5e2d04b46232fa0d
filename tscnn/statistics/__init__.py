"""Is a gain more than chance, and how far should an estimate be shrunk.

`gate` tests a gain and says how far to shrink it; `relative_block_gains` turns losses into what it takes.
`diebold_mariano` tests whether two forecasts differ. `limit_influence` keeps one column of many from deciding for all.
"""

from tscnn.statistics.diebold_mariano import diebold_mariano
from tscnn.statistics.gate import GateResult, gate, not_kept, relative_block_gains
from tscnn.statistics.influence import limit_influence

__all__ = [
    "GateResult",
    "diebold_mariano",
    "gate",
    "limit_influence",
    "not_kept",
    "relative_block_gains",
]
