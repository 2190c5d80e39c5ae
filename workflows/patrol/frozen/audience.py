"""For whom reports are: clients of a site, and how the site itself reports."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.db import wait_turn
from core.errors import Invalid, NotFound, Stale
from core.ids import new_id
from core.lifecycle import move
from core.local_time import zone
from core.people import Caller, scoped
from core.places import Node
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, WRITE
from workflows.patrol.frozen.editions import Reader
from workflows.patrol.frozen.model import (
    CLIENT,
    DAILY,
    LANGUAGES,
    NAMINGS,
    PARTS,
    USUAL_PARTS,
    FrozenReport,
    ReportClient,
    ReportSettings,
)
from workflows.patrol.frozen.sending import close_links

LONGEST_NAME = 120
MOST_ADDRESSES = 10
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# A day closes by itself within three days of its end, or by hand.
LONGEST_WAIT_MIN = 3 * 24 * 60


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client as it is to be; see ReportClient."""

    name: str
    language: str = "zh"
    naming: str = "initials"
    parts: Sequence[str] = USUAL_PARTS
    addresses: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a site reports; see ReportSettings."""

    closes_after_min: int | None = None
    naming: str = "names"
    version: int = 0


def reporting_at(session: Session, site_id: UUID) -> Reporting:
    """How a site reports: as it was set, else by hand and with names."""
    row = session.get(ReportSettings, site_id)
    if row is None:
        return Reporting()
    return Reporting(row.closes_after_min, row.naming, row.version)


def set_reporting(
    session: Session,
    caller: Caller,
    site: Node,
    wanted: Reporting,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> Reporting:
    """Say how a site reports, from the next day to close on. Raises Invalid, Stale, NotAllowed."""
    caller.require(WRITE, site.id)
    problems = _naming_problems(wanted.naming)
    minutes = wanted.closes_after_min
    if minutes is not None and not 0 <= minutes <= LONGEST_WAIT_MIN:
        problems.append(worded("closes_after_min: 0 to %(most)s, or none", most=LONGEST_WAIT_MIN))
    if problems:
        raise Invalid(worded("nothing was changed"), problems=problems)
    wait_turn(session, Node.id, site.id)
    row = session.get(ReportSettings, site.id, with_for_update=True)
    if expected_version is not None and expected_version != (row.version if row else 0):
        raise Stale(
            worded("this was changed since you read it"),
            advice=worded("Load it again and repeat it."),
        )
    if row is None:
        row = ReportSettings(site_id=site.id, naming=wanted.naming, version=0)
        session.add(row)
    if row.closes_after_min is None and minutes is not None:
        # What lies behind stays as it is: nobody wants a thousand reports at once.
        row.since = _today(site, now) - timedelta(days=1)
    row.closes_after_min, row.naming, row.version = minutes, wanted.naming, row.version + 1
    session.flush()
    events.append(
        session,
        "report_settings.change",
        ("report_settings", site.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site.id,
        after={"closes_after_min": minutes, "naming": wanted.naming},
    )
    return reporting_at(session, site.id)


def _today(site: Node, now: datetime) -> date:
    return now.astimezone(zone(site.time_zone)).date()


def readers_at(session: Session, site_id: UUID) -> list[Reader]:
    """Who is told of a site: the house first, then its clients by name."""
    clients = session.scalars(
        select(ReportClient)
        .where(ReportClient.site_id == site_id, ReportClient.state == "active")
        .order_by(ReportClient.name, ReportClient.id)
    )
    return [
        Reader(None, "", reporting_at(session, site_id).naming),
        *(Reader(one.id, one.name, one.naming, tuple(one.parts)) for one in clients),
    ]


def clients_at(session: Session, caller: Caller, site_id: UUID | None) -> list[ReportClient]:
    """The clients of a site, or of all that the caller may read, by name; ended ones last."""
    statement = scoped(select(ReportClient), ReportClient.site_id, caller, PEOPLE)
    if site_id is not None:
        statement = statement.where(ReportClient.site_id == site_id)
    statement = statement.order_by(ReportClient.state, ReportClient.name, ReportClient.id)
    return list(session.scalars(statement))


def find_client(session: Session, caller: Caller, client_id: UUID) -> ReportClient:
    """A client that the caller may read. NotFound otherwise."""
    statement = select(ReportClient).where(ReportClient.id == client_id)
    row = session.scalars(scoped(statement, ReportClient.site_id, caller, PEOPLE)).first()
    if row is None:
        raise NotFound(
            worded("there is no such client"), advice=worded("Look for it in the list of clients.")
        )
    return row


def create_client(
    session: Session, caller: Caller, site_id: UUID, draft: ClientDraft, *, now: datetime
) -> ReportClient:
    """Keep a client, for whom every report from now on has an edition. Invalid, NotAllowed."""
    caller.require(WRITE, site_id)
    name = _checked(draft)
    row = ReportClient(
        id=new_id(),
        site_id=site_id,
        name=name,
        language=draft.language,
        naming=draft.naming,
        parts=_in_order(draft.parts),
        addresses=_addresses(draft),
        state="active",
        version=1,
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "report_client.create",
        ("report_client", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after={"state": row.state, "naming": row.naming, "parts": row.parts},
    )
    return row


def change_client(
    session: Session,
    caller: Caller,
    row: ReportClient,
    draft: ClientDraft,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> ReportClient:
    """Change what a client is told from now on. Raises as `create_client`, Stale, Conflict."""
    caller.require(WRITE, row.site_id)
    name = _checked(draft)
    parts = _in_order(draft.parts)
    move(
        session,
        row,
        CLIENT,
        "change",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={
            "name": name,
            "language": draft.language,
            "naming": draft.naming,
            "parts": parts,
            "addresses": _addresses(draft),
        },
        facts={"naming": draft.naming, "parts": parts},
        expected_version=expected_version,
    )
    return row


def move_client(
    session: Session,
    caller: Caller,
    row: ReportClient,
    action: str,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> ReportClient:
    """End a client, or take it up again. Raises Conflict, Stale, NotAllowed.

    The links that it was sent end with it, and stay so: what is taken up is sent new ones.
    """
    caller.require(WRITE, row.site_id)
    actor = events.Actor.person(caller.person_id)
    closed = close_links(session, row.id, now=now)
    move(
        session,
        row,
        CLIENT,
        action,
        actor=actor,
        learned_at=now,
        facts={"links_closed": closed},
        expected_version=expected_version,
    )
    return row


def _checked(draft: ClientDraft) -> str:
    name = " ".join(draft.name.split())
    problems = _naming_problems(draft.naming)
    if not 1 <= len(name) <= LONGEST_NAME:
        problems.append(worded("name: 1 to %(most)s characters", most=LONGEST_NAME))
    if draft.language not in LANGUAGES:
        problems.append(worded("language: one of %(known)s", known=", ".join(LANGUAGES)))
    addresses = _addresses(draft)
    wrong = [one for one in addresses if len(one) > LONGEST_NAME or not _ADDRESS.fullmatch(one)]
    if wrong or len(addresses) > MOST_ADDRESSES:
        problems.append(
            worded("addresses: at most %(most)s, such as desk@example.com", most=MOST_ADDRESSES)
        )
    if set(draft.parts) - set(PARTS):
        problems.append(worded("parts: some of %(known)s", known=", ".join(PARTS)))
    if problems:
        raise Invalid(worded("the client was not saved"), problems=problems)
    return name


def _addresses(draft: ClientDraft) -> list[str]:
    return list(dict.fromkeys(one.strip() for one in draft.addresses if one.strip()))


def _naming_problems(naming: str) -> list[str]:
    return (
        [] if naming in NAMINGS else [worded("naming: one of %(known)s", known=", ".join(NAMINGS))]
    )


def _in_order(parts: Collection[str]) -> list[str]:
    return [one for one in PARTS if one in parts]


def days_to_close(session: Session, *, now: datetime) -> list[tuple[UUID, date]]:
    """The days that are to close by themselves by now; the oldest first.

    Of each site those of the last month that ended long enough ago, since that was set.
    """
    found = []
    rows = session.execute(
        select(ReportSettings, Node)
        .join(Node, Node.id == ReportSettings.site_id)
        .where(ReportSettings.closes_after_min.is_not(None))
        .order_by(Node.path)
    )
    for settings, site in rows:
        assert settings.closes_after_min is not None
        ended_by = now - timedelta(minutes=settings.closes_after_min)
        last = ended_by.astimezone(zone(site.time_zone)).date() - timedelta(days=1)
        first = max(settings.since or last, last - timedelta(days=31))
        closed = set(_closed_since(session, site.id, first))
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        found += [(site.id, day) for day in days if day not in closed]
    return found


def _closed_since(session: Session, site_id: UUID, first: date) -> Iterable[date | None]:
    return session.scalars(
        select(FrozenReport.day).where(
            FrozenReport.site_id == site_id,
            FrozenReport.kind == DAILY,
            FrozenReport.annex == 0,
            FrozenReport.day >= first,
        )
    )
