"""The laboratory: rules tried on stored history."""

from workflows.laboratory.backtest import Cancelled, Progress, run
from workflows.laboratory.in_force import Tried, draft_asked, version_asked
from workflows.laboratory.orders import Order, order
from workflows.laboratory.result import Lived, Result, Verdict

__all__ = [
    "Cancelled",
    "Lived",
    "Order",
    "Progress",
    "Result",
    "Tried",
    "Verdict",
    "draft_asked",
    "order",
    "run",
    "version_asked",
]
