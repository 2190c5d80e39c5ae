"""Judging what is presented: which token it is, who it was, and whether it can be taken."""

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.badges import Badge, badge_among, badge_at, badges_numbered, counts, may
from core.badges import derived as derived_badge
from core.people import Person
from core.places import Asset
from core.vault import Vault
from workflows.patrol import sun
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.keys import company_keys
from workflows.patrol.model import ACCEPTED, ASSET_TYPE, Checkpoint, CheckpointToken, Scan
from workflows.patrol.presented import (
    BeaconHeard,
    CardAtReader,
    Position,
    Presented,
    PrintedCode,
    RotatingCode,
    SignedTap,
    StaticTag,
    WandPoint,
)
from workflows.patrol.tokens import about, derived

STEP_SECONDS = 30
# One step to either side, for clocks that are a little off.
WINDOW = 1
# Of so many wrong codes of a person in this time the next is not looked at any more.
MOST_TRIES, TRIES_WITHIN = 5, timedelta(minutes=10)
EARTH_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Looking:
    """In which transaction, with which keys, and when."""

    session: Session
    vault: Vault
    now: datetime


@dataclass(slots=True)
class Judged:
    """What became of a presentation. sequence: the counter or step that is still to be taken."""

    reason: str
    token: CheckpointToken | None = None
    checkpoint_id: UUID | None = None
    person_id: UUID | None = None
    credential_hash: str | None = None
    sequence: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def is_a_stranger(session: Session, vault: Vault, presented: Presented) -> bool:
    """Whether a gateway heard some radio that never was a badge of ours; they are everywhere."""
    if not isinstance(presented, BeaconHeard):
        return False
    return not badges_numbered(session, derived_badge(vault, "beacon", presented.badge))


def judge(looking: Looking, presented: Presented) -> Judged:
    """What is to be said of a presentation, before its counter or code is taken."""
    judged = _by_kind(looking, presented)
    if presented.guard.strip():
        derived_id = derived_badge(looking.vault, "card", presented.guard)
        badges = badges_numbered(looking.session, derived_id)
        judged = carried(judged, derived_id, badges, presented.occurred_at)
    elif judged.person_id is None and judged.credential_hash is None:
        judged.person_id = presented.person_id
    if judged.token is not None:
        judged.checkpoint_id = judged.token.checkpoint_id
        if judged.reason == ACCEPTED:
            judged.reason = _standing(looking.session, judged.token)
    return judged


def _standing(session: Session, token: CheckpointToken) -> str:
    """Whether a token counts: it does, unless it was lost or replaced or its checkpoint is out."""
    if token.state != "active":
        return token.state
    checkpoint = session.get_one(Checkpoint, token.checkpoint_id)
    is_one = session.get_one(Asset, token.checkpoint_id).type == ASSET_TYPE
    return ACCEPTED if checkpoint.state == "active" and is_one else "retired"


def _by_kind(looking: Looking, presented: Presented) -> Judged:
    match presented:
        case SignedTap():
            return _signed(looking, presented)
        case RotatingCode():
            return _rotating(looking, presented)
        case CardAtReader():
            return _card(looking, presented)
        case BeaconHeard():
            return _beacon(looking, presented)
        case StaticTag():
            return _by_value(looking, presented, presented.uid)
        case PrintedCode():
            return _by_value(looking, presented, presented.code)
        case WandPoint():
            return _by_value(looking, presented, presented.point)
        case Position():
            return _position(looking, presented)
        case _:
            raise TypeError(f"nobody judges {type(presented).__name__}")


