"""What people of a household with an account report from home, and see of it and of their unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.accounts import login_by_person
from core.clock import from_micros
from core.errors import Conflict, Invalid, NotFound
from core.home_accounts import Living, homes_of, verified_phones
from core.households import phone_of
from core.ids import new_id
from core.local_time import FIRST_YEAR, resolve, zone
from core.people import hash_secret
from core.places import Asset, Node, Space
from core.vault import Vault
from rules.wording import worded
from workflows.customers.problem_lists import problems_in
from workflows.customers.problems import OTHER, SOMETHING_ELSE, Problem
from workflows.customers.progress import public_title
from workflows.customers.reports import (
    LIFETIME,
    MOST_PHOTOS,
    REFUSE_WITHIN,
    SETTLED,
    ResidentReport,
    Wish,
    actor_of,
    already_sent,
    find_report,
    is_about,
    ticket_of,
    title_of,
)
from workflows.tickets import ENDED, Draft, Ticket, followers
from workflows.tickets.photos import add_photo
from workflows.tickets.reporting import report

# Places of a site that are everybody's; others are reached by the building that somebody lives in.
COMMON_KINDS = ("area", "outdoor")
MOST_COMMON = 40
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class HomePlace:
    """A place that somebody may report on. key: how a form names it; space: None for the site."""

    key: str
    living: Living
    space: Space | None
    own: bool

    @property
    def name(self) -> dict[str, str]:
        """What it is called."""
        return dict(self.space.name if self.space else self.living.site.name)


def places_of(session: Session, homes: Sequence[Living]) -> list[HomePlace]:
    """Where somebody may report a fault: their unit, what it is in, and the grounds of its site."""
    found: dict[str, HomePlace] = {}
    for living in homes:
        found[str(living.space.id)] = HomePlace(str(living.space.id), living, living.space, True)
    for living in homes:
        around = [*_above(session, living.space), *_grounds(session, living.site.id)]
        for space in around:
            found.setdefault(str(space.id), HomePlace(str(space.id), living, space, False))
        site = living.site
        found.setdefault(str(site.id), HomePlace(str(site.id), living, None, False))
    return list(found.values())


def _above(session: Session, space: Space) -> list[Space]:
    found: list[Space] = []
    while space.parent_id is not None and space.parent_id not in {one.id for one in found}:
        space = session.get_one(Space, space.parent_id)
        found.append(space)
    return found


def _grounds(session: Session, site_id: UUID) -> list[Space]:
    statement = (
        select(Space)
        .where(Space.site_id == site_id, Space.kind.in_(COMMON_KINDS))
        .order_by(Space.code)
        .limit(MOST_COMMON)
    )
    return list(session.scalars(statement))


def find_place(session: Session, person_id: UUID, key: str, *, now: datetime) -> HomePlace:
    """A place that somebody may report on. Invalid for any other."""
    for place in places_of(session, homes_of(session, person_id, now=now)):
        if place.key == key:
            return place
    raise Invalid(
        worded("your report was not sent"), problems=[worded("place: choose where it is")]
    )


def send_from_home(
    session: Session, place: HomePlace, wish: Wish, person_id: UUID, *, now: datetime
) -> None:
    """Open a ticket for what somebody reports from home; sending it twice changes nothing.

    `check_wish` has been asked.
    """
    if already_sent(session, wish.secret):
        return
    try:
        with session.begin_nested():
            _send(session, place, wish, person_id, now)
    except IntegrityError:
        # The second tap was under way at the same moment; the first one's report stands.
        if not already_sent(session, wish.secret):
            raise


def offered_at_home(session: Session, places: Sequence[HomePlace]) -> list[Problem]:
    """What may be reported on any of these places; of two with one code, that of the earlier."""
    sites: dict[UUID, list[Space | None]] = {}
    for place in places:
        sites.setdefault(place.living.site.id, []).append(place.space)
    found: dict[str, Problem] = {}
    for site_id, spaces in sites.items():
        for one in problems_in(session, site_id, spaces):
            found.setdefault(one.code, one)
    found.pop(OTHER, None)
    return [*found.values(), SOMETHING_ELSE]


def _problem(
    session: Session, place: HomePlace, wish: Wish, person_id: UUID, now: datetime
) -> Problem:
    """What they chose, as it is for this place, else as it is for another of theirs there."""
    everywhere = places_of(session, homes_of(session, person_id, now=now))
    there = [each for each in everywhere if each.living.site.id == place.living.site.id]
    for one in offered_at_home(session, [place, *there]):
        if one.code == wish.problem:
            return one
    raise Conflict(
        worded("this problem was taken off the list just now"),
        advice=worded("Load the page and choose again."),
    )


def _send(session: Session, place: HomePlace, wish: Wish, person_id: UUID, now: datetime) -> None:
    problem = _problem(session, place, wish, person_id, now)
    row = ResidentReport(
        id=new_id(),
        site_id=place.living.site.id,
        secret_hash=hash_secret(wish.secret),
        joined=False,
        created_at=now,
        ends_at=now + LIFETIME,
        urges=0,
        person_id=person_id,
        home_id=place.living.space.id,
    )
    draft = Draft(
        site_id=place.living.site.id,
        space_id=place.space.id if place.space else None,
        kind=problem.kind,
        priority=problem.priority,
        title=title_of(problem, wish.words),
        description=wish.words.strip(),
        team=problem.team,
        category=problem.category,
        happened_at=now,
        learned_at=now,
    )
    ticket = report(session, draft, actor=actor_of(row))
    row.ticket_id = ticket.id
    session.add(row)
    session.flush()
    for photo in wish.photos[:MOST_PHOTOS]:
        add_photo(session, ticket, photo, author=None, now=now, actor=actor_of(row))
    _follow(session, row, now)


def tell_by_sms(
    session: Session, vault: Vault, person_id: UUID, secret: str, language: str, *, now: datetime
) -> None:
    """Tell somebody at home by SMS as well, where their login is a number that takes one."""
    row = find_report(session, secret, now=now)
    phone = login_by_person(session, person_id)
    if phone is None or phone_of(phone) is None:
        return
    followers.follow(
        session,
        vault,
        session.get_one(Ticket, row.ticket_id),
        followers.RESIDENT,
        row.id,
        phone=phone,
        secret=secret,
        language=language,
        ends_at=row.ends_at,
        now=now,
    )


def _follow(session: Session, row: ResidentReport, now: datetime) -> None:
    assert row.person_id is not None
    assert row.home_id is not None
    ticket = session.get_one(Ticket, row.ticket_id)
    followers.follow_by_account(
        session, ticket, row.id, row.person_id, row.home_id, ends_at=row.ends_at, now=now
    )


def keep_report(session: Session, secret: str, person_id: UUID, *, now: datetime) -> None:
    """Put a report into somebody's account by its link: whoever holds it was given it.

    NotFound when the link has ended or is somebody else's; Invalid where they have no home on its
    site.
    """
    row = find_report(session, secret, now=now, to_change=True)
    if row.person_id == person_id:
        return
    if row.person_id is not None:
        raise NotFound(worded("this link is in another account"), advice=worded("Report it anew."))
    homes = [one for one in homes_of(session, person_id, now=now) if one.site.id == row.site_id]
    if not homes:
        raise Invalid(
            worded("it was not kept"), problems=[worded("place: you have no home on this site")]
        )
    _keep(session, row, person_id, homes[0].space.id, now)


def keep_by_phone(session: Session, person_id: UUID, *, now: datetime) -> int:
    """Put what was reported with somebody's number into their account; returns how many.

    Only with a number that the property office has of them, where it has it.
    """
    phones = verified_phones(session, person_id, now=now)
    login = login_by_person(session, person_id)
    statement = select(ResidentReport).where(
        ResidentReport.site_id.in_(phones),
        ResidentReport.phone.is_not(None),
        ResidentReport.person_id.is_(None),
        ResidentReport.ends_at > now,
    )
    kept = 0
    for row in session.scalars(statement).all():
        if phone_of(row.phone or "") == login:
            _keep(session, row, person_id, min(phones[row.site_id]), now)
            kept += 1
    return kept


def lives_at(session: Session, person_id: UUID, site_id: UUID, *, now: datetime) -> bool:
    """Whether somebody's account has a home on a site."""
    return any(one.site.id == site_id for one in homes_of(session, person_id, now=now))


