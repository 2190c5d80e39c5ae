"""Reading credentials and identities: for lists, commands and pages."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from core.device_credentials.model import (
    ADMITTED,
    BrokerAccounts,
    DeviceCredential,
    DeviceIdentity,
)
from core.device_credentials.wanted import ONE
from core.devices import Device, Source
from core.errors import Invalid, NotFound
from core.hearings import DeviceHearing
from core.paging import Page, Wish, rows_of
from core.people import Caller, scoped
from core.places import Node
from core.told_points import not_ours
from rules.wording import worded

# The newest of a device; what was replaced long ago stands in the log.
MOST_CREDENTIALS = 10
MOST_LISTED = 500
CREDENTIAL_FIELDS = (
    "id",
    "username",
    "state",
    "created_at",
    "replaced_at",
    "valid_until",
    "ended_at",
    "admitted_at",
    "first_used_at",
    "last_used_at",
    "connections",
)
WAY_FIELDS = (
    "source",
    "through",
    "heard_at",
    "stray_source",
    "stray_through",
    "stray_since",
    "stray_last",
)


def device_named(session: Session, name: str) -> Device:
    """The device that SITE/DEVICE names. Invalid, or NotFound."""
    site, slash, code = name.partition("/")
    if not slash:
        raise Invalid(
            worded("%(name)s names no device", name=repr(name)),
            advice=worded("Write SITE/DEVICE, by their codes."),
        )
    statement = (
        select(Device)
        .join(Node, Node.id == Device.site_id)
        .where(Node.code == site, Node.kind == "site", Device.code == code)
    )
    device = session.scalars(statement).first()
    if device is None:
        raise NotFound(
            worded("there is no device %(name)s", name=name),
            advice=worded("Look for it on the page of devices."),
        )
    return device


def devices_without(session: Session, site: str) -> list[Device]:
    """The active devices of a site, by its code, that have no credential. NotFound."""
    site_id = session.scalar(select(Node.id).where(Node.code == site, Node.kind == "site"))
    if site_id is None:
        raise NotFound(
            worded("there is no site %(site)s", site=site), advice=worded("Write its code.")
        )
    having = select(DeviceCredential.device_id).where(DeviceCredential.state.in_(ADMITTED))
    statement = (
        select(Device)
        .where(
            Device.site_id == site_id,
            Device.state == "active",
            Device.id.not_in(having),
            not_ours(),
        )
        .order_by(Device.code)
    )
    return list(session.scalars(statement))


def credentials_of_site(
    session: Session, site: str | None = None
) -> list[tuple[DeviceCredential, str]]:
    """The credentials that are good, each with SITE/DEVICE, of one site or of all."""
    statement = (
        select(DeviceCredential, Node.code, Device.code)
        .join(Device, Device.id == DeviceCredential.device_id)
        .join(Node, Node.id == Device.site_id)
        .where(DeviceCredential.state.in_(ADMITTED))
        .order_by(Node.code, Device.code, DeviceCredential.created_at)
    )
    if site is not None:
        statement = statement.where(Node.code == site)
    return [(row, f"{place}/{code}") for row, place, code in session.execute(statement)]


def _identities(caller: Caller) -> Select[Any]:
    """Devices that the caller may read and of which there is something to say."""
    any_credential = select(DeviceCredential.device_id).where(
        DeviceCredential.device_id == Device.id
    )
    statement = (
        rows_of(Device, DeviceIdentity)
        .outerjoin(DeviceIdentity, DeviceIdentity.device_id == Device.id)
        .where(or_(DeviceIdentity.device_id.is_not(None), any_credential.exists()))
    )
    return scoped(statement, Device.site_id, caller, "devices.read")


def list_identities(
    session: Session, caller: Caller, site_id: UUID | None, wish: Wish
) -> Page[dict[str, Any]]:
    """Who has a credential or speaks for others, as far as the caller may read. Key: id."""
    statement = _identities(caller)
    if site_id is not None:
        statement = statement.where(Device.site_id == site_id)
    if wish.after is not None:
        statement = statement.where(Device.id < wish.after[0])
    rows = session.execute(statement.order_by(Device.id.desc()).limit(wish.limit + 1)).all()
    items = [_described(session, device, identity) for device, identity in rows[: wish.limit]]
    more = len(rows) > wish.limit
    return Page(items, (items[-1]["device_id"],) if more and items else None)


def describe_identity(session: Session, device: Device) -> dict[str, Any]:
    """Who a device is on the broker, and by which way it is heard; also of one without any."""
    content = _described(session, device, session.get(DeviceIdentity, device.id))
    return {**content, "way": _way(session.get(DeviceHearing, device.id))}


def _described(session: Session, device: Device, identity: DeviceIdentity | None) -> dict[str, Any]:
    credentials = session.scalars(
        select(DeviceCredential)
        .where(DeviceCredential.device_id == device.id)
        .order_by(DeviceCredential.created_at.desc(), DeviceCredential.id.desc())
        .limit(MOST_CREDENTIALS)
    )
    return {
        "device_id": device.id,
        "site_id": device.site_id,
        "code": device.code,
        "name": device.name,
        "speaks_for": identity.speaks_for if identity else [],
        "sources": identity.sources if identity else [],
        "topics": identity.topics if identity else [],
        "reads": identity.reads if identity else [],
        "twice_since": identity.twice_since if identity else None,
        "twice": (identity.twice if identity else None) or [],
        "credentials": [
            {name: getattr(row, name) for name in CREDENTIAL_FIELDS} for row in credentials
        ],
    }


def _way(row: DeviceHearing | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: getattr(row, name) for name in WAY_FIELDS}


def describe_accounts(session: Session) -> dict[str, Any]:
    """How far the broker's accounts follow, and who is signed in without one of ours."""
    row = session.get(BrokerAccounts, ONE)
    names = ("kind", "reached_at", "fault", "fault_since", "unknown", "shared")
    if row is None:
        return {**dict.fromkeys(names), "kind": "", "unknown": [], "shared": []}
    return {name: getattr(row, name) for name in names}