def _signed(looking: Looking, tap: SignedTap) -> Judged:
    keys = company_keys(looking.session, looking.vault, now=looking.now)
    try:
        read = sun.read_tap(tap.address)
        picc = sun.open_picc(keys.meta_read, read)
    except sun.Flawed as flawed:
        sun.waste_a_mac()
        uid = flawed.uid
        tokens = _known(looking, tap, uid.hex()) if uid else []
        return Judged(flawed.flaw.value, tokens[0] if tokens else None)
    tokens = _known(looking, tap, picc.uid.hex())
    if not tokens:
        sun.waste_a_mac()
        return Judged("unknown")
    for token in tokens:
        file_key = keys.file_read(picc.uid, token.key_version)
        if sun.is_genuine(file_key, picc, read):
            file_data = sun.open_file_data(file_key, picc, read)
            return _genuine(token, picc, read, sun.tamper_of(file_data))
    return Judged(sun.Flaw.WRONG_MAC.value, tokens[0], evidence={"counter": picc.counter})


def _genuine(
    token: CheckpointToken, picc: sun.Picc, read: sun.Tap, tamper: sun.Tamper | None
) -> Judged:
    evidence: dict[str, Any] = {"counter": picc.counter, "key_version": token.key_version}
    if tamper is not None:
        evidence["tamper"] = tamper.value
    if not read.as_written:
        evidence["lower_case"] = True
    return Judged(ACCEPTED, token, sequence=picc.counter, evidence=evidence)


def _known(looking: Looking, presented: Presented, value: str) -> list[CheckpointToken]:
    """The tokens that are known by a value, those that count first, then the newest."""
    statement = select(CheckpointToken).where(
        CheckpointToken.kind == presented.kind,
        CheckpointToken.derived_id == derived(looking.vault, presented.kind, value),
    )
    if presented.site_id is not None:
        statement = statement.where(CheckpointToken.site_id == presented.site_id)
    return _in_order(looking, statement)


def _in_order(looking: Looking, statement: Any) -> list[CheckpointToken]:
    rows = looking.session.scalars(statement.execution_options(populate_existing=True)).all()
    newest = sorted(rows, key=lambda row: row.id, reverse=True)
    return sorted(newest, key=lambda row: row.state != "active")


def _rotating(looking: Looking, shown: RotatingCode) -> Judged:
    statement = select(CheckpointToken).where(
        CheckpointToken.kind == shown.kind, CheckpointToken.checkpoint_id == shown.checkpoint_id
    )
    if shown.site_id is not None:
        statement = statement.where(CheckpointToken.site_id == shown.site_id)
    tokens = _in_order(looking, statement)
    if not tokens:
        return Judged("unknown")
    if _tried_too_often(looking, shown):
        return Judged("too_many_tries", tokens[0])
    # What was kept on a phone was read when its clock says; what comes now must be of now.
    moment = shown.occurred_at if shown.channel == "sync" else looking.now
    present = int(moment.timestamp()) // STEP_SECONDS
    digits = "".join(shown.code.split())
    for token in tokens:
        step = _step_of(looking.vault, token, digits, present)
        if step is not None:
            evidence = {"step": step, "steps_off": step - present}
            return Judged(ACCEPTED, token, sequence=step, evidence=evidence)
    return Judged("wrong_code", tokens[0])


def _step_of(vault: Vault, token: CheckpointToken, digits: str, present: int) -> int | None:
    """The time step whose code this is; every one of the window is compared."""
    assert token.sealed is not None
    display = pyotp.TOTP(vault.unseal(token.sealed, about(token.id)), interval=STEP_SECONDS)
    found = None
    for step in range(max(0, present - WINDOW), present + WINDOW + 1):
        if hmac.compare_digest(display.generate_otp(step).encode(), digits.encode()):
            found = step
    return found


def _tried_too_often(looking: Looking, shown: RotatingCode) -> bool:
    wrong = select(func.count(Scan.id)).where(
        Scan.checkpoint_id == shown.checkpoint_id,
        Scan.person_id == shown.person_id,
        Scan.verdict == "wrong_code",
        Scan.received_at > looking.now - TRIES_WITHIN,
    )
    return (looking.session.scalar(wrong) or 0) >= MOST_TRIES