def _keep(
    session: Session, row: ResidentReport, person_id: UUID, home_id: UUID, now: datetime
) -> None:
    row.person_id, row.home_id = person_id, home_id
    session.flush()
    _follow(session, row, now)
    ticket = session.get_one(Ticket, row.ticket_id)
    events.append(
        session,
        "ticket.keep",
        ("ticket", ticket.id),
        actor=events.Actor.person(person_id),
        learned_at=now,
        site_id=ticket.site_id,
        after={"report": str(row.id)},
    )


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report as its list shows it. asks: it is done, and they have not said how it turned out.

    id: None of somebody else's, which they can't open.
    """

    id: UUID | None
    number: int
    state: str
    title: dict[str, str] | None
    kind: str
    place: dict[str, str]
    created_at: datetime
    asks: bool

    @property
    def over(self) -> bool:
        """Whether nothing is left to wait for, or to say."""
        return self.state in (*SETTLED, *ENDED) and not self.asks


def own_reports(
    session: Session, person_id: UUID, homes: Sequence[Living], *, now: datetime
) -> list[ReportLine]:
    """What somebody reported from the homes that they have, the last first."""
    statement = (
        select(ResidentReport)
        .where(
            ResidentReport.person_id == person_id,
            ResidentReport.home_id.in_([one.space.id for one in homes]),
        )
        .order_by(ResidentReport.created_at.desc(), ResidentReport.id.desc())
        .limit(MOST_LISTED)
    )
    return [_line(session, row, now, own=True) for row in session.scalars(statement)]


def unit_reports(
    session: Session, person_id: UUID, homes: Sequence[Living], *, now: datetime
) -> list[ReportLine]:
    """What others reported on somebody's unit since they moved in: that, and how far it is.

    Nothing that others wrote, and nothing about who it was.
    """
    found: list[ReportLine] = []
    for living in homes:
        within = select(Asset.id).where(Asset.space_id == living.space.id)
        statement = (
            select(ResidentReport)
            .join(Ticket, Ticket.id == ResidentReport.ticket_id)
            .where(
                (Ticket.space_id == living.space.id) | Ticket.asset_id.in_(within),
                ResidentReport.person_id.is_distinct_from(person_id),
                ResidentReport.created_at >= begin_of(living),
                ResidentReport.joined.is_(False),
            )
            .order_by(ResidentReport.created_at.desc())
            .limit(MOST_LISTED)
        )
        found += [_line(session, row, now, own=False) for row in session.scalars(statement)]
    return found


def begin_of(living: Living) -> datetime:
    """From when on a home is somebody's: what others reported before stays theirs."""
    # Somebody's grandmother moved in before clocks are known; nothing is reported from then.
    midnight = datetime.combine(max(living.since, date(FIRST_YEAR, 1, 1)), time())
    return from_micros(resolve(midnight, zone(living.site.time_zone)))


