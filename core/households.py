"""Who lives or works in a space: its household. Names and numbers are sealed under a key a person.

Whether somebody lives there is told by two dates; erasing somebody destroys their key.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Integer, LargeBinary, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base
from core.errors import Conflict, Invalid, NotFound
from core.homes import end_homes
from core.ids import new_id
from core.local_time import zone
from core.people import Caller
from core.personal import ResidentKey, destroy_keys, keys_of, new_key, seal, unseal
from core.places import Node, Space
from rules.wording import worded

READ, PHONES, WRITE = "households.read", "households.phones", "households.write"
RELATIONS = ("owner", "tenant", "family", "other")
FIELDS = ("name", "phones", "relation", "since", "until")
MOST_PHONES = 5
_PHONE = re.compile(r"\+?[0-9]{5,20}")
_BETWEEN_DIGITS = re.compile(r"[\s().\-‐-―]+")
_BETWEEN_PHONES = re.compile(r"[,;/、，；\n]+")
_LONGEST_NAME = 120
# Of a number, so much is shown to somebody who may not call it.
_HEAD, _TAIL = 3, 4


class Resident(Base):
    """Somebody of the household of a space. sealed: their name and phone numbers.

    since, until: the days of moving in and out, by the site's calendar; open where empty.
    """

    __tablename__ = "resident"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"), index=True)
    relation: Mapped[str] = mapped_column(String(10))
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, default=1)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody of a household as they are read. phones: digits, perhaps with + in front."""

    id: UUID
    site_id: UUID
    space_id: UUID
    name: str
    phones: tuple[str, ...]
    relation: str
    since: date | None
    until: date | None
    version: int = 1

    def lives_there(self, day: date) -> bool:
        """Whether it is home on a day."""
        return not self.is_former(day) and (self.since is None or self.since <= day)

    def is_former(self, day: date) -> bool:
        """Whether they had moved out by a day."""
        return self.until is not None and self.until <= day

    @property
    def details(self) -> "Details":
        """What may be changed of them."""
        return Details(self.name, self.phones, self.relation, self.since, self.until)

    def masked(self) -> "Contact":
        """The same with numbers that nobody can call."""
        return replace(self, phones=tuple(map(masked, self.phones)))


@dataclass(frozen=True, slots=True)
class Details:
    """What is to be known of somebody of a household; `checked` has made it usable."""

    name: str
    phones: tuple[str, ...] = ()
    relation: str = "owner"
    since: date | None = None
    until: date | None = None

    def checked(self) -> "Details":
        """The same as it is kept. Invalid with everything that is wrong."""
        problems = []
        name = " ".join(self.name.split())
        if not 1 <= len(name) <= _LONGEST_NAME:
            problems.append(worded("name: 1 to 120 characters"))
        phones = [phone_of(each) for each in self.phones if each.strip()]
        if None in phones:
            problems.append(worded("phones: digits, such as 138 0013 8000"))
        if len(phones) > MOST_PHONES:
            problems.append(worded("phones: at most %(most)s", most=MOST_PHONES))
        if self.relation not in RELATIONS:
            problems.append(worded("relation: one of %(known)s", known=", ".join(RELATIONS)))
        if self.since and self.until and self.until < self.since:
            problems.append(worded("until: not before since"))
        if problems:
            raise Invalid(worded("the household was not changed"), problems=problems)
        kept = dict.fromkeys(phone for phone in phones if phone)
        return replace(self, name=name, phones=tuple(kept))


@dataclass(frozen=True, slots=True)
class NewResident:
    """Somebody to add, whose details have been checked."""

    id: UUID
    site_id: UUID
    space_id: UUID
    details: Details


def phone_of(text: str) -> str | None:
    """A phone number as it is kept, however it is written; None when it is none."""
    plain = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    return plain if _PHONE.fullmatch(plain) else None


def phones_in(text: str) -> tuple[str, ...]:
    """The numbers in a text with several, as they are written."""
    return tuple(part.strip() for part in _BETWEEN_PHONES.split(text) if part.strip())


def masked(phone: str) -> str:
    """A number of which only the beginning and the end are shown: 138****8000."""
    if len(phone) < _HEAD + 2 * _TAIL:
        return f"****{phone[-2:]}"
    return f"{phone[:_HEAD]}****{phone[-_TAIL:]}"


def is_phone(wanted: str, phone: str) -> bool:
    """Whether digits that somebody typed are a number, part of it, or it with a prefix."""
    digits = phone.removeprefix("+")
    return wanted in digits or (len(digits) > 2 * _TAIL and wanted.endswith(digits))


def today_at(session: Session, site_id: UUID, now: datetime) -> date:
    """The day that the calendars of a site show."""
    return now.astimezone(zone(session.get_one(Node, site_id).time_zone)).date()


def find_space(session: Session, caller: Caller, space_id: UUID, permission: str = READ) -> Space:
    """A space whose household the caller may see, or change.

    NotFound for a space that does not exist for them, NotAllowed without the permission there.
    """
    space = session.get(Space, space_id)
    if space is None or space.site_id not in caller.sites_for("places.read"):
        raise NotFound(worded("there is no such space"), advice=worded("Look for it in the tree."))
    caller.require(permission, space.site_id)
    return space


def find_resident(session: Session, caller: Caller, resident_id: UUID) -> Resident:
    """Somebody of a household, locked until commit; only who may change it asks.

    Raises as `find_space` does.
    """
    row = session.scalars(
        select(Resident).where(Resident.id == resident_id).with_for_update()
    ).first()
    if row is None or row.site_id not in caller.sites_for("places.read"):
        raise NotFound(
            worded("there is no such person"), advice=worded("Look at the household again.")
        )
    caller.require(WRITE, row.site_id)
    return row


