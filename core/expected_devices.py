"""Devices that are expected: named before they speak, and adopted by themselves when they do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.adoption import Wish, adopt_as_proposed
from core.db import Base, Instant
from core.devices import Device
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.paging import Page, newest_first, rows_of
from core.paging import Wish as Leaf
from core.people import Caller, scoped
from core.places import Space
from core.profiles import Profiles
from core.profiles.own import load_profiles
from rules.located_yaml import nearest
from rules.wording import Message, worded

READ, WRITE = "devices.read", "devices.write"
EXPECTED = Lifecycle(
    "expected_device",
    {
        "adopt": {"expected": "adopted"},
        "drop": {"expected": "dropped"},
    },
)
MOST_AT_ONCE = 1_000
# What it says when it is heard for the first time may be too little to tell what it is.
_AGAIN = timedelta(minutes=1)
# A device EUI, and the labels of LoRaWAN devices (TR005): LW:D0:JoinEUI:DevEUI:ProfileID…
_EUI = re.compile(r"[0-9A-F]{16}")
_LORAWAN = re.compile(r"LW:D0:([0-9A-F]{16}):([0-9A-F]{16})(?::.*)?")
_PARTED = re.compile(r"(?:[0-9A-F]{2}[:-]){5,7}[0-9A-F]{2}")
# The label of a Zigbee device that carries its install code: Z:EUI64$I:CODE, in any order.
_ZIGBEE = re.compile(r"(?:^|[$%;,])(?:Z|A|EUI64?):([0-9A-F]{16})(?=$|[$%;,])")
# Vendors write name and value pairs, or JSON, around the number.
_NAMED = re.compile(r"(?:DEV[ _-]?EUI|IEEE|EUI64|MAC)\W{1,4}([0-9A-F:-]{12,23})")


class ExpectedDevice(Base):
    """A device that somebody announced. key: of its code or label, by which it is known when it
    speaks. problem: why it was not adopted when it did, as core.expected_problems keeps it."""

    __tablename__ = "expected_device"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    key: Mapped[str] = mapped_column(String(120))
    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    profile: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer, default=1)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))
    problem: Mapped[str] = mapped_column(Text, default="")
    tried_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        Index(
            "uq_expected_device_waits",
            "site_id",
            "key",
            unique=True,
            sqlite_where=text("state = 'expected'"),
            postgresql_where=text("state = 'expected'"),
        ),
    )


def key_of(written: str) -> str:
    """What a code, a number or the text of a label says of which device it is; "" for nothing.

    Colons, blanks and small letters make no difference in numbers; a code of any other kind is
    compared without regard to small and capital letters.
    """
    plain = " ".join(written.split())
    upper = plain.upper()
    for pattern, group in ((_LORAWAN, 2), (_ZIGBEE, 1)):
        found = pattern.search(upper)
        if found:
            return found.group(group)
    if _PARTED.fullmatch(upper) or _EUI.fullmatch(upper.removeprefix("0X")):
        return re.sub(r"[:-]", "", upper.removeprefix("0X"))
    named = _NAMED.search(upper)
    if named:
        return re.sub(r"[:-]", "", named.group(1))
    # Matter says nothing of an identity that would be heard over MQTT.
    return "" if upper.startswith("MT:") else plain.casefold()[:120]


@dataclass(frozen=True, slots=True)
class Announced:
    """A device that is to come. code: its code, its number, or the text of its label."""

    code: str
    name: Mapping[str, str]
    space_id: UUID | None = None
    profile: str | None = None


def expect(
    session: Session,
    caller: Caller,
    site_id: UUID,
    announced: Sequence[Announced],
    *,
    now: datetime,
) -> list[ExpectedDevice]:
    """Announce devices of a site; what is announced already is told anew. All or none.

    Invalid with every problem, by its place in the list.
    """
    caller.require(WRITE, site_id)
    problems = _problems(session, site_id, announced)
    if problems:
        raise Invalid(
            worded("no device was announced"),
            problems=problems,
            advice=worded("Correct them and announce all of them again."),
        )
    made = []
    for one in announced:
        key = key_of(one.code)
        standing = select(ExpectedDevice).where(
            ExpectedDevice.site_id == site_id,
            ExpectedDevice.key == key,
            ExpectedDevice.state == "expected",
        )
        row = session.scalars(standing).first()
        if row is None:
            row = ExpectedDevice(
                id=new_id(), site_id=site_id, key=key, state="expected", version=1, problem=""
            )
            session.add(row)
        # A label holds keys that nobody here needs to know.
        plain = " ".join(one.code.split())[:120]
        row.code, row.name = plain if plain.casefold() == key else key, dict(one.name)
        row.space_id, row.profile = one.space_id, one.profile
        row.asked_at, row.asked_by = now, caller.person_id
        row.tried_at, row.problem = None, ""
        made.append(row)
    session.flush()
    for row in made:
        events.append(
            session,
            "expected_device.announce",
            ("expected_device", row.id),
            actor=events.Actor.person(caller.person_id),
            learned_at=now,
            site_id=site_id,
            after={"key": row.key, "profile": row.profile},
        )
    return made


@dataclass(frozen=True, slots=True)
class AnnouncementFault:
    """Why one can't be announced. number: its place in the list, from 0; field: of `Announced`.

    same_as: the place of the one before it that is the same device.
    """

    number: int
    field: str
    text: Message
    same_as: int | None = None


def _problems(session: Session, site_id: UUID, announced: Sequence[Announced]) -> list[str]:
    if not 1 <= len(announced) <= MOST_AT_ONCE:
        return [worded("devices: 1 to %(most)s at once", most=MOST_AT_ONCE)]
    return [
        worded(
            "%(place)s: %(problem)s", place=f"devices[{one.number}].{one.field}", problem=one.text
        )
        for one in faults_of(session, site_id, announced)
    ]


def faults_of(
    session: Session, site_id: UUID, announced: Sequence[Announced]
) -> list[AnnouncementFault]:
    """Why devices can't be announced to a site; of each everything that is wrong with it."""
    profiles = load_profiles(session)
    spaces = set(session.scalars(select(Space.id).where(Space.site_id == site_id)))
    known = {state: _speakers(session, site_id, state) for state in ("active", "retired")}
    faults, seen = list[AnnouncementFault](), dict[str, int]()
    for number, one in enumerate(announced):
        key = key_of(one.code)
        wrong = {
            "code": _wrong_code(one.code, key, seen, known),
            "profile": _wrong_profile(one.profile, profiles),
            "space_id": worded("there is no such place on this site")
            if one.space_id is not None and one.space_id not in spaces
            else None,
        }
        same = seen.get(key) if key else None
        faults += [
            AnnouncementFault(number, name, text, same if name == "code" else None)
            for name, text in wrong.items()
            if text
        ]
        seen.setdefault(key, number)
    return faults


