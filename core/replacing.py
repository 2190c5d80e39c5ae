"""Replacing a device: the new one feeds the points of the old one, whose history and rules stay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.adoption import sight_of
from core.devices import DEVICE, Device, Point
from core.errors import Conflict, Invalid
from core.lifecycle import move
from core.places import Asset
from core.profiles import Feed, Fit, best_fit
from core.profiles.own import load_profiles
from core.site_file import load_catalog
from rules.wording import Message, worded

REPLACED = "device.replace"
_STATES: Mapping[str, Message] = {"waiting": worded("waiting"), "retired": worded("retired")}
_FIELDS = ("device_id", "key", "scale", "shift", "states")


@dataclass(frozen=True, slots=True)
class Handed:
    """A point of the old device, and the key of the new one that feeds it then; None: nothing.

    feed: how what the new one says becomes its value.
    """

    point_id: UUID
    code: str
    asset_id: UUID
    old_key: str
    key: str | None
    feed: Feed | None = None


def propose(session: Session, old: Device, new: Device) -> list[Handed]:
    """Which key of `new` feeds which point of `old`: by the same key, else by its profile."""
    points = session.scalars(
        select(Point).where(Point.device_id == old.id).order_by(Point.asset_id, Point.code)
    ).all()
    sight = sight_of(new)
    keys = {value.key for value in sight.values}
    fits = _fits(session, {point.asset_id for point in points}, new)
    found, taken = [], set[tuple[UUID, str]]()
    for point in points:
        fit = fits.get(point.asset_id)
        feeds = {feed.code: (key, feed) for key, feed in fit.feeds.items()} if fit else {}
        key, feed = feeds.get(point.code, (None, None))
        if key is None and point.key in keys:
            # What has the same name is taken to be the same, as the old one told it.
            words = tuple(point.states or ()) if point.kind == "boolean" else ()
            scale = 1.0 if point.scale is None else point.scale
            key, feed = point.key, Feed(point.code, scale, point.shift or 0.0, words)
        if key is not None and (point.asset_id, key) in taken:
            key, feed = None, None
        if key is not None:
            taken.add((point.asset_id, key))
        found.append(Handed(point.id, point.code, point.asset_id, point.key, key, feed))
    return found


def _fits(session: Session, asset_ids: set[UUID], new: Device) -> Mapping[UUID, Fit]:
    catalog, profiles = load_catalog(session), load_profiles(session)
    types = session.execute(select(Asset.id, Asset.type).where(Asset.id.in_(asset_ids)))
    sight = sight_of(new)
    fits = {
        asset_id: best_fit(profiles.values(), catalog, sight, asset_type=kind)
        for asset_id, kind in types
    }
    return {asset_id: fit for asset_id, fit in fits.items() if fit is not None}


def replace_device(
    session: Session, old: Device, new: Device, *, actor: events.Actor, now: datetime
) -> list[Handed]:
    """Retire `old`, and let `new`, which waits, feed its points from now on.

    The points, their series and whatever rules judge stay as they are. Points that the new one
    says nothing of stay with the old one, as history. What speaks through the old one, a gateway,
    speaks through the new one. Conflict unless one works and the other waits; Invalid where the
    new one says nothing that the old one measured.
    """
    if old.site_id != new.site_id:
        raise Invalid(
            worded("nothing was replaced"), problems=[worded("old_id: is on another site")]
        )
    if old.state != "active":
        raise Conflict(
            worded(
                "device %(code)s is %(state)s",
                code=repr(old.code),
                state=_STATES.get(old.state, old.state),
            ),
            advice=worded("Choose one that works."),
        )
    DEVICE.target("adopt", new.state)
    handed = propose(session, old, new)
    if not any(one.key for one in handed):
        raise Invalid(
            worded("nothing was replaced"),
            problems=[
                worded(
                    "new_id: %(new)s says nothing that %(old)s measured",
                    new=repr(new.code),
                    old=repr(old.code),
                )
            ],
            advice=worded("Wait until it has said all of its values, or adopt it by hand."),
        )
    before = _give(session, new, handed)
    behind = _pass_behind(session, old.id, new.id)
    values = {"asset_id": old.asset_id, "path_id": new.path_id, "last_sample": None}
    facts = {"asset": str(old.asset_id), "points": [one["id"] for one in before]}
    _move(session, new, "adopt", actor, now, values, facts)
    _move(session, old, "retire", actor, now, {}, {"replaced_by": str(new.id)})
    if old.name and not new.name:
        new.name = dict(old.name)
    events.append(
        session,
        REPLACED,
        ("device", new.id),
        actor=actor,
        learned_at=now,
        site_id=new.site_id,
        before={"device": str(old.id), "points": before, "behind": behind},
        after={"device": str(new.id), "code": new.code},
    )
    return handed


def _give(session: Session, new: Device, handed: Sequence[Handed]) -> list[dict[str, Any]]:
    """Bind the points to the new device; returns how they were bound before."""
    before = []
    for one in handed:
        if one.key is None or one.feed is None:
            continue
        point = session.get_one(Point, one.point_id)
        was = {name: getattr(point, name) for name in _FIELDS}
        before.append({"id": str(point.id), **was, "device_id": str(point.device_id)})
        feed = one.feed
        converted = (feed.scale, feed.shift) != (1.0, 0.0)
        point.device_id, point.key = new.id, one.key
        point.scale = feed.scale if converted else None
        point.shift = feed.shift if converted else None
        if point.kind == "boolean":
            point.states = list(feed.words) or None
    session.flush()
    return before


def _pass_behind(
    session: Session, old: UUID, new: UUID, only: Collection[str] | None = None
) -> list[str]:
    """Let what speaks through one gateway speak through the other; returns the ids of it."""
    behind = session.scalars(select(Device).where(Device.path_id == old, Device.id != new)).all()
    moved = [one for one in behind if only is None or str(one.id) in only]
    for one in moved:
        one.path_id = new
        one.version += 1
    session.flush()
    return [str(one.id) for one in moved]


def undo_replacement(
    session: Session, new: Device, *, actor: events.Actor, now: datetime
) -> Device:
    """Take a replacement back: the old device works again with its points, the new one is retired.

    Conflict where there is none, or where the devices have moved on since.
    """
    fact = session.scalars(
        select(events.Event)
        .where(
            events.Event.kind == REPLACED,
            events.Event.subject_kind == "device",
            events.Event.subject_id == str(new.id),
        )
        .order_by(events.Event.seq.desc())
        .limit(1)
    ).first()
    told = (fact.before or {}) if fact is not None else {}
    old = session.get(Device, UUID(told["device"])) if told else None
    if old is None or old.state != "retired" or new.state != "active":
        raise Conflict(
            worded("there is no replacement to take back"),
            advice=worded("Retire or replace the device instead."),
        )
    for was in told["points"]:
        point = session.get(Point, UUID(was["id"]))
        if point is None or point.device_id != new.id:
            raise Conflict(
                worded("its points were given to others meanwhile"),
                advice=worded("Change the points by hand."),
            )
        point.device_id, point.key = old.id, was["key"]
        point.scale, point.shift, point.states = was["scale"], was["shift"], was["states"]
    _pass_behind(session, new.id, old.id, told.get("behind", ()))
    _move(session, new, "retire", actor, now, {}, {"gave_way_to": str(old.id)})
    _move(session, old, "reactivate", actor, now, {}, {"took_back_from": str(new.id)})
    return old


def _move(
    session: Session,
    device: Device,
    action: str,
    actor: events.Actor,
    now: datetime,
    values: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    move(
        session,
        device,
        DEVICE,
        action,
        actor=actor,
        learned_at=now,
        values=values,
        facts=facts,
    )
