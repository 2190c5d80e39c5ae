"""The key by which a platform pushes to a source: set, changed, removed."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.administration.changing import refuse
from core.devices import Source
from core.errors import NotFound
from core.http_ingest.model import SourceKey
from core.http_ingest.profiles import PROFILES, cipher_key_fault
from core.vault import Vault
from rules.located_yaml import nearest
from rules.wording import worded

# After a change the platform may be told the new secret whenever there is time, within a day.
FORMER_COUNTS = timedelta(days=1)
SHORTEST, LONGEST = 8, 200


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be. secret: where the platform draws it; None draws one here.

    cipher_key: by which the platform encrypts, if it does. leaked: somebody else may know the
    secret before, so that it ends at once.
    """

    profile: str
    secret: str | None = None
    cipher_key: str | None = None
    leaked: bool = False


@dataclass(frozen=True, slots=True)
class KeySet:
    """A key that was set. secret: shown this once."""

    key: SourceKey
    secret: str


def about(source_id: UUID, what: str) -> str:
    """To what a sealed text belongs."""
    return f"source_key:{source_id}:{what}"


def set_key(
    session: Session,
    vault: Vault,
    source: Source,
    new: NewKey,
    *,
    actor: events.Actor,
    now: datetime,
) -> KeySet:
    """Set the key of a source, or another one.

    The one before counts for a day more, unless it leaked or was of another profile. Raises
    Invalid with every problem, and for a secret that leaked and is set again.
    """
    refuse(worded("the key"), _problems(new))
    drawn = new.secret or secrets.token_urlsafe(24)
    key = session.get(SourceKey, source.id, with_for_update=True)
    if key is not None and new.leaked and drawn in _known(vault, key):
        refuse(
            worded("the key"),
            [worded("secret: this is the one that leaked; let another one be drawn")],
        )
    if key is None:
        key = SourceKey(source_id=source.id, site_id=source.site_id)
        session.add(key)
    elif key.profile == new.profile and not new.leaked:
        key.former, key.former_until = key.secret, now + FORMER_COUNTS
    else:
        key.former = key.former_until = None
    key.profile = new.profile
    key.set_at = now
    key.secret = vault.seal(drawn, about(source.id, "secret"))
    cipher = new.cipher_key
    key.cipher_key = vault.seal(cipher, about(source.id, "cipher_key")) if cipher else None
    session.flush()
    facts = {"profile": new.profile, "leaked": new.leaked}
    _log(session, "source.key_set", source, actor, now, facts)
    return KeySet(key, drawn)


def _known(vault: Vault, key: SourceKey) -> list[str]:
    """The secret of a key and the one before it."""
    sealed = [one for one in (key.secret, key.former) if one is not None]
    return [vault.unseal(one, about(key.source_id, "secret")) for one in sealed]


def _problems(new: NewKey) -> list[str]:
    problems: list[str] = []
    profile = PROFILES.get(new.profile)
    if profile is None:
        known = ", ".join(PROFILES)
        problems.append(
            worded(
                "profile: one of %(known)s%(hint)s",
                known=known,
                hint=nearest(new.profile, list(PROFILES)),
            )
        )
    secret = new.secret
    if secret is not None and not (
        SHORTEST <= len(secret) <= LONGEST and secret.isascii() and secret.isprintable()
    ):
        problems.append(
            worded(
                "secret: %(shortest)s to %(longest)s letters, digits and signs of ASCII",
                shortest=SHORTEST,
                longest=LONGEST,
            )
        )
    if new.cipher_key is not None:
        fault = cipher_key_fault(new.cipher_key)
        if profile is not None and not profile.encrypts:
            fault = worded("this platform encrypts nothing")
        problems += [worded("cipher_key: %(fault)s", fault=fault)] if fault else []
    return problems


def remove_key(session: Session, source: Source, *, actor: events.Actor, now: datetime) -> None:
    """Let nobody push to a source any more. NotFound when nobody could."""
    key = session.get(SourceKey, source.id, with_for_update=True)
    if key is None:
        raise _no_key()
    session.delete(key)
    session.flush()
    _log(session, "source.key_removed", source, actor, now, {"profile": key.profile})


def standing_key(session: Session, source_id: UUID) -> SourceKey | None:
    """The key of a source; None when nobody pushes to it."""
    return session.get(SourceKey, source_id)


def describe_key(session: Session, source_id: UUID) -> dict[str, Any]:
    """A key without its secrets. NotFound when there is none."""
    key = session.get(SourceKey, source_id)
    if key is None:
        raise _no_key()
    return {
        "source_id": key.source_id,
        "profile": key.profile,
        "encrypts": key.cipher_key is not None,
        "set_at": key.set_at,
        "former_until": key.former_until,
        "received_at": key.received_at,
    }


def _no_key() -> NotFound:
    return NotFound(
        worded("nobody may push to this source over HTTP"),
        advice=worded("Set a key for it (PUT) first."),
    )


def _log(
    session: Session,
    kind: str,
    source: Source,
    actor: events.Actor,
    now: datetime,
    after: dict[str, Any],
) -> None:
    subject = ("source", source.id)
    events.append(
        session, kind, subject, actor=actor, learned_at=now, site_id=source.site_id, after=after
    )
