"""The rulebook: versions of rules, of which at most one is in force."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from core import events, rulebook
from core.db import Database
from core.events import Event
from core.rulebook import RuleVersion
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads


def publish(
    database: Database, node_id: UUID, fingerprint: str, rule_id: str = "hot"
) -> int | None:
    with database.write() as session:
        row = rulebook.publish(
            session,
            rule_id=rule_id,
            node_id=node_id,
            title={"en": "Hot"},
            severity="high",
            life_safety=False,
            document=f"id: {rule_id}",
            fingerprint=fingerprint,
            pack="pumps",
            actor=events.SYSTEM,
            now=NOON,
        )
        return row.version if row else None


def active(database: Database) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(row.rule_id, row.version) for row in rulebook.active_versions(session)]


def facts(database: Database) -> list[tuple[str, object, object]]:
    with database.read() as session:
        rows = session.scalars(
            select(Event).where(Event.kind.startswith("rule.")).order_by(Event.seq)
        )
        return [(row.kind, row.before, _without_node(row.after)) for row in rows]


def _without_node(after: Mapping[str, object] | None) -> dict[str, object]:
    return {key: value for key, value in (after or {}).items() if key != "node"}


def test_a_rule_comes_into_force_as_its_first_version(database: Database, site: SmallSite) -> None:
    assert publish(database, site.company_id, "f1") == 1
    assert active(database) == [("hot", 1)]
    assert facts(database) == [("rule.publish", None, {"version": 1})]


def test_the_same_document_again_changes_nothing(database: Database, site: SmallSite) -> None:
    publish(database, site.company_id, "f1")
    assert publish(database, site.company_id, "f1") is None
    assert len(facts(database)) == 1


def test_a_changed_document_is_the_next_version_and_the_old_one_stays_on_record(
    database: Database, site: SmallSite
) -> None:
    publish(database, site.company_id, "f1")
    assert publish(database, site.company_id, "f2") == 2
    assert active(database) == [("hot", 2)]
    assert facts(database)[-1] == ("rule.publish", {"version": 1}, {"version": 2})
    with database.read() as session:
        rows = session.execute(select(RuleVersion.version, RuleVersion.active)).all()
    assert sorted(rows) == [(1, False), (2, True)]


def test_another_node_has_a_version_of_its_own(database: Database, site: SmallSite) -> None:
    publish(database, site.company_id, "f1")
    assert publish(database, site.id, "f1") == 2
    assert active(database) == [("hot", 1), ("hot", 2)]


def test_a_retired_rule_is_out_of_force_and_may_come_back(
    database: Database, site: SmallSite
) -> None:
    publish(database, site.company_id, "f1")
    publish(database, site.company_id, "g1", "cold")
    with database.write() as session:
        retire = rulebook.retire
        assert retire(session, ["hot", "unknown"], actor=events.SYSTEM, now=NOON) == 1
        assert retire(session, ["hot"], actor=events.SYSTEM, now=NOON) == 0
    assert active(database) == [("cold", 1)]
    assert facts(database)[-1] == ("rule.retire", {"version": 1}, {})
    assert publish(database, site.company_id, "f1") == 2
    assert active(database) == [("cold", 1), ("hot", 2)]


def test_those_who_publish_at_once_follow_each_other(database: Database, site: SmallSite) -> None:
    publish(database, site.company_id, "f0")
    done = in_threads(4, lambda number: publish(database, site.company_id, f"f{number + 1}"))
    assert sorted(version for version in done if version) == [2, 3, 4, 5]
    assert active(database) == [("hot", 5)]
    assert len(facts(database)) == 5


def test_who_publishes_while_another_commits_waits_for_nobody_who_waits(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    """Two had read different versions as the newest, and each waited for the other's row."""
    database, site = postgres_database, postgres_site
    publish(database, site.company_id, "f0")
    versions = range(1, 13)
    done = in_threads(12, lambda number: publish(database, site.company_id, f"f{versions[number]}"))
    assert sorted(version for version in done if version) == list(range(2, 14))
    with database.read() as session:
        rows = session.scalars(select(RuleVersion).where(~RuleVersion.active)).all()
    assert all(row.ended_at is not None for row in rows)


def test_who_takes_rules_out_of_force_waits_for_who_publishes_them(
    database: Database, site: SmallSite
) -> None:
    publish(database, site.company_id, "f1")
    publish(database, site.company_id, "g1", "cold")

    def change(number: int) -> int | None:
        if number % 2:
            return publish(database, site.company_id, f"n{number}", ["hot", "cold"][number // 2])
        with database.write() as session:
            names = ["hot", "cold"] if number else ["cold", "hot"]
            return rulebook.retire(session, names, actor=events.SYSTEM, now=NOON)

    in_threads(4, change)
    with database.read() as session:
        rows = session.execute(select(RuleVersion.rule_id, RuleVersion.version)).all()
    assert sorted(rows) == [("cold", 1), ("cold", 2), ("hot", 1), ("hot", 2)]
