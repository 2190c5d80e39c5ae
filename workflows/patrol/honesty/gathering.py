"""Gathering a case: what the database knows of a round and around it, as detectors see it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from workflows.patrol.honesty.touches import (
    CLAIMS,
    Case,
    Copy,
    Picture,
    Touch,
    Usual,
    learn,
    usual_clock,
)
from workflows.patrol.honesty.walking import Walking
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.judging import distance_m
from workflows.patrol.model import ACCEPTED, Checkpoint, Scan
from workflows.patrol.phones.model import Phone
from workflows.patrol.reports.model import GuardReport
from workflows.patrol.rounds.model import Round, RoundPoint

# What was scanned so long before and after a round tells of its phones.
AROUND = timedelta(hours=12)
# Ways are learned from so long before a round, and clocks known from so long.
LEARNED_FROM, CLOCKS_FROM = timedelta(days=30), timedelta(days=5)
# However busy a site is.
_MOST_LEARNED, _MOST_AROUND, _MOST_PICTURES = 6_000, 6_000, 200
# A phone is somebody's who scanned so often with it, and all others so seldom.
_OWN_SCANS, _OWN_SHARE = 10, 0.8


def gather(session: Session, row: Round) -> Case:
    """A round with everything that speaks for it and against it."""
    points = session.scalars(select(RoundPoint).where(RoundPoint.round_id == row.id)).all()
    checkpoints = {point.checkpoint_id for point in points}
    near = _near(session, row)
    counted = {point.scan_id for point in points}
    own = [scan for scan in near if scan.id in counted]
    people = {scan.person_id for scan in own} | {row.person_id}
    people.discard(None)
    own += [
        scan
        for scan in near
        if scan.id not in counted
        and scan.person_id in people
        and scan.checkpoint_id in checkpoints
        and scan.verdict in (*CLAIMS, "replayed")
        and row.opens_at <= scan.occurred_at <= row.ends_at
        and _is_no_repetition(scan, own)
    ]
    around = [touch_of(scan) for scan in near if scan.verdict in CLAIMS]
    touches = [touch_of(scan) for scan in own]
    phones = {one.phone for one in touches if one.phone is not None}
    handed = [one for one in around if one.phone in phones]
    usual, later = _clocks(session, row, touches, phones)
    usual = {**_said_clocks(own), **usual}
    return Case(
        touches,
        _walking(session, row, checkpoints),
        handed,
        _overtaken(session, touches),
        _replayed(session, touches),
        _pictures(session, row),
        usual,
        later,
        {**_owners(handed, {one.id for one in touches}), **_known_owners(session, phones)},
    )


def _is_no_repetition(scan: Scan, own: Sequence[Scan]) -> bool:
    """Whether it is more than a second scan of a point for which another counts already."""
    return scan.verdict != ACCEPTED or all(
        one.checkpoint_id != scan.checkpoint_id or one.person_id != scan.person_id for one in own
    )


def touch_of(scan: Scan) -> Touch:
    """A scan as detectors see it. Where a phone's journal came along, its numbers are known.

    The time is that of the phone's own clock: how far it is off is what the phone reckons anew
    whenever it hears of us, so that reckoned times jump where nobody set anything.
    """
    assert scan.checkpoint_id is not None
    said = scan.evidence
    phone = said.get("phone")
    uptime = said.get("mono_ms")
    return Touch(
        id=scan.id,
        at=scan.occurred_at - _reckoned(scan),
        received=scan.received_at,
        checkpoint=scan.checkpoint_id,
        person=scan.person_id,
        online=scan.channel == "online",
        ours=scan.channel == "mqtt",
        verdict=scan.verdict,
        token=scan.token_id,
        counter=scan.sequence if scan.kind == "signed_tag" else None,
        phone=None if phone is None else UUID(str(phone)),
        post=bool(said.get("shared")),
        sequence=said.get("seq"),
        boot=said.get("boot"),
        uptime=None if uptime is None else uptime / 1000,
    )


def _reckoned(scan: Scan) -> timedelta:
    """How far a phone said that our clock was ahead of its own, and put its time right by."""
    return timedelta(milliseconds=scan.evidence.get("clock_offset_ms") or 0)


def _near(session: Session, row: Round) -> list[Scan]:
    """All scans of the site around the round, by the scanners' clocks."""
    statement = (
        select(Scan)
        .where(
            Scan.site_id == row.site_id,
            Scan.occurred_at.between(row.opens_at - AROUND, row.ends_at + AROUND),
            Scan.checkpoint_id.is_not(None),
        )
        .order_by(Scan.occurred_at, Scan.id)
        .limit(_MOST_AROUND)
    )
    counted = (
        select(Scan)
        .join(RoundPoint, RoundPoint.scan_id == Scan.id)
        .where(RoundPoint.round_id == row.id)
    )
    found = {scan.id: scan for scan in session.scalars(statement)}
    found |= {scan.id: scan for scan in session.scalars(counted)}
    return list(found.values())


def _walking(session: Session, row: Round, checkpoints: set[UUID]) -> Walking:
    """The ways between the points of a round, from what was scanned there before it."""
    places = {
        point.id: (point.latitude, point.longitude)
        for point in session.scalars(select(Checkpoint).where(Checkpoint.id.in_(checkpoints)))
        if point.latitude is not None and point.longitude is not None
    }

    def metres(one: UUID, other: UUID) -> float | None:
        if one not in places or other not in places:
            return None
        return distance_m(places[one], places[other])

    walking = Walking(metres)
    statement = (
        select(Scan)
        .where(
            Scan.site_id == row.site_id,
            Scan.checkpoint_id.in_(checkpoints),
            Scan.verdict == ACCEPTED,
            Scan.occurred_at >= row.opens_at - LEARNED_FROM,
            Scan.occurred_at < row.opens_at,
        )
        .order_by(Scan.occurred_at.desc(), Scan.id.desc())
        .limit(_MOST_LEARNED)
    )
    learn(walking, [touch_of(scan) for scan in session.scalars(statement)])
    return walking


