"""Something of everything on the small site."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events, quarantine, rulebook
from core.clock import to_micros
from core.companies import Company
from core.db import Database, Session
from core.devices import Device, Source
from core.expected_devices import Announced, expect
from core.households import Details, add_resident
from core.http_ingest import SourceKey
from core.ids import new_id
from core.mapping_versions import MappingVersion
from core.people import Grant, Person, caller_for, new_secret
from core.places import Space
from core.rulebook_drafts import RuleDraft
from core.rulebook_shadows import RuleShadow
from tests.fixtures import NOON, SmallSite
from workflows import customers, intake, saved_views, tickets
from workflows.alarms import Alarm, Episode, Withholding, accept_tickets
from workflows.alarms.incident_model import Incident, IncidentChild
from workflows.alarms.planning import Plan, plan_work
from workflows.alarms.walk_tests.running import NewWalkTest, start_test
from workflows.maintenance import BatteryState
from workflows.tickets import contractors
from workflows.tickets.bulk import Order, Wanted
from workflows.tickets.contractors.claims import ContractorClaim
from workflows.tickets.model import TicketPhoto, TicketVoice

RULE = "pump-hot"
DOCUMENT = """\
id: pump-hot
title: {en: Pump hot, zh: 水泵过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""
PERSON = new_id()


def put_rule(database: Database, node_id: UUID, now: datetime, rule_id: str = RULE) -> None:
    with database.write() as session:
        rulebook.publish(
            session,
            rule_id=rule_id,
            node_id=node_id,
            title={"en": "Pump hot", "zh": "水泵过热"},
            severity="high",
            life_safety=False,
            document=DOCUMENT.replace(RULE, rule_id),
            fingerprint=f"{rule_id}-1",
            pack="test",
            actor=events.SYSTEM,
            now=now,
        )


def put_tried_draft(database: Database, node_id: UUID, now: datetime) -> dict[str, UUID]:
    """A draft of the rule, and a trial of it in the shadow, begun by nobody in particular."""
    by_somebody = {"node_id": node_id, "rule_id": RULE, "document": "id: pump-hot", "title": {}}
    draft = RuleDraft(
        id=new_id(),
        rule_fixed=True,
        state="draft",
        version=1,
        created_at=now,
        created_by="somebody",
        updated_at=now,
        updated_by="somebody",
        **by_somebody,
    )
    shadow = RuleShadow(
        id=new_id(),
        draft_id=draft.id,
        state="running",
        version=1,
        severity="high",
        fingerprint="",
        began_at=now,
        began_by="somebody",
        **by_somebody,
    )
    with database.write() as session:
        session.add(draft)
        session.flush()
        session.add(shadow)
    return {"draft_id": draft.id, "shadow_id": shadow.id}


def put_ticket(
    database: Database, site: SmallSite, now: datetime, *, title: str = "It drips"
) -> UUID:
    draft = tickets.Draft(
        site_id=site.id,
        asset_id=site.assets["pump-1"],
        kind="repair",
        priority="high",
        title={"und": title},
        team="maintenance",
        happened_at=now,
        learned_at=now,
    )
    with database.write() as session:
        return tickets.open_ticket(session, draft, actor=events.SYSTEM).id


def put_closing(database: Database, site: SmallSite, ticket_id: UUID, now: datetime) -> None:
    """A return visit on a ticket, a ticket whose reporter waits for one, and a fire alarm."""
    person = Person(id=new_id(), name="Hu Jing", locale="zh")
    visit = customers.ReturnVisit(
        site_id=site.id,
        ticket_id=ticket_id,
        by_id=person.id,
        at=now,
        way="phone",
        satisfied=True,
        rating=5,
    )
    plain = tickets.Draft(
        site_id=site.id,
        kind="repair",
        priority="low",
        title={"und": "Dark"},
        team="maintenance",
        happened_at=now,
        learned_at=now,
        reporter_id=person.id,
    )
    fire = replace(plain, category="fire_alarm", life_safety=True, title={"und": "Smoke"})
    with database.write() as session:
        session.add(person)
        session.flush()
        session.add(visit)
        done = tickets.open_ticket(session, plain, actor=events.SYSTEM)
        doer = new_person(session)
        for action in ("start", "resolve"):
            tickets.act(session, done, tickets.Step(action), person=doer, now=now)
        tickets.open_ticket(session, fire, actor=events.SYSTEM)


def new_person(session: Session) -> UUID:
    """Somebody who did the work."""
    person = Person(id=new_id(), name="He Jun", locale="zh")
    session.add(person)
    session.flush()
    return person.id


def space_of(database: Database, code: str) -> UUID:
    """A space of the small site by its code."""
    with database.read() as session:
        return session.query(Space).where(Space.code == code).one().id


def put_outside(
    database: Database, site: SmallSite, ticket_id: UUID, now: datetime
) -> dict[str, UUID]:
    """A sticker, a resident's report by it, and a link for a contractor, on a ticket."""
    person, secret = Person(id=new_id(), name="Wu Min", locale="zh"), new_secret("report")
    with database.write() as session:
        session.add(person)
        session.flush()
        places = customers.places_to_label(session, site.id, what="assets")
        pump = [place for place in places if place.code == "pump-1"]
        customers.make_stickers(session, pump, site.id, person=person.id, now=now)
        sticker = session.query(customers.Sticker).one()
        stuck = customers.read_sticker(session, sticker.path)
        wish = customers.Wish(secret, phone="138 0013 8000", join=ticket_id)
        customers.send(session, stuck, wish, now=now)
        report = customers.find_report(session, secret, now=now)
        ticket = session.get_one(tickets.Ticket, ticket_id)
        job = contractors.Job([contractors.Contact("Pumps", "Li", "0574 8800")], "Repair it")
        [(link, _)] = contractors.offer(session, ticket, job, person=person.id, now=now)
        claim = ContractorClaim(
            site_id=site.id,
            ticket_id=ticket_id,
            link_id=link.id,
            at=now,
            kind="cost",
            what="Crane",
            cost=Decimal(500),
            state="claimed",
        )
        session.add(claim)
        session.flush()
        found = {"sticker_id": sticker.id, "report_id": report.id, "link_id": link.id}
        return {**found, "claim_id": claim.id}


def put_company(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A company that is hired for the small site."""
    with database.write() as session:
        row = Company(id=new_id(), site_id=site.id, name="Riverside Pumps", hired_at=now)
        session.add(row)
        return row.id


def put_photo(database: Database, site: SmallSite, ticket_id: UUID, now: datetime) -> UUID:
    """A photo on a ticket, whose files nobody has."""
    photo = TicketPhoto(
        id=new_id(),
        site_id=site.id,
        ticket_id=ticket_id,
        at=now,
        original="0" * 64,
        copy="1" * 64,
        media_type="image/jpeg",
        size=1,
        width=1,
        height=1,
    )
    with database.write() as session:
        session.add(photo)
    return photo.id


def put_voice(database: Database, site: SmallSite, ticket_id: UUID, now: datetime) -> UUID:
    """A voice note on a ticket, whose files nobody has."""
    voice = TicketVoice(
        id=new_id(),
        site_id=site.id,
        ticket_id=ticket_id,
        at=now,
        original="2" * 64,
        copy="3" * 64,
        media_type="audio/webm",
        size=1,
        seconds=1,
    )
    with database.write() as session:
        session.add(voice)
    return voice.id


def put_alarm(
    database: Database,
    site: SmallSite,
    now: datetime,
    *,
    state: str = "unacknowledged",
    rule_id: str = RULE,
    ticket_id: UUID | None = None,
) -> UUID:
    alarm_id = new_id()
    with database.write() as session:
        session.add(
            Alarm(
                id=alarm_id,
                site_id=site.id,
                asset_id=site.assets["pump-1"],
                rule_id=rule_id,
                rule_version=1,
                title={"en": "Pump hot"},
                severity="high",
                life_safety=False,
                state=state,
                version=1,
                reason="motor_temperature 82.1 °C > 75 °C",
                episodes=1,
                raised_at=now,
                ticket_id=ticket_id,
            )
        )
        session.flush()
        session.add(
            Episode(
                id=new_id(),
                alarm_id=alarm_id,
                site_id=site.id,
                rule_version=1,
                tripped_micros=to_micros(now),
                learned_at=now,
                reason="hot",
                ticket_id=ticket_id,
            )
        )
    return alarm_id


def put_quarantined(
    database: Database, site_id: UUID | None, now: datetime, body: bytes = b'{"temp": "warm"}'
) -> UUID:
    rejected = quarantine.Rejected(
        site_id, "pump-9", "wk/v1/riverside/pump-9/readings", "wrong_type", "temp: text", body, now
    )
    with database.write() as session:
        quarantine.keep(session, [rejected])
    with database.read() as session:
        rows = session.query(quarantine.Quarantined).order_by(quarantine.Quarantined.id.desc())
        newest = rows.first()
        assert newest is not None
        return newest.id


def put_waiting_device(database: Database, site: SmallSite, now: datetime) -> UUID:
    device_id = new_id()
    with database.write() as session:
        session.add(
            Device(
                id=device_id,
                site_id=site.id,
                code="pump-9",
                name={},
                state="waiting",
                version=1,
                first_seen=now,
                last_sample={"motor_temperature": 41.5, "running": True},
            )
        )
    return device_id


def put_battery(
    database: Database, device_id: UUID, site_id: UUID, now: datetime, **state: Any
) -> UUID:
    """The battery of a device, as it was judged."""
    with database.write() as session:
        row = BatteryState(device_id=device_id, site_id=site_id, judged_at=now, **state)
        session.add(row)
    return device_id


def put_source(database: Database, site: SmallSite) -> UUID:
    source_id = new_id()
    with database.write() as session:
        session.add(
            Source(id=source_id, site_id=site.id, code="extra", topic_filter="x/#", options={})
        )
        session.flush()
        # Somebody may push to it, by a secret that nobody can read.
        session.add(
            SourceKey(
                source_id=source_id, site_id=site.id, profile="token", secret=b"", set_at=NOON
            )
        )
        document = {"device": "d", "readings": [{"key": "k", "path": "$.v"}]}
        session.add(
            MappingVersion(
                source_id=source_id,
                number=1,
                document=document,
                made_at=NOON,
                made_by="system:watchkeeper",
            )
        )
    return source_id


def put_import(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A file that an administrator of the site handed in, and that waits to be applied."""
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name="Hands In", locale="en"))
        session.flush()
        session.add(Grant(id=new_id(), person_id=person_id, node_id=site.id, role="administrator"))
    with database.read() as session:
        caller = caller_for(session, session.get_one(Person, person_id))
    upload = intake.Upload("spaces.csv", b"code,name_en,kind,parent\nroof,Roof,,b1\n")
    preview = intake.plan_file(database, caller, upload)
    assert preview.plan.faults == []
    with database.write() as session:
        return intake.hand_in(session, caller, upload, preview, now=now).id


