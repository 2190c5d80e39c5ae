"""Post orders: written as a draft, published in versions, read and acknowledged by each guard."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound, Stale
from core.lifecycle import move
from core.paging import rows_of
from core.people import Caller, Person, scoped
from core.rosters import Shift
from core.teams import members_of
from rules.wording import worded
from workflows.patrol.checkpoints import READ, SCAN
from workflows.patrol.posts.manning import crew
from workflows.patrol.posts.model import ORDERS, OrdersRead, Post, PostOrders

LANGUAGES = ("en", "zh")
LONGEST_BODY = 20_000
# Whoever has a shift so soon is asked to have read the orders.
AHEAD = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is to know the orders of a post. next_shift: none where no shift is near."""

    person_id: UUID
    name: str
    read_at: datetime | None
    at_post: bool
    next_shift: datetime | None


def digest_of(post_id: UUID, number: int, body: Mapping[str, str]) -> str:
    """SHA-256 in hex of a version: of which post, which number, and every letter of its text."""
    said = {"post": str(post_id), "number": number, "body": dict(body)}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def write_draft(
    session: Session,
    caller: Caller,
    post: Post,
    body: Mapping[str, str],
    *,
    now: datetime,
    expected_version: int | None = None,
) -> PostOrders:
    """Put down what the next version of a post's orders says; nobody has to follow it yet.

    A draft may lack a language. expected_version: of the draft that was read; None: there was
    none. Invalid for what is too long, Stale where that is not what stands there.
    """
    text = {language: body.get(language, "").strip() for language in LANGUAGES}
    problems = [
        worded(
            "body.%(language)s: at most %(most)s characters", language=language, most=LONGEST_BODY
        )
        for language in LANGUAGES
        if len(text[language]) > LONGEST_BODY
    ]
    if problems:
        raise Invalid(worded("the draft was not saved"), problems=problems)
    values = {"body": text, "written_by": caller.person_id, "written_at": now}
    actor = events.Actor.person(caller.person_id)
    row = draft_of(session, post.id)
    if row is None and expected_version is not None:
        raise Stale(
            worded("this draft was published since you read it"),
            advice=worded("Read the orders in force, then repeat your change."),
        )
    if row is None:
        return _first_draft(session, post, values, actor, now)
    if expected_version is None:
        raise Stale(
            worded("somebody has begun a draft since you read these orders"),
            advice=worded("Load the page again, and write on in theirs."),
        )
    move(
        session,
        row,
        ORDERS,
        "change",
        actor=actor,
        learned_at=now,
        values=values,
        facts={"post": str(post.id), "number": row.number},
        expected_version=expected_version,
    )
    return row


