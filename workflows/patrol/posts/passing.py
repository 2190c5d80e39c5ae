"""What passes from shift to shift at a post: keys and equipment, counted, and the pass-down log."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person
from rules.wording import worded
from workflows import tickets
from workflows.patrol.checkpoints import SCAN, WRITE
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.posts.clocking import present_duty
from workflows.patrol.posts.keeping import require_in_use
from workflows.patrol.posts.model import Post, PostItem, PostLog, PostLogRead
from workflows.tickets import Draft, Ticket
from workflows.tickets.reporting import report

KINDS = ("key", "equipment")
LONGEST_NAME, LARGEST_NUMBER, MOST_ITEMS = 80, 999, 100
LONGEST_WHY, LONGEST_ENTRY = 500, 4_000
LOG_KEY = (UUID,)
# How many entries somebody is shown at once, and so can say that they have read.
LOG_PAGE = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A key or a piece of equipment of a post as it is to be, and how many of it."""

    kind: str
    name: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class Count:
    """How many of an item are there at a hand-over. why: where that is not as many as should be."""

    number: int
    why: str = ""


def items_of(session: Session, post_id: UUID) -> list[PostItem]:
    """The keys and equipment of a post, by kind and name."""
    statement = select(PostItem).where(PostItem.post_id == post_id)
    return list(session.scalars(statement.order_by(PostItem.kind.desc(), PostItem.name)))


