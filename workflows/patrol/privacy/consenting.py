"""Consent: given to one purpose by the person themselves, to a text that they were shown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from rules.wording import worded
from workflows.patrol.privacy.model import Consent
from workflows.patrol.privacy.texts import PURPOSES, Purpose

# Where somebody says so.
BY = ("page", "phone")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which text somebody was shown. by: one of BY."""

    version: int
    language: str
    digest: str
    by: str = "page"


def purpose_of(code: str) -> Purpose:
    """A purpose by its code. NotFound when there is none."""
    if code not in PURPOSES:
        raise NotFound(
            worded("nothing is asked for this"),
            advice=worded("One of %(known)s.", known=", ".join(PURPOSES)),
        )
    return PURPOSES[code]


def agree(session: Session, person_id: UUID, code: str, shown: Shown, *, now: datetime) -> Consent:
    """Put down that a person agrees to a purpose; again it changes nothing.

    Conflict when what they were shown is not the text in force, Invalid for an unknown language.
    """
    purpose = purpose_of(code)
    if shown.language not in purpose.text or shown.by not in BY:
        problems = [worded("language: one of %(known)s", known=", ".join(purpose.text))]
        raise Invalid(worded("nothing was agreed to"), problems=problems)
    if (shown.version, shown.digest) != (purpose.version, purpose.digest(shown.language)):
        raise Conflict(
            worded("this text has changed"), advice=worded("Read the one that is in force.")
        )
    standing = standing_consent(session, person_id, code)
    if standing is not None and standing.version == purpose.version:
        return standing
    if standing is not None:
        _end(session, standing, "newer", now)
    row = Consent(
        id=new_id(),
        person_id=person_id,
        purpose=code,
        version=shown.version,
        language=shown.language,
        digest=shown.digest,
        given_at=now,
        given_by=shown.by,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # They tapped on another device at the same moment.
        return standing_consent(session, person_id, code) or row
    after = {"purpose": code, "version": row.version, "digest": row.digest, "by": shown.by}
    _tell(session, "consent.give", row, after, now)
    return row


def end_consent(
    session: Session, person_id: UUID, code: str, *, by: str, now: datetime
) -> Consent | None:
    """Put down that a person agrees no more; None where they did not."""
    purpose_of(code)
    row = standing_consent(session, person_id, code)
    if row is not None:
        _end(session, row, by, now)
    return row


def standing_consent(session: Session, person_id: UUID, code: str) -> Consent | None:
    """What a person last agreed to and did not withdraw, of whatever version."""
    statement = select(Consent).where(
        Consent.person_id == person_id, Consent.purpose == code, Consent.withdrawn_at.is_(None)
    )
    return session.scalars(statement.execution_options(populate_existing=True)).first()


def has_agreed(session: Session, person_id: UUID, code: str) -> bool:
    """Whether a person agrees to the text in force."""
    return person_id in agreed_among(session, [person_id], code)


def agreed_among(session: Session, people: Collection[UUID], code: str) -> set[UUID]:
    """Who of these people agrees to the text in force."""
    statement = select(Consent.person_id).where(
        Consent.person_id.in_(people),
        Consent.purpose == code,
        Consent.version == PURPOSES[code].version,
        Consent.withdrawn_at.is_(None),
    )
    return set(session.scalars(statement))


def consents_shown(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """Every purpose with its text, as the person themselves is shown it, and what they said."""
    found = []
    for code, purpose in PURPOSES.items():
        row = standing_consent(session, person_id, code)
        agreed = row is not None and row.version == purpose.version
        found.append(
            {
                **text_shown(purpose),
                "agreed": agreed,
                "given_at": row.given_at if row is not None and agreed else None,
            }
        )
    return found


def text_shown(purpose: Purpose) -> Mapping[str, Any]:
    """A text as it is shown and agreed to; digest: by language."""
    return {
        "purpose": purpose.code,
        "version": purpose.version,
        "title": dict(purpose.title),
        "text": dict(purpose.text),
        "digest": {language: purpose.digest(language) for language in purpose.text},
    }


def past_of(session: Session, person_id: UUID) -> list[Consent]:
    """All that a person ever agreed to, the last first."""
    statement = select(Consent).where(Consent.person_id == person_id)
    return list(session.scalars(statement.order_by(Consent.given_at.desc(), Consent.id.desc())))


def _end(session: Session, row: Consent, by: str, now: datetime) -> None:
    row.withdrawn_at, row.withdrawn_by = now, by
    session.flush()
    _tell(session, "consent.withdraw", row, {"purpose": row.purpose, "by": by}, now)


def _tell(
    session: Session, kind: str, row: Consent, after: Mapping[str, Any], now: datetime
) -> None:
    events.append(
        session,
        kind,
        ("consent", row.id),
        actor=events.Actor.person(row.person_id),
        learned_at=now,
        after=after,
    )
