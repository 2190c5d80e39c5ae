"""Who stands behind a secret, remembered for a moment: not every request asks the database."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session

from core import events, second_factor, sessions
from core.clock import Clock
from core.db import Database, is_unavailable
from core.errors import Invalid, NotAllowed, NotSignedIn, Unavailable
from core.people import (
    Caller,
    Credential,
    Grant,
    Person,
    caller_for,
    find_credential,
    hash_secret,
    issue,
)
from core.permissions import PERMISSIONS
from core.places import Node
from rules.wording import worded

# Another process may end a token; this one follows it within a second, like every role.
REMEMBERED_SECONDS = 1.0
REMEMBERED_AT_MOST = 10_000
_RIGHTS = (Credential, Grant, Person, Node, second_factor.SecondFactor)
_TOUCHED = "rights_touched"


class _Generation:
    """Counts the commits of this process that changed who may do what."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()

    def rise(self) -> None:
        # Two rises that became one would leave a caller known by what the second one changed.
        with self._lock:
            self.number += 1


_generation = _Generation()


@event.listens_for(Session, "after_flush")
def _see_rows(session: Session, _context: object) -> None:
    changed = (*session.new, *session.dirty, *session.deleted)
    if any(isinstance(row, _RIGHTS) for row in changed):
        session.info[_TOUCHED] = True


@event.listens_for(Session, "do_orm_execute")
def _see_statements(state: ORMExecuteState) -> None:
    mapper = None if state.is_select else state.bind_mapper
    if mapper is not None and mapper.class_ in _RIGHTS:
        state.session.info[_TOUCHED] = True


@event.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    if session.info.pop(_TOUCHED, False):
        _generation.rise()


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    ends_at: datetime
    renew_at: datetime | None
    until: float
    generation: int


class Callers:
    """Callers by their secret. Thread-safe.

    What this process commits about people, grants and credentials holds at once; what another
    process commits, within REMEMBERED_SECONDS.
    """

    def __init__(self, database: Database, clock: Clock, *, factor_rule: str) -> None:
        """factor_rule: the setting `require_second_factor`."""
        self._database = database
        self._clock = clock
        self._factor_rule = factor_rule
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Remembered] = {}

    def remembered(self, secret: str, kind: str) -> Caller | None:
        """The caller if asked for a moment ago; never waits. None says: use `identify`."""
        found = self._remembered(secret, kind)
        return None if found is None else found.caller

    def _remembered(self, secret: str, kind: str) -> _Remembered | None:
        found = self._known.get((kind, hash_secret(secret)))
        if found is None or found.generation != _generation.number:
            return None
        if found.until <= time.monotonic() or found.ends_at <= self._clock.now():
            return None
        return found

    def is_fresh(self, secret: str) -> bool:
        """Whether a session surely needs no new secret yet; never waits. See `renewed`."""
        found = self._remembered(secret, sessions.KIND)
        return found is not None and not _is_due(found, self._clock.now())

    def renewed(self, secret: str) -> str | None:
        """A new secret for a session that is due for one; None when it is not, or has ended."""
        try:
            found = self._identify(secret, sessions.KIND)
            if not _is_due(found, self._clock.now()):
                return None
            with self._database.write() as session:
                return sessions.renew(session, secret, now=self._clock.now())
        except NotSignedIn:
            return None

    def identify(self, secret: str, kind: str) -> Caller:
        """The caller, from the database. NotSignedIn when there is none, Unavailable when away.

        kind: token or session.
        """
        try:
            return self._identify(secret, kind).caller
        except DBAPIError as error:
            if is_unavailable(error):
                raise Unavailable(
                    "the database does not answer", advice="Try again in a moment."
                ) from error
            raise

    def _identify(self, secret: str, kind: str) -> _Remembered:
        # Read before the database is, so that a change in between is not overlooked.
        generation = _generation.number
        now = self._clock.now()
        with self._database.read() as session:
            credential, person = find_credential(session, secret, kind, now=now)
            caller = self._judged(session, credential, caller_for(session, person))
        if kind == sessions.KIND and credential.used_at is None:
            with self._database.write() as session:
                sessions.settle(session, credential, now=now)
        until = time.monotonic() + REMEMBERED_SECONDS
        found = _Remembered(caller, credential.ends_at, credential.renew_at, until, generation)
        with self._lock:
            if len(self._known) >= REMEMBERED_AT_MOST:
                self._known.clear()
            self._known[(kind, hash_secret(secret))] = found
        return found

    def _judged(self, session: Session, credential: Credential, caller: Caller) -> Caller:
        """The caller within the credential's scope, and whether a second factor is missing."""
        proved = credential.proved
        if credential.kind == sessions.KIND and not proved:
            proved = second_factor.is_on(session, caller.person_id)
        missing = not proved and second_factor.is_required(self._factor_rule, caller)
        if missing and credential.kind != sessions.KIND:
            raise NotAllowed(
                worded("this token was made before its person had a second factor"),
                advice=worded("Set one up in the console, then make a new token."),
            )
        caller = replace(caller, proved=proved, must_set_up=missing)
        if credential.scope is None:
            return caller
        return replace(caller.within(credential.scope), until=credential.ends_at)


