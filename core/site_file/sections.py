"""The sections of a site: spaces, assets, supplies and sources."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from core.codes import topic_filter_fault
from core.dialects import DIALECTS, option_faults
from core.places import CRITICALITIES
from core.site_file.codes import Codes, circles
from core.site_file.model import AssetEntry, SourceEntry, SpaceEntry, SupplyEntry
from core.site_file.part import Part, as_text, suggestion
from rules.catalog import Catalog
from rules.located_yaml import nearest

_STEPS = re.compile(r"[^.\[\]]+")


def read_spaces(site: Part) -> list[SpaceEntry]:
    """The space tree, every space after the one around it."""
    codes = Codes("space")
    return list(_spaces(site, None, codes))


def _spaces(around: Part, parent: str | None, codes: Codes) -> Iterator[SpaceEntry]:
    for part in around.parts("spaces"):
        part.only("code kind name spaces")
        code = part.code()
        if codes.add(code, part):
            yield SpaceEntry(code, part.text("kind", "area", most=20), part.name(code), parent)
        yield from _spaces(part, code or None, codes)


def read_assets(site: Part, spaces: Collection[str], catalog: Catalog) -> dict[str, AssetEntry]:
    """The assets by code."""
    codes = Codes("asset")
    assets = {}
    for part in site.parts("assets"):
        part.only("code type space name criticality")
        code = part.code()
        kind = part.text("type", most=60)
        if kind and kind not in catalog:
            part.refuse("type", f"unknown asset type {kind!r}{nearest(kind, list(catalog))}")
        entry = AssetEntry(
            code=code,
            type=kind,
            space=part.reference("space", "space", spaces),
            name=part.name(code),
            criticality=part.choice("criticality", CRITICALITIES, "medium"),
        )
        if codes.add(code, part):
            assets[code] = entry
    return assets


def read_supplies(site: Part, assets: Collection[str]) -> list[SupplyEntry]:
    """What feeds what; a circle of the same medium is refused."""
    found: dict[tuple[str, str], tuple[SupplyEntry, Part]] = {}
    for part in site.parts("supplies"):
        part.only("from to medium")
        supplier = part.reference("from", "asset", assets)
        if part.value.get("from") is None:
            part.refuse(None, "'from' is missing")
        medium = part.text("medium", "power", most=20)
        for consumer in _consumers(part, assets):
            if (supplier, consumer) in found:
                part.refuse("to", f"{supplier} feeds {consumer} twice")
            elif supplier is not None:
                entry = SupplyEntry(supplier, consumer, medium)
                found[supplier, consumer] = entry, part
    _refuse_circles(list(found.values()))
    return [entry for entry, _ in found.values()]


def _consumers(part: Part, assets: Collection[str]) -> list[str]:
    raw = part.value.get("to")
    listed = raw if isinstance(raw, list) else [] if raw is None else [raw]
    if not listed:
        part.refuse("to", "'to' names what is fed: one asset or a list of them")
    found = []
    for number, item in enumerate(listed):
        code = as_text(item)
        if code in assets:
            found.append(str(code))
            continue
        path = (*part.path, "to", number) if isinstance(raw, list) else (*part.path, "to")
        hint = suggestion(str(item), assets)
        message = f"there is no asset {item!r} in this file{hint}"
        part.problems.append(part.located.problem(path, message))
    return found


def _refuse_circles(supplies: list[tuple[SupplyEntry, Part]]) -> None:
    by_medium: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    places = {}
    for entry, part in supplies:
        by_medium[entry.medium][entry.supplier].append(entry.consumer)
        places[entry.supplier, entry.consumer, entry.medium] = part
    for medium, edges in by_medium.items():
        for circle in circles(edges):
            part = places[circle[0], circle[1], medium]
            part.refuse("to", f"{medium} goes round in a circle: {' → '.join(circle)}")


def read_sources(site: Part, site_code: str) -> list[SourceEntry]:
    """The sources; without any, the site's own topics are one."""
    if site.value.get("sources") is None:
        return [SourceEntry("own", f"wk/v1/{site_code}/#", "wk", {}, enabled=True)]
    codes = Codes("source")
    topics: dict[str, str] = {}
    sources = []
    for part in site.parts("sources"):
        part.only("code topic dialect options enabled")
        entry = _source(part)
        if not codes.add(entry.code, part):
            continue
        if entry.topic_filter and entry.topic_filter in topics:
            part.refuse("topic", f"source {topics[entry.topic_filter]!r} has this topic already")
        topics[entry.topic_filter] = entry.code
        sources.append(entry)
    return sources


def _source(part: Part) -> SourceEntry:
    topic = part.text("topic")
    fault = topic_filter_fault(topic) if topic else None
    if fault:
        part.refuse("topic", fault)
    dialect = part.choice("dialect", list(DIALECTS), "wk")
    return SourceEntry(
        code=part.code(),
        topic_filter=topic,
        dialect=dialect,
        options=_options(part, dialect),
        enabled=part.flag("enabled", default=True),
    )


def _options(part: Part, dialect: str) -> dict[str, Any]:
    options = part.part("options")
    if options is None:
        return {}
    for name, fault in option_faults(dialect, options.value):
        # A fault deep in an option is told at its line.
        steps = [int(step) if step.isdecimal() else step for step in _STEPS.findall(name)]
        path = (*options.path, *steps)
        options.problems.append(options.located.problem(path, f"{name}: {fault}"))
    return dict(options.value)
