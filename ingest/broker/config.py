"""What the embedded broker is told: its settings, its credentials, its configuration file."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.device_credentials import Account, Wanted
from core.kept_file import keep
from ingest.broker.subjects import subjects_of
from ingest.session import BrokerAddress

PRODUCT = "watchkeeper"
DEVICES = "devices"
TOOLS = "tools"
WARDEN = "warden"
LOOPBACK = "127.0.0.1"
# NATS gives every filter a consumer of its own (two when it ends in "/#") and refuses a
# subscription once the windows of one session's consumers add up to more than this.
LARGEST_WINDOW_SUM = 65_535
LARGEST_PAYLOAD = 64 * 1024 * 1024
# Of each account's password, in random bytes; people copy that of the devices by hand.
_LENGTHS = {PRODUCT: 24, DEVICES: 12, TOOLS: 24, WARDEN: 24}
# Those who left last are remembered for those who watch over credentials.
_REMEMBERED = 1_000
EVERYBODY = Wanted({}, shared=True)
_LOG_SIZE = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """Settings of the embedded broker.

    `directory` holds its store, configuration, credentials and log. `host` is where MQTT listens;
    `port` 0 takes a free one. `durability` "power" syncs every message to disk before it is
    acknowledged, "process" survives the end of any process but not a power cut. `max_payload` is
    in bytes; a larger message disconnects its publisher. `max_ack_pending` is the window of
    unacknowledged messages of one filter, `ack_wait` the seconds until one is sent again; both
    hold for subscriptions made after a change, a standing one keeps its own. The default window
    leaves a session room for eight filters that end in "/#" (or sixteen that don't), of which ours
    takes its own together, and costs no speed.
    `store_bytes` is the size of the queue on disk. With `tls_cert` and `tls_key` MQTT is encrypted;
    `tls_ca` then is the authority that Watchkeeper itself checks the certificate against.
    """

    directory: Path
    host: str = LOOPBACK
    port: int = 1883
    durability: Literal["process", "power"] = "process"
    max_payload: int = 1024 * 1024
    max_ack_pending: int = 4_000
    ack_wait: float = 3.0
    store_bytes: int = 4 * 1024**3
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_payload <= LARGEST_PAYLOAD:
            raise ValueError(f"max_payload must be at most {LARGEST_PAYLOAD} bytes")
        if not 0 < self.max_ack_pending < LARGEST_WINDOW_SUM:
            raise ValueError(f"max_ack_pending must be below {LARGEST_WINDOW_SUM}")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")

    @property
    def file(self) -> Path:
        """The configuration file written for the server."""
        return self.directory / "nats-server.conf"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.directory / "nats-server.log"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The passwords of our accounts: Watchkeeper's own, the one that all devices may share, that
    of tools and simulators on this machine, and the one by which the broker itself is asked."""

    product: str
    devices: str
    tools: str
    warden: str


def credentials(directory: Path) -> Credentials:
    """The passwords kept in the folder, made at the first call, readable by the owner only."""
    path = directory / "credentials.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    made = {name: secrets.token_urlsafe(_LENGTHS[name]) for name in _LENGTHS if name not in kept}
    if made:
        kept |= made
        keep(path, json.dumps(kept))
    return Credentials(kept[PRODUCT], kept[DEVICES], kept[TOOLS], kept[WARDEN])


def render(
    config: BrokerConfig,
    keys: Credentials,
    port: int,
    control_port: int,
    wanted: Wanted = EVERYBODY,
) -> str:
    """The server's configuration, in the JSON that it reads as well as its own format.

    `control_port` is the loopback port of the NATS protocol, by which the queue is looked at.
    `wanted`: who else is let in, and what they may do.
    """
    # Its format has not all escapes of JSON: codes in Chinese stand there as they are.
    settings = _settings(config, keys, port, control_port, wanted)
    return json.dumps(settings, indent=2, ensure_ascii=False)


def _settings(
    config: BrokerConfig, keys: Credentials, port: int, control_port: int, wanted: Wanted
) -> dict[str, Any]:
    store: dict[str, Any] = {
        "store_dir": str(config.directory),
        "max_file_store": config.store_bytes,
        "max_memory_store": 64 * 1024 * 1024,
    }
    if config.durability == "power":
        store["sync_interval"] = "always"
    return {
        # The name is part of the address of every stored session: it must never change.
        "server_name": PRODUCT,
        "host": LOOPBACK,
        "port": control_port,
        "max_payload": config.max_payload,
        "max_pending": max(64 * 1024 * 1024, 4 * config.max_payload),
        "log_file": str(config.log),
        "logfile_size_limit": _LOG_SIZE,
        "logfile_max_num": 3,
        "jetstream": store,
        "mqtt": _mqtt(config, port),
        "max_closed_clients": _REMEMBERED,
        "authorization": {"users": _users(keys, wanted)},
        # It knows who is connected, and reads its configuration again when asked. Devices and the
        # queue stand in another account, so it sees none of what they say.
        "accounts": {"$SYS": {"users": [_warden(keys)]}},
    }


def _mqtt(config: BrokerConfig, port: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "host": config.host,
        "port": port,
        "ack_wait": f"{round(config.ack_wait * 1000)}ms",
        "max_ack_pending": config.max_ack_pending,
    }
    if config.tls_cert is not None:
        settings["tls"] = {"cert_file": str(config.tls_cert), "key_file": str(config.tls_key)}
    return settings


def _warden(keys: Credentials) -> dict[str, Any]:
    return {"user": WARDEN, "password": keys.warden, "allowed_connection_types": ["STANDARD"]}


# A device may neither look into the store nor speak for Watchkeeper on the topics by which sirens
# and displays are driven. In NATS, "/" of a topic is "." of a subject; what is published below
# "$MQTT" would be a message of the store, on whichever topic its end names.
_INSIDE = ["$JS.>", "$SYS.>"]
_OURS_ALONE = [*_INSIDE, "$MQTT.>", "wk.v1.*.announce"]
# By these the server brings a session its messages of QoS 1.
_DELIVERIES = "$MQTT.sub.>"


def _users(keys: Credentials, wanted: Wanted) -> list[dict[str, Any]]:
    ours = {
        "user": PRODUCT,
        "password": keys.product,
        "allowed_connection_types": ["STANDARD", "MQTT"],
    }
    shared = [_unbound(DEVICES, keys.devices)] if wanted.shared else []
    accounts = [_account(one) for one in wanted.accounts.values()]
    return [ours, *shared, _unbound(TOOLS, keys.tools), *accounts]


def _unbound(user: str, password: str) -> dict[str, Any]:
    """An account that may speak as any device."""
    return {
        "user": user,
        "password": password,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {"deny": _OURS_ALONE},
            "subscribe": {"deny": _INSIDE},
        },
    }


def _account(account: Account) -> dict[str, Any]:
    publish, subscribe = subjects_of(account.rights.publish), subjects_of(account.rights.subscribe)
    return {
        "user": account.username,
        "password": account.hash,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {"allow": publish, "deny": _OURS_ALONE},
            "subscribe": {"allow": [*subscribe, _DELIVERIES], "deny": _INSIDE},
        },
    }


def addresses(config: BrokerConfig, keys: Credentials, port: int) -> tuple[BrokerAddress, ...]:
    """The addresses for Watchkeeper itself, for devices that share an account, and for tools."""
    anywhere = config.host in ("0.0.0.0", "::", "")  # noqa: S104
    host = LOOPBACK if anywhere else config.host
    ca = None if config.tls_cert is None else str(config.tls_ca or "system")
    return tuple(
        BrokerAddress(host, port, user, password, ca, tls_insecure=ca is not None and anywhere)
        for user, password in (
            (PRODUCT, keys.product),
            (DEVICES, keys.devices),
            (TOOLS, keys.tools),
        )
    )
