"""Planning work, changing it, and ending it early: what it suppressed is judged again then."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from core.places import Asset, Space
from rules.rule import PLANNED_WORK as KINDS
from rules.wording import worded
from workflows.alarms.model import Withholding
from workflows.alarms.planned_work import PLANNED, PlannedTarget, PlannedWork
from workflows.alarms.withholding import make_due

READ, PLAN = "alarms.read", "work.plan"
# Longer than this is no work on equipment but its end; the rule is what should change.
LONGEST = timedelta(days=31)
# Work that was forgotten to be planned may have begun so long ago.
BEGAN_AT_MOST = timedelta(days=1)
MOST_TARGETS = 100
LONGEST_REASON = 500
WHEN = ("current", "upcoming", "over", "all")


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody plans. with_supplied: what the equipment feeds is affected as well."""

    site_id: UUID
    kind: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    asset_ids: Sequence[UUID] = ()
    space_ids: Sequence[UUID] = ()
    with_supplied: bool = False


def plan_work(session: Session, caller: Caller, plan: Plan, *, now: datetime) -> PlannedWork:
    """Plan work; from its beginning to its end the rules that ask for it fall silent there.

    Raises Invalid with everything that is wrong about it.
    """
    caller.require(PLAN, plan.site_id)
    assets, spaces = tuple(dict.fromkeys(plan.asset_ids)), tuple(dict.fromkeys(plan.space_ids))
    problems = _wrong_times(plan.starts_at, plan.ends_at, now)
    if plan.kind not in KINDS:
        problems.append(
            worded(
                "kind: %(kind)s is none of %(known)s", kind=repr(plan.kind), known=", ".join(KINDS)
            )
        )
    problems += _wrong_reason(plan.reason)
    if not 1 <= len(assets) + len(spaces) <= MOST_TARGETS:
        problems.append(worded("assets, spaces: name 1 to %(most)s of them", most=MOST_TARGETS))
    problems += _strangers(session, plan.site_id, assets, spaces)
    if problems:
        raise Invalid(worded("nothing was planned"), problems=problems)
    row = PlannedWork(
        id=new_id(),
        site_id=plan.site_id,
        kind=plan.kind,
        state="planned",
        version=1,
        reason=plan.reason.strip(),
        with_supplied=plan.with_supplied,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        planned_at=now,
        planned_by=caller.person_id,
    )
    session.add(row)
    session.flush()
    session.add_all(
        PlannedTarget(
            id=new_id(), site_id=plan.site_id, work_id=row.id, asset_id=asset, space_id=space
        )
        for asset, space in [*((one, None) for one in assets), *((None, one) for one in spaces)]
    )
    session.flush()
    events.append(
        session,
        "planned_work.plan",
        ("planned_work", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=row.site_id,
        after={
            "kind": row.kind,
            "from": row.starts_at.isoformat(),
            "until": row.ends_at.isoformat(),
            "assets": [str(one) for one in assets],
            "spaces": [str(one) for one in spaces],
            "with_supplied": row.with_supplied,
        },
    )
    return row


def _wrong_times(starts_at: datetime, ends_at: datetime, now: datetime) -> list[str]:
    problems: list[str] = []
    if starts_at < now - BEGAN_AT_MOST:
        problems.append(worded("from: at most a day ago"))
    if ends_at <= starts_at:
        problems.append(worded("until: later than the beginning"))
    elif ends_at <= now:
        problems.append(worded("until: in the future"))
    elif ends_at - starts_at > LONGEST:
        problems.append(
            worded("until: at most %(days)s days after the beginning", days=LONGEST.days)
        )
    return problems


def _wrong_reason(reason: str) -> list[str]:
    if not reason.strip():
        return [worded("reason: say what is done, so that others understand the silence")]
    if len(reason) > LONGEST_REASON:
        return [worded("reason: at most %(most)s characters", most=LONGEST_REASON)]
    return []


def _strangers(
    session: Session, site_id: UUID, assets: Sequence[UUID], spaces: Sequence[UUID]
) -> list[str]:
    problems: list[str] = []
    for name, model, wanted in (("assets", Asset, assets), ("spaces", Space, spaces)):
        statement = select(model.id).where(model.site_id == site_id, model.id.in_(wanted))
        strange = set(wanted) - set(session.scalars(statement)) if wanted else set()
        problems += [
            worded("%(name)s: there is no %(one)s on this site", name=name, one=one)
            for one in sorted(strange)
        ]
    return problems


def find_work(
    session: Session, caller: Caller, work_id: UUID, *, to_change: bool = False
) -> PlannedWork:
    """Planned work that the caller may read; NotFound otherwise. to_change: lock it."""
    statement = scoped(
        select(PlannedWork).where(PlannedWork.id == work_id), PlannedWork.site_id, caller, READ
    )
    if to_change:
        statement = statement.with_for_update(of=PlannedWork)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(
            worded("there is no such planned work"), advice=worded("Look for it in the list.")
        )
    return row


def change_work(
    session: Session,
    caller: Caller,
    row: PlannedWork,
    *,
    now: datetime,
    ends_at: datetime,
    reason: str | None = None,
    expected_version: int | None = None,
) -> PlannedWork:
    """Move the end of planned work, and say anew what it is. Conflict once it is over."""
    caller.require(PLAN, row.site_id)
    _refuse_over(row, now)
    reason = row.reason if reason is None else reason
    problems = _wrong_times(max(row.starts_at, now - BEGAN_AT_MOST), ends_at, now)
    problems += _wrong_reason(reason)
    if ends_at - row.starts_at > LONGEST and not problems:
        problems.append(
            worded("until: at most %(days)s days after the beginning", days=LONGEST.days)
        )
    if problems:
        raise Invalid(worded("nothing was changed"), problems=problems)
    move(
        session,
        row,
        PLANNED,
        "change",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"ends_at": ends_at, "reason": reason.strip()},
        facts={"until": ends_at.isoformat()},
        expected_version=expected_version,
    )
    make_due(session, row.id, ends_at)
    return row


