"""A phone becomes known: a supervisor makes a place for it, and the phone takes it by a code."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core import events
from core.badges import may
from core.browser_keys import read_key
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.makers import might_still
from core.people import Caller, Person
from core.teams import teams_at
from core.vault import Vault
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN, WRITE
from workflows.patrol.journal.chain import genesis
from workflows.patrol.phones.model import KINDS, Phone, PhonePlace

# Read aloud and typed: without 0, 1, I, L, O, U (Crockford), 10 of them hold 49 bits.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 10
COUNTS_FOR = timedelta(minutes=30)
# How often codes may be tried from an address.
TRIES, TRIES_WITHIN = 20, timedelta(hours=1)
LONGEST_LABEL, LONGEST_BROWSER, LONGEST_APP = 80, 300, 40


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place for a phone. kind: personal (of person_id) or post. team: whose rounds; or none."""

    kind: str
    label: str
    person_id: UUID | None = None
    team: str = ""


@dataclass(frozen=True, slots=True)
class NewPhone:
    """What a phone says of itself. key: its public JWK, by which the request is proved."""

    id: UUID
    code: str
    key: Mapping[str, str]
    browser: str = ""
    app: str = ""


def make_place(
    session: Session, caller: Caller, site_id: UUID, new: NewPlace, *, vault: Vault, now: datetime
) -> tuple[PhonePlace, str]:
    """Make a place for a phone; returns it with its code, which is shown once.

    Invalid with every problem.
    """
    caller.require(WRITE, site_id)
    if problems := _problems(session, site_id, new):
        raise Invalid(worded("no place was made for a phone"), problems=problems)
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    row = PhonePlace(
        id=new_id(),
        site_id=site_id,
        kind=new.kind,
        label=" ".join(new.label.split()),
        team=new.team,
        person_id=new.person_id,
        code_hash=_hash(vault, code),
        made_by=caller.person_id,
        made_at=now,
        ends_at=now + COUNTS_FOR,
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "phone.place",
        ("phone_place", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after=_facts(row),
    )
    return row, f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def _problems(session: Session, site_id: UUID, new: NewPlace) -> list[str]:
    problems: list[str] = []
    if new.kind not in KINDS:
        problems.append(worded("kind: one of %(known)s", known=", ".join(KINDS)))
    if not 1 <= len(" ".join(new.label.split())) <= LONGEST_LABEL:
        problems.append(worded("label: 1 to %(most)s characters", most=LONGEST_LABEL))
    if new.team and new.team not in {team.code for team in teams_at(session, site_id)}:
        problems.append(worded("team: there is no such team on this site"))
    if new.kind == "personal":
        person = session.get(Person, new.person_id) if new.person_id else None
        if person is None or not may(session, person, SCAN, site_id):
            problems.append(worded("person_id: somebody who may scan on this site"))
    elif new.person_id is not None:
        problems.append(worded("person_id: only of a personal phone"))
    return problems


def _hash(vault: Vault, code: str) -> str:
    return vault.derived_id(plain_code(code), "phone_place")


def plain_code(code: str) -> str:
    """A code as it is signed and compared: capitals and digits alone."""
    return re.sub(r"[^0-9A-Z]", "", code.upper())


def enrol(session: Session, new: NewPhone, *, vault: Vault, now: datetime) -> Phone:
    """Take the place that a code stands for. The same phone again gets the same answer.

    key: as `checked_key` gives it, with its request proved by it. NotFound for a code that is
    unknown, used or too old, or whose maker might not make it any more; Conflict when the id is
    another phone's.
    """
    place = session.scalars(
        select(PhonePlace).where(PhonePlace.code_hash == _hash(vault, new.code))
    ).first()
    if place is None or place.ends_at <= now:
        raise _no_place()
    key = dict(new.key)
    if place.phone_id is not None:
        standing = session.get_one(Phone, place.phone_id)
        if (standing.id, standing.key) != (new.id, key):
            raise _no_place()
        return standing
    # Who made the place may have left since, or lost the right; it opens nothing then.
    if not might_still(session, place.made_by, WRITE, place.site_id):
        raise _no_place()
    if session.get(Phone, new.id) is not None:
        raise Conflict(
            worded("this id is another phone's"), advice=worded("Make a new id, and try again.")
        )
    phone = _phone(place, new, key, now)
    session.add(phone)
    session.flush()
    _take(session, place, phone)
    events.append(
        session,
        "phone.enrol",
        ("phone", phone.id),
        actor=events.Actor.person(place.made_by),
        learned_at=now,
        site_id=phone.site_id,
        after={**_facts(place), "place": str(place.id)},
    )
    return phone


def checked_key(jwk: Mapping[str, object]) -> dict[str, str]:
    """The public key that a phone brings, as it is kept. Invalid for what is none of P-256."""
    key = read_key(jwk)
    if key is None:
        raise Invalid(
            worded("the phone was not set up"), problems=[worded("key: a public JWK of P-256")]
        )
    return key


def _phone(place: PhonePlace, new: NewPhone, key: dict[str, str], now: datetime) -> Phone:
    return Phone(
        id=new.id,
        site_id=place.site_id,
        kind=place.kind,
        label=place.label,
        team=place.team,
        person_id=place.person_id,
        state="active",
        version=1,
        key=key,
        browser=new.browser[:LONGEST_BROWSER],
        app=new.app[:LONGEST_APP],
        enrolled_at=now,
        accepted=0,
        head=0,
        head_hash=genesis(new.id),
        boot="",
        mono_ms=0,
        heard_at=now,
    )


def _take(session: Session, place: PhonePlace, phone: Phone) -> None:
    """Use the place up, once whoever else tries; the one who comes second gets nothing."""
    swap = update(PhonePlace).where(PhonePlace.id == place.id, PhonePlace.phone_id.is_(None))
    result = session.execute(
        swap.values(phone_id=phone.id).execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise _no_place()
    session.expire(place)


def _no_place() -> NotFound:
    return NotFound(
        worded("this code is unknown, used or too old"),
        advice=worded("Ask a supervisor for a new one; it counts once and for half an hour."),
    )


def _facts(place: PhonePlace) -> dict[str, Any]:
    person = {} if place.person_id is None else {"person": str(place.person_id)}
    return {"kind": place.kind, **person}
