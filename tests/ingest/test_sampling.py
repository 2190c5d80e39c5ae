"""A rule is compared with the sensors that it would judge."""

from core.db import Database
from core.people import company_node
from core.rulebook_sampling import unsuited
from tests.rules.building import rule


def test_assets_whose_sensors_are_too_slow_are_named(building: Database) -> None:
    with building.read() as session:
        node = company_node(session)
        assert node is not None
        ((key, problem),) = unsuited(
            session, rule(when="motor_temperature > 75 °C", for_="30s"), node.id
        )
        assert key == "for"
        assert problem.startswith("30s is shorter than the 1m between two readings")
        # pump-1 and pump-3 are heard every 10 s.
        assert problem.endswith("(pump-2)")
        assert unsuited(session, rule(when="motor_temperature > 75 °C", for_="1m"), node.id) == []
