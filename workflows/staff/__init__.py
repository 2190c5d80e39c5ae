"""Staff: who works here, from joining to leaving."""

from workflows.staff.leaving import leave

__all__ = ["leave"]
