"""Everything that the page of a ticket shows: why it exists, what happened, what can be done."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.calendars import ALWAYS, describe_calendar
from core.clock import EPOCH
from core.colleagues import able_people
from core.db import Session
from core.places import Asset, Node
from core.site_file import load_catalog
from rules.catalog import TOLD, Catalog, shipped_catalog
from rules.document import load_rules
from web.alarm_view import alarms_shown, proofs_shown
from web.fire_watch import fire_shown, hands_for
from web.pages.checklist import checklist_shown
from web.pages.claims import claims_shown
from web.pages.notices import told
from web.pages.return_visits import visits_shown
from web.pages.work import work_shown
from web.reader import Reader
from web.reasons_many import input_name
from web.tasks_shown import task_shown
from web.visit import Visit
from web.words import TEAM
from workflows import customers, overview, tickets
from workflows.tickets import FALSE_CAUSES, PRIORITIES, TICKET, VERDICTS, contractors
from workflows.tickets.categories import categories_at
from workflows.tickets.checklist import ITEM_KINDS
from workflows.tickets.doers import doers
from workflows.tickets.photos import EVIDENCE
from workflows.tickets.reading import describe_ticket
from workflows.tickets.relations import KINDS as RELATIONS
from workflows.tickets.scope import holds
from workflows.tickets.signatures import SIGNED_IN, may_see
from workflows.tickets.working import NEEDS_REASON

# What ends or undoes something looks like it.
GRAVE = frozenset({"cancel", "merge", "reopen"})
# Evidence that rests on readings; what a guard found stands with their task.
OF_READINGS = ("trip", "recovery")
EXPECTED = ("start", "accept", "resume", "resolve", "verify", "close")


@dataclass(frozen=True, slots=True)
class Button:
    """An action that the lifecycle table allows now, as a form."""

    action: str
    needs_reason: bool
    field: str | None
    grave: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A piece of evidence as a person reads it.

    assets: others that it rests on, by code. withheld: what kept it from being told.
    """

    kind: str
    at: Any
    reason: str
    condition: str
    rule: str
    version: int | None
    inputs: list[dict[str, Any]]
    asset_type: str | None
    assets: dict[str, Any]
    withheld: dict[str, Any] | None


def buttons(actions: list[str]) -> list[Button]:
    """The forms for these actions: the next step first, what ends or undoes it last."""
    fields = {"assign": "team", "merge": "into", "resolve": "verdict"}
    order = {name: place for place, name in enumerate(EXPECTED)}
    first = min(actions, key=lambda name: order.get(name, 99), default=None)
    ranked = sorted(actions, key=lambda name: (name in GRAVE, order.get(name, 50)))
    return [
        Button(name, name in NEEDS_REASON, fields.get(name), name in GRAVE, name == first)
        for name in ranked
    ]


def may_assign(ticket: dict[str, Any]) -> bool:
    """Whether the reader may hand the ticket to somebody now."""
    return "assign" in ticket["actions"]


def _possible(ticket: dict[str, Any], person: UUID, unanswered: int) -> list[str]:
    """The actions that will not be refused: who did the work can't verify it without a sensor.

    unanswered: the required items of the checklist that keep it from being done.
    """
    blocked = {"resolve", "verify"} if unanswered else set[str]()
    if ticket["doer_id"] == person and ticket["recovered_at"] is None:
        blocked.add("verify")
    return [action for action in ticket["actions"] if action not in blocked]


def _proofs(visit: Visit, evidence: list[dict[str, Any]], asset_type: str | None) -> list[Proof]:
    catalog, reader = shipped_catalog(), visit.reader
    known = catalog.get(asset_type) if asset_type else None
    points = {**TOLD, **(known.points if known else {})}
    happenings = {code for code, point in points.items() if point.kind == "event"}
    proofs = []
    for row in reversed([one for one in evidence if one["kind"] in OF_READINGS]):
        data = row["data"]
        assets = data.get("assets", {})
        inputs = [
            {
                **item,
                "name": input_name(item["point"], asset_type, assets, catalog, reader),
                "event": item["point"] in happenings,
            }
            for item in data.get("inputs", ())
        ]
        proofs.append(
            Proof(
                kind=row["kind"],
                at=row["at"],
                reason=data.get("reason", ""),
                condition=data.get("condition", ""),
                rule=data.get("rule", ""),
                version=data.get("version"),
                inputs=inputs,
                asset_type=asset_type,
                assets=assets,
                withheld=data.get("withheld"),
            )
        )
    return proofs


def _guidance(document: str | None, catalog: Catalog, reader: Reader) -> dict[str, str]:
    """Why it matters, what to do and what its limit rests on, in the reader's language."""
    if document is None:
        return {}
    rules = load_rules(document, "rule", catalog).rules
    if not rules:
        return {}
    (rule,) = rules
    texts = {"why": rule.explanation, "what": rule.response, "basis": rule.basis}
    return {key: text.get(reader.language) for key, text in texts.items() if text.en or text.zh}


