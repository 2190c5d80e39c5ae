"""Handing in a file and applying it: planned, shown, planned again, done at once or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.administration.many import Change, Doing, change_many, create_many
from core.db import Database
from core.devices import DEVICE, Device, Point, reserve_series
from core.errors import Conflict, Invalid, Stale
from core.hiring import NewPerson, hire
from core.households import (
    NewResident,
    Resident,
    add_residents,
    change_resident,
    contacts_of,
)
from core.ids import new_id
from core.invitations import NewGrant, add_grants
from core.lifecycle import move
from core.people import Caller, Person, rename
from core.places import Node
from core.site_file.rows import update_all
from core.team_lists import Doer
from rules.wording import worded
from workflows.intake import duty
from workflows.intake.keeping import Preview, keep_items, open_lines, seal_preview
from workflows.intake.lines import Lines, Told, read_file
from workflows.intake.model import IMPORT, Intake
from workflows.intake.plan import KINDS, Item, Plan
from workflows.intake.planning import make_plan
from workflows.intake.planning.households import details_of, kept

# A preview that nobody applied is forgotten: it holds what people wrote about others.
PREVIEW_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was handed in."""

    filename: str
    content: bytes

    @property
    def file_hash(self) -> str:
        """SHA-256, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def plan_file(
    database: Database, caller: Caller, upload: Upload, told: Told = lambda *_: None
) -> Preview:
    """Read a file and plan it; nothing is kept. Unreadable when it is no spreadsheet of ours."""
    said = read_file(upload.content, upload.filename, told)
    with database.read() as session:
        return Preview(said, make_plan(session, caller, said, told))


def hand_in(
    session: Session, caller: Caller, upload: Upload, preview: Preview, *, now: datetime
) -> Intake:
    """Keep a file that was read and planned, to be applied; the same file again takes its place."""
    same = select(Intake).where(
        Intake.uploaded_by == caller.person_id,
        Intake.file_hash == upload.file_hash,
        Intake.state == "previewed",
    )
    row = session.scalars(same.with_for_update()).first()
    shown = _shown(session, caller.person_id, preview)
    if row is not None:
        _show(row, shown)
        # It waits from now on: who hands a file in again has a day to apply it.
        row.uploaded_at = now
        session.flush()
        return row
    row = Intake(
        id=new_id(),
        state="previewed",
        version=1,
        # Ending first: that tells what kind of file it was.
        filename=upload.filename[-200:] or "file",
        file_hash=upload.file_hash,
        size=len(upload.content),
        uploaded_by=caller.person_id,
        uploaded_at=now,
        **shown,
    )
    session.add(row)
    session.flush()
    return row


def _shown(session: Session, owner: UUID, preview: Preview) -> dict[str, Any]:
    plan = preview.plan
    return {
        "counts": plan.counts(),
        "refused": plan.refused,
        "fingerprint": plan.fingerprint(),
        "site_id": _only_site(plan.items),
        "preview": seal_preview(session, owner, preview),
    }


def _show(row: Intake, shown: Mapping[str, Any]) -> None:
    for name, value in shown.items():
        setattr(row, name, value)
    row.version += 1


def _only_site(items: Sequence[Item]) -> UUID | None:
    sites = {item.site_id for item in items if item.kind not in ("person", "grant")}
    people = any(item.kind in ("person", "grant") for item in items)
    return next(iter(sites)) if len(sites) == 1 and not people else None


def plan_again(session: Session, caller: Caller, row: Intake) -> Plan:
    """Compare a file that waits with what stands now; its preview shows that."""
    IMPORT.target("apply", row.state)
    said = open_lines(session, row)
    plan = make_plan(session, caller, said)
    _show(row, _shown(session, row.uploaded_by, Preview(said, plan)))
    session.flush()
    return plan


def apply_import(
    session: Session,
    caller: Caller,
    row: Intake,
    *,
    now: datetime,
    expected_version: int | None,
    told: Told = lambda *_: None,
) -> Plan:
    """Do what the preview of a file shows, all of it in the caller's transaction.

    Stale when the preview, or what it was compared with, has changed since; Invalid when rows
    would be refused; Conflict when it was applied or discarded, or would change nothing.
    """
    actor = events.Actor.person(caller.person_id)
    IMPORT.target("apply", row.state)
    said = open_lines(session, row)
    # Imports wait for each other: two that add the same thing are judged one after the other.
    session.execute(select(Node.id).where(Node.kind == "company").with_for_update())
    plan = _judged(session, caller, row, said, expected_version, told)
    values = {"applied_by": caller.person_id, "applied_at": now, "preview": None}
    facts: dict[str, Any] = {"counts": plan.counts(), "file": row.file_hash}
    try:
        _Writer(session, actor, now, told).write(plan.changes)
        values["plan"] = keep_items(session, plan.changes)
        move(
            session,
            row,
            IMPORT,
            "apply",
            actor=actor,
            learned_at=now,
            values=values,
            facts=facts,
            expected_version=expected_version,
        )
    except IntegrityError as error:
        raise _changed() from error
    return plan


def _judged(
    session: Session,
    caller: Caller,
    row: Intake,
    said: Lines,
    expected_version: int | None,
    told: Told,
) -> Plan:
    if expected_version is not None and row.version != expected_version:
        raise _changed()
    plan = make_plan(session, caller, said, told, lock=True)
    if plan.fingerprint() != row.fingerprint or plan.refused != row.refused:
        raise _changed()
    if plan.faults:
        raise Invalid(
            worded("nothing was imported"),
            problems=[
                worded("%(place)s: %(problem)s", place=fault.place, problem=fault.text)
                for fault in plan.faults
            ],
            advice=worded("Correct the file and hand it in again."),
        )
    if not plan.changes:
        raise Conflict(
            worded("everything stands as the file says"), advice=worded("There is nothing to do.")
        )
    return plan


def _changed() -> Stale:
    return Stale(
        worded("what the file is compared with has changed since the preview"),
        advice=worded("Look at the preview again; it shows what would be done now."),
    )


def discard(session: Session, caller: Caller, row: Intake, *, now: datetime) -> None:
    """Give up a file that waits; nothing of what it says is kept."""
    actor = events.Actor.person(caller.person_id)
    move(session, row, IMPORT, "discard", actor=actor, learned_at=now, values={"preview": None})


def forget_previews(session: Session, *, now: datetime) -> int:
    """Drop files that waited too long; returns how many."""
    statement = delete(Intake).where(
        Intake.state == "previewed", Intake.uploaded_at < now - PREVIEW_KEPT
    )
    return len(session.execute(statement.returning(Intake.id)).all())


class _Writer:
    """Writes a plan, kind by kind, each thing after what it refers to."""

    def __init__(self, session: Session, actor: events.Actor, now: datetime, told: Told) -> None:
        self._session = session
        self._actor = actor
        self._now = now
        self._told = told
        self._doing = Doing(session, actor, now)

    def write(self, changes: Sequence[Item]) -> None:
        """Write everything."""
        done = 0
        for kind in KINDS:
            items = [item for item in changes if item.kind == kind]
            self._told("writing", done, len(changes))
            self._create(kind, [item for item in items if item.action == "create"])
            self._update(kind, [item for item in items if item.action == "update"])
            done += len(items)
        # Bulk statements went past the objects that the session may hold.
        self._session.flush()
        self._session.expire_all()

    def _create(self, kind: str, items: Sequence[Item]) -> None:
        if kind in duty.KINDS:
            duty.write(self._session, kind, items, Doer(self._actor, self._now))
        elif kind == "person":
            people = [NewPerson(id=item.id, **item.after) for item in items]
            hire(self._session, people, actor=self._actor, now=self._now)
        elif kind == "grant":
            grants = [NewGrant(id=item.id, **item.after) for item in items]
            add_grants(self._session, grants, actor=self._actor, now=self._now)
        elif kind == "resident":
            residents = [_resident(item) for item in items]
            add_residents(self._session, residents, actor=self._actor, now=self._now)
        elif kind == "point":
            series = reserve_series(self._session, len(items))
            rows = [{**i.after, "series": s} for i, s in zip(items, series, strict=True)]
            create_many(self._doing, kind, rows)
        else:
            create_many(self._doing, kind, [item.after for item in items])

    def _update(self, kind: str, items: Sequence[Item]) -> None:
        if kind in duty.KINDS:
            duty.write(self._session, kind, items, Doer(self._actor, self._now))
            return
        if kind == "person":
            for item in items:
                self._rename(item)
            return
        if kind == "resident":
            for item in items:
                self._say_anew(item)
            return
        if kind == "point":
            free_keys(self._doing, items)
        change_many(self._doing, kind, [change for item in items if (change := _change(item))])
        for item in items:
            if "state" in item.after:
                self._adopt(item.id)

    def _rename(self, item: Item) -> None:
        set_person(self._session, item.id, item.after, actor=self._actor, now=self._now)

    def _say_anew(self, item: Item) -> None:
        row = self._session.get_one(Resident, item.id)
        [contact] = contacts_of(self._session, [row])
        details = details_of({**kept(contact.details), **item.after})
        change_resident(self._session, row, details, actor=self._actor, now=self._now)

    def _adopt(self, device_id: UUID) -> None:
        self._session.flush()
        device = self._session.get_one(Device, device_id, populate_existing=True)
        move(
            self._session,
            device,
            DEVICE,
            "adopt",
            actor=self._actor,
            learned_at=self._now,
            values={"last_sample": None},
        )


def _resident(item: Item) -> NewResident:
    site_id, space_id = item.after["site_id"], item.after["space_id"]
    return NewResident(item.id, site_id, space_id, details_of(item.after))


def _change(item: Item) -> Change | None:
    """The fields of an item that are written as they are; a status is moved instead."""
    after = {name: value for name, value in item.after.items() if name != "state"}
    before = {name: item.before[name] for name in after}
    assert item.site_id is not None
    return Change(item.id, item.site_id, before, after) if after else None


def set_person(
    session: Session,
    person_id: UUID,
    values: Mapping[str, str],
    *,
    actor: events.Actor,
    now: datetime,
) -> None:
    """Set the name or the language of a person, or both."""
    person = session.get_one(Person, person_id)
    name, locale = values.get("name", person.name), values.get("locale", person.locale)
    rename(session, person_id, name, locale, now=now, actor=actor)


def free_keys(doing: Doing, items: Sequence[Item]) -> None:
    """Take keys from points that get others, so that two may swap theirs."""
    moved = [item.id for item in items if "key" in item.after]
    if len(moved) > 1:
        update_all(doing.session, Point, [{"id": each, "key": f"~{each}"} for each in moved])
