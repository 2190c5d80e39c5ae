"""Why an announced device that speaks was not adopted: a code, and what it is about.

It is kept without words, so that whoever reads it gets it in their own language.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.adoption import NoSuchProfile, NothingFits
from core.errors import WatchkeeperError
from rules.wording import packed, unpacked, worded

NOTHING_FITS, NO_PROFILE, REFUSED, FAILED = "nothing_fits", "no_profile", "refused", "failed"
# Kept before there were codes, in English.
AS_WRITTEN = "other"
# Whoever mends the first of them sees the others then.
_MOST_TOLD, _LONGEST = 5, 500


class Reason(NamedTuple):
    """A reason as it is told. code: for programs; texts: for people, each one a sentence."""

    code: str
    texts: tuple[str, ...]


def reason_of(error: WatchkeeperError) -> str:
    """What is kept of the error with which an adoption ended."""
    if isinstance(error, NothingFits):
        return _kept(NOTHING_FITS)
    if isinstance(error, NoSuchProfile):
        return _kept(NO_PROFILE, {"profile": error.profile})
    problems = getattr(error, "problems", ()) or (error.detail,)
    return _kept(
        REFUSED, {"problems": [packed(one, longest=_LONGEST) for one in problems[:_MOST_TOLD]]}
    )


def failure() -> str:
    """What is kept where the mistake is ours."""
    return _kept(FAILED)


def told(kept: str) -> Reason | None:
    """A reason that was kept; None for none."""
    if not kept:
        return None
    if not kept.startswith("{"):
        return Reason(AS_WRITTEN, (kept,))
    document = json.loads(kept)
    values = document.get("values", {})
    return Reason(document["code"], tuple(_texts(document["code"], values)))


def _texts(code: str, values: Mapping[str, Any]) -> Sequence[str]:
    if code == NOTHING_FITS:
        return [worded("nothing that it says fits a profile: choose one, or adopt it by hand")]
    if code == NO_PROFILE:
        return [worded("there is no profile '%(profile)s' any more", profile=values["profile"])]
    if code == FAILED:
        return [worded("it could not be adopted: the log says why")]
    return [unpacked(one) for one in values["problems"]]


def _kept(code: str, values: Mapping[str, Any] | None = None) -> str:
    return json.dumps({"code": code, "values": values or {}}, ensure_ascii=False)
