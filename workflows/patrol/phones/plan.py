"""What a phone takes along, so that a shift goes on without signal."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.badges import Badge, counts, may
from core.paging import rows_of
from core.people import Person
from core.pictures import LARGEST_PICTURE
from core.places import Asset, Node, Space
from core.rosters import posts
from core.voice import LARGEST_VOICE
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.journal.files import PIECE
from workflows.patrol.model import CheckpointToken
from workflows.patrol.phones.manned import posts_taken
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.privacy.consenting import has_agreed, text_shown
from workflows.patrol.privacy.texts import PURPOSES
from workflows.patrol.reports.choices import NOTE, OPENING, choices
from workflows.patrol.rounds.model import OPEN, Round, RoundPoint, Route
from workflows.patrol.tasks.reading import tasks_of

AHEAD = timedelta(hours=36)
# Whoever was here within this is offered to be chosen.
KNOWN_FOR = timedelta(days=30)
BATCH_ENTRIES, BATCH_BYTES = 100, 256 * 1024
PIN_ROUNDS = 600_000
_DUE, _CLOSING, _ENDING = timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=10)


def plan_of(
    session: Session,
    phone: Phone,
    *,
    offline_hours: int,
    now: datetime,
    badge_alone: bool = False,
) -> dict[str, Any]:
    """The plan of a phone: its site, people, posts, rounds of the next 36 hours, what is reported.

    Holds nothing that changes by the mere passing of time but the rounds themselves.
    """
    site = session.get_one(Node, phone.site_id)
    people = _people(session, phone, now)
    known = {person["id"] for person in people}
    rounds = _rounds(session, phone, known, now)
    posts_of_them = posts_taken(session, phone, known, now)
    return {
        "phone": phone_shown(phone),
        "site": {
            "id": site.id,
            "name": site.name,
            "time_zone": site.time_zone,
            "call_number": next(iter(posts(session, site.id)), None),
        },
        "people": people,
        "rounds": rounds,
        "tasks": phone_tasks(session, phone),
        "posts": posts_of_them,
        "checkpoints": _checkpoints(
            session, phone.site_id, [post["checkpoint_id"] for post in posts_of_them]
        ),
        **_choices(),
        "purposes": [text_shown(one) for one in PURPOSES.values()],
        "settings": {
            "offline_hours": offline_hours,
            "badge_alone": badge_alone and phone.kind == "post",
            "pin_rounds": PIN_ROUNDS,
            "batch_entries": BATCH_ENTRIES,
            "batch_bytes": BATCH_BYTES,
            "piece_bytes": PIECE,
            "photo_bytes": LARGEST_PICTURE,
            "voice_bytes": LARGEST_VOICE,
        },
    }


def phone_tasks(session: Session, phone: Phone) -> list[dict[str, Any]]:
    """The tasks that are offered to whoever is signed in on a phone, or theirs to do."""
    who = phone.signed_in_id
    return [] if who is None else tasks_of(session, phone.site_id, [who])


def phone_shown(phone: Phone) -> dict[str, Any]:
    """A phone as it is told of itself."""
    return {
        "id": phone.id,
        "kind": phone.kind,
        "label": phone.label,
        "team": phone.team,
        "site_id": phone.site_id,
        "state": phone.state,
        "person_id": phone.person_id,
        "accepted": phone.accepted,
    }


def _people(session: Session, phone: Phone, now: datetime) -> list[dict[str, Any]]:
    statement = (
        select(PhoneUser, Person)
        .join(Person, Person.id == PhoneUser.person_id)
        .where(PhoneUser.phone_id == phone.id, PhoneUser.online_at > now - KNOWN_FOR)
        .order_by(Person.name, Person.id)
    )
    found = session.execute(statement).all()
    cards = _cards(session, [person.id for _, person in found], now)
    return [
        {
            "id": person.id,
            "name": person.name,
            "locale": person.locale,
            "offline_until": user.offline_until,
            "badges": cards[person.id],
            "agreed": [code for code in PURPOSES if has_agreed(session, person.id, code)],
        }
        for user, person in found
        if may(session, person, SCAN, phone.site_id)
    ]


def _cards(session: Session, people: Sequence[UUID], now: datetime) -> Mapping[UUID, list[UUID]]:
    """Which cards of people count now: a phone lets nobody in by one that was ended."""
    found = defaultdict[UUID, list[UUID]](list)
    cards = select(Badge).where(Badge.person_id.in_(people), Badge.kind == "card")
    for badge in session.scalars(cards.order_by(Badge.id)):
        if counts(badge, now):
            found[badge.person_id].append(badge.id)
    return found


def _rounds(
    session: Session, phone: Phone, people: set[UUID], now: datetime
) -> list[dict[str, Any]]:
    statement = (
        select(Round, Route)
        .join(Route, Route.id == Round.route_id)
        .where(
            Round.site_id == phone.site_id,
            Round.state.in_(OPEN),
            Round.planned_at < now + AHEAD,
        )
        .order_by(Round.planned_at, Round.id)
    )
    if phone.team:
        statement = statement.where(Round.team == phone.team)
    found = session.execute(statement).all()
    points = _points(session, [row.id for row, _ in found])
    return [_round(row, route, points[row.id], people) for row, route in found]


def _points(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, list[RoundPoint]]:
    found = defaultdict[UUID, list[RoundPoint]](list)
    statement = select(RoundPoint).where(RoundPoint.round_id.in_(ids))
    for point in session.scalars(statement.order_by(RoundPoint.position)):
        found[point.round_id].append(point)
    return found


def _round(
    row: Round, route: Route, points: Sequence[RoundPoint], people: set[UUID]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "route": {"id": route.id, "code": route.code, "name": route.name},
        "team": row.team,
        "order": row.order,
        "state": row.state,
        "planned_at": row.planned_at,
        "opens_at": row.opens_at,
        "begin_by": row.begin_by,
        "ends_at": row.ends_at,
        "began_at": row.began_at,
        "person_id": row.person_id if row.person_id in people else None,
        "points": [
            {
                "position": point.position,
                "checkpoint_id": point.checkpoint_id,
                "opens_at": point.opens_at,
                "closes_at": point.closes_at,
                "state": point.state,
                "scanned_at": point.scanned_at,
            }
            for point in points
        ],
        # Whoever was called away is reminded of nothing that waits for them.
        "warnings": [] if row.paused_at else warnings_of(row, points),
        "paused_at": row.paused_at,
    }


def warnings_of(row: Round, points: Sequence[RoundPoint]) -> list[dict[str, Any]]:
    """What a phone says of a round by itself, in order of time; it leaves out what is moot.

    A point is warned of by itself only where its window closes before the round ends.
    """
    said: list[tuple[datetime, str, int | None]] = [
        (row.planned_at - _DUE, "due", None),
        (row.planned_at, "start", None),
        (row.begin_by, "begin_by", None),
        (row.ends_at - _ENDING, "ending", None),
    ]
    said += [
        (point.closes_at - _CLOSING, "closing", point.position)
        for point in points
        if point.closes_at < row.ends_at and point.state in ("open", "unknown")
    ]
    said.sort(key=lambda one: one[0])
    return [{"at": at, "what": what, "position": position} for at, what, position in said]


def _checkpoints(
    session: Session, site_id: UUID, of_posts: Sequence[UUID | None]
) -> list[dict[str, Any]]:
    kinds = defaultdict[UUID, list[str]](list)
    standing = select(CheckpointToken.checkpoint_id, CheckpointToken.kind).where(
        CheckpointToken.site_id == site_id, CheckpointToken.state == "active"
    )
    for checkpoint_id, kind in session.execute(standing.order_by(CheckpointToken.kind).distinct()):
        kinds[checkpoint_id].append(kind)
    statement = (
        rows_of(Asset.id, Asset.code, Asset.name, Space.name.label("space"))
        .outerjoin(Space, Space.id == Asset.space_id)
        .where(
            or_(
                Asset.id.in_(select(RoundPoint.checkpoint_id).where(RoundPoint.site_id == site_id)),
                Asset.id.in_([one for one in of_posts if one is not None]),
            )
        )
        .order_by(Asset.code)
    )
    return [
        {**row, "kinds": kinds[row["id"]]} for row in session.execute(statement).mappings().all()
    ]


def _choices() -> dict[str, Any]:
    known = choices().items()
    shown = {
        code: {"code": code, "icon": one.icon, "name": one.name.model_dump()} for code, one in known
    }
    return {
        "choices": [
            {
                **shown[code],
                "kind": one.kind,
                "ticket": one.kind in OPENING,
                "checks": [
                    {"code": check, "text": text.model_dump()} for check, text in one.checks.items()
                ],
            }
            for code, one in known
            if one.kind != NOTE
        ],
        "notes": [shown[code] for code, one in known if one.kind == NOTE],
    }
