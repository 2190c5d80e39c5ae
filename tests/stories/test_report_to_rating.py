"""A resident reports, the sensor says why: one ticket, mended on a phone, verified by the sensor,
rated by her. Told in both languages in a real Chromium; each step is found in the event log."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from api.deps import SESSION_COOKIE
from core.db import Database, sqlite_url
from core.people import Grant, Person, issue
from core.places import Node
from simulators.connection import BrokerAddress, Publisher
from tests.pictures import photo
from tests.servers.product import Product, done, until
from tests.web.looking import fits
from workflows import customers

SITE_TEXT = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
spaces: [{code: b1, kind: floor, name: {en: Basement, zh: 地下一层}}]
assets:
  - {code: pump-1, type: pump, space: b1, name: {en: Pump 1, zh: 1号泵}}
sources: [{code: own, topic: wk/v1/riverside/#, dialect: wk}]
devices: [{code: pump-sensor, asset: pump-1, points: {temp: motor_temperature}}]
"""
RULES_TEXT = """\
id: pump-hot
title: {en: Pump motor overheating, zh: 水泵电机过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
clear_when: motor_temperature < 70 °C
severity: high
ticket: {kind: repair, category: pumps, team: maintenance}
"""
PHONE, DESK = (390, 844), (1280, 900)


@dataclass(frozen=True, slots=True)
class Words:
    """What the story taps, in one language."""

    locale: str
    language: str
    noise: str
    send: str
    received: str
    merge: str
    accept: str
    start: str
    photo: str
    add_photo: str
    resolve: str
    real: str
    verify: str
    verified: str
    finished: str
    rate: str
    thanks: str
    due: str


ENGLISH = Words(
    locale="en-GB",
    language="en",
    noise="It is loud",
    send="Send",
    received="We have your report",
    merge="Merge into another",
    accept="Accept",
    start="Start work",
    photo="Photo",
    add_photo="Add photo",
    resolve="Mark as resolved",
    real="Real",
    verify="Verify",
    verified="by the sensor, which has recovered",
    finished="Finished and checked",
    rate="Rate",
    thanks="You gave 5 of 5 stars",
    due="Return visits due",
)
CHINESE = Words(
    locale="zh-CN",
    language="zh",
    noise="噪音大",
    send="提交",
    received="已收到您的报修",
    merge="并入其他工单",
    accept="接单",
    start="开始处理",
    photo="照片",
    add_photo="添加照片",
    resolve="标记为已解决",
    real="真实",
    verify="验证通过",
    verified="传感器",
    finished="已完工并验收",
    rate="提交评价",
    thanks="您已评 5 星",
    due="待回访",
)