def finish_work(
    session: Session, caller: Caller, row: PlannedWork, *, now: datetime
) -> PlannedWork:
    """The work is done before its time; what it suppressed is judged again within seconds."""
    caller.require(PLAN, row.site_id)
    _refuse_over(row, now)
    if row.starts_at > now:
        raise Conflict(
            worded("this work has not begun"),
            advice=worded("Cancel it, or wait until it has begun to finish it."),
        )
    _end(session, caller, row, "finish", {"ends_at": now, "ended_by": caller.person_id}, now)
    return row


def cancel_work(
    session: Session, caller: Caller, row: PlannedWork, *, now: datetime
) -> PlannedWork:
    """The work does not take place; what it suppressed already is judged again within seconds."""
    caller.require(PLAN, row.site_id)
    _refuse_over(row, now)
    _end(session, caller, row, "cancel", {"ended_by": caller.person_id}, now)
    return row


def _refuse_over(row: PlannedWork, now: datetime) -> None:
    if row.state == "planned" and row.ends_at <= now:
        raise Conflict(worded("this work is over"), advice=worded("Plan it anew if it goes on."))


def _end(
    session: Session,
    caller: Caller,
    row: PlannedWork,
    action: str,
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    actor = events.Actor.person(caller.person_id)
    move(session, row, PLANNED, action, actor=actor, learned_at=now, values=values)
    make_due(session, row.id, now)


_WORKS = rows_of(
    PlannedWork.id,
    PlannedWork.site_id,
    PlannedWork.kind,
    PlannedWork.state,
    PlannedWork.version,
    PlannedWork.reason,
    PlannedWork.with_supplied,
    PlannedWork.starts_at,
    PlannedWork.ends_at,
    PlannedWork.planned_at,
    PlannedWork.planned_by,
    Person.name.label("planned_by_name"),
).join(Person, Person.id == PlannedWork.planned_by)


def _when(word: str, now: datetime) -> list[ColumnElement[bool]]:
    if word not in WHEN:
        raise Invalid(
            worded("no such list"),
            problems=[
                worded(
                    "when: %(word)s is none of %(known)s", word=repr(word), known=", ".join(WHEN)
                )
            ],
        )
    open_ones = [PlannedWork.state == "planned", PlannedWork.ends_at > now]
    lists: Mapping[str, list[ColumnElement[bool]]] = {
        "current": [*open_ones, PlannedWork.starts_at <= now],
        "upcoming": [*open_ones, PlannedWork.starts_at > now],
        "over": [(PlannedWork.state != "planned") | (PlannedWork.ends_at <= now)],
        "all": [],
    }
    return lists[word]


def list_work(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    now: datetime,
    when: str = "all",
    site_id: UUID | None = None,
) -> Page[dict[str, Any]]:
    """Planned work on the caller's sites, the last to begin first. Keys: starts_at, id.

    phase: current, upcoming, finished, cancelled or over. suppressed: alarms it withholds now.
    """
    statement = scoped(_WORKS.where(*_when(when, now)), PlannedWork.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(PlannedWork.site_id == site_id)
    page = newest_first(session, statement, (PlannedWork.starts_at, PlannedWork.id), wish, dict)
    _complete(session, page.items, now)
    return page


def next_work(
    session: Session, caller: Caller, site_id: UUID, limit: int, *, now: datetime
) -> list[dict[str, Any]]:
    """The work that is ahead at a site as `list_work` shows it, but the next to begin first."""
    ahead = _WORKS.where(PlannedWork.site_id == site_id, *_when("upcoming", now))
    ordered = scoped(ahead, PlannedWork.site_id, caller, READ).order_by(
        PlannedWork.starts_at, PlannedWork.id
    )
    items = [dict(row) for row in session.execute(ordered.limit(limit)).mappings()]
    _complete(session, items, now)
    return items


def describe_work(
    session: Session, caller: Caller, work_id: UUID, *, now: datetime
) -> dict[str, Any]:
    """One planned work as the list shows it; NotFound when the caller may not read it."""
    statement = scoped(_WORKS.where(PlannedWork.id == work_id), PlannedWork.site_id, caller, READ)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise NotFound(
            worded("there is no such planned work"), advice=worded("Look for it in the list.")
        )
    item = dict(row)
    _complete(session, [item], now)
    return item


def phase_of(item: Mapping[str, Any], now: datetime) -> str:
    """Where planned work stands: what its status and its times say together."""
    if item["state"] != "planned":
        return str(item["state"])
    if item["ends_at"] <= now:
        return "over"
    return "current" if item["starts_at"] <= now else "upcoming"


def _complete(session: Session, items: Sequence[dict[str, Any]], now: datetime) -> None:
    works = [item["id"] for item in items]
    targets = _targets(session, works)
    rows = session.execute(
        select(Withholding.cause_id, func.count())
        .where(Withholding.cause_id.in_(works), Withholding.state == "standing")
        .group_by(Withholding.cause_id)
    )
    counted = {cause: count for cause, count in rows}
    for item in items:
        item["phase"] = phase_of(item, now)
        item["targets"] = targets[item["id"]]
        item["suppressed"] = counted.get(item["id"], 0)


def _targets(session: Session, works: Iterable[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    statement = (
        select(
            PlannedTarget.work_id,
            PlannedTarget.asset_id,
            PlannedTarget.space_id,
            func.coalesce(Asset.code, Space.code),
            Asset.name,
            Space.name,
        )
        .outerjoin(Asset, Asset.id == PlannedTarget.asset_id)
        .outerjoin(Space, Space.id == PlannedTarget.space_id)
        .where(PlannedTarget.work_id.in_(list(works)))
        .order_by(PlannedTarget.id)
    )
    for work, asset, space, code, asset_name, space_name in session.execute(statement):
        found[work].append(
            {
                "kind": "asset" if asset else "space",
                "id": asset or space,
                "code": code,
                "name": dict(asset_name or space_name or {}),
            }
        )
    return found


def choices_at(session: Session, site_id: UUID) -> tuple[list[Asset], list[Space]]:
    """What work can be planned on at a site, by code: its equipment and its places."""
    assets = select(Asset).where(Asset.site_id == site_id).order_by(Asset.code)
    spaces = select(Space).where(Space.site_id == site_id).order_by(Space.code)
    return list(session.scalars(assets)), list(session.scalars(spaces))
