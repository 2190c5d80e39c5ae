"""Nobody sees or changes what isn't theirs: every page, as every role, from another site."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from api.directory import routes_of
from core import events, floor_plans
from core.companies import hire_company
from core.expected_devices import Announced, expect
from core.households import Details, add_resident
from core.ids import new_id
from core.people import Grant, Person, caller_for, new_secret
from core.permissions import ROLES
from core.places import Asset, Space
from core.rosters import Absence, Shift
from tests.api.building import RULE, put_rule, put_tried_draft
from tests.pictures import drawing, photo
from tests.voices import sample
from tests.web.conftest import signed_in, stage_on
from tests.web.patrolling import day_of_scans
from tests.web.phoning import gatehouse
from tests.web.posting import gate_with_people
from tests.web.rounding import night_of_rounds
from tests.web.sourcing import boxes
from tests.web.stage import OVERHEATING, Stage
from web.page_route import PageRoute
from web.pages.control_room.panels import PANELS as CONTROL_ROOM
from web.pages.patrol.tasks import STEPS
from workflows import customers, intake, saved_views
from workflows.alarms import accept_tickets
from workflows.alarms.incident_model import Incident, IncidentChild
from workflows.alarms.model import Alarm
from workflows.alarms.planning import Plan, plan_work
from workflows.alarms.shelving import OutOfService, take_out_of_service
from workflows.alarms.walk_tests.running import NewWalkTest, start_test
from workflows.customers import Sticker, Wish
from workflows.dispatch import Handover
from workflows.patrol import lone, sos
from workflows.patrol.frozen.model import FrozenReport, ReportClient, ReportEdition
from workflows.patrol.honesty import PatrolMark
from workflows.patrol.phones.model import PHONE
from workflows.patrol.privacy.model import TrackHold
from workflows.tickets import Ticket, contractors
from workflows.tickets.bulk import Order, Wanted
from workflows.tickets.contractors import Contact, Job
from workflows.tickets.contractors.claims import ContractorClaim
from workflows.tickets.photos import add_photo, store_photo
from workflows.tickets.voices import add_voice, store_voice

PUMP = "b1-pump-1"
# What needs no right on any site: one's own affairs, signing in, "there is nothing here", and a
# link that was sent to one person: whoever holds it may answer it; it shows nothing about people.
OWN = re.compile(r"/(account|sign-in|sign-out|join|n)\b.*|/\{path:path\}")
# Where the live page leads somebody who doesn't work here.
ELSEWHERE = ("/home", "/jobs")
# A plausible form for every page that takes one; what a page doesn't know it ignores.
FORM = {
    "version": "1",
    "note": "Because",
    "body": "Because",
    "role": "guard",
    "sure": "yes",
    "belongs": "type:pump",
    "code": "pump-9",
    "name_en": "Pump 9",
    "grade": "urgent-30",
    "minutes": "5",
    "heard": "yes",
    "x": "0.5",
    "y": "0.5",
}


def routes(stage: Stage) -> list[tuple[str, str]]:
    """Method and path of everything that shows or changes what belongs to a site."""
    found = [
        (method, route.path)
        for route in routes_of(stage.app.routes)
        for method in sorted(route.methods or ())
        if isinstance(route, PageRoute) and not OWN.fullmatch(route.path)
    ]
    assert len(found) > 15
    return found


def photo_of(stage: Stage, number: int) -> UUID:
    """A photo on a ticket."""
    taken = store_photo(stage.parts.files, photo())
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    with stage.parts.database.write() as session:
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        now = stage.parts.clock.now()
        return add_photo(session, ticket, taken, author=person, now=now).id


def voice_of(stage: Stage, number: int) -> UUID:
    """A voice note on a ticket."""
    stored = store_voice(stage.parts.files, sample("chromium.webm"))
    person = stage.person("Wei Chen", "technician", node=stage.site_id)
    with stage.parts.database.write() as session:
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        now = stage.parts.clock.now()
        return add_voice(session, ticket, stored, author=person, now=now).id


def roster_of(stage: Stage, person: UUID) -> dict[str, str]:
    """Something of each table of the roster."""
    now = stage.parts.clock.now()
    span = {"starts_at": now, "ends_at": now + timedelta(hours=8)}
    at = {"site_id": stage.site_id, "team": "security"}
    shift = Shift(id=new_id(), **at, person_id=person, kind="duty", **span)
    absence = Absence(id=new_id(), person_id=person, **span)
    handover = Handover(
        id=new_id(),
        **at,
        state="offered",
        from_id=person,
        offered_at=now,
        due_at=now,
        lists={"tickets": [], "alarms": [], "items": []},
    )
    found = {"shift_id": shift.id, "absence_id": absence.id, "handover_id": handover.id}
    with stage.parts.database.write() as session:
        session.add_all([shift, absence, handover])
    return {name: str(one) for name, one in found.items()}


def outside(stage: Stage, number: int) -> dict[str, str]:
    """A sticker, a contractor's link and a resident's report of ours."""
    person, now = stage.person("Wu Min", "manager", node=stage.site_id), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        places = [
            place
            for place in customers.places_to_label(session, stage.site_id, what="assets")
            if place.code == PUMP
        ]
        customers.make_stickers(session, places, stage.site_id, person=person, now=now)
        sticker = session.scalars(select(Sticker)).one()
        stuck = customers.read_sticker(session, sticker.path)
        ticket = session.get_one(Ticket, stage.ticket(number).id)
        wish = Wish(new_secret("report"), join=ticket.id)
        customers.send(session, stuck, wish, now=now)
        report = customers.find_report(session, wish.secret, now=now)
        job = Job([Contact("Pumps Ltd", "Guard Zhao", "0574 8800")], "Repair it")
        [(link, _)] = contractors.offer(session, ticket, job, person=person, now=now)
        claim = ContractorClaim(
            site_id=stage.site_id,
            ticket_id=ticket.id,
            link_id=link.id,
            at=now,
            kind="cost",
            what="Crane",
            state="claimed",
        )
        session.add(claim)
        session.flush()
        ids = {"sticker_id": sticker.id, "link_id": link.id, "report_id": report.id}
        ids["claim_id"] = claim.id
    return {name: str(value) for name, value in ids.items()}


def import_of(stage: Stage) -> UUID:
    """A file that a colleague handed in."""
    person = stage.person("Li Na", "administrator", node=stage.site_id)
    database = stage.parts.database
    with database.read() as session:
        caller = caller_for(session, session.get_one(Person, person))
    upload = intake.Upload("spaces.csv", b"code,name_en,kind\nroof,Riverside roof,\n")
    preview = intake.plan_file(database, caller, upload)
    with database.write() as session:
        return intake.hand_in(session, caller, upload, preview, now=stage.parts.clock.now()).id


def view_of(stage: Stage) -> UUID:
    """A list that is shared with the people of our site."""
    person, now = stage.person("Lu Yan", "supervisor", node=stage.site_id), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        view = saved_views.save_view(
            session, caller, "Riverside list", {"view": "late"}, node_id=stage.site_id, now=now
        )
        return view.id


def batch_of(stage: Stage, number: int) -> UUID:
    """Something that a colleague did to many of our tickets."""
    person, now = stage.person("Lu Yan", "supervisor", node=stage.site_id), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        order = Order(new_id(), "priority", [Wanted(stage.ticket(number).id)], priority="low")
        return accept_tickets(session, caller, order, now=now).id


def plan_of(stage: Stage) -> UUID:
    """A plan of our site with something placed on it."""
    person, now = stage.person("Lu Yan", "administrator"), stage.parts.clock.now()
    stored = floor_plans.store_plan(stage.parts.files, drawing())
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        plan = floor_plans.put_plan(session, caller, stage.site_id, None, stored, now=now)
        floor_plans.place_asset(session, caller, plan, stage.assets[PUMP], (0.5, 0.5), now=now)
        return plan.id


def home_of(stage: Stage) -> dict[str, str]:
    """A space of ours, and somebody of its household."""
    with stage.parts.database.write() as session:
        space = session.scalars(select(Space).where(Space.site_id == stage.site_id)).first()
        assert space is not None
        details = Details("Riverside Zhao", ("13800138000",))
        now = stage.parts.clock.now()
        row = add_resident(session, space, details, actor=events.SYSTEM, now=now)
        return {"space_id": str(space.id), "resident_id": str(row.id)}


def silence_of(stage: Stage, alarm_id: UUID) -> dict[str, str]:
    """A request to take an alarm of ours out of service, and work planned on our pump."""
    person, now = stage.person("Lu Yan", "administrator"), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        alarm = session.get_one(Alarm, alarm_id)
        until = now + timedelta(hours=2)
        row = take_out_of_service(session, caller, alarm, OutOfService(until, "Hot"), now=now)
        pump = [stage.assets[PUMP]]
        plan = Plan(stage.site_id, "maintenance", now, until, "Bearings", pump)
        work = plan_work(session, caller, plan, now=now)
        place = session.scalars(select(Asset.space_id).where(Asset.id == stage.assets[PUMP])).one()
        assert place is not None
        test = NewWalkTest(stage.site_id, place, until, "Yearly test")
        walk = start_test(session, caller, test, before={}, now=now)
        leak = [Announced("a84041ffff186299", {"en": "Leak"})]
        (expected,) = expect(session, caller, stage.site_id, leak, now=now)
        ids = {"withholding_id": row.id, "work_id": work.id, "test_id": walk.id}
        ids["expected_id"] = expected.id
        return {name: str(value) for name, value in ids.items()}


def company_of(stage: Stage) -> UUID:
    """A company that is hired for our site."""
    person, now = stage.person("Lu Yan", "administrator"), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, person))
        return hire_company(session, caller, stage.site_id, "Riverside Pumps", now=now).id


def incident_of(stage: Stage, alarm: UUID, number: int) -> UUID:
    """An incident of ours with this alarm, whose ticket this is."""
    at = {"site_id": stage.site_id}
    incident = Incident(
        id=new_id(),
        **at,
        family="water",
        root_kind="supply",
        root_id=stage.assets[PUMP],
        ticket_id=stage.ticket(number).id,
        first_micros=stage.now,
        last_micros=stage.now,
        learned_at=stage.parts.clock.now(),
        alarms=1,
    )
    with stage.parts.database.write() as session:
        session.add(incident)
        session.flush()
        session.add(
            IncidentChild(incident_id=incident.id, alarm_id=alarm, **at, tripped_micros=stage.now)
        )
        return incident.id


def things_of_ours(stage: Stage) -> dict[str, str]:
    """Something of our site for each parameter of a page's address."""
    number = stage.trip(PUMP, OVERHEATING)
    guard = stage.person("Guard Zhao", "guard", node=stage.site_id)
    with stage.parts.database.read() as session:
        alarm = session.scalars(select(Alarm.id)).one()
        grant = session.scalars(select(Grant.id).where(Grant.person_id == guard)).one()
    return {
        "number": str(number),
        "photo_id": str(photo_of(stage, number)),
        "voice_id": str(voice_of(stage, number)),
        "alarm_id": str(alarm),
        "incident_id": str(incident_of(stage, alarm, number)),
        "asset_id": str(stage.assets[PUMP]),
        "device_id": str(stage.unknown_device("leak-sensor-7", {"temperature": 21.5})),
        "site_id": str(stage.site_id),
        "node_id": str(stage.site_id),
        "line_id": str(new_id()),
        "item_id": str(new_id()),
        "signature_id": str(new_id()),
        "run_id": str(new_id()),
        "rule_id": OVERHEATING.rule_id,
        "profile_id": "door-contact",
        "code": "office",
        **roster_of(stage, guard),
        "person_id": str(guard),
        "role_id": str(grant),
        "invitation_id": str(new_id()),
        **outside(stage, number),
        "view_id": str(view_of(stage)),
        "source_id": str(boxes(stage)["home-made"]),
        "batch_id": str(batch_of(stage, number)),
        "import_id": str(import_of(stage)),
        "plan_id": str(plan_of(stage)),
        **home_of(stage),
        "company_id": str(company_of(stage)),
        **silence_of(stage, alarm),
        **rule_of(stage),
        **patrol_of(stage),
    }


