"""`watchkeeper credentials`: devices' accounts on the broker."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import segno
import typer
from rich.console import Console
from rich.table import Column, Table

from core import settings as settings_module
from core.clock import SystemClock
from core.db import Database, Session
from core.device_credentials import (
    DeviceCredential,
    Issued,
    broker_accounts,
    issue_credential,
    revoke_credentials,
    rotate_credential,
    wanted_accounts,
)
from core.device_credentials.dynamic_security import DynamicSecurity, first_configuration
from core.device_credentials.provisioning import address_of, broker_url, sealing, sheet
from core.device_credentials.reading import credentials_of_site, device_named, devices_without
from core.devices import Device
from core.errors import Invalid, Refused
from core.events import Actor
from core.settings import Settings
from core.vault import Vault
from watchkeeper import installation
from watchkeeper.product import open_database

credentials = typer.Typer(
    help="Credentials of devices: who they are on the broker, see docs/device-identity.md.",
    no_args_is_help=True,
)
console = Console()
_ACTOR = Actor("system", "command line")

Devices = Annotated[list[str], typer.Argument(help="SITE/DEVICE, by their codes.")]


@dataclass(frozen=True, slots=True)
class _Here:
    settings: Settings
    database: Database
    now: datetime

    @property
    def vault(self) -> Vault | None:
        return sealing(self.settings)

    @property
    def broker(self) -> str:
        return broker_url(self.settings)


@contextmanager
def _here() -> Iterator[_Here]:
    settings = settings_module.load()
    installation.prepare(settings)
    database = open_database(settings)
    try:
        yield _Here(settings, database, SystemClock().now())
    finally:
        database.close()


@credentials.command("init")
def init(
    file: Annotated[
        Path | None,
        typer.Option(help="Before Mosquitto's first start: write its plugin's file."),
    ] = None,
) -> None:
    """Prepare Mosquitto: write its first file, or bring the accounts of one that runs up to date.

    A file that stands is left as it is: Mosquitto keeps the accounts of devices in it.
    """
    if file is not None:
        _write_first(settings_module.load(), file)
        return
    with _here() as here:
        control = installation.accounts_control(here.settings)
        with here.database.read() as session:
            wanted = wanted_accounts(session, shared=here.settings.device_sign_in == "shared")
        security = DynamicSecurity(control, Vault(here.settings), SystemClock())
        try:
            followed = security.follow(wanted)
        finally:
            security.close()
        ours = here.settings.mqtt_username
        unknown = [name for name in followed.unknown if name != ours]
    console.print(f"{len(followed.admitted)} of {len(wanted.accounts)} credentials are let in.")
    if unknown:
        console.print(
            f"Not made by Watchkeeper, and left alone: {', '.join(unknown)}.",
            markup=False,
            soft_wrap=True,
        )


def _write_first(settings: Settings, file: Path) -> None:
    given = {
        "mqtt_admin_username": settings.mqtt_admin_username,
        "mqtt_admin_password": settings.mqtt_admin_password,
        "mqtt_username": settings.mqtt_username,
        "mqtt_password": settings.mqtt_password,
    }
    missing = [f"{name} is not set" for name, value in given.items() if not value]
    if missing:
        raise Invalid(
            "the first accounts of Mosquitto were not made",
            problems=missing,
            advice="Set them for this command as for the ingest role.",
        )
    text = first_configuration(
        (settings.mqtt_admin_username, settings.mqtt_admin_password),
        (settings.mqtt_username, settings.mqtt_password),
    )
    if _write_once(file, text):
        console.print(f"Wrote {file}.", markup=False, soft_wrap=True)
    else:
        console.print(f"{file} stands and is left as it is.", markup=False, soft_wrap=True)


def _write_once(file: Path, text: str) -> bool:
    """Write a file that only its owner may read, whole or not at all; False where one stands."""
    if file.exists():
        return False
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


@credentials.command("list")
def list_(
    site: Annotated[str | None, typer.Option(help="Only of this site.")] = None,
) -> None:
    """Print the credentials that are good, when they were used, and whether the broker follows."""
    # A name that is cut short can't be looked up: where all don't fit, the others are broken.
    table = Table(Column("device", overflow="fold"), Column("user name", no_wrap=True))
    for of in ("state", "made", "last used", "on the broker"):
        table.add_column(of)
    with _here() as here, here.database.read() as session:
        for row, place in credentials_of_site(session, site):
            table.add_row(place, *_told(row))
        broker = broker_accounts(session)
        fault, shared, unknown = broker.fault, broker.shared, broker.unknown
    console.print(table)
    if fault:
        console.print(f"The broker does not follow: {fault}", markup=False, soft_wrap=True)
    for one in shared:
        who = one["username"] or "nobody's name"
        console.print(
            f"Signed in as {who}: {one['client_id']} from {one['address']}",
            markup=False,
            soft_wrap=True,
        )
    if unknown:
        console.print(f"Accounts of others: {', '.join(unknown)}", markup=False, soft_wrap=True)


def _told(row: DeviceCredential) -> tuple[str, str, str, str, str]:
    def at(moment: datetime | None) -> str:
        return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "never"

    until = f", until {at(row.valid_until)}" if row.valid_until else ""
    admitted = "yes" if row.admitted_at else "not yet"
    return row.username, row.state + until, at(row.created_at), at(row.last_used_at), admitted


@credentials.command("create")
def create(devices: Devices) -> None:
    """Make credentials, and print each once: nobody can read the secret again."""
    with _here() as here:
        vault = here.vault
        with here.database.write() as session:
            issued = [
                issue_credential(session, device, vault=vault, actor=_ACTOR, now=here.now)
                for device in _named(session, devices)
            ]
        _print(sheet(issued, here.broker))


@credentials.command("rotate")
def rotate(
    devices: Devices,
    overlap: Annotated[
        int, typer.Option(help="Days for which the old one is good, at most.", min=0, max=90)
    ] = 7,
) -> None:
    """Replace credentials; the old one is good until the device was seen with the new one."""
    with _here() as here:
        vault = here.vault
        with here.database.write() as session:
            issued = [
                rotate_credential(
                    session,
                    device,
                    vault=vault,
                    actor=_ACTOR,
                    now=here.now,
                    overlap=timedelta(days=overlap),
                )
                for device in _named(session, devices)
            ]
        _print(sheet(issued, here.broker))


@credentials.command("revoke")
def revoke(devices: Devices) -> None:
    """Let nobody in by the credentials of these devices; who is connected with one is cut off."""
    with _here() as here, here.database.write() as session:
        for device in _named(session, devices):
            count = revoke_credentials(session, device, actor=_ACTOR, now=here.now)
            console.print(f"{device.code}: {count} revoked.", markup=False, soft_wrap=True)


@credentials.command("export")
def export(
    site: Annotated[str, typer.Argument(help="Code of the site.")],
    out: Annotated[Path, typer.Option(help="The sheet (CSV) to write; it must not exist.")],
    qr: Annotated[Path | None, typer.Option(help="Folder for a QR code (SVG) of each.")] = None,
) -> None:
    """Make credentials for the devices of a site that have none, and write them down once."""
    if out.exists():
        raise Refused(f"{out} stands already", advice="Name another file: secrets are told once.")
    with _here() as here:
        vault = here.vault
        with here.database.write() as session:
            issued = [
                issue_credential(session, device, vault=vault, actor=_ACTOR, now=here.now)
                for device in devices_without(session, site)
            ]
            # Inside the transaction: what could not be written down was not made.
            if not _write_once(out, sheet(issued, here.broker)):
                raise Refused(f"{out} stands already", advice="Name another file.")
            if qr is not None:
                _draw(qr, issued, here.broker)
    console.print(f"{len(issued)} credentials are in {out}.", markup=False, soft_wrap=True)


def _draw(folder: Path, issued: Sequence[Issued], broker: str) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in issued:
        drawn = io.BytesIO()
        made = segno.make(address_of(one, broker), error="m", micro=False)
        made.save(drawn, kind="svg", scale=4, border=4)
        _write_once(folder / f"{one.username}.svg", drawn.getvalue().decode())


def _named(session: Session, names: Sequence[str]) -> list[Device]:
    return [device_named(session, name) for name in names]


def _print(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
