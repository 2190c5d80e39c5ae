"""The editor of a draft: a form for maintenance managers, YAML for engineers, and the review."""

import re
from dataclasses import fields, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.errors import NotFound
from core.people import find_node, nodes_with, time_zone_at
from core.places import Node
from core.rulebook import active_at
from core.rulebook_checks import check_document
from core.rulebook_drafts import (
    APPROVE,
    CHANGE,
    DECISIONS,
    DRAFT,
    EDIT,
    READ,
    RIGHT_OF_ACTION,
    RuleDraft,
    Written,
    find_draft,
    save_draft,
)
from core.rulebook_history import names_of
from core.rulebook_review import act_on_draft, concerns_life_safety, refusal_to_approve
from core.rulebook_shadows import shadows_of
from core.site_file import load_catalog
from core.text_diff import compare
from rules.form import RuleForm, form_of, put_into
from rules.wording import worded
from web.kept import may_change
from web.languages import mark
from web.page_route import PageRoute
from web.pages.rules.fields import category_told, field_context
from web.pages.rules.listing import type_names
from web.pages.rules.onward import onward
from web.rule_problems import form_faults
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from web.watched_view import watched_shown

TABS = ("form", "yaml")
_FIELDS = tuple(each.name for each in fields(RuleForm) if each.name != "life_safety")
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


class EditorForm(BaseModel):
    """What either tab sends: the document, or the fields that make it."""

    version: int = 0
    # The version in force that the page showed its writer.
    seen: int | None = None
    node: UUID | None = None
    reason: str = ""
    tab: str = "form"
    then: str = "save"
    document: str = ""
    life_safety: str = ""
    rule_id: str = ""
    title_en: str = ""
    title_zh: str = ""
    asset_type: str = ""
    point: str = ""
    comparison: str = ">"
    limit: str = ""
    unit: str = ""
    clear_limit: str = ""
    delay: str = ""
    severity: str = "medium"
    kind: str = "repair"
    category: str = ""
    team: str = "maintenance"
    respond_within: str = ""
    resolve_within: str = ""
    explanation_en: str = ""
    explanation_zh: str = ""
    response_en: str = ""
    response_zh: str = ""

    def form(self) -> RuleForm:
        """The fields as a form; a rule without a short name gets one from its title."""
        found = RuleForm(
            **{name: getattr(self, name).strip() for name in _FIELDS},
            life_safety=self.life_safety == "yes",
        )
        return found if found.rule_id else replace(found, rule_id=_slug(found))

    def text(self, draft: RuleDraft) -> str:
        """The document that was sent, or the draft's with what the form says."""
        if self.tab == "yaml":
            return self.document.replace("\r\n", "\n")
        if form_of(draft.document).form is None:
            return draft.document
        return put_into(self.form(), draft.document)


class StepForm(BaseModel):
    """A step of the review, with its reason."""

    reason: str = ""
    version: str = ""


def _slug(form: RuleForm) -> str:
    words = _NOT_A_LETTER.sub("-", form.title_en.lower()).strip("-")[:60].strip("-")
    return words or "-".join(filter(None, (form.asset_type, form.point))).replace("_", "-")


def _require_edit(visit: Visit) -> None:
    if not (visit.caller.holds_anywhere(EDIT) or visit.caller.holds_anywhere(APPROVE)):
        visit.caller.require_anywhere(EDIT)


def _checked(
    session: Session, visit: Visit, draft: RuleDraft, document: str, node_id: UUID
) -> dict[str, Any]:
    """What is wrong with a document for a place, and how it differs from what is in force there."""
    standing = active_at(session, draft.rule_id, node_id) if draft.rule_id else None
    name = f"{draft.rule_id or 'draft'}.yaml"
    checked = check_document(session, document, name, node_id)
    return {
        "problems": checked.problems,
        "rule": checked.rule,
        "category": category_told(session, visit, node_id, checked.rule),
        "type_names": type_names(visit.reader, load_catalog(session)),
        # Whether it answers what was typed since, on a page that shows more already.
        "since": False,
        "on_silence": checked.rule is not None and checked.rule.on_receipt_clock,
        **watched_shown(session, visit.reader, visit.caller, checked.rule, node_id),
        "standing": standing.version if standing else None,
        "lines": compare(standing.document, document) if standing else [],
    }


def _place(session: Session, visit: Visit, draft: RuleDraft, form: EditorForm) -> UUID:
    """Where the draft shall hold, as the form says by now."""
    if form.node is None or form.node == draft.node_id:
        return draft.node_id
    return find_node(session, visit.caller, READ, form.node).id


