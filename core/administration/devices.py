"""Creating and changing devices, and taking them out of service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.administration.changing import apply, log, name_problems, not_editable, refuse
from core.codes import DEVICE_CODE
from core.devices import DEVICE, Device, Source
from core.ids import new_id
from core.lifecycle import move
from core.places import Asset
from rules.wording import Message, worded

EDITABLE = ("name", "asset_id", "path_id", "source_id")
_REFERENCES: Mapping[str, type[Asset] | type[Source] | type[Device]] = MappingProxyType(
    {"asset_id": Asset, "source_id": Source, "path_id": Device}
)
_MISSING: Mapping[str, Message] = MappingProxyType(
    {
        "asset_id": worded("asset_id: there is no such asset on this site"),
        "source_id": worded("source_id: there is no such source on this site"),
        "path_id": worded("path_id: there is no such path on this site"),
    }
)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device to be. path_id: the gateway that it speaks through."""

    code: str
    name: Mapping[str, str] = field(default_factory=dict)
    asset_id: UUID | None = None
    path_id: UUID | None = None
    source_id: UUID | None = None
    id: UUID | None = None


def _field_problems(
    session: Session, site_id: UUID, device_id: UUID | None, fields: Mapping[str, Any]
) -> list[str]:
    problems = name_problems(fields["name"]) if fields.get("name") else []
    for name, model in _REFERENCES.items():
        wanted = fields.get(name)
        if wanted and not _stands_on(session, model, wanted, site_id):
            problems.append(_MISSING[name])
        elif name == "path_id" and wanted and _leads_back(session, wanted, device_id):
            problems.append(worded("path_id: the path would lead round in a circle"))
    return problems


def _stands_on(
    session: Session, model: type[Asset] | type[Source] | type[Device], row_id: UUID, site_id: UUID
) -> bool:
    statement = select(model.id).where(model.id == row_id, model.site_id == site_id)
    return session.scalar(statement) is not None


def _leads_back(session: Session, path_id: UUID, device_id: UUID | None) -> bool:
    seen: set[UUID] = set()
    following: UUID | None = path_id
    while following is not None and following not in seen:
        if following == device_id:
            return True
        seen.add(following)
        following = session.scalar(select(Device.path_id).where(Device.id == following))
    return False


def create_device(
    session: Session, site_id: UUID, new: NewDevice, *, actor: events.Actor, now: datetime
) -> Device:
    """Create an active device. Raises Invalid with every problem."""
    problems = []
    if not DEVICE_CODE.fullmatch(new.code):
        problems.append(worded("code: no blanks, no / + #, no $ in front, at most 120 characters"))
    elif session.scalar(
        select(Device.id).where(Device.site_id == site_id, Device.code == new.code)
    ):
        problems.append(
            worded("code: there is a device %(code)s on this site already", code=repr(new.code))
        )
    fields = {name: getattr(new, name) for name in EDITABLE}
    refuse(worded("the device"), problems + _field_problems(session, site_id, None, fields))
    device = Device(
        id=new.id or new_id(),
        site_id=site_id,
        code=new.code,
        state="active",
        version=1,
        clock_trusted=True,
        **{**fields, "name": dict(new.name)},
    )
    session.add(device)
    after = {"code": new.code, "state": "active"}
    log(session, "device.create", device, actor=actor, now=now, after=after)
    return device


def update_device(
    session: Session,
    device: Device,
    changes: Mapping[str, Any],
    *,
    actor: events.Actor,
    now: datetime,
) -> Device:
    """Change name, asset_id, path_id or source_id. Raises Invalid with every problem."""
    problems = not_editable(changes, EDITABLE)
    problems += _field_problems(session, device.site_id, device.id, changes)
    refuse(worded("the device"), problems)
    if apply(session, "device", device, changes, actor=actor, now=now):
        device.version += 1
    return device


def retire_device(
    session: Session, device: Device, *, actor: events.Actor, now: datetime
) -> Device:
    """Take a device out of service; its points keep their history. Conflict if it is already."""
    move(session, device, DEVICE, "retire", actor=actor, learned_at=now)
    return device


def reactivate_device(
    session: Session, device: Device, *, actor: events.Actor, now: datetime
) -> Device:
    """Put a retired device back into service. Conflict when it is not retired."""
    move(session, device, DEVICE, "reactivate", actor=actor, learned_at=now)
    return device
