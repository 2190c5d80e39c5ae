"""The list of rules: what is in force where, what waits for review, and what packs offer."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse

from core.paging import Wish
from core.people import first_time_zone, nodes_with
from core.rulebook_drafts import APPROVE, EDIT, READ, Written, start_draft
from core.rulebook_history import names_of
from core.rulebook_reading import RuleFilter, list_drafts, packs_and_types, rules_for_table
from core.site_file import load_catalog
from rules.catalog import Catalog
from rules.rule import Severity
from web.kept import may_change
from web.languages import mark
from web.page_route import PageRoute
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.alarms import standing_counts
from workflows.search.spelling import pinyin

STATES = {"in_force": True, "ended": False, "all": None}
ANY_TYPE = mark("any equipment")
Asked = Annotated[str, Query(max_length=120)]


def type_names(reader: Reader, catalog: Catalog) -> dict[str, str]:
    """What each asset type is called, by its code."""
    names = {
        code: reader.text({"en": each.name.en, "zh": each.name.zh}) or code
        for code, each in catalog.items()
    }
    return {**names, "any": reader.translate(ANY_TYPE)}


def _place_in_list(reader: Reader, row: Mapping[str, Any]) -> tuple[str, str, int]:
    """By what it is called, Chinese by its sound; of one rule the newest version first."""
    return _sound(reader.text(row["title"]) or row["rule_id"]), row["rule_id"], -row["version"]


def _sound(text: str) -> str:
    return pinyin(text)[0] or text.casefold()


def _context(visit: Visit, wanted: dict[str, str]) -> dict[str, Any]:
    caller, state = visit.caller, wanted["state"] if wanted["state"] in STATES else "in_force"
    narrowed = RuleFilter(
        STATES[state], wanted["type"], wanted["severity"], wanted["pack"], wanted["q"]
    )
    writes = caller.holds_anywhere(EDIT) or caller.holds_anywhere(APPROVE)
    with visit.parts.database.read() as session:
        rows = rules_for_table(session, caller, narrowed)
        rows.sort(key=lambda row: _place_in_list(visit.reader, row))
        packs, types = packs_and_types(session, caller)
        drafts = list_drafts(session, caller, Wish(100)).items if writes else []
        nodes = nodes_with(session, caller, READ)
        names = type_names(visit.reader, load_catalog(session))
        return {
            "rules": rows,
            "packs": packs,
            "types": sorted(types, key=lambda code: _sound(str(names.get(code, code)))),
            "type_names": names,
            "drafts": drafts,
            "names": names_of(session, [row["updated_by"] for row in drafts]),
            "places": {node.id: node.name for node in nodes},
            "company": [node.id for node in nodes if node.kind == "company"],
            "writable": [node for node in nodes if may_change(caller, node, EDIT)],
            "standing": standing_counts(session, caller),
            "wanted": {**wanted, "state": state},
            "states": list(STATES),
            "severities": [each.value for each in Severity],
            "zone": first_time_zone(session),
        }


def router(templates: Templates) -> APIRouter:
    """The routes of the list."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/rules")
    def show(
        visit: SignedInVisit,
        q: Asked = "",
        state: Asked = "in_force",
        kind: Annotated[str, Query(alias="type", max_length=120)] = "",
        severity: Asked = "",
        pack: Asked = "",
    ) -> Response:
        visit.caller.require_anywhere(READ)
        wanted = {"q": q, "state": state, "type": kind, "severity": severity, "pack": pack}
        context = _context(visit, wanted)
        there = visit.at(context["zone"])
        return templates.page("rules/list.html", there, section="rules", **context)

    @routes.post("/rule-drafts")
    def begin(visit: SignedInVisit, node: Annotated[UUID, Form()]) -> Response:
        with visit.parts.database.write() as session:
            draft = start_draft(
                session, visit.caller, Written("", node), now=visit.parts.clock.now()
            )
        return RedirectResponse(f"/rule-drafts/{draft.id}", status_code=303)

    return routes
