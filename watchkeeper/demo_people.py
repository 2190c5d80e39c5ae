"""The demo's people who don't work there: somebody at home."""

from datetime import datetime

from core import events, home_accounts
from core.accounts import is_taken, new_password
from core.db import Database
from core.households import Details, add_resident
from core.people import administrator_of

RESIDENT, RESIDENT_PHONE = "林晓", "13800138000"


def demo_outsiders(database: Database, password: str, now: datetime) -> list[str]:
    """Make the accounts of those who don't work there, where they are missing; their logins."""
    with database.read() as session:
        missing = not is_taken(session, RESIDENT_PHONE)
    account = new_password(RESIDENT_PHONE, password) if missing else None
    with database.write() as session:
        space = home_accounts.first_unit(session)
        by = administrator_of(session)
        if account is not None and space is not None and by is not None:
            details = Details(RESIDENT, (RESIDENT_PHONE,))
            row = add_resident(session, space, details, actor=events.SYSTEM, now=now)
            [(_, secret)] = home_accounts.invite_residents(session, [row], by=by.id, now=now)
            home_accounts.join_home(session, secret, account, "zh", now=now)
    return [RESIDENT_PHONE]
