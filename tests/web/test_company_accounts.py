"""Somebody of a hired company joins, does the jobs given to it, and loses them with the hire."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import companies, company_accounts, events
from core.companies import Company
from core.db import Session
from core.events import Event
from core.people import Grant, Person
from core.places import Asset
from tests.pictures import photo
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from workflows import customers
from workflows.notifications import take_up
from workflows.notifications.model import Notice
from workflows.tickets import Draft, Ticket, contractors, open_ticket
from workflows.tickets.contractors import Contact, ContractorLink, Job

PUMP = "b1-pump-1"
PASSWORD = "three plain words"
TASK = "Replace the bearing"


@dataclass
class Firm:
    """The office of our site, and what it does with companies."""

    stage: Stage
    office: TestClient

    @property
    def csrf(self) -> dict[str, str]:
        return {"csrf": csrf_token(self.office.cookies[SESSION_COOKIE])}

    def hire(self, name: str) -> UUID:
        """Hire a company for our site."""
        form = {**self.csrf, "site": str(self.stage.site_id), "name": name}
        assert self.office.post("/companies", data=form).status_code == 303
        with self.stage.parts.database.read() as session:
            return session.scalars(select(Company.id).where(Company.name == name)).one()

    def invite(self, company: UUID) -> str:
        """The path of a fresh invitation."""
        page = self.office.post(f"/companies/{company}/invite", data=self.csrf).text
        found = re.search(r"/join/company/[\w-]+", page)
        assert found is not None
        return found[0]

    def come(self, company: UUID, login: str, path: str = "") -> TestClient:
        """Somebody of a company who has joined, by a given invitation or a fresh one."""
        path, client = (
            path or self.invite(company),
            TestClient(self.stage.app, follow_redirects=False),
        )
        token = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
        assert token is not None
        form = {"csrf": token[1], "name": "Zheng Tao", "login": login, "password": PASSWORD}
        answer = client.post(path, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/jobs")
        return client

    def offer(self, *companies: str) -> list[UUID]:
        """Hand a new ticket at the pump to these companies, one after the other."""
        stage = self.stage
        person, now = stage.person("Wu Min", "manager", node=stage.site_id), stage.parts.clock.now()
        with stage.parts.database.write() as session:
            pump = session.get_one(Asset, stage.assets[PUMP])
            draft = Draft(
                site_id=stage.site_id,
                asset_id=pump.id,
                space_id=pump.space_id,
                kind="repair",
                priority="medium",
                title={"und": "Mrs Zhou of 301 complains"},
                team="maintenance",
                happened_at=now,
                learned_at=now,
            )
            ticket = open_ticket(session, draft, actor=events.SYSTEM)
            contacts = [Contact(name, "Li Na", "0574 8800") for name in companies]
            made = contractors.offer(session, ticket, Job(contacts, TASK), person=person, now=now)
            return [link.id for link, _ in made]

    def step(self, client: TestClient, link: UUID, what: str, **form: str) -> int:
        given = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), **form}
        files = {"photo": ("a.jpg", photo())} if what == "done" else None
        return client.post(f"/jobs/{link}/{what}", data=given, files=files).status_code

    def state(self, link: UUID) -> str:
        with self.stage.parts.database.read() as session:
            return session.get_one(ContractorLink, link).state


@pytest.fixture
def firm(stage: Stage) -> Firm:
    return Firm(stage, signed_in(stage, stage.secret(stage.person("Wu Min", "manager"), "session")))


def test_a_job_from_the_offer_to_the_proof(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    assert client.get("/").headers["location"] == "/jobs"
    [link] = firm.offer("pumps  ltd")
    page = client.get("/jobs").text
    assert TASK in page
    assert firm.step(client, link, "accept") == 303
    assert firm.step(client, link, "arrive") == 303
    assert firm.step(client, link, "done", report="Bearing replaced") == 303
    assert firm.state(link) == "done"
    page = client.get(f"/jobs/{link}").text
    assert "Finished." in page
    # Nothing of what the ticket itself says.
    assert "Mrs Zhou" not in page + client.get("/jobs").text


def test_the_sticker_on_the_spot_knows_whose_job_is_there(firm: Firm) -> None:
    stage = firm.stage
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    person, now = stage.person("Wu Min", "manager", node=stage.site_id), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        places = [
            place
            for place in customers.places_to_label(session, stage.site_id, what="assets")
            if place.code == PUMP
        ]
        customers.make_stickers(session, places, stage.site_id, person=person, now=now)
        path = session.scalars(select(customers.Sticker)).one().path
    [link] = firm.offer("Pumps Ltd")
    assert "Your job is here" not in client.get(f"/s/{path}").text
    firm.step(client, link, "accept")
    assert firm.step(client, link, "arrive") == 422
    page = client.get(f"/s/{path}").text
    assert "Your job is here" in page
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    form = {"csrf": token[1], "path": path}
    assert client.post(f"/jobs/{link}/arrive", data=form).status_code == 303
    assert firm.state(link) == "arrived"


def test_another_company_and_whose_turn_it_is_not_find_nothing(firm: Firm) -> None:
    ours = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    theirs = firm.come(firm.hire("Lifts Ltd"), "he.ping")
    first, second = firm.offer("Pumps Ltd", "Lifts Ltd")
    assert TASK not in theirs.get("/jobs").text
    for link in (first, second):
        assert theirs.get(f"/jobs/{link}").status_code == 404
        for what in ("accept", "decline", "arrive", "done"):
            assert firm.step(theirs, link, what, reason="No", report="Done") == 404, what
    # The first can't come: now it is their turn.
    assert firm.step(ours, first, "decline", reason="No time") == 303
    assert TASK in theirs.get("/jobs").text
    assert theirs.get(f"/jobs/{second}").status_code == 200
    assert theirs.get(f"/jobs/{first}").status_code == 404


def test_no_page_of_staff_opens(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    with firm.stage.parts.database.read() as session:
        ticket = session.get_one(Ticket, session.get_one(ContractorLink, link).ticket_id)
    for address in (
        "/tickets",
        f"/tickets/{ticket.number}",
        "/people",
        "/companies",
        "/control-room",
        "/home",
        f"/live/{firm.stage.site_id}/tree",
    ):
        assert client.get(address).status_code in (403, 404), address
    assert "Zheng Tao" not in firm.office.get("/people").text


def test_ending_the_hire_ends_accounts_invitations_and_jobs(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    client, waiting = firm.come(company, "zheng.tao"), firm.invite(company)
    [link] = firm.offer("Pumps Ltd")
    assert firm.office.post(f"/companies/{company}/end", data=firm.csrf).status_code == 422
    form = {**firm.csrf, "sure": "yes"}
    assert firm.office.post(f"/companies/{company}/end", data=form).status_code == 303
    assert client.get("/jobs").headers["location"] == "/sign-in"
    assert TestClient(firm.stage.app).get(waiting).status_code == 404
    assert firm.state(link) == "revoked"
    with firm.stage.parts.database.read() as session:
        person = session.scalars(select(Person).where(Person.name == "Zheng Tao")).one()
        assert person.left_at is not None
        assert "company.end" in list(session.scalars(select(Event.kind)))


def test_somebody_who_comes_no_more_loses_their_way_in_alone(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    one, other = firm.come(company, "zheng.tao"), firm.come(company, "he.ping")
    with firm.stage.parts.database.read() as session:
        people = session.scalars(select(Person).where(Person.name == "Zheng Tao")).all()
    gone = min(people, key=lambda person: person.id).id
    answer = firm.office.post(f"/companies/{company}/people/{gone}/end", data=firm.csrf)
    assert answer.status_code == 303
    assert one.get("/jobs").status_code == 303
    assert other.get("/jobs").status_code == 200


def test_whoever_of_a_company_lives_here_keeps_their_home(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    client = firm.come(company, "zheng.tao")
    with firm.stage.parts.database.write() as session:
        person = session.scalars(select(Person.id).where(Person.name == "Zheng Tao")).one()
        session.add(Grant(person_id=person, node_id=firm.stage.site_id, role="resident"))
    firm.office.post(f"/companies/{company}/people/{person}/end", data=firm.csrf)
    assert client.get("/jobs").status_code == 403
    assert client.get("/home").status_code == 200


def test_an_invitation_that_ends_while_it_is_used_joins_nobody(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = firm.hire("Pumps Ltd")
    path = firm.invite(company)
    look = company_accounts.open_company_invitation

    def overtaken(session: Session, secret: str, *, now: datetime) -> object:
        found = look(session, secret, now=now)
        companies.end_company(session, found[1], actor=events.SYSTEM, now=now)
        return found

    client = TestClient(firm.stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert token is not None
    monkeypatch.setattr(company_accounts, "open_company_invitation", overtaken)
    form = {"csrf": token[1], "name": "Zheng Tao", "login": "zheng.tao", "password": PASSWORD}
    assert client.post(path, data=form).status_code == 404
    with firm.stage.parts.database.read() as session:
        assert session.scalars(select(Person).where(Person.name == "Zheng Tao")).all() == []


def test_an_invitation_works_once(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    path = firm.invite(company)
    firm.come(company, "zheng.tao", path)
    assert TestClient(firm.stage.app).get(path).status_code == 404


def test_everybody_of_the_company_is_told_when_it_is_their_turn(firm: Firm) -> None:
    firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    with firm.stage.parts.database.write() as session:
        facts = session.scalars(select(Event).where(Event.kind == "ticket.contractor")).all()
        take_up(session, facts, now=firm.stage.parts.clock.now())
        notice = session.scalars(select(Notice).where(Notice.kind == "contractor.offer")).one()
        assert notice.facts["job"] == str(link)
        assert notice.person_id is not None


def test_a_company_is_hired_once(firm: Firm) -> None:
    firm.hire("Pumps Ltd")
    form = {**firm.csrf, "site": str(firm.stage.site_id), "name": "PUMPS Ltd"}
    assert firm.office.post("/companies", data=form).status_code == 409


def add_to(client: TestClient, path: str) -> int:
    """Somebody who is signed in opens an invitation and adds it to their account."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    token = re.search(
        r'name="csrf" value="([^"]+)"[^>]*>\s*<button class="btn btn-primary', page.text
    )
    assert token is not None, page.text
    return client.post(f"{path}/add", data={"csrf": token[1]}).status_code


