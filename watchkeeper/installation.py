"""The data folder: one process at a time, and what tools on the same machine need to find it."""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.device_credentials.dynamic_security import Control
from core.errors import Conflict, Refused
from core.kept_file import keep, kept
from core.settings import Settings
from core.telemetry.influx_server import InfluxAddress
from ingest.session import BrokerAddress

USUAL_PORT = 1883
ROOT = Path(__file__).resolve().parent.parent


def built_at() -> datetime | None:
    """When the bundle was built from which this release was installed; None for a checkout."""
    try:
        seconds = int((ROOT / "built-at").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return datetime.fromtimestamp(seconds, UTC)


def prepare(settings: Settings) -> Path:
    """Make the data folder; only its owner may look inside."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class FolderLock:
    """Held by the one process that owns the embedded parts of a data folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.lock"
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise Conflict(
                f"the data folder {folder} is in use (by process {holder})",
                advice="Stop it first, or choose another folder with WATCHKEEPER_DATA_DIR.",
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another process have the folder."""
        self._file.close()


def owner_id(folder: Path) -> str:
    """Who this installation is in leases, the same over restarts, so it need not wait for its own
    old lease to end."""
    path = folder / "owner"
    if not kept(path):
        keep(path, f"{socket.gethostname()[:40]}-{uuid4().hex[:12]}")
    return kept(path)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def broker_port(settings: Settings, folder: Path) -> int:
    """The embedded broker's port: as set, or 1883 or the next free one, and then always that."""
    if settings.broker_port:
        return settings.broker_port
    path = folder / "broker.port"
    if said := kept(path):
        return int(said)
    for port in range(USUAL_PORT, USUAL_PORT + 100):
        if _is_free(settings.broker_host, port):
            keep(path, str(port))
            return port
    raise Refused(
        f"no port from {USUAL_PORT} to {USUAL_PORT + 99} is free",
        advice="Name one with WATCHKEEPER_BROKER_PORT.",
    )


def external_broker(settings: Settings) -> BrokerAddress | None:
    """The broker that the settings name; None when it is the embedded one."""
    if not settings.mqtt_host:
        return None
    return BrokerAddress(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        username=settings.mqtt_username or None,
        password=settings.mqtt_password or None,
        tls_ca=str(settings.mqtt_ca) if settings.mqtt_ca else None,
    )


def influx_address(settings: Settings) -> InfluxAddress | None:
    """The InfluxDB that the settings name; None when readings stay in the data folder."""
    if not settings.influx_url:
        return None
    return InfluxAddress(
        settings.influx_url, settings.influx_org, settings.influx_bucket, settings.influx_token
    )


def accounts_control(settings: Settings) -> Control:
    """Mosquitto's dynamic security plugin, as the settings reach it."""
    address = external_broker(settings)
    if address is None or not settings.mqtt_admin_username:
        raise Refused(
            "the accounts of the broker are not Watchkeeper's to make",
            advice="Set WATCHKEEPER_MQTT_ADMIN_USERNAME, see docs/device-identity.md.",
        )
    return Control(
        address.host,
        address.port,
        settings.mqtt_admin_username,
        settings.mqtt_admin_password,
        address.tls_context,
    )


def announce(folder: Path, facts: dict[str, Any]) -> None:
    """Leave word for tools on this machine: where the product listens. Owner-readable only."""
    path = folder / "running.json"
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(facts, file)
    draft.replace(path)


def withdraw(folder: Path) -> None:
    """Take the word back at a clean stop."""
    (folder / "running.json").unlink(missing_ok=True)


def running(settings: Settings) -> dict[str, Any]:
    """Where the product of this data folder listens; Refused when it does not run."""
    path = settings.data_dir / "running.json"
    if not path.exists():
        raise Refused(
            f"no Watchkeeper is running on {settings.data_dir}",
            advice="Start it with `watchkeeper up`, or say where it is with the command's options.",
        )
    found: dict[str, Any] = json.loads(path.read_text())
    return found
