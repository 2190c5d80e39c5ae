"""Making, replacing and revoking credentials of devices; saying for whom a bridge speaks."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import bcrypt
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.codes import topic_filter_fault
from core.device_credentials.model import (
    ADMITTED,
    CREDENTIAL,
    DeviceCredential,
    DeviceIdentity,
)
from core.device_credentials.rights import covers, filter_fault
from core.devices import Device, Source
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.lifecycle import move
from core.places import Node
from core.vault import Vault
from rules.wording import worded

# For so long a replaced credential is good, unless the device is seen with the newer one before.
OVERLAP = timedelta(days=7)
LONGEST_OVERLAP = timedelta(days=90)
MOST_DEVICES = 2_000
EDITABLE = ("speaks_for", "sources", "topics", "reads")
# Without what looks alike: people read them off paper.
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SECRET_LENGTH = 24
_SUFFIX = "abcdefghijkmnpqrstuvwxyz23456789"
# The least that bcrypt has: the secret is 139 random bits, so no guessing is to be slowed down,
# and a broker compares at each of a thousand reconnects.
_BCRYPT_COST = 4


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential as it is shown once. credential_id: its row, which does not hold the secret."""

    credential_id: UUID
    device_id: UUID
    site: str
    device: str
    username: str
    secret: str


def identity_of(session: Session, device: Device) -> DeviceIdentity:
    """What the device may say beside its own topics; made when it has no row yet."""
    identity = session.get(DeviceIdentity, device.id)
    if identity is None:
        identity = DeviceIdentity(
            device_id=device.id,
            site_id=device.site_id,
            speaks_for=[],
            sources=[],
            topics=[],
            reads=[],
            version=1,
        )
        session.add(identity)
        session.flush()
    return identity


def admitted(session: Session, device_id: UUID) -> list[DeviceCredential]:
    """The credentials of a device that are good, the newest first."""
    statement = (
        select(DeviceCredential)
        .where(DeviceCredential.device_id == device_id, DeviceCredential.state.in_(ADMITTED))
        .order_by(DeviceCredential.created_at.desc(), DeviceCredential.id.desc())
    )
    return list(session.scalars(statement))


def issue_credential(
    session: Session,
    device: Device,
    *,
    vault: Vault | None,
    actor: events.Actor,
    now: datetime,
) -> Issued:
    """Give a device its first credential, or one after all were revoked.

    vault: seals the secret, where the broker must be told it; None where its hash is enough.
    Conflict when the device has one, or is retired.
    """
    if device.state == "retired":
        raise Conflict(
            worded("%(code)s is retired", code=device.code),
            advice=worded("Put it back into service first."),
        )
    # Two at once: the row is locked, and the second sees what the first one made.
    session.execute(select(Device.id).where(Device.id == device.id).with_for_update())
    if admitted(session, device.id):
        raise Conflict(
            worded("%(code)s has a credential already", code=device.code),
            advice=worded("Replace it."),
        )
    return _issue(session, device, "device_credential.issue", vault=vault, actor=actor, now=now)


def _issue(
    session: Session,
    device: Device,
    kind: str,
    *,
    vault: Vault | None,
    actor: events.Actor,
    now: datetime,
) -> Issued:
    identity_of(session, device)
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))
    username = _username(device.code)
    row_id = new_id()
    session.add(
        DeviceCredential(
            id=row_id,
            site_id=device.site_id,
            device_id=device.id,
            username=username,
            state="standing",
            version=1,
            hash=bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode(),
            sealed=vault.seal(secret, sealed_about(row_id)) if vault else None,
            created_at=now,
            connections=[],
        )
    )
    session.flush()
    events.append(
        session,
        kind,
        ("device_credential", row_id),
        actor=actor,
        learned_at=now,
        site_id=device.site_id,
        after={"state": "standing", "device": str(device.id)},
    )
    site = session.get_one(Node, device.site_id).code
    return Issued(row_id, device.id, site, device.code, username, secret)


def sealed_about(credential_id: UUID) -> str:
    """Where alone a sealed secret can be read."""
    return f"device credential {credential_id}"


def _username(code: str) -> str:
    """Told by people by the device's code, and never used twice."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", code).strip("-")[:32] or "device"
    return f"{plain}.{''.join(secrets.choice(_SUFFIX) for _ in range(8))}"


def rotate_credential(
    session: Session,
    device: Device,
    *,
    vault: Vault | None,
    actor: events.Actor,
    now: datetime,
    overlap: timedelta = OVERLAP,
) -> Issued:
    """Replace a device's credential by a new one.

    The old one stays good until the device was seen with the new one, for `overlap` at most.
    Conflict when it has none.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid(
            worded("the credential was not replaced"), problems=[worded("overlap: 0 to 90 days")]
        )
    session.execute(select(Device.id).where(Device.id == device.id).with_for_update())
    old = [one for one in admitted(session, device.id) if one.state == "standing"]
    if not old:
        raise Conflict(
            worded("%(code)s has no credential", code=device.code), advice=worded("Make one first.")
        )
    for one in old:
        values = {"replaced_at": now, "valid_until": now + overlap}
        facts = {"device": str(device.id)}
        move(
            session,
            one,
            CREDENTIAL,
            "replace",
            actor=actor,
            learned_at=now,
            values=values,
            facts=facts,
        )
    return _issue(session, device, "device_credential.rotate", vault=vault, actor=actor, now=now)


