"""Rows that name one thing of a site by its code: found, doubled, or new."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.codes import CODE, DEVICE_CODE
from core.ids import new_id
from core.places import Node
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.standing import Known
from workflows.intake.planning.work import (
    Work,
    lines_of,
    names_given,
    padded_like,
    shown_names,
)

# Which cells hold codes of which kind: all are looked up before anything is planned.
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "spaces": {"code": "space", "parent": "space"},
    "assets": {"code": "asset", "space": "space"},
    "devices": {"code": "device", "asset": "asset", "via": "device", "source": "source"},
    "points": {"device": "device", "asset": "asset"},
    "households": {"unit": "space"},
    "teams": {},
    "members": {},
    "roster": {},
    "roster_days": {},
}


@dataclass(slots=True)
class Draft:
    """A line about one thing, and what it wants of it, field by field."""

    line: Line
    site: Node
    known: Known
    new: bool
    shown: list[Shown] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def stands(self, name: str) -> Any:
        """What the field holds now; None for a new thing."""
        return None if self.known.row is None else self.known.row[name]

    def set(self, name: str, value: Any, column: str, was: str, text: str) -> None:
        """Want a field to hold a value; nothing happens where it does."""
        if self.new:
            self.after[name] = value
            if text:
                self.shown.append(Shown(column, "", text))
        elif self.stands(name) != value:
            self.before[name], self.after[name] = self.stands(name), value
            self.shown.append(Shown(column, was, text))

    def set_name(self, default: str) -> None:
        """Want the names that the line gives, and keep the other one."""
        given = names_given(self.line)
        standing = dict(self.stands("name") or {})
        wanted = {**standing, **given} or {"en": default}
        if self.new:
            self.after["name"] = wanted
        elif wanted != standing:
            self.before["name"], self.after["name"] = standing, wanted
        self.shown += shown_names(standing, wanted)

    def item(self, kind: str) -> Item:
        """What this line does."""
        action = "create" if self.new else "update" if self.after else "same"
        fixed = {"id": self.known.id, "site_id": self.site.id, "code": self.known.code}
        return Item(
            kind=kind,
            action=action,
            id=self.known.id,
            site_id=self.site.id,
            label=f"{self.site.code} / {self.known.code}",
            sheet=self.line.title,
            row=self.line.row,
            shown=tuple(self.shown),
            before=self.before,
            after={**fixed, **self.after} if self.new else self.after,
        )


def look_up(work: Work, lines: Iterable[Line]) -> dict[int, Node]:
    """Find the site of each line, by its identity, and load every code that the file names."""
    sites: dict[int, Node] = {}
    wanted: dict[str, set[tuple[UUID, str]]] = {kind: set() for kind in work.standing}
    for line in lines:
        references = REFERENCES.get(line.sheet.code)
        if references is None:
            continue
        site = work.site_of(line)
        if site is None:
            continue
        sites[id(line)] = site
        for column, kind in references.items():
            if text := line.text(column):
                wanted[kind].add((site.id, text))
    for kind, pairs in wanted.items():
        work.standing[kind].load(pairs)
    return sites


def drafts_of(
    work: Work, lines: Iterable[Line], sites: Mapping[int, Node], sheet: str
) -> list[Draft]:
    """A draft for each usable line of a sheet; the things that they add are known afterwards."""
    kind = REFERENCES[sheet]["code"]
    first: dict[tuple[UUID, str], Line] = {}
    drafts = []
    for line in lines_of(lines, sheet):
        site = sites.get(id(line))
        code = line.text("code")
        if site is None or not code:
            continue
        known = work.standing[kind].find(site.id, code)
        key = (site.id, code)
        if key in first:
            work.refuse(line, "code", "twice", text=code, first=_place(first[key]))
        elif _is_code(work, line, kind, code) and (
            known is not None or not _lost_zeros(work, line, kind, site)
        ):
            first[key] = line
            if known is None:
                drafts.append(Draft(line, site, work.standing[kind].add(*key, new_id()), True))
                continue
        # A row that is refused is looked through like any other: all findings come at once.
        new = known is None or known.row is None
        drafts.append(Draft(line, site, known or Known(new_id(), code), new))
    return drafts


def _place(line: Line) -> str:
    return f"{line.title}!{line.cell('code')}"


def _is_code(work: Work, line: Line, kind: str, code: str) -> bool:
    pattern, rule = (DEVICE_CODE, "device_code") if kind == "device" else (CODE, "code")
    if pattern.fullmatch(code):
        return True
    work.refuse(line, "code", rule, text=code)
    return False


def _lost_zeros(work: Work, line: Line, kind: str, site: Node) -> bool:
    entry = line.entries["code"]
    if not entry.number:
        return False
    padded = padded_like(entry.text, work.standing[kind].codes_on(site.id))
    if padded is None:
        return False
    work.refuse(line, "code", "zeros", text=entry.text, known=padded)
    return True


def reference(work: Work, draft: Draft, column: str, name: str, kind: str) -> None:
    """Want a field that points to another thing, as the cell names it by its code."""
    line = draft.line
    if not line.text(column):
        if draft.new:
            draft.after[name] = None
        return
    standing = work.standing[kind]
    was = standing.code_of(draft.stands(name))
    if work.clears(line, column):
        draft.set(name, None, column, was, "")
        return
    found = work.find(line, column, kind, draft.site)
    if found is not None:
        draft.set(name, found.id, column, was, found.code)


def name_the_past(work: Work, drafts: Iterable[Draft], fields: Mapping[str, str]) -> None:
    """Look up the codes behind what the things point to now. fields: kind by name of the field."""
    drafts = list(drafts)
    for name, kind in fields.items():
        ids = {draft.stands(name) for draft in drafts} - {None}
        work.standing[kind].name_ids(list(ids))


def outermost_first(drafts: list[Draft], name: str) -> list[Draft]:
    """Drafts in an order in which what a new one points to by a field comes before it."""
    around = {draft.known.id: draft.after.get(name) for draft in drafts if draft.new}

    def depth(draft: Draft) -> int:
        steps, each = 0, around.get(draft.known.id)
        while each in around and steps <= len(around):
            steps, each = steps + 1, around[each]
        return steps

    return sorted(drafts, key=depth)