def test_somebody_of_another_company_adds_one_to_their_account(firm: Firm) -> None:
    pumps, lifts = firm.hire("Pumps Ltd"), firm.hire("Lifts Ltd")
    client = firm.come(pumps, "zheng.tao")
    path = firm.invite(lifts)
    assert "Lifts Ltd" in client.get(path).text
    [link] = firm.offer("Lifts Ltd")
    assert client.get(f"/jobs/{link}").status_code == 404
    assert add_to(client, path) == 303
    assert TestClient(firm.stage.app).get(path).status_code == 404
    assert client.get(f"/jobs/{link}").status_code == 200
    # One hire ends: the account stays for the other, and the session with it.
    form = {**firm.csrf, "sure": "yes"}
    assert firm.office.post(f"/companies/{lifts}/end", data=form).status_code == 303
    assert client.get(f"/jobs/{link}").status_code == 404
    assert client.get("/jobs").status_code == 200
    firm.office.post(f"/companies/{pumps}/end", data=form)
    assert client.get("/jobs").headers["location"] == "/sign-in"


def test_a_colleague_adds_a_company_and_keeps_the_rest_when_it_ends(firm: Firm) -> None:
    stage, company = firm.stage, firm.hire("Pumps Ltd")
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    client = signed_in(stage, stage.secret(person, "session"))
    assert client.get("/jobs").status_code == 403
    assert add_to(client, firm.invite(company)) == 303
    assert client.get("/jobs").status_code == 200
    assert '"/jobs"' in client.get("/tickets").text
    assert (
        firm.office.post(f"/companies/{company}/people/{person}/end", data=firm.csrf).status_code
        == 303
    )
    assert client.get("/jobs").status_code == 403
    assert client.get("/tickets").status_code == 200
    # Whoever comes again is of the company again.
    assert add_to(client, firm.invite(company)) == 303
    assert client.get("/jobs").status_code == 200