def _line(session: Session, row: ResidentReport, now: datetime, *, own: bool) -> ReportLine:
    ticket = ticket_of(session, row)
    mine = own and not row.joined and ticket.id == row.ticket_id
    silent = not (is_about(row.confirmed_at, ticket) or is_about(row.rated_at, ticket))
    fresh = ticket.resolved_at is not None and now - ticket.resolved_at <= REFUSE_WITHIN
    return ReportLine(
        id=row.id if own else None,
        number=ticket.number,
        state=ticket.state,
        title=public_title(ticket, own=mine),
        kind=ticket.kind,
        place=_place(session, ticket),
        created_at=row.created_at,
        asks=own and ticket.state in SETTLED and silent and fresh,
    )


def _place(session: Session, ticket: Ticket) -> dict[str, str]:
    space = session.get(Space, ticket.space_id) if ticket.space_id else None
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    return dict((space or asset or session.get_one(Node, ticket.site_id)).name)


def find_own_report(
    session: Session, person_id: UUID, report_id: UUID, *, now: datetime, to_change: bool = False
) -> ResidentReport:
    """A report of somebody's account, while they have the home. NotFound for any other.

    to_change: lock it until commit.
    """
    statement = select(ResidentReport).where(
        ResidentReport.id == report_id, ResidentReport.person_id == person_id
    )
    if to_change:
        statement = statement.with_for_update()
    row = session.scalars(statement).first()
    homes = {one.space.id for one in homes_of(session, person_id, now=now)}
    if row is None or row.home_id not in homes:
        raise NotFound(
            worded("there is no such report"), advice=worded("Look for it in your list.")
        )
    return row