def patrol_of(stage: Stage) -> dict[str, str]:
    """A checkpoint of ours, what is scanned there, a badge, a scan, and a route with its rounds."""
    made = day_of_scans(stage)
    names = {"checkpoint_id": "gate", "checkpoint_token_id": "token"}
    names |= {"badge_id": "badge", "scan_id": "scan"}
    night = night_of_rounds(stage, made["guard"])
    calls = calls_of(stage, made["guard"], made["gate"])
    rounds = {"route_id": "route", "round_plan_id": "round_plan", "round_id": "missed"}
    found = {name: str(made[key]) for name, key in names.items()}
    gate = gate_with_people(stage)
    manned = {"post_id": "post", "duty_id": "duty", "orders_id": "orders"}
    found |= {name: str(gate[key]) for name, key in manned.items()}
    walked = {name: str(night[key]) for name, key in rounds.items()}
    house = gatehouse(stage)
    found |= {"phone_id": str(house.phone.id), "guard_report_id": str(house.leak)}
    found |= {"guard_file_id": str(house.photo), "mark_id": mark_on(stage, night["missed"])}
    return {**found, **walked, **calls, **frozen_of(stage), "position": "1"}


def frozen_of(stage: Stage) -> dict[str, str]:
    """A day of ours that is closed, for a client of ours."""
    now = stage.parts.clock.now()
    day = (now - timedelta(days=9)).date()
    client = ReportClient(id=new_id(), site_id=stage.site_id, name="Harbour Offices", parts=[])
    report = FrozenReport(
        id=new_id(),
        site_id=stage.site_id,
        kind="daily",
        number=f"RIVERSIDE-{day:%Y%m%d}",
        day=day,
        closed_at=now,
        looked_at=now,
    )
    edition = ReportEdition(
        id=new_id(),
        site_id=stage.site_id,
        report_id=report.id,
        content={},
        digest="0" * 64,
        files={"pdf-en": {"sha256": "0" * 64, "size": 1}},
    )
    with stage.parts.database.write() as session:
        session.add_all([client, report])
        session.flush()
        session.add(edition)
    found = {"report_client_id": client.id, "patrol_report_id": report.id}
    found["edition_id"] = edition.id
    return {name: str(one) for name, one in found.items()} | {"form": "pdf", "language": "en"}


