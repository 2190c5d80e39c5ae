"""Marking: a round that is over is looked at, and what speaks against it becomes marks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.ids import new_id
from workflows.patrol.honesty.gathering import AROUND, gather
from workflows.patrol.honesty.judging import judge
from workflows.patrol.honesty.model import UNDECIDED, PatrolMark
from workflows.patrol.honesty.touches import Case, Finding
from workflows.patrol.rounds.model import OPEN, Round, RoundPoint


@dataclass(slots=True)
class _Asked:
    """What is asked of a round with one kind of mark."""

    scans: list[str] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.scans += [str(one) for one in finding.touches if str(one) not in self.scans]
        self.evidence.append(dict(finding.evidence))


def rounds_to_check(session: Session, *, now: datetime, limit: int = 100) -> list[UUID]:
    """Rounds that are over and of which something was learned since they were looked at."""
    statement = select(Round.id).where(Round.next_check <= now, Round.state.not_in(OPEN))
    return list(session.scalars(statement.order_by(Round.next_check, Round.id).limit(limit)))


def check_later(session: Session, round_id: UUID, *, at: datetime) -> None:
    """Looking into it failed: that is tried again then, and holds no other up until then."""
    session.execute(
        update(Round)
        .where(Round.id == round_id, Round.next_check.is_not(None))
        .values(next_check=at)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in a round. seen: of what it was found, so that it is known to be stale."""

    seen: tuple[datetime | None, frozenset[UUID | None]]
    asked: Mapping[str, _Asked]
    about: Mapping[str, UUID | None]


def look_into(session: Session, round_id: UUID) -> Looked | None:
    """See what speaks against a round, and write nothing; None where there is no such round.

    On a large site this takes long, so it is done where nobody waits to write.
    """
    row = session.get(Round, round_id)
    return None if row is None else _look(session, row)


def _look(session: Session, row: Round) -> Looked:
    seen = _seen(session, row)
    case = gather(session, row)
    asked = _by_kind(judge(case)) if case.touches else {}
    return Looked(seen, asked, {kind: _about(case, row, one) for kind, one in asked.items()})


def _seen(session: Session, row: Round) -> tuple[datetime | None, frozenset[UUID | None]]:
    scans = session.scalars(select(RoundPoint.scan_id).where(RoundPoint.round_id == row.id))
    return row.next_check, frozenset(scans)


def check_round(
    session: Session,
    round_id: UUID,
    *,
    now: datetime,
    actor: events.Actor,
    looked: Looked | None = None,
) -> int:
    """Mark what speaks against a round; how many marks were made or added to.

    Again it changes nothing, unless something new is known. It is looked at once more when what
    came after it is known, too. looked: what was found before; what came since is looked into here.
    """
    statement = select(Round).where(Round.id == round_id).with_for_update(skip_locked=True)
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None or row.next_check is None or row.next_check > now:
        return 0
    if looked is None or looked.seen != _seen(session, row):
        looked = _look(session, row)
    standing = {
        mark.kind: mark
        for mark in session.scalars(select(PatrolMark).where(PatrolMark.round_id == row.id))
    }
    made = 0
    for kind, one in looked.asked.items():
        if kind not in standing:
            _make(session, row, kind, one, looked.about[kind], actor, now)
            made += 1
        elif standing[kind].state in UNDECIDED:
            made += _extend(session, standing[kind], one, actor, now)
    again = row.ends_at + AROUND
    row.next_check = again if again > now else None
    session.flush()
    return made


def _by_kind(findings: Iterable[Finding]) -> Mapping[str, _Asked]:
    found: dict[str, _Asked] = {}
    for finding in findings:
        found.setdefault(finding.kind, _Asked()).add(finding)
    return found


def _about(case: Case, row: Round, asked: _Asked) -> UUID | None:
    """Whom a mark is about: who made most of its scans or pictures, else who goes the round."""
    made = [one for one in case.touches if str(one.id) in asked.scans]
    some = made if asked.scans else case.pictures
    people = Counter(one.person for one in some if one.person is not None)
    return people.most_common(1)[0][0] if people else row.person_id


def _make(
    session: Session,
    row: Round,
    kind: str,
    asked: _Asked,
    person_id: UUID | None,
    actor: events.Actor,
    now: datetime,
) -> None:
    mark = PatrolMark(
        id=new_id(),
        site_id=row.site_id,
        round_id=row.id,
        person_id=person_id,
        kind=kind,
        scans=asked.scans,
        evidence=asked.evidence,
        made_at=now,
    )
    session.add(mark)
    session.flush()
    _tell(session, "patrol_mark.make", mark, actor, now, [] if person_id is None else [person_id])


def _extend(
    session: Session, mark: PatrolMark, asked: _Asked, actor: events.Actor, now: datetime
) -> int:
    """Add what is new; what was asked before stays asked.

    New is what speaks of another scan or picture: figures change with all that is learned.
    """
    if set(asked.scans) <= set(mark.scans) and _pictures(asked.evidence) <= _pictures(
        mark.evidence
    ):
        return 0
    known = [one for one in mark.evidence if one not in asked.evidence]
    mark.scans = [*mark.scans, *(one for one in asked.scans if one not in mark.scans)]
    mark.evidence = [*known, *asked.evidence]
    mark.version += 1
    _tell(session, "patrol_mark.extend", mark, actor, now, [])
    return 1


def _pictures(evidence: Iterable[Mapping[str, Any]]) -> set[str]:
    return {one["picture"] for each in evidence for one in each.get("pictures", ())}


def _tell(
    session: Session,
    kind: str,
    mark: PatrolMark,
    actor: events.Actor,
    now: datetime,
    people: Sequence[UUID],
) -> None:
    after: dict[str, Any] = {"round": str(mark.round_id), "kind": mark.kind, "scans": mark.scans}
    if people:
        after["people"] = [str(one) for one in people]
    events.append(
        session,
        kind,
        ("patrol_mark", mark.id),
        actor=actor,
        learned_at=now,
        site_id=mark.site_id,
        after=after,
    )
