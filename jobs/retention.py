"""Dropping what was kept long enough: readings, quarantined messages, ended credentials."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from core import events, expiry, idempotency, identity, quarantine, tries
from core.clock import to_micros
from jobs.work import Work, actor
from workflows import intake
from workflows.patrol.phones import signing_in
from workflows.patrol.privacy import forgetting
from workflows.patrol.privacy.holding import Holds, holds_standing

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
    """Drop credentials that ended long enough ago, wrong tries that are forgiven, attempts to
    sign in elsewhere that came to nothing, and answers that nobody may ask for again."""
    with work.transaction() as session:
        signing_in.forget_tokens(session, before=now - CREDENTIALS_KEPT)
        ended = expiry.forget_credentials(session, before=now - CREDENTIALS_KEPT)
        ended += identity.forget_attempts(session, now=now)
        ended += idempotency.forget_answers(session, now=now)
        return ended + tries.forget_tries(session, now=now)


def forget_imports(work: Work, now: datetime) -> int:
    """Drop files that were handed in and not applied within a day."""
    with work.transaction() as session:
        return intake.forget_previews(session, now=now)


def forget_tracks(work: Work, now: datetime) -> int:
    """Drop where people were in detail, and who they were once the record of work is over.

    In batches, each a transaction of its own: killed in between, the next run finds what is left.
    """
    settings = work.settings
    dropped = _forget(work, forgetting.OF_TRACKS, now, settings.track_days)
    if settings.patrol_record_days is not None:
        # Nobody's name goes before the details that stand under it.
        days = max(settings.patrol_record_days, settings.track_days)
        dropped |= _forget(work, forgetting.OF_RECORDS, now, days)
    counted = {name: number for name, number in dropped.items() if number}
    if counted:
        with work.transaction() as session:
            events.append(
                session,
                "track.forget",
                ("track", "all"),
                actor=actor("tracks"),
                learned_at=now,
                after=counted,
            )
    return sum(counted.values())


def _forget(
    work: Work, steps: Mapping[str, forgetting.Step], now: datetime, days: int
) -> dict[str, int]:
    kept = timedelta(days=days)
    dropped = dict.fromkeys(steps, 0)
    for name, step in steps.items():
        after: tuple[object, ...] | None = ()
        while after is not None and not work.stopping.is_set():
            with work.transaction() as session:
                # Anew for each batch: somebody may have opened a case meanwhile.
                cases = holds_standing(
                    session, now=now, kept=timedelta(days=work.settings.track_days)
                )
                done = step(session, forgetting.Due(now, now - kept, Holds(cases)), after)
            dropped[name] += done.number
            after = done.after
    return dropped
