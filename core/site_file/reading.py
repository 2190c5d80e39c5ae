"""Reading a site file: all its problems at once, each with file, line and column."""

from collections.abc import Collection
from typing import Any

from core.codes import SITE_CODE, time_zone_fault
from core.errors import Invalid
from core.site_file.codes import Codes
from core.site_file.devices import read_devices
from core.site_file.model import NodeEntry, SiteEntry, SiteFile
from core.site_file.part import Part
from core.site_file.sections import read_assets, read_sources, read_spaces, read_supplies
from rules.catalog import Catalog, merge, read_asset_types, shipped_catalog
from rules.located_yaml import Located, LocatedYamlError, Problem, load

_SECTIONS = "spaces assets supplies sources devices"
_SITE_RULE = "it stands in topics, so small letters, digits and - only, at most 60"


def read_site_file(text: str, filename: str, *, catalog: Catalog | None = None) -> SiteFile:
    """Read and check a site file; its format stands in docs/site.md.

    catalog: the asset types known so far, with earlier files' additions; the shipped ones by
    default. Raises Invalid, whose `problems` are `file:line:column: message` of all that is wrong.
    """
    try:
        located = load(text, filename)
    except LocatedYamlError as error:
        raise _invalid(filename, error.problems) from None
    if not isinstance(located.value, dict):
        raise _invalid(filename, [located.problem((), "a site file is a mapping")])
    root = Part(located, (), located.value, [])
    additions = _asset_types(located, root)
    merged = merge(catalog or shipped_catalog(), additions)
    found = _read(root, merged, filename)
    if root.problems:
        raise _invalid(filename, sorted(set(root.problems)))
    return found


def _invalid(filename: str, problems: list[Problem]) -> Invalid:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return Invalid(
        f"{filename} has {count}",
        problems=[str(problem) for problem in problems],
        advice="Nothing was imported. Mend the file and import it again.",
    )


def _asset_types(located: Located, root: Part) -> Catalog:
    if root.value.get("asset_types") is None:
        return {}
    types, problems = read_asset_types(located, ("asset_types",))
    root.problems.extend(problems)
    return types


def _read(root: Part, catalog: Catalog, filename: str) -> SiteFile:
    many = "sites" in root.value
    root.only(f"company region regions asset_types {'sites' if many else 'site ' + _SECTIONS}")
    regions = _regions(root)
    known = [region.code for region in regions]
    return SiteFile(
        filename=filename,
        company=_node(root.part("company")),
        regions=tuple(regions),
        sites=tuple(_sites(root, known, catalog, many=many)),
        asset_types=_documents(root.value.get("asset_types")),
    )


def _documents(value: Any) -> dict[str, dict[str, Any]]:
    return dict(value) if isinstance(value, dict) else {}


def _node(part: Part | None) -> NodeEntry | None:
    if part is None:
        return None
    part.only("code name")
    code = part.code()
    return NodeEntry(code, part.name(code)) if code else None


def _regions(root: Part) -> list[NodeEntry]:
    one = root.part("region")
    codes = Codes("region")
    found = []
    for part in ([one] if one else []) + root.parts("regions"):
        entry = _node(part)
        if entry and codes.add(entry.code, part):
            found.append(entry)
    return found


def _sites(
    root: Part, regions: Collection[str], catalog: Catalog, *, many: bool
) -> list[SiteEntry]:
    if many:
        parts = [(part, part) for part in root.parts("sites")]
    else:
        head = root.part("site")
        parts = [(head, root)] if head else []
    if not parts:
        root.refuse(None, "'site' is missing")
    codes = Codes("site")
    found = []
    for head, body in parts:
        head.only(f"code name time_zone region {_SECTIONS if many else ''}")
        code = head.code(SITE_CODE, _SITE_RULE)
        entry = _site(head, body, code, regions, catalog)
        if codes.add(code, head):
            found.append(entry)
    return found


def _site(
    head: Part, body: Part, code: str, regions: Collection[str], catalog: Catalog
) -> SiteEntry:
    zone = head.text("time_zone", most=60)
    fault = time_zone_fault(zone) if zone else None
    if fault:
        head.refuse("time_zone", fault)
    spaces = read_spaces(body)
    assets = read_assets(body, {space.code for space in spaces}, catalog)
    sources = read_sources(body, code)
    return SiteEntry(
        code=code,
        name=head.name(code),
        time_zone=zone,
        region=_region(head, regions),
        spaces=tuple(spaces),
        assets=tuple(assets.values()),
        supplies=tuple(read_supplies(body, assets)),
        sources=tuple(sources),
        devices=tuple(read_devices(body, assets, {source.code for source in sources}, catalog)),
    )


def _region(head: Part, regions: Collection[str]) -> str | None:
    if head.value.get("region") is None:
        # With one region in the file there is nothing to choose.
        if len(regions) > 1:
            head.refuse(None, "'region' is missing: the file has more than one")
        return next(iter(regions), None)
    return head.reference("region", "region", regions)
