"""Reading credentials and identities: for lists, commands and pages."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.device_credentials.model import ADMITTED, DeviceCredential
from core.devices import Device
from core.errors import Invalid, NotFound
from core.places import Node
from core.told_points import not_ours


def device_named(session: Session, name: str) -> Device:
    """The device that SITE/DEVICE names. Invalid, or NotFound."""
    site, slash, code = name.partition("/")
    if not slash:
        raise Invalid(f"{name!r} names no device", advice="Write SITE/DEVICE, by their codes.")
    statement = (
        select(Device)
        .join(Node, Node.id == Device.site_id)
        .where(Node.code == site, Node.kind == "site", Device.code == code)
    )
    device = session.scalars(statement).first()
    if device is None:
        raise NotFound(f"there is no device {name}", advice="Look for it on the page of devices.")
    return device


def devices_without(session: Session, site: str) -> list[Device]:
    """The active devices of a site, by its code, that have no credential. NotFound."""
    site_id = session.scalar(select(Node.id).where(Node.code == site, Node.kind == "site"))
    if site_id is None:
        raise NotFound(f"there is no site {site}", advice="Write its code.")
    having = select(DeviceCredential.device_id).where(DeviceCredential.state.in_(ADMITTED))
    statement = (
        select(Device)
        .where(
            Device.site_id == site_id,
            Device.state == "active",
            Device.id.not_in(having),
            not_ours(),
        )
        .order_by(Device.code)
    )
    return list(session.scalars(statement))


def credentials_of_site(
    session: Session, site: str | None = None
) -> list[tuple[DeviceCredential, str]]:
    """The credentials that are good, each with SITE/DEVICE, of one site or of all."""
    statement = (
        select(DeviceCredential, Node.code, Device.code)
        .join(Device, Device.id == DeviceCredential.device_id)
        .join(Node, Node.id == Device.site_id)
        .where(DeviceCredential.state.in_(ADMITTED))
        .order_by(Node.code, Device.code, DeviceCredential.created_at)
    )
    if site is not None:
        statement = statement.where(Node.code == site)
    return [(row, f"{place}/{code}") for row, place, code in session.execute(statement)]
