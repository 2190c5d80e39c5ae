"""The tables of incidents and of floods of alarms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id


class Incident(Base):
    """Many alarms of one cause: one ticket stands for all of them.

    family: of hazards. root_kind, root_id: what they have in common: the asset that supplies them
    (supply), the gateway through which they speak (gateway), or the building they are in (space).
    first_micros, last_micros: the trips of the first and of the newest alarm in it, in µs; alarms:
    how many there are. It has no status of its own: it is over when its ticket is.
    """

    __tablename__ = "incident"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    family: Mapped[str] = mapped_column(String(10))
    root_kind: Mapped[str] = mapped_column(String(10))
    root_id: Mapped[UUID]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    first_micros: Mapped[int] = mapped_column(BigInteger)
    last_micros: Mapped[int] = mapped_column(BigInteger)
    learned_at: Mapped[datetime] = mapped_column(Instant)
    alarms: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (Index("ix_incident_site_last", "site_id", "last_micros"),)


class IncidentChild(Base):
    """An alarm in an incident, with the trip by which it came in.

    split_at, split_by: when somebody took it out again, with a ticket of its own, and who.
    """

    __tablename__ = "incident_child"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    tripped_micros: Mapped[int] = mapped_column(BigInteger)
    split_at: Mapped[datetime | None] = mapped_column(Instant)
    split_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class SiteFlood(Base):
    """A time in which alarms of a site were told faster than people can answer; see `floods`.

    began_at, ended_at: by our clock. told: alarms that were told in it; peak: the most in ten
    minutes. At most one of a site stands.
    """

    __tablename__ = "site_flood"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    began_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    told: Mapped[int] = mapped_column(Integer)
    peak: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        Index("ix_site_flood_began", "site_id", "began_at"),
        Index(
            "uq_site_flood_standing",
            "site_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
