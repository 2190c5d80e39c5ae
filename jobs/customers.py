"""What time does with links that were given to people without an account."""

from datetime import datetime

from core import home_accounts
from core.limits import forget_counts
from jobs.work import Work, actor
from workflows import customers
from workflows.tickets import contractors
from workflows.tickets.followers import forget_followers


def pass_jobs_on(work: Work, now: datetime) -> int:
    """Pass on urgent jobs that no contractor accepted in time, and end links that are over."""
    with work.transaction() as session:
        return contractors.pass_on_late(session, now=now, actor=actor("contractors"))


def end_homes(work: Work, now: datetime) -> int:
    """End the accounts of whose day of moving out has come."""
    with work.transaction() as session:
        return home_accounts.end_lapsed(session, now=now, actor=actor("homes"))


def forget_guests(work: Work, now: datetime) -> int:
    """Erase phone numbers whose link has ended, and counts of tries that limit nothing more."""
    with work.transaction() as session:
        erased = customers.forget_phones(session, now=now)
        erased += forget_followers(session, now=now)
        return erased + forget_counts(session, now=now)
