"""Leaving: one step ends every way in and passes on what is open; the name stays in old records."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events, second_factor
from core.accounts import forget_password
from core.badges import end_badges
from core.companies import leave_companies
from core.contacts import forget_contacts
from core.errors import Conflict
from core.homes import leave_homes
from core.identity import forget_identities
from core.invitations import end_grant, require_another_administrator, require_over_person
from core.people import Caller, Credential, Grant, Person
from core.pins import forget_pin
from core.push_devices import forget_push_devices
from core.rosters import leave_rosters
from core.teams import leave_teams
from core.unfounded import end_unfounded
from rules.wording import worded
from workflows import tickets


def leave(session: Session, person: Person, *, caller: Caller, now: datetime) -> int:
    """Let a person leave; returns how many open tickets went back to their teams.

    Ends their sessions, tokens, links, password, identity, roles, and the links and invitations
    that they made for others and nobody used;
    whoever lives here as well is invited to their home again.
    NotAllowed unless the caller answers for people wherever the person holds a role; Conflict for
    the last administrator of the company, and for somebody who has left already.
    """
    if person.left_at is not None:
        raise Conflict(
            worded("they have left already"), advice=worded("There is nothing more to do.")
        )
    require_over_person(session, caller, person)
    require_another_administrator(session, person.id)
    actor = events.Actor.person(caller.person_id)
    passed_on = _pass_on(session, person.id, caller.person_id, now)
    # Before their roles go, or these would end the account by themselves.
    leave_homes(session, person.id, actor=actor, now=now)
    leave_companies(session, person.id, actor=actor, now=now)
    leave_teams(session, person.id)
    forget_contacts(session, person.id)
    forget_push_devices(session, person.id)
    end_badges(session, person.id, actor=actor, now=now)
    shifts = leave_rosters(session, person.id, now)
    _end_ways_in(session, person.id, now)
    person.left_at = now
    session.flush()
    end_unfounded(session, person.id, actor=actor, now=now)
    for grant in session.scalars(select(Grant).where(Grant.person_id == person.id)).all():
        end_grant(session, grant, actor=actor, now=now)
    events.append(
        session,
        "person.leave",
        ("person", person.id),
        actor=actor,
        learned_at=now,
        after={"tickets_passed_on": passed_on, "shifts_to_fill": shifts},
    )
    return passed_on


def _end_ways_in(session: Session, person_id: UUID, now: datetime) -> None:
    forget_password(session, person_id)
    forget_pin(session, person_id)
    forget_identities(session, person_id)
    second_factor.turn_off(session, person_id, now=now)
    session.execute(
        update(Credential)
        .where(Credential.person_id == person_id, Credential.ends_at > now)
        .values(ends_at=now)
    )


def _pass_on(session: Session, person_id: UUID, by: UUID, now: datetime) -> int:
    """Hand every ticket that the person works on back to its team."""
    # Also what was opened again and waits for them.
    states = ("open", *tickets.IN_HAND)
    statement = select(tickets.Ticket).where(
        tickets.Ticket.assignee_id == person_id, tickets.Ticket.state.in_(states)
    )
    found = session.scalars(statement.with_for_update()).all()
    for ticket in found:
        step = tickets.Step("assign", team=ticket.team)
        tickets.act(session, ticket, step, person=by, now=now)
    return len(found)
