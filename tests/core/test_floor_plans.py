"""Floor plans: one picture for each place, and assets that stand where somebody put them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import events, floor_plans
from core.clock import SimulatedClock
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.files import FileStore
from core.floor_plans import FloorPlan, StoredPlan, store_plan
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.places import Space
from tests.fixtures import NOON, Administrator, SmallSite
from tests.pictures import drawing, photo
from tests.workflows.conftest import employ, facts_of


@pytest.fixture
def boss(database: Database, administrator: Administrator) -> Caller:
    """Somebody who may change places."""
    return caller_of(database, administrator.person_id)


@pytest.fixture
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredPlan:
    """A drawing in a store."""
    return store_plan(FileStore(str(tmp_path_factory.mktemp("files"))), drawing())


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def space_of(session: Session, code: str) -> UUID:
    return session.scalars(select(Space.id).where(Space.code == code)).one()


def put(
    database: Database, boss: Caller, site: SmallSite, stored: StoredPlan, code: str = ""
) -> UUID:
    with database.write() as session:
        space = space_of(session, code) if code else None
        return floor_plans.put_plan(session, boss, site.id, space, stored, now=NOON).id


def place(
    database: Database, boss: Caller, plan: UUID, asset: UUID, at: tuple[float, float]
) -> None:
    with database.write() as session:
        row = floor_plans.find_plan(session, boss, plan, to_change=True)
        floor_plans.place_asset(session, boss, row, asset, at, now=NOON)


def test_a_place_has_one_plan_and_another_picture_keeps_what_was_placed(
    database: Database,
    site: SmallSite,
    boss: Caller,
    stored: StoredPlan,
    tmp_path: Path,
) -> None:
    plan = put(database, boss, site, stored, "b1-pumproom")
    place(database, boss, plan, site.assets["pump-1"], (0.25, 0.75))
    other = store_plan(FileStore(str(tmp_path)), drawing("WEBP", (80, 60)))
    assert put(database, boss, site, other, "b1-pumproom") == plan
    with database.read() as session:
        row = session.get_one(FloorPlan, plan)
        assert (row.media_type, row.width, row.copy) == ("image/webp", 80, other.copy)
        assert floor_plans.positions_of(session, plan) == {site.assets["pump-1"]: (0.25, 0.75)}
    kinds = [fact.kind for fact in facts_of(database, "floor_plan.")]
    assert kinds == ["floor_plan.put", "floor_plan.place", "floor_plan.put"]


def test_the_site_as_a_whole_has_one_plan_beside_those_of_its_spaces(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan
) -> None:
    whole = put(database, boss, site, stored)
    room = put(database, boss, site, stored, "b1-pumproom")
    assert put(database, boss, site, stored) == whole != room
    with database.read() as session:
        found = floor_plans.plan_of(session, site.id, None)
        assert found is not None
        assert found.id == whole
        pumproom = space_of(session, "b1-pumproom")
        assert floor_plans.spaces_with_plan(session, site.id) == {None, pumproom}


def test_the_database_itself_refuses_a_second_plan_of_a_place(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan
) -> None:
    for code in ("", "b1-pumproom"):
        first = put(database, boss, site, stored, code)
        with database.read() as session:
            row = session.get_one(FloorPlan, first)
        values = {column.name: getattr(row, column.name) for column in FloorPlan.__table__.columns}
        with pytest.raises(IntegrityError), database.write() as session:
            session.add(FloorPlan(**{**values, "id": new_id()}))


def test_an_asset_moves_and_comes_off(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan, clock: SimulatedClock
) -> None:
    plan, pump = put(database, boss, site, stored, "b1"), site.assets["pump-1"]
    place(database, boss, plan, pump, (0.5, 0.5))
    place(database, boss, plan, pump, (0.123456, 1.0))
    with database.write() as session:
        assert floor_plans.positions_of(session, plan) == {pump: (0.1235, 1.0)}
        row = session.get_one(FloorPlan, plan)
        for _again in range(2):
            floor_plans.lift_asset(session, boss, row, pump, now=clock.now())
        assert floor_plans.positions_of(session, plan) == {}
    facts = facts_of(database, "floor_plan.")
    assert [fact.kind.partition(".")[2] for fact in facts] == ["put", "place", "place", "lift"]
    assert facts[2].after is not None
    assert (facts[2].after["asset"], facts[2].after["x"]) == (str(pump), 0.1235)


@pytest.mark.parametrize(
    "at", [(-0.01, 0.5), (0.5, 1.01), (float("nan"), 0.5), (0.5, float("inf"))]
)
def test_outside_of_the_picture_nothing_is_placed(
    database: Database,
    site: SmallSite,
    boss: Caller,
    stored: StoredPlan,
    at: tuple[float, float],
) -> None:
    plan = put(database, boss, site, stored, "b1-pumproom")
    with pytest.raises(Invalid) as refused:
        place(database, boss, plan, site.assets["pump-1"], at)
    assert refused.value.problems == ("x, y: numbers from 0 to 1",)


def test_only_what_is_within_a_space_stands_on_its_plan(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan
) -> None:
    room = put(database, boss, site, stored, "b1-pumproom")
    for stranger in (site.assets["board-1"], new_id()):
        with pytest.raises(NotFound):
            place(database, boss, room, stranger, (0.5, 0.5))
    building, whole = put(database, boss, site, stored, "b1"), put(database, boss, site, stored)
    for plan in (building, whole):
        place(database, boss, plan, site.assets["pump-1"], (0.5, 0.5))


def test_a_plan_that_is_removed_takes_its_markers_along(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan, clock: SimulatedClock
) -> None:
    plan = put(database, boss, site, stored, "b1-pumproom")
    place(database, boss, plan, site.assets["pump-1"], (0.5, 0.5))
    with database.write() as session:
        row = session.get_one(FloorPlan, plan)
        floor_plans.remove_plan(session, boss, row, now=clock.now())
    with database.read() as session:
        assert floor_plans.positions_of(session, plan) == {}
        assert floor_plans.spaces_with_plan(session, site.id) == frozenset()


def test_who_may_not_change_places_changes_no_plan(
    database: Database, site: SmallSite, boss: Caller, stored: StoredPlan, clock: SimulatedClock
) -> None:
    plan = put(database, boss, site, stored, "b1-pumproom")
    manager = caller_of(database, employ(database, site.id, "manager"))
    before = events.newest(database)
    with pytest.raises(NotAllowed):
        put(database, manager, site, stored, "b1")
    with pytest.raises(NotAllowed):
        place(database, manager, plan, site.assets["pump-1"], (0.5, 0.5))
    with database.read() as session:
        assert floor_plans.find_plan(session, manager, plan).id == plan
        nobody = Caller(new_id(), "Nobody", "en")
        with pytest.raises(NotFound):
            floor_plans.find_plan(session, nobody, plan)
    assert events.newest(database) == before


def meanwhile(first: Callable[[Session], None], second: Callable[[], None], on: Database) -> None:
    """Do the second while the first is done but not committed yet; the second waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with on.write() as session:
            first(session)
            session.flush()
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        waiting.result(10)


