"""The watch over rosters: nobody on duty tomorrow is an alarm today."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.ids import new_id
from core.places import Node
from core.rosters import covered_teams, gaps

AHEAD = timedelta(hours=24)


class RosterGap(Base):
    """A span in which a team that is to be covered has nobody. closed_at: when that was mended."""

    __tablename__ = "roster_gap"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    team: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index("ix_roster_gap_open", "site_id", "closed_at"),)


def watch_rosters(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Look a day ahead on every site; each gap is told once, and again when it is mended.

    Returns how many facts that made.
    """
    told = 0
    for site in session.scalars(select(Node).where(Node.kind == "site")).all():
        for team in covered_teams(session, site.id):
            told += _watch(session, site, team, now, actor)
    return told


def _watch(session: Session, site: Node, team: str, now: datetime, actor: events.Actor) -> int:
    standing = {
        row.ends_at: row
        for row in session.scalars(
            select(RosterGap).where(
                RosterGap.site_id == site.id,
                RosterGap.team == team,
                RosterGap.closed_at.is_(None),
            )
        )
    }
    told = 0
    # The day ahead moves on, and with it the end of a gap that goes on; what has begun has.
    found = gaps(session, site, team, now, now + AHEAD)
    seen = set()
    for starts, ends in found:
        row = next((one for one in standing.values() if one.starts_at <= ends and
                    one.ends_at >= starts), None)  # fmt: skip
        if row is not None:
            row.ends_at = max(ends, row.ends_at) if ends == now + AHEAD else ends
            if starts > now and row.id not in seen:
                # Somebody was found for its beginning, or it begins earlier than was known.
                row.starts_at = starts
            seen.add(row.id)
            continue
        row = RosterGap(id=new_id(), site_id=site.id, team=team, starts_at=starts, ends_at=ends)
        session.add(row)
        seen.add(row.id)
        told += 1
        _append(session, "roster.gap", row, now, actor)
    for row in standing.values():
        if row.id not in seen:
            row.closed_at = now
            told += 1
            _append(session, "roster.mended", row, now, actor)
    session.flush()
    return told


def _append(
    session: Session, kind: str, row: RosterGap, now: datetime, actor: events.Actor
) -> None:
    events.append(
        session,
        kind,
        ("site", row.site_id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={
            "team": row.team,
            "from": row.starts_at.isoformat(),
            "to": row.ends_at.isoformat(),
        },
    )


def open_gaps(session: Session, site_ids: frozenset[UUID]) -> list[RosterGap]:
    """The gaps that stand on sites, the next first."""
    statement = select(RosterGap).where(
        RosterGap.site_id.in_(site_ids), RosterGap.closed_at.is_(None)
    )
    return list(session.scalars(statement.order_by(RosterGap.starts_at, RosterGap.id)))
