"""Lists of devices that are to come: a sheet (Excel or CSV), or labels a line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.errors import Invalid
from core.expected_devices import Announced
from core.profiles import Profiles
from core.tables import Row, UnreadableTable, read_tables
from rules.located_yaml import nearest
from rules.wording import Message, worded
from web.languages import mark

# What heads a column, in small letters.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "eui", "deveui", "dev eui", "device", "label", "编号", "设备编号", "标签"),
    "name": ("name", "name_en", "名称", "设备名称"),
    "name_zh": ("name_zh", "中文名称"),
    "place": ("place", "space", "room", "位置", "区域", "安装位置"),
    "profile": ("profile", "kind", "类型", "设备类型", "模板"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list. number: as its writer counts, from 1; sheet: of a sheet, not of labels.

    faults: cells that name nothing we know.
    """

    number: int
    announced: Announced
    sheet: bool = False
    faults: tuple[Message, ...] = ()


def lines_of_labels(text: str, *, space_id: UUID | None, profile: str | None) -> list[Line]:
    """A device a line: what its label says, and after a tab or a comma its name."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        code, tab, name = line.partition("\t")
        if not tab and not line.lstrip().startswith("{"):
            code, _, name = line.partition(",")
        called = " ".join(name.split())
        names = {"en": called, "zh": called} if called else {}
        found.append(Line(number, Announced(code.strip(), names, space_id, profile)))
    return found


def lines_of_sheet(
    content: bytes,
    filename: str,
    *,
    spaces: Mapping[str, UUID],
    profiles: Profiles,
    space_id: UUID | None,
    profile: str | None,
) -> list[Line]:
    """The devices of the first table. spaces: by code, and by name in either language, in small
    letters. What a line leaves open is as it was chosen for all. Invalid where it can't be read."""
    try:
        tables = read_tables(content, filename)
    except UnreadableTable as error:
        raise Invalid(
            worded(mark("the sheet was not read")),
            problems=[worded(mark("sheet: %(problem)s"), problem=error)],
            advice=worded(mark("Hand in XLSX or CSV.")),
        ) from None
    rows = tables[0].rows if tables else []
    if not rows:
        raise Invalid(
            worded(mark("the sheet was not read")), problems=[worded(mark("sheet: it is empty"))]
        )
    columns = _columns(rows[0])
    if "code" not in columns:
        missing = worded(mark("sheet: a column 'code' (or EUI, 编号) is needed"))
        raise Invalid(worded(mark("the sheet was not read")), problems=[missing])
    known = {one.casefold(): code for code in profiles for one in _names(profiles, code)}
    found = []
    for row in rows[1:]:
        cells = {name: _cell(row, place) for name, place in columns.items()}
        if cells["code"]:
            chosen = _Chosen(spaces, known, space_id, profile)
            found.append(_line(row.number, cells, chosen))
    return found


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What cells may name, and what holds for lines that name nothing."""

    spaces: Mapping[str, UUID]
    profiles: Mapping[str, str]
    space_id: UUID | None
    profile: str | None


def _line(number: int, cells: Mapping[str, str], chosen: _Chosen) -> Line:
    place, kind = cells.get("place", ""), cells.get("profile", "")
    faults = []
    if place and place.casefold() not in chosen.spaces:
        faults.append(worded(mark("there is no place '%(place)s' on this site"), place=place))
    if kind and kind.casefold() not in chosen.profiles:
        hint = nearest(kind.casefold(), list(chosen.profiles))
        faults.append(
            worded(mark("there is no profile '%(profile)s'%(hint)s"), profile=kind, hint=hint)
        )
    name, name_zh = cells.get("name", ""), cells.get("name_zh", "")
    names = {"en": name or name_zh, "zh": name_zh or name} if name or name_zh else {}
    space_id = chosen.spaces.get(place.casefold()) if place else chosen.space_id
    profile = chosen.profiles.get(kind.casefold()) if kind else chosen.profile
    return Line(number, Announced(cells["code"], names, space_id, profile), True, tuple(faults))


def _names(profiles: Profiles, code: str) -> Sequence[str]:
    name = profiles[code].name
    return [one for one in (code, name.en, name.zh) if one]


def _columns(head: Row) -> dict[str, int]:
    found = dict[str, int]()
    for place, cell in enumerate(head.cells):
        written = cell.text.strip().casefold()
        for name, words in _COLUMNS.items():
            if written in words and name not in found:
                found[name] = place
    return found


def _cell(row: Row, place: int) -> str:
    return row.cells[place].text.strip() if place < len(row.cells) else ""
