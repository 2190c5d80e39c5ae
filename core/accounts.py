"""Signing in by login and password: Argon2id, and a lock-out that grows with each wrong try."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy import ForeignKey, String, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, second_factor, sessions
from core.db import Base, Database, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotSignedIn
from core.people import Credential, Person, end_credential, find_credential, issue
from core.slow_hash import FewAtOnce
from core.tries import SignInTries, count_try, network_of, tries_key
from core.vault import Vault
from rules.wording import worded

SHORTEST, LONGEST = 12, 200
# NIST SP 800-63B asks for a list of what is guessed first; these are the ones long enough to count.
GUESSED_FIRST = frozenset(
    {"password1234", "password12345", "passwordpassword", "qwertyuiop123", "administrator"}
    | {"iloveyou1234", "watchkeeper1", "watchkeeper123", "changeme1234", "letmein12345"}
)
_DIFFERENT = 5
_AT_ONCE = 1_000

_hasher = PasswordHash((FewAtOnce(),))


class Password(Base):
    """The login of a person and the Argon2id hash (PHC string, RFC 9106) of their password.

    hash: empty while the login is only kept for somebody who has set no password yet.
    """

    __tablename__ = "password"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    hash: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A login and the hash of its password, ready to be stored."""

    login: str
    hash: str


def login_of(text: str) -> str:
    """A login as it is compared: any writing of it (NFKC, upper case) is the same one.

    Raises Invalid when it is empty, longer than 80 characters, or holds a space.
    """
    login = unicodedata.normalize("NFKC", text).strip().casefold()
    if not 2 <= len(login) <= 80 or any(c.isspace() or not c.isprintable() for c in login):
        raise Invalid(
            worded("that can't be a login"),
            problems=[worded("login: 2 to 80 characters without a space")],
        )
    return login


def new_password(login: str, password: str) -> NewPassword:
    """Check and hash a password; takes a tenth of a second, so keep it out of transactions.

    Raises Invalid when it is too short, too plain, or among those that are guessed first.
    """
    login = login_of(login)
    problems = []
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        problems.append(
            worded(
                "password: %(shortest)s to %(most)s characters; three words will do",
                shortest=SHORTEST,
                most=LONGEST,
            )
        )
    elif _is_guessed(plain, login):
        problems.append(worded("password: this one is guessed at once; take another"))
    if problems:
        raise Invalid(worded("this password is too weak"), problems=problems)
    return NewPassword(login, _hasher.hash(password))


def _is_guessed(plain: str, login: str) -> bool:
    # Digits alone are a date or a phone number.
    simple = plain.isdecimal() or len(set(plain)) < _DIFFERENT
    return simple or plain in GUESSED_FIRST or login in plain


def set_password(session: Session, person_id: UUID, given: NewPassword, *, now: datetime) -> None:
    """Store a login and password of a person in place of any before. Conflict if it is taken."""
    holder = session.scalar(select(Password.person_id).where(Password.login == given.login))
    if holder is not None and holder != person_id:
        raise Conflict(worded("this login is taken"), advice=worded("Choose another one."))
    row = session.get(Password, person_id)
    if row is None:
        session.add(
            Password(person_id=person_id, login=given.login, hash=given.hash, changed_at=now)
        )
    else:
        row.login, row.hash, row.changed_at = given.login, given.hash, now
    session.flush()
    _end_beginnings(session, person_id, now=now)
    sessions.renew_soon(session, person_id, now=now)
    events.append(
        session,
        "person.password",
        ("person", person_id),
        actor=events.Actor.person(person_id),
        learned_at=now,
    )


def _end_beginnings(session: Session, person_id: UUID, *, now: datetime) -> None:
    """End links that nobody used, and sign-ins by the password before that wait for a code."""
    session.execute(
        update(Credential)
        .where(
            Credential.person_id == person_id,
            Credential.kind.in_(("link", "half")),
            Credential.ends_at > now,
        )
        .values(ends_at=now)
    )


def keep_logins(session: Session, logins: Mapping[UUID, str], *, now: datetime) -> None:
    """Keep a login for each of these people, who choose a password when they first come.

    Nobody signs in by such a login before that. The logins are as `login_of` gives them, and free.
    """
    rows = [
        {"person_id": person, "login": login, "hash": "", "changed_at": now}
        for person, login in logins.items()
    ]
    if rows:
        session.execute(insert(Password), rows)


def holders_of(session: Session, logins: Collection[str]) -> dict[str, UUID]:
    """Who has which of these logins; one that is free has no entry."""
    found: dict[str, UUID] = {}
    wanted = list(logins)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = select(Password.login, Password.person_id).where(Password.login.in_(some))
        found.update(session.execute(rows).all())
    return found


def has_password(session: Session, person_id: UUID) -> bool:
    """Whether a person has set a password; a login may be kept for them before."""
    row = session.get(Password, person_id)
    return row is not None and row.hash != ""


def login_by_person(session: Session, person_id: UUID) -> str | None:
    """The login of a person; None when they have none."""
    return session.scalar(select(Password.login).where(Password.person_id == person_id))


def person_with_login(session: Session, login: str) -> UUID | None:
    """Who works here by a login, whether or not they have set a password; None for nobody."""
    statement = select(Password.person_id).join(Person, Person.id == Password.person_id)
    return session.scalar(
        statement.where(Password.login == login_of(login), Person.left_at.is_(None))
    )


def is_taken(session: Session, login: str) -> bool:
    """Whether somebody has this login."""
    statement = select(Password.person_id).where(Password.login == login_of(login))
    return session.scalar(statement) is not None


def forget_password(session: Session, person_id: UUID) -> None:
    """Nobody signs in by this person's password any more."""
    session.execute(delete(Password).where(Password.person_id == person_id))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a right password gives: a session's secret or, where a code is needed too, half one."""

    secret: str
    needs_code: bool


