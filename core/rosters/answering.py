"""Who answers when nobody is on duty: duty phones, and those who answer for a site."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.calendars import above
from core.colleagues import people_in_role
from core.db import wait_turn
from core.errors import Invalid
from core.people import Caller
from core.places import Node
from core.rosters.duty import on_duty
from core.rosters.model import Answering, DutyPhone
from rules.wording import worded


def set_duty_phone(
    session: Session, caller: Caller, node: Node, phone: str, *, now: datetime
) -> None:
    """Set or take away the duty phone of a place. Invalid for what is no telephone number."""
    caller.require_over("service.write", node)
    number = "".join(phone.split())
    if number and not (number.lstrip("+").replace("-", "").isdecimal() and len(number) <= 40):
        raise Invalid(
            worded("nothing was changed"), problems=[worded("phone: digits, + and - only")]
        )
    wait_turn(session, Node.id, node.id)
    row = session.get(DutyPhone, node.id, populate_existing=True)
    if not number:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(DutyPhone(node_id=node.id, phone=number))
    else:
        row.phone = number
    session.flush()
    events.append(
        session,
        "roster.duty_phone",
        ("node", node.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=node.id if node.kind == "site" else None,
        after={"set": bool(number)},
    )


def duty_phone(session: Session, node_id: UUID) -> str:
    """The duty phone that is set on this very node; empty when there is none."""
    row = session.get(DutyPhone, node_id)
    return row.phone if row else ""


def who_answers(session: Session, site_id: UUID, team: str, at: datetime) -> Answering:
    """Whom a ticket of a team reaches at a moment, so that it never rests with nobody.

    Those on duty; else the site's duty phone, else the region's, else the company's, each with
    those who supervise the site; without any phone the supervisors, managers or administrators.
    """
    people = [one.person_id for one in on_duty(session, site_id, team, at)]
    if people:
        return Answering("team", people, [])
    above_all = bosses(session, site_id)
    site = session.get_one(Node, site_id)
    nodes = session.scalars(select(Node).where(Node.path.in_(above(site.path)))).all()
    for node in sorted(nodes, key=lambda one: -len(one.path)):
        phone = duty_phone(session, node.id)
        if phone:
            return Answering(node.kind, above_all, [phone])
    return Answering("supervisor", above_all, [])


def posts(session: Session, site_id: UUID) -> list[str]:
    """The duty phones of a site and of the places above it, the nearest first."""
    site = session.get_one(Node, site_id)
    statement = (
        select(Node.path, DutyPhone.phone)
        .join(DutyPhone, DutyPhone.node_id == Node.id)
        .where(Node.path.in_(above(site.path)))
    )
    found = sorted(session.execute(statement), key=lambda row: -len(row[0]))
    return list(dict.fromkeys(phone for _, phone in found if phone))


def bosses(session: Session, site_id: UUID) -> list[UUID]:
    """Those who answer for a site: its supervisors, else its managers, else administrators."""
    for role in ("supervisor", "manager", "administrator"):
        found = people_in_role(session, site_id, role)
        if found:
            return found
    return []
