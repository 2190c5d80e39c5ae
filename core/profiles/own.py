"""The profiles of an installation: the shipped ones, and its own before them."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Invalid, NotFound, Stale
from core.profiles.model import Profile, Profiles
from core.profiles.reading import read_profile, read_profiles, shipped_profiles
from core.site_file.catalog import load_catalog
from rules.catalog import Catalog
from rules.located_yaml import LocatedYamlError, load
from rules.wording import worded


class OwnProfile(Base):
    """A profile that this installation wrote, as given. It holds in the whole installation."""

    __tablename__ = "device_profile"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer, default=1)
    changed_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True, eq=False)
class _Catalog:
    """A catalogue as a key: the same only as itself."""

    types: Catalog


def load_profiles(session: Session) -> Profiles:
    """Every profile by its id; one's own are tried first."""
    rows = session.scalars(select(OwnProfile).order_by(OwnProfile.id)).all()
    if not rows:
        return shipped_profiles()
    texts = tuple((row.id, json.dumps(row.document, ensure_ascii=False)) for row in rows)
    own = _read_all(texts, _wrapped(load_catalog(session)))
    shipped = {code: one for code, one in shipped_profiles().items() if code not in own}
    return MappingProxyType({**own, **shipped})


_WRAPPED: dict[int, _Catalog] = {}


def _wrapped(catalog: Catalog) -> _Catalog:
    known = _WRAPPED.get(id(catalog))
    if known is None or known.types is not catalog:
        _WRAPPED.clear()
        known = _WRAPPED[id(catalog)] = _Catalog(catalog)
    return known


@lru_cache(maxsize=8)
def _read_all(texts: tuple[tuple[str, str], ...], catalog: _Catalog) -> Profiles:
    """Those that can be used: one for an asset type that is not there any more fits nothing."""
    found: dict[str, Profile] = {}
    for code, text in texts:
        with suppress(LocatedYamlError):
            # JSON is YAML, so what was stored goes through the same checks as what was written.
            found |= read_profiles(f"{json.dumps(code)}: {text}", code, catalog.types, own=True)
    return MappingProxyType(found)


def own_versions(session: Session) -> dict[str, int]:
    """One's own profiles, with how often each was written."""
    rows = session.execute(select(OwnProfile.id, OwnProfile.version))
    return {code: version for code, version in rows}


def own_document(session: Session, code: str) -> tuple[dict[str, Any], int]:
    """One's own profile as it was written, and how often it was. NotFound for any other."""
    row = session.get(OwnProfile, code)
    if row is None:
        raise NotFound(worded("there is no profile of your own called %(code)s", code=repr(code)))
    return row.document, row.version


def put_profile(
    session: Session,
    code: str,
    text: str,
    *,
    expected_version: int | None,
    actor: events.Actor,
    now: datetime,
) -> OwnProfile:
    """Write one's own profile, or change it. text: YAML, as under its id in a file of ours.

    Invalid with every problem at its line; Stale when it was changed since it was read.
    """
    try:
        catalog = load_catalog(session)
        read_profile(text, code, catalog, own=True)
        document = json.loads(json.dumps(load(text, code).value, ensure_ascii=False))
        # As it will be read from now on.
        read_profile(json.dumps(document), code, catalog, own=True)
    except LocatedYamlError as error:
        raise Invalid(
            worded("the profile '%(code)s' was not kept", code=code),
            problems=[one.text for one in error.problems],
        ) from None
    except TypeError:
        raise Invalid(
            worded("the profile '%(code)s' was not kept", code=code),
            problems=[worded("quote dates: they are texts here")],
        ) from None
    # Of two who save at once the second waits, and is told that it was changed.
    row = session.get(OwnProfile, code, with_for_update=True, populate_existing=True)
    if row is None:
        row = OwnProfile(id=code, document=document, version=1, changed_at=now)
        session.add(row)
    else:
        if expected_version is not None and expected_version != row.version:
            raise Stale(
                worded("this profile was changed meanwhile"), advice=worded("Load it again.")
            )
        row.document, row.version, row.changed_at = document, row.version + 1, now
    session.flush()
    _log(session, "device_profile.put", code, actor, now)
    return row


def delete_profile(session: Session, code: str, *, actor: events.Actor, now: datetime) -> None:
    """Forget one's own profile; a shipped one of the same id counts again."""
    row = session.get(OwnProfile, code)
    if row is None:
        raise NotFound(worded("there is no profile of your own called %(code)s", code=repr(code)))
    session.delete(row)
    session.flush()
    _log(session, "device_profile.delete", code, actor, now)


def _log(session: Session, kind: str, code: str, actor: events.Actor, now: datetime) -> None:
    events.append(session, kind, ("device_profile", code), actor=actor, learned_at=now)