def _wrong_code(
    code: str, key: str, seen: Mapping[str, int], known: Mapping[str, Mapping[str, "_Speaker"]]
) -> Message | None:
    if not key:
        return worded("nothing that names a device over MQTT")
    if key in seen:
        return worded("the same device as devices[%(number)s]", number=seen[key])
    if key in known["active"]:
        return worded("'%(code)s' is adopted already", code=known["active"][key].code)
    if key in known["retired"]:
        # It never waits again, so that it would be expected for ever.
        return worded(
            "'%(code)s' is retired: put it back into service", code=known["retired"][key].code
        )
    return None


def _wrong_profile(profile: str | None, profiles: Profiles) -> Message | None:
    if profile is None or profile in profiles:
        return None
    hint = nearest(profile, list(profiles))
    return worded("there is no profile '%(profile)s'%(hint)s", profile=profile, hint=hint)


def announced_keys(session: Session, site_id: UUID) -> set[str]:
    """By which keys devices of a site are expected already."""
    statement = select(ExpectedDevice.key).where(
        ExpectedDevice.site_id == site_id, ExpectedDevice.state == "expected"
    )
    return set(session.scalars(statement))


class _Speaker(NamedTuple):
    """A device of a site, as far as an announcement asks for it."""

    id: UUID
    code: str


def _speakers(session: Session, site_id: UUID, state: str) -> dict[str, _Speaker]:
    """The devices of a site by the key of their code, and by the number in it."""
    # Without what they said and describe: thousands may wait, and this is asked every few seconds.
    rows = session.execute(
        select(Device.id, Device.code).where(Device.site_id == site_id, Device.state == state)
    )
    found: dict[str, _Speaker] = {}
    for speaker in map(_Speaker._make, rows):
        for key in keys_of(speaker.code):
            found.setdefault(key, speaker)
    return found