def test_an_invitation_of_ones_own_company_stays_for_another(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    client, path = firm.come(company, "zheng.tao"), firm.invite(company)
    page = client.get(path).text
    assert f"{path}/add" not in page
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    assert client.post(f"{path}/add", data=form).status_code == 409
    firm.come(company, "he.ping", path)


def test_adding_takes_a_form_of_ours(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    path = firm.invite(firm.hire("Lifts Ltd"))
    assert client.post(f"{path}/add").status_code == 403
    assert TestClient(firm.stage.app, follow_redirects=False).post(f"{path}/add").status_code == 303
    assert client.get(path).status_code == 200


def test_an_invitation_is_taken_back(firm: Firm) -> None:
    company = firm.hire("Pumps Ltd")
    path = firm.invite(company)
    page = firm.office.get("/companies").text
    waiting = re.search(rf"/companies/{company}/invitations/[\w-]+/revoke", page)
    assert waiting is not None
    assert firm.office.post(waiting[0], data=firm.csrf).status_code == 303
    assert TestClient(firm.stage.app).get(path).status_code == 404
    assert firm.office.post(waiting[0], data=firm.csrf).status_code == 404


def test_a_colleague_who_did_the_work_for_a_company_does_not_verify_it(firm: Firm) -> None:
    stage, company = firm.stage, firm.hire("Pumps Ltd")
    person = stage.person("Lu Yan", "supervisor", node=stage.site_id)
    client = signed_in(stage, stage.secret(person, "session"))
    add_to(client, firm.invite(company))
    [link] = firm.offer("Pumps Ltd")
    for what in ("accept", "arrive", "done"):
        assert firm.step(client, link, what, report="Bearing replaced") == 303
    with stage.parts.database.read() as session:
        ticket = session.get_one(Ticket, session.get_one(ContractorLink, link).ticket_id)
    form = {"version": str(ticket.version)}
    own = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), **form}
    assert client.post(f"/tickets/{ticket.number}/verify", data=own).status_code == 409
    theirs = {**firm.csrf, **form}
    assert firm.office.post(f"/tickets/{ticket.number}/verify", data=theirs).status_code == 303


