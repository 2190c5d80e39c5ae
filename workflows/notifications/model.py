"""The tables of telling people: what they are told, and each attempt."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

NOTICE = Lifecycle(
    "notice",
    {
        # Somebody tapped, pressed the key, or did what they were told about.
        "acknowledge": {"waiting": "acknowledged", "spent": "acknowledged"},
        # Somebody else took it, or it is over.
        "settle": {"waiting": "settled", "spent": "settled"},
        # Told as often as its urgency asks for; it stays in the inbox.
        "spend": {"waiting": "spent"},
        # We died at the last try, and nobody knows whether it reached anybody.
        "repeat": {"spent": "waiting"},
    },
)
# These ask for somebody who takes the ticket; all others only to be read.
FIRES = frozenset({"fire_alarm.fire", "fire_alarm.lapse"})
CALLS = frozenset({"sos.raise", "sos.escalate", "sos.again"})
ASK_FOR_HANDS = (
    FIRES
    | CALLS
    | {
        *("ticket.open", "ticket.reopen", "ticket.announce", "ticket.assign", "ticket.release"),
        *("ticket.incident", "tickets.assign", "colleagues.assign"),
    }
)
# What a notice is about that tells of many tickets at once, by what it is about for one of them.
MANY: Mapping[str, str] = MappingProxyType(
    {
        "ticket.assign": "tickets.assign",
        "colleagues.assign": "tickets.to_team",
        "ticket.reopen": "tickets.reopen",
        "ticket.release": "tickets.release",
        "ticket.accept": "tickets.accept",
        "ticket.resolve": "tickets.resolve",
        "ticket.close": "tickets.close",
    }
)
KIND_OF_ONE: Mapping[str, str] = MappingProxyType({many: one for one, many in MANY.items()})
# Where somebody finds the tickets that one notice tells of.
LIST_OF: Mapping[str, str] = MappingProxyType(
    {
        "tickets.assign": "/tickets?view=mine",
        "tickets.to_team": "/tickets?view=free",
        "tickets.reopen": "/tickets?view=open",
        "tickets.release": "/tickets?view=free",
        "tickets.accept": "/tickets?view=all",
        "tickets.resolve": "/tickets?view=all",
        "tickets.close": "/tickets?view=all",
    }
)
# Somebody is named in a note: something to read, whatever becomes of the ticket.
MENTION = "ticket.mention"
URGENCIES = ("info", "normal", "urgent", "critical")
# No letters or digits that look alike; 13 of 31 are 64 bits, and fit a receipt's 15 bytes.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_code() -> str:
    """A random code for the end of a link."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(13))


class Notice(Base):
    """Something that one person, or the phone of a post, is to be told until they answer.

    follower_id: somebody outside instead, who is told once. kind: of the fact it is about, or
    "test", or of MANY. batch_id: the time that many tickets were changed at once; of several
    ticket_id is the most urgent, and `NoticeTicket` has them all. code: the end of the link where
    one tap accepts it. due_at: when it is told next; NULL = not again.
    """

    __tablename__ = "notice"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    phone: Mapped[str] = mapped_column(String(40), default="")
    follower_id: Mapped[UUID | None] = mapped_column(index=True)
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    batch_id: Mapped[UUID | None] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(60))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    urgency: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(16), unique=True, default=new_code)
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(
            "ix_notice_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_notice_person", "person_id", "state"),
    )


class NoticeTicket(Base):
    """One of the tickets of a notice that tells of several."""

    __tablename__ = "notice_ticket"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), primary_key=True, index=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))


class Attempt(Base):
    """One message on one channel. It is written before it is sent.

    state: sending, sent, failed, or unknown when we died before its end. pressed_at: when its
    button was pressed, in an app where that comes back to us; a button counts once.
    """

    __tablename__ = "attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"))
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), index=True)
    channel: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10))
    begun_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    result: Mapped[str] = mapped_column(String(300), default="")
    reference: Mapped[str] = mapped_column(String(80), default="")
    pressed_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(
            "ix_attempt_sending",
            "begun_at",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
    )
