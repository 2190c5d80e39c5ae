"""Who a device is on the broker: its credentials, and what it may say."""

from core.device_credentials.issuing import (
    OVERLAP,
    Issued,
    admitted,
    change_identity,
    due_to_end,
    end_replaced,
    identity_of,
    issue_credential,
    revoke_credentials,
    rotate_credential,
)
from core.device_credentials.model import (
    ADMITTED,
    CREDENTIAL,
    BrokerAccounts,
    DeviceCredential,
    DeviceIdentity,
)
from core.device_credentials.rights import ANNOUNCEMENTS, Rights
from core.device_credentials.usage import Connection, by_username, devices_used_twice, note_use
from core.device_credentials.wanted import (
    Account,
    AccountsAway,
    Followed,
    Wanted,
    broker_accounts,
    note_admitted,
    wanted_accounts,
)

__all__ = [
    "ADMITTED",
    "ANNOUNCEMENTS",
    "CREDENTIAL",
    "OVERLAP",
    "Account",
    "AccountsAway",
    "BrokerAccounts",
    "Connection",
    "DeviceCredential",
    "DeviceIdentity",
    "Followed",
    "Issued",
    "Rights",
    "Wanted",
    "admitted",
    "broker_accounts",
    "by_username",
    "change_identity",
    "devices_used_twice",
    "due_to_end",
    "end_replaced",
    "identity_of",
    "issue_credential",
    "note_admitted",
    "note_use",
    "revoke_credentials",
    "rotate_credential",
    "wanted_accounts",
]
