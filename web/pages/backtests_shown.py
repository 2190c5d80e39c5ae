"""What pages show of a back-test: its figures, its assets with their strips, their episodes."""

from collections import Counter
from typing import Any
from uuid import UUID

from core.clock import from_micros
from web.strips import bar
from workflows.laboratory import Lived, Result, Verdict
from workflows.laboratory.runs import Run

# More would make the page too heavy to read or to send.
_ASSETS_SHOWN = 200
_EPISODES_SHOWN = 100
# Of so many assets, those with the most alarms, strips are drawn.
_STRIPS = 25
_BARS = 150


def run_shown(run: Run) -> dict[str, Any]:
    """A run at one moment, with what it found once it has finished."""
    result = run.result
    context: dict[str, Any] = {"run": run, "result": result, "figures": None}
    if result is not None:
        context |= {
            "figures": _figures(result, result.new),
            "old_figures": _figures(result, result.old) if result.old else None,
            "changed": result.changed,
            "rows": _rows(result),
            "more": max(0, len(result.new.episodes) - _ASSETS_SHOWN),
            "begin": from_micros(result.start),
            "end": from_micros(result.end),
        }
    return context


def _figures(result: Result, verdict: Verdict) -> dict[str, Any]:
    return {
        "alarms": verdict.alarms,
        "a_day": verdict.alarms / result.days,
        "busiest": max(verdict.days.values(), default=0),
        "tickets": verdict.tickets,
        "assets": len(verdict.episodes),
    }


def _rows(result: Result) -> list[dict[str, Any]]:
    """Assets with what happened on them, the most alarms first."""
    changed = result.changed
    new = Counter(asset for asset, _ in changed.only_new) if changed else Counter()
    gone = Counter(asset for asset, _ in changed.only_old) if changed else Counter()
    episodes = result.new.episodes
    rows = [
        _row(result, asset, episodes.get(asset, []), new[asset], gone[asset])
        for asset in {*episodes, *gone}
    ]
    rows.sort(key=lambda row: (-row["alarms"], -row["gone"], row["subject"].code))
    for row in rows[:_STRIPS]:
        asset = row["subject"].asset_id
        row["strip"] = _bars(result, result.new, asset)
        row["old_strip"] = _bars(result, result.old, asset) if result.old else None
    return rows[:_ASSETS_SHOWN]


def _row(result: Result, asset: UUID, lived: list[Lived], new: int, gone: int) -> dict[str, Any]:
    alarms = sum(not each.before for each in lived)
    return {
        "subject": result.subjects[asset],
        "alarms": alarms,
        "tickets": sum(each.ticket for each in lived),
        "first": from_micros(lived[0].tripped_at) if lived else None,
        "reason": lived[0].reason if lived else "",
        "new": new,
        "gone": gone,
        "strip": None,
        "old_strip": None,
    }


def _bars(result: Result, verdict: Verdict, asset: UUID) -> list[tuple[float, float]]:
    lived = verdict.episodes.get(asset, [])[-_BARS:]
    return [bar(each.tripped_at, each.cleared_at, result.start, result.end) for each in lived]


def asset_shown(result: Result, asset: UUID) -> dict[str, Any]:
    """The episodes of one asset, with those that only the rule in force has, the newest first."""
    new, gone = _only(result, asset)
    old = result.old.episodes.get(asset, []) if result.old else []
    rows = [
        {**_episode(each), "new": each.tripped_at in new, "gone": False}
        for each in result.new.episodes.get(asset, [])
    ]
    rows += [
        {**_episode(each), "new": False, "gone": True} for each in old if each.tripped_at in gone
    ]
    rows.sort(key=lambda row: row["tripped"], reverse=True)
    return {
        "subject": result.subjects[asset],
        "episodes": rows[:_EPISODES_SHOWN],
        "earlier": max(0, len(rows) - _EPISODES_SHOWN),
    }


def _only(result: Result, asset: UUID) -> tuple[set[int], set[int]]:
    """When it tripped by this rule only, and by the one in force only."""
    changed = result.changed
    if changed is None:
        return set(), set()
    new = {at for each, at in changed.only_new if each == asset}
    return new, {at for each, at in changed.only_old if each == asset}


def _episode(each: Lived) -> dict[str, Any]:
    return {
        "tripped": from_micros(each.tripped_at),
        "cleared": from_micros(each.cleared_at) if each.cleared_at else None,
        "reason": each.reason,
        "ticket": each.ticket,
        "before": each.before,
    }


def bands(result: Result, asset: UUID) -> list[dict[str, Any]]:
    """Stretches behind a chart, in seconds: the alarms, and those of the rule in force alone."""
    gone = _only(result, asset)[1]
    old = result.old.episodes.get(asset, []) if result.old else []
    shown = [(each, False) for each in result.new.episodes.get(asset, [])]
    shown += [(each, True) for each in old if each.tripped_at in gone]
    return [
        {
            "from": each.tripped_at / 1e6,
            "to": (each.cleared_at or result.end) / 1e6,
            "other": other,
        }
        for each, other in shown
    ]
