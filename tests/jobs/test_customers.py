"""Sweeps: jobs that no contractor accepted pass on, and what guests left is forgotten."""

from datetime import timedelta

from sqlalchemy import select

from core.clock import SimulatedClock
from core.db import Database
from core.limits import Limit, RateCount, take
from jobs.customers import forget_guests, pass_jobs_on
from jobs.runner import standard_sweeps
from tests.fixtures import NOON, Administrator, SmallSite
from tests.jobs.conftest import make_work, open_one, settings_of
from tests.workflows.conftest import facts_of
from workflows.tickets import Ticket
from workflows.tickets.contractors import Contact, ContractorLink, Job, offer


def test_an_urgent_job_passes_on_once_however_often_the_sweep_looks(
    database: Database, clock: SimulatedClock, site: SmallSite, administrator: Administrator
) -> None:
    ticket_id = open_one(database, site, NOON)
    job = Job([Contact("Pumps Ltd", "Li", "0574 8800")], "Repair it", urgent=True)
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        offer(session, ticket, job, person=administrator.person_id, now=NOON)
    work = make_work(database, clock)
    late = NOON + timedelta(minutes=31)
    assert [pass_jobs_on(work, at) for at in (NOON, late, late)] == [0, 1, 0]
    [passed] = facts_of(database, "contractor_link.pass_on")
    assert (passed.actor_kind, passed.happened_at) == ("job", NOON + timedelta(minutes=30))
    with database.read() as session:
        assert session.scalars(select(ContractorLink.state)).all() == ["passed_on"]
    back = facts_of(database, "ticket.contractor")[-1]
    assert back.after is not None
    assert back.after["state"] == "back"


def test_counts_of_guests_are_forgotten(database: Database, clock: SimulatedClock) -> None:
    take(database, [Limit("code", ("address",), 3, timedelta(hours=1))], now=NOON)
    assert forget_guests(make_work(database, clock), NOON + timedelta(days=2)) == 1
    with database.read() as session:
        assert session.scalars(select(RateCount)).all() == []


def test_the_sweeps_of_guests_are_among_the_standard_ones(clock: SimulatedClock) -> None:
    names = {sweep.name for sweep in standard_sweeps(settings_of(), clock)}
    assert {"contractors", "guests"} <= names
