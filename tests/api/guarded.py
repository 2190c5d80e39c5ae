"""Checkpoint, tag, badge and scan of the small site; a route, its plan, and rounds of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.db import Database, Session
from core.ids import new_id
from core.people import Grant, Person, caller_for
from core.settings import load
from core.vault import Vault
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from workflows import dispatch, patrol
from workflows.patrol import lone, posts, rounds, sos
from workflows.patrol.frozen.model import FrozenReport, ReportClient, ReportEdition
from workflows.patrol.honesty import PatrolMark
from workflows.patrol.journal.model import GuardFile
from workflows.patrol.phones.model import Phone
from workflows.patrol.privacy.model import TrackHold
from workflows.patrol.reports.model import GuardReport
from workflows.tickets import Draft, open_ticket

# Whoever seals by it needs it to read again; nothing that stands here is sealed.
VAULT = Vault(load(secret_key="a key of the tests of patrols only"))


def put_patrol(database: Database, site: SmallSite, now: datetime) -> dict[str, UUID]:
    """Something of everything about patrols, by the names of path parameters."""
    guard = Person(id=new_id(), name="Guard Xu", locale="zh")
    with database.write() as session:
        session.add(guard)
        session.flush()
        session.add(Grant(id=new_id(), person_id=guard.id, node_id=site.id, role="guard"))
        new = patrol.NewCheckpoint("roof-door", {"en": "Roof door", "zh": "天台门"})
        row = patrol.create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=now)
        put = patrol.put_token(
            session,
            row,
            patrol.NewToken("static_tag", "04C0FFEE"),
            vault=VAULT,
            actor=events.SYSTEM,
            now=now,
        )
        badge_id = _put_badge(session, site, guard.id, now)
        shown = patrol.StaticTag(
            id=new_id(),
            occurred_at=now,
            channel="online",
            site_id=site.id,
            person_id=guard.id,
            uid="04C0FFEE",
        )
        scan = patrol.present(session, shown, vault=VAULT, now=now)
        assert scan.verdict == patrol.ACCEPTED
        walked = put_rounds(session, site, row.id, now) | put_posts(session, site, now)
        reported = put_report(session, site, guard.id, walked["round_id"], now)
        frozen = _put_frozen(session, site, now)
        plan = lone.create_lone_plan(
            session, site.id, lone.LoneDraft("security", 30), actor=events.SYSTEM, now=now
        )
        _put_watch(session, plan, guard.id, row.id, now)
        caller = caller_for(session, guard)
        call = sos.press(session, caller, sos.Press(new_id(), site_id=site.id), now=now)
        task = _put_task(session, site, now)
        hold = _put_hold(session, call, guard.id, now)
    return {
        "track_hold_id": hold.id,
        "checkpoint_id": row.id,
        "checkpoint_token_id": put.token.id,
        "badge_id": badge_id,
        "scan_id": scan.id,
        "sos_id": call.id,
        "lone_plan_id": plan.id,
        "place_id": row.id,
        "task_id": task,
        **walked,
        **reported,
        **frozen,
    }


def _put_badge(session: Session, site: SmallSite, guard: UUID, now: datetime) -> UUID:
    """A card of the guard, by its id."""
    badge = patrol.issue_badge(
        session,
        site.id,
        patrol.NewBadge(guard, "card", "1234"),
        needs=patrol.SCAN,
        vault=VAULT,
        actor=events.SYSTEM,
        now=now,
    )
    return badge.id


def _put_task(session: Session, site: SmallSite, now: datetime) -> UUID:
    """A ticket of a rule to which a guard is sent, by its id."""
    draft = Draft(
        site_id=site.id,
        kind="incident",
        category="security",
        priority="high",
        title={"en": "Forced door"},
        team="security",
        happened_at=now,
        learned_at=now,
        rule_id="door-forced",
    )
    return open_ticket(session, draft, actor=events.SYSTEM).id


def _put_hold(session: Session, call: sos.Sos, guard: UUID, now: datetime) -> TrackHold:
    """A moment of the guard's track is held for the ticket of their call."""
    hold = TrackHold(
        id=new_id(),
        site_id=call.site_id,
        person_id=guard,
        ticket_id=call.id,
        since=now,
        until=now,
        made_by=guard,
        made_at=now,
    )
    session.add(hold)
    session.flush()
    return hold


def _put_watch(
    session: Session, plan: lone.LonePlan, guard: UUID, place: UUID, now: datetime
) -> None:
    """The guard is watched, and there is no signal at the checkpoint."""
    session.add(
        lone.LoneWatch(
            site_id=plan.site_id,
            plan_id=plan.id,
            person_id=guard,
            began_at=now,
            ends_at=now + timedelta(hours=8),
            heard_at=now,
            due_at=now + timedelta(minutes=30),
            checkpoint_id=place,
        )
    )
    session.add(lone.DeadZone(place_id=place, site_id=plan.site_id, set_at=now, set_by=guard))
    session.flush()


