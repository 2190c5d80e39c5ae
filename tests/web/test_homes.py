"""Somebody of a household joins by an invitation, reports from home, and loses it by moving out."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.deps import SESSION_COOKIE, csrf_token
from core import events, home_accounts
from core.channels.message import Message, Outcome
from core.contacts import set_reaching
from core.db import Session
from core.events import Event
from core.homes import Home, end_invitations
from core.households import Details, Resident, add_resident, erase, today_at
from core.limits import RateCount
from core.people import Credential, Grant, Person, hash_secret, new_secret
from core.places import Node, Space
from tests.pictures import photo
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from workflows import customers
from workflows.customers import ResidentReport, Wish, at_home
from workflows.notifications import take_up
from workflows.notifications.model import Notice
from workflows.notifications.telling import begin
from workflows.tickets import Step, Ticket, act, followers

PHONE, OTHER_PHONE = "13800138000", "13900139000"
PASSWORD = "three plain words"
WORDS = "The kitchen tap drips"


@dataclass
class House:
    """A unit of our site with its people, and the office's browser."""

    stage: Stage
    office: TestClient
    space_id: UUID

    @property
    def csrf(self) -> str:
        return csrf_token(self.office.cookies[SESSION_COOKIE])

    def live(
        self,
        name: str,
        phone: str = PHONE,
        *,
        space: UUID | None = None,
        until: date | None = None,
    ) -> UUID:
        """Somebody of a household."""
        with self.stage.parts.database.write() as session:
            where = session.get_one(Space, space or self.space_id)
            phones = (phone,) if phone else ()
            details = Details(name, phones, until=until)
            now = self.stage.parts.clock.now()
            return add_resident(session, where, details, actor=events.SYSTEM, now=now).id

    def invite(self, resident: UUID) -> str:
        """The path of a fresh invitation."""
        page = self.office.post(f"/residents/{resident}/invite", data={"csrf": self.csrf})
        assert page.status_code == 200, page.text
        found = re.search(r"/join/home/[\w-]+", page.text)
        assert found is not None
        return found[0]

    def join(self, path: str, phone: str = PHONE, password: str = PASSWORD) -> TestClient:
        """A phone that opens an invitation and joins."""
        client = TestClient(self.stage.app, follow_redirects=False)
        page = client.get(path)
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token is not None
        form = {"csrf": token[1], "phone": phone, "password": password}
        self.answer = client.post(path, data=form)
        return client

    def at_home(self, name: str = "Zhao Lei", phone: str = PHONE) -> tuple[UUID, TestClient]:
        """Somebody who has joined, and their browser."""
        resident = self.live(name, phone)
        client = self.join(self.invite(resident), phone)
        assert self.answer.status_code == 303, self.answer.text
        return resident, client

    def report(self, client: TestClient, place: UUID | None = None, words: str = WORDS) -> UUID:
        """A report from home; returns its id."""
        secret = re.search(r'name="secret" value="([^"]+)"', client.get("/home/report").text)
        assert secret is not None
        form = {
            "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
            "place": str(place or self.space_id),
            "secret": secret[1],
            "problem": "other",
            "words": words,
        }
        answer = client.post("/home/report", data=form, files={"photo": ("a.jpg", photo())})
        assert answer.status_code == 303, answer.text
        return UUID(answer.headers["location"].rsplit("/", 1)[1])

    def say(self, client: TestClient, report: UUID, what: str, **form: str) -> int:
        given = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), **form}
        return client.post(f"/home/reports/{report}/{what}", data=given).status_code

    def ticket_of(self, report: UUID) -> UUID:
        with self.stage.parts.database.read() as session:
            return session.get_one(ResidentReport, report).ticket_id

    def work(self, report: UUID, *actions: str) -> None:
        """Let a colleague work the ticket of a report, and have those who follow it told."""
        database, now = self.stage.parts.database, self.stage.parts.clock.now()
        worker = self.stage.person("Wei Chen", "technician", node=self.stage.site_id)
        with database.write() as session:
            ticket = session.get_one(Ticket, self.ticket_of(report))
            for action in actions:
                act(session, ticket, Step(action), person=worker, now=now)
            facts = session.scalars(select(Event).where(Event.kind.startswith("ticket."))).all()
            take_up(session, facts, now=now)


