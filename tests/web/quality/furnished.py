"""A compound in the middle of a busy day, and the addresses of its pages."""

import html
import io
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.testclient import TestClient
from playwright.sync_api import Browser, BrowserContext, ViewportSize
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.accounts import Password
from core.clock import MICROS
from core.companies import CompanyPerson, hire_company
from core.home_accounts import add_home, invite_residents
from core.households import Details, add_resident
from core.ids import new_id
from core.people import Grant, Person, caller_for, new_secret
from core.places import Asset, Node, Space
from core.rulebook_drafts import RuleDraft
from core.rulebook_offers import bring_in
from core.site_file import load_catalog
from core.telemetry.readings import Quality, ReadingBatch
from jobs.walk_tests import hear_walk_tests
from jobs.work import Work
from rules.document import load_rules
from tests.pictures import photo
from tests.voices import sample
from tests.web.batteries import pages_of_batteries
from tests.web.conftest import signed_in
from tests.web.identifying import pages_of_identities
from tests.web.patrolling import day_of_scans, put
from tests.web.rounding import night_of_rounds
from tests.web.sourcing import pages as pages_of_sources
from tests.web.stage import OVERHEATING, Fault, Stage, everyday_values
from tests.web.tasking import SMOKE as SMOKE_IN_PUMP_ROOM
from tests.web.tasking import on_duty, pump_room
from tests.web.tasking import step as send_guards
from tests.web.test_asked_assets import SMOKE as SMOKE_AT_BOARD
from tests.web.test_asked_assets import WARM
from tests.web.test_guests import guest, offered, put_up, report
from tests.workflows.spreadsheets import workbook
from web.pages.imports import XLSX
from workflows import notifications
from workflows.alarms import Alarm
from workflows.customers import ResidentReport, Wish, find_place, send_from_home
from workflows.notifications import Notice
from workflows.patrol import lone, sos
from workflows.patrol.frozen.audience import ClientDraft, create_client
from workflows.patrol.frozen.closing import Desk, close_day
from workflows.tickets import Ticket
from workflows.tickets.contractors import Contact, Job, NewClaim, accept, arrive, claim, offer

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PUMP = "b1-pump-1"
LEAK = Fault(
    "water-at-electrics",
    {"en": "Water at electrical equipment", "zh": "电气设备处有水"},
    "critical",
    "leak",
    "leak",
    {"leak": 1.0},
    life_safety=True,
)
NOISE = Fault(
    "pump-vibration",
    {"en": "Pump vibrates more than usual", "zh": "水泵振动偏大"},
    "medium",
    "vibration > 4.5 mm/s",
    "vibration 4.9 mm/s > 4.5 mm/s held 5m",
    {"vibration": 4.9},
)
SMOKE = Fault(
    "smoke-detected",
    {"en": "Smoke detected", "zh": "烟雾报警"},
    "critical",
    "smoke",
    "smoke",
    {"smoke": 1.0},
    life_safety=True,
    category="fire_alarm",
)
TITLE = "Lobby lamp flickers 大堂灯闪烁"
NOTE = "The bearing is hot; a new one is ordered and comes on Thursday.\n轴承发热，新的已经订购。"


@dataclass(frozen=True, slots=True)
class Furnished:
    """A stage on which much is going on. pages: the address of each by its name."""

    stage: Stage
    administrator: UUID
    pages: Mapping[str, str]

    def cookie(self) -> str:
        """A fresh session of the administrator."""
        return self.stage.secret(self.administrator, "session")

    def context(
        self,
        browser: Browser,
        size: ViewportSize,
        *,
        scheme: str = "light",
        language: str = "en",
        signed_in: bool = True,
        bypass_csp: bool = False,
    ) -> BrowserContext:
        """The administrator's browser, or a stranger's, with an empty cache.

        bypass_csp: let a test add a script of its own to the pages.
        """
        context = browser.new_context(
            viewport=size,
            color_scheme=scheme,  # type: ignore[arg-type]
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            has_touch=size == PHONE,
            bypass_csp=bypass_csp,
        )
        cookies = {"wk_lang": language}
        if signed_in:
            cookies[SESSION_COOKIE] = self.cookie()
        for name, value in cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": self.stage.url}])
        return context


