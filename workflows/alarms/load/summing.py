"""The alarm load of one site or of all that somebody may see, and what to do about the worst."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import MICROS
from core.days import Days, days_asked, today_of
from core.errors import NotFound
from core.people import Caller
from core.places import Node
from rules.wording import worded
from workflows.alarms.flood_counting import INTERVAL
from workflows.alarms.load.advising import Advice, advise
from workflows.alarms.load.counting import HOUR, quantile
from workflows.alarms.load.reading import Withheld
from workflows.alarms.load.site import (
    NEEDLESS,
    TOP,
    AlarmNumbers,
    FloodFacts,
    SiteLoad,
    Stale,
    load_of_site,
)
from workflows.alarms.load.targets import Metric, measured
from workflows.alarms.model import WITHHELD
from workflows.tickets.scope import scope_of

READ = "alarms.read"
SEVERITIES = ("low", "medium", "high", "critical")
# As many floods, and as many alarms of each list, as are named; all are counted.
MOST_LISTED = 20
Counted = Mapping[Any, int]


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site among others: its own rate, floods and bursts. operators: on average."""

    load: SiteLoad
    operators: float
    metrics: Mapping[str, Metric]


@dataclass(frozen=True, slots=True)
class AlarmLoad:
    """What alarms asked of people on some days. now: of when it is.

    annunciations: trips that reached people; unheard: over before we learned of them, so that
    nobody was told. operators: how many shared a site's on average. sites: the busiest first.
    """

    now: datetime
    days: Days
    site: Node | None
    sites: Sequence[SiteLine]
    annunciations: int
    unheard: int
    tripped: int
    operators: float
    unwatched_hours: float
    metrics: Mapping[str, Metric]
    hours: Mapping[tuple[int, int], int]
    by_day: Sequence[int]
    stale_days: Sequence[int]
    priorities: Mapping[str, int]
    top: Sequence[AlarmNumbers]
    chattering: Sequence[AlarmNumbers]
    fleeting: Sequence[AlarmNumbers]
    stale: Sequence[Stale]
    floods: Sequence[FloodFacts]
    flood_count: int
    verdicts: Mapping[str, int]
    causes: Mapping[tuple[str, str], int]
    withheld: Mapping[str, Withheld]
    advice: Sequence[Advice]


def alarm_load(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID | None = None,
    days: Days | None = None,
    now: datetime,
) -> AlarmLoad:
    """The alarm load of a site, or of all sites whose alarms the caller may see.

    days: by default the last 30 whole ones and today so far. NotFound for a site not theirs.
    """
    sites = _sites(session, caller, site_id)
    days = days or days_asked(None, None, today_of(sites, now))
    scope = scope_of(caller)
    found = [load_of_site(session, site, days, scope, now=now) for site in sites]
    loads = [load for load in found if load is not None]
    return _summed(loads, days, sites[0] if site_id is not None else None, now)


def sites_of(session: Session, caller: Caller) -> list[Node]:
    """The sites whose alarms the caller may see, by path."""
    statement = select(Node).where(Node.id.in_(caller.sites_for(READ))).order_by(Node.path)
    return list(session.scalars(statement))


def _sites(session: Session, caller: Caller, site_id: UUID | None) -> list[Node]:
    sites = sites_of(session, caller)
    if site_id is None:
        return sites
    own = [site for site in sites if site.id == site_id]
    if not own:
        raise NotFound(worded("there is no such site"), advice=worded("Look for it in the tree."))
    return own


