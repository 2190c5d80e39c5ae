"""One readable table: what each role may do. A right counts on the granted node and below it."""

from collections.abc import Mapping
from types import MappingProxyType

from core.errors import NotAllowed
from rules.wording import Message, worded

READ = frozenset(
    {"places.read", "devices.read", "alarms.read", "tickets.read", "people.read"}
    | {"telemetry.read", "rules.read", "patrol.read"}
)
# Everybody who works here sees the place and its tickets, and reports faults.
STAFF = READ | {"tickets.create"}
FIELD = STAFF | {"alarms.act", "tickets.work", "households.read", "patrol.scan"}
# Who answers the phone and rings back.
DESK = {"tickets.dispatch", "households.phones", "households.write"}
LEAD = (
    FIELD
    | DESK
    | {"tickets.manage", "evidence.read", "rosters.write", "views.share"}
    | {"alarms.shelve", "alarms.service", "work.plan", "scans.read", "patrol.write"}
)
MANAGE = (
    LEAD
    | {"devices.write", "quarantine.read", "quarantine.write", "system.read"}
    | {"service.write", "stickers.write", "rules.edit", "rules.approve"}
)
ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "guard": FIELD,
        "technician": FIELD | {"alarms.shelve"},
        "service_desk": FIELD | DESK | {"alarms.shelve"},
        "accountant": STAFF | {"households.read", "households.phones"},
        "safety_officer": LEAD | {"rules.edit", "rules.approve"},
        "supervisor": LEAD,
        "manager": MANAGE,
        "auditor": READ | {"quarantine.read", "system.read", "evidence.read", "scans.read"},
        # Whom nobody else may replace: who changes rights gives it, and does not hold it.
        "data_protection": READ | {"tracks.audit"},
        "administrator": MANAGE | {"places.write", "people.write"},
        # None of ours: somebody of a household, who comes by an invitation to their home.
        "resident": frozenset({"reports.own"}),
        # Nor this one: somebody of a company that is hired for a site.
        "contractor": frozenset({"jobs.own"}),
    }
)
# The roles of those who don't work here: given by invitations of their own, and by nobody else.
OUTSIDE = frozenset({"resident", "contractor"})
RIGHTS_OUTSIDE = frozenset().union(*(ROLES[role] for role in OUTSIDE))
STAFF_ROLES = tuple(role for role in ROLES if role not in OUTSIDE)
PERMISSIONS = frozenset().union(*ROLES.values())
# Rights that who changes rights gives without holding them.
ENTRUSTED = frozenset({"tracks.audit"})
# These a role may hold for one team alone: on its tickets, and on none of another team.
OF_TICKETS = frozenset(
    {"tickets.read", "tickets.work", "tickets.dispatch", "tickets.manage", "evidence.read"}
)
ROLES_OF_A_TEAM = ("guard", "technician", "service_desk", "safety_officer", "supervisor")

# What each right allows, as the console and the reference say it.
MEANING: Mapping[str, str] = MappingProxyType(
    {
        "places.read": "see sites, spaces and assets",
        "places.write": "change sites, spaces and assets",
        "devices.read": "see devices and sources",
        "devices.write": "adopt and change devices and sources",
        "telemetry.read": "see readings",
        "alarms.read": "see alarms",
        "alarms.act": "acknowledge and reset alarms",
        "alarms.shelve": "shelve alarms",
        "alarms.service": "take alarms out of service, and confirm it where lives depend on them",
        "work.plan": "plan maintenance and outages",
        "rules.read": "see rules",
        "rules.edit": "write drafts of rules and try them in the shadow",
        "rules.approve": "review rules, put them into force, roll them back and retire them",
        "tickets.read": "see tickets",
        "tickets.create": "open new tickets",
        "tickets.work": "accept tickets and work them",
        "tickets.dispatch": "hand tickets to teams and people",
        "tickets.manage": "verify, close, re-open, cancel and merge tickets",
        "service.write": (
            "change calendars, promised times, teams, categories, templates and lists of problems"
        ),
        "stickers.write": "print and revoke stickers",
        "patrol.read": "see checkpoints, when they were scanned, and how rounds go",
        "patrol.scan": "scan checkpoints, stand at posts and go rounds",
        "scans.read": "see who scanned checkpoints and who was at posts",
        "patrol.write": (
            "set up checkpoints, posts, routes, plans of rounds and badges, and excuse points"
        ),
        "tracks.audit": "see who looked at whose track, when and why",
        "views.share": "share lists of tickets with colleagues",
        "rosters.write": "make rosters, record absences and certificates",
        "evidence.read": "see photos and voice notes as they were taken, with all they carry",
        "households.read": "see who lives where, with phone numbers masked",
        "households.phones": "see phone numbers of residents, and find them by these",
        "households.write": "change who lives where",
        "people.read": "see colleagues",
        "people.write": "invite people, change their rights, let them leave",
        "quarantine.read": "see what ingest could not use",
        "quarantine.write": "replay and discard what ingest could not use",
        "system.read": "see the health of the product",
        "jobs.own": "see and do the jobs given to one's company",
        "reports.own": "report faults at home and see how far they are",
    }
)


def lacking_here(permission: str) -> NotAllowed:
    """That somebody lacks a right on a site. `permission` names it to programs."""
    return _lacking(
        worded("you may not do this here: %(right)s", right=_right(permission)),
        worded("Ask an administrator of this site for a role that includes it."),
        permission,
    )


def lacking_anywhere(permission: str) -> NotAllowed:
    """The same of every site and the company."""
    return _lacking(
        worded("you may not do this: %(right)s", right=_right(permission)),
        worded("Ask an administrator for a role that includes it."),
        permission,
    )


def lacking_for_all(permission: str) -> NotAllowed:
    """The same of the whole company."""
    return _lacking(
        worded("you may not do this for the whole company: %(right)s", right=_right(permission)),
        worded("Ask an administrator of the company."),
        permission,
    )


def _right(permission: str) -> Message:
    # Without values, but a text of the catalogue all the same.
    return Message(MEANING.get(permission, permission), {})


def _lacking(detail: Message, advice: Message, permission: str) -> NotAllowed:
    error = NotAllowed(detail, advice=advice)
    error.members = {"permission": permission}
    return error