def _clocks(
    session: Session, row: Round, touches: Sequence[Touch], phones: set[UUID]
) -> tuple[Mapping[UUID, Usual], Mapping[UUID, Usual]]:
    """How the clocks of phones were before a round, and after it."""
    if not phones:
        return {}, {}
    statement = select(Scan).where(
        Scan.site_id == row.site_id,
        Scan.channel == "online",
        Scan.checkpoint_id.is_not(None),
        Scan.evidence["phone"].as_string().in_([str(one) for one in phones]),
    )
    # However busy a site is, what is nearest to the round is among them.
    earlier = statement.where(
        Scan.occurred_at.between(row.opens_at - CLOCKS_FROM, row.opens_at)
    ).order_by(Scan.occurred_at.desc())
    later = statement.where(
        Scan.occurred_at > row.opens_at, Scan.occurred_at <= row.ends_at + CLOCKS_FROM
    ).order_by(Scan.occurred_at)
    own = {one.id for one in touches}
    first = min(one.received for one in touches)
    before, after = (defaultdict[UUID, list[Touch]](list) for _ in range(2))
    for wanted in (earlier, later):
        for scan in session.scalars(wanted.limit(_MOST_LEARNED)):
            one = touch_of(scan)
            if one.phone in phones and one.id not in own:
                side = before if one.received < first else after
                side[one.phone].append(one)
    known = [
        {phone: clock for phone, some in side.items() if (clock := usual_clock(some)) is not None}
        for side in (before, after)
    ]
    return known[0], known[1]


def _said_clocks(scans: Sequence[Scan]) -> Mapping[UUID, Usual]:
    """How phones said that their clocks were, for those of which we know nothing else."""
    found: dict[UUID, Usual] = {}
    for scan in scans:
        phone = scan.evidence.get("phone")
        if phone is not None and scan.evidence.get("clock_offset_ms") is not None:
            found.setdefault(UUID(str(phone)), Usual(-_reckoned(scan), scan.occurred_at))
    return found


def _known_owners(session: Session, phones: set[UUID]) -> Mapping[UUID, UUID]:
    """Whose personal phones are, as these were set up."""
    statement = select(Phone.id, Phone.person_id).where(Phone.id.in_(phones))
    rows = session.execute(statement.where(Phone.person_id.is_not(None)))
    return {phone: person for phone, person in rows if person is not None}


def _owners(handed: Sequence[Touch], own: set[UUID]) -> Mapping[UUID, UUID]:
    """Whose a phone is, by who scans with it otherwise."""
    by_phone = defaultdict[UUID, Counter[UUID]](Counter)
    for one in handed:
        if one.phone is not None and one.person is not None and one.id not in own and not one.post:
            by_phone[one.phone][one.person] += 1
    found = {}
    for phone, people in by_phone.items():
        person, often = people.most_common(1)[0]
        if often >= _OWN_SCANS and often >= _OWN_SHARE * sum(people.values()):
            found[phone] = person
    return found


def _overtaken(session: Session, touches: Sequence[Touch]) -> list[Copy]:
    """Of each tap the first to arrive of those of its tag that counted further."""
    found = []
    for one in touches:
        if one.counter is None or one.verdict not in CLAIMS:
            continue
        later = (
            select(Scan)
            .where(
                Scan.token_id == one.token,
                Scan.sequence > one.counter,
                Scan.verdict == ACCEPTED,
            )
            .order_by(Scan.received_at, Scan.id)
            .limit(1)
        )
        first = session.scalars(later).first()
        if first is not None:
            found.append(Copy(one, touch_of(first)))
    return found


def _replayed(session: Session, touches: Sequence[Touch]) -> list[Copy]:
    """The very same taps under other ids."""
    found = []
    for one in touches:
        if one.counter is None:
            continue
        twins = select(Scan).where(
            Scan.token_id == one.token,
            Scan.sequence == one.counter,
            Scan.id != one.id,
            Scan.verdict.in_((ACCEPTED, "replayed")),
        )
        found += [Copy(one, touch_of(twin)) for twin in session.scalars(twins.limit(20))]
    return found


def _pictures(session: Session, row: Round) -> list[Picture]:
    """Photos in reports of the round whose very bytes came with another report before."""
    own = (
        select(GuardFile)
        .join(GuardReport, GuardReport.id == GuardFile.report_id)
        .where(GuardReport.round_id == row.id, *_whole_photo())
        .order_by(GuardFile.told_at, GuardFile.id)
        .limit(_MOST_PICTURES)
    )
    found = []
    for photo in session.scalars(own):
        before = (
            select(GuardFile)
            .where(
                GuardFile.site_id == row.site_id,
                GuardFile.sha256 == photo.sha256,
                GuardFile.report_id != photo.report_id,
                GuardFile.told_at < photo.told_at,
                *_whole_photo(),
            )
            .order_by(GuardFile.told_at, GuardFile.id)
        )
        earlier = session.scalars(before.limit(1)).first()
        if earlier is not None:
            found.append(
                Picture(photo.id, photo.sha256, earlier.id, earlier.taken_at, photo.person_id)
            )
    return found


def _whole_photo() -> tuple[ColumnElement[bool], ...]:
    """What was only announced is no picture yet: its hash is the phone's word alone."""
    return GuardFile.what == "photo", GuardFile.state == "complete"