@dataclass
class Court:
    """The product with its site, a sensor, and who works there."""

    product: Product
    publisher: Publisher
    database: Database
    browser: Browser
    people: dict[str, UUID]
    sticker: str

    def says(self, temperature: float) -> None:
        """The sensor of the pump speaks."""
        body = {"ts": time.time(), "temp": temperature}
        self.publisher.publish("wk/v1/riverside/pump-sensor/readings", json.dumps(body).encode())

    def page(self, words: Words, size: tuple[int, int], name: str = "") -> Page:
        """A browser, signed in if somebody is named."""
        view = {"width": size[0], "height": size[1]}
        context = self.browser.new_context(viewport=view, locale=words.locale)  # type: ignore[arg-type]
        if name:
            with self.database.write() as session:
                secret = issue(session, self.people[name], "session", now=datetime.now(UTC))
            cookie = {"name": SESSION_COOKIE, "value": secret, "url": self.product.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        return context.new_page()

    def one(self, sql: str) -> object:
        """The one value of a query."""
        [(value,)] = self.product.rows(sql)
        return value


def furnish(database: Database, locale: str) -> tuple[dict[str, UUID], str]:
    """A leading technician, the desk, and a sticker on the pump."""
    people, now = {}, datetime.now(UTC)
    # Bo leads the technicians: whoever did the work may say that the sensor has verified it.
    roles = {"Bo": ("technician", "supervisor"), "Mei": ("service_desk", "safety_officer")}
    with database.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        for name, held in roles.items():
            person = Person(name=name, locale=locale)
            session.add(person)
            session.flush()
            session.add_all(
                [Grant(person_id=person.id, node_id=site.id, role=role) for role in held]
            )
            people[name] = person.id
        places = customers.places_to_label(session, site.id, what="assets")
        customers.make_stickers(session, places, site.id, person=people["Mei"], now=now)
        return people, session.scalars(select(customers.Sticker.path)).one()


@pytest.fixture
def court(tmp_path: Path, browser: Browser, words: Words) -> Iterator[Court]:
    """The product, with everything in order."""
    with ExitStack() as stack:
        product = Product(tmp_path / "data", settings={"require_second_factor": "nobody"})
        (tmp_path / "site.yaml").write_text(SITE_TEXT)
        (tmp_path / "rules.yaml").write_text(RULES_TEXT)
        done("site", "import", str(tmp_path / "site.yaml"), folder=product.folder)
        done("rules", "import", str(tmp_path / "rules.yaml"), folder=product.folder)
        database = Database(sqlite_url(product.folder / "watchkeeper.sqlite"))
        stack.callback(database.close)
        people, sticker = furnish(database, words.language)
        product.start()
        stack.callback(product.end)
        there = product.mqtt
        address = BrokerAddress(there.host, there.port, there.username, there.password)
        publisher = stack.enter_context(Publisher(address))
        court = Court(product, publisher, database, browser, people, sticker)
        court.says(52.0)
        yield court


def press(page: Page, button: str) -> None:
    """Press a button whose answer is another page."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
    fits(page)
    # The news of the step itself renews the forms once more.
    page.wait_for_timeout(1500)


def report(court: Court, words: Words) -> str:
    """The resident hears a noise; returns the address of her link."""
    page = court.page(words, PHONE)
    page.goto(f"{court.product.url}/s/{court.sticker}")
    page.get_by_role("radio", name=words.noise).check()
    with page.expect_navigation():
        page.get_by_role("button", name=words.send, exact=True).click()
    expect(page.get_by_role("heading", name=words.received)).to_be_visible()
    address = page.url
    page.context.close()
    return address


def merge(court: Court, words: Words, hers: object, sensor: object) -> None:
    """The desk sees that both are one."""
    page = court.page(words, DESK, "Mei")
    page.goto(f"{court.product.url}/tickets/{hers}")
    page.locator("summary", has_text=words.merge).click()
    page.locator("#into").fill(str(sensor))
    page.locator("#reason-merge").fill("Same pump 同一台泵")
    press(page, words.merge)
    page.context.close()


def mend(court: Court, words: Words, sensor: object, picture: Path) -> None:
    """The technician works on a phone, from accepting to the word of the sensor."""
    page = court.page(words, PHONE, "Bo")
    page.goto(f"{court.product.url}/tickets/{sensor}")
    press(page, words.accept)
    press(page, words.start)
    page.get_by_label(words.photo, exact=True).set_input_files(picture)
    press(page, words.add_photo)
    expect(page.locator(".photos img")).to_be_visible()
    court.says(48.0)
    recovered = f"SELECT recovered_at IS NOT NULL FROM ticket WHERE number = {sensor}"
    until(lambda: court.one(recovered) == 1, 90, "the sensor did not recover")
    page.reload()
    page.locator("summary", has_text=words.resolve).click()
    press(page, words.real)
    press(page, words.verify)
    expect(page.locator(".activity")).to_contain_text(words.verified)
    page.context.close()


def rate(court: Court, words: Words, link: str) -> None:
    """The resident opens her link and rates."""
    page = court.page(words, PHONE)
    page.goto(link)
    expect(page.get_by_role("heading", name=words.finished)).to_be_visible()
    page.locator("label[for=stars-5]").click()
    page.get_by_role("button", name=words.rate, exact=True).click()
    expect(page.get_by_text(words.thanks)).to_be_visible()
    fits(page)
    page.context.close()


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_from_a_residents_report_and_a_sensors_fault_to_her_rating(
    court: Court, words: Words, tmp_path: Path
) -> None:
    link = report(court, words)
    hers = court.one("SELECT number FROM ticket")
    by_rule = "SELECT number FROM ticket WHERE rule_id IS NOT NULL"

    def is_found() -> bool:
        # Nobody keeps what is said before ingest has subscribed for the first time.
        court.says(82.4)
        return len(court.product.rows(by_rule)) == 1

    until(is_found, 90, "no ticket of the sensor", pause=1)
    sensor = court.one(by_rule)
    merge(court, words, hers, sensor)
    picture = tmp_path / "pump.jpg"
    picture.write_bytes(photo())
    mend(court, words, sensor, picture)
    desk = court.page(words, DESK, "Mei")
    desk.goto(court.product.url)
    due = desk.get_by_role("region", name=words.due)
    expect(due.get_by_role("link", name=f"#{sensor}")).to_be_visible()
    rate(court, words, link)
    # The live page takes her off the list by itself.
    expect(due.get_by_role("link", name=f"#{sensor}")).to_have_count(0)
    desk.goto(f"{court.product.url}/tickets/{sensor}")
    expect(desk.locator(".stars")).to_have_text("★★★★★")
    desk.context.close()
    facts = "SELECT kind FROM event WHERE kind LIKE 'ticket.%' OR kind LIKE 'alarm.%' ORDER BY seq"
    told = [str(row[0]) for row in court.product.rows(facts)]
    begun = told[told.index("ticket.open") :]
    assert begun == [
        "ticket.open",
        "alarm.trip",
        "ticket.open",
        "ticket.merge",
        "ticket.accept",
        "alarm.acknowledge",
        "ticket.start",
        "ticket.photo",
        "alarm.clear",
        "ticket.recovered",
        "ticket.resolve",
        "ticket.verify",
        "ticket.rate",
    ]
    verified = "SELECT json_extract(after, '$.by') FROM event WHERE kind = 'ticket.verify'"
    assert court.one(verified) == "sensor"
