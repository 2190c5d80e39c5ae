"""What a codec reads from bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.spoken import DescribedPoint


@dataclass(frozen=True, slots=True)
class Content:
    """values: of now. history: what was stored before, with `ts` in seconds.

    points: what the codec knows of the values. problem: why it stopped before the end.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    points: tuple[DescribedPoint, ...] = ()
    problem: Problem | None = None
