"""Dropping what was kept long enough: readings, quarantined messages, ended credentials."""

from datetime import datetime, timedelta

from core import accounts, events, expiry, identity, quarantine
from core.clock import to_micros
from jobs.work import Work, actor
from workflows import intake

CREDENTIALS_KEPT = timedelta(days=30)


def keep_up_telemetry(work: Work, now: datetime) -> int:
    """Roll up closed hours, and drop readings that are older than the settings keep.

    Returns how many readings were dropped; none ever is unless the settings name an age.
    """
    if work.telemetry is None:
        return 0
    work.telemetry.roll_up(to_micros(now))
    days = work.settings.readings_days
    return work.telemetry.expire(to_micros(now - timedelta(days=days))) if days else 0


def bound_quarantine(work: Work, now: datetime) -> int:
    """Keep quarantine within its number of rows and its age; what is dropped is on record."""
    settings = work.settings
    with work.transaction() as session:
        dropped = quarantine.prune(
            session,
            now=now,
            max_rows=settings.quarantine_rows,
            max_age=timedelta(days=settings.quarantine_days),
        )
        if dropped:
            events.append(
                session,
                "quarantine.prune",
                ("quarantine", "all"),
                actor=actor("quarantine"),
                learned_at=now,
                after={"dropped": dropped},
            )
    return dropped


def forget_credentials(work: Work, now: datetime) -> int:
    """Drop credentials that ended long enough ago, wrong tries that are forgiven, and attempts to
    sign in elsewhere that came to nothing."""
    with work.transaction() as session:
        ended = expiry.forget_credentials(session, before=now - CREDENTIALS_KEPT)
        ended += identity.forget_attempts(session, now=now)
        return ended + accounts.forget_tries(session, now=now)


def forget_imports(work: Work, now: datetime) -> int:
    """Drop files that were handed in and not applied within a day."""
    with work.transaction() as session:
        return intake.forget_previews(session, now=now)