def _at_device(looking: Looking, presented: Presented) -> list[CheckpointToken]:
    statement = select(CheckpointToken).where(
        CheckpointToken.kind == presented.kind, CheckpointToken.device_id == presented.device_id
    )
    return [] if presented.device_id is None else _in_order(looking, statement)


def _card(looking: Looking, card: CardAtReader) -> Judged:
    tokens = _at_device(looking, card)
    if not tokens:
        return Judged("unknown")
    return _of_badge(looking, Judged(ACCEPTED, tokens[0]), "card", card.card, card.occurred_at)


def _beacon(looking: Looking, heard: BeaconHeard) -> Judged:
    tokens = _at_device(looking, heard)
    if not tokens:
        return Judged("unknown")
    token = tokens[0]
    evidence = {} if heard.dbm is None else {"dbm": heard.dbm}
    judged = Judged(ACCEPTED, token, evidence=evidence)
    if token.weakest_dbm is not None and (heard.dbm is None or heard.dbm < token.weakest_dbm):
        judged.reason = "too_faint"
    return _of_badge(looking, judged, "beacon", heard.badge, heard.occurred_at)


def _of_badge(looking: Looking, judged: Judged, kind: str, number: str, moment: datetime) -> Judged:
    """Whose badge it is; one that is nobody's, or counts no more, is refused."""
    assert judged.token is not None
    derived_id = derived_badge(looking.vault, kind, number)
    badge = badge_at(looking.session, derived_id, moment)
    if badge is None:
        judged.credential_hash = derived_id
        judged.reason = "unknown_badge"
        return judged
    judged.person_id = badge.person_id
    person = looking.session.get_one(Person, badge.person_id)
    if not counts(badge, moment):
        judged.reason = "ended_badge"
    elif not may(looking.session, person, SCAN, judged.token.site_id):
        judged.reason = "not_here"
    return judged


def _by_value(looking: Looking, presented: Presented, value: str) -> Judged:
    tokens = _known(looking, presented, value)
    return Judged(ACCEPTED, tokens[0]) if tokens else Judged("unknown")


def carried(judged: Judged, derived_id: str, badges: Sequence[Badge], moment: datetime) -> Judged:
    """What is judged of a reader or wand, with who carried it. badges: all the card ever was."""
    badge = badge_among(badges, moment)
    if badge is None or not counts(badge, moment):
        # Something was there, whoever carried it; who it was stays open.
        return replace(judged, credential_hash=derived_id)
    return replace(judged, person_id=badge.person_id)


def _position(looking: Looking, fix: Position) -> Judged:
    statement = select(CheckpointToken).where(
        CheckpointToken.kind == fix.kind, CheckpointToken.checkpoint_id == fix.checkpoint_id
    )
    if fix.site_id is not None:
        statement = statement.where(CheckpointToken.site_id == fix.site_id)
    tokens = _in_order(looking, statement)
    if not tokens:
        return Judged("unknown")
    point = looking.session.get_one(Checkpoint, fix.checkpoint_id)
    if point.latitude is None or point.longitude is None or point.radius_m is None:
        return Judged("no_fence", tokens[0])
    exact = _is_degree(fix.latitude, 90) and _is_degree(fix.longitude, 180)
    if not (exact and math.isfinite(fix.accuracy_m)):
        return Judged("malformed", tokens[0])
    away = distance_m((point.latitude, point.longitude), (fix.latitude, fix.longitude))
    evidence = {"distance_m": round(away, 1), "accuracy_m": round(fix.accuracy_m, 1)}
    if not 0 <= fix.accuracy_m <= point.radius_m:
        return Judged("inaccurate", tokens[0], evidence=evidence)
    reason = ACCEPTED if away <= point.radius_m else "outside"
    return Judged(reason, tokens[0], evidence=evidence)


def _is_degree(value: float, most: float) -> bool:
    return math.isfinite(value) and abs(value) <= most


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two (latitude, longitude) in degrees, on a sphere (haversine)."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, point)) for point in (one, other))
    half = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))
