"""Reading tickets: lists of plain rows for programs and pages, and one ticket whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select, text
from sqlalchemy.orm import Session

from core.clock import from_micros
from core.devices import point_ids
from core.errors import Invalid, NotFound
from core.events import Event
from core.folding import fold
from core.paging import Page, Wish, in_order, read_texts, text_page
from core.people import Caller
from core.places import Asset
from core.wire import row_text
from rules.wording import worded
from workflows.tickets.checklist import list_items
from workflows.tickets.fire_alarms import FireAlarm
from workflows.tickets.fires import describe_fire_alarm
from workflows.tickets.lifecycle import ENDED, RUNNING, TICKET
from workflows.tickets.model import LOUD, Ticket, TicketEvidence
from workflows.tickets.notes import list_notes
from workflows.tickets.photos import list_photos
from workflows.tickets.relations import list_relations
from workflows.tickets.rights import actions_for
from workflows.tickets.scope import Scope, of_tickets, scope_of
from workflows.tickets.signatures import list_signatures
from workflows.tickets.sos import SILENT_CATEGORY
from workflows.tickets.voices import list_voices
from workflows.tickets.work import list_work

_LISTED = [
    "id",
    "number",
    "site_id",
    "space_id",
    "asset_id",
    "kind",
    "category",
    "priority",
    "life_safety",
    "state",
    "version",
    "title",
    "team",
    "assignee_id",
    "rule_id",
    "rule_version",
    "happened_at",
    "learned_at",
    "repeats",
    "last_repeat_at",
    "recovered_at",
    "respond_due",
    "resolve_due",
    "responded_at",
    "resolved_at",
    "ended_at",
    "previous_id",
    "merged_into_id",
]
_WHOLE = ["description", "reporter_id", "held_at", "held_seconds"]
_WHOLE += ["verdict", "verdict_cause", "doer_id", "hold_until", "respond_within"]
_WHOLE += ["fault_code", "cause_code", "remedy_code"]
_WHOLE += ["resolve_within", "calendar", "net_seconds", "over", "escalation"]


def _base(names: list[str]) -> Select[Any]:
    columns = [getattr(Ticket, name) for name in names]
    asset = (Asset.code.label("asset_code"), Asset.name.label("asset_name"))
    return select(*columns, *asset).outerjoin(Asset, Asset.id == Ticket.asset_id)


def _written() -> Select[Any]:
    columns = {name: getattr(Ticket, name) for name in _LISTED}
    row = row_text({**columns, "asset_code": Asset.code, "asset_name": Asset.name})
    return select(row).outerjoin(Asset, Asset.id == Ticket.asset_id)


_LIST = _written()
_ORDER = (Ticket.learned_at, Ticket.id)
_ONE = _base([*_LISTED, *_WHOLE])


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets are wanted; what is None does not restrict.

    states: status names. text: part of a title, of the asset's code or name, or the number.
    late_at: only those with a deadline that was missed by this moment and still runs.
    unassigned: only those that nobody in person has to do.
    ids: only these. learned_after: only those that we learned of after this moment.
    """

    states: tuple[str, ...] | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    rule_id: str | None = None
    kind: str | None = None
    priority: str | None = None
    text: str | None = None
    assignee_id: UUID | None = None
    late_at: datetime | None = None
    category: str | None = None
    unassigned: bool = False
    ids: tuple[UUID, ...] | None = None
    learned_after: datetime | None = None

    @property
    def site_column(self) -> Any:
        """The site, to be looked up by index only where few tickets are left to sort."""
        few = self.states is not None and "closed" not in self.states
        return Ticket.site_id if few or self.asset_id is not None else in_order(Ticket.site_id)

    def restrict(self, statement: Select[Any]) -> Select[Any]:
        """The statement with every given restriction."""
        exact = {
            Ticket.asset_id: self.asset_id,
            Ticket.rule_id: self.rule_id,
            Ticket.kind: self.kind,
            Ticket.category: self.category,
            Ticket.priority: self.priority,
            Ticket.assignee_id: self.assignee_id,
        }
        for column, value in exact.items():
            if value is not None:
                statement = statement.where(column == value)
        if self.site_id is not None:
            statement = statement.where(self.site_column == self.site_id)
        if self.ids is not None:
            statement = statement.where(Ticket.id.in_(self.ids))
        if self.learned_after is not None:
            statement = statement.where(Ticket.learned_at > self.learned_after)
        if self.states is not None:
            statement = statement.where(Ticket.state.in_(self.states))
        if self.unassigned:
            statement = statement.where(Ticket.assignee_id.is_(None))
        if self.late_at is not None:
            statement = statement.where(
                Ticket.state.in_(RUNNING),
                or_(
                    and_(Ticket.responded_at.is_(None), Ticket.respond_due < self.late_at),
                    and_(Ticket.resolved_at.is_(None), Ticket.resolve_due < self.late_at),
                ),
            )
        return statement if not self.text else statement.where(matches(self.text))


