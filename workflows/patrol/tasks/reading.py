"""Tasks as they are shown: on their ticket, in the control room, and to whoever goes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from core.paging import LARGEST_PAGE, Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from core.places import Asset, Node, Space
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE
from workflows.patrol.posts.model import Post
from workflows.patrol.tasks.answering import SEND, shown_to
from workflows.patrol.tasks.candidates import candidates
from workflows.patrol.tasks.places import proving
from workflows.tickets.guard_tasks import GuardOffer, GuardTask
from workflows.tickets.model import Ticket
from workflows.tickets.scope import scope_of

KEY = (datetime, UUID)
_ASSET, _SPACE = aliased(Asset), aliased(Space)
_ROWS = (
    rows_of(
        GuardTask.id,
        GuardTask.site_id,
        Node.name.label("site_name"),
        Node.time_zone,
        Ticket.number.label("ticket_number"),
        Ticket.title.label("ticket_title"),
        Ticket.priority,
        Ticket.life_safety,
        Ticket.state.label("ticket_state"),
        Ticket.recovered_at,
        Ticket.asset_id,
        _ASSET.name.label("asset_name"),
        _SPACE.name.label("space_name"),
        GuardTask.state,
        GuardTask.version,
        GuardTask.run,
        GuardTask.began_at,
        GuardTask.due_at,
        GuardTask.person_id,
        Person.name.label("person_name"),
        GuardTask.offered_at,
        GuardTask.accepted_at,
        GuardTask.late_at,
        GuardTask.arrived_at,
        GuardTask.arrived_by,
        GuardTask.scan_id,
        GuardTask.proof,
        GuardTask.passed_up_at,
        GuardTask.ended_at,
        GuardTask.why,
        GuardTask.reason,
    )
    .select_from(GuardTask)
    .join(Ticket, Ticket.id == GuardTask.id)
    .join(Node, Node.id == GuardTask.site_id)
    .outerjoin(_ASSET, _ASSET.id == Ticket.asset_id)
    .outerjoin(_SPACE, _SPACE.id == Ticket.space_id)
    .outerjoin(Person, Person.id == GuardTask.person_id)
)


def describe_task(session: Session, caller: Caller, task_id: UUID) -> dict[str, Any]:
    """One task with everybody to whom it was offered. NotFound where the caller may not see it.

    Seen is it by whoever sees its ticket, and by whoever it is, or was, offered to.
    """
    statement = _ROWS.where(GuardTask.id == task_id, shown_to(caller))
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such task"), advice=worded("Look at the tickets of the site.")
        )
    leads = row["site_id"] in caller.sites_for(SEND)
    offers = _offers(session, [task_id])[task_id]
    if not leads and row["site_id"] not in caller.sites_for(PEOPLE):
        # Where colleagues were, and why they did not go, is nobody's who only sees the ticket.
        hidden = {"near": None, "reason": ""}
        offers = [
            one if one["person_id"] == caller.person_id else {**one, **hidden} for one in offers
        ]
    return {**row, "offers": offers, "may_send": leads}


def task_on(session: Session, caller: Caller, ticket_id: UUID) -> dict[str, Any] | None:
    """The task of a ticket as `describe_task` has it; None where it never asked for a guard."""
    if session.get(GuardTask, ticket_id) is None:
        return None
    return describe_task(session, caller, ticket_id)


def tasks_now(session: Session, caller: Caller, site_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The tasks of some sites that are not over and whose ticket the caller sees, oldest first."""
    statement = (
        _ROWS.where(
            GuardTask.site_id.in_(site_ids),
            GuardTask.state != "over",
            scope_of(caller).condition(),
        )
        .order_by(GuardTask.began_at, GuardTask.id)
        .limit(LARGEST_PAGE)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def list_tasks(
    session: Session, caller: Caller, wish: Wish, *, site_id: UUID | None = None, open_only: bool
) -> Page[dict[str, Any]]:
    """Tasks whose ticket the caller sees, the last first."""
    statement = _ROWS.where(scope_of(caller).condition())
    if site_id is not None:
        statement = statement.where(GuardTask.site_id == site_id)
    if open_only:
        statement = statement.where(GuardTask.state != "over")
    return newest_first(session, statement, (GuardTask.began_at, GuardTask.id), wish)


def _offers(session: Session, task_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    by = aliased(Person)
    statement = (
        select(GuardOffer, Person.name, by.name)
        .join(Person, Person.id == GuardOffer.person_id)
        .outerjoin(by, by.id == GuardOffer.by_id)
        .where(GuardOffer.task_id.in_(task_ids))
        .order_by(GuardOffer.number)
    )
    found: dict[UUID, list[dict[str, Any]]] = {one: [] for one in task_ids}
    for row, name, by_name in session.execute(statement):
        found[row.task_id].append(
            {
                "number": row.number,
                "run": row.run,
                "person_id": row.person_id,
                "person_name": name,
                "state": row.state,
                "offered_at": row.offered_at,
                "answer_by": row.answer_by,
                "answered_at": row.answered_at,
                "by_id": row.by_id,
                "by_name": by_name,
                "near": _near(session, row.near),
                "reason": row.reason,
            }
        )
    return found


def _near(session: Session, near: Mapping[str, Any]) -> dict[str, Any]:
    """Why somebody was thought to be near, with the name of where they were."""
    checkpoint = near.get("checkpoint")
    asset = session.get(Asset, UUID(checkpoint)) if checkpoint else None
    return {
        "how": near.get("how", "unknown"),
        "by": near.get("by", "unknown"),
        "seconds": near.get("seconds"),
        "age_s": near.get("age_s"),
        "checkpoint_id": UUID(checkpoint) if checkpoint else None,
        "checkpoint": dict(asset.name) if asset else None,
    }


def who_could_go(
    session: Session, caller: Caller, task_id: UUID, *, now: datetime
) -> list[dict[str, Any]]:
    """Everybody on duty, the nearest first, with why not where that is so; for who sends them."""
    task = describe_task(session, caller, task_id)
    caller.require(SEND, task["site_id"])
    ticket = session.get_one(Ticket, task_id)
    posts = session.scalars(
        select(Post).where(Post.site_id == ticket.site_id, Post.state == "active")
    ).all()
    found = candidates(session, ticket, run=task["run"], now=now, posts=posts)
    return [
        {
            "person_id": one.person_id,
            "name": one.name,
            "post": dict(one.post.name) if one.post else None,
            "near": _near(session, one.near.told(now)),
            "why_not": one.why_not,
        }
        for one in found
    ]


def tasks_of(session: Session, site_id: UUID, people: Collection[UUID]) -> list[dict[str, Any]]:
    """What a phone shows of the tasks that are offered to its people, or theirs."""
    statement = (
        select(GuardTask, Ticket, _ASSET.name, _SPACE.name)
        .join(Ticket, Ticket.id == GuardTask.id)
        .outerjoin(_ASSET, _ASSET.id == Ticket.asset_id)
        .outerjoin(_SPACE, _SPACE.id == Ticket.space_id)
        .where(
            GuardTask.site_id == site_id,
            GuardTask.person_id.in_(people),
            GuardTask.state.in_(("offered", "accepted", "arrived")),
        )
        .order_by(GuardTask.offered_at, GuardTask.id)
    )
    return [
        _on_phone(session, row, ticket, asset, space)
        for row, ticket, asset, space in session.execute(statement)
    ]


def _on_phone(
    session: Session,
    row: GuardTask,
    ticket: Ticket,
    asset: Mapping[str, str] | None,
    space: Mapping[str, str] | None,
) -> dict[str, Any]:
    found = proving(session, ticket)
    points = session.execute(
        select(Asset.id, Asset.code, Asset.name, Space.name)
        .outerjoin(Space, Space.id == Asset.space_id)
        .where(Asset.id.in_(found.checkpoints if found else []))
        .order_by(Asset.code)
    )
    offer = session.scalars(
        select(GuardOffer)
        .where(GuardOffer.task_id == row.id)
        .order_by(GuardOffer.number.desc())
        .limit(1)
    ).first()
    near = offer.near if offer is not None else {}
    return {
        "id": row.id,
        "person_id": row.person_id,
        "state": row.state,
        "number": ticket.number,
        "title": dict(ticket.title),
        "priority": ticket.priority,
        "life_safety": ticket.life_safety,
        "asset": dict(asset) if asset else None,
        "way": _way(session, ticket),
        "space": dict(space) if space else None,
        "seconds": near.get("seconds") if near.get("by") != "unknown" else None,
        "offered_at": row.offered_at,
        "answer_by": row.due_at if row.state == "offered" else None,
        "accepted_at": row.accepted_at,
        "arrived_at": row.arrived_at,
        "arrived_by": row.arrived_by,
        "recovered_at": ticket.recovered_at,
        "checkpoints": [
            {"id": one, "code": code, "name": dict(name), "space": dict(at) if at else None}
            for one, code, name, at in points
        ],
    }


def _way(session: Session, ticket: Ticket) -> list[dict[str, str]]:
    """The names of the spaces around an alarm, the outermost first: building, floor, room."""
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space_id = asset.space_id if asset is not None and asset.space_id else ticket.space_id
    found: list[dict[str, str]] = []
    while space_id is not None and len(found) < 8:
        space = session.get_one(Space, space_id)
        found.append(dict(space.name))
        space_id = space.parent_id
    return found[::-1]