def household_of(session: Session, caller: Caller, space_id: UUID) -> list[Contact]:
    """Everybody of a household, also who moved out; numbers as the caller may see them.

    Raises as `find_space` does.
    """
    space = find_space(session, caller, space_id)
    rows = session.scalars(
        select(Resident).where(Resident.space_id == space.id).order_by(Resident.id)
    )
    return [shown_to(caller, contact) for contact in contacts_of(session, list(rows))]


def residents_in(session: Session, spaces: Iterable[UUID]) -> list[Resident]:
    """Everybody of the households of these spaces, home by home."""
    statement = select(Resident).where(Resident.space_id.in_(list(spaces)))
    return list(session.scalars(statement.order_by(Resident.space_id, Resident.id)))


def shown_to(caller: Caller, contact: Contact) -> Contact:
    """Somebody as the caller may see them: whole, or with masked numbers."""
    may_call = contact.site_id in caller.sites_for(PHONES)
    return contact if may_call else contact.masked()


def contacts_of(session: Session, rows: Sequence[Resident]) -> list[Contact]:
    """Rows as they are read, in their order; whoever was erased is left out."""
    keys = keys_of(session, [row.id for row in rows], ResidentKey)
    found = ((row, unseal(keys.get(row.id), row.sealed)) for row in rows)
    return [contact(row, known) for row, known in found if known is not None]


def contact(row: Resident, known: Mapping[str, Any]) -> Contact:
    """A row as it is read. known: what was sealed in it."""
    return Contact(
        id=row.id,
        site_id=row.site_id,
        space_id=row.space_id,
        name=known["name"],
        phones=tuple(known["phones"]),
        relation=row.relation,
        since=row.since,
        until=row.until,
        version=row.version,
    )


def add_resident(
    session: Session, space: Space, details: Details, *, actor: events.Actor, now: datetime
) -> Resident:
    """Add somebody to a household. Invalid with everything that is wrong."""
    new = NewResident(new_id(), space.site_id, space.id, details.checked())
    add_residents(session, [new], actor=actor, now=now)
    return session.get_one(Resident, new.id)


def add_residents(
    session: Session, new: Sequence[NewResident], *, actor: events.Actor, now: datetime
) -> None:
    """Add many at once; each appends its fact."""
    if not new:
        return
    keys = {one.id: new_key() for one in new}
    rows = [
        {
            "id": one.id,
            "site_id": one.site_id,
            "space_id": one.space_id,
            "relation": one.details.relation,
            "since": one.details.since,
            "until": one.details.until,
            "version": 1,
            "sealed": _seal(keys[one.id], one.details),
        }
        for one in new
    ]
    session.execute(insert(Resident), rows)
    held = [{"person_id": row_id, "key": key} for row_id, key in keys.items()]
    session.execute(insert(ResidentKey), held)
    facts = [
        _fact("resident.add", one.id, one.site_id, actor, now, {"space": str(one.space_id)})
        for one in new
    ]
    events.append_all(session, facts)


def change_resident(
    session: Session, row: Resident, details: Details, *, actor: events.Actor, now: datetime
) -> bool:
    """Say anew what is known of somebody; returns whether anything changed.

    The log holds which fields changed, not what they hold. Invalid with everything that is wrong.
    """
    wanted = details.checked()
    [standing] = contacts_of(session, [row])
    fields = [name for name in FIELDS if getattr(standing, name) != getattr(wanted, name)]
    if not fields:
        return False
    key = keys_of(session, [row.id], ResidentKey)[row.id]
    row.sealed = _seal(key, wanted)
    row.relation, row.since, row.until = wanted.relation, wanted.since, wanted.until
    row.version += 1
    session.flush()
    if row.until is not None and row.until <= today_at(session, row.site_id, now):
        end_homes(session, [row.id], actor=actor, now=now)
    fact = _fact("resident.update", row.id, row.site_id, actor, now, {"fields": fields})
    events.append_all(session, [fact])
    return True


def move_out(session: Session, row: Resident, *, actor: events.Actor, now: datetime) -> None:
    """Note that somebody moves out today; who has moved out already stays so.

    Their account loses the home at once, with every session and link.

    Conflict for somebody who has not moved in yet.
    """
    today = today_at(session, row.site_id, now)
    if row.until is not None and row.until <= today:
        return
    if row.since is not None and row.since > today:
        raise Conflict(
            worded("they have not moved in yet"),
            advice=worded("Erase them, or change their dates."),
        )
    row.until = today
    row.version += 1
    session.flush()
    end_homes(session, [row.id], actor=actor, now=now)
    events.append_all(session, [_fact("resident.move_out", row.id, row.site_id, actor, now, {})])


def erase(
    session: Session, rows: Iterable[Resident], *, actor: events.Actor, now: datetime
) -> None:
    """Forget people: what is sealed about them anywhere can't be read by anybody any more."""
    gone = list(rows)
    end_homes(session, [row.id for row in gone], actor=actor, now=now, forget=True)
    destroy_keys(session, [row.id for row in gone], ResidentKey)
    facts = [_fact("resident.erase", row.id, row.site_id, actor, now, {}) for row in gone]
    for row in gone:
        session.delete(row)
    session.flush()
    if facts:
        events.append_all(session, facts)


def _seal(key: bytes, details: Details) -> bytes:
    return seal(key, {"name": details.name, "phones": list(details.phones)})


def _fact(
    kind: str,
    resident_id: UUID,
    site_id: UUID,
    actor: events.Actor,
    now: datetime,
    after: dict[str, Any],
) -> dict[str, Any]:
    subject = ("resident", resident_id)
    return events.fact(kind, subject, actor=actor, learned_at=now, site_id=site_id, after=after)
