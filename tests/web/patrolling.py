"""What the tests of the pages of patrols share: forms, checkpoints, and a day of scans."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx2
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.ids import new_id
from core.places import Space
from tests.web.stage import Stage
from tests.workflows.agreed import may_be_located
from tests.workflows.patrolled import Tag, tag_of
from workflows import patrol

UID = "04A1B2C3D4E5F6"


def form(client: TestClient, address: str, **fields: Any) -> httpx2.Response:
    """Send a form."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    return client.post(address, data={"csrf": token, **fields})


def sent(client: TestClient, address: str, **fields: Any) -> httpx2.Response:
    """Send a form that must be taken; the page it leads to."""
    answer = form(client, address, **fields)
    assert answer.status_code in (200, 303), answer.text[-2000:]
    return client.get(answer.headers["location"]) if answer.status_code == 303 else answer


def field_of(page: str, name: str) -> str:
    """What the first field of a name holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def checkpoint(stage: Stage, code: str, en: str = "", zh: str = "", **more: Any) -> UUID:
    """A checkpoint in the first space of the compound."""
    with stage.parts.database.write() as session:
        space = session.scalars(
            select(Space.id).where(Space.site_id == stage.site_id).order_by(Space.code)
        ).first()
        names = {"en": en or code.title(), "zh": zh or code}
        new = patrol.NewCheckpoint(code, names, space, **more)
        now = stage.parts.clock.now()
        row = patrol.create_checkpoint(
            session, stage.site_id, new, actor=events.SYSTEM, now=now - timedelta(days=40)
        )
        return row.id


def put(stage: Stage, point: UUID, kind: str, value: str = "", **more: Any) -> patrol.Put:
    """Something to be scanned there."""
    with stage.parts.database.write() as session:
        return patrol.put_token(
            session,
            session.get_one(patrol.Checkpoint, point),
            patrol.NewToken(kind, value, **more),
            vault=stage.parts.vault,
            actor=events.SYSTEM,
            now=stage.parts.clock.now(),
        )


def show(stage: Stage, presented: patrol.Presented) -> patrol.Scan:
    """Present something now."""
    with stage.parts.database.write() as session:
        vault, now = stage.parts.vault, stage.parts.clock.now()
        return patrol.present(session, presented, vault=vault, now=now)


def about(stage: Stage, person: UUID | None, *, ago: timedelta = timedelta()) -> dict[str, Any]:
    """What every presentation says."""
    return {
        "id": new_id(),
        "occurred_at": stage.parts.clock.now() - ago,
        "channel": "sync" if ago else "online",
        "person_id": person,
    }


def signed_tag(stage: Stage, point: UUID, uid: str = UID) -> Tag:
    """A signed tag at a checkpoint, written with what was shown."""
    return tag_of(uid, put(stage, point, "signed_tag", uid))


def day_of_scans(stage: Stage) -> dict[str, UUID]:
    """Three checkpoints with a guard's morning: taken, refused, and with marks of every look."""
    guard = stage.person("Guard Xu 徐刚", "guard", node=stage.site_id)
    gate = checkpoint(stage, "gate-north", "North gate", "北门岗")
    roof = checkpoint(
        stage,
        "roof-b1",
        "Roof of building 1, at the tanks",
        "1号楼屋顶水箱间",
        latitude=31.2304,
        longitude=121.4737,
    )
    bare = checkpoint(stage, "garage-exit", "Exit of the garage", "车库出口")
    tag = signed_tag(stage, gate)
    code = put(stage, gate, "printed_code", label="Left of the barrier 道闸左侧").secrets["code"]
    fence = put(stage, roof, "position").token.id
    put(stage, roof, "static_tag", "04C0FFEE")
    for ago, address in ((300, tag.tap()), (200, tag.address(5)), (100, tag.tap(tamper=b"OO"))):
        show(stage, patrol.SignedTap(address=address, **about(stage, guard, ago=_minutes(ago))))
    show(stage, patrol.PrintedCode(code=code, **about(stage, guard)))
    with stage.parts.database.write() as session:
        may_be_located(session, guard, stage.site_id, stage.parts.clock.now())
    place: dict[str, Any] = {"checkpoint_id": roof, "latitude": 31.2305, "longitude": 121.4738}
    for exact in (8, 90):
        show(stage, patrol.Position(**place, accuracy_m=exact, **about(stage, guard)))
    lost = patrol.StaticTag(uid="99", site_id=stage.site_id, **about(stage, guard))
    scan = show(stage, lost)
    badge = _badge(stage, guard)
    return {
        "guard": guard,
        "gate": gate,
        "roof": roof,
        "bare": bare,
        "token": fence,
        "scan": scan.id,
        "badge": badge,
    }


def _minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def _badge(stage: Stage, person: UUID) -> UUID:
    with stage.parts.database.write() as session:
        return patrol.issue_badge(
            session,
            stage.site_id,
            patrol.NewBadge(person, "card", "1234567", "No. 17"),
            needs=patrol.SCAN,
            vault=stage.parts.vault,
            actor=events.SYSTEM,
            now=stage.parts.clock.now(),
        ).id
