"""Mappings: what a foreign message means, said as data instead of as a decoder."""

from core.mappings.document import read_mapping
from core.mappings.evaluating import evaluate
from core.mappings.model import MessageMapping, Reading
from core.mappings.outcome import Outcome, Said, Spoke, Trouble
from core.mappings.place import Fault
from core.mappings.tracing import Trace, Traced
from core.mappings.writing import as_yaml, from_text

__all__ = [
    "Fault",
    "MessageMapping",
    "Outcome",
    "Reading",
    "Said",
    "Spoke",
    "Trace",
    "Traced",
    "Trouble",
    "as_yaml",
    "evaluate",
    "from_text",
    "read_mapping",
]