def _put_frozen(session: Session, site: SmallSite, now: datetime) -> dict[str, UUID]:
    """A day that is closed, for a client."""
    client = ReportClient(id=new_id(), site_id=site.id, name="Harbour Offices", parts=[])
    day = (now - timedelta(days=3)).date()
    report = FrozenReport(
        id=new_id(),
        site_id=site.id,
        kind="daily",
        number=f"RIVERSIDE-{day:%Y%m%d}",
        day=day,
        closed_at=now,
        looked_at=now,
    )
    session.add_all([client, report])
    session.flush()
    file = {"sha256": "0" * 64, "size": 1}
    edition = ReportEdition(
        id=new_id(),
        site_id=site.id,
        report_id=report.id,
        client_id=client.id,
        content={},
        digest="0" * 64,
        files={"pdf-en": file},
    )
    session.add(edition)
    session.flush()
    return {
        "report_client_id": client.id,
        "patrol_report_id": report.id,
        "edition_id": edition.id,
    }


def put_report(
    session: Session, site: SmallSite, guard: UUID, round_id: UUID, now: datetime
) -> dict[str, UUID]:
    """A phone of a guard, and what they reported with a photo."""
    phone = Phone(
        id=new_id(),
        site_id=site.id,
        kind="post",
        label="Gate",
        key=GuardPhone().key,
        browser="",
        app="",
        enrolled_at=now,
        heard_at=now,
        head_hash="0" * 64,
    )
    session.add(phone)
    session.flush()
    report = GuardReport(
        id=new_id(),
        site_id=site.id,
        phone_id=phone.id,
        seq=1,
        person_id=guard,
        kind="observation",
        choice="open_door",
        round_id=round_id,
        checks={"closed": True},
        text="",
        occurred_at=now,
        received_at=now,
    )
    session.add(report)
    session.flush()
    file = GuardFile(
        id=new_id(),
        site_id=site.id,
        phone_id=phone.id,
        seq=2,
        person_id=guard,
        what="photo",
        sha256="0" * 64,
        size=1,
        state="complete",
        taken_at=now,
        told_at=now,
        original="0" * 64,
        copy="0" * 64,
        report_id=report.id,
    )
    session.add(file)
    return {"phone_id": phone.id, "guard_report_id": report.id, "guard_file_id": file.id}


def put_checkpoints(database: Database, site_id: UUID, *codes: str) -> list[UUID]:
    """Checkpoints of a site, with nothing to be scanned there."""
    with database.write() as session:
        return [
            patrol.create_checkpoint(
                session,
                site_id,
                patrol.NewCheckpoint(code, {"en": code.title()}),
                actor=events.SYSTEM,
                now=NOON,
            ).id
            for code in codes
        ]


def put_rounds(
    session: Session, site: SmallSite, checkpoint_id: UUID, now: datetime
) -> dict[str, UUID]:
    """A route to a checkpoint, a plan of it, and the round of this hour, which is open."""
    draft = rounds.RouteDraft("night", {"en": "Night"}, [rounds.Stop(checkpoint_id)])
    route = rounds.create_route(session, site.id, draft, actor=events.SYSTEM, now=now)
    # Two minutes past noon at the site.
    under = rounds.UnderStatute("key-unit")
    noon = rounds.PlanDraft(["12:02"], "security", 60, statute=under)
    plan = rounds.create_plan(session, route, noon, actor=events.SYSTEM, now=now)
    made = select(rounds.Round).where(rounds.Round.plan_id == plan.id)
    first = session.scalars(made.order_by(rounds.Round.planned_at)).first()
    assert first is not None
    assert first.opens_at < now
    mark = PatrolMark(
        site_id=site.id, round_id=first.id, kind="speed", scans=[], evidence=[], made_at=now
    )
    session.add(mark)
    session.flush()
    return {
        "route_id": route.id,
        "plan_id": plan.id,
        "round_id": first.id,
        "mark_id": mark.id,
    }


def bodies_of_patrols(site: SmallSite) -> dict[str, Any]:
    """By operation a body about checkpoints, badges and scans that would be accepted."""
    on_site = {"site_id": str(site.id)}
    token = {"kind": "static_tag", "value": "04ABCD"}
    return {
        "post_checkpoint": {**on_site, "code": "gate", "name": {"en": "Gate"}},
        "patch_checkpoint": {"criticality": "high"},
        "post_checkpoint_token": token,
        "post_token_replace": token,
        "post_token_of_tag": {"uid": "04A1B2C3D4E5F6"},
        "post_token_prove": {"address": "https://wk.example/t?e=00&m=00"},
        "post_badge": {**on_site, "person_id": str(site.id), "kind": "card", "number": "7"},
        "post_scan": {
            **on_site,
            "id": str(site.id),
            "occurred_at": "2026-11-24T04:00:00Z",
            "kind": "static_tag",
            "uid": "04C0FFEE",
        },
        "post_scans_wand": "no table",
        "post_phone_place": {**on_site, "kind": "post", "label": "Gate"},
        "put_my_pin": {"pin": "482913"},
        "put_person_pin": {"pin": "482913"},
        "post_track_hold": {
            "person_id": str(site.id),
            "ticket_number": 1,
            "since": "2026-11-24T04:00:00Z",
            "until": "2026-11-24T05:00:00Z",
        },
        "post_my_consent": {
            "purpose": "position",
            "version": 1,
            "language": "en",
            "digest": "0" * 64,
        },
        "post_my_withdrawal": {"purpose": "position"},
        "post_guard_report_close": {"closing": "Seen to"},
        **_bodies_of_calls(site),
    }


