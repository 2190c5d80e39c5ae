"""Keys of signed tags: a master key of the company, and what each tag gets of it."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.places import Node
from core.vault import Vault
from workflows.patrol.model import PatrolKey
from workflows.patrol.sun import BLOCK, diversified

# The name of the tag's application (ISO 7816-4), as AN10922 wants it beside the UID.
_APPLICATION = bytes.fromhex("D2760000850101")
_SYSTEM = b"wk patrol"


@dataclass(frozen=True, slots=True)
class TagKeys:
    """The three AES-128 keys that are written to a tag.

    application: AppMasterKey (key 0), which may change the others. meta_read: K_SDMMetaRead, the
    same for every tag of a company, because it is needed before the UID is known; it opens
    UIDs and counters, and proves nothing. file_read: K_SDMFileRead, this tag's own.
    """

    application: bytes
    meta_read: bytes
    file_read: bytes


class CompanyKeys:
    """The keys that come from one master key."""

    def __init__(self, master: bytes) -> None:
        self._master = master

    @property
    def meta_read(self) -> bytes:
        """K_SDMMetaRead of every tag of the company."""
        return diversified(self._master, _APPLICATION + _SYSTEM + b"\x01")

    def file_read(self, uid: bytes, key_version: int) -> bytes:
        """K_SDMFileRead of one tag, the how-manieth it was given."""
        return self._of_tag(2, uid, key_version)

    def of_tag(self, uid: bytes, key_version: int) -> TagKeys:
        """Everything that is written to a tag."""
        return TagKeys(
            application=self._of_tag(0, uid, key_version),
            meta_read=self.meta_read,
            file_read=self.file_read(uid, key_version),
        )

    def _of_tag(self, slot: int, uid: bytes, key_version: int) -> bytes:
        # 7 + 7 + 9 + 1 + 2 bytes: within the two blocks of AN10922.
        data = uid + _APPLICATION + _SYSTEM + bytes([slot]) + key_version.to_bytes(2, "big")
        return diversified(self._master, data)


def company_keys(session: Session, vault: Vault, *, now: datetime) -> CompanyKeys:
    """The keys of this installation's company, drawn and sealed at the first use."""
    company = session.scalars(
        select(Node.id).where(Node.kind == "company").order_by(Node.path).limit(1)
    ).one()
    row = session.get(PatrolKey, company) or _draw(session, vault, company, now)
    return CompanyKeys(bytes.fromhex(vault.unseal(row.sealed, _about(company))))


def _draw(session: Session, vault: Vault, company: UUID, now: datetime) -> PatrolKey:
    drawn = secrets.token_hex(BLOCK)
    row = PatrolKey(node_id=company, sealed=vault.seal(drawn, _about(company)), created_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Somebody else drew it at the same moment; theirs stands.
        return session.get_one(PatrolKey, company)
    return row


def _about(company: UUID) -> str:
    return f"patrol_key:{company}"