# What people spend their day on; Lighthouse looks at these.
MAIN = (
    "live",
    "control room",
    "tickets",
    "ticket",
    "new ticket",
    "asset",
    "people",
    "search",
    "resident asks",
    "sign in",
)
# Those whose weight and stillness are looked at as well: these, and where rules are tried.
WATCHED = (
    *MAIN,
    "rule draft",
    "back-test of an asset",
    "checkpoints",
    "checkpoint",
    "scans",
    "tap",
    "rounds",
    "round",
    "route",
)
# Those that somebody who is signed in does not see.
STRANGERS = frozenset({"resident asks", "resident types", "sign in", "tap of a stranger"})


# Those whose address is the same everywhere.
EVERYWHERE = {
    "people": "/people",
    "account": "/account",
    "inbox": "/account/inbox",
    "tokens": "/account/tokens",
    "search": "/search?q=pump",
    "search, nothing found": "/search?q=nosuchthing",
    "service": "/service",
    "alarm load": "/alarm-load",
    "imports": "/imports",
    "nowhere": "/no-such-page",
    "sign in": "/sign-in",
    "new ticket, no place": "/new-ticket",
    "resident types": "/s",
}


def furnish(stage: Stage) -> Furnished:
    """Let much happen on a stage that is not served yet."""
    everyday_values(stage, hours=1.0, step=120)
    administrator = stage.person("Wei Chen 陈伟", "administrator")
    with stage.parts.database.write() as session:
        company = session.scalars(
            select(Grant.node_id).where(Grant.person_id == administrator)
        ).one()
        protects = Grant(person_id=administrator, node_id=company, role="data_protection")
        session.add(protects)
    client = signed_in(stage, stage.secret(administrator, "session"))
    number = _worked_fault(stage, client)
    seen = {"temperature": 4.5, "humidity": 61, "door": True, "battery": 88}
    device = stage.unknown_device("cold-room-7", seen)
    alarm = stage.trip(_asset_with(stage, "smoke"), SMOKE)
    _kept(stage, client)
    _people(stage, client)
    progress = report(stage, guest(stage), put_up(stage, "b1-pump-2"))
    _notices(stage)
    sticker = put_up(stage)
    contractor, asset = offered(stage, number), stage.assets[PUMP]
    pages = {
        **EVERYWHERE,
        "live": "/?site=riverside",
        "control room": "/control-room?site=riverside",
        "tickets": "/tickets",
        "tickets changed at once": _many(stage, client),
        "ticket": f"/tickets/{number}",
        "ticket of a resident": f"/tickets/{_resident_ticket(stage)}",
        "ticket just changed": _just_changed(stage, client),
        "told of many": _told_of_many(stage, client),
        "fire alarm": f"/tickets/{alarm}",
        "signing": f"/tickets/{number}/sign",
        "household": f"/spaces/{_flat(stage)}",
        **_pages_of_what_is_kept(stage),
        **pages_of_identities(stage),
        **pages_of_batteries(stage),
        **_pages_of_what_is_withheld(stage, client),
        **_pages_of_rules(stage, client),
        **_pages_of_patrols(stage),
        "incident": f"/tickets/{_incident(stage)}",
        "new ticket": f"/new-ticket?asset={asset}",
        "asset": f"/assets/{asset}",
        "adopt": f"/devices/{device}/adopt",
        "person": f"/people/{administrator}",
        "teams": f"/teams?site={stage.site_id}",
        "hand over": f"/hand-over?site={stage.site_id}",
        "sheet": _hand_over(stage, client),
        "calendar": _calendar(client),
        "import": _import(client),
        "contractor": f"/tickets/{number}/contractor",
        "stickers": f"/stickers?site={stage.site_id}",
        "resident asks": f"/s/{sticker.path}",
        "resident follows": progress,
        "contractor works": f"/c/{contractor}",
        **_outside(stage, administrator),
        **pages_of_sources(stage),
    }
    return Furnished(stage, administrator, pages | _pages_of_onboarding(stage, client))


def _worked_fault(stage: Stage, client: TestClient) -> int:
    """Faults, of one of which the number, and a ticket that a person wrote."""
    number = _faults(stage)
    _work(client, number)
    _form(client, f"/new-ticket?site={stage.site_id}", title=TITLE, id=str(new_id()))
    return number


