"""03:10 on a public holiday: a pit floods, the roster is half empty, the first person does not
answer, the WAN is away for ten minutes. One ticket, the siren on site, somebody there in time."""

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from core.calendars import OFFICE, CalendarDraft, save_calendar
from core.contacts import Reachability, set_reaching
from core.db import Database, sqlite_url
from core.people import Grant, Person, caller_for, issue
from core.places import Node
from core.rosters import add_shifts
from core.teams import TeamShown, save_team
from simulators.connection import BrokerAddress, Publisher
from tests.pictures import photo
from tests.servers.product import Product, done, until
from tests.servers.providers import KEY_ID, KEY_SECRET, Providers, serving_providers
from tests.simulators.listener import Listener, listening
from workflows.dispatch.handover import set_items

SHANGHAI = ZoneInfo("Asia/Shanghai")
SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
spaces: [{code: b1, kind: floor, name: {en: Basement, zh: 地下一层}}]
assets:
  - {code: pit-1, type: drainage_pit, space: b1, criticality: high,
     name: {en: Drainage pit 1, zh: 1号集水坑}}
sources: [{code: own, topic: wk/v1/riverside/#, dialect: wk}]
devices: [{code: pit-sensor, asset: pit-1, points: {high_float: high_float}}]
"""
RULES_TEXT = """\
id: pit-high-float
title: {en: Pit about to overflow, zh: 集水坑高液位报警}
applies_to: {asset_type: drainage_pit}
when: high_float
clear_for: 1m
severity: critical
ticket:
  {kind: hazard, category: drainage, team: maintenance, respond_within: 15m, resolve_within: 2h}
"""
ANNOUNCE = "wk/v1/riverside/announce"
FIRST_PHONE, SECOND_PHONE = "13800000001", "13800000002"


# The clock of a product never goes back, so it is National Day of next year.
HOLIDAY = date(datetime.now(UTC).year + 1, 10, 1)


def local(text: str) -> datetime:
    """A moment by the clocks of the site, on the holiday."""
    return datetime.combine(HOLIDAY, time.fromisoformat(text), SHANGHAI).astimezone(UTC)


@dataclass
class Night:
    """The product under a clock of the test, its site, and who works there."""

    product: Product
    providers: Providers
    publisher: Publisher
    siren: Listener
    people: dict[str, UUID]
    database: Database
    now: datetime
    # A session of the administrator, by which the test looks at pages.
    watching: str

    def begin(self, text: str) -> None:
        """Say what time it is until the product hears it.

        Nobody keeps what is said before it has subscribed for the first time.
        """

        def is_heard() -> bool:
            self._say_time(text)
            return self._has()

        until(is_heard, 90, "the clock is not heard", pause=0.2)

    def clock(self, text: str) -> None:
        """Move the clock, and wait until the product has it."""
        self._say_time(text)
        until(self._has, 90, "the clock did not move")

    def _say_time(self, text: str) -> None:
        self.now = local(text)
        body = {"now": self.now.timestamp()}
        self.publisher.publish("wk/v1/clock", json.dumps(body).encode())

    def _has(self) -> bool:
        """Whether pages show the moment."""
        page = urllib.request.Request(
            f"{self.product.url}/tickets", headers={"Cookie": f"{SESSION_COOKIE}={self.watching}"}
        )
        with urllib.request.urlopen(page, timeout=60) as answer:
            found = re.search(r'data-now="([^"]+)"', answer.read().decode())
        assert found is not None
        return datetime.fromisoformat(found[1]).timestamp() >= self.now.timestamp()

    def says(self, *, water: bool) -> None:
        """The float of the pit speaks."""
        body = {"ts": self.now.timestamp(), "high_float": water}
        self.publisher.publish("wk/v1/riverside/pit-sensor/readings", json.dumps(body).encode())

    def ticket(self) -> dict[str, str]:
        """The one ticket there is."""
        rows = self.product.rows("SELECT number, state FROM ticket")
        assert len(rows) == 1, rows
        return {"number": str(rows[0][0]), "state": str(rows[0][1])}

    def facts(self) -> list[str]:
        """The kinds of everything in the log, in order."""
        return [str(row[0]) for row in self.product.rows("SELECT kind FROM event ORDER BY seq")]

    def phone_of(self, browser: Browser, name: str, language: str) -> Page:
        """Somebody's phone, signed in."""
        with self.database.write() as session:
            secret = issue(session, self.people[name], "session", now=self.now)
        context = browser.new_context(
            viewport={"width": 390, "height": 844},
            locale="zh-CN" if language == "zh" else "en-GB",
        )
        cookie = {"name": SESSION_COOKIE, "value": secret, "url": self.product.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        return context.new_page()


def furnish(database: Database, now: datetime) -> dict[str, UUID]:
    """Whoever works tonight: the second on call, the first does not hear the phone."""
    people = {}
    roles = {"An": "technician", "Bo": "technician", "Cai": "technician", "Lin": "supervisor"}
    with database.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        company = session.scalars(select(Node).where(Node.kind == "company")).one()
        for name, role in {**roles, "Ada": "administrator"}.items():
            person = Person(name=name, locale="zh" if name != "Lin" else "en")
            session.add(person)
            session.flush()
            node = company if role == "administrator" else site
            session.add(Grant(person_id=person.id, node_id=node.id, role=role))
            people[name] = person.id
    with database.write() as session:
        boss = caller_for(session, session.get_one(Person, people["Ada"]))
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        team = TeamShown("maintenance", {"en": "Maintenance", "zh": "工程维修"}, "grab", None, 0)
        save_team(session, boss, site, team, {people[one]: [] for one in ("An", "Bo")}, now=now)
        for name, kind, hours in (("An", "duty", (22, 7)), ("Bo", "on_call", (18, 7)),
                                  ("Cai", "duty", (7, 18))):  # fmt: skip
            add_shifts(
                session,
                boss,
                site,
                "maintenance",
                [people[name]],
                kind=kind,
                weekdays=range(7),
                hours=(time(hours[0]), time(hours[1])),
                first=(now - timedelta(days=1)).astimezone(SHANGHAI).date(),
                weeks=1,
                now=now,
            )
        for name, phone in (("An", FIRST_PHONE), ("Bo", SECOND_PHONE)):
            set_reaching(session, people[name], {"phone": phone}, ("22:00", "07:00"), now=now)
        week = [*[[["08:30", "17:30"]]] * 5, [], []]
        holiday = CalendarDraft(OFFICE, {"zh": "工作时间"}, week, None, {HOLIDAY.isoformat(): []})
        save_calendar(session, boss, site, holiday, now=now, expected_version=0)
        set_items(session, boss, site.id, "maintenance", [("key", "Pump room 水泵房")], now=now)
        # An was asked when the shift began, and never answered.
        asked = now - timedelta(hours=4)
        session.add(Reachability(person_id=people["An"], asked_at=asked))
    return people


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """The product at three o'clock."""
    start = local("03:00")
    with ExitStack() as stack:
        providers = stack.enter_context(serving_providers())
        aliyun = {"aliyun_key_id": KEY_ID, "aliyun_key_secret": KEY_SECRET}
        settings = {
            **aliyun,
            "clock": "simulated",
            "require_second_factor": "nobody",
            "aliyun_sms_url": providers.url,
            "sms_sign": "安居物业",
            "sms_template": "SMS_1",
        }
        product = Product(tmp_path / "data", settings=settings)
        (tmp_path / "site.yaml").write_text(SITE_TEXT)
        (tmp_path / "rules.yaml").write_text(RULES_TEXT)
        done("site", "import", str(tmp_path / "site.yaml"), folder=product.folder)
        done("rules", "import", str(tmp_path / "rules.yaml"), folder=product.folder)
        database = Database(sqlite_url(product.folder / "watchkeeper.sqlite"))
        stack.callback(database.close)
        people = furnish(database, start)
        with database.write() as session:
            watching = issue(session, people["Ada"], "session", now=start)
        product.start()
        stack.callback(product.end)
        there = product.mqtt
        address = BrokerAddress(there.host, there.port, there.username, there.password)
        publisher = stack.enter_context(Publisher(address))
        siren = stack.enter_context(listening(address, ANNOUNCE))
        night = Night(product, providers, publisher, siren, people, database, start, watching)
        night.begin("03:00")
        night.says(water=False)
        yield night


def levels(night: Night) -> list[str]:
    """What the siren heard."""
    return [said["level"] for said in night.siren.bodies(ANNOUNCE)]


def test_a_pit_that_floods_at_ten_past_three_on_a_holiday(
    night: Night, browser: Browser, tmp_path: Path
) -> None:
    # The WAN is away when it happens; the siren on site needs none.
    night.providers.refuse = "garbage"
    night.clock("03:10")
    night.says(water=True)
    until(lambda: len(night.product.tickets()) == 1, 90, "no ticket")
    until(lambda: levels(night)[-1:] == ["alarm"], 90, "the siren heard nothing")
    tried = "SELECT state FROM attempt"
    until(lambda: set(night.product.rows(tried)) == {("failed",)}, 90, "nobody was tried")
    # One more try at most, however fast the machine is: only the first three are all by SMS.
    night.clock("03:15")
    assert night.providers.sms == []
    # It comes back at twenty past, and the next try reaches the second on call, not the first.
    night.providers.refuse = ""
    night.clock("03:20")
    until(lambda: len(night.providers.sms) > 0, 90, "no SMS came")
    [sms] = night.providers.sms[:1]
    assert sms["PhoneNumbers"] == SECOND_PHONE
    _accept_by_the_link(night, browser, json.loads(sms["TemplateParam"])["code"])
    _mend_it(night, browser, tmp_path)
    _hand_over(night, browser)
    _close_it(night, browser)
    _read_the_log(night)


def _accept_by_the_link(night: Night, browser: Browser, code: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{night.product.url}/n/{code}")
    expect(page.get_by_text("集水坑高液位报警")).to_be_visible()
    page.get_by_role("button", name="接单").click()
    expect(page.get_by_text("已由您接单，谢谢。")).to_be_visible()
    until(lambda: levels(night)[-1:] == ["clear"], 90, "the siren goes on")
    context.close()


def _mend_it(night: Night, browser: Browser, tmp_path: Path) -> None:
    number = night.ticket()["number"]
    night.clock("03:30")
    picture = tmp_path / "pit.jpg"
    picture.write_bytes(photo())
    page = night.phone_of(browser, "Bo", "zh")
    page.goto(f"{night.product.url}/tickets/{number}")
    # The live page may show the step before the answer of its own form has come.
    with page.expect_navigation():
        page.get_by_role("button", name="开始处理").click()
    expect(page.locator(".ticket-head").get_by_text("处理中")).to_be_visible()
    # The news of the step itself renews the forms once more.
    page.wait_for_timeout(3000)
    page.get_by_label("照片").set_input_files(picture)
    with page.expect_navigation():
        page.get_by_role("button", name="添加照片").click()
    expect(page.locator(".photos img")).to_be_visible()
    night.clock("03:50")
    night.says(water=False)
    night.clock("03:52")
    recovered = "SELECT recovered_at IS NOT NULL FROM ticket"
    until(lambda: night.product.rows(recovered) == [(1,)], 90, "the float did not recover")
    page.reload()
    page.locator("summary", has_text="标记为已解决").click()
    page.get_by_role("button", name="真实", exact=True).click()
    expect(page.locator(".ticket-head").get_by_text("已解决")).to_be_visible()
    page.context.close()


def _hand_over(night: Night, browser: Browser) -> None:
    night.clock("06:55")
    leaving = night.phone_of(browser, "Bo", "zh")
    leaving.goto(f"{night.product.url}/hand-over")
    leaving.get_by_label("钥匙 · Pump room 水泵房").check()
    leaving.get_by_label("交代事项").fill("集水坑浮球已清理")
    leaving.get_by_role("button", name="交班").click()
    expect(leaving.get_by_text("集水坑浮球已清理")).to_be_visible()
    address = leaving.url
    leaving.context.close()
    night.clock("07:00")
    coming = night.phone_of(browser, "Cai", "zh")
    coming.goto(address)
    coming.get_by_role("button", name="我接班，Cai").click()
    expect(coming.get_by_text(re.compile("Cai, .*07:00"))).to_be_visible()
    coming.context.close()


def _close_it(night: Night, browser: Browser) -> None:
    page = night.phone_of(browser, "Lin", "en")
    page.goto(f"{night.product.url}/tickets/{night.ticket()['number']}")
    expect(page.get_by_text("The sensor has recovered since")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Verify").click()
    expect(page.locator(".ticket-head").get_by_text("Verified")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".ticket-head").get_by_text("Closed")).to_be_visible()
    page.context.close()


def _read_the_log(night: Night) -> None:
    """One ticket, in the promised time, each step in the log."""
    assert night.ticket()["state"] == "closed"
    facts = night.facts()
    assert "ticket.overdue" not in facts
    told = [
        fact
        for fact in facts
        if fact.startswith(("alarm.", "ticket.", "announce.a", "announce.c", "handover."))
        and fact not in ("ticket.warn", "announce.clear")
    ]
    assert told == [
        "alarm.trip",
        "ticket.open",
        "announce.alarm",
        "ticket.accept",
        "alarm.acknowledge",
        "ticket.start",
        "ticket.photo",
        "alarm.clear",
        "ticket.recovered",
        "ticket.resolve",
        "handover.offer",
        "handover.accept",
        "ticket.verify",
        "ticket.close",
    ]
    assert facts.count("announce.clear") == 1
    [(accepted, due)] = night.product.rows("SELECT responded_at, respond_due FROM ticket")
    assert accepted < due
    # Who was told, on what, and how that ended stands beside it; the first person never was.
    attempts = night.product.rows(
        "SELECT person.name, attempt.channel, attempt.state FROM attempt"
        " JOIN notice ON notice.id = attempt.notice_id"
        " JOIN person ON person.id = notice.person_id ORDER BY attempt.begun_at"
    )
    assert {name for name, _, _ in attempts} == {"Bo"}
    assert attempts[-1] == ("Bo", "sms", "sent")
    assert ("Bo", "sms", "failed") in attempts