def _summed(loads: Sequence[SiteLoad], days: Days, site: Node | None, now: datetime) -> AlarmLoad:
    total = _total(loads, lambda load: load.annunciations)
    span = _total(loads, lambda load: load.length)
    hours, causes = _counted(loads, attrgetter("hours")), _counted(loads, attrgetter("causes"))
    priorities = _counted(loads, attrgetter("priorities"))
    verdicts = _counted(loads, attrgetter("verdicts"))
    by_day = [0] * days.count
    for (day, _), count in hours.items():
        by_day[day] += count
    stale_days = [sum(each) for each in zip(*(load.stale_days for load in loads), strict=True)]
    notable = sorted(
        (one for load in loads for one in load.notable),
        key=lambda one: (-one.count, one.alarm.rule_id, one.alarm.asset_code),
    )
    chattering = [one for one in notable if one.chatter]
    fleeting = sorted((one for one in notable if one.fleeting), key=lambda one: -one.fleeting)
    stale = sorted((one for load in loads for one in load.stale), key=lambda one: one.since)
    floods = sorted(
        (one for load in loads for one in load.floods), key=lambda one: (-one.count, one.start)
    )
    figures = {
        **_rates(loads),
        "top_ten": _share(sum(one.count for one in notable[:TOP]), total),
        "chattering": float(len(chattering)),
        "fleeting": float(len(fleeting)),
        "stale": float(max(stale_days, default=0)),
        **{one: _share(priorities[one], total) for one in SEVERITIES},
        **_answered(loads),
        "false_share": _share(sum(verdicts[one] for one in NEEDLESS), sum(verdicts.values())),
    }
    return AlarmLoad(
        now=now,
        days=days,
        site=site,
        sites=sorted((_line(load) for load in loads), key=_by_rate),
        annunciations=total,
        unheard=_total(loads, lambda load: load.unheard),
        tripped=_total(loads, lambda load: load.tripped),
        operators=_total(loads, lambda load: load.watch.operator_time) / span if span else 0.0,
        unwatched_hours=_total(loads, lambda load: load.watch.unwatched) / HOUR,
        metrics={code: measured(code, value, total) for code, value in figures.items()},
        hours=hours,
        by_day=by_day,
        stale_days=stale_days or [0] * days.count,
        priorities={one: priorities[one] for one in SEVERITIES},
        top=notable[:TOP],
        chattering=chattering,
        fleeting=fleeting,
        stale=stale,
        floods=floods[:MOST_LISTED],
        flood_count=len(floods),
        verdicts=verdicts,
        causes=causes,
        withheld={
            kind: sum((load.withheld[kind] for load in loads), start=Withheld())
            for kind in WITHHELD
        },
        advice=advise(notable, stale, floods),
    )


def _counted(loads: Sequence[SiteLoad], part: Callable[[SiteLoad], Counted]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for load in loads:
        found.update(part(load))
    return found


def _total(loads: Sequence[SiteLoad], part: Callable[[SiteLoad], int]) -> int:
    return sum(part(load) for load in loads)


def _rates(loads: Sequence[SiteLoad]) -> dict[str, float | None]:
    """The rates of these sites, each shared among those who were on duty there.

    A burst is not shared: whoever is on duty sees every alarm of the site.
    """
    watched = _total(loads, lambda load: load.watch.operator_time)
    span = _total(loads, lambda load: load.length)
    total = _total(loads, lambda load: load.annunciations)
    busy = _total(loads, lambda load: load.busy[0])
    flooded = _total(loads, lambda load: load.flood_time)
    return {
        "rate_hour": total * HOUR / watched if watched else None,
        "rate_interval": total * INTERVAL / watched if watched else None,
        "peak_interval": float(max((load.peak for load in loads), default=0)),
        "busy_intervals": _share(busy, _total(loads, lambda load: load.busy[1])),
        "flood_time": _share(flooded, span),
    }


def _answered(loads: Sequence[SiteLoad]) -> dict[str, float | None]:
    waits = list(merge(*(load.waits for load in loads)))
    half, most = quantile(waits, 0.5), quantile(waits, 0.9)
    return {
        "acknowledged_half": None if half is None else half / MICROS,
        "acknowledged_most": None if most is None else most / MICROS,
        "never_acknowledged": float(_total(loads, lambda load: load.never)),
    }


def _share(part: int, whole: int) -> float | None:
    return part * 100 / whole if whole else None


def _by_rate(line: SiteLine) -> tuple[float, str]:
    return -(line.metrics["rate_hour"].value or 0), line.load.site.path


def _line(load: SiteLoad) -> SiteLine:
    rates = _rates([load])
    figures = {**rates, "stale": float(max(load.stale_days, default=0))}
    return SiteLine(
        load,
        load.watch.operator_time / load.length,
        {code: measured(code, value, load.annunciations) for code, value in figures.items()},
    )