@pytest.fixture
def house(stage: Stage) -> House:
    return furnish(stage)


def furnish(stage: Stage) -> House:
    office = signed_in(stage, stage.secret(stage.person("Wu Min", "manager"), "session"))
    with stage.parts.database.read() as session:
        inner = Space.site_id == stage.site_id, Space.parent_id.is_not(None)
        space = session.scalars(select(Space.id).where(*inner).order_by(Space.code)).first()
    assert space is not None
    return House(stage, office, space)


def test_invited_joined_reported_told_and_rated(house: House) -> None:
    _, client = house.at_home()
    assert house.answer.headers["location"] == "/home"
    assert client.get("/").headers["location"] == "/home"
    report = house.report(client)
    assert WORDS in client.get("/home").text
    house.work(report, "accept", "start", "resolve")
    page = client.get("/home").text
    assert "Is it solved?" in page
    assert "Your report is done" in page
    assert house.say(client, report, "seen") == 303
    assert "Your report is done" not in client.get("/home").text
    assert house.say(client, report, "confirm") == 303
    assert house.say(client, report, "rate", stars="5", words="Quick") == 303
    assert "You gave 5 of 5 stars" in client.get(f"/home/reports/{report}").text
    assert "Is it solved?" not in client.get("/home").text


def test_who_rated_badly_and_sent_it_back_is_asked_again(house: House) -> None:
    _, client = house.at_home()
    report = house.report(client)
    house.work(report, "accept", "start", "resolve")
    assert house.say(client, report, "rate", stars="1", words="It still drips") == 303
    assert "Is it solved?" not in client.get("/home").text
    assert house.say(client, report, "refuse", reason="It still drips") == 303
    house.work(report, "accept", "start", "resolve")
    assert "Is it solved?" in client.get("/home").text
    assert "Yes, it is solved" in client.get(f"/home/reports/{report}").text


