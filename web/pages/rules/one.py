"""One rule: what it says, where it holds, what it does, and everything that was changed."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from pydantic import BaseModel

from core.people import first_time_zone, nodes_with, time_zone_at
from core.places import Node
from core.rulebook_checks import check_document
from core.rulebook_drafts import APPROVE, EDIT, OPEN, READ, start_from_version
from core.rulebook_history import history_of, names_of
from core.rulebook_reading import describe_rule, document_of, drafts_of
from core.rulebook_review import retire_rule, roll_back
from core.rulebook_shadows import shadows_of
from core.site_file import load_catalog
from core.text_diff import compare
from web.kept import may_change
from web.page_route import PageRoute
from web.pages.rules.fields import category_told
from web.pages.rules.listing import type_names
from web.pages.rules.onward import onward
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from web.watched_view import watched_shown
from workflows.alarms import doings_of

VersionAsked = Annotated[int, Query(ge=0, lt=2**31)]


class DraftWish(BaseModel):
    """From which version a draft begins, and where it shall hold."""

    version: int
    node: UUID | None = None


class RollBackForm(BaseModel):
    """Which version comes back, where, and why."""

    version: int
    node: UUID
    reason: str = ""


class RetireForm(BaseModel):
    """Where the rule ends, and why."""

    node: UUID
    reason: str = ""


def _places(visit: Visit, nodes: Sequence[Node]) -> dict[str, Any]:
    return {
        "places": {node.id: node.name for node in nodes},
        "writable": [node for node in nodes if may_change(visit.caller, node, EDIT)],
        "approvable": {node.id for node in nodes if may_change(visit.caller, node, APPROVE)},
    }


def _context(visit: Visit, rule_id: str) -> dict[str, Any]:
    caller = visit.caller
    writes = caller.holds_anywhere(EDIT) or caller.holds_anywhere(APPROVE)
    with visit.parts.database.read() as session:
        versions = describe_rule(session, caller, rule_id)["versions"]
        active = [row for row in versions if row["active"]]
        shown = (active or versions)[0]
        drafts = drafts_of(session, caller, rule_id) if writes else []
        nodes = nodes_with(session, caller, READ)
        people = [row["created_by"] for row in versions]
        people += [row["ended_by"] for row in versions]
        people += [row["updated_by"] for row in drafts]
        zone = time_zone_at(session, session.get_one(Node, shown["node_id"]))
        rule = check_document(session, shown["document"]).rule
        paths = {node.id: node.path for node in nodes}
        kept = [paths[row["node_id"]] for row in active if row["node_id"] in paths]
        own = session.get_one(Node, shown["node_id"]).path
        nearer = [path for path in kept if path != own and path.startswith(own)]
        return {
            "zone": zone,
            "rule_id": rule_id,
            "versions": versions,
            "active": active,
            "shown": shown,
            "rule": rule,
            "category": category_told(session, visit, shown["node_id"], rule),
            "shadows": shadows_of(session, caller, rule_id),
            "drafts": [row for row in drafts if row["state"] in OPEN],
            "doings": doings_of(session, caller, rule_id, now=visit.parts.clock.now()),
            "type_names": type_names(visit.reader, load_catalog(session)),
            "names": names_of(session, people),
            **_places(visit, nodes),
            **watched_shown(session, visit.reader, caller, rule, shown["node_id"], nearer),
        }


def _history(visit: Visit, rule_id: str) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        versions = describe_rule(session, visit.caller, rule_id)["versions"]
        items = history_of(session, visit.caller, rule_id)
        names = names_of(session, [one["actor_id"] for one in items])
        zone = first_time_zone(session)
    return {
        "rule_id": rule_id,
        "title": versions[0]["title"],
        "items": items,
        "names": names,
        "zone": zone,
    }


def _compared(visit: Visit, rule_id: str, old: int, new: int) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        rule = describe_rule(session, visit.caller, rule_id)
    new = new or rule["versions"][0]["version"]
    old = old or max(1, new - 1)
    return {
        "rule_id": rule_id,
        "title": rule["versions"][0]["title"],
        "versions": [row["version"] for row in rule["versions"]],
        "old": old,
        "new": new,
        "lines": compare(document_of(rule, old), document_of(rule, new)),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of one rule."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _decisions(routes)

    @routes.get("/rules/{rule_id}")
    def show(rule_id: str, visit: SignedInVisit) -> Response:
        context = _context(visit, rule_id)
        there = visit.at(context["zone"])
        return templates.page("rules/one.html", there, section="rules", **context)

    @routes.get("/rules/{rule_id}/history")
    def history(rule_id: str, visit: SignedInVisit) -> Response:
        context = _history(visit, rule_id)
        there = visit.at(context["zone"])
        return templates.page("rules/history.html", there, section="rules", **context)

    @routes.get("/rules/{rule_id}/diff")
    def diff(
        rule_id: str, visit: SignedInVisit, old: VersionAsked = 0, new: VersionAsked = 0
    ) -> Response:
        context = _compared(visit, rule_id, old, new)
        return templates.page("rules/diff.html", visit, section="rules", **context)

    @routes.post("/rules/{rule_id}/drafts")
    def begin(rule_id: str, visit: SignedInVisit, form: Annotated[DraftWish, Form()]) -> Response:
        with visit.parts.database.write() as session:
            draft = start_from_version(
                session,
                visit.caller,
                rule_id,
                form.version,
                node_id=form.node,
                now=visit.parts.clock.now(),
            )
        return onward(draft)

    return routes


def _decisions(routes: APIRouter) -> None:
    @routes.post("/rules/{rule_id}/roll-back")
    def back(rule_id: str, visit: SignedInVisit, form: Annotated[RollBackForm, Form()]) -> Response:
        with visit.parts.database.write() as session:
            draft = roll_back(
                session,
                visit.caller,
                rule_id,
                form.version,
                reason=form.reason,
                node_id=form.node,
                now=visit.parts.clock.now(),
            )
        return onward(draft)

    @routes.post("/rules/{rule_id}/retire")
    def end(rule_id: str, visit: SignedInVisit, form: Annotated[RetireForm, Form()]) -> Response:
        with visit.parts.database.write() as session:
            draft = retire_rule(
                session,
                visit.caller,
                rule_id,
                form.node,
                reason=form.reason,
                now=visit.parts.clock.now(),
            )
        return onward(draft)
