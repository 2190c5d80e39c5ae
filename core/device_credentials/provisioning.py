"""What an installer is given to set a device up: as a sheet (RFC 4180) and as a QR code."""

import csv
import io
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from core.device_credentials.issuing import Issued
from core.device_credentials.rights import OWN
from core.errors import Refused
from core.kept_file import kept
from core.settings import Settings
from core.vault import Vault
from rules.wording import worded

COLUMNS = ("site", "device", "broker", "username", "secret", "topic")
# A spreadsheet would take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sealing(settings: Settings) -> Vault | None:
    """What seals the secrets of devices; None for the embedded broker, which needs hashes alone.

    Refused where the accounts of the broker are made by hand.
    """
    if not settings.mqtt_host:
        return None
    if not settings.mqtt_admin_username:
        raise Refused(
            worded("the accounts of this broker are made by hand"),
            advice=worded(
                "Let Watchkeeper make them with mqtt_admin_username, see docs/device-identity.md."
            ),
        )
    return Vault(settings)


def broker_url(settings: Settings) -> str:
    """How devices reach the broker: as set, else as Watchkeeper itself does."""
    if settings.device_broker:
        return settings.device_broker
    scheme = "mqtts" if settings.mqtt_host and settings.mqtt_ca else "mqtt"
    host = settings.mqtt_host or settings.broker_host
    port = settings.mqtt_port if settings.mqtt_host else settings.broker_port or _found(settings)
    return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"


def _found(settings: Settings) -> int:
    """The port that the embedded broker found free at its first start; 0 before that."""
    return int(kept(settings.data_dir / "broker.port") or 0)


def topic_of(issued: Issued) -> str:
    """What the device's own topics begin with."""
    return f"{OWN}{issued.site}/{issued.device}/"


def address_of(issued: Issued, broker: str) -> str:
    """User name, secret and broker as one address (RFC 3986): what the QR code holds.

    The path is what the device's own topics begin with.
    """
    parts = urlsplit(broker)
    who = f"{quote(issued.username, safe='')}:{quote(issued.secret, safe='')}"
    return f"{parts.scheme}://{who}@{parts.netloc}/{quote(topic_of(issued))}"


def sheet(several: Iterable[Issued], broker: str) -> str:
    """A CSV with one line a credential, and a first one that names the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in several:
        cells = (one.site, one.device, broker, one.username, one.secret, topic_of(one))
        writer.writerow([_cell(each) for each in cells])
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