def _first_draft(
    session: Session, post: Post, values: Mapping[str, Any], actor: events.Actor, now: datetime
) -> PostOrders:
    last = select(func.max(PostOrders.number)).where(PostOrders.post_id == post.id)
    number = (session.scalar(last) or 0) + 1
    row = PostOrders(
        site_id=post.site_id, post_id=post.id, number=number, state="draft", version=1, **values
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise Conflict(
            worded("somebody else has begun a draft at this moment"),
            advice=worded("Load the page again, and write on in theirs."),
        ) from error
    events.append(
        session,
        "post_orders.draft",
        ("post_orders", row.id),
        actor=actor,
        learned_at=now,
        site_id=post.site_id,
        after={"post": str(post.id), "number": number},
    )
    return row


def publish(
    session: Session,
    caller: Caller,
    post: Post,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> PostOrders:
    """Put the draft of a post into force; every guard has to read it from now on.

    Invalid where a language is empty, NotFound without a draft, Stale for another version of it.
    """
    row = draft_of(session, post.id)
    if row is None:
        raise NotFound(
            worded("there is no draft of these orders"), advice=worded("Write one first.")
        )
    empty = [language for language in LANGUAGES if not row.body.get(language, "").strip()]
    if empty:
        problems = [
            worded("body.%(language)s: write it in both languages", language=language)
            for language in empty
        ]
        raise Invalid(worded("the orders were not published"), problems=problems)
    actor = events.Actor.person(caller.person_id)
    facts = {"post": str(post.id), "number": row.number}
    before = published_of(session, post.id)
    if before is not None:
        gone = {"post": str(post.id), "number": before.number}
        move(session, before, ORDERS, "replace", actor=actor, learned_at=now, facts=gone)
    digest = digest_of(post.id, row.number, row.body)
    values = {"digest": digest, "published_by": caller.person_id, "published_at": now}
    move(
        session,
        row,
        ORDERS,
        "publish",
        actor=actor,
        learned_at=now,
        values=values,
        facts={**facts, "digest": digest},
        expected_version=expected_version,
    )
    return row


def acknowledge(
    session: Session,
    caller: Caller,
    orders_id: UUID,
    digest: str,
    *,
    now: datetime,
    at: datetime | None = None,
) -> OrdersRead:
    """The caller has read a version of orders. digest: of the text that they were shown.

    at: when, of what a phone tells later: it stands for that version, whatever has replaced it
    since. Again changes nothing. NotFound where the caller may not read it; Conflict for a version
    that is not in force, and where the digest is of another text.
    """
    statement = select(PostOrders).where(PostOrders.id == orders_id)
    row = session.scalars(scoped(statement, PostOrders.site_id, caller, READ)).first()
    if row is None or row.state == "draft":
        raise NotFound(
            worded("there are no such orders"), advice=worded("Look for them at the post.")
        )
    caller.require(SCAN, row.site_id)
    if digest != row.digest:
        raise Conflict(
            worded("this is not the text of these orders"), advice=worded("Read them again.")
        )
    standing = session.get(OrdersRead, (row.id, caller.person_id))
    if standing is not None:
        return standing
    if row.state != "published" and at is None:
        raise Conflict(worded("newer orders are in force"), advice=worded("Read the newest ones."))
    read = OrdersRead(
        orders_id=row.id,
        person_id=caller.person_id,
        site_id=row.site_id,
        digest=digest,
        read_at=now if at is None else min(at, now),
    )
    try:
        with session.begin_nested():
            session.add(read)
            session.flush()
    except IntegrityError:
        return session.get_one(OrdersRead, (row.id, caller.person_id))
    events.append(
        session,
        "post_orders.acknowledge",
        ("post_orders", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        happened_at=read.read_at,
        site_id=row.site_id,
        after={"post": str(row.post_id), "number": row.number, "digest": digest},
    )
    return read


def post_of_orders(session: Session, caller: Caller, orders_id: UUID) -> UUID:
    """The post whose orders these are. NotFound where the caller may not read them."""
    statement = select(PostOrders.post_id).where(
        PostOrders.id == orders_id, PostOrders.state != "draft"
    )
    found = session.scalars(scoped(statement, PostOrders.site_id, caller, READ)).first()
    if found is None:
        raise NotFound(
            worded("there are no such orders"), advice=worded("Look for them at the post.")
        )
    return found


def draft_of(session: Session, post_id: UUID) -> PostOrders | None:
    """The draft of a post's orders, if any."""
    return _in_state(session, post_id, "draft")


def published_of(session: Session, post_id: UUID) -> PostOrders | None:
    """The orders that are in force at a post, if any."""
    return _in_state(session, post_id, "published")


def _in_state(session: Session, post_id: UUID, state: str) -> PostOrders | None:
    statement = select(PostOrders).where(PostOrders.post_id == post_id, PostOrders.state == state)
    return session.scalars(statement.execution_options(populate_existing=True)).first()


def unread_by(session: Session, post_id: UUID, person_id: UUID) -> PostOrders | None:
    """The orders in force that somebody has not acknowledged; None where there are none."""
    row = published_of(session, post_id)
    if row is None or session.get(OrdersRead, (row.id, person_id)) is not None:
        return None
    return row


def readers(session: Session, post: Post, *, now: datetime) -> list[Reader]:
    """Who is to know the orders in force: whoever is there, has a shift soon, or is in the team.

    By who is to read them first: those without, whose shift is nearest.
    """
    here = {one.person_id: one.name for one in crew(session, post, now)}
    shifts = _next_shifts(session, post, now)
    members = {person.id: person.name for _, person in members_of(session, post.site_id, post.team)}
    names = {**members, **{one: name for one, (_, name) in shifts.items()}, **here}
    orders = published_of(session, post.id)
    read = _reads(session, orders, names) if orders is not None else {}
    found = [
        Reader(one, name, read.get(one), one in here, shifts[one][0] if one in shifts else None)
        for one, name in names.items()
    ]
    latest = now + timedelta(days=3650)
    return sorted(
        found,
        key=lambda one: (
            one.read_at is not None,
            not one.at_post,
            one.next_shift or latest,
            one.name,
        ),
    )


def _next_shifts(
    session: Session, post: Post, now: datetime
) -> Mapping[UUID, tuple[datetime, str]]:
    statement = (
        select(Shift.person_id, Person.name, func.min(Shift.starts_at))
        .join(Person, Person.id == Shift.person_id)
        .where(
            Shift.site_id == post.site_id,
            Shift.team == post.team,
            Shift.ends_at > now,
            Shift.starts_at < now + AHEAD,
            Person.left_at.is_(None),
        )
        .group_by(Shift.person_id, Person.name)
    )
    return {one: (begins, name) for one, name, begins in session.execute(statement)}


def _reads(
    session: Session, orders: PostOrders, people: Collection[UUID]
) -> Mapping[UUID, datetime]:
    statement = select(OrdersRead.person_id, OrdersRead.read_at).where(
        OrdersRead.orders_id == orders.id, OrdersRead.person_id.in_(people)
    )
    return {one: at for one, at in session.execute(statement)}


def list_orders(session: Session, post: Post, *, drafts: bool) -> list[dict[str, Any]]:
    """The versions of a post's orders, the newest first, each with how many have read it.

    drafts: whether what is not in force yet is among them.
    """
    reads = (
        select(func.count(OrdersRead.person_id))
        .where(OrdersRead.orders_id == PostOrders.id)
        .scalar_subquery()
    )
    statement = rows_of(
        PostOrders.id,
        PostOrders.post_id,
        PostOrders.number,
        PostOrders.state,
        PostOrders.version,
        PostOrders.body,
        PostOrders.digest,
        PostOrders.written_at,
        PostOrders.published_at,
        Person.name.label("written_by_name"),
        reads.label("reads"),
    ).join(Person, Person.id == PostOrders.written_by)
    statement = statement.where(PostOrders.post_id == post.id)
    if not drafts:
        statement = statement.where(PostOrders.state != "draft")
    rows = session.execute(statement.order_by(PostOrders.number.desc())).mappings()
    return [dict(row) for row in rows]
