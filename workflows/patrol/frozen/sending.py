"""Sending clients a link to what was closed: by e-mail, at least once, each try on record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.channels.message import Message, Outcome
from core.errors import NotFound
from core.ids import new_id
from core.people import hash_secret, new_secret
from rules.wording import worded
from workflows.patrol.frozen.model import (
    FrozenReport,
    ReportClient,
    ReportEdition,
    ReportSending,
)

# What can't be sent is tried again so soon, so often: half an hour, an hour, two … a day.
FIRST_PAUSE, TRIES = timedelta(minutes=30), 6
# Nobody knows whether one reached anybody whose process died; it is sent once more.
UNKNOWN_AFTER = timedelta(minutes=5)
LINK_LASTS = timedelta(days=90)
# What could not be sent by then, because no e-mail was set up for one, is no news any more.
STALE = timedelta(days=7)
_AT_ONCE = 20
_TOLD = {
    "en": ("A security report is ready", "An annex to a security report is ready", "Open it"),
    "zh": ("安保服务报告已出具", "安保服务报告已出具附件", "查看"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one address."""

    sending_id: UUID
    address: str
    message: Message


def prepare(session: Session, edition: ReportEdition, *, now: datetime) -> None:
    """Let an edition be sent to every address of its client."""
    client = session.get(ReportClient, edition.client_id) if edition.client_id else None
    for address in client.addresses if client is not None else ():
        session.add(
            ReportSending(
                id=new_id(),
                site_id=edition.site_id,
                edition_id=edition.id,
                address=address,
                state="waiting",
                due_at=now,
            )
        )


def begin(session: Session, *, base: str, now: datetime) -> list[Letter]:
    """Write down the messages that are due; they are sent once this is committed.

    Each carries a fresh link; what stood in one that was lost opens nothing any more.
    """
    due = session.scalars(
        select(ReportSending)
        .where(ReportSending.due_at <= now)
        .order_by(ReportSending.due_at, ReportSending.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    begun = (_begun(session, row, base, now) for row in due)
    return [one for one in begun if one is not None]


def any_due(session: Session, *, now: datetime) -> bool:
    """Whether more is due."""
    wanted = select(ReportSending.id).where(ReportSending.due_at <= now).limit(1)
    return session.scalar(wanted) is not None


def _begun(session: Session, row: ReportSending, base: str, now: datetime) -> Letter | None:
    edition = session.get_one(ReportEdition, row.edition_id)
    report = session.get_one(FrozenReport, edition.report_id)
    client = session.get_one(ReportClient, edition.client_id)
    if client.state != "active" or row.address not in client.addresses:
        # Somebody put the address right, or the client has ended: nobody there is told any more.
        row.result = "the client has not this address any more"
        row.state, row.due_at, row.address = "failed", None, ""
        return None
    if row.tries >= TRIES or now - report.closed_at > STALE:
        row.state, row.due_at, row.address = "failed", None, ""
        return None
    secret = new_secret("link")
    row.state, row.tries, row.due_at = "sending", row.tries + 1, now + UNKNOWN_AFTER
    row.secret_hash, row.ends_at = hash_secret(secret), now + LINK_LASTS
    ready, annexed, opens = _TOLD[client.language]
    what = annexed if report.annex else ready
    # To outside goes what happened and a link: no name, no telephone number, no room.
    message = Message(
        title=f"{what}: {report.number}",
        body=what,
        link=f"{base}/r/{secret}",
        short=what[:35],
        accept=opens,
        reference=str(row.id),
    )
    return Letter(row.id, row.address, message)


def finish(session: Session, sending_id: UUID, outcome: Outcome, *, now: datetime) -> None:
    """Write down how a try ended; what failed is tried again after a growing pause."""
    row = session.get_one(ReportSending, sending_id)
    if row.state == "revoked":
        # Taken back while it was under way: what arrived opens nothing, and it isn't tried again.
        row.sent_at = now if outcome.sent else None
        return
    # Servers name it in their answers; an address stays with its client alone.
    told = outcome.text.replace(row.address, "•••") if row.address else outcome.text
    row.result = told[:300]
    if outcome.sent:
        row.state, row.sent_at, row.due_at, row.address = "sent", now, None, ""
    elif row.tries >= TRIES:
        row.state, row.due_at, row.address = "failed", None, ""
    else:
        row.state, row.due_at = "waiting", now + FIRST_PAUSE * 2 ** (row.tries - 1)


def edition_behind(
    session: Session, secret: str, *, now: datetime
) -> tuple[FrozenReport, ReportEdition]:
    """The report and the edition that a link leads to. NotFound for one that opens nothing."""
    row = session.scalars(
        select(ReportSending).where(ReportSending.secret_hash == hash_secret(secret))
    ).first()
    if row is None or not is_open(row, now):
        raise _over()
    edition = session.get_one(ReportEdition, row.edition_id)
    if session.get_one(ReportClient, edition.client_id).state != "active":
        raise _over()
    return session.get_one(FrozenReport, edition.report_id), edition


def _over() -> NotFound:
    return NotFound(
        worded("this link has ended"), advice=worded("Ask whoever guards the site for the report.")
    )


def close_links(
    session: Session, client_id: UUID, *, now: datetime, report_id: UUID | None = None
) -> int:
    """End every link that a client was sent, and send none that waits; returns how many.

    report_id: only those to this report and its annexes.
    """
    statement = (
        select(ReportSending)
        .join(ReportEdition, ReportEdition.id == ReportSending.edition_id)
        .where(ReportEdition.client_id == client_id)
        .order_by(ReportSending.id)
        .with_for_update(of=ReportSending)
    )
    if report_id is not None:
        statement = statement.join(FrozenReport, FrozenReport.id == ReportEdition.report_id).where(
            (FrozenReport.id == report_id) | (FrozenReport.of_id == report_id)
        )
    rows = [row for row in session.scalars(statement) if is_open(row, now) or row.due_at]
    for row in rows:
        if is_open(row, now):
            row.ends_at = now
        # What could not be sent may have arrived after all, but it says how it ended.
        row.state = "failed" if row.state == "failed" else "revoked"
        row.due_at, row.address = None, ""
    session.flush()
    return len(rows)


def is_open(row: ReportSending, now: datetime) -> bool:
    """Whether the link that was sent leads to the report still."""
    return row.ends_at is not None and row.ends_at > now


def sendings_of(session: Session, report_id: UUID) -> dict[UUID, list[ReportSending]]:
    """By edition of a report or annex how its messages stand."""
    statement = (
        select(ReportSending)
        .join(ReportEdition, ReportEdition.id == ReportSending.edition_id)
        .join(FrozenReport, FrozenReport.id == ReportEdition.report_id)
        .where((FrozenReport.id == report_id) | (FrozenReport.of_id == report_id))
        .order_by(ReportSending.id)
    )
    found: dict[UUID, list[ReportSending]] = {}
    for row in session.scalars(statement):
        found.setdefault(row.edition_id, []).append(row)
    return found
