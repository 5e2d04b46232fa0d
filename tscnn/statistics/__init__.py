"""Is a gain more than chance, and how far should an estimate be shrunk.

`gate` tests a gain and says how far to shrink it; `relative_block_gains` turns losses into what it takes.
"""

from tscnn.statistics.gate import GateResult, gate, not_kept, relative_block_gains
from tscnn.statistics.shrinkage import oas_intensity, shrink_products

__all__ = ["GateResult", "gate", "not_kept", "oas_intensity", "relative_block_gains", "shrink_products"]
