"""Working a ticket: every action that people take on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core import events
from core.clock import to_micros
from core.colleagues import able_people
from core.errors import Conflict, Invalid, NotAllowed, Stale
from core.ids import new_id
from core.lifecycle import move
from core.local_time import zone
from core.places import Node
from core.teams import require_certified
from rules.wording import worded
from workflows.tickets.categories import category_problems
from workflows.tickets.checklist import require_answered
from workflows.tickets.clocks import net_seconds, next_moment, raise_priority, recompute
from workflows.tickets.fire_alarms import (
    note_taken,
    refuse_belittling,
    refuse_other_target,
    refuse_silence,
)
from workflows.tickets.fire_climbing import lapse_if_due
from workflows.tickets.lifecycle import RUNNING, TICKET
from workflows.tickets.model import (
    FALSE_CAUSES,
    KINDS,
    PRIORITIES,
    VERDICTS,
    Fault,
    Ticket,
    TicketNote,
    searchable,
)
from workflows.tickets.opening import hold_faults, release_if_ended
from workflows.tickets.passing import mark_passed, resumed
from workflows.tickets.promises import terms_at
from workflows.tickets.scope import passed_on
from workflows.tickets.sos import note_taken as note_call_taken
from workflows.tickets.sos import refuse_to_change, refuse_to_end

# These change what others rely on, so the log must hold why.
NEEDS_REASON = ("hold", "cancel", "reopen", "merge")
_NOT_HELD: Mapping[str, Any] = MappingProxyType({"held_at": None, "hold_until": None})


@dataclass(frozen=True, slots=True)
class Step:
    """One action on a ticket. note: a reason or a remark, as the person wrote it.

    verdict, cause: with resolve, close or cancel, what it turned out to be, and what caused a
    false alarm. until: with hold, when it ends by itself; long: whether who asks may hold a ticket
    for longer than its terms allow. public: whether residents may read the note. checked_by: with
    verify, how it was checked, where that was no look of the person's own. batch: of many tickets
    that were changed at once, which time it was. doer_id: with resolve, who did the work, where it
    is not the colleague who says so.
    """

    action: str
    note: str = ""
    assignee_id: UUID | None = None
    team: str | None = None
    into_id: UUID | None = None
    verdict: str | None = None
    cause: str | None = None
    until: datetime | None = None
    long: bool = False
    public: bool = False
    checked_by: str | None = None
    batch: UUID | None = None
    doer_id: UUID | None = None


def act(
    session: Session,
    ticket: Ticket,
    step: Step,
    *,
    person: UUID | None,
    now: datetime,
    expected_version: int | None = None,
    actor: events.Actor | None = None,
) -> Ticket:
    """Take one action on a ticket by the lifecycle table.

    actor: who does it, where that is nobody of ours: a contractor or a resident.

    Conflict when the table does not hold it, Stale when `expected_version` is not the present
    one, Invalid when the action lacks what it needs.
    """
    who = actor or _actor(person)
    check_version(ticket, expected_version)
    _require_what_it_needs(session, ticket, step, person)
    # A deadline that passed before this action stays on record, even if no sweep saw it yet.
    mark_passed(session, ticket, now=now, actor=events.SYSTEM)
    lapse_if_due(session, ticket, now=now)
    refuse_silence(session, ticket, step.action, step.verdict)
    refuse_to_end(session, ticket, step.action)
    values, facts = _effects(session, ticket, step, person, now)
    reopened_from, was = ticket.resolved_at, ticket.state
    move(
        session,
        ticket,
        TICKET,
        step.action,
        actor=who,
        learned_at=now,
        values=values,
        facts={**facts, **_of(step.batch)},
        expected_version=expected_version,
    )
    if step.action == "reopen":
        _take_faults_back(session, ticket)
        _go_on_counting(ticket, reopened_from, now)
    if ticket.state in RUNNING and (was == "on_hold" or step.action == "reopen"):
        why = "reopen" if step.action == "reopen" else "resume"
        recompute(session, ticket, now=now, actor=who, why=why)
    release_if_ended(session, ticket)
    ticket.next_due = next_moment(ticket)
    _note_taken(session, ticket, step, person, now)
    if step.note.strip():
        said: dict[str, Any] = {"action": step.action, "actor": actor, "public": step.public}
        add_note(session, ticket, step.note, author=person, now=now, **said)
    session.flush()
    return ticket


def _require_what_it_needs(
    session: Session, ticket: Ticket, step: Step, person: UUID | None
) -> None:
    TICKET.target(step.action, ticket.state)
    if step.action in NEEDS_REASON and not step.note.strip():
        raise Invalid(
            worded("to %(action)s a ticket give a reason", action=step.action),
            problems=[worded("note: missing")],
        )
    # A contractor sees no checklist; who verifies their work answers what is left of it.
    if step.action == "verify" or (step.action == "resolve" and person):
        require_answered(session, ticket)


def _note_taken(
    session: Session, ticket: Ticket, step: Step, person: UUID | None, now: datetime
) -> None:
    """Who takes a fire alarm or a call for help, or hands it to somebody, has seen it."""
    given_to = step.assignee_id if step.action == "assign" else person
    if step.action in ("accept", "start", "assign") and person and given_to:
        note_taken(session, ticket, by=person, given_to=given_to, now=now)
        note_call_taken(session, ticket, by=person, now=now)


def _of(batch: UUID | None) -> dict[str, str]:
    return {"batch": str(batch)} if batch else {}


def _actor(person: UUID | None) -> events.Actor:
    return events.Actor.person(person) if person else events.SYSTEM


def check_version(ticket: Ticket, expected: int | None) -> None:
    """Stale when somebody changed the ticket since the caller read it."""
    if expected is not None and expected != ticket.version:
        raise Stale(
            worded(
                "ticket %(number)s was changed since you read it (version %(version)s)",
                number=ticket.number,
                version=ticket.version,
            ),
            advice=worded("Load it again and repeat your change."),
        )


def _take_version(session: Session, ticket: Ticket, expected: int | None) -> None:
    """Count a change of the ticket; of two who read the same version only the first may."""
    version = ticket.version if expected is None else expected
    result = session.execute(
        update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.version == version)
        .values(version=version + 1)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    session.refresh(ticket)
    if result.rowcount != 1:
        check_version(ticket, version)


def _effects(
    session: Session, ticket: Ticket, step: Step, person: UUID | None, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    match step.action:
        case "assign":
            return _assign(session, ticket, step, now)
        case "accept" | "start":
            return _take_in_hand(session, ticket, person, now)
        case "hold":
            return _hold(session, ticket, step, now)
        case "resume":
            return resumed(ticket, now), {}
        case "resolve":
            done = {"resolved_at": now, "responded_at": ticket.responded_at or now}
            verdict, net = _verdict(step), net_seconds(session, ticket, now)
            return {
                **done,
                "doer_id": step.doer_id or person,
                "net_seconds": net,
                **verdict,
            }, verdict
        case "verify":
            return {}, {"by": _verifier(ticket, step, person)}
        case "close" | "cancel":
            verdict = _verdict(step)
            return {"ended_at": now, **_NOT_HELD, **verdict}, verdict
        case "reopen":
            done_again = ("resolved_at", "ended_at", "verdict", "verdict_cause", "doer_id")
            undone = dict.fromkeys((*done_again, "net_seconds"))
            return {**undone, "assignee_id": _still_here(session, ticket)}, {}
        case "merge":
            effects = merge_effects(session, ticket, step.into_id, now)
            _weigh_as_much(session, ticket, step.into_id, person, now)
            return effects
    return {}, {}


def _take_in_hand(
    session: Session, ticket: Ticket, person: UUID | None, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    responded = {"responded_at": ticket.responded_at or now}
    if person is None:
        # A contractor; the log names the link by which they came.
        return {"assignee_id": None, **responded}, {}
    require_certified(session, person, ticket.category, _today(session, ticket, now))
    return {"assignee_id": person, **responded}, {"assignee": str(person)}


def _verdict(step: Step) -> dict[str, Any]:
    if step.verdict is None and step.cause is None:
        return {}
    problems: list[str] = (
        []
        if step.verdict in VERDICTS
        else [worded("verdict: one of %(known)s", known=", ".join(VERDICTS))]
    )
    if step.cause is not None and (step.verdict != "false" or step.cause not in FALSE_CAUSES):
        problems.append(
            worded("cause: of a false alarm, one of %(known)s", known=", ".join(FALSE_CAUSES))
        )
    if problems:
        raise Invalid(worded("that can't be what it turned out to be"), problems=problems)
    return {"verdict": step.verdict, "verdict_cause": step.cause}


def _verifier(ticket: Ticket, step: Step, person: UUID | None) -> str:
    """Who verifies: a person other than the doer, else the sensor that has recovered."""
    # A resident is none of ours, as a contractor is who may have done the work: both are nobody.
    if person != ticket.doer_id or step.checked_by == "resident":
        return step.checked_by or "person"
    if ticket.recovered_at is None:
        raise Conflict(
            worded("who did the work does not verify it, and no sensor has recovered"),
            advice=worded("Ask a colleague to look at it."),
        )
    return "sensor"


def _assign(
    session: Session, ticket: Ticket, step: Step, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    if step.assignee_id is None and not step.team:
        raise Invalid(
            worded("to assign a ticket name a person or a team"),
            problems=[worded("assignee_id: missing")],
        )
    values: dict[str, Any] = {"assignee_id": step.assignee_id}
    facts: dict[str, Any] = {}
    if ticket.state == "on_hold":
        # Somebody has it to work on again, so its hold is over.
        values |= resumed(ticket, now)
    if step.assignee_id is not None:
        able = {one.id for one in able_people(session, ticket.site_id, "tickets.work")}
        if step.assignee_id not in able:
            raise Invalid(
                worded("they can't work tickets here"),
                problems=[worded("assignee_id: not with this site")],
            )
        require_certified(session, step.assignee_id, ticket.category, _today(session, ticket, now))
        facts["assignee"] = str(step.assignee_id)
    if step.team:
        values |= passed_on(ticket, step.team)
        facts["team"] = step.team
    return values, facts


def _still_here(session: Session, ticket: Ticket) -> UUID | None:
    """Whose ticket it was, where they may still work it; else its team has it."""
    able = {one.id for one in able_people(session, ticket.site_id, "tickets.work")}
    return ticket.assignee_id if ticket.assignee_id in able else None


def _today(session: Session, ticket: Ticket, now: datetime) -> date:
    site = session.get_one(Node, ticket.site_id)
    return now.astimezone(zone(site.time_zone)).date()


def hand_to(
    session: Session, ticket: Ticket, person: UUID, *, by: str, now: datetime, actor: events.Actor
) -> None:
    """Give an open ticket to somebody whose turn it is. by: how they were chosen."""
    values = {"assignee_id": person}
    facts = {"assignee": str(person), "by": by}
    move(
        session,
        ticket,
        TICKET,
        "assign",
        actor=actor,
        learned_at=now,
        values=values,
        facts=facts,
    )


def _hold(
    session: Session, ticket: Ticket, step: Step, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    if step.until is None:
        raise Invalid(
            worded("to hold a ticket say until when"), problems=[worded("until: missing")]
        )
    if step.until <= now:
        raise Invalid(worded("a hold ends in the future"), problems=[worded("until: has passed")])
    limit = terms_at(session, ticket.site_id).terms.hold_limit
    held = step.until - now + timedelta(seconds=ticket.held_seconds)
    if held > limit and not step.long:
        raise NotAllowed(
            worded(
                "to hold a ticket for more than %(days)s days takes somebody who answers for it",
                days=limit.days,
            ),
            advice=worded("Choose an earlier date, or ask a supervisor to hold it."),
        )
    return {"held_at": now, "hold_until": step.until}, {"until": step.until.isoformat()}


def _go_on_counting(ticket: Ticket, stopped: datetime | None, now: datetime) -> None:
    """What lay between the repair and its rejection was nobody's working time."""
    if stopped is not None:
        ticket.pauses = [*(ticket.pauses or ()), [to_micros(stopped), to_micros(now)]]