def describe(visit: Visit, number: int) -> tuple[Visit, dict[str, Any]]:
    """Everything that the page of a ticket shows, in the time zone of its site."""
    caller = visit.caller
    with visit.parts.database.read() as session:
        found = overview.find_ticket_number(session, caller, number)
        ticket = describe_ticket(session, caller, found.thing.id)
        facts = overview.timeline(session, found.thing.id)
        asset = _asset(session, visit, ticket)
        links = {ticket["previous_id"], ticket["merged_into_id"]} - {None}
        numbers = overview.ticket_numbers(session, caller, links)
        assignee = overview.person_name(session, ticket["assignee_id"])
        document = overview.rule_document(session, ticket["rule_id"], ticket["rule_version"])
        catalog = load_catalog(session)
        category = categories_at(session, found.site.id).get(ticket["category"])
        told_to = told(session, found.thing.id)
        counted_in = ticket_calendar(session, found.site, ticket["calendar"])
        offers = contractors.list_offers(session, found.thing.id)
        claims = contractors.list_claims(session, found.thing.id, caller.person_id)
        reports = customers.reports_of(session, tickets.with_merged(session, found.thing.id))
        able = able_people(session, found.site.id, "tickets.work") if may_assign(ticket) else []
        hands = hands_for(session, ticket, visit.reader.now)
        asked = _asked(session, found.thing)
        behind = alarms_shown(session, caller, found.thing.id)
        sent = task_shown(session, visit, found.thing.id)
    local = visit.at(found.site.time_zone)
    proofs = proofs_shown(ticket["evidence"], behind)
    checks = checklist_shown(ticket["checklist"], local.reader)
    return local, {
        "ticket": ticket,
        "site": found.site,
        "space": found.space,
        "asset": asset.thing if asset else None,
        "assignee": assignee,
        "proofs": _proofs(local, proofs, asset.thing.type if asset else None),
        "guidance": _guidance(document, catalog, local.reader),
        "facts": facts,
        "numbers": numbers,
        "buttons": buttons(_possible(ticket, caller.person_id, checks["missing"])),
        "checklist": checks,
        "category": local.reader.text(category.name) if category else ticket["category"],
        "signable": ticket["state"] in SIGNED_IN,
        "may_see_signed": may_see(caller, found.thing),
        "going_to_end": not {"resolve", "verify"}.isdisjoint(ticket["actions"]),
        "may_manage": holds(caller, "tickets.manage", found.thing),
        "calendar_name": counted_in,
        "told": told_to,
        "work": work_shown(ticket, asset.thing.type if asset else None, local.reader),
        "tomorrow": _tomorrow(local.reader),
        "able": [(person.id, person.name) for person in able],
        "may_see_originals": holds(caller, EVIDENCE, found.thing),
        "may_note": holds(caller, "tickets.work", found.thing),
        "may_dispatch": holds(caller, "tickets.dispatch", found.thing),
        **_outside(ticket, offers, claims),
        "reports": reports,
        **_choices(ticket),
        **fire_shown(local, ticket, hands),
        **visits_shown(local, ticket, **asked),
        **behind,
        **sent,
    }


def _choices(ticket: dict[str, Any]) -> dict[str, Any]:
    """What the forms of a ticket let one choose from."""
    return {
        "item_kinds": ITEM_KINDS,
        "relations": RELATIONS,
        "teams": list(TEAM),
        "verdicts": [verdict for verdict in VERDICTS if verdict != "false"],
        "false_causes": FALSE_CAUSES,
        # Of what is done the priority stays.
        "priorities": PRIORITIES if ticket["state"] in TICKET.moves["cancel"] else (),
    }


def _asset(
    session: Session, visit: Visit, ticket: dict[str, Any]
) -> overview.Located[Asset] | None:
    """The equipment that it is about, with its place; None where it is about none."""
    if ticket["asset_id"] is None:
        return None
    return overview.find_asset(session, visit.caller, ticket["asset_id"])


def _asked(session: Session, ticket: tickets.Ticket) -> dict[str, Any]:
    """What came of asking whoever reported it, and who had a hand in it and can't be the one."""
    return {
        "visits": customers.visits_of(session, ticket.id),
        "reported": customers.is_reported(session, ticket),
        "doers": doers(session, ticket),
    }


def _outside(
    ticket: dict[str, Any], offers: list[dict[str, Any]], claims: list[dict[str, Any]]
) -> dict[str, Any]:
    """Which contractors were asked and may be, and what they claim."""
    return {
        "offers": offers,
        "outside": {str(each["id"]): each["company"] for each in offers},
        "may_offer": _may_offer(ticket, offers),
        **claims_shown(claims),
    }


def _may_offer(ticket: dict[str, Any], offers: list[dict[str, Any]]) -> bool:
    """Whether a contractor may be asked now: nobody is on the way, and something is to be done."""
    taken = any(each["state"] in contractors.LIVE for each in offers)
    return may_assign(ticket) and not taken


def ticket_calendar(session: Session, site: Node, code: str) -> dict[str, str] | None:
    """What the calendar of a ticket is called; None where it never closes."""
    if code == ALWAYS:
        return None
    name: dict[str, str] = describe_calendar(session, site, code, now=EPOCH)["name"]
    return name


def _tomorrow(reader: Reader) -> str:
    """Tomorrow morning by the site's clocks, as a browser's field has it."""
    day = reader.now.astimezone(reader.zone) + timedelta(days=1)
    return day.strftime("%Y-%m-%dT09:00")
