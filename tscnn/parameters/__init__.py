"""What a forecaster's parameters mean, and the errors where they mean nothing.

Given      `GroupedParameters`: parameters in the groups of `GROUPS`, or flat
Checked    `read_parameters`, which returns `CheckedParameters`
Backtests  `RefitSettings`, where they fit anew
"""

from __future__ import annotations

from tscnn.parameters.checked import CheckedParameters, read_parameters
from tscnn.parameters.groups import GROUPS, GroupedParameters
from tscnn.parameters.refit import RefitSettings

__all__ = ["GROUPS", "CheckedParameters", "GroupedParameters", "RefitSettings", "read_parameters"]
