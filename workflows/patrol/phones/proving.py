"""Proofs: each request of a phone is signed by its key, in the manner of RFC 9449 (DPoP)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from core.browser_keys import named_key, proved_by
from workflows.patrol.phones.model import Phone, PhoneProof
from workflows.patrol.phones.refusals import PhoneRefused, PhoneUnproved

# How far the time of a proof may be from ours.
OFF = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof says of its request. asked_at: when it was made, by our clock as the phone knows
    it, to the second. jti: what tells it from any other of its phone; empty where it says none."""

    asked_at: datetime
    jti: str = ""


def phone_of(
    session: Session,
    proof: str,
    *,
    method: str,
    path: str,
    now: datetime,
    for_update: bool = False,
    though_lost: bool = False,
) -> Phone:
    """The phone that proves a request: a JWT (ES256) with its id as `kid`, method, path and time.

    Raises PhoneUnproved for what is no proof, and PhoneRefused for a phone that is not in use;
    one that was reported as lost is in use as well where `though_lost`.
    """
    phone = session.get(Phone, _phone_id(proof), with_for_update=for_update)
    if phone is None:
        raise PhoneUnproved("this phone is unknown")
    require_proof(str(phone.id), phone.key, proof, method=method, path=path, now=now)
    if not (though_lost and phone.state == "lost"):
        require_in_use(phone)
    return phone


def phone_asking_once(
    session: Session, proof: str, *, method: str, path: str, now: datetime
) -> tuple[Phone, Proof]:
    """As `phone_of`, locked until commit, for what may be asked once with one proof.

    Raises PhoneUnproved for one that was used before, which a phone answers by a new proof:
    browsers send a request again by themselves where a connection ends under it. What is
    remembered of proofs goes once they are too old to count.
    """
    phone = session.get(Phone, _phone_id(proof), with_for_update=True)
    if phone is None:
        raise PhoneUnproved("this phone is unknown")
    said = require_proof(str(phone.id), phone.key, proof, method=method, path=path, now=now)
    require_in_use(phone)
    if not said.jti:
        raise PhoneUnproved("the proof says nothing that tells it from others")
    digest = hashlib.sha256(said.jti.encode()).hexdigest()
    if session.get(PhoneProof, (phone.id, digest)) is not None:
        raise PhoneUnproved("this proof was used before", code="replayed")
    old = PhoneProof.phone_id == phone.id, PhoneProof.ends_at < now
    session.execute(delete(PhoneProof).where(*old))
    session.add(
        PhoneProof(
            phone_id=phone.id, jti_hash=digest, site_id=phone.site_id, ends_at=said.asked_at + OFF
        )
    )
    session.flush()
    return phone, said


def require_proof(
    phone_id: str, key: Mapping[str, str], proof: str, *, method: str, path: str, now: datetime
) -> Proof:
    """What a proof says; PhoneUnproved unless a request is proved by this key, in the name of this
    phone."""
    claims = proved_by(key, proof) if named_key(proof) == phone_id else None
    if claims is None:
        raise PhoneUnproved("the proof is not signed by the key of this phone")
    if (claims.get("htm"), claims.get("htu")) != (method, path):
        raise PhoneUnproved("the proof is one of another request")
    said = claims.get("iat")
    if not isinstance(said, int) or isinstance(said, bool):
        raise PhoneUnproved("the proof says no time")
    # Whole numbers: what is said may be larger than any other number.
    if abs(int(now.timestamp()) - said) > OFF.total_seconds():
        raise PhoneUnproved("the clock of the phone is off", code="clock", now=now)
    jti = claims.get("jti")
    return Proof(datetime.fromtimestamp(said, UTC), jti if isinstance(jti, str) else "")


def _phone_id(proof: str) -> UUID:
    try:
        return UUID(named_key(proof) or "")
    except ValueError:
        raise PhoneUnproved("this request is not proved to come from a phone") from None


def require_in_use(phone: Phone) -> None:
    """PhoneRefused for one that was lost or taken out of use."""
    if phone.state == "lost":
        raise PhoneRefused(
            "this phone was reported as lost",
            code="phone_lost",
            advice="Hand it to a supervisor, who can say that it was found; nothing on it is lost.",
        )
    if phone.state != "active":
        raise PhoneRefused(
            "this phone was taken out of use",
            code="phone_retired",
            advice="Ask a supervisor for a new code, and set it up again.",
        )
