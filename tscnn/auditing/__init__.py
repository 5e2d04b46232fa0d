"""Can it be trusted: checks of a model on a user's own rows, by changing rows and looking at what changes."""

from __future__ import annotations

from tscnn.auditing.black_box import audit
from tscnn.auditing.findings import Audit, Finding
from tscnn.auditing.fitted import audit_forecaster

__all__ = ["Audit", "Finding", "audit", "audit_forecaster"]
