"""The lists of problems of stickers: inherited, replaced nearer, retired, and obeyed."""

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, Stale
from core.events import Event
from core.people import Person, caller_for, new_secret
from core.places import Node, Space
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.test_customers import label, send, tickets_in
from workflows import customers
from workflows.customers import Wish
from workflows.customers.problem_lists import (
    ANY_ASSET,
    MOST_PROBLEMS,
    ListDraft,
    list_of,
    lists_at,
    save_list,
    shipped_lists,
)
from workflows.customers.problems import Problem

DRIPS = Problem(code="drips", en="It drips", zh="滴水", priority="low", category="water")
SMOKES = Problem(
    code="smokes", en="It smokes", zh="冒烟", kind="hazard", priority="critical", team="security"
)
PUMPS = ListDraft("asset:pump", [SMOKES, DRIPS])


def save(
    database: Database, who: UUID, node_id: UUID, draft: ListDraft, version: int | None = None
) -> None:
    with database.write() as session:
        caller = caller_for(session, session.get_one(Person, who))
        node = session.get_one(Node, node_id)
        save_list(session, caller, node, draft, now=NOON, expected_version=version)


def offered(database: Database, node_id: UUID, about: str) -> list[str]:
    with database.read() as session:
        return [one.code for one in list_of(lists_at(session, node_id), about).problems]


def test_the_shipped_lists_are_data_and_hold_where_nobody_keeps_any(
    database: Database, site: SmallSite
) -> None:
    assert "trapped" in offered(database, site.id, "asset:lift")
    assert offered(database, site.id, "asset:unheard-of") == offered(database, site.id, ANY_ASSET)
    assert {one.node_id for one in shipped_lists().values()} == {None}


def test_a_site_inherits_and_what_is_nearer_goes_before(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    who = administrator.person_id
    save(database, who, site.company_id, PUMPS)
    assert offered(database, site.id, "asset:pump") == ["smokes", "drips"]
    save(database, who, site.id, replace(PUMPS, problems=[DRIPS]))
    assert offered(database, site.id, "asset:pump") == ["drips"]
    assert offered(database, site.company_id, "asset:pump") == ["smokes", "drips"]
    save(database, who, site.id, replace(PUMPS, retired=True))
    assert offered(database, site.id, "asset:pump") == offered(database, site.id, ANY_ASSET)


def test_a_kind_of_space_has_its_own(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    with database.read() as session:
        kind = session.scalars(select(Space.kind)).first()
    save(database, administrator.person_id, site.id, ListDraft(f"space:{kind}", [DRIPS]))
    assert offered(database, site.id, f"space:{kind}") == ["drips"]
    assert "dirty" in offered(database, site.id, "space:elsewhere")


def test_a_report_opens_the_ticket_that_the_list_says(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    save(database, administrator.person_id, site.company_id, PUMPS)
    send(database, label(database, site, administrator.person_id), problem="smokes")
    [ticket] = tickets_in(database)
    assert (ticket.kind, ticket.priority, ticket.team) == ("hazard", "critical", "security")
    assert ticket.title == {"en": "It smokes", "zh": "冒烟"}


def test_a_retired_problem_is_understood_and_one_that_is_gone_is_told(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    who = administrator.person_id
    sticker = label(database, site, who)
    save(
        database,
        who,
        site.id,
        replace(PUMPS, problems=[SMOKES.model_copy(update={"retired": True})]),
    )
    send(database, sticker, problem="smokes")
    assert len(tickets_in(database)) == 1
    with pytest.raises(Invalid):
        send(database, sticker, problem="drips")
    # Taken off between the check and the writing.
    with database.write() as session:
        stuck = customers.read_sticker(session, sticker.path)
        gone = Wish(new_secret("report"), "drips")
        with pytest.raises(Conflict):
            customers.send(session, stuck, gone, now=NOON)


@pytest.mark.parametrize(
    ("draft", "told"),
    [
        (ListDraft("asset:spaceship", []), "about"),
        (ListDraft("space:nowhere", []), "about"),
        (ListDraft("people", []), "about"),
        (ListDraft(ANY_ASSET, [], retired=True), "retired"),
        (replace(PUMPS, problems=[DRIPS] * 2), "code"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"code": "other"})]), "code"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"code": "Tropf"})]), "code"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"en": "", "zh": " "})]), "name"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"zh": "长" * 61})]), "name"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"kind": "party"})]), "kind"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"priority": "now"})]), "priority"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"team": ""})]), "team"),
        (replace(PUMPS, problems=[DRIPS.model_copy(update={"category": "magic"})]), "category"),
        (
            replace(
                PUMPS,
                problems=[
                    DRIPS.model_copy(update={"code": f"d{n}"}) for n in range(MOST_PROBLEMS + 1)
                ],
            ),
            "problems",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    database: Database, administrator: Administrator, site: SmallSite, draft: ListDraft, told: str
) -> None:
    with pytest.raises(Invalid) as caught:
        save(database, administrator.person_id, site.id, draft)
    assert told in str(caught.value.problems)


def test_only_who_sets_up_the_service_keeps_lists_and_nobody_overwrites_another(
    database: Database, administrator: Administrator, site: SmallSite
) -> None:
    save(database, employ(database, site.id, "manager"), site.id, PUMPS, 0)
    with pytest.raises(Stale):
        save(database, administrator.person_id, site.id, PUMPS, 0)
    with pytest.raises(NotAllowed):
        save(database, employ(database, site.id, "supervisor"), site.id, PUMPS)
    with pytest.raises(NotAllowed):
        save(database, employ(database, site.id, "manager"), site.company_id, PUMPS)
    with database.read() as session:
        [fact] = session.scalars(select(Event).where(Event.kind == "sticker.problems"))
        assert fact.after == {"code": "asset:pump", "version": 1, "retired": False}
