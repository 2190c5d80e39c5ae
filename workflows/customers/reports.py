"""What residents report by a sticker, and what they say later by the link that they got for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, and_, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.home_accounts import has_home
from core.homes import stands
from core.ids import new_id
from core.people import Caller, hash_secret
from core.vault import Vault
from rules.wording import worded
from workflows.customers.problem_lists import problems_at
from workflows.customers.problems import OTHER, Problem
from workflows.customers.stickers import Stuck
from workflows.tickets import ENDED, Draft, Step, Ticket, act, current_ticket, followers
from workflows.tickets.contractors import did_it, did_it_for
from workflows.tickets.doers import doers
from workflows.tickets.model import TicketPhoto
from workflows.tickets.photos import StoredPhoto, add_photo
from workflows.tickets.reporting import near, report
from workflows.tickets.scope import on_tickets
from workflows.tickets.voices import StoredVoice, add_voice

LIFETIME = timedelta(days=90)
# So often somebody who waits may say so; more would be noise, less would not be heard.
URGE_EVERY = timedelta(hours=4)
# Somebody who looks again much later reports anew.
REFUSE_WITHIN = timedelta(days=14)
MOST_PHOTOS = 3
# Of all who join a ticket together: what they show must leave room for the proof that it is done.
MOST_TOGETHER = 30
LONGEST_TEXT = 2000
# What anybody who stands there may know of; an incident or a complaint is about people.
PUBLIC_KINDS = ("repair", "hazard")
# So many stars say that it is in order.
CONTENT = 3
SETTLED = ("resolved", "verified", "closed")
SECRET = re.compile(r"wkr_[A-Za-z0-9_-]{43}")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{3,30}[0-9]")


class ResidentReport(Base):
    """That somebody who is none of ours reported a ticket or joined it.

    The secret of their link is kept as a hash only. phone and rating_words stand in this row only,
    so that they can be erased; the phone goes when the link ends. joined: the ticket stood already.
    person_id, home_id: whose account it is in, and the home by which; see `at_home`.
    """

    __tablename__ = "resident_report"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    sticker_id: Mapped[UUID | None] = mapped_column(ForeignKey("sticker.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    home_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    joined: Mapped[bool] = mapped_column(Boolean)
    phone: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant, index=True)
    urges: Mapped[int] = mapped_column(Integer, default=0)
    urged_at: Mapped[datetime | None] = mapped_column(Instant)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    rating: Mapped[int | None] = mapped_column(Integer)
    rating_words: Mapped[str] = mapped_column(Text, default="", server_default="")
    rated_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody sends from a sticker's page.

    secret: of the link that they get; it comes with the page, so that sending twice reports once.
    join: the ticket that they mean, if it stands already. spoken: a voice note says what it is;
    voice: that note, once it is stored.
    """

    secret: str
    problem: str = ""
    words: str = ""
    phone: str = ""
    join: UUID | None = None
    photos: Sequence[StoredPhoto] = ()
    spoken: bool = False
    voice: StoredVoice | None = None


def known_here(session: Session, stuck: Stuck, *, limit: int = 5) -> list[Ticket]:
    """What is known at a sticker already, and may be told to anybody; the newest first."""
    sticker = stuck.sticker
    statement = near(sticker.site_id, sticker.space_id, sticker.asset_id)
    statement = statement.where(Ticket.kind.in_(PUBLIC_KINDS))
    return list(session.scalars(statement.order_by(Ticket.number.desc()).limit(limit)))


def already_sent(session: Session, secret: str) -> bool:
    """Whether a report with this secret stands: the same form was sent before."""
    statement = select(ResidentReport.id).where(ResidentReport.secret_hash == hash_secret(secret))
    return session.scalar(statement) is not None


def check_wish(wish: Wish, offered: Sequence[Problem]) -> None:
    """Invalid with everything that is wrong with a report, before its photos are stored.

    offered: what may be reported at the sticker.
    """
    problems = []
    if not SECRET.fullmatch(wish.secret):
        problems.append(worded("form: load the page again"))
    if len(wish.words) > LONGEST_TEXT:
        problems.append(worded("words: at most 2,000 characters"))
    if wish.phone.strip() and not _PHONE.fullmatch(wish.phone.strip()):
        problems.append(worded("phone: digits, such as 138 0013 8000, or nothing"))
    if wish.join is None:
        problem = _named(offered, wish.problem)
        if problem is None:
            problems.append(worded("problem: choose one"))
        elif problem.code == OTHER and not wish.words.strip() and not wish.spoken:
            problems.append(worded("words: say what is wrong"))
    if problems:
        raise Invalid(worded("your report was not sent"), problems=problems)


