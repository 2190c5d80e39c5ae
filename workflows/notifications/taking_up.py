"""From facts of the log to notices: who is to be told of what, and how urgently."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import able_people
from core.contacts import out_of_reach
from core.local_time import zone
from core.people import Person, caller_for
from core.places import Node
from core.rosters import bosses, posts, who_answers
from workflows.notifications.asking import about, urgency_of
from workflows.notifications.merging import add_to, batch_of, notice_of_batch
from workflows.notifications.model import CALLS, MANY, MENTION, URGENCIES, Notice
from workflows.notifications.outside import take_up_outside
from workflows.notifications.outwards import title_outside
from workflows.tickets import Ticket, with_merged
from workflows.tickets.contractors import live_links
from workflows.tickets.scope import READ, holds
from workflows.tickets.sos import SILENT_CATEGORY, sos_of

TO_THE_TEAM = (
    *("ticket.open", "ticket.reopen", "ticket.announce", "ticket.warn", "ticket.overdue"),
    *("ticket.urge", "ticket.contractor", "ticket.release", "ticket.still", "ticket.incident"),
)
# What a notice is about where a ticket went to a team, and to nobody of it.
FOR_A_TEAM = "colleagues.assign"
TO_THE_REPORTER = ("ticket.accept", "ticket.start", "ticket.resolve", "ticket.close")
# A fire: everybody whom the fact names, and the telephones of the posts.
FIRES = ("fire_alarm.fire", "fire_alarm.lapse")
# A round: whoever goes it, and a little later who leads them.
ROUNDS = ("round.late", "round.late_passed_up", "round.miss", "round.miss_passed_up")
# A post: whoever leads those who stand there.
POSTS = ("post.short", "post.unread_orders")
# Whoever is to say that they are well.
CHECK_INS = ("lone_worker.remind",)
# Whoever is to go and look at an alarm, and who leads them.
TASKS = ("guard_task.offer", "guard_task.send", "guard_task.pass_up", "guard_task.late")
# Whoever is asked about a round that they went.
MARKS = ("patrol_mark.make",)
# Whoever has read a report to which something was added.
REPORTS = ("patrol_report.annex",)
# Plans that do not keep what a law or an authority asks for: whoever leads the site.
STATUTES = ("statute.break",)
_OF_PATROLS = (*ROUNDS, *POSTS, *CALLS, *CHECK_INS, *TASKS, *MARKS, *REPORTS)
TO_NAMED = ("ticket.escalate", "handover.pass_up", MENTION, *FIRES, *_OF_PATROLS)
TAKEN_UP = frozenset(
    {*TO_THE_TEAM, *TO_THE_REPORTER, *TO_NAMED, "ticket.assign", "roster.gap", *STATUTES}
)


def take_up(session: Session, facts: Sequence[events.Event], *, now: datetime) -> int:
    """Write a notice for everybody whom a fact concerns, of ours or not; returns how many."""
    duty, made = _Duty(session, now), 0
    for fact in facts:
        if _concerns_somebody(fact):
            made += _take_up(session, fact, now, duty)
        made += take_up_outside(session, fact, now)
    return made


class _Duty:
    """Who answers at one moment, asked once for each team: a night of many faults asks often."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._teams: dict[tuple[UUID, str], tuple[list[UUID], list[str]]] = {}
        self._bosses: dict[UUID, list[UUID]] = {}
        self._able: dict[UUID, frozenset[UUID]] = {}

    def bosses(self, site_id: UUID) -> list[UUID]:
        """Who answers for a site whatever the hour."""
        if site_id not in self._bosses:
            self._bosses[site_id] = bosses(self._session, site_id)
        return self._bosses[site_id]

    def works(self, site_id: UUID, person_id: UUID) -> bool:
        """Whether somebody may work tickets of a site: they may have left, or work elsewhere."""
        if site_id not in self._able:
            able = able_people(self._session, site_id, "tickets.work")
            self._able[site_id] = frozenset(one.id for one in able)
        return person_id in self._able[site_id]

    def posts(self, site_id: UUID) -> list[str]:
        """The duty phones of a site and of all above it."""
        return posts(self._session, site_id)

    def team(self, site_id: UUID, team: str) -> tuple[list[UUID], list[str]]:
        """People and phones on duty; whoever did not answer the test of their shift is passed over.

        Without anybody left it is the bosses.
        """
        if (site_id, team) not in self._teams:
            answering = who_answers(self._session, site_id, team, self._now)
            silent = out_of_reach(self._session, answering.people, self._now)
            people = [one for one in answering.people if one not in silent]
            self._teams[site_id, team] = people or self.bosses(site_id), answering.phones
        return self._teams[site_id, team]


