"""Categories of tickets: the shipped ones, and what places make of them."""

import re
from dataclasses import replace
from typing import Any

import pytest

from core import events
from core.db import Database
from core.errors import Invalid, NotAllowed, Stale
from core.people import Caller, Person, caller_for
from core.places import Node
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ, facts_of, write_ticket
from watchkeeper.first_run import packs
from workflows.customers.problems import shipped_problems
from workflows.tickets import Draft, Ticket, edit
from workflows.tickets.categories import (
    CategoryDraft,
    categories_at,
    categories_seen,
    save_category,
    shipped_categories,
)
from workflows.tickets.reporting import report

CATEGORY = re.compile(r"category: (\w+),")
POOL = CategoryDraft("pool", {"en": "Pool", "zh": "泳池"}, ("repair",), "pool-team", "high")


def keep(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    draft: CategoryDraft,
    *,
    above: bool = False,
    version: int | None = None,
) -> None:
    with database.write() as session:
        boss = caller_for(session, session.get_one(Person, administrator.person_id))
        node = session.get_one(Node, site.company_id if above else site.id)
        save_category(session, boss, node, draft, now=NOON, expected_version=version)


def draft_of(site: SmallSite, person: Any, category: str, kind: str = "repair") -> Draft:
    return Draft(
        site.id,
        kind,
        "low",
        {"und": "It drips"},
        "maintenance",
        NOON,
        NOON,
        category=category,
        reporter_id=person,
    )


def test_every_category_of_the_shipped_rules_and_stickers_is_shipped() -> None:
    known = shipped_categories()
    rules = "".join(path.read_text(encoding="utf-8") for path in packs())
    named = set(CATEGORY.findall(rules)) | {
        problem.category for problems in shipped_problems().values() for problem in problems
    }
    assert named - {""} <= set(known)
    assert all(one.name["en"] and one.name["zh"] for one in known.values())


def test_what_is_nearer_goes_before_and_the_shipped_ones_are_the_base(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    keep(database, site, administrator, POOL, above=True)
    keep(database, site, administrator, replace(POOL, name={"en": "Garden pool"}))
    renamed = CategoryDraft("lift", {"en": "Elevators"})
    keep(database, site, administrator, renamed, above=True)
    with database.read() as session:
        here, above = (categories_at(session, one) for one in (site.id, site.company_id))
        seen = categories_seen(session, [site.id])
    assert (here["pool"].name["en"], above["pool"].name["en"]) == ("Garden pool", "Pool")
    assert (here["lift"].name["en"], here["lift"].node_id) == ("Elevators", site.company_id)
    assert here["fire"].node_id is None
    assert (seen["pool"]["en"], seen["lift"]["en"]) == ("Garden pool", "Elevators")
    assert [(one.after or {})["code"] for one in facts_of(database, "category.save")] == [
        "pool",
        "pool",
        "lift",
    ]


def test_a_category_that_is_unknown_retired_or_of_another_kind_is_refused_with_advice(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    keep(database, site, administrator, POOL)
    keep(database, site, administrator, CategoryDraft("lift", {"en": "Lifts"}, retired=True))
    wrong = (("sauna", "repair"), ("lift", "repair"), ("pool", "complaint"))
    for category, kind in wrong:
        with database.write() as session, pytest.raises(Invalid) as caught:
            report(session, draft_of(site, person, category, kind), actor=events.SYSTEM)
        [problem] = caught.value.problems
        assert "take one of" in problem
        assert "fire" in problem
        assert "lift," not in problem
    with database.write() as session:
        for category in ("pool", "fire", ""):
            report(session, draft_of(site, person, category), actor=events.SYSTEM)
        # What a sticker says is the product's word, and a resident can't correct it.
        report(session, draft_of(site, None, "lift"), actor=events.SYSTEM)


def test_an_old_ticket_keeps_its_retired_category_and_gets_no_other_retired_one(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    with database.write() as session:
        session.get_one(Ticket, ticket_id).category = "pool"
    keep(database, site, administrator, replace(POOL, retired=True))
    keep(database, site, administrator, CategoryDraft("lift", {"en": "Lifts"}, retired=True))
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        again = {"category": "pool", "priority": "low"}
        edit(session, ticket, again, person=person, now=NOON, expected_version=None)
        change = {"category": "lift"}
        with pytest.raises(Invalid):
            edit(session, ticket, change, person=person, now=NOON, expected_version=None)


def test_who_may_not_and_who_read_an_older_version_keep_nothing(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    keep(database, site, administrator, POOL, version=0)
    with pytest.raises(Stale):
        keep(database, site, administrator, POOL, version=0)
    manager = employ(database, site.id, "manager")
    with database.write() as session:
        caller: Caller = caller_for(session, session.get_one(Person, manager))
        company = session.get_one(Node, site.company_id)
        with pytest.raises(NotAllowed):
            save_category(session, caller, company, POOL, now=NOON, expected_version=None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "The Pool"},
        {"name": {}},
        {"kinds": ("party",)},
        {"priority": "later"},
        {"team": "x" * 41},
    ],
)
def test_a_category_that_makes_no_sense_is_refused(
    database: Database, site: SmallSite, administrator: Administrator, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        keep(database, site, administrator, replace(POOL, **wrong))