def calls_of(stage: Stage, guard: UUID, place: UUID) -> dict[str, str]:
    """A call for help of ours, a plan of check-ins, and a place without signal."""
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, guard))
        given = sos.Press(new_id(), site_id=stage.site_id)
        call = sos.press(session, caller, given, now=now)
        draft = lone.LoneDraft("security", 30)
        plan = lone.create_lone_plan(session, stage.site_id, draft, actor=events.SYSTEM, now=now)
        hold = TrackHold(
            id=new_id(),
            site_id=stage.site_id,
            person_id=guard,
            ticket_id=call.id,
            since=now,
            until=now,
            made_by=guard,
            made_at=now,
        )
        session.add(hold)
        found = {"sos_id": call.id, "lone_plan_id": plan.id, "place_id": place}
        found |= {"track_hold_id": hold.id}
        return {name: str(one) for name, one in found.items()}


def mark_on(stage: Stage, round_id: UUID) -> str:
    """A mark on a round of ours, about nobody known."""
    made_at = stage.parts.clock.now()
    row = PatrolMark(site_id=stage.site_id, round_id=round_id, kind="speed", made_at=made_at)
    row.scans, row.evidence = [], []
    with stage.parts.database.write() as session:
        session.add(row)
        session.flush()
        return str(row.id)


