"""The alarm load over HTTP: figures against targets, what is behind them, and what to do next."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from core.clock import MICROS, from_micros
from core.days import days_asked, today_of
from workflows.alarms.load import (
    Advice,
    AlarmLoad,
    AlarmNumbers,
    FloodFacts,
    Metric,
    SiteLine,
    Stale,
    alarm_load,
    sites_of,
)

router = APIRouter(tags=["alarms"])
Reader = Annotated[Asked, Depends(Permission("alarms.read"))]
Day = Annotated[date | None, Query(description="A day of the site's own clock.")]


class Figure(BaseModel):
    """A figure with what it is measured against. value: null where there is nothing to measure."""

    value: float | None
    unit: str = Field(description="h and 10min (alarms in so long), %, s, or empty: how many.")
    target: float | None
    limit: float | None = Field(description="From here on something must be done.")
    at_least: bool = Field(description="More is better.")
    under: bool = Field(description="A value that equals the target does not meet it.")
    verdict: str = Field(description="good, watch, act; few: too few alarms to say; plain: none.")
    source: str
    own_limit: bool = Field(description="The source gives a target only; the limit is ours.")


class LoadOfSite(BaseModel):
    """One of the sites, with its own rates. operators: on duty on average."""

    site_id: UUID
    name: dict[str, str]
    time_zone: str
    from_at: datetime = Field(description="Where the days begin, or later: when the site came.")
    until_at: datetime
    annunciations: int
    operators: float
    most_operators: int
    rostered: bool = Field(description="Without a roster one operator is counted.")
    metrics: dict[str, Figure]


class AlarmOf(BaseModel):
    """A rule on an asset."""

    alarm_id: UUID
    site_id: UUID
    rule_id: str
    title: dict[str, str]
    severity: str
    life_safety: bool
    asset_id: UUID
    asset_code: str
    asset_name: dict[str, str]


class Relief(BaseModel):
    """A longer delay and what it would have left of the trips. seconds: how much longer."""

    kind: str = Field(description="on_delay or off_delay.")
    seconds: int
    left: int


class AlarmNumbersOf(AlarmOf):
    """What is counted of one alarm. active_half_seconds: how long half of its trips lasted."""

    count: int
    active_half_seconds: int | None
    unanswered: int
    chatter_activations: int
    chatter_bursts: int
    fleeting: int
    judged: int
    needless: int
    cause: str | None
    relief: Relief | None


class CausePart(BaseModel):
    """An alarm's part of a flood."""

    alarm: AlarmOf
    count: int


class FloodOf(BaseModel):
    """A flood; without an end it goes on."""

    site_id: UUID
    start_at: datetime
    end_at: datetime | None
    count: int
    alarms: int
    causes: list[CausePart]


class StaleOf(AlarmOf):
    """An alarm that stood for more than 24 hours. ticket: null where you may not see it."""

    since: datetime
    acknowledged: bool
    ticket_id: UUID | None
    ticket_state: str | None


class Cause(BaseModel):
    """How many alarms people called this, and what they named as its cause."""

    verdict: str
    cause: str
    count: int


class AdviceOf(BaseModel):
    """A next step. numbers: what it is derived from; times in seconds."""

    kind: str
    at_stake: int = Field(description="How many alarms it would spare, or concerns.")
    site_id: UUID
    alarm: AlarmOf | None
    ticket_id: UUID | None
    cause: str | None
    numbers: dict[str, int]


class WithheldOf(BaseModel):
    """How often alarms were shelved, suppressed or out of service. trips: so many told nobody."""

    begun: int
    standing: int
    trips: int


class LoadHour(BaseModel):
    """The alarms of an hour of the clock."""

    day: date
    hour: int
    count: int


class LoadDay(BaseModel):
    """The alarms of a day, and how many stood for more than 24 hours at some time of it."""

    day: date
    count: int
    stale: int


class AlarmLoadAnswer(BaseModel):
    """The alarm load of some days, by the clock of each site. at: of when it is."""

    at: datetime
    first_day: date
    last_day: date
    annunciations: int
    unheard: int = Field(description="Over before we learned of them: nobody was told.")
    alarms: int = Field(description="How many different alarms tripped.")
    operators: float
    unwatched_hours: float = Field(description="Hours in which no roster names anybody.")
    metrics: dict[str, Figure]
    priorities: dict[str, int]
    sites: list[LoadOfSite]
    days: list[LoadDay]
    hours: list[LoadHour]
    top: list[AlarmNumbersOf]
    chattering: list[AlarmNumbersOf]
    fleeting: list[AlarmNumbersOf]
    stale: list[StaleOf]
    floods: list[FloodOf]
    flood_count: int
    verdicts: dict[str, int]
    causes: list[Cause]
    withheld: dict[str, WithheldOf]
    advice: list[AdviceOf]


