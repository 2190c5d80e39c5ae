"""What the broker's accounts should be, read from the database, and how far it follows."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.device_credentials.issuing import sealed_about
from core.device_credentials.model import (
    ADMITTED,
    BrokerAccounts,
    DeviceCredential,
    DeviceIdentity,
)
from core.device_credentials.rights import Rights, covers, filter_fault, rights_of
from core.devices import Device, Source
from core.errors import Unavailable
from core.places import Node
from core.vault import Vault

ONE = "main"


@dataclass(frozen=True, slots=True)
class Account:
    """One account that the broker should have. hash: bcrypt. sealed: see DeviceCredential."""

    credential_id: UUID
    device_id: UUID
    username: str
    hash: str
    sealed: bytes | None
    rights: Rights

    def secret(self, vault: Vault) -> str | None:
        """The secret itself; None where only its hash is kept. Raises WrongKey."""
        if self.sealed is None:
            return None
        return vault.unseal(self.sealed, sealed_about(self.credential_id))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Every account, by user name. shared: who has none of their own may speak all the same, for
    the topics of `sources`."""

    accounts: Mapping[str, Account]
    shared: bool
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Followed:
    """What a broker has now. admitted: user names of ours that it knows. unknown: of others."""

    admitted: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class AccountsAway(Unavailable):
    """The broker can't be asked for its accounts now; it is tried again."""


def wanted_accounts(session: Session, *, shared: bool) -> Wanted:
    """What the broker's accounts should be now. shared: as the settings have it."""
    rows = session.execute(
        select(DeviceCredential, Device.code, Node.code)
        .join(Device, Device.id == DeviceCredential.device_id)
        .join(Node, Node.id == Device.site_id)
        .where(DeviceCredential.state.in_(ADMITTED), Device.state != "retired")
        .order_by(DeviceCredential.username)
    ).all()
    identities = {
        one.device_id: one
        for one in session.scalars(select(DeviceIdentity))
        if one.is_bridge or one.reads
    }
    codes = _codes(session, identities.values())
    sources = session.execute(
        select(Source.id, Source.site_id, Source.topic_filter).where(Source.enabled.is_(True))
    ).all()
    filters = {str(source.id): source.topic_filter for source in sources}
    of_site = defaultdict[UUID, list[str]](list)
    for source in sources:
        of_site[source.site_id].append(source.topic_filter)
    accounts = {}
    for row, code, site in rows:
        identity = identities.get(row.device_id)
        rights = _rights(site, code, identity, codes, filters, of_site[row.site_id])
        accounts[row.username] = Account(
            row.id, row.device_id, row.username, row.hash, row.sealed, rights
        )
    return Wanted(accounts, shared, tuple(sorted(set(filters.values()))))


def _codes(session: Session, identities: Any) -> dict[str, str]:
    spoken = {one for identity in identities for one in identity.speaks_for}
    if not spoken:
        return {}
    rows = session.execute(select(Device.id, Device.code).where(Device.state != "retired"))
    return {str(row.id): row.code for row in rows if str(row.id) in spoken}


def _rights(
    site: str,
    code: str,
    identity: DeviceIdentity | None,
    codes: Mapping[str, str],
    filters: Mapping[str, str],
    taken: Collection[str],
) -> Rights:
    """taken: filters of the enabled sources of its site."""
    if identity is None:
        return rights_of(site, [code])
    others = [codes[one] for one in identity.speaks_for if one in codes]
    named = [filters[one] for one in identity.sources if one in filters]
    # A source may have been changed since, or be gone: its topics may be another site's by now.
    topics = [one for one in identity.topics if any(covers(source, one) for source in taken)]
    sound = [one for one in [*named, *topics] if filter_fault(one, site) is None]
    return rights_of(site, [code, *others], sound, identity.reads)


def note_admitted(session: Session, usernames: Collection[str], *, now: datetime) -> int:
    """The broker has these accounts; returns of how many we did not know that."""
    rows = session.scalars(
        select(DeviceCredential).where(
            DeviceCredential.admitted_at.is_(None), DeviceCredential.state.in_(ADMITTED)
        )
    )
    fresh = [row for row in rows if row.username in usernames]
    for row in fresh:
        row.admitted_at = now
    return len(fresh)


def broker_accounts(session: Session) -> BrokerAccounts:
    """How far the broker follows; a new row where there is none yet."""
    row = session.get(BrokerAccounts, ONE)
    if row is None:
        row = BrokerAccounts(name=ONE, kind="", unknown=[], shared=[])
        session.add(row)
    return row
