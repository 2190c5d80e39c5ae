"""What a first start makes: the administrator, the shipped rules, and the demo site if asked."""

import secrets
from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from uuid import UUID

import yaml

from core import events
from core.accounts import is_taken, new_password, set_password
from core.clock import Clock
from core.db import Database, Session
from core.errors import Invalid, NotFound, NotSignedIn
from core.ids import new_id
from core.invitations import add_grant
from core.local_time import zone
from core.people import (
    Person,
    administrator_of,
    caller_for,
    company_node,
    find_credential,
    issue,
)
from core.places import sites
from core.rosters import add_shifts
from core.rulebook_members import nobody_asked, unasked
from core.rulebook_offers import Brought, bring_in
from core.rulebook_sampling import unsuited
from core.site_file import import_site, load_catalog, read_site_file
from rules.catalog import AssetType, merge, shipped_catalog
from rules.catalog import load_catalog as catalog_of
from rules.document import load_rules
from rules.wording import Message
from watchkeeper.rule_tests import ENDING
from workflows.patrol.rounds import remake_rounds_at

ROOT = Path(__file__).resolve().parent.parent
PACKS = ROOT / "rules" / "packs"
DEMO_SITE = ROOT / "simulators" / "demo" / "site.yaml"


def import_site_file(database: Database, path: Path, now: datetime) -> str:
    """Import a site file; returns what it did in words. Invalid with every problem at once."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} can't be read: {error}", advice="Name a UTF-8 YAML file.") from None
    with database.read() as session:
        catalog = load_catalog(session)
    site_file = read_site_file(text, str(path), catalog=catalog)
    with database.write() as session:
        report = import_site(session, site_file, actor=events.SYSTEM, now=now)
        remake_rounds_at(session, report.moved, actor=events.SYSTEM, now=now)
    if not report.did_something:
        return f"{path.name}: nothing new."
    made, changed = _counted(report.created), _counted(report.changed)
    parts = [f"created {made}" if made else "", f"changed {changed}" if changed else ""]
    kept = [f"not in the file and kept: {', '.join(report.missing)}"] if report.missing else []
    return f"{path.name}: {'; '.join([*filter(None, parts), *kept])}."


def _counted(counts: Mapping[str, int]) -> str:
    plural = {"company": "companies", "supply": "supplies"}
    return ", ".join(
        f"{count} {kind if count == 1 else plural.get(kind, f'{kind}s')}"
        for kind, count in counts.items()
    )


def catalog_with(site_file: Path | None) -> Mapping[str, AssetType]:
    """The shipped asset types, with those of a site file if one is named."""
    if site_file is None:
        return shipped_catalog()
    found = read_site_file(site_file.read_text(encoding="utf-8"), str(site_file))
    added = yaml.safe_dump(dict(found.asset_types), allow_unicode=True)
    return merge(shipped_catalog(), catalog_of(added, str(site_file)))


def publish_rules(session: Session, path: Path, *, now: datetime, only_new: bool) -> Brought:
    """Take in the rules of a file on the company; what people decided is never overwritten.

    only_new: offer whatever there is any version of, see `bring_in`. Invalid with every problem at
    once.
    """
    company = company_node(session)
    if company is None:
        raise NotFound("there is no company yet", advice="Import a site file first.")
    loaded = load_rules(path.read_text(encoding="utf-8"), str(path), load_catalog(session))
    if loaded.problems:
        problems = [problem.text for problem in loaded.problems]
        raise Invalid(f"{path} has problems", problems=problems)
    if not only_new:
        quick = [
            Message("%(place)s: %(problem)s", {"place": f"{rule.id}: {key}", "problem": problem})
            for rule in loaded.rules
            for key, problem in unsuited(session, rule, company.id)
        ]
        if quick:
            raise Invalid(f"{path} does not suit the sensors here", problems=quick)
    return bring_in(session, loaded.rules, company, path.stem, now=now, only_new=only_new)


def gaps(session: Session, path: Path) -> list[Message]:
    """Where rules of a file watch nothing, because nobody whom they ask is there."""
    company = company_node(session)
    loaded = load_rules(path.read_text(encoding="utf-8"), str(path), load_catalog(session))
    found: list[Message] = []
    if company is None:
        return found
    for rule in loaded.rules:
        lacking, _ = unasked(session, rule, company.id)
        if lacking:
            values = {"rule": rule.id, "problem": nobody_asked(rule, lacking)}
            found.append(Message("%(rule)s: %(problem)s", values))
    return found


def packs() -> list[Path]:
    """The shipped files of rules, without those that test them."""
    return sorted(path for path in PACKS.glob("*.yaml") if not path.name.endswith(ENDING))


def publish_packs(database: Database, now: datetime) -> int:
    """Offer the shipped packs; returns how many rules came into force."""
    count = 0
    for path in packs():
        with database.write() as session:
            if company_node(session) is None:
                return 0
            count += len(publish_rules(session, path, now=now, only_new=True).published)
    return count


def import_demo(database: Database, now: datetime) -> str:
    """Import the simulated compound; says what that did."""
    return import_site_file(database, DEMO_SITE, now)


# One for each role that works on a site, named as Chinese staff would be.
DEMO_PEOPLE: Mapping[str, str] = {
    "guard": "赵大勇",
    "technician": "王建国",
    "service_desk": "李娜",
    "accountant": "周敏",
    "safety_officer": "孙立军",
    "supervisor": "陈伟",
    "manager": "刘芳",
    "auditor": "吴静",
    "data_protection": "郑洁",
}


def demo_accounts(database: Database, folder: Path, now: datetime) -> str:
    """Make an account for each role of the demo site that has none; returns their password.

    The logins are the names of the roles. The password is drawn once and kept owner-readable.
    """
    password = _demo_password(folder / "demo-password")
    with database.read() as session:
        missing = [role for role in DEMO_PEOPLE if not is_taken(session, role)]
    ready = {role: new_password(role, password) for role in missing}
    made: dict[str, UUID] = {}
    with database.write() as session:
        company = company_node(session)
        assert company is not None
        for role, given in ready.items():
            person = Person(id=new_id(), name=DEMO_PEOPLE[role], locale="zh")
            session.add(person)
            session.flush()
            set_password(session, person.id, given, now=now)
            actor = events.SYSTEM
            add_grant(session, person.id, company.id, role, actor=actor, now=now)
            made[role] = person.id
        demo_roster(session, made, now)
    return password


# Who is on duty when in the demo: role, team, from, to.
DEMO_SHIFTS = (
    ("technician", "maintenance", time(8), time(20)),
    ("supervisor", "maintenance", time(20), time(8)),
    ("guard", "security", time(0), time(0)),
    ("service_desk", "service", time(8), time(20)),
)
DEMO_WEEKS = 4


def demo_roster(session: Session, people: Mapping[str, UUID], now: datetime) -> None:
    """Put the demo accounts on duty for some weeks, so that tickets reach somebody."""
    boss = administrator_of(session)
    if boss is None:
        return
    caller = caller_for(session, boss)
    # One site: nobody is in two places at once.
    for site in sites(session)[:1]:
        for role, team, starts, ends in DEMO_SHIFTS:
            if role in people:
                add_shifts(
                    session,
                    caller,
                    site,
                    team,
                    [people[role]],
                    kind="duty",
                    weekdays=range(7),
                    hours=(starts, ends),
                    first=now.astimezone(zone(site.time_zone)).date(),
                    weeks=DEMO_WEEKS,
                    now=now,
                )


def _demo_password(path: Path) -> str:
    # Kept before it is used: whoever is killed in between finds it again.
    if not path.exists():
        path.touch(mode=0o600)
    if not path.read_text():
        path.write_text(f"demo-{secrets.token_urlsafe(9)}")
    return path.read_text()


def sign_in_link(database: Database, clock: Clock, url: str) -> str | None:
    """A one-time sign-in link for the administrator, who is made if need be.

    url: where the pages are. None while there is no company that anybody could administer.
    """
    with database.write() as session:
        person = administrator_of(session)
        if person is None:
            return None
        secret = issue(session, person.id, "link", now=clock.now(), label="printed at start")
    return f"{url}/sign-in/{secret}"


def _is_good(session: Session, token: str, now: datetime) -> bool:
    """Whether a token opens what tools need, also where people need a second factor."""
    try:
        credential, _ = find_credential(session, token, "token", now=now)
    except NotSignedIn:
        return False
    return credential.proved


def tool_token(database: Database, folder: Path, clock: Clock) -> str | None:
    """An API token of the administrator for tools on this machine, kept owner-readable."""
    path = folder / "tool-token"
    kept = path.read_text().strip() if path.exists() else ""
    with database.write() as session:
        if kept and _is_good(session, kept, clock.now()):
            return kept
        person = administrator_of(session)
        if person is None:
            return None
        # Whoever reads this file reads the whole data folder: a second factor adds nothing.
        secret = issue(
            session,
            person.id,
            "token",
            now=clock.now(),
            label="tools on this machine",
            proved=True,
        )
    path.touch(mode=0o600)
    path.write_text(secret)
    return secret
