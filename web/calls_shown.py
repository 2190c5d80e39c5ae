"""The calls for help that stand, as the bar above every page of the console shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web.visit import Visit
from workflows.patrol import sos


@dataclass(frozen=True, slots=True)
class CallBar:
    """What the bar shows. stream: where its page hears of news, if it follows nothing else.

    ringing: whether one of them is to be heard.
    """

    stream: str
    calls: Sequence[dict[str, Any]]
    ringing: bool


def may_answer_calls(visit: Visit) -> bool:
    """Whether somebody answers calls for help anywhere, so that their pages bear the bar."""
    return bool(_sites(visit))


def _sites(visit: Visit) -> list[Any]:
    caller = visit.caller
    return sorted(caller.sites_for(sos.ANSWER) | caller.sites_for(sos.ANSWER_SILENT))


def call_bar(visit: Visit) -> CallBar | None:
    """The bar of a page; None for who answers no calls."""
    sites = [one for one in _sites(visit) if visit.may("places.read", one)]
    if not sites:
        return None
    with visit.parts.database.read() as session:
        calls = sos.standing_calls(session, visit.caller)
    ringing = any(one["state"] in sos.UNANSWERED and not one["practice"] for one in calls)
    return CallBar(f"/live/{sites[0]}/stream?calls=yes", calls, ringing)