def send(session: Session, stuck: Stuck, wish: Wish, *, now: datetime) -> None:
    """Open a ticket for what somebody reports at a sticker, or join the one they mean.

    Sending the same again, by a second tap or after a lost answer, changes nothing. `check_wish`
    has been asked; Conflict when the ticket to join has ended meanwhile.
    """
    if already_sent(session, wish.secret):
        return
    try:
        with session.begin_nested():
            _send(session, stuck, wish, now)
    except IntegrityError:
        # The second tap was under way at the same moment; the first one's report stands.
        if not already_sent(session, wish.secret):
            raise


def _send(session: Session, stuck: Stuck, wish: Wish, now: datetime) -> None:
    report_id = new_id()
    actor = events.Actor("resident", str(report_id))
    if wish.join is None:
        ticket = report(session, _draft(session, stuck, wish, now), actor=actor)
    else:
        ticket = _known(session, stuck, wish.join)
    session.add(
        ResidentReport(
            id=report_id,
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            sticker_id=stuck.sticker.id,
            secret_hash=hash_secret(wish.secret),
            joined=wish.join is not None,
            phone=wish.phone.strip() or None,
            created_at=now,
            ends_at=now + LIFETIME,
            urges=0,
        )
    )
    session.flush()
    if wish.join is not None:
        _say(session, "ticket.join", ticket, actor, now)
    for photo in wish.photos[: min(MOST_PHOTOS, _room(session, ticket))]:
        add_photo(session, ticket, photo, author=None, now=now, actor=actor)
    if wish.voice is not None:
        add_voice(session, ticket, wish.voice, author=None, now=now, actor=actor)


def _room(session: Session, ticket: Ticket) -> int:
    """How many photos of residents a ticket still takes; who joins it counts without as well."""
    shown = select(func.count(TicketPhoto.id)).where(
        TicketPhoto.ticket_id == ticket.id, TicketPhoto.author_kind == "resident"
    )
    return max(0, MOST_TOGETHER - (session.scalar(shown) or 0))


def follow(session: Session, vault: Vault, secret: str, language: str, *, now: datetime) -> bool:
    """Tell whoever reported by SMS how it goes; False when they left no number that takes one."""
    row = find_report(session, secret, now=now)
    if row.phone is None:
        return False
    return followers.follow(
        session,
        vault,
        session.get_one(Ticket, row.ticket_id),
        followers.RESIDENT,
        row.id,
        phone=row.phone,
        secret=secret,
        language=language,
        ends_at=row.ends_at,
        now=now,
    )


def _named(offered: Sequence[Problem], code: str) -> Problem | None:
    return next((one for one in offered if one.code == code), None)


def _draft(session: Session, stuck: Stuck, wish: Wish, now: datetime) -> Draft:
    problem = _named(problems_at(session, stuck), wish.problem)
    if problem is None:
        raise Conflict(
            worded("this problem was taken off the list just now"),
            advice=worded("Load the page and choose again."),
        )
    return Draft(
        site_id=stuck.site.id,
        space_id=stuck.sticker.space_id,
        asset_id=stuck.sticker.asset_id,
        kind=problem.kind,
        priority=problem.priority,
        title=title_of(problem, wish.words),
        description=wish.words.strip(),
        team=problem.team,
        category=problem.category,
        happened_at=now,
        learned_at=now,
    )


def title_of(problem: Problem, words: str) -> dict[str, str]:
    """The title of a ticket: that of the problem, or the words where it is something else."""
    if problem.code != OTHER or not words.strip():
        return problem.title
    line = " ".join(words.split())
    return {"und": line if len(line) <= 80 else f"{line[:79]}…"}