def matches(text: str) -> Any:
    """Whether a ticket fits what somebody looks for, as a condition.

    The text is part of its title, of its asset's code or name, or its number.
    """
    folded = fold(text)
    names = [*(Asset.name[language].as_string() for language in ("en", "zh")), Asset.code]
    assets = select(Asset.id).where(
        or_(*(name.icontains(folded, autoescape=True) for name in names))
    )
    found = [
        Ticket.search_text.contains(folded, autoescape=True),
        Ticket.asset_id.in_(assets),
    ]
    digits = folded.removeprefix("#")
    # The number is a 32-bit integer; a longer row of digits can't be one.
    if digits.isascii() and digits.isdecimal() and int(digits) < 2**31:
        found.append(Ticket.number == int(digits))
    return or_(*found)


def list_tickets(session: Session, caller: Caller, wanted: TicketFilter, wish: Wish) -> Page[str]:
    """Tickets that the caller may read, each as JSON, the last learned of first.

    Keys: learned_at, id.
    """
    statement = _page(scope_of(caller), wanted, wish)
    return read_texts(session, statement, _ORDER, wish)


@lru_cache(maxsize=64)
def _page(scope: Scope, wanted: TicketFilter, wish: Wish) -> Select[Any]:
    """The statement of a page, built once: open pages ask for the same again and again."""
    statement = wanted.restrict(_LIST.where(scope.condition(wanted.site_column)))
    return text_page(statement, _ORDER, wish)


def find_ticket(
    session: Session, caller: Caller, ticket_id: UUID, *, to_change: bool = False
) -> Ticket:
    """One ticket that the caller may read; NotFound otherwise.

    to_change: lock it until commit, so that a version that was compared stays the present one.
    """
    statement = of_tickets(select(Ticket).where(Ticket.id == ticket_id), caller)
    if to_change:
        statement = statement.with_for_update(of=Ticket, key_share=True)
        # As it stands now: whoever asks may have read it before somebody else changed it.
        statement = statement.execution_options(populate_existing=True)
    ticket = session.scalars(statement).first()
    if ticket is None:
        raise NotFound(
            worded("there is no such ticket"), advice=worded("Look for it in the list of tickets.")
        )
    return ticket


def lock_to_merge(session: Session, caller: Caller, ticket_id: UUID, into_id: UUID) -> None:
    """Lock a ticket and the one that it is to go into, in the order in which everybody locks.

    Invalid where the caller may not read the latter, as where there is none.
    """
    both = select(Ticket.id).where(Ticket.id.in_((ticket_id, into_id)))
    both = of_tickets(both, caller).order_by(Ticket.id)
    found = set(session.scalars(both.with_for_update(of=Ticket, key_share=True)))
    if ticket_id in found and into_id not in found:
        raise Invalid(
            worded("to merge a ticket name another one of the same site"),
            problems=[worded("into_id: missing or not on this site")],
        )


def describe_ticket(session: Session, caller: Caller, ticket_id: UUID) -> dict[str, Any]:
    """A ticket with its evidence, notes, history, and what the caller may do with it now.

    NotFound when the caller may not read it. Notes and actions of the session are seen.
    """
    session.flush()
    statement = of_tickets(_ONE.where(Ticket.id == ticket_id), caller)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such ticket"), advice=worded("Look for it in the list of tickets.")
        )
    return {
        **row,
        "fire_alarm": describe_fire_alarm(session, ticket_id) if row["life_safety"] else None,
        "evidence": _evidence(session, ticket_id),
        "notes": list_notes(session, ticket_id),
        "photos": list_photos(session, ticket_id),
        "voices": list_voices(session, ticket_id),
        "work": list_work(session, ticket_id),
        "checklist": list_items(session, ticket_id),
        "signatures": list_signatures(session, caller, ticket_id),
        "links": list_relations(session, caller, ticket_id),
        "events": _events(session, ticket_id),
        "actions": actions_for(row["state"], session.get_one(Ticket, ticket_id), caller),
    }