def _concerns_somebody(fact: events.Event) -> bool:
    """Whether anybody is told of it; of contractors only that none of them comes.

    Of what was edited only that another team has it.
    """
    if fact.kind == "ticket.contractor":
        return (fact.after or {}).get("state") == "back"
    if fact.kind == "ticket.edit":
        before, after = (one or {} for one in (fact.before, fact.after))
        return "team" in after and after["team"] != before.get("team")
    return fact.kind in TAKEN_UP


def _take_up(session: Session, fact: events.Event, now: datetime, duty: _Duty) -> int:
    ticket = None
    if fact.subject_kind in ("ticket", "fire_alarm", "sos", "guard_task"):
        ticket = session.get(Ticket, UUID(fact.subject_id), populate_existing=True)
        if ticket is None:
            return 0
    if fact.kind == "ticket.open" and ticket is not None and sos_of(session, ticket) is not None:
        # Whom that is told is named by the call itself.
        return 0
    if fact.kind in TO_THE_REPORTER and ticket is not None:
        return _tell_reporters(session, fact, ticket, now)
    kind = _kind(fact, ticket)
    if kind == "ticket.edit":
        # Whoever has it keeps it.
        return 0
    if kind == FOR_A_TEAM and ticket is not None and live_links(session, ticket.id):
        # A contractor is asked; the team hears if none of them comes.
        return 0
    people, phones = _recipients(fact, ticket, duty)
    if ticket is not None and ticket.category == SILENT_CATEGORY:
        # A phone on duty may lie beside whoever stands over the sender.
        people, phones = _who_may_know(session, people, ticket), []
    urgency = _urgency(fact, ticket)
    said = about(session, ticket) if ticket else _about_site(session, fact)
    made = 0
    for person in dict.fromkeys(people):
        made += _tell(session, fact, ticket, urgency, said, now, kind=kind, person=person)
    for phone in phones if urgency in ("urgent", "critical") else []:
        made += _tell(session, fact, ticket, urgency, said, now, kind=kind, phone=phone)
    session.flush()
    return made


def _kind(fact: events.Event, ticket: Ticket | None) -> str:
    """What a notice is about: of a ticket that went to a team and nobody of it, just that."""
    moved = fact.kind in ("ticket.assign", "ticket.edit")
    if moved and ticket is not None and ticket.assignee_id is None:
        return FOR_A_TEAM
    return fact.kind


def _who_may_know(session: Session, people: Sequence[UUID], ticket: Ticket) -> list[UUID]:
    """Of some people those whom a silent call is not kept from; the sender is none of them."""
    call = sos_of(session, ticket)
    sender = call.person_id if call is not None else None
    known = [session.get(Person, one) for one in dict.fromkeys(people) if one != sender]
    return [one.id for one in known if one and holds(caller_for(session, one), READ, ticket)]


def _tell_reporters(session: Session, fact: events.Event, ticket: Ticket, now: datetime) -> int:
    """How it goes, to whoever of ours opened the ticket or one that was merged into it.

    Each hears of the ticket that they opened themselves, which they see whoever has the other.
    """
    family = with_merged(session, ticket.id)
    statement = select(Ticket).where(Ticket.id.in_(family), Ticket.reporter_id.is_not(None))
    made = 0
    for own in session.scalars(statement.order_by(Ticket.id)).all():
        if str(own.reporter_id) != fact.actor_id:
            said, person = about(session, own), own.reporter_id
            made += _tell(session, fact, own, "info", said, now, kind=fact.kind, person=person)
    session.flush()
    return made


def _urgency(fact: events.Event, ticket: Ticket | None) -> str:
    if fact.kind in (*MARKS, *REPORTS, *STATUTES):
        # A question can wait for the morning, and so can what was learned later.
        return "normal"
    if ticket is None:
        return "urgent"
    if fact.kind == MENTION:
        return "normal"
    if fact.kind in (*FIRES, *CALLS):
        return "critical"
    if fact.kind in TASKS:
        # They have seconds to answer.
        return "critical" if ticket.life_safety else "urgent"
    return urgency_of(ticket)


def _recipients(
    fact: events.Event, ticket: Ticket | None, duty: _Duty
) -> tuple[list[UUID], list[str]]:
    after = fact.after or {}
    if fact.kind in TO_NAMED:
        loud = fact.kind in FIRES or after.get("posts", False)
        phones = duty.posts(fact.site_id) if loud and fact.site_id else []
        return [UUID(one) for one in after.get("people", ())], phones
    if ticket is None:
        found = duty.bosses(fact.site_id) if fact.site_id else []
        # Who has just edited the plan saw what became of it.
        return [one for one in found if str(one) != fact.actor_id], []
    if fact.kind == "ticket.assign" and ticket.assignee_id is not None:
        # Whoever takes a ticket for themselves knows of it.
        taken = str(ticket.assignee_id) == fact.actor_id
        return [] if taken else [ticket.assignee_id], []
    if ticket.assignee_id is not None and duty.works(ticket.site_id, ticket.assignee_id):
        return [ticket.assignee_id], []
    people, phones = duty.team(ticket.site_id, ticket.team)
    # Whoever opened it knows of it, unless nobody else is there.
    others = [one for one in people if str(one) != fact.actor_id]
    return others or people, phones


