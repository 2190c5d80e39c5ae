"""Looks at somebody's track: each is a fact with its reason, for them and for data protection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core import events
from core.colleagues import able_people
from core.errors import Invalid
from core.events import Event
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN
from workflows.tickets.sos import Sos

AUDIT = "tracks.audit"
# Why somebody looks for one person's track.
REASONS = ("incident", "complaint", "mark", "absence", "pay", "quality", "request")
# What they looked at.
WHAT = ("scans", "rounds", "duties", "marks", "mark", "positions")
LOOK, LOOK_AT_POSITIONS = "track.look", "sos.look"
# The same look again within this, when a page is loaded anew, is the same look.
SAME_WITHIN = timedelta(minutes=10)
KEY = (int,)
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the track of a person. what: one of WHAT; why: one of REASONS, or empty where what
    they look at says it itself. since, until: of which span; none = all that there is.
    """

    person_id: UUID
    what: str
    why: str = ""
    site_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def reason_of(caller: Caller, person_id: UUID | None, why: str | None) -> str:
    """Why somebody looks for one person: asked of everybody who looks for another one.

    Invalid without one of REASONS.
    """
    if person_id is None or person_id == caller.person_id:
        return ""
    if why not in REASONS:
        problems = [worded("why: one of %(known)s; the person is told", known=", ".join(REASONS))]
        raise Invalid(worded("looking for one person takes a reason"), problems=problems)
    return why


def note_look(session: Session, caller: Caller, look: Look, *, now: datetime) -> None:
    """Put down that the caller looks at the track of a person; of one's own nothing is put down."""
    if look.person_id == caller.person_id:
        return
    after: dict[str, Any] = {"what": look.what, "why": look.why}
    for name, moment in (("since", look.since), ("until", look.until)):
        if moment is not None:
            after[name] = moment.isoformat()
    last = select(Event).where(
        Event.subject_kind == "track",
        Event.subject_id == str(look.person_id),
        Event.kind == LOOK,
        Event.actor_id == str(caller.person_id),
        Event.learned_at > now - SAME_WITHIN,
    )
    if any(one.after == after and one.site_id == look.site_id for one in session.scalars(last)):
        return
    events.append(
        session,
        LOOK,
        ("track", look.person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=look.site_id,
        after=after,
    )


def note_mark(session: Session, caller: Caller, mark: Mapping[str, Any], *, now: datetime) -> None:
    """Put down that the caller looks at the evidence of a mark, as `describe_mark` shows it."""
    if mark["person_id"] is not None:
        look = Look(mark["person_id"], "mark", "mark", mark["site_id"], mark["planned_at"])
        note_look(session, caller, look, now=now)


def looks_at(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """Who looked at the track of a person, for that person: the last first, _SHOWN at most.

    While a silent call of theirs stands, nothing that came after it is shown: whoever holds their
    phone would learn that somebody is looking for them. Looks at silent calls are shown where
    their sender sees them alone (`workflows.patrol.sos.own_calls`).
    """
    silent = select(func.min(Sos.opened_at)).where(
        Sos.person_id == person_id, Sos.kind == "silent", Sos.state != "over"
    )
    before = session.scalar(silent)
    open_calls = select(Sos.id).where(
        Sos.person_id == person_id, Sos.kind == "open", Sos.state == "over"
    )
    found: list[Event] = []
    for subject, kind, ids in (
        ("track", LOOK, [str(person_id)]),
        ("sos", LOOK_AT_POSITIONS, [str(one) for one in session.scalars(open_calls)]),
    ):
        statement = select(Event).where(
            Event.subject_kind == subject, Event.subject_id.in_(ids), Event.kind == kind
        )
        if before is not None:
            statement = statement.where(Event.learned_at < before)
        found += session.scalars(statement.order_by(Event.seq.desc()).limit(_SHOWN)).all()
    found.sort(key=lambda one: one.seq, reverse=True)
    names = _names(session, [one.actor_id for one in found])
    return [_shown(one, names) for one in found[:_SHOWN]]


def _names(session: Session, actors: Sequence[str]) -> Mapping[str, str]:
    wanted = {UUID(one) for one in actors}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
    return {str(person): name for person, name in rows}


def _shown(one: Event, names: Mapping[str, str]) -> dict[str, Any]:
    after = one.after or {}
    return {
        "at": one.learned_at,
        "by": names.get(one.actor_id, ""),
        "what": after.get("what", "positions"),
        "why": after.get("why", ""),
        **{
            name: datetime.fromisoformat(after[name]) if name in after else None
            for name in ("since", "until")
        },
    }


def list_looks(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    person_id: UUID | None = None,
) -> Page[dict[str, Any]]:
    """Every look on the sites where the caller sees to data protection, the last first. Key: seq.

    Looks for whoever calls silently are told once the call is over. Those that named no site are
    seen by who does so where whoever was looked at scans, and by who
    does so for the whole company.
    """
    statement = rows_of(
        Event.seq,
        Event.site_id,
        Event.kind,
        Event.subject_id,
        Event.actor_id,
        Event.learned_at,
        Event.after,
    ).where(Event.kind.in_((LOOK, LOOK_AT_POSITIONS)))
    seen: ColumnElement[bool] = Event.site_id.in_(caller.sites_for(AUDIT))
    everywhere: ColumnElement[bool] = Event.site_id.is_(None)
    if AUDIT not in caller.company_wide:
        sites = caller.sites_for(AUDIT)
        people = {str(one.id) for site in sites for one in able_people(session, site, SCAN)}
        everywhere = and_(everywhere, Event.subject_id.in_(people))
    seen = or_(seen, everywhere)
    standing = select(Sos.id).where(Sos.kind == "silent", Sos.state != "over")
    unheard = [str(one) for one in session.scalars(standing)]
    statement = statement.where(seen, Event.subject_id.not_in(unheard))
    if site_id is not None:
        statement = statement.where(Event.site_id == site_id)
    if person_id is not None:
        calls = select(Sos.id).where(Sos.person_id == person_id)
        subjects = [str(person_id), *(str(one) for one in session.scalars(calls))]
        statement = statement.where(Event.subject_id.in_(subjects))
    page = newest_first(session, statement, (Event.seq,), wish)
    return Page(_told(session, page.items), page.next)


def _told(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    of_calls = [UUID(row["subject_id"]) for row in rows if row["kind"] == LOOK_AT_POSITIONS]
    senders = dict(session.execute(select(Sos.id, Sos.person_id).where(Sos.id.in_(of_calls))).all())
    whose = [str(senders.get(UUID(row["subject_id"])) or row["subject_id"]) for row in rows]
    names = _names(session, [*whose, *(row["actor_id"] for row in rows)])
    return [
        {
            "at": row["learned_at"],
            "site_id": row["site_id"],
            "person_id": UUID(person),
            "person_name": names.get(person, ""),
            "by_id": UUID(row["actor_id"]),
            "by": names.get(row["actor_id"], ""),
            "what": row["after"].get("what", "positions"),
            "why": row["after"].get("why", ""),
            **{
                name: datetime.fromisoformat(row["after"][name]) if name in row["after"] else None
                for name in ("since", "until")
            },
        }
        for row, person in zip(rows, whose, strict=True)
    ]
