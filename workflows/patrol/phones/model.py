"""Rows of phones: which are known, what waits for one, and who signed in on them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Instant
from core.ids import new_id
from core.lifecycle import Lifecycle

# Of one guard, or of whoever is on duty at a post.
KINDS = ("personal", "post")
PHONE = Lifecycle(
    "phone",
    {
        "lose": {"active": "lost"},
        "find": {"lost": "active"},
        "retire": {"active": "retired", "lost": "retired"},
    },
)


class Phone(Base):
    """A phone that may speak for guards of a site.

    team: whose rounds it takes along; empty: those of the site. person_id: whose a personal one is.
    key: its public key, a JWK of P-256 with x and y. accepted, head_hash: up to which entry its
    journal has reached us without a gap, and the hash of that one; boot, mono_ms, last_at: what
    that one says of its clocks. head: the newest entry that it told us of. signed_in_id: who is
    signed in after the last accepted entry. heard_at: when it spoke last; told_until: up to when it
    has told all it knows, by our clock. offset_ms: how far our clock was ahead of its own then.
    forked_at: when it was seen that two continue its journal.
    """

    __tablename__ = "phone"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(80))
    team: Mapped[str] = mapped_column(String(40), default="")
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10), default="active")
    version: Mapped[int] = mapped_column(Integer, default=1)
    key: Mapped[dict[str, str]] = mapped_column(JSON)
    browser: Mapped[str] = mapped_column(String(300))
    app: Mapped[str] = mapped_column(String(40))
    enrolled_at: Mapped[datetime] = mapped_column(Instant)
    accepted: Mapped[int] = mapped_column(Integer, default=0)
    head: Mapped[int] = mapped_column(Integer, default=0)
    head_hash: Mapped[str] = mapped_column(String(64))
    boot: Mapped[str] = mapped_column(String(40), default="")
    mono_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    last_at: Mapped[datetime | None] = mapped_column(Instant)
    signed_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    heard_at: Mapped[datetime] = mapped_column(Instant)
    told_until: Mapped[datetime | None] = mapped_column(Instant)
    offset_ms: Mapped[int | None] = mapped_column(BigInteger)
    storage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    forked_at: Mapped[datetime | None] = mapped_column(Instant)


class PhonePlace(Base):
    """A place for a phone that is to come: used once, by whoever knows its code.

    code_hash: a keyed hash of the code, which is shown once.
    """

    __tablename__ = "phone_place"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(80))
    team: Mapped[str] = mapped_column(String(40), default="")
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    phone_id: Mapped[UUID | None] = mapped_column(ForeignKey("phone.id"))


class PhoneUser(Base):
    """Somebody who signed in on a phone with signal at least once.

    online_at: when last; offline_until: up to when the phone may let them in without.
    signed_in_at, signed_out_at: as its journal says, by our clock as the phone reckons it.
    credential_id: the token that they were given last.
    """

    __tablename__ = "phone_user"

    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    online_at: Mapped[datetime] = mapped_column(Instant)
    offline_until: Mapped[datetime] = mapped_column(Instant)
    signed_in_at: Mapped[datetime | None] = mapped_column(Instant)
    signed_out_at: Mapped[datetime | None] = mapped_column(Instant)
    credential_id: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))


class PhoneProof(Base):
    """A proof that was used for what is asked once; it counts for nothing after `ends_at`.

    jti_hash: SHA-256 of what tells it from others, in hex.
    """

    __tablename__ = "phone_proof"

    phone_id: Mapped[UUID] = mapped_column(ForeignKey("phone.id"), primary_key=True)
    jti_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ends_at: Mapped[datetime] = mapped_column(Instant)