def rule_of(stage: Stage) -> dict[str, str]:
    """A rule that is kept on our site alone, a draft of it, and a trial in the shadow."""
    now = stage.parts.clock.now()
    put_rule(stage.parts.database, stage.site_id, now)
    tried = put_tried_draft(stage.parts.database, stage.site_id, now)
    return {"rule_id": RULE, **{name: str(each) for name, each in tried.items()}}


def choices(path: str) -> list[str]:
    """The address with every value of its closed parameters."""
    if path.startswith("/control-room/") and "{panel}" in path:
        return [path.replace("{panel}", name) for name in CONTROL_ROOM]
    if "{panel}" in path:
        return [path.replace("{panel}", name) for name in ("tree", "alarms", "tickets", "summary")]
    if "{part}" in path:
        parts = ("points",) if path.startswith("/assets/") else ("actions", "facts", "checklist")
        return [path.replace("{part}", name) for name in parts]
    if "{step}" in path:
        return [path.replace("{step}", name) for name in STEPS]
    if path.startswith("/phones/"):
        return [path.replace("{action}", name) for name in PHONE.moves]
    if "{action}" in path:
        return [path.replace("{action}", name) for name in ("start", "cancel", "assign")]
    # A page of no one thing is asked for ours by what its forms send.
    of_ours = [f"{path}?site={{site_id}}", f"{path}?asset={{asset_id}}", f"{path}?q=pump"]
    of_ours.append(f"{path}?q=13800138000")
    return [path] if "{" in path else [path, *of_ours]


