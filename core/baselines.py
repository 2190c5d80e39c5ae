"""What was learned to be usual for points, kept so that a restart goes on with it.

A row is never ahead of the readings that are stored: whoever goes on from it takes in what is
stored after `last`, and so comes to what was known before.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base

# So many are read at once: each is some 15 kB.
_AT_ONCE = 200


class LearnedBaseline(Base):
    """The baseline of a point (`rules.baseline`).

    first, last: event times of the first and the newest reading that it has taken in, µs. state:
    its JSON. replaced: JSON of the readings after `last` that were judged by a value which has
    given way to another since, as pairs of time and value.
    """

    __tablename__ = "learned_baseline"

    series: Mapped[int] = mapped_column(ForeignKey("point.series"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    replaced: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A baseline at rest. replaced: by event time, the values that were judged by."""

    series: int
    site_id: UUID
    first: int
    last: int
    state: dict[str, Any]
    replaced: dict[int, float]


def lessons(session: Session, series: Collection[int]) -> Iterator[Lesson]:
    """What is known of these points, some at a time."""
    numbers = sorted(series)
    for begin in range(0, len(numbers), _AT_ONCE):
        part = numbers[begin : begin + _AT_ONCE]
        for row in session.scalars(
            select(LearnedBaseline).where(LearnedBaseline.series.in_(part))
        ).all():
            yield Lesson(
                row.series, row.site_id, row.first, row.last,
                json.loads(row.state), _replaced(row),
            )  # fmt: skip
            session.expunge(row)


def first_learned(session: Session) -> dict[int, int]:
    """From which reading on each point was learned, µs."""
    rows = session.execute(select(LearnedBaseline.series, LearnedBaseline.first))
    return {series: first for series, first in rows if first}


def keep(session: Session, lesson: Lesson) -> None:
    """Keep a baseline in the place of the one that was kept before."""
    row = session.get(LearnedBaseline, lesson.series)
    state = json.dumps(lesson.state, separators=(",", ":"))
    if row is None:
        row = LearnedBaseline(series=lesson.series, site_id=lesson.site_id, replaced="[]")
        session.add(row)
    row.first, row.last, row.state = lesson.first, lesson.last, state
    later = [[at, value] for at, value in _replaced(row).items() if at > lesson.last]
    row.replaced = json.dumps(later)


def note_replaced(session: Session, series: int, at: int, value: float) -> None:
    """A reading was judged by `value`, which gives way to another: what is stored will not tell.

    Of several values of one time the first one counts, as it did for the baseline.
    """
    row = session.get(LearnedBaseline, series)
    if row is not None and at > row.last:
        row.replaced = json.dumps([*({at: value} | _replaced(row)).items()])


def _replaced(row: LearnedBaseline) -> dict[int, float]:
    return {int(at): float(value) for at, value in json.loads(row.replaced)}