def _evidence(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    statement = (
        select(TicketEvidence)
        .where(TicketEvidence.ticket_id == ticket_id)
        .order_by(TicketEvidence.at_micros, TicketEvidence.id)
    )
    rows = session.scalars(statement).all()
    series = {item.get("series") for row in rows for item in row.data.get("inputs", ())}
    ids = point_ids(session, list(series - {None}))
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "at": from_micros(row.at_micros),
            "data": _with_points(row.data, ids),
            "chart": row.data.get("chart"),
        }
        for row in rows
    ]


def _with_points(data: Mapping[str, Any], ids: Mapping[int, UUID]) -> dict[str, Any]:
    """The proof without its chart, its readings with the ids that their points have now."""
    plain = {key: value for key, value in data.items() if key != "chart"}
    if "inputs" in plain:
        plain["inputs"] = [
            {**item, "point_id": ids.get(item.get("series"))} for item in plain["inputs"]
        ]
    return plain


def _events(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    statement = (
        select(
            Event.id,
            Event.kind,
            Event.actor_kind,
            Event.actor_id,
            Event.happened_at,
            Event.learned_at,
            Event.before,
            Event.after,
        )
        .where(Event.subject_kind.in_(("ticket", "fire_alarm")), Event.subject_id == str(ticket_id))
        .order_by(Event.txid, Event.seq)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def states_named(words: str) -> tuple[str, ...] | None:
    """Status names from `open` (not ended), `ended`, `all`, or a comma list of status names.

    None means every status. Raises Invalid for a name that no ticket can have.
    """
    if words == "all":
        return None
    if words == "open":
        return tuple(status for status in TICKET.statuses if status not in ENDED)
    if words == "ended":
        return ENDED
    named = tuple(word.strip() for word in words.split(",") if word.strip())
    unknown = [word for word in named if word not in TICKET.statuses]
    if unknown or not named:
        known = ", ".join(("open", "ended", "all", *TICKET.statuses[1:]))
        raise Invalid(
            worded("there is no such status"),
            problems=[
                worded("state: %(words)s is none of %(known)s", words=repr(words), known=known)
            ],
        )
    return named


@dataclass(frozen=True, slots=True)
class LoudTicket:
    """A critical ticket that nobody has accepted, as it is announced on site.

    fire: whether it stands as a fire, and nobody has taken that on.
    """

    number: int
    title: Mapping[str, str]
    life_safety: bool
    fire: bool


def unanswered_critical(session: Session) -> dict[UUID, LoudTicket]:
    """Of each site the ticket to be heard there: fires first, then lives, then the oldest.

    A fire alarm that somebody was sent to look at is heard again only if it becomes a fire.
    """
    looked_after = select(FireAlarm.id).where(FireAlarm.state != "unseen")
    waiting = select(Ticket.site_id, Ticket.number, Ticket.title, Ticket.life_safety).where(
        # Written out as the index has it, or a planner would not use it.
        text(LOUD),
        Ticket.state.in_(("open", "assigned")),
        Ticket.over.is_(False),
    )
    # A silent call for help would be heard by whoever stands over its sender.
    waiting = waiting.where(Ticket.category != SILENT_CATEGORY)
    waiting = waiting.where(or_(Ticket.life_safety.is_(False), Ticket.id.not_in(looked_after)))
    burning = (
        select(Ticket.site_id, Ticket.number, Ticket.title, Ticket.life_safety)
        .join(FireAlarm, FireAlarm.id == Ticket.id)
        .where(FireAlarm.state == "fire", Ticket.state.not_in(ENDED))
    )
    found: dict[UUID, LoudTicket] = {}
    for statement, fire in ((waiting, False), (burning, True)):
        rows = session.execute(statement.order_by(Ticket.life_safety, Ticket.number.desc()))
        for site, number, title, life_safety in rows:
            found[site] = LoudTicket(number, dict(title), life_safety, fire)
    return found
