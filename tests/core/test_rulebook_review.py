"""Rules are written, reviewed by a second person, put into force, rolled back and retired."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events, rulebook, rulebook_history
from core.accounts import new_password, set_password
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Node
from core.rulebook import RuleVersion
from core.rulebook_checks import check_document
from core.rulebook_drafts import (
    DRAFT,
    RuleDraft,
    Written,
    find_draft,
    save_draft,
    start_draft,
    start_from_version,
)
from core.rulebook_history import history_of
from core.rulebook_offers import Brought, bring_in
from core.rulebook_review import act_on_draft, approve, retire_rule, roll_back
from tests.fixtures import NOON, SmallSite

HOT = """\
id: pump-hot
title: {en: Pump hot, zh: 水泵过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
for: 2m
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""
WARM = HOT.replace("75", "70")
SMOKE = HOT.replace("severity", "life_safety: true\nseverity").replace("pump-hot", "pump-smoke")


def person(
    database: Database, node_id: UUID, role: str = "manager", *, signs_in: bool = True
) -> Caller:
    with database.write() as session:
        row = Person(id=new_id(), name="Somebody", locale="en")
        session.add(row)
        session.flush()
        session.add(Grant(id=new_id(), person_id=row.id, node_id=node_id, role=role))
        if signs_in:
            ready = new_password(f"login-{row.id}", "correct horse battery")
            set_password(session, row.id, ready, now=NOON)
        session.flush()
        return caller_for(session, row)


def submitted(
    session: Session, caller: Caller, node_id: UUID, document: str = HOT, *, rule: str = ""
) -> RuleDraft:
    written = Written(document, node_id, "It runs hot in summer")
    draft = start_draft(session, caller, written, now=NOON, rule_id=rule)
    return act_on_draft(session, caller, draft, "submit", now=NOON)


def in_force(session: Session) -> list[tuple[str, int]]:
    return [(row.rule_id, row.version) for row in rulebook.active_versions(session)]


def put(database: Database, caller: Caller, other: Caller, document: str, node: UUID) -> None:
    with database.write() as session:
        approve(session, other, submitted(session, caller, node, document), now=NOON)


def test_a_draft_is_written_by_one_and_approved_by_another(
    database: Database, site: SmallSite
) -> None:
    writer, reviewer = person(database, site.company_id), person(database, site.company_id)
    with database.write() as session:
        draft = submitted(session, writer, site.company_id)
        with pytest.raises(NotAllowed, match="somebody else approves"):
            approve(session, writer, draft, now=NOON)
        assert in_force(session) == []
        approve(session, reviewer, draft, now=NOON, note="Agreed")
        assert (draft.state, draft.published_version, draft.self_approved) == ("approved", 1, False)
        [row] = rulebook.active_versions(session)
    assert (row.rule_id, row.asset_type, row.reason) == (
        "pump-hot",
        "pump",
        "It runs hot in summer",
    )
    assert row.document == HOT
    with database.read() as session:
        told = history_of(session, writer, "pump-hot")
    assert [(one["kind"], one["reason"]) for one in told] == [
        ("rule_draft.approve", "Agreed"),
        ("rule.publish", "It runs hot in summer"),
        ("rule_draft.submit", "It runs hot in summer"),
        ("rule_draft.start", ""),
    ]


def test_a_manager_alone_approves_their_own_and_it_is_recorded(
    database: Database, site: SmallSite
) -> None:
    alone = person(database, site.company_id)
    # They hold the right, but nobody can reach them: no password, no identity, no session.
    person(database, site.company_id, "administrator", signs_in=False)
    person(database, site.company_id, "technician")
    with database.write() as session:
        draft = approve(session, alone, submitted(session, alone, site.company_id), now=NOON)
        assert draft.self_approved
        fact = session.scalars(
            select(events.Event).where(events.Event.kind == "rule.publish")
        ).one()
    assert fact.after == {
        "version": 1,
        "node": str(site.company_id),
        "draft": str(draft.id),
        "self_approved": True,
    }


def test_life_safety_always_needs_a_second_person(database: Database, site: SmallSite) -> None:
    alone = person(database, site.company_id)
    with database.write() as session:
        draft = submitted(session, alone, site.company_id, SMOKE)
        with pytest.raises(NotAllowed, match="life-safety"):
            approve(session, alone, draft, now=NOON)
    other = person(database, site.company_id, "safety_officer")
    with database.write() as session:
        approve(session, other, session.get_one(RuleDraft, draft.id), now=NOON)
        # Neither is it made an ordinary rule, nor retired, nor rolled back by one alone.
        tame = SMOKE.replace("life_safety: true\n", "")
        weaker = submitted(session, alone, site.company_id, tame, rule="pump-smoke")
        with pytest.raises(NotAllowed, match="life-safety"):
            approve(session, alone, weaker, now=NOON)
        request = retire_rule(
            session, alone, "pump-smoke", site.company_id, reason="Broken", now=NOON
        )
        assert request.state == "in_review"
        assert in_force(session) == [("pump-smoke", 1)]
        approve(session, other, request, now=NOON)
        assert in_force(session) == []


def test_an_unsound_draft_is_kept_and_cannot_be_submitted(
    database: Database, site: SmallSite
) -> None:
    writer = person(database, site.company_id)
    broken = HOT.replace("motor_temperature", "motor_temprature") + "\tx"
    with database.write() as session:
        draft = start_draft(
            session, writer, Written(broken, site.company_id, "Half done"), now=NOON
        )
        assert (draft.document, draft.fingerprint) == (broken, "")
        with pytest.raises(Invalid) as refused:
            act_on_draft(session, writer, draft, "submit", now=NOON)
        assert refused.value.problems
        mended = HOT.replace("motor_temperature", "motor_temprature")
        save_draft(
            session,
            writer,
            draft,
            Written(mended, site.company_id, "Half done"),
            expected_version=1,
            now=NOON,
        )
        with pytest.raises(Invalid) as refused:
            act_on_draft(session, writer, draft, "submit", now=NOON)
    assert any("motor_temperature" in each and ":4:" in each for each in refused.value.problems)


def test_of_two_who_write_on_one_draft_the_second_is_told(
    database: Database, site: SmallSite
) -> None:
    writer = person(database, site.company_id)
    with database.write() as session:
        draft = start_draft(session, writer, Written(HOT, site.company_id), now=NOON)
        written = Written(WARM, site.company_id)
        save_draft(session, writer, draft, written, expected_version=1, now=NOON)
        with pytest.raises(Stale):
            save_draft(session, writer, draft, written, expected_version=1, now=NOON)


def test_what_is_in_review_is_not_written_on(database: Database, site: SmallSite) -> None:
    writer = person(database, site.company_id)
    with database.write() as session:
        draft = submitted(session, writer, site.company_id)
        with pytest.raises(Conflict):
            save_draft(
                session,
                writer,
                draft,
                Written(WARM, site.company_id),
                expected_version=None,
                now=NOON,
            )
        act_on_draft(session, writer, draft, "withdraw", now=NOON)
        save_draft(
            session, writer, draft, Written(WARM, site.company_id), expected_version=None, now=NOON
        )


def test_another_version_in_between_is_looked_at_before_it_is_replaced(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        late = start_from_version(session, writer, "pump-hot", 1, now=NOON)
        cooler = Written(HOT.replace("75", "65"), site.company_id, "Cooler")
        save_draft(session, writer, late, cooler, expected_version=None, now=NOON)
        act_on_draft(session, writer, late, "submit", now=NOON)
        quick = submitted(session, writer, site.company_id, WARM, rule="pump-hot")
        approve(session, other, quick, now=NOON)
        with pytest.raises(Conflict, match="another version"):
            approve(session, other, late, now=NOON)
        act_on_draft(session, other, late, "send_back", now=NOON, reason="Look at version 2")
        save_draft(session, writer, late, cooler, expected_version=None, now=NOON)
        act_on_draft(session, writer, late, "submit", now=NOON)
        assert approve(session, other, late, now=NOON).published_version == 3


def test_what_came_into_force_while_somebody_wrote_is_not_replaced_unread(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        late = start_from_version(session, writer, "pump-hot", 1, now=NOON)
        quick = submitted(session, other, site.company_id, WARM, rule="pump-hot")
        approve(session, writer, quick, now=NOON)
        # The page that they write on was made while version 1 was in force.
        cooler = Written(HOT.replace("75", "65"), site.company_id, "Cooler", seen_version=1)
        save_draft(session, writer, late, cooler, expected_version=None, now=NOON)
        with pytest.raises(Conflict, match="another version"):
            act_on_draft(session, writer, late, "submit", now=NOON)
        compared = replace(cooler, seen_version=2)
        save_draft(session, writer, late, compared, expected_version=None, now=NOON)
        act_on_draft(session, writer, late, "submit", now=NOON)
        assert approve(session, other, late, now=NOON).published_version == 3


def test_saving_over_and_over_hides_nothing_that_was_decided(
    database: Database, site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebook_history, "MOST", 4)
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        draft = start_from_version(session, writer, "pump-hot", 1, now=NOON)
        for number in range(9):
            text = Written(f"{HOT}# {number}\n", site.company_id)
            save_draft(session, writer, draft, text, expected_version=None, now=NOON)
    with database.read() as session:
        told = [one["kind"] for one in history_of(session, writer, "pump-hot")]
    assert told[:4] == ["rule_draft.save", "rule_draft.start", "rule_draft.approve", "rule.publish"]


def test_who_could_not_decide_on_a_region_is_nobody_else_there(
    database: Database, site: SmallSite
) -> None:
    alone = person(database, site.company_id)
    with database.read() as session:
        region = session.scalars(select(Node).where(Node.kind == "region")).one()
    person(database, region.id)
    with database.write() as session:
        draft = approve(session, alone, submitted(session, alone, region.id), now=NOON)
        assert draft.self_approved


def test_what_is_approved_is_what_was_read(database: Database, site: SmallSite) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    with database.write() as session:
        draft = submitted(session, writer, site.company_id)
        read = draft.version
        act_on_draft(session, writer, draft, "withdraw", now=NOON)
        warm = Written(WARM, site.company_id, "Warmer")
        save_draft(session, writer, draft, warm, expected_version=None, now=NOON)
        act_on_draft(session, writer, draft, "submit", now=NOON)

    def press() -> None:
        with database.write() as session:
            mine = session.get_one(RuleDraft, draft.id)
            approve(session, other, mine, now=NOON, expected_version=read)

    with pytest.raises(Stale):
        press()
    with database.read() as session:
        assert in_force(session) == []


def test_who_read_an_older_draft_is_told_so_before_anything_else(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    with database.write() as session:
        draft = submitted(session, writer, site.company_id)
        read = draft.version
        act_on_draft(session, writer, draft, "withdraw", now=NOON)
        broken = Written(HOT.replace("motor_temperature", "motor"), site.company_id, "Typing")
        save_draft(session, other, draft, broken, expected_version=None, now=NOON)
        for action in ("approve", "submit", "discard"):
            with pytest.raises(Stale):
                act_on_draft(session, other, draft, action, now=NOON, expected_version=read)


def test_a_draft_is_decided_on_where_it_shall_hold_by_now(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    writer = person(postgres_database, postgres_site.company_id)
    local = person(postgres_database, postgres_site.id)
    with postgres_database.write() as session:
        draft_id = submitted(session, writer, postgres_site.id).id

    def approve_what_is_moved() -> None:
        with postgres_database.write() as session:
            read = session.get_one(RuleDraft, draft_id)
            with postgres_database.write() as faster:
                mine = faster.get_one(RuleDraft, draft_id)
                act_on_draft(faster, writer, mine, "withdraw", now=NOON)
                wider = Written(HOT, postgres_site.company_id, "Everywhere")
                save_draft(faster, writer, mine, wider, expected_version=None, now=NOON)
                act_on_draft(faster, writer, mine, "submit", now=NOON)
            approve(session, local, read, now=NOON)

    with pytest.raises(NotAllowed, match="company"):
        approve_what_is_moved()
    with postgres_database.read() as session:
        assert in_force(session) == []


def test_the_end_that_was_asked_for_is_not_that_of_a_later_version(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, SMOKE, site.company_id)
    with database.write() as session:
        wish = retire_rule(session, writer, "pump-smoke", site.company_id, reason="Bad", now=NOON)
        better = SMOKE.replace("75", "70")
        approve(
            session,
            other,
            submitted(session, writer, site.company_id, better, rule="pump-smoke"),
            now=NOON,
        )
        with pytest.raises(Conflict, match="another version"):
            approve(session, other, wish, now=NOON)
        assert in_force(session) == [("pump-smoke", 2)]


def test_a_version_of_another_place_is_no_older_one_of_this(
    database: Database, site: SmallSite
) -> None:
    boss, other = person(database, site.company_id), person(database, site.company_id)
    put(database, boss, other, HOT, site.company_id)
    put(database, boss, other, WARM, site.id)
    with database.write() as session:
        wish = roll_back(
            session, boss, "pump-hot", 2, reason="As there", now=NOON, node_id=site.company_id
        )
        assert wish.state == "in_review"
        assert in_force(session) == [("pump-hot", 1), ("pump-hot", 2)]
        with pytest.raises(NotAllowed, match="somebody else"):
            approve(session, boss, wish, now=NOON)
        approve(session, other, wish, now=NOON)
        assert in_force(session) == [("pump-hot", 2), ("pump-hot", 3)]


def test_an_older_version_comes_back_as_a_new_one_by_one_press(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        approve(
            session,
            other,
            submitted(session, writer, site.company_id, WARM, rule="pump-hot"),
            now=NOON,
        )
        with pytest.raises(Invalid, match="reason"):
            roll_back(session, writer, "pump-hot", 1, reason=" ", now=NOON)
    with database.write() as session:
        draft = roll_back(session, writer, "pump-hot", 1, reason="Too many alarms", now=NOON)
        assert (draft.state, draft.published_version) == ("approved", 3)
        rows = session.scalars(select(RuleVersion).order_by(RuleVersion.version)).all()
        assert [(row.active, row.document == HOT) for row in rows] == [
            (False, True),
            (False, False),
            (True, True),
        ]
        assert rows[2].reason == "Too many alarms"
        with pytest.raises(Conflict, match="says the same"):
            roll_back(session, writer, "pump-hot", 1, reason="Again", now=NOON)


def test_a_rule_is_retired_with_a_reason(database: Database, site: SmallSite) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        retire_rule(session, writer, "pump-hot", site.company_id, reason="Pumps are gone", now=NOON)
        assert in_force(session) == []
        row = session.scalars(select(RuleVersion)).one()
        assert (row.end_reason, row.ended_by) == ("Pumps are gone", str(writer.person_id))
        with pytest.raises(Conflict):
            retire_rule(session, writer, "pump-hot", site.company_id, reason="Again", now=NOON)


def test_a_site_keeps_its_own_version_beside_the_company_s(
    database: Database, site: SmallSite
) -> None:
    boss, other = person(database, site.company_id), person(database, site.company_id)
    put(database, boss, other, HOT, site.company_id)
    here = person(database, site.id)
    with database.write() as session:
        with pytest.raises(NotAllowed):
            start_from_version(session, here, "pump-hot", 1, now=NOON)
        own = start_from_version(session, here, "pump-hot", 1, now=NOON, node_id=site.id)
        save_draft(
            session, here, own, Written(WARM, site.id, "Old pumps"), expected_version=1, now=NOON
        )
        act_on_draft(session, here, own, "submit", now=NOON)
        approve(session, other, own, now=NOON)
        rows = rulebook.active_versions(session)
        assert [(row.version, row.node_id) for row in rows] == [
            (1, site.company_id),
            (2, site.id),
        ]
        retire_rule(session, here, "pump-hot", site.id, reason="New pumps", now=NOON)
        assert in_force(session) == [("pump-hot", 1)]


def test_a_draft_of_a_rule_keeps_its_id(database: Database, site: SmallSite) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    put(database, writer, other, HOT, site.company_id)
    with database.write() as session:
        draft = start_from_version(session, writer, "pump-hot", 1, now=NOON)
        renamed = Written(WARM.replace("pump-hot", "pump-warm"), site.company_id, "Renamed")
        save_draft(session, writer, draft, renamed, expected_version=None, now=NOON)
        assert draft.rule_id == "pump-hot"
        with pytest.raises(Invalid) as refused:
            act_on_draft(session, writer, draft, "submit", now=NOON)
    assert "id" in refused.value.problems[0]


def brought(
    database: Database, site: SmallSite, document: str, *, only_new: bool = True
) -> Brought:
    with database.write() as session:
        rule = check_document(session, document).rule
        assert rule is not None
        company = session.get_one(Node, site.company_id)
        return bring_in(session, [rule], company, "pumps", now=NOON, only_new=only_new)


def offers(database: Database, state: str = "offered") -> list[str]:
    with database.read() as session:
        rows = session.scalars(select(RuleDraft).where(RuleDraft.state == state))
        return [row.document for row in rows]


def test_a_pack_puts_new_rules_into_force_and_offers_the_rest(
    database: Database, site: SmallSite
) -> None:
    assert brought(database, site, HOT).published == ["pump-hot"]
    assert brought(database, site, HOT).unchanged == ["pump-hot"]
    assert brought(database, site, WARM).offered == ["pump-hot"]
    assert offers(database) == [WARM]
    cooler = HOT.replace("75", "60")
    # A newer one takes the place of what nobody took up.
    assert brought(database, site, cooler).offered == ["pump-hot"]
    assert offers(database) == [cooler]
    with database.read() as session:
        assert in_force(session) == [("pump-hot", 1)]


def test_a_declined_offer_is_not_made_again_and_a_taken_one_becomes_a_draft(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    brought(database, site, HOT)
    brought(database, site, WARM)
    with database.write() as session:
        offer = session.scalars(select(RuleDraft)).one()
        act_on_draft(session, writer, offer, "discard", now=NOON)
    assert brought(database, site, WARM).unchanged == ["pump-hot"]
    brought(database, site, HOT.replace("75", "60"))
    with database.write() as session:
        offer = session.scalars(select(RuleDraft).where(RuleDraft.state == "offered")).one()
        act_on_draft(session, writer, offer, "take_up", now=NOON)
        act_on_draft(session, writer, offer, "submit", now=NOON, reason="The new pack")
        assert approve(session, other, offer, now=NOON).published_version == 2
        assert rulebook.active_versions(session)[0].pack == "pumps"


def test_an_imported_file_replaces_only_what_no_person_decided(
    database: Database, site: SmallSite
) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    assert brought(database, site, HOT, only_new=False).published == ["pump-hot"]
    assert brought(database, site, WARM, only_new=False).published == ["pump-hot"]
    with database.write() as session:
        own = HOT.replace("75", "82")
        draft = submitted(session, writer, site.company_id, own, rule="pump-hot")
        approve(session, other, draft, now=NOON)
    assert brought(database, site, HOT.replace("75", "61"), only_new=False).offered == ["pump-hot"]
    with database.read() as session:
        assert in_force(session) == [("pump-hot", 3)]


def test_who_may_not_edit_changes_no_draft_and_a_stranger_finds_none(
    database: Database, site: SmallSite
) -> None:
    writer, guard = person(database, site.company_id), person(database, site.id, "guard")
    with database.write() as session:
        draft = submitted(session, writer, site.company_id)
        with pytest.raises(NotAllowed):
            act_on_draft(session, guard, draft, "withdraw", now=NOON)
        with pytest.raises(NotAllowed):
            start_draft(session, guard, Written(HOT, site.company_id), now=NOON)
        stranger = replace(guard, sites={})
        with pytest.raises(NotFound):
            find_draft(session, stranger, draft.id)


def test_every_move_is_the_table_s(database: Database, site: SmallSite) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    for state, action in product(DRAFT.statuses, DRAFT.moves):
        with database.write() as session:
            draft = start_draft(session, writer, Written(HOT, site.company_id, "Why"), now=NOON)
            draft.state, draft.submitted_by = state, str(writer.person_id)
            session.flush()
            try:
                act_on_draft(session, other, draft, action, now=NOON, reason="Why")
            except Conflict:
                assert state not in DRAFT.moves[action], (state, action)
            else:
                assert draft.state == DRAFT.moves[action][state]
            session.rollback()