def _about_site(session: Session, fact: events.Event) -> dict[str, Any]:
    site = session.get(Node, fact.site_id) if fact.site_id else None
    after = fact.after or {}
    when = _span(site, after["from"], after["to"]) if site and "from" in after else ""
    place = dict(site.name) if site else {}
    if about := after.get("about"):
        # A part of the site has a name of its own, in as many languages as somebody gave it.
        other = next(iter(about.values()), "")
        place = {
            language: f"{text} · {about.get(language, other)}" for language, text in place.items()
        }
    # Who is told of a round or a mark opens that very one.
    kinds = {"round": "round", "patrol_mark": "mark", "patrol_report": "frozen"}
    led = {kinds[fact.subject_kind]: fact.subject_id} if fact.subject_kind in kinds else {}
    if fact.kind in STATUTES:
        led = {"route": after["route"]}
    return {"place": place, "when": when, **led}


def _span(site: Node, start: str, end: str) -> str:
    """From when to when, by the clocks of a site; whoever reads it stands there."""
    first, last = (
        datetime.fromisoformat(text).astimezone(zone(site.time_zone)) for text in (start, end)
    )
    same_day = first.date() == last.date()
    return f"{first:%Y-%m-%d %H:%M} – {last:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}}"


def _tell(
    session: Session,
    fact: events.Event,
    ticket: Ticket | None,
    urgency: str,
    said: dict[str, Any],
    now: datetime,
    *,
    kind: str,
    person: UUID | None = None,
    phone: str = "",
) -> int:
    if person is not None:
        somebody = session.get(Person, person)
        if somebody is None or somebody.left_at is not None:
            return 0
    said = {**said, "since": fact.seq}
    standing = None
    # Each note that names somebody is one of its own, beside what they are asked to do.
    if ticket is not None and kind != MENTION:
        standing = _standing(session, ticket, person, phone)
    batch = batch_of(fact, kind, ticket, urgency)
    if batch is not None and ticket is not None:
        of_many = notice_of_batch(session, batch, kind, person, phone)
        if of_many is not None:
            add_to(session, of_many, ticket, standing, urgency, now=now)
            return 0
    if standing is not None:
        # One ticket is one notice to a person: it says the latest, at its greatest urgency.
        standing.kind, standing.facts = kind, said
        # What is critical stays by itself, although it was changed with others.
        standing.batch_id = batch if standing.urgency != "critical" else None
        if URGENCIES.index(urgency) > URGENCIES.index(standing.urgency):
            standing.urgency, standing.tries = urgency, 0
        standing.due_at = now if urgency != "info" else standing.due_at
        return 0
    session.add(
        Notice(
            site_id=fact.site_id,
            person_id=person,
            phone=phone,
            ticket_id=ticket.id if ticket else None,
            kind=kind,
            facts=said,
            batch_id=batch,
            urgency=urgency,
            state="waiting",
            version=1,
            created_at=now,
            due_at=None if urgency == "info" else now,
        )
    )
    return 1


def _standing(session: Session, ticket: Ticket, person: UUID | None, phone: str) -> Notice | None:
    return session.scalars(
        select(Notice).where(
            Notice.ticket_id == ticket.id,
            Notice.person_id == person if person else Notice.phone == phone,
            Notice.state == "waiting",
            Notice.kind.not_in((MENTION, *MANY.values())),
        )
    ).first()


def group_lines(session: Session, facts: Sequence[events.Event], named: int) -> list[str]:
    """What groups are told of tickets that were opened: a head, then a line each, bilingual.

    Nobody's name is among it: everybody reads a group.
    """
    opened = [UUID(fact.subject_id) for fact in facts if fact.kind == "ticket.open"]
    if not opened:
        return []
    # A silent call is kept from the field, and the field reads along.
    told = select(Ticket).where(Ticket.id.in_(opened), Ticket.category != SILENT_CATEGORY)
    tickets = session.scalars(told.order_by(Ticket.number)).all()
    if not tickets:
        return []
    lines = [
        f"#{ticket.number} {_both(title_outside(session, ticket))}".rstrip()
        for ticket in tickets[:named]
    ]
    rest = len(tickets) - len(lines)
    head = f"{len(tickets)} new / {len(tickets)} 张新工单"
    return [head, *lines, *([f"+ {rest}"] if rest else [])]


def _both(names: Mapping[str, str]) -> str:
    return " / ".join(dict.fromkeys(names.values()))