def test_two_who_draw_and_place_at_once_leave_one_plan_and_one_marker(
    postgres_database: Database, postgres_site: SmallSite, stored: StoredPlan
) -> None:
    database, site = postgres_database, postgres_site
    boss = caller_of(database, employ(database, site.company_id, "administrator"))
    pump = site.assets["pump-1"]

    def draw(session: Session) -> None:
        floor_plans.put_plan(session, boss, site.id, None, stored, now=NOON)

    def draw_too() -> None:
        with pytest.raises(Conflict):
            put(database, boss, site, stored)

    meanwhile(draw, draw_too, database)
    plan = put(database, boss, site, stored)

    def mark(session: Session) -> None:
        row = session.get_one(FloorPlan, plan)
        floor_plans.place_asset(session, boss, row, pump, (0.1, 0.1), now=NOON)

    meanwhile(mark, lambda: place(database, boss, plan, pump, (0.9, 0.9)), database)
    with database.read() as session:
        assert floor_plans.positions_of(session, plan) == {pump: (0.9, 0.9)}


def test_a_plan_keeps_thin_lines_and_says_what_it_takes(tmp_path: Path) -> None:
    files = FileStore(str(tmp_path))
    stored = store_plan(files, photo(4000, 1000))
    assert (stored.picture.width, stored.picture.height) == (4000, 1000)
    with pytest.raises(Invalid) as refused:
        store_plan(files, b"%PDF-1.7")
    assert refused.value.problems == ("plan: a JPEG, PNG, WebP or HEIC picture",)
    assert "JPEG" in refused.value.advice