def _steps(session: Session, visit: Visit, draft: RuleDraft, node: Node) -> dict[str, Any]:
    """What may be done now by this person, and why not, where they hold the right but may not."""
    allowed = {right: may_change(visit.caller, node, right) for right in (EDIT, APPROVE)}
    actions = [one for one in DRAFT.actions(draft.state) if allowed[RIGHT_OF_ACTION[one]]]
    refusal = None
    if "approve" in actions:
        now = visit.parts.clock.now()
        if refusal_to_approve(session, visit.caller, draft, now=now):
            refusal = "life_safety" if concerns_life_safety(session, draft) else "own"
            actions = [one for one in actions if one not in DECISIONS]
    writes = draft.state == "draft" and draft.purpose == CHANGE and allowed[EDIT]
    tries = draft.state in ("draft", "in_review") and allowed[EDIT] and bool(draft.fingerprint)
    return {"actions": actions, "refusal": refusal, "writes": writes, "may_try": tries}


def _context(visit: Visit, draft_id: UUID, tab: str) -> dict[str, Any]:
    _require_edit(visit)
    with visit.parts.database.read() as session:
        draft = find_draft(session, visit.caller, draft_id)
        node = session.get_one(Node, draft.node_id)
        read = form_of(draft.document)
        tab = tab if tab in TABS else ("form" if read.form else "yaml")
        people = (draft.created_by, draft.updated_by, draft.submitted_by, draft.reviewed_by)
        return {
            "draft": draft,
            "node": node,
            "zone": time_zone_at(session, node),
            "tab": tab,
            "read": read,
            "names": names_of(session, people),
            "shadows": [
                one
                for one in shadows_of(session, visit.caller, draft.rule_id)
                if one.draft_id == draft.id
            ],
            "nodes": [
                one
                for one in nodes_with(session, visit.caller, READ)
                if may_change(visit.caller, one, EDIT) or one.id == draft.node_id
            ],
            "tried_at": draft.node_id,
            "faults": [visit.reader.translate(each) for each in form_faults(read.form)]
            if read.form
            else [],
            **_checked(session, visit, draft, draft.document, draft.node_id),
            **_steps(session, visit, draft, node),
            **field_context(session, visit, node, read.form or RuleForm()),
        }


def router(templates: Templates) -> APIRouter:
    """The routes of the editor."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/rule-drafts/{draft_id}")
    def show(draft_id: UUID, visit: SignedInVisit, tab: str = "") -> Response:
        context = _context(visit, draft_id, tab)
        there = visit.at(context["zone"])
        return templates.page("rules/editor.html", there, section="rules", **context)

    @routes.post("/rule-drafts/{draft_id}")
    def save(draft_id: UUID, visit: SignedInVisit, form: Annotated[EditorForm, Form()]) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            draft = find_draft(session, visit.caller, draft_id)
            place = form.node or draft.node_id
            written = Written(form.text(draft), place, form.reason, form.seen)
            save_draft(
                session, visit.caller, draft, written, expected_version=form.version, now=now
            )
        tab = form.then if form.then in TABS else form.tab
        return RedirectResponse(f"/rule-drafts/{draft_id}?tab={tab}", status_code=303)

    _parts(routes, templates)
    _steps_of_review(routes)
    return routes


def _parts(routes: APIRouter, templates: Templates) -> None:
    """What the page asks for while somebody types; nothing is kept."""

    @routes.post("/rule-drafts/{draft_id}/check")
    def check(
        draft_id: UUID, visit: SignedInVisit, form: Annotated[EditorForm, Form()]
    ) -> Response:
        _require_edit(visit)
        with visit.parts.database.read() as session:
            draft = find_draft(session, visit.caller, draft_id)
            text = form.text(draft)
            node_id = _place(session, visit, draft, form)
            context = _checked(session, visit, draft, text, node_id)
        faults = [visit.reader.translate(each) for each in form_faults(form.form())]
        context |= {"draft": draft, "tried_at": node_id, "document": text, "tab": form.tab}
        context |= {"faults": faults, "since": True}
        return templates.page("rules/checked.html", visit, **context)

    @routes.post("/rule-drafts/{draft_id}/fields")
    def show_fields(
        draft_id: UUID, visit: SignedInVisit, form: Annotated[EditorForm, Form()]
    ) -> Response:
        _require_edit(visit)
        with visit.parts.database.read() as session:
            draft = find_draft(session, visit.caller, draft_id)
            node = session.get_one(Node, _place(session, visit, draft, form))
            context = field_context(session, visit, node, form.form())
        return templates.page("rules/condition.html", visit, draft=draft, **context)


def _steps_of_review(routes: APIRouter) -> None:
    @routes.post("/rule-drafts/{draft_id}/{action}")
    def act(
        draft_id: UUID, action: str, visit: SignedInVisit, form: Annotated[StepForm, Form()]
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            draft = find_draft(session, visit.caller, draft_id)
            if action not in DRAFT.moves:
                raise NotFound(
                    worded(mark("there is no such action")),
                    advice=worded(mark("Use the buttons of the page.")),
                )
            # What somebody decides on is what they read, not what it was changed to meanwhile.
            seen = version_read(form.version)
            act_on_draft(
                session,
                visit.caller,
                draft,
                action,
                now=now,
                reason=form.reason,
                expected_version=seen,
            )
        return onward(draft)
