"""What is scanned at checkpoints: put there, lost, found again, replaced."""

import binascii
import re
import secrets
from base64 import b32decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.badges import number_of
from core.devices import Device
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.paging import rows_of
from core.people import Caller, scoped
from core.vault import Vault
from rules.wording import worded
from workflows.patrol.checkpoints import READ, require_active
from workflows.patrol.earlier_keys import EarlierKeys, earlier_keys
from workflows.patrol.keys import company_keys
from workflows.patrol.model import TOKEN, Checkpoint, CheckpointToken
from workflows.patrol.proof import KINDS

CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH = 16
LONGEST_VALUE, LONGEST_LABEL = 200, 80
WEAKEST_DBM, STRONGEST_DBM = -120, 0
# RFC 4226 wants 128 bits; makers of displays ship 80, which no window of three codes can spend.
LEAST_SECRET = 10
OF_DEVICES = ("fixed_reader", "beacon")
# These are known by something that stands on them.
OF_VALUES = ("static_tag", "wand")
_UID = re.compile(r"[0-9A-F]{14}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is to be put at a checkpoint.

    value: UID of a signed or static tag, number of a wand's point; content of a printed code, or
    none to draw one; secret (base32) of a display that brought its own, or none to draw one.
    device_id: reader or gateway. weakest_dbm: how faintly a badge may be heard there.
    """

    kind: str
    value: str = ""
    label: str = ""
    device_id: UUID | None = None
    weakest_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """A token that was put there. secrets: what is shown now and never again, as text by name.

    earlier: the keys that a signed tag may still hold, the newest first.
    """

    token: CheckpointToken
    secrets: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[EarlierKeys] = ()


def derived(vault: Vault, kind: str, value: str) -> str:
    """The keyed hash by which a token is found."""
    plain = value.strip() if kind == "printed_code" else number_of(value)
    return vault.derived_id(plain, f"checkpoint_token:{kind}")


def about(token_id: UUID) -> str:
    """What the vault is told that a token's secret belongs to."""
    return f"checkpoint_token:{token_id}"


def put_token(
    session: Session,
    checkpoint: Checkpoint,
    new: NewToken,
    *,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
) -> Put:
    """Put something to be scanned at a checkpoint.

    Secrets: of a signed_tag its keys (hex) and the query to write; of a rotating_code the secret
    and its otpauth URI; of a printed_code what to print. Raises Invalid with every problem, and
    Conflict when it stands at a checkpoint already or the checkpoint is out of use.
    """
    require_active(checkpoint)
    if problems := _problems(session, checkpoint, new):
        raise Invalid(worded("nothing was put there"), problems=problems)
    row = CheckpointToken(
        id=new_id(),
        site_id=checkpoint.site_id,
        checkpoint_id=checkpoint.id,
        kind=new.kind,
        state="active",
        version=1,
        key_version=1,
        label=new.label.strip(),
        device_id=new.device_id,
        weakest_dbm=new.weakest_dbm,
        created_at=now,
    )
    shown = _identify(session, row, new, vault, now)
    _refuse_taken(session, row)
    session.add(row)
    session.flush()
    _tell(session, "checkpoint_token.put", row, actor, now)
    return Put(row, shown, _earlier(session, row, new, vault, now))


def _problems(session: Session, checkpoint: Checkpoint, new: NewToken) -> list[str]:
    problems: list[str] = []
    if new.kind not in KINDS:
        problems.append(worded("kind: one of %(known)s", known=", ".join(KINDS)))
    if len(new.label) > LONGEST_LABEL:
        problems.append(worded("label: at most %(most)s characters", most=LONGEST_LABEL))
    if new.kind == "position" and checkpoint.latitude is None:
        problems.append(worded("kind: give the checkpoint a position first"))
    return problems + _value_problems(new) + _device_problems(session, checkpoint, new)


def _value_problems(new: NewToken) -> list[str]:
    if len(new.value) > LONGEST_VALUE:
        return [worded("value: at most %(most)s characters", most=LONGEST_VALUE)]
    if new.kind == "signed_tag" and not _UID.fullmatch(_hex(new.value)):
        return [worded("value: the UID of the tag, 14 hexadecimal digits")]
    if new.kind in OF_VALUES and not number_of(new.value):
        return [worded("value: its number, as its readers tell it")]
    if new.kind == "rotating_code" and new.value and not _is_secret(new.value):
        return [
            worded(
                "value: the secret of the display, base32, %(bits)s bits or more",
                bits=8 * LEAST_SECRET,
            )
        ]
    if new.value and new.kind in (*OF_DEVICES, "position"):
        return [worded("value: this kind has none")]
    return []


def _hex(value: str) -> str:
    return re.sub(r"[\s:-]", "", value).upper()


def _is_secret(value: str) -> bool:
    plain = _secret(value)
    try:
        return len(b32decode(plain + "=" * (-len(plain) % 8))) >= LEAST_SECRET
    except (binascii.Error, ValueError):
        return False


def _secret(value: str) -> str:
    return re.sub(r"[\s=-]", "", value).upper()


def _device_problems(session: Session, checkpoint: Checkpoint, new: NewToken) -> list[str]:
    problems: list[str] = []
    if new.kind in OF_DEVICES:
        device = session.get(Device, new.device_id) if new.device_id else None
        if device is None or device.site_id != checkpoint.site_id:
            problems.append(worded("device_id: a device of this site, the reader or gateway"))
    elif new.device_id is not None:
        problems.append(worded("device_id: this kind has none"))
    if new.weakest_dbm is not None and new.kind != "beacon":
        problems.append(worded("weakest_dbm: only a beacon has it"))
    elif new.weakest_dbm is not None and not WEAKEST_DBM <= new.weakest_dbm <= STRONGEST_DBM:
        problems.append(
            worded("weakest_dbm: %(least)s to %(most)s", least=WEAKEST_DBM, most=STRONGEST_DBM)
        )
    return problems


def _identify(
    session: Session, row: CheckpointToken, new: NewToken, vault: Vault, now: datetime
) -> dict[str, str]:
    """Give the row what it is known by; returns what is shown once."""
    if new.kind == "signed_tag":
        return _sign(session, row, _hex(new.value), vault, now)
    if new.kind == "rotating_code":
        secret = _secret(new.value) or pyotp.random_base32()
        row.sealed = vault.seal(secret, about(row.id))
        uri = pyotp.TOTP(secret).provisioning_uri(name=str(row.id), issuer_name="Watchkeeper")
        return {"secret": secret, "otpauth": uri}
    if new.kind == "printed_code":
        code = new.value.strip() or new_code()
        row.derived_id = derived(vault, new.kind, code)
        return {"code": code, "query": f"q={code}"}
    if new.kind in OF_VALUES:
        row.derived_id = derived(vault, new.kind, new.value)
    elif new.kind == "position":
        # A checkpoint has one fence.
        row.derived_id = derived(vault, new.kind, str(row.checkpoint_id))
    return {}


def new_code() -> str:
    """A random content for a printed code."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def _sign(
    session: Session, row: CheckpointToken, uid: str, vault: Vault, now: datetime
) -> dict[str, str]:
    row.derived_id = derived(vault, row.kind, uid)
    newest = session.scalar(
        select(func.max(CheckpointToken.key_version)).where(
            CheckpointToken.kind == row.kind, CheckpointToken.derived_id == row.derived_id
        )
    )
    # A tag that was here before is given other keys than it had.
    row.key_version = (newest or 0) + 1
    keys = company_keys(session, vault, now=now).of_tag(bytes.fromhex(uid), row.key_version)
    return {
        "application_key": keys.application.hex().upper(),
        "meta_read_key": keys.meta_read.hex().upper(),
        "file_read_key": keys.file_read.hex().upper(),
        "query": f"e={'0' * 32}&m={'0' * 16}",
        "query_with_tamper": f"e={'0' * 32}&d={'0' * 32}&m={'0' * 16}",
    }


def _earlier(
    session: Session, row: CheckpointToken, new: NewToken, vault: Vault, now: datetime
) -> Sequence[EarlierKeys]:
    if row.kind != "signed_tag" or row.key_version == 1:
        return ()
    keys = company_keys(session, vault, now=now)
    return earlier_keys(session, row, bytes.fromhex(_hex(new.value)), keys)


def _refuse_taken(session: Session, row: CheckpointToken) -> None:
    taken = select(CheckpointToken.id).where(
        CheckpointToken.kind == row.kind, CheckpointToken.state == "active"
    )
    if row.device_id is not None:
        taken = taken.where(CheckpointToken.device_id == row.device_id)
    elif row.derived_id is not None:
        taken = taken.where(CheckpointToken.derived_id == row.derived_id)
        if row.kind == "wand":
            # Points of wands are numbered anew on every site.
            taken = taken.where(CheckpointToken.site_id == row.site_id)
    else:
        return
    if session.scalar(taken.limit(1)) is not None:
        raise Conflict(
            worded("this stands at a checkpoint already"),
            advice=worded("Replace it there, or report it as lost, first."),
        )


def lose_token(
    session: Session,
    row: CheckpointToken,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Report it as lost or stolen: what is presented of it from now on is refused."""
    _move(session, row, "lose", actor, now, expected_version)


def recover_token(
    session: Session,
    row: CheckpointToken,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """It was found again; Conflict when another one took its place meanwhile."""
    TOKEN.target("find", row.state)
    _refuse_taken(session, row)
    _move(session, row, "find", actor, now, expected_version)


def _move(
    session: Session,
    row: CheckpointToken,
    action: str,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None,
) -> None:
    move(
        session,
        row,
        TOKEN,
        action,
        actor=actor,
        learned_at=now,
        facts=_facts(row),
        expected_version=expected_version,
    )


def replace_token(
    session: Session,
    row: CheckpointToken,
    new: NewToken,
    *,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Put:
    """Put another one in its place; the old one is refused from now on, with that reason.

    The same signed tag, given again, gets keys of the next version. A label, device or limit that
    is not given is the old one's. Raises as `put_token`, Invalid for another kind too.
    """
    if new.kind != row.kind:
        raise Invalid(
            worded("the token was not replaced"),
            problems=[worded("kind: %(kind)s, as the old one", kind=row.kind)],
        )
    kept = replace(
        new,
        label=new.label or row.label,
        device_id=new.device_id or row.device_id,
        weakest_dbm=row.weakest_dbm if new.weakest_dbm is None else new.weakest_dbm,
    )
    _move(session, row, "replace", actor, now, expected_version)
    checkpoint = session.get_one(Checkpoint, row.checkpoint_id)
    put = put_token(session, checkpoint, kept, vault=vault, actor=actor, now=now)
    row.replaced_by = put.token.id
    session.flush()
    return put


def find_token(
    session: Session, caller: Caller, token_id: UUID, *, permission: str = READ
) -> CheckpointToken:
    """A token where the caller may read checkpoints; NotFound otherwise.

    permission: what they must hold on its site beside that; NotAllowed otherwise.
    """
    statement = select(CheckpointToken).where(CheckpointToken.id == token_id)
    row = session.scalars(scoped(statement, CheckpointToken.site_id, caller, READ)).first()
    if row is None:
        raise NotFound(
            worded("there is no such token"), advice=worded("Look for it at its checkpoint.")
        )
    caller.require(permission, row.site_id)
    return row


def tokens_of(session: Session, checkpoint_id: UUID) -> list[dict[str, Any]]:
    """Every token that a checkpoint has or had, the newest first, without any secret."""
    statement = rows_of(
        CheckpointToken.id,
        CheckpointToken.site_id,
        CheckpointToken.checkpoint_id,
        CheckpointToken.kind,
        CheckpointToken.state,
        CheckpointToken.version,
        CheckpointToken.label,
        CheckpointToken.key_version,
        CheckpointToken.device_id,
        CheckpointToken.weakest_dbm,
        CheckpointToken.created_at,
        CheckpointToken.replaced_by,
    ).where(CheckpointToken.checkpoint_id == checkpoint_id)
    rows = session.execute(statement.order_by(CheckpointToken.id.desc())).mappings()
    return [{**row, "grade": KINDS[row["kind"]].grade.value} for row in rows]


def _facts(row: CheckpointToken) -> dict[str, Any]:
    return {"checkpoint": str(row.checkpoint_id), "kind": row.kind}


def _tell(
    session: Session, kind: str, row: CheckpointToken, actor: events.Actor, now: datetime
) -> None:
    events.append(
        session,
        kind,
        ("checkpoint_token", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={**_facts(row), "key_version": row.key_version},
    )
