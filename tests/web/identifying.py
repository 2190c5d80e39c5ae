"""Devices with credentials, a bridge among them, one of them misused and one heard another way."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core import events
from core.device_credentials import (
    DeviceCredential,
    broker_accounts,
    change_identity,
    issue_credential,
    rotate_credential,
)
from core.devices import Device, Source
from core.hearings import note_hearing, note_twice
from core.told_points import not_ours
from tests.web.stage import Stage


def pages_of_identities(stage: Stage) -> dict[str, str]:
    """The addresses of their pages."""
    bridge, misused = put_identities(stage)
    return {
        "identities": f"/device-identities?site={stage.site_id}",
        "identity of a bridge": f"/device-identities/{bridge}",
        "identity": f"/device-identities/{misused}",
    }


def put_identities(stage: Stage) -> tuple[UUID, UUID]:
    """A bridge whose credential is being replaced, and a device whose credential two use."""
    now = stage.parts.clock.now()
    who = {"client_id": "shelly-4f2a", "address": "10.0.4.17", "since": now.isoformat()}
    with stage.parts.database.write() as session:
        devices = session.scalars(
            select(Device)
            .where(Device.site_id == stage.site_id, Device.state == "active", not_ours())
            .order_by(Device.code)
            .limit(4)
        ).all()
        bridge, misused = devices[0], devices[1]
        for device in (bridge, misused):
            issue_credential(session, device, vault=None, actor=events.SYSTEM, now=now)
        rotate_credential(session, bridge, vault=None, actor=events.SYSTEM, now=now)
        for row in session.scalars(select(DeviceCredential)):
            if row.state == "leaving" or row.device_id == misused.id:
                row.admitted_at = row.first_used_at = row.last_used_at = now
                row.connections = [who]
        source = session.scalars(select(Source.id).where(Source.site_id == stage.site_id)).first()
        changes = {"speaks_for": [devices[2].id, devices[3].id], "sources": [source]}
        change_identity(session, bridge, changes, actor=events.SYSTEM, now=now)
        both = [who, {**who, "client_id": "python-1c", "address": "10.0.9.3"}]
        note_twice(session, misused.id, both, at=now - timedelta(minutes=12))
        note_hearing(session, misused.id, ("", None), ("zigbee", "bridge-2"), at=now)
        broker = broker_accounts(session)
        broker.kind, broker.reached_at = "mosquitto", now
        broker.shared = [{**who, "username": "devices"}]
        broker.unknown = ["grafana"]
        return bridge.id, misused.id
