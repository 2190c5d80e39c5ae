"""What a contractor says they used: written down by them, accepted or struck by us, never mixed."""

from decimal import Decimal
from uuid import UUID

import pytest

from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.money import rounded
from core.people import Caller, Person, caller_for
from tests.fixtures import NOON, Administrator, SmallSite
from tests.workflows.conftest import MINUTE, do, facts_of, write_ticket
from workflows.tickets import Ticket, contractors
from workflows.tickets.contractors import CLAIM, Contact, Job, NewClaim
from workflows.tickets.contractors.claims import MOST_CLAIMS
from workflows.tickets.work import list_work

NOBODY = UUID(int=1)
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
JOB = Job([Contact("Pumps Ltd", "Wang", "0574-8800")], "Replace the bearing")
LINES = [
    NewClaim("labour", "", Decimal("1.5"), Decimal("80")),
    NewClaim("part", "  Bearing   6204 ", Decimal("2"), Decimal("62.25")),
    NewClaim("part", "Grease", Decimal("0.333")),
    NewClaim("cost", "Taxi", None, Decimal("31.50")),
]


@pytest.fixture
def ticket_id(database: Database, site: SmallSite) -> UUID:
    return write_ticket(database, site, NOON)


@pytest.fixture
def secret(database: Database, ticket_id: UUID, administrator: Administrator) -> str:
    """The link of a job that was accepted."""
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        person = administrator.person_id
        [(link, secret)] = contractors.offer(session, ticket, JOB, person=person, now=NOON)
        contractors.accept(session, link, now=NOON)
    return secret


def write_down(database: Database, secret: str, *lines: NewClaim, form: UUID | None = None) -> None:
    with database.write() as session:
        link = contractors.find_link(session, secret, now=NOON)
        contractors.claim(session, link, lines, now=NOON + MINUTE, form=form)


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def decide(database: Database, caller: Caller, claim_id: UUID, action: str) -> None:
    with database.write() as session:
        row = contractors.find_claim(session, caller, claim_id)
        contractors.decide_claim(session, caller, row, action, now=NOON + 2 * MINUTE)


def shown(database: Database, ticket_id: UUID) -> list[dict[str, object]]:
    with database.read() as session:
        return contractors.list_claims(session, ticket_id, NOBODY)