def devices_to_set_up(session: Session, caller: Caller, site_id: UUID) -> list[Device]:
    """Devices of a site that have no credential, by code: those that one may be made for."""
    having = select(DeviceCredential.device_id).where(DeviceCredential.state.in_(ADMITTED))
    statement: Select[Any] = select(Device).where(
        Device.site_id == site_id,
        Device.state != "retired",
        Device.id.not_in(having),
        not_ours(),
    )
    statement = scoped(statement, Device.site_id, caller, "devices.read")
    return list(session.scalars(statement.order_by(Device.code).limit(MOST_LISTED)))


def codes_of(session: Session, device_ids: Sequence[str]) -> list[str]:
    """The codes of devices, in order of codes."""
    wanted = [UUID(one) for one in device_ids]
    statement = select(Device.code).where(Device.id.in_(wanted)).order_by(Device.code)
    return list(session.scalars(statement))


def ids_of(session: Session, site_id: UUID, codes: Sequence[str]) -> list[UUID]:
    """The devices of a site with these codes. Invalid, naming every code that is none of them."""
    statement = select(Device.code, Device.id).where(
        Device.site_id == site_id, Device.code.in_(codes)
    )
    found = {code: device_id for code, device_id in session.execute(statement)}
    problems = [
        worded("speaks_for: there is no device %(one)s", one=repr(one))
        for one in codes
        if one not in found
    ]
    if problems:
        raise Invalid(
            worded("the identity was not saved"), problems=problems, advice=worded("Correct them.")
        )
    return [found[code] for code in codes]


def sources_of(session: Session, site_id: UUID) -> list[Source]:
    """The enabled sources of a site, by code."""
    statement = select(Source).where(Source.site_id == site_id, Source.enabled.is_(True))
    return list(session.scalars(statement.order_by(Source.code)))
