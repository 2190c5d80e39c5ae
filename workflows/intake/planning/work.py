"""What every sheet is planned with: who asks, the sites they may change, and what was found."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.people import Caller
from core.places import Node
from core.site_file import load_catalog
from core.site_file.codes import circles
from rules.catalog import Catalog, Text
from rules.durations import SECOND, format_duration, parse_duration
from workflows.intake.choices import choices_of, understand
from workflows.intake.faults import Fault, listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.standing import NOUNS, Known, Standing
from workflows.intake.sheets import CLEAR, SHEETS

_SUGGEST_AMONG = 2_000
_SUGGESTIONS = 100


@dataclass(slots=True)
class Work:
    """One planning of one file."""

    session: Session
    caller: Caller
    catalog: Catalog
    nodes: Mapping[UUID, Node]
    lock: bool = False
    faults: list[Fault] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    standing: dict[str, Standing] = field(default_factory=dict)
    # The type that an asset has after the import.
    asset_types: dict[UUID, str] = field(default_factory=dict)
    _words: dict[str, Mapping[str, Text]] = field(default_factory=dict)
    _sites: dict[tuple[str, str], Node | None] = field(default_factory=dict)
    _suggested: int = 0

    @classmethod
    def begin(cls, session: Session, caller: Caller, *, lock: bool = False) -> "Work":
        """Start a planning. lock: keep others from changing what it looks up."""
        nodes = {node.id: node for node in session.scalars(select(Node).order_by(Node.path))}
        standing = {kind: Standing(session, kind, lock) for kind in NOUNS}
        catalog = load_catalog(session)
        return cls(session, caller, catalog, nodes, lock=lock, standing=standing)

    def refuse(self, line: Line, column: str, code: str, **values: Any) -> None:
        """Note a finding in a cell."""
        self.faults.append(line.fault(column, code, **values))

    def sites_for(self, permission: str) -> list[Node]:
        """The sites where the caller may change what a sheet is about; no others exist here."""
        may = self.caller.sites_for(permission)
        return [node for node in self.nodes.values() if node.id in may]

    def site_of(self, line: Line) -> Node | None:
        """The site of a line; None after noting that it names none that the caller may change."""
        permission = line.sheet.permission
        text = line.text("site")
        key = (permission, text.casefold())
        if key not in self._sites:
            self._sites[key] = self._find_site(self.sites_for(permission), text)
        site = self._sites[key]
        if site is None:
            self._refuse_site(line, text, self.sites_for(permission))
        return site

    def _refuse_site(self, line: Line, text: str, sites: list[Node]) -> None:
        known = listed(node.code for node in sites)
        if not sites:
            column = next((each.code for each in line.sheet.columns if each.required), "site")
            self.refuse(line, column, "no_right", title=line.sheet.title)
        elif text:
            self.refuse(line, "site", "no_site", text=text, known=known)
        else:
            self.refuse(line, "site", "which_site", known=known)

    def _find_site(self, sites: list[Node], text: str) -> Node | None:
        if not text:
            return sites[0] if len(sites) == 1 else None
        by_code = [site for site in sites if site.code == text]
        wanted = text.casefold()
        by_name = [s for s in sites if wanted in (name.casefold() for name in s.name.values())]
        found = by_code or by_name
        return found[0] if len(found) == 1 else None

    def choice(self, line: Line, column: str) -> str | None:
        """The code that a cell of words means; None when empty, or after noting that it is none."""
        text = line.text(column)
        if not text:
            return None
        about = line.sheet.column(column)
        group = about.choices
        if group not in self._words:
            self._words[group] = choices_of(group, self.catalog)
        known = self._words[group]
        code = understand(known, text, group)
        if code is None and about.open:
            return text[:20]
        if code is None:
            self.refuse(line, column, "choice", text=text, known=listed(known.values(), 20))
        return code

    def find(self, line: Line, column: str, kind: str, site: Node) -> Known | None:
        """The thing whose code a cell holds; None after noting that there is none."""
        entry = line.entries[column]
        known = self.standing[kind].find(site.id, entry.text)
        if known is None:
            self._refuse_unknown(line, column, kind, site)
        return known

    def _refuse_unknown(self, line: Line, column: str, kind: str, site: Node) -> None:
        entry = line.entries[column]
        codes = self.standing[kind].codes_on(site.id)
        if entry.number and (padded := padded_like(entry.text, codes)):
            self.refuse(line, column, "zeros", text=entry.text, known=padded)
            return
        noun, near = NOUNS[kind], self._near(entry.text, codes)
        if near:
            self.refuse(line, column, "unknown_near", kind=noun, text=entry.text, known=near)
        else:
            self.refuse(line, column, "unknown", kind=noun, text=entry.text)

    def _near(self, text: str, codes: Collection[str]) -> str | None:
        # Comparing costs milliseconds, and a wrong column may hold thousands of wrong codes.
        if self._suggested >= _SUGGESTIONS or len(codes) > _SUGGEST_AMONG:
            return None
        self._suggested += 1
        return next(iter(get_close_matches(text, list(codes), n=1, cutoff=0.6)), None)

    def clears(self, line: Line, column: str) -> bool:
        """Whether a cell empties its field; notes a finding where that can't be."""
        if line.text(column) != CLEAR:
            return False
        if not line.sheet.column(column).may_clear:
            self.refuse(line, column, "no_clear")
        return True

    def seconds(self, line: Line, column: str) -> float | None:
        """The length of time in a cell; None when it is empty, or after noting that it is none."""
        entry = line.entries.get(column)
        if entry is None or entry.text == CLEAR:
            return None
        text = f"{entry.text}s" if entry.text.replace(".", "", 1).isdecimal() else entry.text
        try:
            micros = parse_duration(text.casefold())
        except ValueError:
            micros = 0
        if micros <= 0:
            self.refuse(line, column, "duration", text=entry.text)
            return None
        return micros / SECOND

    def number(self, line: Line, column: str) -> float | None:
        """The number in a cell; None when it is empty, or after noting that it is none."""
        text = line.text(column)
        if not text or text == CLEAR:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        # Numbers that no reading can have are no bounds either.
        if value != value or abs(value) > 1e15:
            self.refuse(line, column, "number", text=text)
            return None
        return value

    def refuse_circles(
        self,
        edges: Mapping[str, list[str]],
        lines: Mapping[str, Line],
        column: str,
        standing: Standing,
    ) -> None:
        """Note one finding for each circle that a line closes; ids, as texts, lead to ids."""
        for circle in circles(edges):
            line = next((lines[one] for one in circle if one in lines), None)
            if line is not None:
                ids = [UUID(one) for one in circle]
                standing.name_ids(ids)
                self.refuse(line, column, "circle", text=" → ".join(map(standing.code_of, ids)))


def padded_like(text: str, codes: Collection[str]) -> str | None:
    """A code that is this number with zeros in front."""
    if not text.isdecimal():
        return None
    return next((code for code in codes if code != text and code.lstrip("0") == text), None)


def names_given(line: Line) -> dict[str, str]:
    """The names that a line gives, by language."""
    columns = {"en": "name_en", "zh": "name_zh"}
    return {key: line.text(column) for key, column in columns.items() if line.text(column)}


def shown_names(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[Shown]:
    """The languages in which a name changes."""
    for language in ("zh", "en"):
        old, new = before.get(language, ""), after.get(language, "")
        if old != new:
            yield Shown(f"name_{language}", old, new)


def written_seconds(seconds: float | None) -> str:
    """A length of time as cells hold it."""
    return "" if seconds is None else format_duration(round(seconds * SECOND))


def written_number(value: float | None) -> str:
    """A number as cells hold it."""
    return "" if value is None else f"{value:.15g}"


def lines_of(lines: Iterable[Line], code: str) -> list[Line]:
    """The lines of one sheet."""
    sheet = SHEETS[code]
    return [line for line in lines if line.sheet is sheet]
