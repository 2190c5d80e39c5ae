"""A second factor: time-based one-time codes (RFC 6238), and recovery codes for a lost phone."""

import hmac
import secrets
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, sessions
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed
from core.ids import new_id
from core.people import Caller, hash_secret
from core.vault import Vault
from rules.wording import worded

STEP_SECONDS = 30
# One step to either side, for phones whose clocks are a little off.
WINDOW = 1
RECOVERY_CODES = 10
CHANGES_RIGHTS = "people.write"
# Without letters and digits that look alike.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


class NeedsSecondFactor(NotAllowed):
    """Somebody who must have a second factor and has none may do nothing else before."""

    def __init__(self) -> None:
        super().__init__(
            "you need a second factor before anything else",
            advice="Set one up under /account/second-factor in the console.",
        )


class SecondFactor(Base):
    """The shared secret of a person's authenticator app, which the vault has sealed.

    confirmed_at: none until a first code proved that the app has it; until then it asks nobody.
    last_step: the time step of the newest code that was taken; a code is used once.
    """

    __tablename__ = "second_factor"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A code that stands in for the app once; kept as a hash."""

    __tablename__ = "recovery_code"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(Instant)


def is_required(rule: str, caller: Caller) -> bool:
    """Whether somebody must have a second factor by the setting `require_second_factor`."""
    if rule == "administrators":
        return bool(caller.sites_for(CHANGES_RIGHTS)) or CHANGES_RIGHTS in caller.company_wide
    # Who only lives here, or comes from outside, may have one and needs none.
    return rule == "everyone" and not caller.is_outside


def is_on(session: Session, person_id: UUID) -> bool:
    """Whether the person signs in with a second factor."""
    row = session.get(SecondFactor, person_id)
    return row is not None and row.confirmed_at is not None


def codes_left(session: Session, person_id: UUID) -> int:
    """How many recovery codes a person has not used."""
    statement = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(statement) or 0


def about(person_id: UUID) -> str:
    """What the vault is told that a person's secret belongs to."""
    return f"second_factor:{person_id}"


def begin(session: Session, vault: Vault, person_id: UUID, account: str) -> tuple[str, str]:
    """Draw a secret that waits to be confirmed; returns it and its otpauth URI.

    account: what the app shows it under. Conflict when a second factor is on already.
    """
    if is_on(session, person_id):
        raise Conflict(
            worded("your second factor is on already"), advice=worded("Turn it off first.")
        )
    session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))
    secret = pyotp.random_base32()
    sealed = vault.seal(secret, about(person_id))
    session.add(SecondFactor(person_id=person_id, sealed=sealed, last_step=0))
    session.flush()
    return secret, _uri(secret, account)


def drawn(session: Session, vault: Vault, person_id: UUID, account: str) -> tuple[str, str]:
    """The secret that waits to be confirmed, as `begin` gave it. Invalid when none does."""
    row = session.get(SecondFactor, person_id)
    if row is None or row.confirmed_at is not None:
        raise Invalid(
            worded("no second factor waits to be confirmed"), advice=worded("Begin again.")
        )
    secret = vault.unseal(row.sealed, about(person_id))
    return secret, _uri(secret, account)


def _uri(secret: str, account: str) -> str:
    app = pyotp.TOTP(secret, interval=STEP_SECONDS)
    return app.provisioning_uri(name=account, issuer_name="Watchkeeper")


def confirm(
    session: Session, vault: Vault, person_id: UUID, code: str, *, now: datetime
) -> list[str]:
    """Turn the second factor on by a first code; returns recovery codes, which are shown once.

    Invalid when the code is not the one of this moment, or nothing waits to be confirmed.
    """
    row = session.get(SecondFactor, person_id)
    if row is None or row.confirmed_at is not None or not _take(session, vault, row, code, now):
        raise Invalid(
            worded("this code is not right"),
            problems=[worded("code: the six digits of this moment")],
        )
    row.confirmed_at = now
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(id=new_id(), person_id=person_id, code_hash=hash_secret(code))
        for code in codes
    )
    session.flush()
    sessions.renew_soon(session, person_id, now=now)
    _append(session, "person.second_factor_on", person_id, now)
    return codes


def turn_off(session: Session, person_id: UUID, *, now: datetime) -> None:
    """The password alone is enough again."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    removed = session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))
    assert isinstance(removed, CursorResult)
    if removed.rowcount:
        sessions.renew_soon(session, person_id, now=now)
        _append(session, "person.second_factor_off", person_id, now)


def take_code(session: Session, vault: Vault, person_id: UUID, code: str, *, now: datetime) -> bool:
    """Use up a code of the app or a recovery code; whether it was right and not used before."""
    row = session.get(SecondFactor, person_id)
    if row is None or row.confirmed_at is None:
        return False
    # A recovery code first: it still helps when the key of the vault is lost.
    return _recover(session, person_id, code, now) or _take(session, vault, row, code, now)


def _take(session: Session, vault: Vault, row: SecondFactor, code: str, now: datetime) -> bool:
    digits = "".join(code.split())
    secret = vault.unseal(row.sealed, about(row.person_id))
    app = pyotp.TOTP(secret, interval=STEP_SECONDS)
    present = int(now.timestamp()) // STEP_SECONDS
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), digits.encode()):
            return _use_step(session, row, step)
    return False


def _use_step(session: Session, row: SecondFactor, step: int) -> bool:
    # Compare-and-swap: of two who send the same code one gets in, and no older one ever does.
    swap = (
        update(SecondFactor)
        .where(SecondFactor.person_id == row.person_id, SecondFactor.last_step < step)
        .values(last_step=step)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _recover(session: Session, person_id: UUID, code: str, now: datetime) -> bool:
    wanted = hash_secret(_in_groups("".join(c for c in code.casefold() if c.isalnum())))
    swap = (
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == wanted,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    if result.rowcount == 1:
        _append(session, "person.recovery_code", person_id, now)
    return result.rowcount == 1


def _recovery_code() -> str:
    # 79 bits: enough that a plain hash of it tells nothing.
    return _in_groups("".join(secrets.choice(_ALPHABET) for _ in range(16)))


def _in_groups(plain: str) -> str:
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def _append(session: Session, kind: str, person_id: UUID, now: datetime) -> None:
    actor = events.Actor.person(person_id)
    events.append(session, kind, ("person", person_id), actor=actor, learned_at=now)