def _is_due(found: _Remembered, now: datetime) -> bool:
    return found.renew_at is not None and found.renew_at <= now


def tokens_of(session: Session, person_id: UUID, *, now: datetime) -> Sequence[dict[str, Any]]:
    """The API tokens of a person that have not ended, newest first, without their secrets."""
    statement = (
        select(
            Credential.id,
            Credential.label,
            Credential.created_at,
            Credential.ends_at,
            Credential.scope,
        )
        .where(
            Credential.person_id == person_id, Credential.kind == "token", Credential.ends_at > now
        )
        .order_by(Credential.created_at.desc(), Credential.id.desc())
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def make_token(
    session: Session,
    caller: Caller,
    *,
    label: str,
    lifetime: timedelta,
    scope: Iterable[str] | None,
    now: datetime,
) -> tuple[dict[str, Any], str]:
    """Make an API token of the caller; returns its facts and its secret, which is shown once.

    scope: the permissions to limit it to, None for all that the caller has at any time. One that
    a limited token makes ends with that at the latest: a phone's is for hours. NotAllowed
    when the caller came by a token that is limited to less, Invalid for an unknown permission.
    """
    wanted = None if scope is None else frozenset(scope)
    _require_scope(caller, wanted)
    if caller.until is not None:
        lifetime = min(lifetime, caller.until - now)
    secret = issue(
        session,
        caller.person_id,
        "token",
        now=now,
        label=label,
        lifetime=lifetime,
        scope=wanted,
        proved=caller.proved,
    )
    session.flush()
    row = session.scalars(
        select(Credential).where(Credential.secret_hash == hash_secret(secret))
    ).one()
    _append(session, "credential.create", row.id, caller.person_id, now, row.scope)
    facts = {
        "id": row.id,
        "label": row.label,
        "created_at": row.created_at,
        "ends_at": row.ends_at,
        "scope": row.scope,
    }
    return facts, secret


def _require_scope(caller: Caller, wanted: frozenset[str] | None) -> None:
    if wanted is not None and (not wanted or wanted - PERMISSIONS):
        unknown = ", ".join(sorted(wanted - PERMISSIONS))
        raise Invalid(
            worded("a token cannot be limited to that"),
            problems=[
                worded("scope: there is no %(unknown)s", unknown=unknown)
                if unknown
                else worded("scope: nothing is chosen")
            ],
            advice=worded("Choose from the permissions that docs/api.md lists."),
        )
    if caller.limited_to is not None and (wanted is None or wanted - caller.limited_to):
        raise NotAllowed(
            worded("a limited token may only make tokens limited at least as much"),
            advice=worded("Name a `scope` within that of this token, or sign in."),
        )


def end_token(session: Session, person_id: UUID, token_id: UUID, *, now: datetime) -> bool:
    """End one of a person's own API tokens; returns whether there was one."""
    result = session.execute(
        update(Credential)
        .where(
            Credential.id == token_id,
            Credential.person_id == person_id,
            Credential.kind == "token",
            Credential.ends_at > now,
        )
        .values(ends_at=now)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return False
    _append(session, "credential.end", token_id, person_id, now)
    return True


def _append(
    session: Session,
    kind: str,
    credential_id: UUID,
    person_id: UUID,
    now: datetime,
    scope: Sequence[str] | None = None,
) -> None:
    actor = events.Actor.person(person_id)
    after = {} if scope is None else {"scope": list(scope)}
    subject = ("credential", credential_id)
    events.append(session, kind, subject, actor=actor, learned_at=now, after=after)