def _known(session: Session, stuck: Stuck, ticket_id: UUID) -> Ticket:
    sticker = stuck.sticker
    statement = near(sticker.site_id, sticker.space_id, sticker.asset_id)
    ticket = session.scalars(
        statement.where(Ticket.id == ticket_id, Ticket.kind.in_(PUBLIC_KINDS))
    ).first()
    if ticket is None:
        raise Conflict(
            worded("this is not open any more"), advice=worded("Scan again and report it anew.")
        )
    return ticket


def _say(
    session: Session,
    kind: str,
    ticket: Ticket,
    actor: events.Actor,
    now: datetime,
    after: dict[str, Any] | None = None,
) -> None:
    events.append(
        session,
        kind,
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        after=after,
    )


def find_report(
    session: Session, secret: str, *, now: datetime, to_change: bool = False
) -> ResidentReport:
    """The report behind a progress link. NotFound when the link was revoked, ended or never was.

    to_change: lock it until commit.
    """
    statement = select(ResidentReport).where(ResidentReport.secret_hash == hash_secret(secret))
    if to_change:
        statement = statement.with_for_update()
    row = session.scalars(statement).first()
    if row is None or row.ends_at <= now or _moved_out(session, row, now):
        raise NotFound(
            worded("this link has ended"),
            advice=worded("Scan the sticker again to see what is known there."),
        )
    return row


def _moved_out(session: Session, row: ResidentReport, now: datetime) -> bool:
    """Whether the link of an account goes with its home."""
    if row.person_id is None or row.home_id is None:
        return False
    return not has_home(session, row.person_id, row.home_id, now=now)


def ticket_of(session: Session, row: ResidentReport) -> Ticket:
    """The ticket of a report, wherever it was merged into."""
    ticket = current_ticket(session, row.ticket_id)
    assert ticket is not None
    return ticket


def actor_of(row: ResidentReport) -> events.Actor:
    """A resident as the event log names them: by their report."""
    return events.Actor("resident", str(row.id))


def may_urge(row: ResidentReport, ticket: Ticket, now: datetime) -> bool:
    """Whether there is something to wait for, and the last urging is long enough ago."""
    waits = ticket.state not in (*ENDED, *SETTLED)
    return waits and now - max(row.created_at, row.urged_at or row.created_at) >= URGE_EVERY


