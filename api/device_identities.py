"""Who devices are, over HTTP: credentials, bridges, ways (docs/device-identity.md)."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, marked, page_answer, require_unchanged
from api.bodies import Body, Change
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.db import Session
from core.device_credentials import (
    Issued,
    change_identity,
    issue_credential,
    revoke_credentials,
    rotate_credential,
)
from core.device_credentials.provisioning import address_of, broker_url, sealing, topic_of
from core.device_credentials.reading import (
    describe_accounts,
    describe_identity,
    list_identities,
)
from core.devices import Device
from core.hearings import accept_way
from core.register import find
from core.topic_sharing import require_reads

router = APIRouter(tags=["devices"])
Reader = Annotated[Asked, Depends(Permission("devices.read"))]
Writer = Annotated[Asked, Depends(Permission("devices.write"))]
Operator = Annotated[Asked, Depends(Permission("system.read"))]
Filter = Annotated[str, Field(min_length=1, max_length=200)]
Ids = Annotated[list[UUID], Field(max_length=2_000)]
Filters = Annotated[list[Filter], Field(max_length=200)]
State = Literal["standing", "leaving", "ended", "revoked"]


class ConnectionShown(BaseModel):
    """Somebody who is signed in."""

    client_id: str
    address: str
    since: datetime


class CredentialShown(BaseModel):
    """A credential; its secret was told once, when it was made."""

    id: UUID
    username: str
    state: State = Field(description="leaving: replaced, and good until valid_until at most.")
    created_at: datetime
    replaced_at: datetime | None
    valid_until: datetime | None
    ended_at: datetime | None
    admitted_at: datetime | None = Field(description="When the broker first had it.")
    first_used_at: datetime | None
    last_used_at: datetime | None
    connections: list[ConnectionShown]


class IdentityItem(BaseModel):
    """Who a device is on the broker, and for whom it may speak."""

    device_id: UUID
    site_id: UUID
    code: str
    name: dict[str, str]
    speaks_for: list[UUID] = Field(description="Devices whose own topics it may publish.")
    sources: list[UUID] = Field(description="Sources whose topics it may publish.")
    topics: list[str] = Field(description="Narrower topics within a source of the site.")
    reads: list[str] = Field(description="Further topics that it may subscribe to.")
    twice_since: datetime | None = Field(description="Since when two use its credential at once.")
    twice: list[ConnectionShown]
    credentials: list[CredentialShown] = Field(description="The newest, the last one first.")


class WayShown(BaseModel):
    """By which way a device is heard. source: its code, empty for topics of ours."""

    source: str
    through: str | None = Field(description="The code of the gateway, where messages name one.")
    heard_at: datetime
    stray_source: str | None
    stray_through: str | None
    stray_since: datetime | None = Field(description="Since when it is heard by another way.")
    stray_last: datetime | None


class IdentityShown(IdentityItem):
    """Who a device is, and by which way it is heard."""

    way: WayShown | None


class IdentityPage(BaseModel):
    """A page of identities."""

    items: list[IdentityItem]
    next: str | None


class IdentityChange(Change):
    """For whom a bridge may speak; what is left out stays."""

    speaks_for: Ids | None = None
    sources: Ids | None = None
    topics: Filters | None = None
    reads: Filters | None = None


class SecretShown(BaseModel):
    """A credential with its secret, which is told this once."""

    id: UUID
    username: str
    secret: str
    broker: str = Field(description="How the device reaches the broker.")
    topic: str = Field(description="What its own topics begin with.")
    address: str = Field(description="All of it as one address, as QR codes hold it.")


class Replacement(Body):
    """How long the old credential is good at most, in days."""

    overlap_days: Annotated[int, Field(ge=0, le=90)] = 7


class SharedConnection(ConnectionShown):
    """Somebody who is signed in without a credential of their own."""

    username: str


class AccountsShown(BaseModel):
    """How far the broker's accounts follow."""

    kind: str
    reached_at: datetime | None
    fault: str | None
    fault_since: datetime | None
    unknown: list[str] = Field(description="Accounts that Watchkeeper did not make.")
    shared: list[SharedConnection]


def _device(asked: Asked, session: Session, device_id: UUID) -> Device:
    device = find(session, asked.caller, Device, device_id, to_change=True)
    asked.caller.require("devices.write", device.site_id)
    return device