def merge_effects(
    session: Session, ticket: Ticket, into_id: UUID | None, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hand the faults of a ticket to another; what a merge sets, and what the log says of it."""
    target = None
    if into_id is not None:
        # Nobody may end it meanwhile, or it would stand for faults after its end.
        session.flush()
        keyed = {"key_share": True}
        target = session.get(Ticket, into_id, with_for_update=keyed, populate_existing=True)
    if target is None or target.site_id != ticket.site_id or target.id == ticket.id:
        raise Invalid(
            worded("to merge a ticket name another one of the same site"),
            problems=[worded("into_id: missing or not on this site")],
        )
    if target.state in ("closed", "cancelled", "merged"):
        raise Conflict(
            worded(
                "ticket %(number)s has ended (%(state)s)", number=target.number, state=target.state
            ),
            advice=worded("Merge into one that is still open."),
        )
    refuse_other_target(session, ticket, target)
    for fault in session.scalars(select(Fault).where(Fault.ticket_id == ticket.id)).all():
        fault.ticket_id = target.id
    session.flush()
    target.repeats = Ticket.repeats + ticket.repeats
    values = {"merged_into_id": target.id, "ended_at": now, **_NOT_HELD}
    return values, {"into": str(target.id)}


def _weigh_as_much(
    session: Session, ticket: Ticket, into_id: UUID | None, person: UUID | None, now: datetime
) -> None:
    """What goes into another is no less urgent there, nor is what comes again of it."""
    target = session.get_one(Ticket, into_id)
    target.life_safety = target.life_safety or ticket.life_safety
    raise_priority(session, target, ticket.priority, now=now, actor=_actor(person))


def _take_faults_back(session: Session, ticket: Ticket) -> None:
    faults = session.scalars(select(Fault).where(Fault.ticket_id == ticket.id)).all()
    for fault in faults:
        other = session.scalars(
            select(Fault).where(
                Fault.rule_id == fault.rule_id,
                Fault.asset_id == fault.asset_id,
                Fault.holds,
                Fault.ticket_id != ticket.id,
            )
        ).first()
        if other is not None:
            raise Conflict(
                worded("the same fault has a newer ticket by now"),
                advice=worded("Work that one, or merge them."),
            )
    hold_faults(session, ticket.id)


def add_note(
    session: Session,
    ticket: Ticket,
    body: str,
    *,
    author: UUID | None,
    now: datetime,
    action: str = "note",
    actor: events.Actor | None = None,
    public: bool = False,
    batch: UUID | None = None,
) -> TicketNote:
    """Write a remark on a ticket; the log holds that it was written, not what.

    public: whether residents may read it. actor: who writes, where that is nobody of ours.
    """
    if not body.strip():
        raise Invalid(worded("a note needs some text"), problems=[worded("body: empty")])
    note = TicketNote(
        id=new_id(),
        site_id=ticket.site_id,
        ticket_id=ticket.id,
        author_id=author,
        author_kind=actor.kind if actor else None,
        at=now,
        action=action,
        body=body.strip(),
        public=public,
    )
    session.add(note)
    if action == "note":
        events.append(
            session,
            "ticket.note",
            ("ticket", ticket.id),
            actor=actor or _actor(author),
            learned_at=now,
            site_id=ticket.site_id,
            after={"note": str(note.id), **_of(batch)},
        )
    return note


EDITABLE = ("kind", "priority", "category", "team", "description", "title")


def edit(
    session: Session,
    ticket: Ticket,
    changes: Mapping[str, Any],
    *,
    person: UUID,
    now: datetime,
    expected_version: int | None,
    batch: UUID | None = None,
) -> Ticket:
    """Change fields of a ticket; the log holds which, and old and new where they are no text."""
    check_version(ticket, expected_version)
    problems: list[str] = [
        worded("%(name)s: cannot be edited", name=name) for name in changes if name not in EDITABLE
    ]
    problems += _bad_choice("kind", changes, KINDS) + _bad_choice("priority", changes, PRIORITIES)
    if changes.get("category", ticket.category) != ticket.category:
        kind = changes.get("kind", ticket.kind)
        problems += category_problems(session, ticket.site_id, kind, changes["category"])
    if problems:
        raise Invalid(worded("the ticket was not changed"), problems=problems)
    refuse_belittling(session, ticket, changes)
    refuse_to_change(session, ticket, changes)
    _take_version(session, ticket, expected_version)
    logged = [name for name in changes if name not in ("title", "description")]
    before = {name: getattr(ticket, name) for name in logged}
    moved = passed_on(ticket, changes["team"]) if "team" in changes else {}
    for name, value in {**changes, **moved}.items():
        setattr(ticket, name, value)
    ticket.search_text = searchable(ticket.title)
    if any(changes.get(name, before[name]) != before[name] for name in before if name != "team"):
        # Another kind of ticket has another promise.
        actor = events.Actor.person(person)
        recompute(session, ticket, now=now, actor=actor, why="edit", anew=True)
    events.append(
        session,
        "ticket.edit",
        ("ticket", ticket.id),
        actor=events.Actor.person(person),
        learned_at=now,
        site_id=ticket.site_id,
        before=before,
        after={name: changes[name] for name in logged} | {"fields": sorted(changes), **_of(batch)},
    )
    session.flush()
    return ticket


def _bad_choice(name: str, changes: Mapping[str, Any], allowed: tuple[str, ...]) -> list[str]:
    if name in changes and changes[name] not in allowed:
        return [worded("%(name)s: one of %(known)s", name=name, known=", ".join(allowed))]
    return []