def test_hours_parts_and_costs_are_claimed_as_theirs_and_are_no_work_of_ours(
    database: Database, ticket_id: UUID, secret: str
) -> None:
    write_down(database, secret, *LINES)
    lines = shown(database, ticket_id)
    assert [(one["what"], one["minutes"], one["quantity"], one["cost"]) for one in lines] == [
        ("", 90, None, "120.00"),
        ("Bearing 6204", None, "2", "124.50"),
        ("Grease", None, "0.333", None),
        ("Taxi", None, None, "31.50"),
    ]
    assert {(one["company"], one["state"]) for one in lines} == {("Pumps Ltd", "claimed")}
    with database.read() as session:
        assert list_work(session, ticket_id) == []
        sums = contractors.sums_of(contractors.list_claims(session, ticket_id, NOBODY))
    assert sums == {"claimed": Decimal("276.00"), "accepted": 0, "struck": 0}
    facts = facts_of(database, "ticket.claim")
    assert {fact.actor_kind for fact in facts} == {"contractor"}
    assert "earing" not in repr([fact.after for fact in facts])


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (NewClaim("labour"), "hours"),
        (NewClaim("labour", "", Decimal("400")), "hours"),
        (NewClaim("labour", "", Decimal("0.001")), "hours"),
        (NewClaim("part", "", Decimal(1)), "part"),
        (NewClaim("part", "Bearing"), "part"),
        (NewClaim("part", "Bearing", Decimal(0)), "part"),
        (NewClaim("part", "Bearing", Decimal("NaN")), "part"),
        (NewClaim("part", "Bearing", Decimal("0.0001")), "part"),
        (NewClaim("part", "x" * 121, Decimal(1)), "part"),
        (NewClaim("part", "Bearing", Decimal(1), Decimal(-1)), "price"),
        (NewClaim("part", "Bearing", Decimal(1), Decimal("0.001")), "price"),
        (NewClaim("part", "Bearing", Decimal(2), Decimal(10_000_000)), "price"),
        (NewClaim("part", "Bearing", Decimal(1), Decimal("1e999999")), "price"),
        (NewClaim("cost", "Taxi"), "cost"),
        (NewClaim("gift", "Tea"), "kind"),
    ],
)
def test_what_can_t_be_is_refused_by_its_field(
    database: Database, ticket_id: UUID, secret: str, line: NewClaim, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        write_down(database, secret, LINES[0], line)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [field]
    assert shown(database, ticket_id) == []


@ONE_ENGINE
def test_a_form_that_is_sent_twice_counts_once(
    database: Database, ticket_id: UUID, secret: str
) -> None:
    form = new_id()
    write_down(database, secret, *LINES, form=form)
    before = shown(database, ticket_id)
    assert [one["what"] for one in before] == ["", "Bearing 6204", "Grease", "Taxi"]
    write_down(database, secret, *LINES, form=form)
    assert shown(database, ticket_id) == before
    assert len(facts_of(database, "ticket.claim")) == len(LINES)
    # Whoever goes back and adds a line to the form that they sent adds that line alone.
    write_down(database, secret, *LINES, LINES[0], form=form)
    # What is used once more is written into a form of its own.
    write_down(database, secret, LINES[3], form=new_id())
    added = shown(database, ticket_id)[len(before) :]
    assert sorted(str(one["what"]) for one in added) == ["", "Taxi"]


def test_a_job_holds_so_many_lines_and_no_more(
    database: Database, ticket_id: UUID, secret: str
) -> None:
    write_down(database, secret, *[LINES[0]] * MOST_CLAIMS)
    with pytest.raises(Conflict, match="at most"):
        write_down(database, secret, LINES[0])
    assert len(shown(database, ticket_id)) == MOST_CLAIMS


def test_nothing_is_written_down_before_accepting_nor_once_the_job_is_over(
    database: Database, ticket_id: UUID, administrator: Administrator
) -> None:
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        person = administrator.person_id
        [(_, secret)] = contractors.offer(session, ticket, JOB, person=person, now=NOON)
    with pytest.raises(Conflict, match="written down"):
        write_down(database, secret, LINES[0])
    with database.write() as session:
        contractors.accept(session, contractors.find_link(session, secret, now=NOON), now=NOON)
    do(database, ticket_id, administrator.person_id, NOON, "cancel")
    with pytest.raises(Conflict, match="written down"):
        write_down(database, secret, LINES[0])


def test_a_line_of_ones_own_is_withdrawn_until_it_is_decided(
    database: Database, ticket_id: UUID, secret: str, administrator: Administrator
) -> None:
    write_down(database, secret, *LINES[:2])
    first, second = (UUID(str(one["id"])) for one in shown(database, ticket_id))
    caller = caller_of(database, administrator.person_id)
    decide(database, caller, second, "accept")
    with database.write() as session:
        link = contractors.find_link(session, secret, now=NOON)
        contractors.withdraw_claim(session, link, first, now=NOON)
        with pytest.raises(Conflict, match="decided"):
            contractors.withdraw_claim(session, link, second, now=NOON)
        with pytest.raises(NotFound):
            contractors.withdraw_claim(session, link, first, now=NOON)
    assert [one["id"] for one in shown(database, ticket_id)] == [second]
    assert len(facts_of(database, "ticket.claim_removed")) == 1


def test_another_link_takes_nothing_away(
    database: Database, site: SmallSite, ticket_id: UUID, secret: str, administrator: Administrator
) -> None:
    write_down(database, secret, LINES[0])
    [line] = shown(database, ticket_id)
    other_id = write_ticket(database, site, NOON)
    with database.write() as session:
        other = session.get_one(Ticket, other_id)
        person = administrator.person_id
        [(link, _)] = contractors.offer(session, other, JOB, person=person, now=NOON)
        contractors.accept(session, link, now=NOON)
        with pytest.raises(NotFound):
            contractors.withdraw_claim(session, link, UUID(str(line["id"])), now=NOON)


@pytest.mark.parametrize("action", CLAIM.moves)
@pytest.mark.parametrize("state", CLAIM.statuses)
def test_a_claim_moves_by_its_table(
    database: Database,
    ticket_id: UUID,
    secret: str,
    administrator: Administrator,
    state: str,
    action: str,
) -> None:
    write_down(database, secret, LINES[0])
    [line] = shown(database, ticket_id)
    claim_id, caller = UUID(str(line["id"])), caller_of(database, administrator.person_id)
    way = {"accepted": "accept", "struck": "strike"}
    if state in way:
        decide(database, caller, claim_id, way[state])
    if state not in CLAIM.moves[action]:
        with pytest.raises(Conflict):
            decide(database, caller, claim_id, action)
        return
    decide(database, caller, claim_id, action)
    [line] = shown(database, ticket_id)
    assert line["state"] == CLAIM.moves[action][state]
    assert line["decided_by_name"] is not None


def test_whoever_may_not_close_decides_nothing(
    database: Database, ticket_id: UUID, secret: str, site: SmallSite
) -> None:
    write_down(database, secret, LINES[0])
    [line] = shown(database, ticket_id)
    reads = frozenset({site.id})
    desk = Caller(NOBODY, "Desk", "en", {"tickets.read": reads})
    with pytest.raises(NotAllowed):
        decide(database, desk, UUID(str(line["id"])), "accept")
    with pytest.raises(NotFound):
        decide(database, Caller(NOBODY, "Nobody", "en"), UUID(str(line["id"])), "accept")


def test_a_claim_is_seen_from_the_ticket_that_its_own_was_merged_into(
    database: Database, site: SmallSite, ticket_id: UUID, secret: str, administrator: Administrator
) -> None:
    write_down(database, secret, LINES[0])
    target = write_ticket(database, site, NOON)
    do(database, ticket_id, administrator.person_id, NOON, "merge", into_id=target)
    assert [one["company"] for one in shown(database, target)] == ["Pumps Ltd"]


def test_halves_are_rounded_away_from_zero() -> None:
    assert [rounded(Decimal(one)) for one in ("0.005", "-0.005", "0.0049")] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal(0),
    ]
