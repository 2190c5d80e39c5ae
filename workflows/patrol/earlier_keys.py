"""Keys that a signed tag was given before: without them it can't be given others."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.patrol.keys import CompanyKeys
from workflows.patrol.model import CheckpointToken

# A tag tells how many wrong keys it was shown, and answers ever slower after fifty of them.
MOST_SHOWN = 16


@dataclass(frozen=True, slots=True)
class EarlierKeys:
    """What a tag may still hold of an earlier version, as hexadecimal digits."""

    key_version: int
    application_key: str
    file_read_key: str


def earlier_keys(
    session: Session, row: CheckpointToken, uid: bytes, keys: CompanyKeys
) -> list[EarlierKeys]:
    """The keys of every version that counts no more, the newest first.

    A tag that was taken off its reader half-way holds some keys of this version and some of that;
    whoever gives it new ones must know the old ones. Only those of `replaced` tokens are told:
    what is signed with them is refused, so they prove nothing any more.
    """
    versions = session.scalars(
        select(CheckpointToken.key_version)
        .where(
            CheckpointToken.kind == row.kind,
            CheckpointToken.derived_id == row.derived_id,
            CheckpointToken.state == "replaced",
        )
        .order_by(CheckpointToken.key_version.desc())
        .limit(MOST_SHOWN)
    )
    return [
        EarlierKeys(
            version,
            keys.of_tag(uid, version).application.hex().upper(),
            keys.file_read(uid, version).hex().upper(),
        )
        for version in versions
        if version != row.key_version
    ]