def put_posts(session: Session, site: SmallSite, now: datetime) -> dict[str, UUID]:
    """A post with orders in force, and somebody who is there."""
    guard = Person(id=new_id(), name="Guard Xu", locale="zh")
    session.add(guard)
    session.flush()
    session.add(Grant(id=new_id(), person_id=guard.id, node_id=site.id, role="supervisor"))
    session.flush()
    caller = caller_for(session, guard)
    draft = posts.PostDraft("north", {"en": "North"}, "security")
    row = posts.create_post(session, site.id, draft, actor=events.SYSTEM, now=now)
    posts.write_draft(session, caller, row, {"en": "Watch.", "zh": "值守。"}, now=now)
    orders = posts.publish(session, caller, row, now=now)
    duty = posts.clock_in(session, caller, row, guard.id, reason="No tag yet", now=now)
    posts.set_items(session, caller, row, [posts.Item("key", "Master key")], now=now)
    posts.write_entry(session, caller, row, "The barrier sticks.", now=now)
    place = dispatch.Place(row.id, dict(row.name))
    told: dict[str, Any] = {"note": "", "missing": [], "alarms": [], "now": now, "place": place}
    handed = dispatch.offer_handover(session, caller, site.id, "security", **told)
    return {
        "post_id": row.id,
        "orders_id": orders.id,
        "duty_id": duty.id,
        "handover_id": handed.id,
    }


def bodies_of_posts(site: SmallSite) -> dict[str, Any]:
    """By operation a body about posts that would be accepted."""
    post = {"code": "north", "name": {"en": "North"}, "team": "security"}
    return {
        "post_post": {**post, "site_id": str(site.id), "code": "south"},
        "put_post": post,
        "post_post_clock_in": {"person_id": str(site.id), "reason": "No tag yet"},
        "post_post_duty_leave": {"reason": "Sent home"},
        "put_post_orders_draft": {"en": "Watch."},
        "put_post_items": {"items": [{"kind": "key", "name": "Master key"}]},
        "post_post_log": {"text": "The barrier sticks."},
        "post_post_log_read": {"up_to": str(site.id)},
        "post_post_hand_over": {"note": "The barrier sticks."},
        "post_hand_over_accept": {},
        "post_post_orders_acknowledge": {"digest": "0" * 64},
    }


def _bodies_of_calls(site: SmallSite) -> dict[str, Any]:
    said = {"id": str(site.id)}
    return {
        "post_sos": {**said, "site_id": str(site.id)},
        "post_sos_position": {**said, "place": {"latitude": 30.2, "longitude": 120.1}},
        "post_sos_cancel": said,
        "post_sos_end": {"outcome": "real", "note": "Is well"},
        "put_sos_phrase": {"phrase": "blue heron"},
        "post_lone_plan": {"site_id": str(site.id), "team": "security", "every_min": 30},
        "post_guard_task_pass": {"reason": "busy"},
        "post_guard_task_send": {"person_id": str(site.id)},
        "post_guard_task_call_off": {"reason": "A drill"},
        "put_lone_plan": {"team": "security", "every_min": 30},
    }


def bodies_of_rounds(site: SmallSite, theirs: dict[str, str]) -> dict[str, Any]:
    """By operation a body about routes, plans and rounds that would be accepted."""
    points = [{"checkpoint_id": theirs["checkpoint_id"]}]
    route = {"code": "night", "name": {"en": "Night"}, "points": points}
    plan = {"times": ["22:00"], "team": "security", "duration_min": 60}
    return {
        "post_checkpoint_labels": {"checkpoint_ids": [theirs["checkpoint_id"]]},
        "post_route": {**route, "site_id": str(site.id), "code": "day"},
        "put_route": route,
        "post_round_plan": {**plan, "route_id": theirs["route_id"]},
        "put_round_plan": plan,
        "post_round_cancel": {"reason": "Flood"},
        "post_round_point_excuse": {"reason": "The floor is locked"},
        "post_patrol_contact": {},
        "post_patrol_report_day": {"site_id": str(site.id), "day": "2026-11-20"},
        "post_patrol_report_incident": {
            "subject_kind": "guard_report",
            "subject_id": theirs["guard_report_id"],
        },
        "post_report_client": {"site_id": str(site.id), "name": "Harbour Offices"},
        "put_report_client": {"name": "Harbour Offices"},
        "put_report_settings": {"closes_after_min": 600, "naming": "initials"},
        "post_patrol_mark_answer": {"text": "The lift took me"},
        "post_patrol_mark_decide": {"decision": "dismiss", "reason": "The camera shows it"},
    }
