"""The demo's people who don't work there: somebody at home, and of a hired company."""

from datetime import datetime

from core import companies, company_accounts, events, home_accounts
from core.accounts import is_taken, new_password
from core.db import Database
from core.households import Details, add_resident
from core.people import administrator_of, caller_for

RESIDENT, RESIDENT_PHONE = "林晓", "13800138000"
COMPANY, CONTRACTOR, CONTRACTOR_LOGIN = "安达电梯", "郑涛", "contractor"


LOGINS = (RESIDENT_PHONE, CONTRACTOR_LOGIN)


def demo_outsiders(database: Database, password: str, now: datetime) -> list[str]:
    """Make the accounts of those who don't work there, where they are missing; their logins."""
    with database.read() as session:
        missing = [one for one in LOGINS if not is_taken(session, one)]
    accounts = {one: new_password(one, password) for one in missing}
    with database.write() as session:
        space = home_accounts.first_unit(session)
        by = administrator_of(session)
        if space is None or by is None:
            return []
        if account := accounts.get(RESIDENT_PHONE):
            details = Details(RESIDENT, (RESIDENT_PHONE,))
            row = add_resident(session, space, details, actor=events.SYSTEM, now=now)
            [(_, secret)] = home_accounts.invite_residents(session, [row], by=by.id, now=now)
            home_accounts.join_home(session, secret, account, "zh", now=now)
        if account := accounts.get(CONTRACTOR_LOGIN):
            caller = caller_for(session, by)
            company = companies.hire_company(session, caller, space.site_id, COMPANY, now=now)
            _, secret = company_accounts.invite_to_company(session, company, by=by.id, now=now)
            company_accounts.join_company(session, secret, CONTRACTOR, "zh", account, now=now)
    return list(LOGINS)