def _pages_of_onboarding(stage: Stage, client: TestClient) -> dict[str, str]:
    """Devices that wait, some that are to come, and a walk test in which one sensor answered.

    Made at last: the test keeps the alarms of its place from telling anybody.
    """
    site = f"site={stage.site_id}"
    leak = stage.unknown_device("0x00158d0001a2b3c4", {"water_leak": False, "battery": 92})
    door = stage.unknown_device("a84041ffff186211", {"magnet_status": "close", "battery": 74})
    labels = "LW:D0:24E124C0002A0001:24E124136B324185:0050001A,Cellar leak 地下室水浸"
    _form(client, "/devices/expected", site=str(stage.site_id), lines=labels)
    with stage.parts.database.read() as session:
        place = session.scalars(select(Asset.space_id).where(Asset.id == stage.assets[PUMP])).one()
    stage.say(PUMP, {"running": 0})
    now = stage.parts.clock.now() + timedelta(hours=10)
    test = _form(
        client,
        "/walk-tests",
        site=str(stage.site_id),
        space=str(place),
        ends=now.strftime("%Y-%m-%dT%H:%M"),
        reason="Yearly test 年度测试",
    )
    stage.say(PUMP, {"running": 1})
    parts = stage.parts
    hear_walk_tests(
        Work(parts.database, parts.telemetry, parts.settings, parts.health), parts.clock.now()
    )
    device = stage.points[PUMP, "running"].device_id
    return {
        "waiting devices": f"/devices/waiting?{site}&device={leak}",
        "replace a device": f"/devices/{door}/replace?old={device}",
        "walk tests": f"/walk-tests?{site}",
        "start a walk test": f"/walk-tests/new?{site}",
        "walk test": test,
        "tick a sensor": f"{test}/sensors/{device}",
        **_pages_of_profiles(stage, client, door),
    }


def _pages_of_profiles(stage: Stage, client: TestClient, door: UUID) -> dict[str, str]:
    """A profile that was copied, one that is written after a device, and one with faults."""
    copied = client.get("/new-device-profile?copy=water-leak").text
    text = html.unescape(copied.partition("data-lines>")[2].partition("</textarea>")[0])
    _form(client, "/new-device-profile", code="cellar-leak", document=text)
    return {
        "profiles": "/device-profiles",
        "profiles, one's own": "/device-profiles?whose=own",
        "profile": "/device-profiles/door-contact",
        "profile, one's own": "/device-profiles/cellar-leak",
        "new profile": "/new-device-profile",
        "new profile of a device": f"/new-device-profile?device={door}",
        "edit a profile": "/device-profiles/cellar-leak/edit",
    }