def _told(asked: Asked, issued: Issued) -> Response:
    broker = broker_url(asked.parts.settings)
    content: dict[str, Any] = {
        "id": issued.credential_id,
        "username": issued.username,
        "secret": issued.secret,
        "broker": broker,
        "topic": topic_of(issued),
        "address": address_of(issued, broker),
    }
    return answer(content, 201, headers={"Cache-Control": "no-store"})


@router.get("/device-identities", response_model=IdentityPage, summary="List identities")
def get_device_identities(
    asked: Reader, site: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Devices that have a credential or speak for others, the newest first."""
    with asked.parts.database.read() as session:
        page = list_identities(session, asked.caller, site, wish(limit, cursor, UUID))
    return page_answer(page)


@router.get("/broker-accounts", response_model=AccountsShown, summary="Read the broker's accounts")
def get_broker_accounts(asked: Operator) -> Response:
    """Whether the broker follows, and who is signed in without a credential of their own."""
    with asked.parts.database.read() as session:
        content = describe_accounts(session)
    return answer(content)


@router.get(
    "/devices/{device_id}/identity", response_model=IdentityShown, summary="Read an identity"
)
def get_device_identity(asked: Reader, device_id: UUID) -> Response:
    """Also of a device that has none yet."""
    with asked.parts.database.read() as session:
        content = describe_identity(session, find(session, asked.caller, Device, device_id))
    return marked(content)


@router.patch(
    "/devices/{device_id}/identity",
    response_model=IdentityShown,
    summary="Say for whom a bridge speaks",
    responses=may_answer(412, 428),
)
def patch_device_identity(
    asked: Writer, device_id: UUID, body: IdentityChange, if_match: IfMatch = None
) -> Response:
    """Needs the ETag of what you read as If-Match. The broker follows within seconds."""
    with asked.parts.database.write() as session:
        device = _device(asked, session, device_id)
        require_unchanged(if_match, describe_identity(session, device))
        changes = body.changes()
        require_reads(session, asked.caller, device, changes)
        change_identity(session, device, changes, actor=asked.actor, now=asked.now)
        content = describe_identity(session, device)
    return marked(content)


@router.post(
    "/devices/{device_id}/credential",
    response_model=SecretShown,
    status_code=201,
    summary="Make a credential",
    responses=may_answer(409),
)
def post_device_credential(asked: Writer, device_id: UUID) -> Response:
    """The secret is told this once. A conflict where the device has one: a lost one is replaced."""
    with asked.parts.database.write() as session:
        device = _device(asked, session, device_id)
        vault = sealing(asked.parts.settings)
        issued = issue_credential(session, device, vault=vault, actor=asked.actor, now=asked.now)
    return _told(asked, issued)


@router.post(
    "/devices/{device_id}/credential/rotate",
    response_model=SecretShown,
    status_code=201,
    summary="Replace a credential",
    responses=may_answer(409),
)
def rotate_device_credential(asked: Writer, device_id: UUID, body: Replacement) -> Response:
    """The old one is good until the device was seen with the new one, for some days at most."""
    with asked.parts.database.write() as session:
        device = _device(asked, session, device_id)
        issued = rotate_credential(
            session,
            device,
            vault=sealing(asked.parts.settings),
            actor=asked.actor,
            now=asked.now,
            overlap=timedelta(days=body.overlap_days),
        )
    return _told(asked, issued)


@router.post(
    "/devices/{device_id}/credential/revoke",
    response_model=IdentityShown,
    summary="Revoke the credentials of a device",
    responses=may_answer(409),
)
def revoke_device_credential(asked: Writer, device_id: UUID) -> Response:
    """Who is signed in with one is cut off within seconds."""
    with asked.parts.database.write() as session:
        device = _device(asked, session, device_id)
        revoke_credentials(session, device, actor=asked.actor, now=asked.now)
        content = describe_identity(session, device)
    return marked(content)


@router.post(
    "/devices/{device_id}/accept-way",
    response_model=IdentityShown,
    summary="Accept another way to a device",
    responses=may_answer(409),
)
def accept_device_way(asked: Writer, device_id: UUID) -> Response:
    """By which it is heard from now on; its alarm ends with its next message."""
    with asked.parts.database.write() as session:
        device = _device(asked, session, device_id)
        accept_way(session, device, actor=asked.actor, now=asked.now)
        content = describe_identity(session, device)
    return marked(content)
