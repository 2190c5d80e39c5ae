"""Forgetting where people were: in batches, each whole or not at all, cases left out.

What goes and what stays of each is published in docs/privacy.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, cast, delete, exists, or_, select, tuple_, update
from sqlalchemy.orm import Session

from workflows.patrol.honesty.model import UNDECIDED, PatrolMark
from workflows.patrol.journal.model import GuardFile, GuardFilePiece, JournalEntry, JournalFork
from workflows.patrol.lone.model import LoneWatch
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.posts.model import PostDuty
from workflows.patrol.privacy.holding import Holds
from workflows.patrol.rounds.model import PatrolContact, Round, RoundPoint
from workflows.patrol.sos.model import SosSignal
from workflows.tickets.guard_tasks import STANDING, GuardOffer, GuardTask
from workflows.tickets.sos import Sos

# What an accepted scan goes on saying of itself: how good a proof of the visit it was.
PROOF = frozenset(
    {"counter", "counter_gap", "key_version", "tamper", "lower_case"}
    | {"step", "steps_off", "clock_ahead_s", "post"}
)
# Entries that a phone writes about itself or its position, and that record no work.
_NO_WORK = ("battery", "gap", "practice")
_START: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """What is to go: received before `before`, unless `holds` cover it."""

    now: datetime
    before: datetime
    holds: Holds
    limit: int = 500


@dataclass(frozen=True, slots=True)
class Done:
    """How much a batch let go of. after: behind what the next one begins; None at the end."""

    number: int
    after: tuple[Any, ...] | None


Step = Callable[[Session, Due, tuple[Any, ...]], Done]


def _batch(
    due: Due, rows: Sequence[Any], number: int, key: Callable[[Any], tuple[Any, ...]]
) -> Done:
    return Done(number, key(rows[-1]) if len(rows) == due.limit else None)


def coarsen_scans(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Scans keep what was scanned, when and how; of what was refused nobody is named any more.

    What a gateway heard of a badge, and counted for no round, post or alarm, goes altogether.
    """
    statement = select(Scan).where(Scan.coarse_at.is_(None), Scan.received_at < due.before)
    if after:
        statement = statement.where(tuple_(Scan.received_at, Scan.id) > tuple_(*after))
    order = (Scan.received_at, Scan.id)
    rows = session.scalars(statement.order_by(*order).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.occurred_at)]
    used = counted_scans(session, [row.id for row in free if row.kind == "beacon"])
    heard = [row.id for row in free if row.kind == "beacon" and row.id not in used]
    for row in free:
        if row.id in heard:
            continue
        row.evidence = {name: said for name, said in row.evidence.items() if name in PROOF}
        row.credential_hash, row.coarse_at = None, due.now
        if row.verdict != ACCEPTED:
            row.person_id, row.evidence = None, {}
    session.flush()
    session.execute(delete(Scan).where(Scan.id.in_(heard)))
    return _batch(due, rows, len(free), lambda row: (row.received_at, row.id))


def counted_scans(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those scans that count for a point of a round, a time at a post or coming to an alarm."""
    found: set[UUID] = set()
    of_posts = (PostDuty.came_scan_id, PostDuty.left_scan_id)
    for column in (RoundPoint.scan_id, *of_posts, GuardTask.scan_id):
        statement = select(column).where(column.in_(ids))
        found |= {one for one in session.scalars(statement) if one is not None}
    return found


def coarsen_journals(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Entries lose their texts, and those that record no work their person; hashes stay."""
    statement = select(JournalEntry).where(
        JournalEntry.coarse_at.is_(None), JournalEntry.received_at < due.before
    )
    order = (JournalEntry.received_at, JournalEntry.phone_id, JournalEntry.seq)
    if after:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    rows = session.scalars(statement.order_by(*order).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.occurred_at)]
    for row in free:
        row.sealed, row.coarse_at = b"", due.now
        if row.kind in _NO_WORK:
            row.person_id = None
    session.flush()
    return _batch(due, rows, len(free), lambda row: (row.received_at, row.phone_id, row.seq))


