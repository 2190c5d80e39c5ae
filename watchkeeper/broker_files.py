"""What a Mosquitto of one's own needs to let devices in: its identity, accounts and rights."""

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from core.errors import Invalid, Refused
from core.settings import Settings
from watchkeeper.own_authority import broker_identity

PASSWORDS, RIGHTS = "passwords", "rights"
# As mosquitto_passwd does it: PBKDF2 with SHA-512, its rounds and salt in the line.
_ROUNDS, _SALT = 101, 12
# What stands in a topic and in a line of these files as it is.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KINDS = ("readings", "event", "scan", "status")


def prepare(folder: Path, settings: Settings, names: Iterable[str], now: datetime) -> None:
    """Make the broker's files where they are missing, and set the product's own password.

    names: by which devices and the product reach the broker. Accounts of devices stay.
    """
    if not (settings.mqtt_username and settings.mqtt_password):
        raise Refused(
            "the broker needs an account for Watchkeeper itself",
            advice="Set WATCHKEEPER_MQTT_USERNAME and WATCHKEEPER_MQTT_PASSWORD_FILE.",
        )
    broker_identity(folder, names, now)
    _set_password(folder, settings.mqtt_username, settings.mqtt_password)
    _write(folder / RIGHTS, _rights(settings.mqtt_username))


def make_account(folder: Path, settings: Settings, name: str) -> str:
    """Give a device or gateway an account, or a new password; returns the password.

    The broker takes it up when it is told to read its files again (SIGHUP).
    """
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name} can't be the name of an account",
            advice="Use letters, digits, full stops, hyphens and underscores, 64 at most.",
        )
    if name == settings.mqtt_username:
        raise Refused(
            f"{name} is the account of Watchkeeper itself",
            advice="Its password is that of WATCHKEEPER_MQTT_PASSWORD_FILE.",
        )
    if not (folder / PASSWORDS).exists():
        raise Refused(
            f"{folder} holds no accounts yet", advice="Run `watchkeeper broker init` first."
        )
    password = secrets.token_urlsafe(24)
    _set_password(folder, name, password)
    return password


def _set_password(folder: Path, name: str, password: str) -> None:
    path = folder / PASSWORDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition(":")[0] != name]
    _write(path, "\n".join([*kept, f"{name}:{_hashed(password)}"]) + "\n")


def _hashed(password: str) -> str:
    salt = os.urandom(_SALT)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _rights(own: str) -> str:
    """Mosquitto's acl_file: a device speaks as itself alone, and only we make things sound."""
    return "\n".join(
        [
            f"user {own}",
            # The topics of foreign sources are chosen in the console, not here.
            "topic readwrite #",
            "topic read $SYS/broker/uptime",
            *(f"pattern write wk/v1/+/%u/{kind}" for kind in _KINDS),
            "",
        ]
    )


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