def keys_of(code: str) -> set[str]:
    """Everything by which a device may have been announced: its code, and a number in it."""
    numbers = re.findall(r"(?<![0-9A-F])[0-9A-F]{12,16}(?![0-9A-F])", code.upper())
    return {key for key in (key_of(code), *numbers) if key}


def due_expected(session: Session, *, now: datetime, limit: int = 200) -> list[tuple[UUID, UUID]]:
    """Announced devices that speak by now: (announcement, device)."""
    rows = session.scalars(
        select(ExpectedDevice)
        .where(
            ExpectedDevice.state == "expected",
            or_(ExpectedDevice.tried_at.is_(None), ExpectedDevice.tried_at <= now - _AGAIN),
        )
        .order_by(ExpectedDevice.id)
    ).all()
    by_site: dict[UUID, dict[str, _Speaker]] = {}
    found = []
    for row in rows:
        if row.site_id not in by_site:
            by_site[row.site_id] = _speakers(session, row.site_id, "waiting")
        device = by_site[row.site_id].get(row.key)
        if device is not None:
            found.append((row.id, device.id))
    return found[:limit]


def take_expected(
    session: Session, expected_id: UUID, device_id: UUID, *, actor: events.Actor, now: datetime
) -> bool:
    """Adopt a device as it was announced. False where that is over; Invalid where it can't be."""
    row = session.get_one(ExpectedDevice, expected_id, with_for_update=True, populate_existing=True)
    device = session.get_one(Device, device_id, with_for_update=True, populate_existing=True)
    if row.state != "expected" or device.state != "waiting":
        return False
    wish = Wish(row.profile, row.name or None, row.space_id)
    adopt_as_proposed(session, device, wish, actor=actor, now=now)
    move(
        session,
        row,
        EXPECTED,
        "adopt",
        actor=actor,
        learned_at=now,
        values={"device_id": device.id, "problem": ""},
        facts={"device": str(device.id)},
    )
    return True


def note_problem(session: Session, expected_id: UUID, reason: str, *, now: datetime) -> None:
    """Keep why an announced device that speaks was not adopted; it is tried again in a minute.

    reason: as core.expected_problems makes it.
    """
    row = session.get_one(ExpectedDevice, expected_id)
    row.problem, row.tried_at = reason, now


def drop_expected(
    session: Session, caller: Caller, expected_id: UUID, *, now: datetime
) -> ExpectedDevice:
    """Expect a device no longer. NotFound where the caller may not read it."""
    statement = scoped(
        select(ExpectedDevice).where(ExpectedDevice.id == expected_id),
        ExpectedDevice.site_id,
        caller,
        READ,
    )
    row = session.scalars(statement.with_for_update()).first()
    if row is None:
        raise NotFound(worded("no such device is expected"))
    caller.require(WRITE, row.site_id)
    actor = events.Actor.person(caller.person_id)
    move(session, row, EXPECTED, "drop", actor=actor, learned_at=now)
    return row


_ROWS = rows_of(
    ExpectedDevice.id,
    ExpectedDevice.site_id,
    ExpectedDevice.code,
    ExpectedDevice.key,
    ExpectedDevice.name,
    ExpectedDevice.space_id,
    Space.code.label("space_code"),
    ExpectedDevice.profile,
    ExpectedDevice.state,
    ExpectedDevice.asked_at,
    ExpectedDevice.device_id,
    ExpectedDevice.problem,
).outerjoin(Space, Space.id == ExpectedDevice.space_id)


def list_expected(
    session: Session,
    caller: Caller,
    wish: Leaf,
    *,
    site_id: UUID | None = None,
    state: str | None = "expected",
) -> Page[dict[str, Any]]:
    """Announced devices on the caller's sites, the last first. Key: id."""
    statement = scoped(_ROWS, ExpectedDevice.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(ExpectedDevice.site_id == site_id)
    if state is not None:
        statement = statement.where(ExpectedDevice.state == state)
    return newest_first(session, statement, (ExpectedDevice.id,), wish)