def urge(session: Session, row: ResidentReport, *, now: datetime) -> None:
    """Say that somebody waits. Conflict before URGE_EVERY has passed, or when it is settled.

    Compare-and-swap on the last time, so that a double tap urges once.
    """
    ticket = ticket_of(session, row)
    if not may_urge(row, ticket, now):
        raise Conflict(
            worded("you have asked a short while ago, or nothing is left to wait for"),
            advice=worded("The page shows when you can ask again."),
        )
    swap = (
        update(ResidentReport)
        .where(
            ResidentReport.id == row.id, ResidentReport.urged_at.is_not_distinct_from(row.urged_at)
        )
        .values(urged_at=now, urges=ResidentReport.urges + 1)
        .execution_options(synchronize_session=False)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    if result.rowcount == 1:
        session.refresh(row)
        _say(session, "ticket.urge", ticket, actor_of(row), now, {"times": row.urges})


def is_about(said_at: datetime | None, ticket: Ticket) -> bool:
    """Whether something was said of the work as it was done last, not before it was done anew."""
    return said_at is not None and (ticket.resolved_at is None or said_at >= ticket.resolved_at)


def confirm(session: Session, row: ResidentReport, *, now: datetime) -> None:
    """Say that it is solved; saying it again changes nothing. Conflict while it is not done."""
    ticket = ticket_of(session, row)
    if ticket.state not in SETTLED:
        raise Conflict(
            worded("the work is not finished yet"), advice=worded("Load the page again.")
        )
    if not is_about(row.confirmed_at, ticket):
        row.confirmed_at = now
        session.flush()
        _say(session, "ticket.confirm", ticket, actor_of(row), now)


def may_refuse(row: ResidentReport, ticket: Ticket, now: datetime) -> bool:
    """Whether somebody may still say that it is not solved."""
    done = ticket.state in SETTLED and ticket.resolved_at is not None
    return done and now - (ticket.resolved_at or now) <= REFUSE_WITHIN


def refuse(session: Session, row: ResidentReport, reason: str, *, now: datetime) -> None:
    """Say that it is not solved, and why: the ticket is opened again by its own table."""
    if not 1 <= len(reason.strip()) <= LONGEST_TEXT:
        raise Invalid(
            worded("nothing was sent"), problems=[worded("reason: say what is still wrong")]
        )
    found = session.scalars(
        select(Ticket).where(Ticket.id == ticket_of(session, row).id).with_for_update()
    ).one()
    if not may_refuse(row, found, now):
        raise Conflict(
            worded("it is being worked on, or was finished long ago"),
            advice=worded("Scan the sticker again if it is broken now."),
        )
    act(session, found, Step("reopen", reason), person=None, now=now, actor=actor_of(row))
    row.confirmed_at = None
    session.flush()


@dataclass(frozen=True, slots=True)
class Rater:
    """Who holds the browser that rates, as far as it shows: a colleague, contractors' links."""

    person: UUID | None = None
    contractor_links: Sequence[str] = ()


def rate(
    session: Session, row: ResidentReport, stars: int, words: str, rater: Rater, *, now: datetime
) -> None:
    """Rate the finished work from 1 to 5; a later rating takes the place of the first.

    NotAllowed for whoever did the work, Conflict while it is not done.
    """
    problems = [] if 1 <= stars <= 5 else [worded("stars: 1 to 5")]
    if len(words) > LONGEST_TEXT:
        problems.append(worded("words: at most 2,000 characters"))
    if problems:
        raise Invalid(worded("nothing was rated"), problems=problems)
    ticket = ticket_of(session, row)
    if ticket.state not in SETTLED:
        raise Conflict(
            worded("the work is not finished yet"), advice=worded("Load the page again.")
        )
    own = rater.person is not None and (
        rater.person in doers(session, ticket) or did_it_for(session, ticket.id, rater.person)
    )
    if own or did_it(session, ticket.id, rater.contractor_links):
        raise NotAllowed(
            worded("who did the work does not rate it"), advice=worded("Leave it to the resident.")
        )
    row.rating, row.rating_words, row.rated_at = stars, words.strip(), now
    session.flush()
    _say(session, "ticket.rate", ticket, actor_of(row), now, {"stars": stars})
    if ticket.state == "resolved" and stars >= CONTENT:
        # Whoever lives with it checked it better than a colleague could.
        step = Step("verify", checked_by="resident")
        act(session, ticket, step, person=None, now=now, actor=actor_of(row))


def reports_of(session: Session, tickets: Sequence[UUID]) -> list[dict[str, Any]]:
    """What residents said on these tickets (one and those merged into it), the first one first."""
    names = ["id", "joined", "phone", "created_at", "ends_at", "urges", "urged_at"]
    names += ["confirmed_at", "rating", "rating_words", "rated_at"]
    statement = (
        select(*(getattr(ResidentReport, name) for name in names))
        .where(ResidentReport.ticket_id.in_(tickets))
        .order_by(ResidentReport.created_at, ResidentReport.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def find_sent(session: Session, caller: Caller, report_id: UUID) -> ResidentReport:
    """A report on a site where the caller reads tickets. NotFound otherwise."""
    statement = select(ResidentReport).where(ResidentReport.id == report_id)
    statement = on_tickets(statement, ResidentReport.ticket_id, ResidentReport.site_id, caller)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(
            worded("there is no such report"), advice=worded("Look for it on its ticket.")
        )
    return row


def revoke_report(session: Session, row: ResidentReport, *, person: UUID, now: datetime) -> None:
    """End a progress link at once, and forget the phone number that came with it."""
    row.ends_at, row.phone = min(row.ends_at, now), None
    followers.end_following(session, row.id, now=now)
    session.flush()
    ticket = session.get_one(Ticket, row.ticket_id)
    after = {"report": str(row.id)}
    _say(session, "ticket.unlink", ticket, events.Actor.person(person), now, after)


def forget_phones(session: Session, *, now: datetime) -> int:
    """Erase the phone numbers of reports whose link has ended; returns how many.

    That of a report in an account ends with its home.
    """
    lost = and_(
        ResidentReport.home_id.is_not(None),
        ~stands(ResidentReport.person_id, ResidentReport.home_id),
    )
    statement = (
        update(ResidentReport)
        .where(or_(ResidentReport.ends_at <= now, lost), ResidentReport.phone.is_not(None))
        .values(phone=None)
        .returning(ResidentReport.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.execute(statement).all())