def sign_in(
    database: Database, login: str, password: str, address: str, *, now: datetime
) -> SignedIn:
    """Sign in by login and password.

    The try is counted before it is judged, so that a thousand at once are still a thousand.
    Raises TooManyTries while the account or the address is locked, and NotSignedIn when login or
    password are wrong, in words and time the same whether there is such a login or not.
    """
    account = tries_key("account", unicodedata.normalize("NFKC", login).strip().casefold())
    _count_try(database, address, account, now)
    with database.read() as session:
        found = _find(session, login)
    person_id, known = found or (None, _nobodys_hash())
    right, better = _hasher.verify_and_update(password[: LONGEST + 1], known)
    if not right or person_id is None:
        raise _wrong()
    with database.write() as session:
        _require_still(session, person_id, password, known)
        session.execute(delete(SignInTries).where(SignInTries.key == account))
        if better is not None:
            session.execute(
                update(Password).where(Password.person_id == person_id).values(hash=better)
            )
        return begin(session, person_id, by="password", now=now)


def _wrong() -> NotSignedIn:
    return NotSignedIn("login or password are wrong", advice="Try again, letter by letter.")


def _require_still(session: Session, person_id: UUID, password: str, known: str) -> None:
    """NotSignedIn when the password was changed or ended since its hash, `known`, was read.

    To judge one takes a tenth of a second, outside of any transaction. The row stays locked, so
    that whoever changes it now ends the session that begins here.
    """
    row = session.get(Password, person_id, with_for_update=True)
    if row is not None and row.hash != known:
        # Another sign-in may just have hashed the same one anew.
        row = row if row.hash and _hasher.verify(password[: LONGEST + 1], row.hash) else None
    if row is None:
        raise _wrong()


def begin(
    session: Session,
    person_id: UUID,
    *,
    by: str,
    now: datetime,
    proved: bool = False,
    label: str = "console",
) -> SignedIn:
    """Begin the session of somebody who has shown who they are, or half one where a code is due.

    proved: a second factor was asked for already, by an identity provider.
    """
    if second_factor.is_on(session, person_id) and not proved:
        return SignedIn(issue(session, person_id, "half", now=now, label=by), needs_code=True)
    secret = sessions.begin(session, person_id, by=by, now=now, label=label, proved=proved)
    return SignedIn(secret, needs_code=False)


def finish_sign_in(database: Database, vault: Vault, half: str, code: str, *, now: datetime) -> str:
    """Sign in with the second factor; returns the secret of a new session.

    half: what `sign_in` gave. Raises NotSignedIn when that has ended, Invalid for a wrong code,
    and TooManyTries while the account is locked; a try is counted before it is judged.
    """
    with database.read() as session:
        credential, _ = find_credential(session, half, "half", now=now)
        person_id, by = credential.person_id, credential.label
    require_code(database, vault, person_id, code, now=now)
    with database.write() as session:
        if not end_credential(session, half, now=now):
            raise NotSignedIn("this sign-in was finished already", advice="Sign in again.")
        return sessions.begin(session, person_id, by=by, now=now)


def require_code(
    database: Database, vault: Vault, person_id: UUID, code: str, *, now: datetime
) -> None:
    """Use up a code of a person's second factor. Invalid for a wrong one, TooManyTries when locked.

    A try is counted before it is judged.
    """
    key = tries_key("code", str(person_id))
    with database.write() as session:
        count_try(session, "account", key, now)
    with database.write() as session:
        if not second_factor.take_code(session, vault, person_id, code, now=now):
            raise Invalid(
                worded("this code is not right"), problems=[worded("code: the six digits of now")]
            )
        session.execute(delete(SignInTries).where(SignInTries.key == key))


def require_password(
    database: Database, person_id: UUID, password: str, address: str, *, now: datetime
) -> None:
    """NotAllowed unless this is the person's present password.

    Whoever holds a session may guess here as at the sign-in: a try is counted before it is judged,
    with those there. TooManyTries while the account or the address is locked.
    """
    with database.read() as session:
        row = session.get(Password, person_id)
    # A login that is only kept has no hash, and no password fits it.
    if row is None or not row.hash:
        raise _not_present()
    account = tries_key("account", row.login)
    _count_try(database, address, account, now)
    if not _hasher.verify(password[: LONGEST + 1], row.hash):
        raise _not_present()
    with database.write() as session:
        session.execute(delete(SignInTries).where(SignInTries.key == account))


def _not_present() -> NotAllowed:
    return NotAllowed(worded("the present password is wrong"), advice=worded("Type it again."))


def _find(session: Session, login: str) -> tuple[UUID, str] | None:
    try:
        wanted = login_of(login)
    except Invalid:
        return None
    row = session.execute(
        select(Password.person_id, Password.hash)
        .join(Person, Person.id == Password.person_id)
        .where(Password.login == wanted, Person.left_at.is_(None))
    ).first()
    return None if row is None or not row.hash else (row.person_id, row.hash)


_NOBODY: list[str] = []


def _nobodys_hash() -> str:
    # Made once, with the same cost as any: a wrong login must take as long as a wrong password.
    if not _NOBODY:
        _NOBODY.append(_hasher.hash("nobody has this password"))
    return _NOBODY[0]


def _count_try(database: Database, address: str, account: str, now: datetime) -> None:
    try:
        _count(database, address, account, now)
    except IntegrityError:
        # Two first tries met; the other one's rows stand now.
        _count(database, address, account, now)


def _count(database: Database, address: str, account: str, now: datetime) -> None:
    with database.write() as session:
        count_try(session, "address", tries_key("address", network_of(address)), now)
        count_try(session, "account", account, now)