def empty_forks(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Of what continued a journal otherwise the hashes stay."""
    del after
    statement = select(JournalFork).where(
        JournalFork.received_at < due.before, JournalFork.sealed != b""
    )
    rows = session.scalars(statement.limit(due.limit)).all()
    for row in rows:
        row.sealed = b""
    session.flush()
    return _batch(due, rows, len(rows), lambda _: _START)


def drop_pieces(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Pieces of files that never became whole; a phone that still has one sends it from 0."""
    statement = (
        select(GuardFile)
        .where(
            GuardFile.told_at < due.before,
            GuardFile.received > 0,
            GuardFile.state.in_(("waiting", "wrong")),
        )
        .order_by(GuardFile.id)
        .limit(min(due.limit, 20))
        .with_for_update()
    )
    if after:
        statement = statement.where(GuardFile.id > after[0])
    rows = session.scalars(statement).all()
    for row in rows:
        session.execute(delete(GuardFilePiece).where(GuardFilePiece.file_id == row.id))
        row.received = 0
    session.flush()
    return Done(len(rows), (rows[-1].id,) if rows else None)


def drop_contacts(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """When a phone was heard of last, of whom it was not heard of for so long."""
    del after
    statement = select(PatrolContact.person_id).where(PatrolContact.heard_at < due.before)
    people = session.scalars(statement.limit(due.limit)).all()
    session.execute(
        delete(PatrolContact).where(
            PatrolContact.person_id.in_(people), PatrolContact.heard_at < due.before
        )
    )
    return _batch(due, people, len(people), lambda _: _START)


def drop_watches(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Watches over lone workers that are over, with the place of the last sign of life."""
    statement = select(LoneWatch).where(LoneWatch.state == "over", LoneWatch.ended_at < due.before)
    if after:
        statement = statement.where(LoneWatch.id > after[0])
    rows = session.scalars(statement.order_by(LoneWatch.id).limit(due.limit)).all()
    free = [row.id for row in rows if not due.holds.cover(row.person_id, row.heard_at)]
    session.execute(delete(LoneWatch).where(LoneWatch.id.in_(free)))
    return _batch(due, rows, len(free), lambda row: (row.id,))


def drop_positions(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Positions of calls for help that are over, and where the caller was last known to be."""
    where = exists().where(SosSignal.sos_id == Sos.id, SosSignal.sealed.is_not(None))
    statement = select(Sos).where(
        Sos.state == "over",
        Sos.ended_at < due.before,
        or_(where, Sos.checkpoint_id.is_not(None)),
    )
    if after:
        statement = statement.where(Sos.id > after[0])
    rows = session.scalars(statement.order_by(Sos.id).limit(due.limit)).all()
    free = [row.id for row in rows if not due.holds.cover(row.person_id, row.opened_at)]
    session.execute(update(SosSignal).where(SosSignal.sos_id.in_(free)).values(sealed=None))
    session.execute(update(Sos).where(Sos.id.in_(free)).values(checkpoint_id=None))
    return _batch(due, rows, len(free), lambda row: (row.id,))


def empty_marks(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Of marks that were decided the question, the words and the decision stay, not the figures."""
    del after
    statement = select(PatrolMark).where(
        PatrolMark.state.not_in(UNDECIDED),
        PatrolMark.decided_at < due.before,
        or_(_is_full(PatrolMark.evidence), _is_full(PatrolMark.scans)),
    )
    rows = session.scalars(statement.limit(due.limit)).all()
    for row in rows:
        row.evidence, row.scans = [], []
    session.flush()
    return _batch(due, rows, len(rows), lambda _: _START)


def _is_full(column: Any) -> Any:
    assert isinstance(column.type, JSON)
    return cast(column, String) != "[]"


def forget_nearness(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Where somebody was as they were asked to go to an alarm; that they were asked stays."""
    statement = select(GuardOffer).where(
        GuardOffer.offered_at < due.before,
        GuardOffer.state.not_in(STANDING),
        cast(GuardOffer.near, String) != "{}",
    )
    if after:
        statement = statement.where(GuardOffer.id > after[0])
    rows = session.scalars(statement.order_by(GuardOffer.id).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.offered_at)]
    for row in free:
        row.near = {}
    session.flush()
    return _batch(due, rows, len(free), lambda row: (row.id,))


def unname_scans(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Whose scans were, once the record of work is over."""
    statement = select(Scan).where(Scan.received_at < due.before, Scan.person_id.is_not(None))
    if after:
        statement = statement.where(Scan.id > after[0])
    rows = session.scalars(statement.order_by(Scan.id).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.occurred_at)]
    for row in free:
        row.person_id = None
    session.flush()
    return _batch(due, rows, len(free), lambda row: (row.id,))


def unname_entries(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Whose entries of journals were."""
    statement = select(JournalEntry).where(
        JournalEntry.received_at < due.before, JournalEntry.person_id.is_not(None)
    )
    order = (JournalEntry.phone_id, JournalEntry.seq)
    if after:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    rows = session.scalars(statement.order_by(*order).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.occurred_at)]
    for row in free:
        row.person_id = None
    session.flush()
    return _batch(due, rows, len(free), lambda row: (row.phone_id, row.seq))


def unname_rounds(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Who went rounds."""
    statement = select(Round).where(Round.ends_at < due.before, Round.person_id.is_not(None))
    if after:
        statement = statement.where(Round.id > after[0])
    rows = session.scalars(statement.order_by(Round.id).limit(due.limit)).all()
    free = [row for row in rows if not due.holds.cover(row.person_id, row.opens_at)]
    for row in free:
        row.person_id = None
    session.flush()
    return _batch(due, rows, len(free), lambda row: (row.id,))


def drop_duties(session: Session, due: Due, after: tuple[Any, ...]) -> Done:
    """Who was at posts."""
    statement = select(PostDuty).where(PostDuty.state != "present", PostDuty.ended_at < due.before)
    if after:
        statement = statement.where(PostDuty.id > after[0])
    rows = session.scalars(statement.order_by(PostDuty.id).limit(due.limit)).all()
    free = [row.id for row in rows if not due.holds.cover(row.person_id, row.started_at)]
    session.execute(delete(PostDuty).where(PostDuty.id.in_(free)))
    return _batch(due, rows, len(free), lambda row: (row.id,))


# By what the event log calls it.
OF_TRACKS: Mapping[str, Step] = MappingProxyType(
    {
        "scans": coarsen_scans,
        "entries": coarsen_journals,
        "forks": empty_forks,
        "pieces": drop_pieces,
        "contacts": drop_contacts,
        "watches": drop_watches,
        "positions": drop_positions,
        "marks": empty_marks,
        "nearness": forget_nearness,
    }
)
OF_RECORDS: Mapping[str, Step] = MappingProxyType(
    {
        "named_scans": unname_scans,
        "named_entries": unname_entries,
        "named_rounds": unname_rounds,
        "duties": drop_duties,
    }
)
