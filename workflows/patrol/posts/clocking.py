"""Coming to a post and leaving it: by a card, by a supervisor, by oneself, or forgetting to."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.badges import badge_at, counts, derived, may
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller, Person
from core.rosters import Absence, Shift, bosses
from core.vault import Vault
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, SCAN, WRITE
from workflows.patrol.posts.keeping import require_in_use
from workflows.patrol.posts.model import DUTY, LONGEST_DUTY, TWICE, Post, PostDuty
from workflows.patrol.posts.orders import unread_by

LONGEST_REASON = 500
# Whoever comes so long before their shift comes for it.
EARLY = timedelta(hours=2)
# A supervisor puts down what was at most so long ago.
OLDEST = timedelta(hours=24)


def shift_end_of(
    session: Session, post: Post, person_id: UUID, at: datetime, *, early: timedelta = EARLY
) -> datetime | None:
    """When the shift ends for which somebody is there, their own or one they stand in for.

    early: how long before its beginning they may be there. None where the roster has none; being
    on call is none.
    """
    deputies = select(Absence.person_id).where(
        Absence.deputy_id == person_id, Absence.starts_at <= at, Absence.ends_at > at
    )
    people = {person_id, *session.scalars(deputies)}
    statement = (
        select(Shift.ends_at)
        .where(
            Shift.person_id.in_(people),
            Shift.site_id == post.site_id,
            Shift.kind == "duty",
            Shift.starts_at <= at + early,
            Shift.ends_at > at,
        )
        .order_by(Shift.starts_at.desc())
    )
    return session.scalars(statement.limit(1)).first()


def present_duty(session: Session, person_id: UUID) -> PostDuty | None:
    """Where somebody is now, locked; None where they are at no post."""
    statement = select(PostDuty).where(PostDuty.person_id == person_id, PostDuty.state == "present")
    options = statement.with_for_update().execution_options(populate_existing=True)
    return session.scalars(options).first()


def clock_in(
    session: Session,
    caller: Caller,
    post: Post,
    person_id: UUID,
    *,
    reason: str,
    now: datetime,
    at: datetime | None = None,
) -> PostDuty:
    """A supervisor lets somebody come to a post, with the reason why no scan does.

    at: since when, at most a day ago; now unless told. Who is there already stays as they are.
    Raises NotAllowed, Invalid without a reason or for somebody who may not scan on this site,
    Conflict for a post that is out of use and for whoever is at another one.
    """
    caller.require(WRITE, post.site_id)
    require_in_use(post)
    moment = _moment(at, now)
    problems = _reason_problems(reason)
    person = session.get(Person, person_id)
    if person is None or not may(session, person, SCAN, post.site_id):
        problems.append(worded("person_id: nobody on this site who may go rounds"))
    if problems:
        raise Invalid(worded("nobody was put down"), problems=problems)
    return come(
        session,
        post,
        person_id,
        at=moment,
        by="supervisor",
        actor=events.Actor.person(caller.person_id),
        now=now,
        reason=" ".join(reason.split()),
    )


def clock_in_by_card(
    session: Session, caller: Caller, post: Post, card: str, *, vault: Vault, now: datetime
) -> PostDuty:
    """Somebody who leads guards reads in a card: whoever it is comes to the post.

    Raises NotFound for a card that is nobody's now, and what `clock_in` raises.
    """
    caller.require(WRITE, post.site_id)
    require_in_use(post)
    badge = badge_at(session, derived(vault, "card", card), now)
    person = session.get(Person, badge.person_id) if badge and counts(badge, now) else None
    if person is None or not may(session, person, SCAN, post.site_id):
        raise NotFound(
            worded("this card is nobody's on this site"),
            advice=worded("Read it in again, or choose the person and say why."),
        )
    actor = events.Actor.person(caller.person_id)
    return come(session, post, person.id, at=now, by="card", actor=actor, now=now)


def come(
    session: Session,
    post: Post,
    person_id: UUID,
    *,
    at: datetime,
    by: str,
    actor: events.Actor,
    now: datetime,
    scan_id: UUID | None = None,
    reason: str = "",
) -> PostDuty:
    """Put down that somebody is at a post from a moment on; who is there already stays as they are.

    Conflict for whoever is at another post, or was at one at that moment.
    """
    standing = present_duty(session, person_id)
    if standing is not None:
        return _same_post(session, standing, post)
    _refuse_overlap(session, post, person_id, at)
    shift_end = shift_end_of(session, post, person_id, at) or at + LONGEST_DUTY
    row = PostDuty(
        id=new_id(),
        site_id=post.site_id,
        post_id=post.id,
        person_id=person_id,
        state="present",
        version=1,
        started_at=at,
        came_by=by,
        came_scan_id=scan_id,
        came_reason=reason,
        shift_end=shift_end,
        ends_by=shift_end + timedelta(minutes=post.tolerance_min),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Somebody else let them in at this moment.
        standing = present_duty(session, person_id)
        if standing is None:
            raise
        return _same_post(session, standing, post)
    after = {"post": str(post.id), "person": str(person_id), "by": by}
    _tell(session, "post_duty.come", row, after, actor, now, at)
    _tell_unread(session, post, row, actor, now)
    return row


def _same_post(session: Session, standing: PostDuty, post: Post) -> PostDuty:
    if standing.post_id == post.id:
        return standing
    other = session.get_one(Post, standing.post_id)
    if other.site_id != post.site_id:
        # Where somebody is on another site is not for who leads on this one.
        raise _elsewhere()
    raise Conflict(
        worded(
            "this person is at another post (%(code)s) since %(started_at)s",
            code=other.code,
            started_at=standing.started_at.isoformat(),
        ),
        advice=worded("Let them leave that post first; nobody is at two at once."),
    )


def _elsewhere() -> Conflict:
    return Conflict(
        worded("this person is at a post of another site, or was at that time"),
        advice=worded("Nobody is at two at once; ask them."),
    )


def _refuse_overlap(session: Session, post: Post, person_id: UUID, at: datetime) -> None:
    statement = select(PostDuty).where(PostDuty.person_id == person_id, PostDuty.ended_at > at)
    other = session.scalars(statement.order_by(PostDuty.ended_at.desc()).limit(1)).first()
    if other is not None and other.ended_at is not None:
        if other.site_id != post.site_id:
            raise _elsewhere()
        raise Conflict(
            worded(
                "this person was at a post until %(ended_at)s", ended_at=other.ended_at.isoformat()
            ),
            advice=worded("Choose a later time."),
        )


def _tell_unread(
    session: Session, post: Post, row: PostDuty, actor: events.Actor, now: datetime
) -> None:
    """Whoever leads guards hears of it when somebody stands there without knowing the orders."""
    orders = unread_by(session, post.id, row.person_id)
    # Of a shift that is over nobody need be told.
    if orders is None or row.ends_by <= now:
        return
    events.append(
        session,
        "post.unread_orders",
        ("post", post.id),
        actor=actor,
        learned_at=now,
        site_id=post.site_id,
        after={
            "people": [str(one) for one in bosses(session, post.site_id)],
            "about": dict(post.name),
            "person": str(row.person_id),
            "number": orders.number,
            "from": row.started_at.isoformat(),
            "to": row.shift_end.isoformat(),
        },
    )


def clock_out(
    session: Session,
    caller: Caller,
    duty_id: UUID,
    *,
    reason: str = "",
    now: datetime,
    at: datetime | None = None,
) -> PostDuty:
    """Somebody leaves their post by themselves, or is let go by a supervisor who says why.

    at: when, for a supervisor; now unless told. Who has left already stays as they are. Raises
    NotFound for what the caller may not see, NotAllowed, Invalid without a reason and for a time
    before they came or after they came again, Conflict for whoever forgot to leave and says by
    themselves that they leave now.
    """
    row = session.get(PostDuty, duty_id, populate_existing=True, with_for_update=True)
    own = row is not None and row.person_id == caller.person_id
    if row is None or not (own or row.site_id in caller.sites_for(PEOPLE)):
        raise NotFound(
            worded("nobody is at a post by this id"), advice=worded("Look at who is there.")
        )
    if not own:
        caller.require(WRITE, row.site_id)
    if row.state == "left":
        return row
    actor = events.Actor.person(caller.person_id)
    if own and not reason.strip() and at is None:
        if row.state == "forgotten":
            raise Conflict(
                worded("your time at this post was ended, because nobody said that you left"),
                advice=worded("Ask whoever leads you to put down when you left."),
            )
        # A scanner's clock may be ahead of ours.
        left_at = max(now, row.started_at)
        return leave(session, row, at=left_at, by="self", actor=actor, now=now)
    caller.require(WRITE, row.site_id)
    moment = _moment(at, now)
    problems = _reason_problems(reason)
    if moment <= row.started_at:
        problems.append(
            worded(
                "at: after %(started_at)s, when they came", started_at=row.started_at.isoformat()
            )
        )
    again = _came_again(session, row)
    if again is not None and moment > again:
        problems.append(
            worded(
                "at: not after %(again)s, when they came to a post again", again=again.isoformat()
            )
        )
    if problems:
        raise Invalid(worded("nobody was let go"), problems=problems)
    why = " ".join(reason.split())
    return leave(session, row, at=moment, by="supervisor", actor=actor, now=now, reason=why)


def leave_by_oneself(
    session: Session, caller: Caller, post_id: UUID, *, at: datetime, now: datetime
) -> PostDuty:
    """Somebody left a post at a moment of their phone's clock, and tells it with or without signal.

    Who had left before stays as they are; who had forgotten to, and left within the tolerance, is
    mended. Conflict for whoever was not there then.
    """
    # Where they were at that moment; a scanner's clock may be a little ahead of the phone's.
    statement = select(PostDuty).where(
        PostDuty.person_id == caller.person_id, PostDuty.started_at <= at + TWICE
    )
    last = statement.order_by(PostDuty.started_at.desc(), PostDuty.id.desc()).limit(1)
    options = last.with_for_update().execution_options(populate_existing=True)
    row = session.scalars(options).first()
    if row is None or row.post_id != post_id:
        raise _not_there()
    if row.state == "left" and row.ended_at is not None and at <= row.ended_at + TWICE:
        return row
    mends = row.state == "forgotten" and at <= row.ends_by
    if row.state != "present" and not mends:
        raise _not_there()
    # The phone's clock may be ahead of ours as well.
    left_at = max(min(at, now), row.started_at)
    actor = events.Actor.person(caller.person_id)
    return leave(session, row, at=left_at, by="self", actor=actor, now=now)


def _not_there() -> Conflict:
    return Conflict(
        worded("you were not at this post then"),
        advice=worded("Ask whoever leads you to put down when you left."),
    )


def _came_again(session: Session, row: PostDuty) -> datetime | None:
    statement = select(PostDuty.started_at).where(
        PostDuty.person_id == row.person_id,
        PostDuty.id != row.id,
        PostDuty.started_at >= row.started_at,
    )
    return session.scalars(statement.order_by(PostDuty.started_at).limit(1)).first()


def leave(
    session: Session,
    row: PostDuty,
    *,
    at: datetime,
    by: str,
    actor: events.Actor,
    now: datetime,
    scan_id: UUID | None = None,
    reason: str = "",
) -> PostDuty:
    """Put down that somebody left a post. Conflict where they had left before."""
    values = {"ended_at": at, "left_by": by, "left_scan_id": scan_id, "left_reason": reason}
    move(
        session,
        row,
        DUTY,
        "leave",
        actor=actor,
        learned_at=now,
        happened_at=at,
        values=values,
        facts={"post": str(row.post_id), "person": str(row.person_id), "by": by},
    )
    return row


def _moment(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if not now - OLDEST <= at <= now:
        raise Invalid(
            worded("nothing was put down"), problems=[worded("at: within the last 24 hours")]
        )
    return at


def _reason_problems(reason: str) -> list[str]:
    length = len(" ".join(reason.split()))
    return (
        []
        if 1 <= length <= LONGEST_REASON
        else [worded("reason: 1 to %(most)s characters", most=LONGEST_REASON)]
    )


def duties_to_end(session: Session, *, now: datetime, limit: int = 200) -> list[UUID]:
    """Of whom it is time to say that they forgot to leave."""
    gone = select(Person.id).where(Person.left_at <= now)
    statement = select(PostDuty.id).where(
        PostDuty.state == "present",
        or_(PostDuty.ends_by <= now, PostDuty.person_id.in_(gone)),
    )
    return list(session.scalars(statement.order_by(PostDuty.ends_by, PostDuty.id).limit(limit)))


def end_forgotten(session: Session, duty_id: UUID, *, now: datetime, actor: events.Actor) -> bool:
    """Say that somebody forgot to leave, as of the end of their shift; whether it was so.

    A roster that gave them a longer shift meanwhile, or another one after it, keeps them there.
    """
    statement = select(PostDuty).where(PostDuty.id == duty_id, PostDuty.state == "present")
    locked = statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    row = session.scalars(locked).first()
    if row is None:
        return False
    post = session.get_one(Post, row.post_id)
    person = session.get_one(Person, row.person_id)
    ends = row.shift_end
    if person.left_at is None:
        longer = shift_end_of(session, post, row.person_id, ends, early=timedelta())
        ends = longer or ends
        row.shift_end, row.ends_by = ends, ends + timedelta(minutes=post.tolerance_min)
        session.flush()
        if row.ends_by > now:
            return False
    else:
        ends = min(ends, person.left_at)
    ended_at = max(min(ends, now), row.started_at)
    move(
        session,
        row,
        DUTY,
        "forget",
        actor=actor,
        learned_at=now,
        happened_at=ended_at,
        values={"ended_at": ended_at, "left_by": "forgotten"},
        facts={"post": str(row.post_id), "person": str(row.person_id)},
    )
    return True


def _tell(
    session: Session,
    kind: str,
    row: PostDuty,
    after: dict[str, str],
    actor: events.Actor,
    now: datetime,
    at: datetime,
) -> None:
    events.append(
        session,
        kind,
        ("post_duty", row.id),
        actor=actor,
        learned_at=now,
        happened_at=at,
        site_id=row.site_id,
        after=after,
    )
