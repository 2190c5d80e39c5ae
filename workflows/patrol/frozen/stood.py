"""Who stood at the posts of a site, and when there were too few."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.places import Node
from core.site_hours import hours_at
from workflows.patrol.posts.model import Post, PostDuty

_Span = tuple[datetime, datetime]


def posts_of(session: Session, site: Node, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Every post in use or where somebody was, by code.

    Of each who was there from when to when (as far as it is of the span), when it was to be manned
    and when fewer than its minimum were there, in minutes and as spans.
    """
    duties = _duties(session, site.id, start, end)
    posts = session.scalars(
        select(Post)
        .where(
            Post.site_id == site.id,
            or_(Post.state == "active", Post.id.in_({one.post_id for one in duties})),
        )
        .order_by(Post.code)
    ).all()
    return [
        _post(session, site, post, [one for one in duties if one.post_id == post.id], (start, end))
        for post in posts
    ]


def _duties(session: Session, site_id: UUID, start: datetime, end: datetime) -> Sequence[PostDuty]:
    statement = (
        select(PostDuty)
        .where(
            PostDuty.site_id == site_id,
            PostDuty.started_at < end,
            or_(PostDuty.ended_at.is_(None), PostDuty.ended_at > start),
        )
        .order_by(PostDuty.started_at, PostDuty.id)
    )
    return session.scalars(statement).all()


def _post(
    session: Session, site: Node, post: Post, duties: Sequence[PostDuty], span: _Span
) -> dict[str, Any]:
    to_man = _manned(session, site, post, span)
    short = _short(to_man, duties, post.minimum_crew)
    return {
        "id": post.id,
        "code": post.code,
        "name": dict(post.name),
        "team": post.team,
        "minimum_crew": post.minimum_crew,
        "to_man_min": sum(_minutes(one) for one in to_man),
        "short_min": sum(_minutes(one) for one in short),
        "short": [{"from": begin, "until": until} for begin, until in short],
        "crew": [
            {
                "id": one.id,
                "person_id": one.person_id,
                "from": one.started_at,
                # When somebody left on the day after is told there.
                "until": one.ended_at if one.ended_at and one.ended_at < span[1] else None,
                "came": one.came_by,
            }
            for one in duties
        ],
    }


def _manned(session: Session, site: Node, post: Post, span: _Span) -> list[_Span]:
    """When a post is to be manned within a span, without overlaps."""
    if post.state != "active":
        return []
    if not post.hours:
        return [span]
    known = hours_at(session, site, frozenset(post.hours))
    found = sorted(one for hours in known.values() for one in hours.spans(*span))
    joined: list[_Span] = []
    for begin, end in found:
        begin, end = max(begin, span[0]), min(end, span[1])
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _short(to_man: Sequence[_Span], duties: Sequence[PostDuty], minimum: int) -> list[_Span]:
    """Where fewer were there than had to be; what follows without a break is one."""
    found: list[_Span] = []
    for first, last in to_man:
        edges = {one.started_at for one in duties} | {one.ended_at for one in duties} - {None}
        moments = sorted({first, last, *(at for at in edges if at and first < at < last)})
        for begin, end in pairwise(moments):
            here = [
                one
                for one in duties
                if one.started_at <= begin and (one.ended_at is None or one.ended_at > begin)
            ]
            if len({one.person_id for one in here}) >= minimum:
                continue
            if found and found[-1][1] == begin:
                found[-1] = (found[-1][0], end)
            else:
                found.append((begin, end))
    return [one for one in found if _minutes(one) > 0]


def _minutes(span: _Span) -> int:
    return int((span[1] - span[0]).total_seconds() // 60)
