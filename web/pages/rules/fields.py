"""What the form of a rule offers: types, points with their present values, and where to begin."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from core.clock import to_micros
from core.db import Session
from core.places import Node
from core.site_file import load_catalog
from rules import units
from rules.catalog import PointType
from rules.form import ABOVE, BELOW, FAILS, HOLDS, IS, IS_NOT, RuleForm
from rules.rule import TICKET_KINDS, Rule, Severity
from rules.suggestions import clear_limit, suggest
from web.pages.rules.listing import type_names
from web.visit import Visit
from web.words import TEAM
from workflows.overview.measured import Measured, measured_below
from workflows.tickets.categories import categories_at

OF_KIND = {"number": (*ABOVE, *BELOW), "boolean": (HOLDS, FAILS), "state": (IS, IS_NOT)}


def field_context(session: Session, visit: Visit, node: Node, form: RuleForm) -> dict[str, Any]:
    """Everything that the form shows for what is chosen in it so far."""
    catalog = load_catalog(session)
    chosen = catalog.get(form.asset_type)
    # Events are counted, which the form can't say.
    points = [one for one in chosen.points.values() if one.kind != "event"] if chosen else []
    point = next((one for one in points if one.code == form.point), None)
    form = replace(form, unit=_unit(form.unit, point))
    measured: list[Measured] = []
    if point is not None:
        measured = measured_below(session, visit.caller, node, form.asset_type, form.point)
    last = visit.parts.telemetry.last([one.point.series for one in measured]) if measured else {}
    intervals = [one.point.interval for one in measured if one.point.interval]
    hint = suggest(point, max(intervals, default=None)) if point else None
    comparisons = OF_KIND[point.kind] if point else OF_KIND["number"]
    return {
        "form": form,
        "types": dict(sorted(type_names(visit.reader, catalog).items(), key=lambda each: each[1])),
        "points": points,
        "point": point,
        "comparisons": comparisons,
        "measured": [(one, last.get(one.point.series)) for one in measured],
        "now_micros": to_micros(visit.parts.clock.now()),
        "hint": hint,
        "interval": max(intervals, default=None),
        "clear_hint": _clear_hint(form, point, hint.deadband if hint else None),
        "severities": [each.value for each in Severity],
        "kinds": TICKET_KINDS,
        "teams": list(TEAM),
        "categories": list(categories_at(session, node.id).values()),
    }


def category_told(session: Session, visit: Visit, node_id: UUID, rule: Rule | None) -> str:
    """What the category of a rule's tickets is called where the rule holds."""
    if rule is None:
        return ""
    known = categories_at(session, node_id).get(rule.ticket.category)
    return visit.reader.text(known.name) if known else rule.ticket.category


def _unit(unit: str, point: PointType | None) -> str:
    """The unit that was typed, where the point can be stated in it; else the point's own."""
    if point is None or not unit:
        return unit
    try:
        return unit if units.fits(unit, point.unit or "") else point.unit or ""
    except units.UnitError:
        return unit


def _clear_hint(form: RuleForm, point: PointType | None, deadband: float | None) -> str:
    if point is None or point.kind != "number":
        return ""
    return clear_limit(form.limit, above=form.comparison in ABOVE, deadband=deadband)