def put_batch(database: Database, site: SmallSite, ticket_id: UUID, now: datetime) -> UUID:
    """Something that somebody did to many tickets at once."""
    with database.write() as session:
        person = Person(id=new_id(), name="Does Much", locale="en")
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=site.id, role="supervisor"))
        session.flush()
        order = Order(new_id(), "priority", [Wanted(ticket_id)], priority="high")
        return accept_tickets(session, caller_for(session, person), order, now=now).id


def put_view(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A list of tickets that somebody shares with the people of the site."""
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name="Keeps Lists", locale="en"))
        session.flush()
        session.add(Grant(id=new_id(), person_id=person_id, node_id=site.id, role="supervisor"))
        session.flush()
        caller = caller_for(session, session.get_one(Person, person_id))
        view = saved_views.save_view(
            session, caller, "Late", {"view": "late"}, node_id=site.id, now=now
        )
        return view.id


def put_resident(database: Database, space: str, now: datetime) -> UUID:
    """Somebody of the household of a space."""
    with database.write() as session:
        row = session.query(Space).where(Space.code == space).one()
        details = Details("Zhao Lei", ("13800138000",))
        return add_resident(session, row, details, actor=events.SYSTEM, now=now).id


def put_request(
    database: Database, site: SmallSite, alarm_id: UUID, now: datetime, by: UUID | None = None
) -> UUID:
    """Somebody's request to take an alarm out of service for a day."""
    row = Withholding(
        id=new_id(),
        site_id=site.id,
        alarm_id=alarm_id,
        kind="out_of_service",
        why="out_of_service",
        state="asked",
        version=1,
        reason="hot work",
        patrol="Post 3",
        since=now,
        until=now + timedelta(days=1),
        asked_by=by,
    )
    with database.write() as session:
        session.add(row)
    return row.id


def put_work(database: Database, site: SmallSite, now: datetime) -> UUID:
    """Maintenance of a pump, planned for the coming hour."""
    with database.write() as session:
        person = Person(id=new_id(), name="Planner Sun", locale="zh")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="supervisor"))
        session.flush()
        plan = Plan(
            site_id=site.id,
            kind="maintenance",
            starts_at=now,
            ends_at=now + timedelta(hours=1),
            reason="bearings",
            asset_ids=[site.assets["pump-1"]],
        )
        return plan_work(session, caller_for(session, person), plan, now=now).id


