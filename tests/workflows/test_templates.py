"""Templates of tickets: kept on a node, holding below it, and what a ticket takes from them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.db import Database
from core.errors import Invalid, NotAllowed, Stale
from core.people import Caller, Person, caller_for
from core.places import Node
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ, facts_of
from workflows.tickets import Draft
from workflows.tickets.checklist import NewItem, list_items
from workflows.tickets.reporting import report
from workflows.tickets.templates import (
    TemplateDraft,
    describe_template,
    find_template,
    save_template,
    templates_at,
)

PUMP = TemplateDraft(
    "pump-service",
    {"en": "Pump service", "zh": "水泵保养"},
    {"en": "Service the pump", "zh": "保养水泵"},
    category="mechanical",
    priority="low",
    description={"en": "Twice a year", "zh": "每半年一次"},
    items=(
        NewItem({"zh": "压力"}, "number", True, "bar", Decimal("2.5"), Decimal(6)),
        NewItem({"en": "Belt"}, "choice", choices=({"en": "Good"}, {"en": "Worn"})),
    ),
)


def caller(database: Database, person: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person))


def keep(
    database: Database, who: Caller, node_id: UUID, draft: TemplateDraft, version: int | None = None
) -> None:
    with database.write() as session:
        node = session.get_one(Node, node_id)
        save_template(session, who, node, draft, now=NOON, expected_version=version)


def test_what_is_nearer_goes_before_and_retired_hides_what_is_above(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    boss = caller(database, administrator.person_id)
    keep(database, boss, site.company_id, PUMP)
    keep(database, boss, site.company_id, replace(PUMP, code="lamp", name={"en": "Lamp"}))
    keep(database, boss, site.id, replace(PUMP, priority="high"))
    keep(database, boss, site.id, replace(PUMP, code="lamp", name={"en": "Lamp"}, retired=True))
    with database.read() as session:
        here, above = (templates_at(session, one) for one in (site.id, site.company_id))
        assert here["pump-service"].priority == "high"
        assert above["pump-service"].priority == "low"
        assert find_template(session, site.company_id, "lamp").code == "lamp"
        for code in ("lamp", "nothing"):
            with pytest.raises(Invalid):
                find_template(session, site.id, code)
        shown = describe_template(here["pump-service"])
    assert shown["items"][0]["low"] == "2.5"
    facts = [fact.after or {} for fact in facts_of(database, "template.save")]
    assert [(one["code"], one["version"]) for one in facts][:2] == [
        ("pump-service", 1),
        ("lamp", 1),
    ]


def test_a_ticket_begins_with_the_checklist_of_its_template(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    keep(database, caller(database, administrator.person_id), site.company_id, PUMP)
    with database.write() as session:
        template = find_template(session, site.id, "pump-service")
        draft = Draft(
            site.id, template.kind, template.priority, template.title, template.team, NOON, NOON
        )
        ticket = report(session, draft, actor=events.SYSTEM, checklist=template.checklist)
        items = list_items(session, ticket.id)
    assert [(one["kind"], one["low"], one["unit"]) for one in items] == [
        ("number", "2.5", "bar"),
        ("choice", None, None),
    ]


def test_who_read_an_older_version_loads_it_again(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    boss = caller(database, administrator.person_id)
    keep(database, boss, site.id, PUMP, 0)
    keep(database, boss, site.id, PUMP, 1)
    for version in (0, 1):
        with pytest.raises(Stale):
            keep(database, boss, site.id, PUMP, version)


def test_a_manager_of_a_site_keeps_nothing_above_it(database: Database, site: SmallSite) -> None:
    manager = caller(database, employ(database, site.id, "manager"))
    keep(database, manager, site.id, PUMP)
    with pytest.raises(NotAllowed):
        keep(database, manager, site.company_id, PUMP)
    guard = caller(database, employ(database, site.id, "guard"))
    with pytest.raises(NotAllowed):
        keep(database, guard, site.id, PUMP)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "Pump Service"},
        {"code": ""},
        {"name": {}},
        {"title": {"en": " "}},
        {"kind": "party"},
        {"priority": "later"},
        {"team": ""},
        {"category": "x" * 41},
        {"description": {"en": "x" * 4001}},
        {"items": (NewItem({}),)},
    ],
)
def test_a_template_that_makes_no_sense_is_refused(
    database: Database, site: SmallSite, administrator: Administrator, wrong: dict[str, Any]
) -> None:
    boss = caller(database, administrator.person_id)
    with pytest.raises(Invalid):
        keep(database, boss, site.id, replace(PUMP, **wrong))
