"""Accepting what a platform pushes: proved, told from repetitions, and put into the box."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.codes import DEVICE_CODE, topic_matches
from core.devices import Source
from core.errors import Conflict, Invalid, NotSignedIn, TooManyTries, Unavailable
from core.http_ingest.box import count_waiting
from core.http_ingest.keys import about
from core.http_ingest.model import HttpDelivery, HttpMessage, SourceKey
from core.http_ingest.profiles import (
    PROFILES,
    Profile,
    Pushed,
    Sealed,
    asked_in_body,
    challenge_of,
    is_proved,
    opened,
)
from core.http_ingest.unpacking import Packed, unpacked
from core.places import Node
from core.vault import Vault

PREFIX = "http"
OWN_DIALECT = "wk"
OWN_KINDS = ("readings", "event", "scan", "status")
# OneNET repeats for less than three hours, others for less.
KNOWN_FOR = timedelta(hours=6)
# Without a name, the same content within this is taken for the same delivery.
SAME_CONTENT_FOR = timedelta(minutes=10)
TRY_AGAIN = timedelta(seconds=10)
_HEARD_EVERY = timedelta(minutes=1)
_REST = re.compile(r"[^\x00-\x1f\x7f+#]{0,200}")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a push: it waits now, or it was known already. topic: as ingest hears it."""

    topic: str
    known: bool = False
    challenge: str | None = None


class Full(Unavailable):
    """So much waits to be taken in that nothing more is accepted."""


def _not_proved() -> NotSignedIn:
    # Neither which sources there are nor what was wrong with a proof is told to strangers.
    return NotSignedIn(
        "this was not proved to come from a platform that may push here",
        advice="Compare address, profile and secret with what the console shows for the source.",
    )


def _door(session: Session, source_id: UUID) -> tuple[Source, SourceKey, Profile]:
    key = session.get(SourceKey, source_id)
    source = session.get(Source, source_id)
    profile = PROFILES.get(key.profile) if key is not None else None
    if key is None or source is None or profile is None:
        raise _not_proved()
    return source, key, profile


def _secrets(vault: Vault, key: SourceKey, now: datetime) -> list[str]:
    kept = [key.secret]
    if key.former is not None and key.former_until is not None and now < key.former_until:
        kept.append(key.former)
    return [vault.unseal(each, about(key.source_id, "secret")) for each in kept]


def prove(
    session: Session, vault: Vault, source_id: UUID, pushed: Pushed, *, now: datetime
) -> tuple[Source, SourceKey, Profile]:
    """The source to which a platform may push; NotSignedIn unless it proves who it is."""
    source, key, profile = _door(session, source_id)
    if not is_proved(profile, _secrets(vault, key, now), pushed, now):
        raise _not_proved()
    return source, key, profile


def answer_challenge(
    session: Session, vault: Vault, source_id: UUID, pushed: Pushed, *, now: datetime
) -> str:
    """What a platform that asks whether this is the right address wants back.

    NotSignedIn unless it proves who it is, Invalid where it asks nothing.
    """
    _, key, profile = _door(session, source_id)
    if not is_proved(profile, _secrets(vault, key, now), pushed, now, asks=True):
        raise _not_proved()
    challenge = challenge_of(profile, pushed)
    if challenge is None or len(challenge) > 2_000:
        named = " or ".join(profile.challenges)
        raise Invalid("nothing was asked", problems=[f"query: {named}, at most 2,000 characters"])
    return challenge


