"""Lists of devices that are to come: a sheet (Excel or CSV), or labels a line each."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.errors import Invalid
from core.expected_devices import Announced
from core.profiles import Profiles
from core.tables import Row, UnreadableTable, read_tables

# What heads a column, in small letters.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "eui", "deveui", "dev eui", "device", "label", "编号", "设备编号", "标签"),
    "name": ("name", "name_en", "名称", "设备名称"),
    "name_zh": ("name_zh", "中文名称"),
    "place": ("place", "space", "room", "位置", "区域", "安装位置"),
    "profile": ("profile", "kind", "类型", "设备类型", "模板"),
}


def announced_in_lines(text: str, *, space_id: UUID | None, profile: str | None) -> list[Announced]:
    """A device a line: what its label says, and after a tab or a comma its name."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        code, mark, name = line.partition("\t")
        if not mark and not line.lstrip().startswith("{"):
            code, _, name = line.partition(",")
        called = " ".join(name.split())
        names = {"en": called, "zh": called} if called else {}
        found.append(Announced(code.strip(), names, space_id, profile))
    return found


def announced_in_sheet(
    content: bytes,
    filename: str,
    *,
    spaces: Mapping[str, UUID],
    profiles: Profiles,
    space_id: UUID | None,
    profile: str | None,
) -> list[Announced]:
    """The devices of the first table. spaces: by code, and by name in either language, in small
    letters. What a line leaves open is as it was chosen for all. Invalid with every wrong cell."""
    try:
        tables = read_tables(content, filename)
    except UnreadableTable as error:
        raise Invalid(
            "the sheet was not read", problems=[f"sheet: {error}"], advice="Hand in XLSX or CSV."
        ) from None
    rows = tables[0].rows if tables else []
    if not rows:
        raise Invalid("the sheet was not read", problems=["sheet: it is empty"])
    columns = _columns(rows[0])
    if "code" not in columns:
        raise Invalid(
            "the sheet was not read", problems=["sheet: a column 'code' (or EUI, 编号) is needed"]
        )
    known = {one.casefold(): code for code in profiles for one in _names(profiles, code)}
    found, problems = list[Announced](), list[str]()
    for row in rows[1:]:
        cells = {name: _cell(row, place) for name, place in columns.items()}
        if not cells["code"]:
            continue
        place, kind = cells.get("place", ""), cells.get("profile", "")
        if place and place.casefold() not in spaces:
            problems.append(f"line {row.number}: there is no place {place!r} on this site")
        if kind and kind.casefold() not in known:
            problems.append(f"line {row.number}: there is no profile {kind!r}")
        name, name_zh = cells.get("name", ""), cells.get("name_zh", "")
        names = {"en": name or name_zh, "zh": name_zh or name} if name or name_zh else {}
        found.append(
            Announced(
                cells["code"],
                names,
                spaces.get(place.casefold(), space_id) if place else space_id,
                known.get(kind.casefold(), profile) if kind else profile,
            )
        )
    if problems:
        raise Invalid("no device was announced", problems=problems)
    return found


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