def test_a_phone_number_and_a_password_sign_them_in_again(house: House) -> None:
    house.at_home()
    fresh = TestClient(house.stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', fresh.get("/sign-in").text)
    form = {"login": PHONE, "password": PASSWORD, "csrf": token[1] if token else ""}
    assert fresh.post("/sign-in", data=form).status_code == 303
    assert fresh.get("/home").status_code == 200


def test_wrong_passwords_lock_the_account_of_a_resident_too(house: House) -> None:
    house.at_home()
    fresh = TestClient(house.stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', fresh.get("/sign-in").text)
    form = {"login": PHONE, "password": "wrong", "csrf": token[1] if token else ""}
    answers = [fresh.post("/sign-in", data=form).status_code for _ in range(7)]
    assert answers[-1] == 429


def test_nothing_of_the_pages_of_staff_opens(house: House) -> None:
    _, client = house.at_home()
    ticket = house.ticket_of(house.report(client))
    with house.stage.parts.database.read() as session:
        number = session.get_one(Ticket, ticket).number
    for address in (
        "/tickets",
        f"/tickets/{number}",
        "/people",
        "/control-room",
        f"/spaces/{house.space_id}",
        f"/live/{house.stage.site_id}/tree",
        "/stickers",
        "/imports",
    ):
        assert client.get(address).status_code in (403, 404), address
    page = client.get("/home").text
    assert 'href="/tickets' not in page
    assert client.get("/account").status_code == 200
    # And no colleague of theirs is among those who work here.
    assert "Zhao Lei" not in house.office.get("/people").text


def test_an_invitation_works_once_and_for_whoever_knows_the_number(house: House) -> None:
    path = house.invite(house.live("Zhao Lei"))
    house.join(path, "13500000000")
    assert house.answer.status_code == 422
    assert "another number" in house.answer.text
    house.join(path)
    assert house.answer.status_code == 303
    assert TestClient(house.stage.app).get(path).status_code == 404


def test_the_number_that_goes_with_a_found_paper_is_not_guessed(house: House) -> None:
    path = house.invite(house.live("Zhao Lei"))
    for number in range(12):
        house.join(path, f"1350000{number:04}")
    assert house.answer.status_code == 429


def test_nothing_is_kept_of_tries_with_papers_that_nobody_made(house: House) -> None:
    """Or anybody who makes secrets up could fill the table."""
    path = house.invite(house.live("Zhao Lei"))
    client = TestClient(house.stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert token is not None
    form = {"csrf": token[1], "phone": PHONE, "password": PASSWORD}
    for number in range(3):
        assert client.post(f"/join/home/wkh_{number}", data=form).status_code == 404
    with house.stage.parts.database.read() as session:
        assert session.scalars(select(RateCount)).all() == []


def test_a_newer_invitation_ends_the_one_before_and_moving_out_both(house: House) -> None:
    resident = house.live("Zhao Lei")
    first = house.invite(resident)
    second = house.invite(resident)
    guest = TestClient(house.stage.app)
    assert guest.get(first).status_code == 404
    assert guest.get(second).status_code == 200
    house.office.post(f"/residents/{resident}/move-out", data={"csrf": house.csrf})
    assert guest.get(second).status_code == 404


def test_an_invitation_that_ends_while_it_is_used_joins_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody moves out in the very moment in which they send the form."""
    resident = house.live("Zhao Lei")
    path = house.invite(resident)
    look = home_accounts.open_home_invitation

    def overtaken(session: Session, secret: str, *, now: datetime) -> home_accounts.Invited:
        found = look(session, secret, now=now)
        end_invitations(session, [resident], now=now)
        return found

    client = TestClient(house.stage.app, follow_redirects=False)
    token = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert token is not None
    monkeypatch.setattr(home_accounts, "open_home_invitation", overtaken)
    form = {"csrf": token[1], "phone": PHONE, "password": PASSWORD}
    assert client.post(path, data=form).status_code == 404
    with house.stage.parts.database.read() as session:
        assert session.scalars(select(Home)).all() == []


def test_moving_out_ends_sessions_reports_and_links_at_once(house: House) -> None:
    resident, client = house.at_home()
    report = house.report(client)
    secret = new_secret("report")
    with house.stage.parts.database.write() as session:
        session.get_one(ResidentReport, report).secret_hash = hash_secret(secret)
    guest = TestClient(house.stage.app)
    assert guest.get(f"/p/{secret}").status_code == 200
    house.office.post(f"/residents/{resident}/move-out", data={"csrf": house.csrf})
    assert client.get("/home").headers["location"] == "/sign-in"
    assert guest.get(f"/p/{secret}").status_code == 404
    with house.stage.parts.database.read() as session:
        home = session.scalars(select(Home)).one()
        assert home.ended_at is not None
        assert session.get_one(Person, home.person_id).left_at is not None
        assert not session.scalars(select(Grant).where(Grant.person_id == home.person_id)).all()
        kinds = list(session.scalars(select(Event.kind)))
        assert kinds.count("resident.access_end") == 1


def test_whoever_works_here_as_well_stays_signed_in_at_work(house: House) -> None:
    """Moving out takes the home, and no more; a link that the office made for it goes, too."""
    resident, client = house.at_home()
    report = house.report(client)
    page = house.office.post(f"/residents/{resident}/invite", data={"csrf": house.csrf}).text
    link = re.search(r"/sign-in/wkl_[\w-]+", page)
    assert link is not None
    with house.stage.parts.database.write() as session:
        person = session.scalars(select(Home.person_id)).one()
        session.add(Grant(person_id=person, node_id=house.stage.site_id, role="guard"))
    token = house.stage.secret(person, "token")
    house.office.post(f"/residents/{resident}/move-out", data={"csrf": house.csrf})
    assert client.get("/tickets").status_code == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert TestClient(house.stage.app).get("/api/v1/tickets", headers=bearer).status_code == 200
    assert client.get("/home").status_code == 403
    assert client.get(f"/home/reports/{report}").status_code == 403
    guest = TestClient(house.stage.app, follow_redirects=False)
    token_of_form = re.search(r'name="csrf" value="([^"]+)"', guest.get(link[0]).text)
    form = {"csrf": token_of_form[1]} if token_of_form else {}
    assert SESSION_COOKIE not in guest.post(link[0], data=form).cookies
    with house.stage.parts.database.read() as session:
        assert session.get_one(Person, person).left_at is None


def test_another_home_stays_open_when_one_is_left(house: House) -> None:
    resident, client = house.at_home()
    with house.stage.parts.database.read() as session:
        spaces = select(Space.id).where(
            Space.site_id == house.stage.site_id, Space.id != house.space_id
        )
        other = session.scalars(spaces).first()
    path = house.invite(house.live("Zhao Lei", space=other))
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    assert client.post(f"{path}/add", data=form).status_code == 303
    first, second = house.report(client), house.report(client, other, "Second home")
    house.office.post(f"/residents/{resident}/move-out", data={"csrf": house.csrf})
    assert client.get(f"/home/reports/{first}").status_code == 404
    assert client.get(f"/home/reports/{second}").status_code == 200


def test_what_is_wrong_with_a_report_from_home_is_said_in_the_readers_language(
    house: House,
) -> None:
    _, client = house.at_home()
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "secret": new_secret("report")}
    form |= {"place": str(house.space_id), "problem": "other", "words": " "}
    answer = client.post("/home/report?lang=zh", data=form)
    assert answer.status_code == 422
    assert "请说明问题" in answer.text
    assert "say what is wrong" not in answer.text
    assert 'href="/home">我的家' in answer.text


def test_a_home_of_another_number_is_not_added_and_says_so_in_the_readers_language(
    house: House,
) -> None:
    _, client = house.at_home()
    path = house.invite(house.live("Zhao Lei", OTHER_PHONE))
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    answer = client.post(f"{path}/add?lang=zh", data=form)
    assert answer.status_code == 422
    assert "与物业登记的手机号不一致" in answer.text
    assert "phone:" not in answer.text


def test_the_day_of_moving_out_ends_it_before_any_sweep(house: House) -> None:
    resident, client = house.at_home()
    report = house.report(client)
    database, now = house.stage.parts.database, house.stage.parts.clock.now()
    with database.write() as session:
        row = session.get_one(Resident, resident)
        row.until = today_at(session, row.site_id, now) + timedelta(days=1)
    assert client.get(f"/home/reports/{report}").status_code == 200
    with database.write() as session:
        # As it stands on the morning of that day, before anything looked.
        row = session.get_one(Resident, resident)
        row.until = today_at(session, row.site_id, now)
    assert client.get(f"/home/reports/{report}").status_code == 404
    assert WORDS not in client.get("/home").text
    with database.write() as session:
        assert home_accounts.end_lapsed(session, now=now, actor=events.SYSTEM) == 1
        assert home_accounts.end_lapsed(session, now=now, actor=events.SYSTEM) == 0
    assert client.get("/home").headers["location"] == "/sign-in"


def test_erasing_somebody_takes_their_name_out_of_the_account(house: House) -> None:
    resident, _ = house.at_home()
    with house.stage.parts.database.write() as session:
        row = session.get_one(Resident, resident)
        erase(session, [row], actor=events.SYSTEM, now=house.stage.parts.clock.now())
    with house.stage.parts.database.read() as session:
        home = session.scalars(select(Home)).one()
        assert session.get_one(Person, home.person_id).name == ""


def test_who_lost_their_home_leaves_no_number_with_their_reports(house: House) -> None:
    resident, client = house.at_home()
    report = house.report(client)
    parts = house.stage.parts
    now = parts.clock.now()
    with parts.database.write() as session:
        row = session.get_one(ResidentReport, report)
        # As if it had come by a sticker, with the number that put it into the account.
        row.phone = PHONE
        followers.follow(
            session,
            parts.vault,
            session.get_one(Ticket, row.ticket_id),
            followers.RESIDENT,
            report,
            phone=PHONE,
            secret="",
            language="zh",
            ends_at=row.ends_at,
            now=now,
        )
    with parts.database.write() as session:
        assert customers.forget_phones(session, now=now) == 0
        assert followers.forget_followers(session, now=now) == 0
        erase(session, [session.get_one(Resident, resident)], actor=events.SYSTEM, now=now)
        assert customers.forget_phones(session, now=now) == 1
        assert followers.forget_followers(session, now=now) == 1
    with parts.database.read() as session:
        assert session.get_one(ResidentReport, report).phone is None
        assert set(session.scalars(select(followers.Follower.phone))) == {None}


def neighbour_of(house: House) -> tuple[UUID, TestClient]:
    """Somebody of another unit of the same site."""
    with house.stage.parts.database.read() as session:
        spaces = select(Space.id).where(
            Space.site_id == house.stage.site_id, Space.id != house.space_id
        )
        other = session.scalars(spaces.order_by(Space.code.desc())).first()
    assert other is not None
    resident = house.live("Qian Bo", OTHER_PHONE, space=other)
    client = house.join(house.invite(resident), OTHER_PHONE)
    return other, client


def test_a_neighbour_finds_nothing(house: House) -> None:
    _, client = house.at_home()
    report = house.report(client)
    other, neighbour = neighbour_of(house)
    assert WORDS not in neighbour.get("/home").text
    assert neighbour.get(f"/home/reports/{report}").status_code == 404
    for what in ("urge", "confirm", "refuse", "rate", "seen"):
        assert house.say(neighbour, report, what, stars="1", reason="No") == 404, what
    form = {"csrf": csrf_token(neighbour.cookies[SESSION_COOKIE]), "place": str(house.space_id)}
    form |= {"secret": new_secret("report"), "problem": "other", "words": "Noise"}
    assert neighbour.post("/home/report", data=form).status_code == 422
    assert other != house.space_id


def test_the_household_sees_that_something_is_reported_and_not_its_words(house: House) -> None:
    _, client = house.at_home()
    report = house.report(client)
    _, wife = house.at_home("Sun Li", OTHER_PHONE)
    page = wife.get("/home").text
    # What was reported before somebody had the account, and nobody wrote since when they live
    # there, is not theirs to see before that day.
    assert "Reported by others in your home" in page
    assert WORDS not in page
    assert wife.get(f"/home/reports/{report}").status_code == 404


def test_what_the_household_before_reported_stays_theirs(house: House) -> None:
    _, client = house.at_home()
    report = house.report(client)
    with house.stage.parts.database.write() as session:
        row = session.get_one(ResidentReport, report)
        row.created_at -= timedelta(days=40)
    _, new = house.at_home("Sun Li", OTHER_PHONE)
    assert "Reported by others in your home" not in new.get("/home").text


def guest_report(house: House, phone: str) -> str:
    """What somebody without an account reported at the unit's sticker; its secret."""
    person = house.stage.person("Wu Min", "manager", node=house.stage.site_id)
    now = house.stage.parts.clock.now()
    with house.stage.parts.database.write() as session:
        places = [
            place
            for place in customers.places_to_label(session, house.stage.site_id, what="spaces")
            if place.id == house.space_id
        ]
        customers.make_stickers(session, places, house.stage.site_id, person=person, now=now)
        sticker = session.scalars(select(customers.Sticker)).one()
        stuck = customers.read_sticker(session, sticker.path)
        wish = Wish(new_secret("report"), "other", "Lamp flickers", phone)
        customers.send(session, stuck, wish, now=now)
    return wish.secret


def test_what_was_reported_with_their_known_number_is_in_the_account(house: House) -> None:
    guest_report(house, "138 0013 8000")
    _, client = house.at_home()
    assert "Lamp flickers" in client.get("/home").text


def test_a_number_that_the_office_does_not_have_joins_nothing(house: House) -> None:
    secret = guest_report(house, PHONE)
    resident = house.live("Zhao Lei", "")
    client = house.join(house.invite(resident), PHONE)
    assert house.answer.status_code == 303
    assert "Lamp flickers" not in client.get("/home").text
    # Whoever holds the link was given it.
    page = client.get(f"/p/{secret}").text
    assert "Keep it in my account" in page
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "secret": secret}
    assert client.post("/home/keep", data=form).status_code == 303
    assert "Lamp flickers" in client.get("/home").text


def test_who_may_not_see_households_reads_no_name_of_theirs(house: House) -> None:
    """Neither among those who were told, nor in what happened, is a resident called by name."""
    secret = guest_report(house, PHONE)
    resident = house.live("Zhao Lei")
    client = house.join(house.invite(resident))
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "secret": secret}
    client.post("/home/keep", data=form)
    stage = house.stage
    with stage.parts.database.write() as session:
        row = session.scalars(select(ResidentReport)).one()
        assert row.person_id is not None
        set_reaching(
            session, row.person_id, {"email": "z@example.com"}, None, now=stage.parts.clock.now()
        )
    house.work(row.id, "accept")
    with stage.parts.database.write() as session:
        begin(session, [Letters()], base="", now=stage.parts.clock.now())
        number = session.get_one(Ticket, row.ticket_id).number
    auditor = signed_in(stage, stage.secret(stage.person("Lin", "auditor"), "session"))
    page = auditor.get(f"/tickets/{number}").text
    assert "Who was told" in page
    assert "A resident" in page
    assert "Report put into an account" in page
    for address in (f"/tickets/{number}", "/live"):
        assert "Zhao Lei" not in auditor.get(address).text, address
    assert "Resident joined" in auditor.get("/live").text


class Letters:
    """A channel that is only asked for its name."""

    name = "email"
    address_kind = "email"

    def send(self, address: str, message: Message) -> Outcome:
        raise AssertionError((address, message))


@pytest.mark.parametrize("done", ["reaching", "push"])
def test_nobody_at_home_is_sent_to_an_inbox(house: House, done: str) -> None:
    """It is for who works here, and so is the test in it."""
    _, client = house.at_home()
    page = client.get(f"/account?done={done}").text
    assert "Saved." in page
    assert "inbox" not in page


def test_nobody_keeps_what_is_in_another_account(house: House) -> None:
    secret = guest_report(house, PHONE)
    house.at_home()
    _, neighbour = neighbour_of(house)
    form = {"csrf": csrf_token(neighbour.cookies[SESSION_COOKIE]), "secret": secret}
    assert neighbour.post("/home/keep", data=form).status_code == 404


def test_a_second_home_is_added_by_its_own_invitation(house: House) -> None:
    _, client = house.at_home()
    with house.stage.parts.database.read() as session:
        spaces = select(Space.id).where(
            Space.site_id == house.stage.site_id, Space.id != house.space_id
        )
        other = session.scalars(spaces).first()
    path = house.invite(house.live("Zhao Lei", space=other))
    # The number has an account: who is not signed in is told so.
    house.join(path)
    assert house.answer.status_code == 409
    assert "Add" in client.get(path).text
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    assert client.post(f"{path}/add", data=form).status_code == 303
    assert house.report(client, other, "Second home")


def test_whoever_forgot_gets_a_sign_in_link(house: House) -> None:
    resident, _ = house.at_home()
    assert "Sign-in link" in house.office.get(f"/spaces/{house.space_id}").text
    page = house.office.post(f"/residents/{resident}/invite", data={"csrf": house.csrf}).text
    assert re.search(r"/sign-in/wkl_", page)


@pytest.mark.parametrize("role", ["administrator", "guard", "resident"])
def test_no_sign_in_link_opens_more_than_the_homes_of_whoever_makes_it(
    house: House, role: str
) -> None:
    """A colleague who lives here signs in as a colleague, and other sites make their own links."""
    resident, _ = house.at_home()
    elsewhere = house.stage.other_site_id if role == "resident" else house.stage.site_id
    with house.stage.parts.database.write() as session:
        person = session.scalars(select(Home.person_id)).one()
        session.add(Grant(person_id=person, node_id=elsewhere, role=role))
    desk = house.stage.person("Li Na", "service_desk", node=house.stage.site_id)
    client = signed_in(house.stage, house.stage.secret(desk, "session"))
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(f"/residents/{resident}/invite", data={"csrf": csrf})
    assert answer.status_code == 409
    assert "wkl_" not in answer.text
    with house.stage.parts.database.read() as session:
        links = select(Credential).where(Credential.person_id == person, Credential.kind == "link")
        assert session.scalars(links).all() == []


def test_invitations_for_a_whole_building_leave_out_who_has_one(house: House) -> None:
    house.at_home()
    house.live("Sun Li", OTHER_PHONE)
    house.live("Moved Away", "13700000000", until=_yesterday(house))
    page = house.office.post(
        f"/spaces/{house.space_id}/invitations", data={"csrf": house.csrf}
    ).text
    assert page.count("/join/home/") == 1
    assert "Sun Li" in page
    assert "Moved Away" not in page


def _yesterday(house: House) -> date:
    return house.stage.parts.clock.now().date() - timedelta(days=2)


def test_a_report_is_sent_once_however_often_it_is_tapped(house: House) -> None:
    _, client = house.at_home()
    secret = new_secret("report")
    form = {
        "csrf": csrf_token(client.cookies[SESSION_COOKIE]),
        "place": str(house.space_id),
        "secret": secret,
        "problem": "other",
        "words": WORDS,
    }
    answers = {client.post("/home/report", data=form).headers["location"] for _ in range(3)}
    assert len(answers) == 1


def test_another_colleague_who_accepts_it_is_no_news_at_home(house: House) -> None:
    """As by SMS: whoever waits is told once that it was accepted, and again once it is not."""
    _, client = house.at_home()
    report = house.report(client)
    stage = house.stage
    database, now = stage.parts.database, stage.parts.clock.now()
    one, other = (stage.person(name, "technician", node=stage.site_id) for name in ("Bo", "Li"))

    def take(*steps: tuple[str, UUID]) -> list[str]:
        with database.write() as session:
            ticket = session.get_one(Ticket, house.ticket_of(report))
            newest = session.scalar(select(func.max(Event.seq))) or 0
            for action, person in steps:
                step = Step(action, "Not done", assignee_id=other if action == "assign" else None)
                act(session, ticket, step, person=person, now=now)
            facts = session.scalars(select(Event).where(Event.seq > newest)).all()
            take_up(session, [one for one in facts if one.kind.startswith("ticket.")], now=now)
            kinds = select(Notice.kind).where(Notice.facts["report"].as_string() == str(report))
            return sorted(kind for kind in session.scalars(kinds) if kind == "resident.accept")

    assert take(("accept", one)) == ["resident.accept"]
    assert (
        client.post(
            f"/home/reports/{report}/seen",
            data={"csrf": csrf_token(client.cookies[SESSION_COOKIE])},
        ).status_code
        == 303
    )
    assert take(("assign", one), ("accept", other)) == ["resident.accept"]
    assert len(take(("start", other), ("resolve", other), ("reopen", one), ("accept", one))) == 2


def test_whoever_moved_out_meanwhile_is_told_no_more(house: House) -> None:
    """A notice that waited for the morning, and in the evening they gave the key back."""
    resident, client = house.at_home()
    report = house.report(client)
    house.work(report, "accept")
    stage = house.stage
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        person = session.scalars(select(Home.person_id)).one()
        # They work here, so that their account and its address stay.
        session.add(Grant(person_id=person, node_id=stage.site_id, role="guard"))
        set_reaching(session, person, {"email": "zhao@example.com"}, None, now=now)
    house.office.post(f"/residents/{resident}/move-out", data={"csrf": house.csrf})
    with stage.parts.database.write() as session:
        begin(session, [], base="", now=now)
        notice = session.scalars(select(Notice).where(Notice.kind == "resident.accept")).one()
        assert (notice.state, notice.tries) == ("settled", 0)


@pytest.mark.parametrize(
    ("place", "midnight"),
    [
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ("Asia/Shanghai", datetime(2026, 10, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_home_is_somebodys_from_the_first_minute_of_their_day(
    house: House, place: str, midnight: datetime
) -> None:
    """By the clock of the site: what others reported in the evening before stays theirs."""
    with house.stage.parts.database.read() as session:
        space = session.get_one(Space, house.space_id)
        site = session.get_one(Node, house.stage.site_id)
        session.expunge_all()
    site.time_zone = place
    assert at_home.begin_of(home_accounts.Living(site, space, date(2026, 11, 1))) == midnight


def test_notices_to_residents_wait_for_no_colleague(house: House) -> None:
    _, client = house.at_home()
    report = house.report(client)
    house.work(report, "accept")
    with house.stage.parts.database.read() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == "resident.accept")).one()
        assert notice.facts["report"] == str(report)
        assert "title" not in notice.facts
