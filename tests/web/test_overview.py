"""The overview adds health up the tree, for what the caller may see, in a few queries."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from core.clock import MICROS
from core.people import Caller, Person, caller_for
from core.places import Space
from tests.web.stage import OVERHEATING, Fault, Stage
from workflows import alarms, overview
from workflows.overview import Tree

PUMP = "b1-pump-1"
DRIPPING = Fault("seal-dripping", {"en": "Seal drips"}, "low", "flow > 1", "flow", {"flow": 2.0})


def caller_on(stage: Stage, node: UUID) -> Caller:
    person_id = stage.person("Wei Chen", "manager", node=node)
    with stage.parts.database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def tree_of(stage: Stage, caller: Caller, silent: frozenset[UUID] = frozenset()) -> Tree:
    with stage.parts.database.read() as session:
        standing = alarms.standing_by_asset(session, caller)
        return overview.tree(session, caller, standing=standing, silent=silent)


def test_the_worst_of_what_stands_is_seen_from_above(stage: Stage) -> None:
    stage.trip(PUMP, DRIPPING)
    stage.trip(PUMP, OVERHEATING)
    tree = tree_of(stage, caller_on(stage, stage.company_id))
    [pump] = [asset for asset in tree.assets if asset.code == PUMP]
    assert pump.health == overview.Health("high", 2, 2, 0)
    spaces = {space.code: space.health for space in tree.spaces}
    assert spaces["b1-pumproom"] == spaces["b1-basement"] == spaces["b1"] == pump.health
    assert spaces["b2"] == overview.Health()
    nodes = {node.code: node.health for node in tree.nodes}
    assert nodes["riverside"] == nodes["east"] == nodes["acme"] == pump.health
    assert nodes["hillside"] == overview.Health()


def test_what_returned_to_normal_is_well_but_still_waits_to_be_seen(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    stage.clear(PUMP, OVERHEATING)
    tree = tree_of(stage, caller_on(stage, stage.company_id))
    [pump] = [asset for asset in tree.assets if asset.code == PUMP]
    assert (pump.health.worst, pump.health.open_alarms, pump.health.open_tickets) == ("ok", 1, 1)


def test_the_tree_of_a_site_manager_ends_at_their_site(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    tree = tree_of(stage, caller_on(stage, stage.other_site_id))
    assert [node.code for node in tree.nodes] == ["acme", "west", "hillside"]
    assert (tree.spaces, tree.assets) == ((), ())
    assert all(node.health == overview.Health() for node in tree.nodes)


def test_spaces_that_contain_each_other_do_not_hang_it(stage: Stage) -> None:
    stage.trip(PUMP, OVERHEATING)
    with stage.parts.database.write() as session:
        rows = {space.code: space for space in session.scalars(select(Space))}
        rows["b1"].parent_id = rows["b1-pumproom"].id
    tree = tree_of(stage, caller_on(stage, stage.company_id))
    assert {space.code: space.health for space in tree.spaces}["b1"].open_alarms == 1


def test_silence_is_three_missed_readings_and_never_claimed_without_a_first(stage: Stage) -> None:
    point = next(
        view
        for view in all_points(stage)
        if view.asset_id == stage.assets[PUMP] and view.code == "running"
    )
    assert point.interval == 10.0
    received = 1_000_000 * MICROS
    edge = received + 30 * MICROS
    assert not point.is_silent(received, edge)
    assert point.is_silent(received, edge + 1)
    assert not point.is_silent(None, edge)
    heard = {point.series: received}
    assert overview.silent_assets([point], heard, edge + 1) == {stage.assets[PUMP]}


def all_points(stage: Stage) -> list[overview.PointView]:
    with stage.parts.database.read() as session:
        return overview.points(session, [stage.site_id])


@pytest.mark.parametrize(
    "read",
    [
        lambda session, caller: alarms.open_alarms(session, caller),
        lambda session, caller: overview.open_tickets(session, caller),
        lambda session, caller: overview.recent_activity(session, caller),
        lambda session, caller: overview.tree(
            session, caller, standing=alarms.standing_by_asset(session, caller)
        ),
    ],
)
def test_more_trouble_takes_no_more_queries(
    stage: Stage, read: Callable[[Session, Caller], object]
) -> None:
    caller = caller_on(stage, stage.company_id)
    stage.trip(PUMP, OVERHEATING)
    before = queries(stage, caller, read)
    for code in list(stage.assets)[:15]:
        if code != PUMP:
            stage.trip(code, OVERHEATING)
    assert queries(stage, caller, read) == before <= 6


def queries(stage: Stage, caller: Caller, read: Callable[[Session, Caller], object]) -> int:
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    engine = stage.parts.database.engine
    event.listen(engine, "before_cursor_execute", counted)
    with stage.parts.database.read() as session:
        read(session, caller)
    event.remove(engine, "before_cursor_execute", counted)
    return count