def accept(
    session: Session,
    vault: Vault,
    source_id: UUID,
    rest: str,
    pushed: Pushed,
    *,
    most: int,
    now: datetime,
) -> Accepted:
    """Put a message into the box, once. rest: of the address, behind the source.

    Raises NotSignedIn, Invalid, Conflict where the source does not take it, TooManyTries where too
    much of this source waits, Full where too much of all does. most: how many may wait.
    """
    source, key, profile = prove(session, vault, source_id, pushed, now=now)
    try:
        pushed = unpacked(pushed)
    except Packed as error:
        raise Invalid(
            "the message can't be read", problems=[f"Content-Encoding: {error}"]
        ) from None
    asked = asked_in_body(pushed)
    if asked is not None:
        return Accepted("", challenge=asked)
    topic = topic_of(session, source, rest)
    _require_takes(source, topic)
    cipher = key.cipher_key
    sealed_by = vault.unseal(cipher, about(source_id, "cipher_key")) if cipher else None
    try:
        message = opened(profile, pushed, sealed_by)
    except Sealed as error:
        raise Invalid("the message can't be read", problems=[f"msg: {error}"]) from None
    names = [f"id:{name}" for name in message.ids]
    if _note(session, source_id, topic, names, KNOWN_FOR, now):
        return Accepted(topic, known=True)
    # Before anything is noted of content: what is refused here comes again.
    _require_room(session, source_id, most, now)
    digest = hashlib.sha256(message.message).hexdigest()
    content = [] if message.told_apart else [f"body:{digest}"]
    again = _note(session, source_id, topic, content, SAME_CONTENT_FOR, now)
    session.add(
        HttpMessage(
            source_id=source_id,
            topic=topic,
            body=message.message,
            received_at=now,
            again=again,
        )
    )
    if key.received_at is None or now - key.received_at >= _HEARD_EVERY:
        key.received_at = now
    session.flush()
    return Accepted(topic)


def topic_of(session: Session, source: Source, rest: str) -> str:
    """The topic on which ingest hears what is pushed. Invalid where the address makes none.

    A source of our own dialect is told device and kind: `/{device}/readings`.
    """
    site = session.get_one(Node, source.site_id).code
    rest = rest.strip("/")
    if source.dialect == OWN_DIALECT:
        device, _, kind = rest.partition("/")
        if not DEVICE_CODE.fullmatch(device) or kind not in OWN_KINDS:
            kinds = ", ".join(OWN_KINDS)
            problem = f"path: behind the source stand a device and one of {kinds}"
            raise Invalid("the address names no device", problems=[problem])
        return f"wk/v1/{site}/{device}/{kind}"
    if not _REST.fullmatch(rest):
        raise Invalid("the address can't be used", problems=["path: no + and #, at most 200"])
    whole = f"{PREFIX}/{site}/{source.code}"
    return f"{whole}/{rest}" if rest else whole


def _require_takes(source: Source, topic: str) -> None:
    if not source.enabled:
        raise Conflict("this source is disabled", advice="Enable it in the console.")
    if not topic_matches(source.topic_filter, topic):
        raise Conflict(
            f"the topic filter of this source, {source.topic_filter}, does not take {topic}",
            advice=f"Set its topic filter to {'/'.join(topic.split('/')[:3])}/#.",
        )


def _require_room(session: Session, source_id: UUID, most: int, now: datetime) -> None:
    """Refuse what could not be taken in for long: the platform keeps it, and tries again."""
    if count_waiting(session, most) >= most:
        raise Full("more waits to be taken in than may", advice="Try again later.")
    share = max(1, most // 2)
    if count_waiting(session, share, source_id) >= share:
        raise TooManyTries(
            "more of this source waits to be taken in than may",
            until=now + TRY_AGAIN,
            advice="Try again later.",
        )


def _note(
    session: Session,
    source_id: UUID,
    topic: str,
    names: list[str],
    lifetime: timedelta,
    now: datetime,
) -> bool:
    """Note a delivery by what tells it from others; whether it is known already."""
    known = False
    for name in names:
        text = "\n".join((str(source_id), topic, name))
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        row = session.get(HttpDelivery, digest)
        if row is None:
            known |= not _is_new(session, digest, now + lifetime)
        else:
            known |= now < row.until
            row.until = now + lifetime
    session.flush()
    return known


def _is_new(session: Session, digest: str, until: datetime) -> bool:
    """Note a delivery; False where somebody else has accepted it at this very moment."""
    try:
        with session.begin_nested():
            session.add(HttpDelivery(digest=digest, until=until))
    except IntegrityError:
        return False
    return True