def _pages_of_what_is_withheld(stage: Stage, client: TestClient) -> dict[str, str]:
    """An alarm that is shelved, the list of such, and work that is planned."""
    asset = _asset_with(stage, "vibration")
    stage.trip(asset, NOISE)
    with stage.parts.database.read() as session:
        wanted = select(Alarm.id).where(Alarm.rule_id == NOISE.rule_id)
        alarm = session.scalars(wanted.where(Alarm.asset_id == stage.assets[asset])).one()
    _form(
        client, f"/alarms/{alarm}/shelve", minutes="240", reason="Balanced on Friday 周五校动平衡"
    )
    now = stage.parts.clock.now() + timedelta(hours=1)
    _form(
        client,
        "/planned-work",
        site=str(stage.site_id),
        kind="maintenance",
        starts=now.strftime("%Y-%m-%dT%H:%M"),
        ends=(now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        asset=str(stage.assets[PUMP]),
        reason="Bearings are changed 更换轴承",
    )
    return {
        "alarm": f"/alarms/{alarm}",
        "withheld alarms": "/alarms?view=withheld",
        "planned work": f"/planned-work?site={stage.site_id}",
        "plan work": f"/planned-work/new?site={stage.site_id}",
    }


def _pages_of_patrols(stage: Stage) -> dict[str, str]:
    """Checkpoints with a morning of scans, and everything that is set up for them."""
    made, site = day_of_scans(stage), f"site={stage.site_id}"
    put(stage, made["gate"], "rotating_code", label="Display in the guard's room 岗亭显示屏")
    gate = f"/checkpoints/{made['gate']}"
    return {
        "checkpoints": f"/checkpoints?{site}",
        "checkpoints, quiet": f"/checkpoints?{site}&view=quiet&hours=168",
        "checkpoint": gate,
        "checkpoint with a position": f"/checkpoints/{made['roof']}",
        "new checkpoint": f"/checkpoints/new?{site}",
        "what to scan": f"{gate}/tokens/new",
        "what to scan, a tag": f"{gate}/tokens/new?kind=signed_tag",
        "what to scan, a gateway": f"{gate}/tokens/new?kind=beacon",
        "what to scan, another": f"/checkpoint-tokens/{made['token']}/replace",
        "scans": f"/scans?{site}",
        "scan": f"/scans/{made['scan']}",
        "badges": f"/badges?{site}",
        "labels": f"/checkpoint-labels?{site}",
        "patrol wands": f"/wand-exports?{site}",
        "privacy of guards": f"/patrol-privacy?{site}",
        "scans of one person": f"/scans?{site}&person={made['guard']}",
        "where I was": "/account/privacy",
        "looks at tracks": "/track-looks",
        **_pages_of_rounds(stage, made["guard"]),
        **_pages_of_calls(stage, made["guard"]),
        "ticket to which a guard is sent": _ticket_of_a_task(stage, made["guard"]),
        "tap": "/t?q=2345",
        "tap of a stranger": "/t?q=2346",
    }


def _ticket_of_a_task(stage: Stage, guard: UUID) -> str:
    """An alarm to which a guard goes who passed nothing on, with another who could."""
    pump_room(stage)
    mate = stage.person("Qian Li 钱立", "guard", node=stage.site_id)
    for one in (guard, mate):
        on_duty(stage, one)
    number = stage.trip(PUMP, SMOKE_IN_PUMP_ROOM)
    send_guards(stage)
    return f"/tickets/{number}"


def _pages_of_calls(stage: Stage, guard: UUID) -> dict[str, str]:
    """A call for help that is over, and who has to check in."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, guard))
        call = sos.press(session, caller, sos.Press(new_id(), site_id=stage.site_id), now=now)
    colleague = stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id)
    with stage.parts.database.write() as session:
        answerer = caller_for(session, session.get_one(Person, colleague))
        row = sos.find_sos(session, answerer, call.id)
        sos.end(session, row, "false", "In the pocket 误触", person=colleague, now=now)
        draft = lone.LoneDraft("security", 30)
        lone.create_lone_plan(session, stage.site_id, draft, actor=events.SYSTEM, now=now)
    return {
        "calls for help": "/sos",
        "call for help": f"/sos/{call.id}",
        "lone workers": f"/lone-workers?site={stage.site_id}",
    }


def _pages_of_rounds(stage: Stage, guard: UUID) -> dict[str, str]:
    """Rounds of a night, their routes, and what sets them up."""
    made, site = night_of_rounds(stage, guard), f"site={stage.site_id}"
    today = stage.parts.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    return {
        "rounds": f"/rounds?{site}",
        "rounds of a day": f"/rounds?{site}&day={today}",
        "rounds, none": f"/rounds?{site}&day=2020-01-01",
        "figures of rounds": f"/patrol-figures?{site}",
        "figures of rounds, none": f"/patrol-figures?{site}&from=2020-01-01&until=2020-01-02",
        "round": f"/rounds/{made['missed']}",
        "round, unknown": f"/rounds/{made['unknown']}",
        "round, late": f"/rounds/{made['late']}",
        "round, closed": f"/rounds/{made['closed']}",
        "routes": f"/routes?{site}",
        "new route": f"/routes/new?{site}",
        "route": f"/routes/{made['route']}",
        "plan of rounds": f"/round-plans/{made['round_plan']}",
        "new plan of rounds": f"/routes/{made['route']}/plans/new",
        "plan by statute": f"/routes/{made['route']}/plans/new?statute=public-gathering",
        "statutes": f"/patrol-statutes?{site}",
        **_pages_of_reports(stage),
    }


def _pages_of_reports(stage: Stage) -> dict[str, str]:
    """A day that is closed, for a client, and what leads there."""
    site = f"site={stage.site_id}"
    boss = stage.person("Zhao Yi 赵毅", "supervisor", node=stage.site_id)
    now = stage.parts.clock.now()
    day = now.astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=1)
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, boss))
        draft = ClientDraft("Harbour Offices 港务大厦")
        create_client(session, caller, stage.site_id, draft, now=now)
    desk = Desk(stage.parts.database, stage.parts.files, "")
    report = close_day(desk, caller, stage.site_id, day, now=now)
    return {
        "daily reports": f"/patrol-reports?{site}",
        "daily report, open": f"/patrol-report-day?{site}&day={day + timedelta(days=1)}",
        "daily report": f"/patrol-reports/{report}",
        "clients of reports": f"/report-clients?{site}",
        "check a report": f"/check-report?digest={'0' * 64}",
    }


def _pages_of_rules(stage: Stage, client: TestClient) -> dict[str, str]:
    """A rule that was changed, is tried on a week and in the shadow, and why it tripped."""
    _hot_week(stage)
    rule = f"/rules/{OVERHEATING.rule_id}"
    site = str(stage.site_id)
    draft = _form(client, f"{rule}/drafts", version=1, node=site)
    with stage.parts.database.read() as session:
        row = session.get_one(RuleDraft, UUID(draft.rsplit("/", 1)[1]))
        document = row.document.replace("> 75 °C", "> 72 °C")
    why = "Bearings fail before 75 °C 轴承不到 75 度就坏了"
    _form(client, draft, version=1, node=site, tab="yaml", document=document, reason=why)
    shadow = _form(client, f"{draft}/shadow")
    run = _form(client, "/laboratory/runs", document=document, days=7)
    _wait_for(client, run)
    asset = stage.assets[PUMP]
    return {
        "rules": "/rules",
        "rule": rule,
        "rule, history": f"{rule}/history",
        "rule draft": draft,
        "rule draft as YAML": f"{draft}?tab=yaml",
        "rule in the shadow": shadow,
        "laboratory": f"{rule}/laboratory",
        "back-test": run,
        "back-test of an asset": f"{run}?asset={asset}",
        "why": f"/assets/{asset}/rules/{OVERHEATING.rule_id}/why",
        "rules of an asset": f"/assets/{asset}/rules",
        **_pages_of_asking(stage, client),
    }


def _pages_of_asking(stage: Stage, client: TestClient) -> dict[str, str]:
    """Rules that ask other assets: who said what, where there is nobody, and one in review."""
    with stage.parts.database.write() as session:
        now = stage.parts.clock.now()
        for document in (WARM, SMOKE_AT_BOARD):
            loaded = load_rules(document, "asking", load_catalog(session))
            company = session.get_one(Node, stage.company_id)
            bring_in(session, loaded.rules, company, "asking", now=now, only_new=True)
    stage.say("b2-pump-1", {"motor_temperature": 45.0})
    rule = "/rules/smoke-at-board"
    draft = _form(client, f"{rule}/drafts", version=1, node=str(stage.site_id))
    document = SMOKE_AT_BOARD.replace("in space", "in floor")
    why = "Smoke spreads 烟会蔓延"
    fields = {"tab": "yaml", "document": document, "reason": why}
    _form(client, draft, version=1, node=str(stage.site_id), **fields)
    _form(client, f"{draft}/submit", reason=why, version=2)
    return {
        "why, others asked": f"/assets/{stage.assets['b2-pit-1']}/rules/two-warm/why",
        "rule that watches little": rule,
        "rule in review": draft,
    }


def _hot_week(stage: Stage) -> None:
    """A week of a pump that ran hot on some afternoons, and of another that hardly did."""
    batch = ReadingBatch()
    for asset, often in ((PUMP, 2), ("b1-pump-2", 5)):
        series = stage.points[asset, "motor_temperature"].series
        for step in range(7 * 48, 4, -1):
            at = stage.now - step * 1800 * MICROS
            hot = step // 48 % often == 0 and step % 48 < 5
            more = (25 if step // 96 % 2 else 20) if hot else 0
            value = 51 + 6 * math.sin(step / 24 * math.pi) + more
            batch.append(series, at, value, at, Quality.GOOD)
    stage.parts.telemetry.write(batch)


def _wait_for(client: TestClient, run: str) -> None:
    deadline = time.monotonic() + 60
    while "every 1s" in client.get(run).text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _incident(stage: Stage) -> int:
    """Several alarms with one cause on the ticket of the first; returns its number."""
    wet = replace(LEAK, rule_id="pit-wet", family="water", life_safety=False)
    first, *_ = [stage.trip(f"b1-pump-{one}", wet) for one in (1, 2, 3)]
    return first


def _pages_of_what_is_kept(stage: Stage) -> dict[str, str]:
    """Lists that places keep, and one of each."""
    return {
        "templates": f"/ticket-templates?node={stage.site_id}",
        "template": f"/ticket-templates/{stage.site_id}/pump-round",
        "shift codes": f"/shift-codes?node={stage.site_id}",
        "shift code": f"/shift-codes/{stage.site_id}/night",
        "sticker problems": f"/sticker-problems?node={stage.site_id}",
        "problem list": f"/sticker-problems/{stage.site_id}?about=asset:pump",
        "categories": f"/ticket-categories?node={stage.site_id}",
        "category": f"/ticket-categories/{stage.site_id}/pools",
    }


def _faults(stage: Stage) -> int:
    """Several at once, old and new; returns the number of the ticket that much is told of."""
    now = stage.now
    stage.say(PUMP, {"motor_temperature": 82.4, "vibration": 4.9})
    number = stage.trip(PUMP, OVERHEATING, at=now - 2400 * MICROS)
    stage.clear(PUMP, OVERHEATING, at=now - 600 * MICROS)
    stage.trip(PUMP, OVERHEATING, at=now - 120 * MICROS)
    pumps = [code for code in stage.assets if "pump" in code and code != PUMP]
    for code in pumps[:4]:
        stage.trip(code, NOISE, at=now - 5400 * MICROS)
    stage.trip(_asset_with(stage, "leak"), LEAK, at=now - 30 * MICROS)
    return number


def _form(client: TestClient, address: str, **fields: object) -> str:
    """Send a form; where it leads."""
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": csrf, **fields})
    assert answer.status_code in (200, 303), answer.text
    return str(answer.headers.get("location", ""))


def _work(client: TestClient, number: int) -> None:
    page = f"/tickets/{number}"
    _form(client, f"{page}/notes", body=NOTE, public="yes")
    labour = {"kind": "labour", "what": "Changed the bearing", "amount": "90", "cost": "1,180.50"}
    _form(client, f"{page}/work", **labour)
    _form(client, f"{page}/work", kind="part", what="Bearing 6204 轴承", amount="2")
    _form(client, f"{page}/checklist", text="Bearing turns freely 轴承转动灵活", required="yes")
    _form(client, f"{page}/checklist", text="Oil level 油位", kind="number", unit="mm", low="20")
    others = {"kind": "caused_by", "other": str(number + 1)}
    _form(client, f"{page}/links", **others)
    _form(client, f"{page}/findings", faults="overheating", causes="bearing")
    files = {"photo": ("pump.jpg", io.BytesIO(photo(800, 600)), "image/jpeg")}
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    assert client.post(f"{page}/photos", data={"csrf": csrf}, files=files).status_code == 303
    _said(client, number)


def _said(client: TestClient, number: int) -> None:
    """A note that names a colleague, with a voice note."""
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    form = {"csrf": csrf, "body": "@Wei Chen 陈伟 please listen: is it the bearing? 听听是不是轴承"}
    files = {"voice": ("voice.webm", sample("chromium.webm"), "audio/webm")}
    answer = client.post(f"/tickets/{number}/notes", data=form, files=files)
    assert answer.status_code == 303, answer.text


def _asset_with(stage: Stage, point: str) -> str:
    return next(code for code, measured in stage.points if measured == point)


def _many(stage: Stage, client: TestClient) -> str:
    """Saved views of the list, and several tickets handed out at once, of which one is refused."""
    for name in ("Late repairs 逾期维修", "Everything of mine 我的全部"):
        _form(client, "/tickets/views", name=name, view="late", node=str(stage.site_id))
    with stage.parts.database.read() as session:
        tickets = session.execute(select(Ticket.id, Ticket.version).order_by(Ticket.number)).all()
    chosen = [f"{ticket}:{version}" for ticket, version in tickets[1:4]]
    wrong = f"{tickets[4].id}:99"
    fields = {"action": "assign", "team": "security", "ticket": [*chosen, wrong]}
    return _form(client, "/tickets/bulk", batch=str(new_id()), **fields)


def _just_changed(stage: Stage, client: TestClient) -> str:
    """A ticket whose priority was changed a moment ago, with its way back."""
    with stage.parts.database.read() as session:
        low = select(Ticket).where(Ticket.state == "open", Ticket.priority != "low")
        ticket = session.scalars(low.order_by(Ticket.number)).first()
    assert ticket is not None
    page = f"/tickets/{ticket.number}"
    return _form(client, f"{page}/priority", version=ticket.version, to_priority="low")


def _told_of_many(stage: Stage, client: TestClient) -> str:
    """What the link of a message shows by which somebody was handed several tickets."""
    worker = stage.person("Zhao Lei 赵磊", "technician")
    with stage.parts.database.read() as session:
        tickets = session.scalars(select(Ticket.id).order_by(Ticket.number).limit(4)).all()
    fields = {"action": "assign", "assignee": str(worker), "ticket": [str(one) for one in tickets]}
    _form(client, "/tickets/bulk", batch=str(new_id()), **fields)
    _notices(stage)
    with stage.parts.database.read() as session:
        notice = session.scalars(select(Notice).where(Notice.person_id == worker)).first()
    assert notice is not None
    return f"/n/{notice.code}"


def _flat(stage: Stage) -> UUID:
    with stage.parts.database.read() as session:
        statement = select(Space.id).where(Space.site_id == stage.site_id).order_by(Space.code)
        return session.scalars(statement.limit(1)).one()


def _outside(stage: Stage, person: UUID) -> dict[str, str]:
    """The pages of those who don't work there, and where companies are hired."""
    link, number = _of_a_company(stage, person)
    return {
        "home": "/home",
        "home, reporting": "/home/report",
        "home, a report": f"/home/reports/{_at_home(stage, person)}",
        "companies": f"/companies?site={stage.site_id}",
        "jobs": "/jobs",
        "job": f"/jobs/{link}",
        "ticket, claimed": f"/tickets/{number}",
    }


def _at_home(stage: Stage, person: UUID) -> UUID:
    """Somebody of ours who lives there as well, and reported something."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        space = session.get_one(Space, _flat(stage))
        details = Details("Chen Wei 陈伟")
        row = add_resident(session, space, details, actor=events.SYSTEM, now=now)
        [(_, secret)] = invite_residents(session, [row], by=person, now=now)
        session.add(Password(person_id=person, login="13800138000", hash="", changed_at=now))
        session.flush()
        add_home(session, secret, person, now=now)
        wish = Wish(new_secret("report"), "other", "Tap drips 水龙头滴水")
        place = find_place(session, person, str(space.id), now=now)
        send_from_home(session, place, wish, person, now=now)
        return session.scalars(
            select(ResidentReport.id).where(ResidentReport.person_id == person)
        ).one()


def _of_a_company(stage: Stage, person: UUID) -> tuple[UUID, int]:
    """And comes from a hired company, which is at work on a job; with the number of its ticket."""
    now, site = stage.parts.clock.now(), stage.site_id
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        company = hire_company(session, caller, site, "Lifts & Pumps 安达机电", now=now)
        session.add(
            CompanyPerson(site_id=site, company_id=company.id, person_id=person, made_at=now)
        )
        session.add(Grant(person_id=person, node_id=site, role="contractor"))
        ticket = session.scalars(
            select(Ticket).where(Ticket.state == "open", Ticket.life_safety.is_(False))
        ).first()
        assert ticket is not None
        job = Job([Contact(company.name, "Li Na", "0574 8800")], "Replace the bearing 更换轴承")
        [(link, _)] = offer(session, ticket, job, person=person, now=now)
        accept(session, link, now=now)
        arrive(session, link, "tap", now=now)
        bearing = NewClaim("part", "Bearing 6204 轴承", Decimal(2), Decimal("62.25"))
        claim(session, link, [NewClaim("labour", "", Decimal("1.5")), bearing], now=now)
        return link.id, ticket.number


def _kept(stage: Stage, client: TestClient) -> None:
    """What a site keeps for itself: a category, a template, and who lives there."""
    names = {"code": "pools", "name_en": "Pools and fountains", "name_zh": "泳池与喷泉"}
    _form(client, f"/ticket-categories/{stage.site_id}", version=0, **names)
    round_ = {
        "code": "pump-round",
        "name_en": "Monthly look at a pump",
        "name_zh": "水泵月度巡检",
        "title_en": "Monthly look at the pump",
        "title_zh": "水泵月度巡检",
        "item_en": ["Outlet pressure", "No leak"],
        "item_zh": ["出口压力", "无渗漏"],
        "item_kind": ["number", "tick"],
        "item_required": ["yes", "yes"],
        "item_unit": ["MPa", ""],
        "item_low": ["0.2", ""],
        "item_high": ["0.6", ""],
        "item_choices_en": ["", ""],
        "item_choices_zh": ["", ""],
    }
    _form(client, f"/ticket-templates/{stage.site_id}", version=0, **round_)
    home = {"name": "Zhao Lei 赵磊", "phones": "138 0013 8000", "relation": "owner"}
    _form(client, f"/spaces/{_flat(stage)}/household", since="2024-03-01", **home)
    _form(client, f"/spaces/{_flat(stage)}/household", name="Li Na 李娜", relation="family")


def _people(stage: Stage, client: TestClient) -> None:
    for name, role in (("李娜", "manager"), ("Zhao Dayong", "guard"), ("Lin Hua", "supervisor")):
        stage.person(name, role, node=stage.site_id)
    worker = stage.person("Li Ming", "technician", node=stage.site_id)
    _form(client, "/people/invitations", role="technician", node=str(stage.site_id))
    _form(client, "/account/tokens", label="Wall display", days="30", extent="read")
    team = f"/teams/{stage.site_id}"
    first = stage.parts.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    members = {"member": [str(worker)], "person": [str(worker)], "skills": ["electrical"]}
    setting = {"version": 0, "name_en": "Maintenance", "mode": "load", "cover": "always"}
    _form(client, f"{team}/set-up", team="maintenance", **setting, **members)
    shifts = {"weekday": ["0", "1", "2", "3", "4"], "starts": "08:00", "ends": "18:00"}
    when = {"kind": "duty", "first": str(first), "weeks": "2"}
    _form(client, f"{team}/shifts", team="maintenance", person=[str(worker)], **shifts, **when)
    away = {"starts": f"{first}T00:00", "ends": f"{first + timedelta(days=2)}T00:00"}
    _form(client, f"{team}/absences", team="maintenance", person=str(worker), **away)
    _form(client, f"{team}/items", team="maintenance", keys="Roof\nPump room\n", equipment="Torch")


def _hand_over(stage: Stage, client: TestClient) -> str:
    return _form(client, f"/teams/{stage.site_id}/hand-over", team="maintenance", note=NOTE)


def _notices(stage: Stage) -> None:
    facts = events.read_after(stage.parts.database, events.START, 2000)
    with stage.parts.database.write() as session:
        notifications.take_up(session, facts, now=stage.parts.clock.now())


def _calendar(client: TestClient) -> str:
    found = re.search(r'href="(/service/[^"]+/calendars/[^"]+)"', client.get("/service").text)
    assert found is not None
    return found[1]


def _import(client: TestClient) -> str:
    """A file with right and wrong cells, as its preview shows it."""
    sheet = [
        ["Site", "Code", "Name in English", "Kind", "Inside"],
        ["riverside", "b9", "Building 9", "Building", None],
        ["riverside", "b 10", None, "Building", "nowhere"],
    ]
    fields = {"csrf": csrf_token(client.cookies[SESSION_COOKIE]), "watch": "w"}
    files = {"file": ("spaces.xlsx", workbook({"Spaces": sheet}), XLSX)}
    answer = client.post("/imports", data=fields, files=files)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _resident_ticket(stage: Stage) -> int:
    with stage.parts.database.read() as session:
        statement = select(Ticket.number).join(
            ResidentReport, ResidentReport.ticket_id == Ticket.id
        )
        return session.scalars(statement).one()