def set_items(
    session: Session, caller: Caller, post: Post, wanted: Sequence[Item], *, now: datetime
) -> list[PostItem]:
    """Say what belongs to a post, whole. Invalid with every problem."""
    caller.require(WRITE, post.site_id)
    named = {(item.kind, " ".join(item.name.split())): item.number for item in wanted}
    _check(wanted, named)
    standing = {(row.kind, row.name): row for row in items_of(session, post.id)}
    for key in standing.keys() - named.keys():
        session.delete(standing[key])
    for (kind, name), number in sorted(named.items()):
        row = standing.get((kind, name))
        if row is not None:
            row.number = number
            continue
        values = {"site_id": post.site_id, "post_id": post.id, "kind": kind}
        session.add(PostItem(**values, name=name, number=number))
    session.flush()
    events.append(
        session,
        "post.items",
        ("post", post.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=post.site_id,
        after={"items": len(named)},
    )
    return items_of(session, post.id)


def _check(wanted: Sequence[Item], named: Mapping[tuple[str, str], int]) -> None:
    problems = []
    if len(named) < len(wanted):
        problems.append(worded("items: each name once"))
    if len(named) > MOST_ITEMS:
        problems.append(worded("items: at most %(most)s", most=MOST_ITEMS))
    for number, ((kind, name), many) in enumerate(named.items()):
        if kind not in KINDS:
            problems.append(
                worded(
                    "items.%(number)s: kind: one of %(known)s",
                    number=number,
                    known=", ".join(KINDS),
                )
            )
        if not 1 <= len(name) <= LONGEST_NAME:
            problems.append(
                worded(
                    "items.%(number)s: name: 1 to %(most)s characters",
                    number=number,
                    most=LONGEST_NAME,
                )
            )
        if not 1 <= many <= LARGEST_NUMBER:
            problems.append(
                worded(
                    "items.%(number)s: number: 1 to %(most)s", number=number, most=LARGEST_NUMBER
                )
            )
    if problems:
        raise Invalid(worded("the list was not saved"), problems=problems)


def count_items(
    session: Session,
    caller: Caller,
    post: Post,
    counted: Mapping[UUID, Count],
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """Count what belongs to a post at a hand-over; each item as the sheet of it keeps them.

    Who counts is at the post, or leads those who are. A difference has to be explained and opens
    one ticket; while that is open the same difference opens no other. Raises Conflict for somebody
    who is not there, Invalid with every item that was not counted or not explained.
    """
    require_in_use(post)
    duty = present_duty(session, caller.person_id)
    there = duty is not None and duty.post_id == post.id
    if not there and post.site_id not in caller.sites_for(WRITE):
        raise Conflict(
            worded("you are not at this post"),
            advice=worded("Come to it first: scan its checkpoint."),
        )
    # Of two who count at the same moment one waits, and sees the ticket that the other opened.
    session.execute(select(Post.id).where(Post.id == post.id).with_for_update())
    rows = items_of(session, post.id)
    problems = [text for row in rows for text in _count_problems(row, counted.get(row.id))]
    if problems:
        raise Invalid(worded("nothing was handed over"), problems=problems)
    fresh = [row for row in rows if _differs(row, counted[row.id])]
    fresh = [row for row in fresh if not _is_seen_to(session, row, counted[row.id])]
    ticket = _open(session, caller, post, fresh, counted, now) if fresh else None
    for row in rows:
        row.counted, row.counted_at = counted[row.id].number, now
        if not _differs(row, counted[row.id]):
            row.ticket_id = None
        elif ticket is not None and row in fresh:
            row.ticket_id = ticket.id
    session.flush()
    return [_told(session, row, counted[row.id]) for row in rows]


def _count_problems(row: PostItem, count: Count | None) -> list[str]:
    if count is None or not 0 <= count.number <= LARGEST_NUMBER:
        return [
            worded("items.%(name)s: count it, 0 to %(most)s", name=row.name, most=LARGEST_NUMBER)
        ]
    if _differs(row, count) and not 1 <= len(count.why.strip()) <= LONGEST_WHY:
        return [
            worded(
                "items.%(name)s: say why it is not %(number)s, in 1 to %(most)s letters",
                name=row.name,
                number=row.number,
                most=LONGEST_WHY,
            )
        ]
    return []


def _differs(row: PostItem, count: Count) -> bool:
    return count.number != row.number


def _is_seen_to(session: Session, row: PostItem, count: Count) -> bool:
    """Whether a ticket is open of this difference; one that has grown since is another."""
    ticket = session.get(Ticket, row.ticket_id) if row.ticket_id else None
    if ticket is None or ticket.state in tickets.ENDED or row.counted is None:
        return False
    low, high = sorted((row.counted, row.number))
    return low <= count.number <= high


def _open(
    session: Session,
    caller: Caller,
    post: Post,
    rows: Sequence[PostItem],
    counted: Mapping[UUID, Count],
    now: datetime,
) -> Ticket:
    lines = [
        f"{row.name}: {counted[row.id].number} / {row.number}. {counted[row.id].why.strip()}"
        for row in rows
    ]
    name = post.name.get("en") or post.name.get("zh") or post.code
    zh = post.name.get("zh") or name
    draft = Draft(
        site_id=post.site_id,
        kind="incident",
        priority="medium",
        title={
            "en": f"Keys or equipment not as listed: {name}",
            "zh": f"交接清点钥匙、器材与清单不符：{zh}",
        },
        team=post.team,
        happened_at=now,
        learned_at=now,
        description="\n".join(lines),
        reporter_id=caller.person_id,
    )
    return report(session, draft, actor=events.Actor.person(caller.person_id))


def _told(session: Session, row: PostItem, count: Count) -> dict[str, Any]:
    ticket = session.get(Ticket, row.ticket_id) if row.ticket_id else None
    return {
        "id": str(row.id),
        "kind": row.kind,
        "name": row.name,
        "number": row.number,
        "counted": count.number,
        "missing": count.number < row.number,
        "why": count.why.strip() if _differs(row, count) else "",
        "ticket": ticket.number if ticket else None,
    }


def write_entry(
    session: Session,
    caller: Caller,
    post: Post,
    text: str,
    *,
    now: datetime,
    at: datetime | None = None,
    files: Sequence[GuardFile] = (),
) -> PostLog:
    """Write something into the pass-down log of a post. It stays as it is written.

    at: when a phone recorded it; files: photos and voice notes of its writer, which may stand
    without a text. Raises NotAllowed, Invalid for an empty or too long text, Conflict for a post
    out of use.
    """
    caller.require(SCAN, post.site_id)
    require_in_use(post)
    body = text.replace("\0", "").strip()
    if len(body) > LONGEST_ENTRY or not (body or files):
        problems = [worded("text: 1 to %(most)s characters", most=LONGEST_ENTRY)]
        raise Invalid(worded("nothing was written"), problems=problems)
    row = PostLog(
        id=_next_id(session, post),
        site_id=post.site_id,
        post_id=post.id,
        person_id=caller.person_id,
        written_at=now if at is None else min(at, now),
        text=body,
    )
    session.add(row)
    session.flush()
    for file in files:
        file.log_id = row.id
    session.flush()
    events.append(
        session,
        "post.log",
        ("post", post.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        happened_at=row.written_at,
        site_id=post.site_id,
        after={"entry": str(row.id)},
    )
    return row


def _next_id(session: Session, post: Post) -> UUID:
    """The id of the next entry of a log: greater than that of any entry that somebody can see.

    Whoever has read up to an entry has then read every one before it, whoever writes meanwhile.
    """
    session.execute(select(Post.id).where(Post.id == post.id).with_for_update())
    statement = select(PostLog.id).where(PostLog.post_id == post.id)
    last = session.scalars(statement.order_by(PostLog.id.desc()).limit(1)).first()
    fresh = new_id()
    # The clock of another machine may have been ahead.
    return fresh if last is None or fresh > last else UUID(int=last.int + 1)


def read_log(session: Session, caller: Caller, post: Post, up_to: UUID, *, now: datetime) -> int:
    """The caller has read the pass-down log up to an entry; how many of these were new to them.

    That is the entry and those before it which a page shows with it, LOG_PAGE in all: what came
    later they have not seen. One's own are read by writing them. Again changes nothing. NotFound
    for what is no entry of this log.
    """
    caller.require(SCAN, post.site_id)
    entry = session.get(PostLog, up_to)
    if entry is None or entry.post_id != post.id:
        raise NotFound(
            worded("there is no such entry in this log"), advice=worded("Load the log again.")
        )
    shown = select(PostLog.id).where(PostLog.post_id == post.id, PostLog.id <= up_to)
    shown = shown.order_by(PostLog.id.desc()).limit(LOG_PAGE)
    made = 0
    for entry_id in sorted(unread_among(session, session.scalars(shown).all(), caller.person_id)):
        try:
            with session.begin_nested():
                session.add(
                    PostLogRead(
                        entry_id=entry_id,
                        person_id=caller.person_id,
                        site_id=post.site_id,
                        read_at=now,
                    )
                )
                session.flush()
            made += 1
        except IntegrityError:
            # Read on another device at this moment.
            continue
    if made:
        events.append(
            session,
            "post.log_read",
            ("post", post.id),
            actor=events.Actor.person(caller.person_id),
            learned_at=now,
            site_id=post.site_id,
            after={"entries": made, "last": str(up_to)},
        )
    return made


def unread_among(session: Session, entries: Collection[UUID], person_id: UUID) -> set[UUID]:
    """Which of some entries were written by others, and are not read by somebody."""
    read = select(PostLogRead.entry_id).where(
        PostLogRead.person_id == person_id, PostLogRead.entry_id.in_(entries)
    )
    statement = select(PostLog.id).where(
        PostLog.id.in_(entries), PostLog.person_id != person_id, PostLog.id.not_in(read)
    )
    return set(session.scalars(statement))


def unread_entries(session: Session, post_id: UUID, person_id: UUID) -> int:
    """How many entries of others somebody has not read."""
    statement = _unread(post_id, person_id).subquery()
    return session.scalar(select(func.count()).select_from(statement)) or 0


def _unread(post_id: UUID, person_id: UUID) -> Any:
    read = select(PostLogRead.entry_id).where(PostLogRead.person_id == person_id)
    return select(PostLog.id).where(
        PostLog.post_id == post_id, PostLog.person_id != person_id, PostLog.id.not_in(read)
    )


def list_log(session: Session, post: Post, wish: Wish) -> Page[dict[str, Any]]:
    """The pass-down log, the last entry first, each with its files and who has read it. Key: id."""
    statement = (
        rows_of(
            PostLog.id,
            PostLog.post_id,
            PostLog.person_id,
            Person.name.label("person_name"),
            PostLog.written_at,
            PostLog.text,
        )
        .join(Person, Person.id == PostLog.person_id)
        .where(PostLog.post_id == post.id)
    )
    page = newest_first(session, statement, (PostLog.id,), wish)
    ids = [row["id"] for row in page.items]
    readers, files = _readers(session, ids), _files(session, ids)
    items = [
        {**row, "files": files[row["id"]], "readers": readers[row["id"]]} for row in page.items
    ]
    return Page(items, page.next)


def _files(session: Session, entries: Sequence[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    statement = select(GuardFile).where(GuardFile.log_id.in_(entries))
    found: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in session.scalars(statement.order_by(GuardFile.taken_at, GuardFile.id)):
        told = {name: getattr(row, name) for name in ("id", "what", "state", "width", "height")}
        found[row.log_id or row.id].append({**told, "seconds": row.seconds})
    return found


def _readers(session: Session, entries: Sequence[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    statement = (
        select(PostLogRead.entry_id, Person.id, Person.name, PostLogRead.read_at)
        .join(Person, Person.id == PostLogRead.person_id)
        .where(PostLogRead.entry_id.in_(entries))
        .order_by(PostLogRead.read_at, Person.name)
    )
    found: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for entry_id, person_id, name, at in session.execute(statement):
        found[entry_id].append({"person_id": person_id, "name": name, "read_at": at})
    return found
