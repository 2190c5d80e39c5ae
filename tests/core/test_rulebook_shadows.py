"""A trial in the shadow ends when its draft comes into force, or is discarded."""

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, Session
from core.errors import Conflict
from core.people import Caller
from core.rulebook_drafts import RuleDraft, Written, start_draft
from core.rulebook_review import act_on_draft, approve
from core.rulebook_shadows import RuleShadow, end_shadow, running_shadows, start_shadow
from tests.core.test_rulebook_review import HOT, WARM, person
from tests.fixtures import NOON, SmallSite


def drafted(session: Session, writer: Caller, site: SmallSite, document: str = HOT) -> RuleDraft:
    written = Written(document, site.company_id, "It runs hot in summer")
    return start_draft(session, writer, written, now=NOON)


def ended(session: Session) -> list[events.Event]:
    facts = select(events.Event).where(events.Event.kind == "rule_shadow.end")
    return list(session.scalars(facts.order_by(events.Event.id)))


def test_it_ends_with_a_draft_that_is_discarded(database: Database, site: SmallSite) -> None:
    writer, other = person(database, site.company_id), person(database, site.company_id)
    with database.write() as session:
        draft = drafted(session, writer, site)
        shadow = start_shadow(session, writer, draft, now=NOON)
        warm = drafted(session, writer, site, HOT.replace("pump-hot", "pump-warm"))
        beside = start_shadow(session, writer, warm, now=NOON)
        act_on_draft(session, other, draft, "discard", now=NOON)
        # It is kept to be compared, and what is tried of another draft runs on.
        kept = session.get_one(RuleShadow, shadow.id)
        assert (kept.state, kept.ended_at, kept.ended_by) == ("ended", NOON, str(other.person_id))
        assert [one.id for one in running_shadows(session)] == [beside.id]
        [fact] = ended(session)
    assert (fact.subject_id, fact.actor_id) == (str(shadow.id), str(other.person_id))
    assert fact.after == {"state": "ended", "rule": "pump-hot"}


def test_one_that_ended_before_its_draft_is_not_ended_again(
    database: Database, site: SmallSite
) -> None:
    writer = person(database, site.company_id)
    with database.write() as session:
        draft = drafted(session, writer, site)
        shadow = start_shadow(session, writer, draft, now=NOON)
        end_shadow(session, writer, shadow, now=NOON)
        act_on_draft(session, writer, draft, "discard", now=NOON)
        assert [fact.subject_id for fact in ended(session)] == [str(shadow.id)]


def test_the_rule_of_a_discarded_draft_is_tried_again_from_another(
    database: Database, site: SmallSite
) -> None:
    writer = person(database, site.company_id)
    with database.write() as session:
        draft = drafted(session, writer, site)
        start_shadow(session, writer, draft, now=NOON)
        act_on_draft(session, writer, draft, "discard", now=NOON)
        again = start_shadow(session, writer, drafted(session, writer, site, WARM), now=NOON)
        assert running_shadows(session) == [again]


def test_it_runs_on_while_its_draft_may_still_come_into_force(
    database: Database, site: SmallSite
) -> None:
    writer = person(database, site.company_id)
    with database.write() as session:
        draft = drafted(session, writer, site)
        shadow = start_shadow(session, writer, draft, now=NOON)
        for action in ("submit", "withdraw", "submit", "send_back", "submit", "reject", "revise"):
            act_on_draft(session, writer, draft, action, now=NOON, reason="Why")
            assert shadow.state == "running", action
        act_on_draft(session, writer, draft, "submit", now=NOON)
        approve(session, writer, draft, now=NOON)
        assert shadow.state == "ended"


def test_a_draft_that_is_discarded_meanwhile_is_not_tried(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    writer = person(postgres_database, postgres_site.company_id)
    with postgres_database.write() as session:
        draft_id = drafted(session, writer, postgres_site).id

    def begin() -> None:
        with postgres_database.write() as session:
            read = session.get_one(RuleDraft, draft_id)
            with postgres_database.write() as faster:
                mine = faster.get_one(RuleDraft, draft_id)
                act_on_draft(faster, writer, mine, "discard", now=NOON)
            start_shadow(session, writer, read, now=NOON)

    with pytest.raises(Conflict, match="discarded can't be tried"):
        begin()
    with postgres_database.read() as session:
        assert running_shadows(session) == []
