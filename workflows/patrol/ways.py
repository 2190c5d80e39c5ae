"""Ways: how long people take from one checkpoint to the next, as their rounds have shown.

A way is directed: what lies between two scans is the stay at the first one and the walk to the
second, and neither is the same the other way round. See `docs/decisions/0035`.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant

# From one checkpoint to the next one.
Pair = tuple[UUID, UUID]
# So many are asked for at once.
_AT_ONCE = 100


class PatrolWay(Base):
    """What rounds have shown of a way, as of `learned_at`; seconds.

    n: how often it was gone; people: how many known people have gone it often enough to be heard.
    usual_s, quickest_s: none until enough was seen. first_at, last_at: of the oldest and the newest
    time that was looked at, by the scanner's clock.
    """

    __tablename__ = "patrol_way"

    from_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoint.id"), primary_key=True)
    to_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoint.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    n: Mapped[int] = mapped_column(Integer)
    people: Mapped[int] = mapped_column(Integer)
    usual_s: Mapped[int | None] = mapped_column(Integer)
    quickest_s: Mapped[int | None] = mapped_column(Integer)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)
    learned_at: Mapped[datetime] = mapped_column(Instant)


def usual(session: Session, from_id: UUID, to_id: UUID) -> int | None:
    """Seconds that lie usually between scans of two checkpoints; None until enough is known."""
    way = session.get(PatrolWay, (from_id, to_id))
    return way.usual_s if way else None


def quickest(session: Session, from_id: UUID, to_id: UUID) -> int | None:
    """Seconds in which the way is gone by those who hurry; None until enough people have gone it.

    Half of the people have been quicker than that now and then, so it accuses nobody by itself.
    """
    way = session.get(PatrolWay, (from_id, to_id))
    return way.quickest_s if way else None


def ways_between(session: Session, pairs: Collection[Pair]) -> Mapping[Pair, PatrolWay]:
    """What is known of each of these ways, by its pair; those never gone are left out."""
    wanted = sorted(set(pairs))
    found = dict[Pair, PatrolWay]()
    for begin in range(0, len(wanted), _AT_ONCE):
        some = wanted[begin : begin + _AT_ONCE]
        these = [and_(PatrolWay.from_id == one, PatrolWay.to_id == other) for one, other in some]
        for way in session.scalars(select(PatrolWay).where(or_(*these))):
            found[way.from_id, way.to_id] = way
    return found