def put_expected(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A device that is announced for the small site."""
    with database.write() as session:
        person = Person(id=new_id(), name="Installer Sun", locale="zh")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="manager"))
        session.flush()
        caller = caller_for(session, person)
        return expect(session, caller, site.id, [Announced("cellar-7", {})], now=now)[0].id


def put_walk_test(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A walk test of the pump room for the coming hour."""
    with database.write() as session:
        person = Person(id=new_id(), name="Tester Sun", locale="zh")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="supervisor"))
        session.flush()
        room = session.scalars(select(Space.id).where(Space.code == "b1-pumproom")).one()
        wanted = NewWalkTest(site.id, room, now + timedelta(hours=1), "yearly test")
        caller = caller_for(session, person)
        return start_test(session, caller, wanted, before={}, now=now).id


def put_incident(
    database: Database, site: SmallSite, now: datetime, alarm_id: UUID, ticket_id: UUID
) -> UUID:
    """An incident with one alarm, whose ticket this is."""
    incident = Incident(
        id=new_id(),
        site_id=site.id,
        family="water",
        root_kind="supply",
        root_id=site.assets["pump-1"],
        ticket_id=ticket_id,
        first_micros=to_micros(now),
        last_micros=to_micros(now),
        learned_at=now,
        alarms=1,
    )
    with database.write() as session:
        session.add(incident)
        session.flush()
        session.add(
            IncidentChild(
                incident_id=incident.id,
                alarm_id=alarm_id,
                site_id=site.id,
                tripped_micros=to_micros(now),
            )
        )
        session.get_one(Alarm, alarm_id).incident_id = incident.id
        return incident.id
