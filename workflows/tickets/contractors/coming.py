"""What a contractor does by their link: accept or decline, arrive, prove, finish."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.people import hash_secret
from core.places import Asset
from rules.wording import worded
from workflows.tickets.contractors.model import CONTRACTOR_LINK, LIVE, ContractorLink
from workflows.tickets.contractors.offering import go_on, live_links, step
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket, TicketPhoto
from workflows.tickets.opening import current_ticket
from workflows.tickets.photos import StoredPhoto, add_photo
from workflows.tickets.working import Step, act, add_note

MOST_PHOTOS = 10
LONGEST_NOTE = 4000
WAYS = ("sticker", "code", "tap")
SWEEP_LIMIT = 200


def find_link(
    session: Session, secret: str, *, now: datetime, to_change: bool = False
) -> ContractorLink:
    """The link with this secret. NotFound when it was revoked, has ended or never was.

    to_change: lock it until commit.
    """
    statement = select(ContractorLink).where(ContractorLink.secret_hash == hash_secret(secret))
    if to_change:
        statement = statement.with_for_update()
    row = session.scalars(statement).first()
    if row is None or row.state in ("revoked", "expired") or row.expires_at <= now:
        raise NotFound(
            worded("this link has ended or was taken back"),
            advice=worded("Call whoever sent it to you if you still have something to do there."),
        )
    return row


def job_of(session: Session, link: ContractorLink) -> Ticket:
    """The ticket that a link is about, wherever it was merged into."""
    ticket = current_ticket(session, link.ticket_id)
    assert ticket is not None
    return ticket


def is_needed(link: ContractorLink, ticket: Ticket) -> bool:
    """Whether the work is still to be done, by this link."""
    return _is_left(link, ticket) and ticket.assignee_id is None


def is_with_ours(link: ContractorLink, ticket: Ticket) -> bool:
    """Whether somebody of ours has the work by now; while a contractor comes, nobody has."""
    return _is_left(link, ticket) and ticket.assignee_id is not None


def _is_left(link: ContractorLink, ticket: Ticket) -> bool:
    return link.state in LIVE and ticket.state not in (*ENDED, "resolved", "verified")


def refuse_if_with_ours(link: ContractorLink, ticket: Ticket) -> None:
    """Conflict when somebody of ours has the work: a link does not take it from them."""
    if is_with_ours(link, ticket):
        raise Conflict(
            worded("this job is in other hands now"),
            advice=worded(
                "You need not come. If you are there already, call whoever gave it to you."
            ),
        )


def _at_work(session: Session, link: ContractorLink, action: str) -> Ticket:
    CONTRACTOR_LINK.target(action, link.state)
    ticket = job_of(session, link)
    # Nobody of ours takes it between this judgement and the step.
    session.refresh(ticket, with_for_update=True)
    refuse_if_with_ours(link, ticket)
    if not is_needed(link, ticket):
        raise Conflict(
            worded("this work is not needed any more"), advice=worded("You need not come.")
        )
    return ticket


def actor_of(link: ContractorLink) -> events.Actor:
    """The contractor as the event log names them: by their link."""
    return events.Actor("contractor", str(link.id))


def accept(session: Session, link: ContractorLink, *, now: datetime) -> None:
    """Take the job. Conflict when it is not offered (any more).

    One on hold stays so until its hold ends, or they are there.
    """
    ticket = _at_work(session, link, "accept")
    step(session, link, "accept", now=now, actor=actor_of(link), values={"accepted_at": now})
    if ticket.state == "on_hold":
        ticket.responded_at = ticket.responded_at or now
        session.flush()
    else:
        act(session, ticket, Step("accept"), person=None, now=now, actor=actor_of(link))


def decline(session: Session, link: ContractorLink, reason: str, *, now: datetime) -> None:
    """Not take the job, or give it back; the next contact's turn. Invalid without a reason."""
    if not 1 <= len(reason.strip()) <= LONGEST_NOTE:
        raise Invalid(
            worded("to decline give a reason"), problems=[worded("reason: 1 to 4,000 characters")]
        )
    ticket = _at_work(session, link, "decline")
    step(session, link, "decline", now=now, actor=actor_of(link))
    add_note(session, ticket, reason, author=None, now=now, actor=actor_of(link))
    go_on(session, link, now=now, actor=actor_of(link))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a sticker is: on an asset or in a space."""

    asset_id: UUID | None
    space_id: UUID | None


def spots_of(session: Session, ticket: Ticket) -> list[Spot]:
    """Where somebody who comes for a ticket must be, the closest first; empty for a whole site."""
    found = []
    space_id = ticket.space_id
    if ticket.asset_id is not None:
        found.append(Spot(ticket.asset_id, None))
        space_id = space_id or session.get_one(Asset, ticket.asset_id).space_id
    return found if space_id is None else [*found, Spot(None, space_id)]


def arrive(session: Session, link: ContractorLink, way: str, *, now: datetime) -> None:
    """Be there. way: how it was shown, by the sticker, its code, or a tap where there is none."""
    if way not in WAYS:
        raise Invalid(
            worded("nothing was changed"),
            problems=[worded("way: one of %(known)s", known=", ".join(WAYS))],
        )
    ticket = _at_work(session, link, "arrive")
    values = {"arrived_at": now, "arrived_by": way}
    step(session, link, "arrive", now=now, actor=actor_of(link), values=values)
    _be_at_it(session, link, ticket, now)


def _be_at_it(session: Session, link: ContractorLink, ticket: Ticket, now: datetime) -> None:
    """Whoever is there works on it: a hold waited for nothing else, or for them."""
    if ticket.state != "in_progress":
        begin = Step("resume" if ticket.state == "on_hold" else "start")
        act(session, ticket, begin, person=None, now=now, actor=actor_of(link))


def finish(
    session: Session,
    link: ContractorLink,
    report: str,
    photos: Sequence[StoredPhoto],
    *,
    now: datetime,
    person: UUID | None = None,
) -> None:
    """Say what was done, with at least one photo of it, and resolve the ticket.

    person: who of a hired company did it, where they have an account. Somebody of ours verifies it,
    not the same person. Invalid without words or without a photo.
    """
    ticket = _at_work(session, link, "finish")
    problems = []
    if not 1 <= len(report.strip()) <= LONGEST_NOTE:
        problems.append(worded("report: say what was done, in at most 4,000 characters"))
    standing = _photos(session, ticket)
    if not photos and not standing:
        problems.append(worded("photo: at least one of the finished work"))
    if len(photos) + standing > MOST_PHOTOS:
        problems.append(worded("photo: at most %(most)s", most=MOST_PHOTOS))
    if problems:
        raise Invalid(worded("the work is not marked as done"), problems=problems)
    for photo in photos:
        add_photo(session, ticket, photo, author=None, now=now, actor=actor_of(link))
    step(session, link, "finish", now=now, actor=actor_of(link), values={"done_at": now})
    if ticket.state == "on_hold":
        _be_at_it(session, link, ticket, now)
    done = Step("resolve", report, doer_id=person)
    act(session, ticket, done, person=None, now=now, actor=actor_of(link))
    for other in live_links(session, link.ticket_id):
        step(session, other, "expire", now=now, actor=actor_of(link))


def _photos(session: Session, ticket: Ticket) -> int:
    """How many photos contractors have put on the ticket since the work last began."""
    statement = select(func.count(TicketPhoto.id)).where(
        TicketPhoto.ticket_id == ticket.id,
        TicketPhoto.author_kind == "contractor",
        TicketPhoto.at >= (ticket.responded_at or ticket.learned_at),
    )
    return session.scalar(statement) or 0


def did_it(session: Session, ticket_id: UUID, secrets: Sequence[str]) -> bool:
    """Whether one of these links was used to do the work of a ticket."""
    hashes = [hash_secret(secret) for secret in secrets]
    statement = select(ContractorLink.id).where(
        ContractorLink.ticket_id == ticket_id,
        ContractorLink.state == "done",
        ContractorLink.secret_hash.in_(hashes),
    )
    return session.scalar(statement) is not None


def pass_on_late(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Pass on urgent offers that nobody accepted in time, and end links whose time is over.

    Each once, however long nobody looked. Returns how many.
    """
    late = (
        select(ContractorLink)
        .where(ContractorLink.state == "offered", ContractorLink.answer_by <= now)
        .order_by(ContractorLink.answer_by)
    )
    over = select(ContractorLink).where(
        ContractorLink.state.in_(LIVE), ContractorLink.expires_at <= now
    )
    done = 0
    for action, statement in (("expire", over), ("pass_on", late)):
        found = statement.limit(SWEEP_LIMIT).with_for_update(skip_locked=True)
        links = session.scalars(found).all()
        # All of a list end together: what has ended is nobody's turn any more.
        for link in sorted(links, key=lambda one: (one.chain_id, -one.rank)):
            due = link.expires_at if action == "expire" else link.answer_by
            was = link.state
            step(session, link, action, now=now, actor=actor, happened_at=due)
            if was != "waiting":
                go_on(session, link, now=now, actor=actor)
        done += len(links)
    return done
