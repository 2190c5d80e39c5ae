"""What is personal in records that stay: encrypted under a key of the person it is about.

Destroying the key erases it everywhere at once, and leaves the records whole.
"""

import os
import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey, LargeBinary, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base

_NONCE = 12
_AT_ONCE = 1_000


class PersonalKey(Base):
    """The AES-256 key under which personal values of one person stand elsewhere.

    key: empty once it was destroyed, so that nobody who was erased is given another one.
    """

    __tablename__ = "personal_key"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)


class ResidentKey(Base):
    """The same for somebody of a household, who has no account."""

    __tablename__ = "resident_key"

    person_id: Mapped[UUID] = mapped_column(
        "resident_id", ForeignKey("resident.id"), primary_key=True
    )
    key: Mapped[bytes] = mapped_column(LargeBinary)


Keys = type[PersonalKey] | type[ResidentKey]


def keys_of(
    session: Session, people: Collection[UUID], keys: Keys = PersonalKey
) -> dict[UUID, bytes]:
    """The keys of people who have one. keys: of whom: people with an account, or residents."""
    found: dict[UUID, bytes] = {}
    wanted = list(people)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = select(keys.person_id, keys.key).where(keys.person_id.in_(some), keys.key != b"")
        found.update(session.execute(rows).all())
    return found


def new_key() -> bytes:
    """A key that nobody has."""
    return AESGCM.generate_key(256)


def make_keys(session: Session, people: Iterable[UUID]) -> Mapping[UUID, bytes]:
    """The keys of people, made for those who have none; of two at once one makes a key.

    Of somebody who was erased it is a key that nobody keeps: what is sealed by it is gone at once.
    """
    wanted = set(people)
    found = keys_of(session, wanted)
    # In an order that everybody keeps, so that no two wait for each other.
    fresh = {person: new_key() for person in sorted(wanted - found.keys())}
    erased = _standing(session, fresh)
    rows = [{"person_id": one, "key": key} for one, key in fresh.items() if one not in erased]
    if not rows:
        return {**found, **fresh}
    try:
        with session.begin_nested():
            session.execute(insert(PersonalKey), rows)
    except IntegrityError:
        if not _standing(session, fresh) - erased:
            raise
        return {**found, **make_keys(session, fresh)}
    return {**found, **fresh}


def _standing(session: Session, people: Collection[UUID]) -> set[UUID]:
    """Those of people who have a row; if `keys_of` finds no key in it, they were erased."""
    found: set[UUID] = set()
    wanted = list(people)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found.update(
            session.scalars(select(PersonalKey.person_id).where(PersonalKey.person_id.in_(some)))
        )
    return found


def destroy_keys(session: Session, people: Collection[UUID], keys: Keys = PersonalKey) -> None:
    """Make unreadable whatever stands encrypted about these people, for good."""
    if keys is ResidentKey:
        session.execute(delete(keys).where(keys.person_id.in_(people)))
        return
    session.execute(update(keys).where(keys.person_id.in_(people)).values(key=b""))
    known = set(session.scalars(select(keys.person_id).where(keys.person_id.in_(people))))
    rows = [{"person_id": one, "key": b""} for one in people if one not in known]
    if rows:
        session.execute(insert(keys), rows)


def forget_keys(session: Session, people: Collection[UUID]) -> None:
    """Let nothing remain of the keys of people whose own rows go as well."""
    session.execute(delete(PersonalKey).where(PersonalKey.person_id.in_(people)))


def seal(key: bytes, value: Any) -> bytes:
    """A JSON value packed and encrypted (AES-256-GCM, NIST SP 800-38D), its nonce in front."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, zlib.compress(orjson.dumps(value)), None)


def unseal(key: bytes | None, sealed: bytes) -> Any:
    """What was sealed; None when its key was destroyed or is another one, or nothing is left."""
    if key is None or not sealed:
        return None
    try:
        packed = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag:
        return None
    return orjson.loads(zlib.decompress(packed))
