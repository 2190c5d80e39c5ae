"""A contractor's job by a link: offered in turn, accepted, arrived at, proven; or passed on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotFound
from core.files import FileStore
from core.lifecycle import Lifecycle
from tests.fixtures import NOON, Administrator, SmallSite
from tests.pictures import photo
from tests.workflows.conftest import DAY, MINUTE, do, facts_of, ticket_of, write_ticket
from workflows import customers
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import CONTRACTOR_LINK, Contact, ContractorLink, Job
from workflows.tickets.photos import StoredPhoto, store_photo

JOB = Job(
    [Contact("Ningbo Lifts", "Li Na", "138 0013 8000"), Contact("Pumps Ltd", "Wang", "0574-8800")],
    "Replace the bearing",
    "Key at the gate",
    urgent=True,
    answer_within=30 * MINUTE,
    lasts=2 * DAY,
)
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SWEEP = events.Actor("job", "contractors")


@pytest.fixture
def picture(tmp_path_factory: pytest.TempPathFactory) -> StoredPhoto:
    """A stored photo."""
    return store_photo(FileStore(str(tmp_path_factory.mktemp("files"))), photo(80, 60))


def offer_it(database: Database, ticket_id: UUID, person: UUID, job: Job = JOB) -> list[str]:
    """Offer a ticket; returns the secrets of the links, in turn."""
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        made = contractors.offer(session, ticket, job, person=person, now=NOON)
        return [secret for _, secret in made]


def take(database: Database, secret: str, at: datetime) -> None:
    """Accept a job by its link."""
    with database.write() as session:
        contractors.accept(session, contractors.find_link(session, secret, now=NOON), now=at)


def states(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(ContractorLink.state).order_by(ContractorLink.rank)))


def sweep(database: Database, at: timedelta) -> int:
    with database.write() as session:
        return contractors.pass_on_late(session, now=NOON + at, actor=SWEEP)


def told(database: Database) -> list[str]:
    """What the history of the ticket says of the job outside."""
    return [(fact.after or {})["state"] for fact in facts_of(database, "ticket.contractor")]


def test_a_contractor_accepts_arrives_proves_and_somebody_of_ours_verifies(
    database: Database, site: SmallSite, administrator: Administrator, picture: StoredPhoto
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, administrator.person_id)
    assert (ticket_of(database, ticket_id).state, states(database)) == (
        "assigned",
        ["offered", "waiting"],
    )
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        contractors.accept(session, link, now=NOON + MINUTE)
        assert contractors.job_of(session, link).responded_at == NOON + MINUTE
        customers.arrive_by_tap(session, link, now=NOON + 2 * MINUTE)
    assert ticket_of(database, ticket_id).state == "in_progress"
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        contractors.finish(session, link, "New bearing", [picture], now=NOON + 3 * MINUTE)
    ticket = ticket_of(database, ticket_id)
    assert (ticket.state, ticket.doer_id, ticket.assignee_id) == ("resolved", None, None)
    assert states(database) == ["done", "expired"]
    moves = [fact for fact in facts_of(database, "ticket.") if fact.actor_kind == "contractor"]
    assert {fact.kind for fact in moves} >= {
        "ticket.accept",
        "ticket.start",
        "ticket.photo",
        "ticket.resolve",
    }
    text = repr([(fact.before, fact.after) for fact in facts_of(database, "")])
    assert not any(secret in text for secret in ("Li Na", "138 0013", "Ningbo", first))
    do(database, ticket_id, administrator.person_id, NOON + 4 * MINUTE, "verify")
    assert ticket_of(database, ticket_id).state == "verified"


def test_an_urgent_job_that_nobody_accepts_passes_on_and_comes_back_to_the_team(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, second = offer_it(database, ticket_id, administrator.person_id)
    assert sweep(database, 29 * MINUTE) == 0
    with pytest.raises(Conflict, match="waiting"):
        take(database, second, NOON)
    assert sweep(database, 30 * MINUTE) == 1
    assert sweep(database, 30 * MINUTE) == 0
    assert states(database) == ["passed_on", "offered"]
    with pytest.raises(Conflict, match="passed_on"):
        take(database, first, NOON + 31 * MINUTE)
    assert sweep(database, 60 * MINUTE) == 1
    assert states(database) == ["passed_on", "passed_on"]
    assert told(database) == ["offered", "passed_on", "offered", "passed_on", "back"]
    assert ticket_of(database, ticket_id).state == "assigned"


def test_declining_gives_the_next_one_their_turn_with_the_reason_on_the_ticket(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, administrator.person_id)
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        with pytest.raises(Invalid, match="reason"):
            contractors.decline(session, link, " ", now=NOON)
        contractors.accept(session, link, now=NOON)
        contractors.decline(session, link, "No spare part", now=NOON)
    assert states(database) == ["declined", "offered"]
    [note] = facts_of(database, "ticket.note")
    assert note.actor_kind == "contractor"


def test_a_link_ends_by_itself_and_by_being_taken_back(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    job = replace(JOB, urgent=False)
    first, second = offer_it(database, ticket_id, administrator.person_id, job)
    with pytest.raises(Conflict, match="already"):
        offer_it(database, ticket_id, administrator.person_id, job)
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        contractors.revoke_offer(session, link, person=administrator.person_id, now=NOON)
    assert states(database) == ["revoked", "offered"]
    with database.read() as session:
        for secret, at in ((first, NOON), (second, NOON + 2 * DAY), ("wkc_none", NOON)):
            with pytest.raises(NotFound):
                contractors.find_link(session, secret, now=at)
    assert sweep(database, 2 * DAY) == 1
    assert states(database) == ["revoked", "expired"]
    assert told(database)[-1] == "back"


def test_all_links_of_a_list_end_together(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    offer_it(database, ticket_id, administrator.person_id)
    assert sweep(database, 3 * DAY) == 2
    assert states(database) == ["expired", "expired"]
    assert told(database) == ["offered", "expired", "expired", "back"]


def test_nobody_comes_for_what_is_done_or_cancelled(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, administrator.person_id)
    do(database, ticket_id, administrator.person_id, NOON, "cancel")
    with database.write() as session, pytest.raises(Conflict, match="not needed"):
        contractors.accept(session, contractors.find_link(session, first, now=NOON), now=NOON)
    sweep(database, 30 * MINUTE)
    assert states(database) == ["passed_on", "waiting"]


def test_work_is_done_only_with_words_and_a_photo(
    database: Database, site: SmallSite, administrator: Administrator, picture: StoredPhoto
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, administrator.person_id)
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        contractors.accept(session, link, now=NOON)
        with pytest.raises(Conflict):
            contractors.finish(session, link, "Done", [picture], now=NOON)
        contractors.arrive(session, link, "tap", now=NOON)
        with pytest.raises(Invalid) as caught:
            contractors.finish(session, link, "", [], now=NOON)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["report", "photo"]


def test_every_wrong_field_of_an_offer_is_named(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    wrong = Job([Contact("", "", "call me")], " ", "", True, MINUTE, 60 * DAY)
    with pytest.raises(Invalid) as caught:
        offer_it(database, ticket_id, administrator.person_id, wrong)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "contact 1, company",
        "contact 1, name",
        "contact 1, phone",
        "task",
        "answer_within",
        "lasts",
    ]


@pytest.mark.parametrize("state", CONTRACTOR_LINK.statuses)
@pytest.mark.parametrize("action", CONTRACTOR_LINK.moves)
def test_the_table_says_what_may_become_of_a_link(state: str, action: str) -> None:
    table: Lifecycle = CONTRACTOR_LINK
    if state in table.moves[action]:
        assert table.target(action, state) in table.statuses
    else:
        with pytest.raises(Conflict):
            table.target(action, state)


@ONE_ENGINE
@pytest.mark.parametrize("held_before", ["accept", "arrive", "finish"])
def test_a_contractor_goes_on_although_the_ticket_is_on_hold(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    picture: StoredPhoto,
    held_before: str,
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, person)
    seen = {}
    for number, step in enumerate(("accept", "arrive", "finish"), 1):
        at = NOON + number * MINUTE
        if step == held_before:
            # Until the part comes, say.
            do(database, ticket_id, person, at, "hold")
        with database.write() as session:
            link = contractors.find_link(session, first, now=NOON)
            if step == "accept":
                contractors.accept(session, link, now=at)
            elif step == "arrive":
                customers.arrive_by_tap(session, link, now=at)
            else:
                contractors.finish(session, link, "New bearing", [picture], now=at)
        seen[step] = ticket_of(database, ticket_id).state
    waits = "on_hold" if held_before == "accept" else "assigned"
    assert seen == {"accept": waits, "arrive": "in_progress", "finish": "resolved"}
    assert ticket_of(database, ticket_id).responded_at == NOON + MINUTE


@ONE_ENGINE
def test_the_next_contractor_or_the_team_has_what_is_given_back_on_hold(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = write_ticket(database, site, NOON)
    first, second = offer_it(database, ticket_id, administrator.person_id)
    do(database, ticket_id, administrator.person_id, NOON, "hold")
    for secret, state in ((first, "on_hold"), (second, "assigned")):
        with database.write() as session:
            link = contractors.find_link(session, secret, now=NOON)
            contractors.decline(session, link, "No time", now=NOON + MINUTE)
        assert ticket_of(database, ticket_id).state == state
    assert told(database)[-2:] == ["declined", "back"]
    assert ticket_of(database, ticket_id).hold_until is None


@ONE_ENGINE
@pytest.mark.parametrize("taken", ["accept", "assign"])
def test_a_link_takes_nothing_back_from_one_of_ours_who_has_the_ticket(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    picture: StoredPhoto,
    taken: str,
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    first, _ = offer_it(database, ticket_id, person)
    take(database, first, NOON)
    given = {"assignee_id": person} if taken == "assign" else {}
    do(database, ticket_id, person, NOON + MINUTE, taken, **given)
    before = len(facts_of(database, ""))
    used = [contractors.NewClaim("labour", "", Decimal(1))]
    at = NOON + 2 * MINUTE
    steps: list[Callable[[Session, ContractorLink], None]] = [
        lambda session, link: customers.arrive_by_tap(session, link, now=at),
        lambda session, link: contractors.claim(session, link, used, now=at),
        lambda session, link: contractors.decline(session, link, "No time", now=at),
    ]
    for step in steps:
        with database.write() as session, pytest.raises(Conflict, match="in other hands"):
            step(session, contractors.find_link(session, first, now=NOON))
    assert states(database) == ["accepted", "waiting"]
    assert ticket_of(database, ticket_id).assignee_id == person
    assert len(facts_of(database, "")) == before
    # Given back to the team, it is the contractor's as before.
    do(database, ticket_id, person, NOON + 3 * MINUTE, "assign", team="maintenance")
    with database.write() as session:
        link = contractors.find_link(session, first, now=NOON)
        customers.arrive_by_tap(session, link, now=NOON + 4 * MINUTE)
        contractors.finish(session, link, "New bearing", [picture], now=NOON + 5 * MINUTE)
    assert ticket_of(database, ticket_id).state == "resolved"


@ONE_ENGINE
def test_nobody_else_is_asked_while_one_of_ours_has_the_ticket(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    person = administrator.person_id
    ticket_id = write_ticket(database, site, NOON)
    offer_it(database, ticket_id, person)
    do(database, ticket_id, person, NOON, "accept")
    assert sweep(database, 30 * MINUTE) == 1
    assert states(database) == ["passed_on", "expired"]
    assert ticket_of(database, ticket_id).assignee_id == person
    # So the ticket can be offered again.
    offer_it(database, ticket_id, person)