def revoke_credentials(
    session: Session,
    device: Device,
    *,
    actor: events.Actor,
    now: datetime,
    only: UUID | None = None,
) -> int:
    """Let nobody in by the device's credentials any more, or by one of them; returns how many.

    Who is signed in with one is cut off as soon as the broker follows. Conflict when none stands.
    """
    # One that is made at this very moment is revoked with the others.
    session.execute(select(Device.id).where(Device.id == device.id).with_for_update())
    chosen = [one for one in admitted(session, device.id) if only in (None, one.id)]
    if not chosen:
        raise Conflict(
            worded("%(code)s has no such credential", code=device.code),
            advice=worded("It was revoked already."),
        )
    for one in chosen:
        _close(session, one, "revoke", actor=actor, now=now)
    return len(chosen)


def _close(
    session: Session, row: DeviceCredential, action: str, *, actor: events.Actor, now: datetime
) -> None:
    # Nobody needs the secret any more, sealed or not.
    values: dict[str, Any] = {"ended_at": now, "sealed": None, "connections": []}
    facts = {"device": str(row.device_id)}
    move(session, row, CREDENTIAL, action, actor=actor, learned_at=now, values=values, facts=facts)


def due_to_end(session: Session, *, now: datetime) -> list[DeviceCredential]:
    """Replaced credentials whose time is up, or whose device uses a newer one."""
    leaving = session.scalars(
        select(DeviceCredential).where(DeviceCredential.state == "leaving")
    ).all()
    if not leaving:
        return []
    used = session.scalars(
        select(DeviceCredential).where(
            DeviceCredential.device_id.in_([one.device_id for one in leaving]),
            DeviceCredential.first_used_at.is_not(None),
            DeviceCredential.state.in_(ADMITTED),
        )
    ).all()
    return [
        one
        for one in leaving
        if (one.valid_until is not None and one.valid_until <= now)
        or any(
            other.device_id == one.device_id
            and (other.created_at, other.id) > (one.created_at, one.id)
            for other in used
        )
    ]


def end_replaced(session: Session, *, now: datetime) -> int:
    """End replaced credentials whose time is up, or whose device uses a newer one; how many."""
    due = due_to_end(session, now=now)
    for one in due:
        _close(session, one, "end", actor=events.SYSTEM, now=now)
    return len(due)


def change_identity(
    session: Session,
    device: Device,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> DeviceIdentity:
    """Say for whom a bridge may speak. changes: some of EDITABLE. Invalid with every problem.

    speaks_for and sources hold ids, as UUID or text.
    """
    identity = identity_of(session, device)
    wanted = {name: list(dict.fromkeys(str(one) for one in changes[name])) for name in changes}
    problems: list[str] = [
        worded("%(name)s: cannot be changed", name=name) for name in wanted if name not in EDITABLE
    ]
    problems += [
        worded("%(name)s: too many", name=name)
        for name in wanted
        if len(wanted[name]) > MOST_DEVICES
    ]
    if not problems:
        problems += _device_problems(session, device, wanted.get("speaks_for", []))
        problems += _source_problems(session, device, wanted.get("sources", []))
        problems += _topic_problems(session, device, wanted.get("topics", []))
        problems += [
            worded("reads: %(one)s: %(fault)s", one=one, fault=fault)
            for one in wanted.get("reads", [])
            if (fault := topic_filter_fault(one) or _read_fault(session, device, one))
        ]
    if problems:
        raise Invalid(
            worded("the identity was not saved"), problems=problems, advice=worded("Correct them.")
        )
    differing = {name: list_ for name, list_ in wanted.items() if getattr(identity, name) != list_}
    if differing:
        before = {name: getattr(identity, name) for name in differing}
        for name, list_ in differing.items():
            setattr(identity, name, list_)
        identity.version += 1
        session.flush()
        events.append(
            session,
            "device_identity.update",
            ("device_identity", device.id),
            actor=actor,
            learned_at=now,
            site_id=device.site_id,
            before=before,
            after=differing,
        )
    return identity


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for one in texts:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return found


def _device_problems(session: Session, device: Device, wanted: Sequence[str]) -> list[str]:
    statement = select(Device.id).where(
        Device.id.in_(_ids(wanted)), Device.site_id == device.site_id
    )
    known = {str(one) for one in session.scalars(statement)} - {str(device.id)}
    return [
        worded("speaks_for: %(one)s is no other device of this site", one=one)
        for one in wanted
        if one not in known
    ]


def _source_problems(session: Session, device: Device, wanted: Sequence[str]) -> list[str]:
    statement = select(Source.id, Source.topic_filter).where(
        Source.id.in_(_ids(wanted)), Source.site_id == device.site_id
    )
    known = {str(row.id): row.topic_filter for row in session.execute(statement)}
    site = session.get_one(Node, device.site_id).code
    problems: list[str] = [
        worded("sources: %(one)s is no source of this site", one=one)
        for one in wanted
        if one not in known
    ]
    return problems + [
        worded("sources: %(fault)s", fault=fault)
        for one in wanted
        if one in known and (fault := filter_fault(known[one], site))
    ]


def _topic_problems(session: Session, device: Device, wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return []
    sources = list(
        session.scalars(
            select(Source.topic_filter).where(
                Source.site_id == device.site_id, Source.enabled.is_(True)
            )
        )
    )
    site = session.get_one(Node, device.site_id).code
    problems: list[str] = []
    for one in wanted:
        fault = topic_filter_fault(one) or filter_fault(one, site)
        if fault is None and not any(covers(source, one) for source in sources):
            fault = worded("no enabled source of this site takes it")
        problems += [worded("topics: %(one)s: %(fault)s", one=one, fault=fault)] if fault else []
    return problems


def _read_fault(session: Session, device: Device, topic_filter: str) -> str | None:
    return filter_fault(topic_filter, session.get_one(Node, device.site_id).code)