@router.get(
    "/alarm-load",
    response_model=AlarmLoadAnswer,
    summary="Measure the alarm load against EEMUA 191 and ISA-18.2",
    responses=may_answer(404),
)
def get_alarm_load(
    asked: Reader,
    site: UUID | None = None,
    from_day: Annotated[Day, Query(alias="from")] = None,
    until_day: Annotated[Day, Query(alias="until")] = None,
) -> Response:
    """From one day to another, both included; by default the last 30 whole days and today so far.

    Of every site where you may read alarms, or of one. What each figure means is in the reference
    of the alarm load.
    """
    with asked.parts.database.read() as session:
        today = today_of(sites_of(session, asked.caller), asked.now)
        days = days_asked(from_day, until_day, today)
        found = alarm_load(session, asked.caller, site_id=site, days=days, now=asked.now)
    return answer(_told(found))


def _told(found: AlarmLoad) -> dict[str, Any]:
    days = [day.isoformat() for day in found.days]
    return {
        "at": found.now,
        "first_day": days[0],
        "last_day": days[-1],
        "annunciations": found.annunciations,
        "unheard": found.unheard,
        "alarms": found.tripped,
        "operators": found.operators,
        "unwatched_hours": found.unwatched_hours,
        "metrics": _figures(found.metrics),
        "priorities": dict(found.priorities),
        "sites": [_site(line) for line in found.sites],
        "days": [
            {"day": day, "count": count, "stale": stale}
            for day, count, stale in zip(days, found.by_day, found.stale_days, strict=True)
        ],
        "hours": [
            {"day": days[day], "hour": hour, "count": count}
            for (day, hour), count in sorted(found.hours.items())
        ],
        "top": [_numbers(one) for one in found.top],
        "chattering": [_numbers(one) for one in found.chattering],
        "fleeting": [_numbers(one) for one in found.fleeting],
        "stale": [_stale(one) for one in found.stale],
        "floods": [_flood(one) for one in found.floods],
        "flood_count": found.flood_count,
        "verdicts": dict(found.verdicts),
        "causes": [
            {"verdict": verdict, "cause": cause, "count": count}
            for (verdict, cause), count in sorted(found.causes.items())
        ],
        "withheld": {kind: asdict(one) for kind, one in found.withheld.items()},
        "advice": [_advice(one) for one in found.advice],
    }


def _figures(metrics: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    return {
        code: {**asdict(metric.goal), "value": metric.value, "verdict": metric.verdict}
        for code, metric in metrics.items()
    }


def _site(line: SiteLine) -> dict[str, Any]:
    load = line.load
    return {
        "site_id": load.site.id,
        "name": dict(load.site.name),
        "time_zone": load.site.time_zone,
        "from_at": from_micros(load.since),
        "until_at": from_micros(load.span.end),
        "annunciations": load.annunciations,
        "operators": line.operators,
        "most_operators": load.watch.most,
        "rostered": load.watch.rostered,
        "metrics": _figures(line.metrics),
    }


def _alarm(one: Any) -> dict[str, Any]:
    facts = asdict(one)
    return {"alarm_id": facts.pop("id"), **facts}


def _numbers(one: AlarmNumbers) -> dict[str, Any]:
    relief = one.relief
    return {
        **_alarm(one.alarm),
        "count": one.count,
        "active_half_seconds": None if one.active_half is None else one.active_half // MICROS,
        "unanswered": one.unanswered,
        "chatter_activations": one.chatter.activations if one.chatter else 0,
        "chatter_bursts": one.chatter.bursts if one.chatter else 0,
        "fleeting": one.fleeting,
        "judged": one.judged,
        "needless": one.needless,
        "cause": one.cause,
        "relief": relief
        and {"kind": relief.kind, "seconds": relief.delay // MICROS, "left": relief.left},
    }


def _stale(one: Stale) -> dict[str, Any]:
    return {
        **_alarm(one.alarm),
        "since": from_micros(one.since),
        "acknowledged": one.seen,
        "ticket_id": one.ticket.id if one.ticket else None,
        "ticket_state": one.ticket.state if one.ticket else None,
    }


def _flood(one: FloodFacts) -> dict[str, Any]:
    return {
        "site_id": one.site_id,
        "start_at": from_micros(one.start),
        "end_at": None if one.end is None else from_micros(one.end),
        "count": one.count,
        "alarms": one.alarms,
        "causes": [{"alarm": _alarm(part.alarm), "count": part.count} for part in one.causes],
    }


def _advice(one: Advice) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "at_stake": one.at_stake,
        "site_id": one.site_id,
        "alarm": _alarm(one.alarm) if one.alarm else None,
        "ticket_id": one.ticket.id if one.ticket else None,
        "cause": one.cause,
        "numbers": dict(one.numbers),
    }
