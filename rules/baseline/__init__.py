"""What is usual for a point, learned from its own readings (docs/decisions/0024)."""

from rules.baseline.baseline import Baseline
from rules.baseline.hours import LEARNS_FROM_DAYS
from rules.baseline.journal import Journal
from rules.baseline.local import offset_in
from rules.baseline.telling import explain
from rules.baseline.verdict import Finding, Odd

__all__ = ["LEARNS_FROM_DAYS", "Baseline", "Finding", "Journal", "Odd", "explain", "offset_in"]
