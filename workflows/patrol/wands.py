"""Exports of patrol wands: shown line by line with everything that is wrong, then taken in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.badges import Badge, badges_numbered
from core.badges import derived as derived_badge
from core.db import wait_turn
from core.errors import Invalid
from core.places import Node
from core.tables import read_tables
from core.vault import Vault
from rules.wording import in_both, worded
from workflows.patrol.judging import Judged, Looking, carried, judge
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.presented import Presented, WandPoint
from workflows.patrol.presenting import record_all
from workflows.patrol.wand_profiles import (
    WandLine,
    WandProblem,
    problem,
    profile_of,
    read_lines,
)

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WandFile:
    """An export as it was handed in. site: whose wand it is."""

    content: bytes
    name: str
    site: Node


@dataclass(frozen=True, slots=True)
class WandItem:
    """What becomes of a line.

    action: `new`; `known`, it was taken before; `refused`, with the verdict; `guard`, a line that
    says whose the following ones are.
    """

    line: WandLine
    scan_id: UUID
    action: str
    judged: Judged

    @property
    def verdict(self) -> str:
        """accepted, or why not."""
        return self.judged.reason

    @property
    def checkpoint_id(self) -> UUID | None:
        """Where it was."""
        return self.judged.checkpoint_id

    @property
    def person_id(self) -> UUID | None:
        """Whose card it was, as far as that is known."""
        return self.judged.person_id


@dataclass(frozen=True, slots=True)
class WandPlan:
    """What an import does, or did: every line, and everything that is wrong at once."""

    items: Sequence[WandItem]
    problems: Sequence[WandProblem]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many lines of each action, `wrong` ones, and scans `without_person`."""
        found = Counter(item.action for item in self.items)
        nobody = sum(item.action == "new" and item.person_id is None for item in self.items)
        names = ("new", "known", "refused", "guard")
        return {
            **{name: found[name] for name in names},
            "wrong": len(self.problems),
            "without_person": nobody,
        }


def plan_wand(
    session: Session, file: WandFile, profile: str, *, vault: Vault, now: datetime
) -> WandPlan:
    """What importing a file would do. Nothing is written.

    Raises NotFound for an unknown profile, Invalid when the file as a whole can't be read.
    """
    chosen = profile_of(profile)
    tables = read_tables(file.content, file.name)
    found = read_lines(tables, chosen, chosen.zone_at(file.site.time_zone), now)
    planning = _Planning(session, file.site, vault, now)
    lines = planning.carried(found.lines) if chosen.guard_before else found.lines
    items, problems = [], list(found.problems)
    for line in lines:
        item = planning.item(line)
        if item is None:
            told_of_it = problem("unknown_point", line.point)
            problems.append(WandProblem(line.sheet, line.row, told_of_it))
        else:
            items.append(item)
    seen = _known(session, [item.scan_id for item in items])
    return WandPlan(
        [_once(item, seen) for item in items],
        sorted(problems, key=lambda each: (each.sheet, each.row)),
    )


def _once(item: WandItem, seen: set[UUID]) -> WandItem:
    """The item, known where its scan was seen before, in this file or in the database."""
    if item.action == "guard":
        return item
    known = item.scan_id in seen
    seen.add(item.scan_id)
    return replace(item, action="known") if known else item


def import_wand(
    session: Session,
    file: WandFile,
    profile: str,
    *,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
    skip_wrong: bool = False,
) -> WandPlan:
    """Take in the lines of an export; the same file again changes nothing.

    Returns what was done. Raises Invalid with every wrong line, unless `skip_wrong`; and as
    `plan_wand`.
    """
    # Two who import one file at once: the second finds what the first has taken in.
    wait_turn(session, Node.id, file.site.id)
    plan = plan_wand(session, file, profile, vault=vault, now=now)
    if plan.problems and not skip_wrong:
        raise Invalid(
            worded("nothing was imported"),
            problems=[
                worded(
                    "%(sheet)s!%(row)s: %(problem)s",
                    sheet=each.sheet,
                    row=each.row,
                    problem=in_both(each.text.en, each.text.zh),
                )
                for each in plan.problems
            ],
            advice=worded("Correct the lines, or import without them."),
        )
    found: list[tuple[Presented, Judged]] = [
        (_presented(item, file.site.id), item.judged)
        for item in plan.items
        if item.action in ("new", "refused")
    ]
    record_all(session, found, file.site.id, vault=vault, now=now, actor=actor)
    return plan


def _presented(item: WandItem, site_id: UUID) -> WandPoint:
    return WandPoint(
        id=item.scan_id,
        occurred_at=item.line.at,
        channel="import",
        site_id=site_id,
        point=item.line.point,
        guard=item.line.guard,
    )


def _known(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these scans stand already."""
    found = set[UUID]()
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        found.update(session.scalars(select(Scan.id).where(Scan.id.in_(some))))
    return found


class _Planning:
    """Looks up each point and each card of a file once."""

    def __init__(self, session: Session, site: Node, vault: Vault, now: datetime) -> None:
        self._looking = Looking(session, vault, now)
        self._site = site
        self._points: dict[str, Judged] = {}
        self._cards: dict[str, tuple[str, Sequence[Badge]]] = {}

    def carried(self, lines: Sequence[WandLine]) -> Iterator[WandLine]:
        """The lines, each with the guard whose card was read before it."""
        guard = ""
        for line in lines:
            if self._point(line.point).token is None and self._card(line.point)[1]:
                guard = line.point
                yield replace(line, point="", guard=guard)
            else:
                yield replace(line, guard=guard)

    def item(self, line: WandLine) -> WandItem | None:
        """What becomes of a line; None where nothing of this site has its point."""
        # The same line of the same wand is the same scan, in whichever file it stands.
        name = "\0".join(("wand", line.point, line.guard, line.at.isoformat()))
        scan_id = uuid5(self._site.id, name)
        judged = self._point(line.point) if line.point else Judged(ACCEPTED)
        if line.guard:
            judged = carried(judged, *self._card(line.guard), line.at)
        if not line.point:
            return WandItem(line, scan_id, "guard", judged)
        if judged.token is None:
            return None
        return WandItem(line, scan_id, "new" if judged.reason == ACCEPTED else "refused", judged)

    def _point(self, number: str) -> Judged:
        if number not in self._points:
            asked = WandPoint(
                id=self._site.id,
                occurred_at=self._looking.now,
                channel="import",
                site_id=self._site.id,
                point=number,
            )
            self._points[number] = judge(self._looking, asked)
        return self._points[number]

    def _card(self, number: str) -> tuple[str, Sequence[Badge]]:
        """Its keyed hash, and every badge that it ever was."""
        if number not in self._cards:
            derived_id = derived_badge(self._looking.vault, "card", number)
            found = badges_numbered(self._looking.session, derived_id)
            self._cards[number] = derived_id, found
        return self._cards[number]