def test_a_large_photo_of_the_finished_work_is_taken(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    firm.step(client, link, "accept")
    firm.step(client, link, "arrive")
    # A JPEG may carry anything behind its end; a phone's photo is larger than a form.
    large = photo() + bytes(2 * 1024 * 1024)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "report": "Bearing replaced"}
    answer = client.post(f"/jobs/{link}/done", data=form, files={"photo": ("a.jpg", large)})
    assert answer.status_code == 303, answer.text
    assert firm.state(link) == "done"


def used_on(client: TestClient, link: UUID) -> list[str]:
    """The lines of what was used that the page of a job lets one remove."""
    page = client.get(f"/jobs/{link}").text
    return re.findall(rf"/jobs/{link}/used/[\w-]+/remove", page)


def test_what_was_used_is_claimed_on_the_ticket_and_accepted_there(firm: Firm) -> None:
    stage = firm.stage
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    firm.step(client, link, "accept")
    assert firm.step(client, link, "used", hours="1.5", hour_price="80") == 303
    assert firm.step(client, link, "used", part="Grease", quantity="1") == 303
    first, _ = used_on(client, link)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    assert client.post(first, data=form).status_code == 303
    firm.step(client, link, "arrive")
    used = {"part": "Bearing 6204", "quantity": "2", "price": "62.25"}
    assert firm.step(client, link, "done", report="Bearing replaced", **used) == 303
    page = client.get(f"/jobs/{link}").text
    assert "124.50" in page
    assert used_on(client, link) == []
    with stage.parts.database.read() as session:
        number = session.get_one(Ticket, session.get_one(ContractorLink, link).ticket_id).number
    shown = firm.office.get(f"/tickets/{number}").text
    assert "claimed by Pumps Ltd" in shown
    assert "Claimed, not decided: 124.50" in shown
    accept = re.findall(r"/contractor-claims/[\w-]+/accept", shown)
    assert len(accept) == 2
    assert firm.office.post(accept[-1], data=firm.csrf).status_code == 303
    assert "Claim accepted: 124.50" in firm.office.get(f"/tickets/{number}").text
    assert "Claim accepted" in client.get(f"/jobs/{link}").text


def test_who_works_tickets_reads_what_is_claimed_and_sees_no_button(firm: Firm) -> None:
    stage = firm.stage
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    firm.step(client, link, "accept")
    firm.step(client, link, "used", cost_for="Taxi", cost="31.50")
    with stage.parts.database.read() as session:
        number = session.get_one(Ticket, session.get_one(ContractorLink, link).ticket_id).number
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    worker = signed_in(stage, stage.secret(person, "session"))
    page = worker.get(f"/tickets/{number}").text
    assert "claimed by Pumps Ltd" in page
    assert "/contractor-claims/" not in page


def test_nobody_else_sees_or_writes_what_was_used(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    other = firm.come(firm.hire("Lifts Ltd"), "he.ping")
    [link] = firm.offer("Pumps Ltd")
    firm.step(client, link, "accept")
    firm.step(client, link, "used", cost_for="Taxi", cost="31.50")
    [line] = used_on(client, link)
    assert firm.step(other, link, "used", cost_for="Crane", cost="500") == 404
    form = {"csrf": csrf_token(other.cookies[SESSION_COOKIE])}
    assert other.post(line, data=form).status_code == 404
    assert len(used_on(client, link)) == 1


def test_wrong_numbers_and_nothing_at_all_are_refused(firm: Firm) -> None:
    client = firm.come(firm.hire("Pumps Ltd"), "zheng.tao")
    [link] = firm.offer("Pumps Ltd")
    firm.step(client, link, "accept")
    assert firm.step(client, link, "used") == 422
    assert firm.step(client, link, "used", hours="two") == 422
    assert firm.step(client, link, "used", hours="2", hour_price="NaN") == 422
    # Full-width digits, as Chinese keyboards type them.
    assert firm.step(client, link, "used", hours="１．５") == 303
    assert len(used_on(client, link)) == 1
