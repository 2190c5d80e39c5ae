"""Presenting: what is scanned becomes a scan, taken once, and a fact of the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.vault import Vault
from rules.wording import worded
from workflows.patrol.judging import Judged, Looking, judge
from workflows.patrol.model import ACCEPTED, AHEAD, BY_PHONE, CHANNELS, CheckpointToken, Scan
from workflows.patrol.posts.scanning import clock_scans
from workflows.patrol.presented import Presented
from workflows.patrol.privacy.gate import UNKEPT, why_not_taken
from workflows.patrol.proof import KINDS
from workflows.patrol.rounds.contact import note_contact
from workflows.patrol.rounds.joining import join_scans
from workflows.patrol.tasks.arriving import arrive_by_scans

_TAKEN_BY = {
    "signed_tag": CheckpointToken.last_counter,
    "rotating_code": CheckpointToken.last_step,
}


def present(
    session: Session,
    presented: Presented,
    *,
    vault: Vault,
    now: datetime,
    actor: events.Actor | None = None,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> Scan:
    """Judge what somebody presents, keep it with the verdict, and tell of it.

    The same again, by its id, changes nothing and gets the same scan. A refused one is kept, too,
    and counts for nothing; but of what would tell where somebody is without their consent or
    outside of their duty nothing is kept, and the verdict alone comes back. actor: who hands it in;
    the person or the device unless told otherwise. beside: evidence of the way it came (which
    phone, the how-manieth of its journal).
    Raises Invalid for an unknown channel, Conflict when the id stands for something else, and
    NotFound when neither the presentation nor the token says on which site it is.
    """
    if presented.channel not in CHANNELS:
        raise Invalid(
            worded("nothing was scanned"),
            problems=[worded("channel: one of %(known)s", known=", ".join(CHANNELS))],
        )
    fingerprint = _fingerprint(presented, vault)
    standing = session.get(Scan, presented.id)
    if standing is not None:
        return _same(standing, fingerprint)
    try:
        # One that another process takes at this moment takes back what this one has begun.
        with session.begin_nested():
            return _scan(session, presented, fingerprint, vault, now, actor, beside)
    except IntegrityError:
        standing = session.get(Scan, presented.id)
        if standing is None:
            raise
        return _same(standing, fingerprint)


def _fingerprint(presented: Presented, vault: Vault) -> str:
    return vault.derived_id(presented.canonical.decode(), "scan")


def _same(standing: Scan, fingerprint: str) -> Scan:
    if standing.fingerprint != fingerprint:
        raise Conflict(
            worded("this id stands for another scan"),
            advice=worded("Make a new id for each new scan."),
        )
    return standing


def _scan(
    session: Session,
    presented: Presented,
    fingerprint: str,
    vault: Vault,
    now: datetime,
    actor: events.Actor | None,
    beside: Mapping[str, Any],
) -> Scan:
    judged = judge(Looking(session, vault, now), presented)
    if judged.reason == ACCEPTED and judged.sequence is not None:
        judged = take(session, judged)
    site_id = judged.token.site_id if judged.token is not None else presented.site_id
    if site_id is None:
        raise NotFound(
            worded("nobody knows where this is"),
            advice=worded("Choose the site, then scan it again."),
        )
    withheld = why_not_taken(
        session,
        presented.kind,
        judged.person_id,
        site_id,
        judged.checkpoint_id,
        presented.occurred_at,
    )
    if withheld is not None:
        return _unkept(presented, withheld, site_id, now)
    judged.evidence |= beside
    row = Scan(**_values(presented, judged, site_id, fingerprint, now))
    session.add(row)
    session.flush()
    events.append_all(session, [_fact(row, actor)])
    # Tickets are locked before rounds, as by whoever takes a task.
    arrive_by_scans(session, [row], now=now)
    join_scans(session, [row], now=now)
    clock_scans(session, [row], now=now)
    # A journal tells of its phone once all of it is taken, in an order that everybody keeps.
    by_phone = presented.channel in BY_PHONE and "phone" not in beside
    if by_phone and presented.person_id is not None:
        note_contact(session, presented.person_id, now=now)
    return row


def _unkept(presented: Presented, reason: str, site_id: UUID, now: datetime) -> Scan:
    """A verdict that stands in no table: neither who it was nor where."""
    return Scan(**_values(presented, Judged(reason), site_id, "", now))


def is_kept(scan: Scan) -> bool:
    """Whether a scan stands in the list: all do but what must not be taken."""
    return scan.verdict not in UNKEPT


def _values(
    presented: Presented, judged: Judged, site_id: UUID, fingerprint: str, now: datetime
) -> dict[str, Any]:
    return {
        "id": presented.id,
        "site_id": site_id,
        "checkpoint_id": judged.checkpoint_id,
        "token_id": None if judged.token is None else judged.token.id,
        "person_id": judged.person_id,
        "credential_hash": judged.credential_hash,
        "device_id": presented.device_id,
        "occurred_at": presented.occurred_at,
        "received_at": now,
        "channel": presented.channel,
        "kind": presented.kind,
        "grade": KINDS[presented.kind].grade.value,
        "verdict": judged.reason,
        "sequence": judged.sequence,
        "evidence": {**judged.evidence, **_clock_marks(presented, now)},
        "fingerprint": fingerprint,
    }


def record_all(
    session: Session,
    judged: Sequence[tuple[Presented, Judged]],
    site_id: UUID,
    *,
    vault: Vault,
    now: datetime,
    actor: events.Actor,
) -> None:
    """Keep many that were judged, in bulk: of kinds that use nothing up, and none known before."""
    if not judged:
        return
    rows = [
        _values(presented, found, site_id, _fingerprint(presented, vault), now)
        for presented, found in judged
    ]
    session.execute(insert(Scan), rows)
    scans = [Scan(**row) for row in rows]
    events.append_all(session, [_fact(scan, actor) for scan in scans])
    # Tickets are locked before rounds, as by whoever takes a task.
    arrive_by_scans(session, scans, now=now)
    join_scans(session, scans, now=now)
    clock_scans(session, scans, now=now)


def _clock_marks(presented: Presented, now: datetime) -> dict[str, Any]:
    ahead = presented.occurred_at - now
    return {"clock_ahead_s": int(ahead.total_seconds())} if ahead > AHEAD else {}


def take(session: Session, judged: Judged) -> Judged:
    """Use up the counter of a tag or the step of a code, once whoever else tries.

    The condition holds the value that the gap is counted from, so of two at once one is taken,
    and the other is judged by what the first left.
    """
    assert judged.token is not None
    assert judged.sequence is not None
    token, number = judged.token, judged.sequence
    column = _TAKEN_BY[token.kind]
    standing = select(CheckpointToken.state, column).where(CheckpointToken.id == token.id)
    while True:
        state, last = session.execute(standing).one()
        if state != "active":
            return _refused(judged, state)
        if last is not None and number <= last:
            return _refused(judged, _why_used(session, token, number))
        swap = update(CheckpointToken).where(
            CheckpointToken.id == token.id,
            CheckpointToken.state == "active",
            column.is_(None) if last is None else column == last,
        )
        result = session.execute(
            swap.values({column: number}).execution_options(synchronize_session=False)
        )
        assert isinstance(result, CursorResult)
        if result.rowcount == 1:
            session.expire(token, [column.key])
            return _with_gap(judged, last) if token.kind == "signed_tag" else judged


def _refused(judged: Judged, reason: str) -> Judged:
    judged.reason = reason
    return judged


def _why_used(session: Session, token: CheckpointToken, number: int) -> str:
    """Whether the very same was taken before, or only a later one: that need not be a cheat."""
    same = select(Scan.id).where(
        Scan.token_id == token.id, Scan.sequence == number, Scan.verdict == ACCEPTED
    )
    return "overtaken" if session.scalar(same.limit(1)) is None else "replayed"


def _with_gap(judged: Judged, last: int | None) -> Judged:
    """Mark taps that were never handed in. The first tap of a tag tells of none."""
    assert judged.sequence is not None
    if last is not None and judged.sequence > last + 1:
        judged.evidence["counter_gap"] = judged.sequence - last - 1
    return judged


def _fact(row: Scan, actor: events.Actor | None) -> dict[str, Any]:
    after: dict[str, Any] = {"kind": row.kind, "grade": row.grade, "channel": row.channel}
    # The id of a checkpoint is that of its asset.
    names = {"checkpoint": row.checkpoint_id, "asset": row.checkpoint_id, "token": row.token_id}
    names["person"] = row.person_id
    after |= {name: str(value) for name, value in names.items() if value is not None}
    accepted = row.verdict == ACCEPTED
    if not accepted:
        after["reason"] = row.verdict
    return events.fact(
        "scan.record" if accepted else "scan.refuse",
        ("scan", row.id),
        actor=actor or _who(row),
        learned_at=row.received_at,
        happened_at=row.occurred_at,
        site_id=row.site_id,
        after=after,
    )


def _who(row: Scan) -> events.Actor:
    if row.person_id is not None:
        return events.Actor.person(row.person_id)
    if row.device_id is not None:
        return events.Actor("device", str(row.device_id))
    return events.SYSTEM