def addresses(stage: Stage, theirs: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for method, path in routes(stage):
        for each in choices(path):
            address = re.sub(r"{(\w+)}", lambda match: theirs[match[1]], each)
            found.append((method, address))
    return found


def of_one_thing(address: str, theirs: dict[str, str]) -> bool:
    """Whether an address names something of ours in its path: not a form, a language, or a profile,
    which holds in the whole installation."""
    everybodys = ("form", "language", "profile_id")
    ours = [value for name, value in theirs.items() if name not in everybodys]
    return any(value in address.partition("?")[0].split("/") for value in ours)


def without_echo(page: str, address: str) -> str:
    """A page without the switch's own repetition of the query that was asked, and nothing else.

    And of the list of rules without those that hold on the company, which are everybody's.
    """
    if address.partition("?")[0] == "/rules":
        page = page.replace("overheating", "")
    query = address.partition("?")[2]
    return page.replace(f'href="?{query}&amp;lang=', 'href="?lang=') if query else page


@pytest.fixture(scope="module")
def laid_out(
    foundation: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, dict[str, str]]]:
    """A stage with our things, and what names them; strangers of all roles leave it as it is."""
    for stage in stage_on(foundation, tmp_path_factory.mktemp("ours")):
        yield stage, things_of_ours(stage)


def stranger(stage: Stage, role: str) -> TestClient:
    person = stage.person("Stranger", role, node=stage.other_site_id)
    return signed_in(stage, stage.secret(person, "session"))


@pytest.mark.parametrize("role", ROLES)
def test_a_stranger_of_any_role_sees_and_changes_nothing_of_ours(
    laid_out: tuple[Stage, dict[str, str]], role: str
) -> None:
    stage, theirs = laid_out
    client = stranger(stage, role)
    form = {**FORM, "csrf": csrf_token(client.cookies[SESSION_COOKIE]), "node": theirs["site_id"]}
    before = events.newest(stage.parts.database)
    for method, address in addresses(stage, theirs):
        if method == "GET":
            answer = client.get(address)
            if answer.headers.get("location") in ELSEWHERE:
                answer = client.get(answer.headers["location"])
            allowed = {403, 404} if of_one_thing(address, theirs) else {200, 403, 404}
        else:
            answer = client.request(method, address, data=form)
            # A form that names no place, or one that isn't theirs, is refused before all else.
            allowed = {403, 404} if of_one_thing(address, theirs) else {403, 404, 422}
        assert answer.status_code in allowed, (method, address, answer.status_code)
        for ours in (
            "Riverside",
            "overheating",
            "leak-sensor-7",
            "Guard Zhao",
            "Guard Xu",
            "North gate",
            "Gatehouse",
            "138****8000",
            theirs["asset_id"],
        ):
            assert ours not in without_echo(answer.text, address), (method, address)
    assert events.newest(stage.parts.database) == before


def test_the_walk_would_find_what_is_not_hidden(laid_out: tuple[Stage, dict[str, str]]) -> None:
    stage, theirs = laid_out
    person = stage.person("Wei Chen", "manager", node=stage.site_id)
    client = signed_in(stage, stage.secret(person, "session"))
    found = [
        address
        for method, address in addresses(stage, theirs)
        if method == "GET" and not address.endswith("/stream")
        if "overheating" in client.get(address).text
    ]
    assert "/" in found
    assert "/control-room" in found
    assert f"/control-room/{theirs['site_id']}/alarms" in found
    assert f"/tickets/{theirs['number']}" in found
