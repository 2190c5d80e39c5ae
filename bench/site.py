"""The site that benchmarks run on: many devices of three points, one rule for each."""

from collections.abc import Iterator
from datetime import datetime

from bench.dialects import NATIVE, SPEECHES
from core import events, rulebook
from core.db import Database
from core.people import company_node
from core.site_file import import_site, load_catalog, read_site_file
from rules.document import load_rules

SITE = "bench"
_HEAD = """\
company: {code: bench, name: {en: Bench, zh: 基准}}
site: {code: bench, name: {en: Bench, zh: 基准}, time_zone: UTC}
sources:
"""


def _type(number: int) -> str:
    return f"""\
  t{number}:
    name: {{en: Type {number}, zh: 类型{number}}}
    points:
      temperature: {{name: {{en: Temperature, zh: 温度}}, unit: °C, range: [-40, 250]}}
      vibration: {{name: {{en: Vibration, zh: 振动}}, unit: mm/s, range: [0, 100]}}
      current: {{name: {{en: Current, zh: 电流}}, unit: A, range: [0, 1000]}}
"""


def site_text(devices: int, types: int, trips: int = 0, dialect: str = NATIVE) -> str:
    """A site file with `devices` devices, each of its own asset, spread over `types` types.

    trips: so many devices more, called trip0, trip1 …, of the first type.
    """
    speech = SPEECHES[dialect]
    source = f"  - {{code: own, topic: {speech.filter}, dialect: {dialect}}}\n"
    parts = [_HEAD, source, "asset_types:\n", *(_type(number) for number in range(types))]
    parts.append("spaces:\n  - {code: hall, kind: building, name: {en: Hall, zh: 大厅}}\n")
    parts.append("assets:\n")
    parts += (
        f"  - {{code: a{n}, type: t{n % types}, space: hall, name: {{en: A {n}, zh: 甲{n}}}}}\n"
        for n in range(devices)
    )
    parts += (
        f"  - {{code: trip{n}, type: t0, space: hall, name: {{en: Trip {n}, zh: 越限{n}}}}}\n"
        for n in range(trips)
    )
    parts.append("devices:\n")
    points = speech.points()
    parts += (f'  - {{code: "{speech.device(n)}", asset: a{n}{points}}}\n' for n in range(devices))
    parts += (f"  - {{code: trip{n}, asset: trip{n}}}\n" for n in range(trips))
    return "".join(parts)


def rule_text(number: int, asset_type: int, *, limit: float = 75.0) -> str:
    """A rule over the three points of one asset type."""
    return f"""\
id: bench-{number}
title: {{en: Bench rule {number}, zh: 基准规则{number}}}
applies_to: {{asset_type: t{asset_type}}}
when: temperature > {limit} °C or vibration > 70 mm/s or current > 400 A
severity: low
ticket: {{kind: repair, category: bench, team: maintenance}}
"""


# Conditions over the three points, every third on windows; none of them trips on the load.
_MIXED = (
    "avg(temperature, 1m) > 75 °C",
    "temperature > 75 °C and vibration > 20 mm/s",
    "current > 400 A or not (vibration < 70 mm/s)",
    "stddev(current, 30s) > 100 A",
    "temperature > 90 °C or temperature < -10 °C",
    "current * 2 > 900 A or current > 500 A",
    "max(vibration, 1m) - min(vibration, 1m) > 40 mm/s",
    "abs(temperature - 20 °C) > 60",
    "vibration > 70 mm/s",
    "rate(temperature, 1m) > 600 °C/min or changes(current, 30s) > 40",
    "temperature > 75 °C and current < 1 A",
    "current / vibration > 300",
)


def mixed_rule_text(number: int, asset_type: int) -> str:
    """A rule as sites have them: a third on windows, some with delays."""
    condition = _MIXED[number % len(_MIXED)]
    plain = rule_text(number, asset_type)
    text = "\n".join(
        f"when: {condition}" if line.startswith("when: ") else line for line in plain.splitlines()
    )
    return f"{text}\nfor: 30s\nclear_for: 1m\n" if number % 2 else f"{text}\n"


def build(
    database: Database,
    now: datetime,
    *,
    devices: int,
    types: int,
    rules: int,
    trips: int = 0,
    mixed: bool = False,
    dialect: str = NATIVE,
) -> None:
    """Import the site and publish `rules` rules, the n-th on type n modulo `types`."""
    _import(database, now, site_text(devices, types, trips, dialect))
    text = mixed_rule_text if mixed else rule_text
    publish(database, now, (text(n, n % types) for n in range(rules)))


def build_with_foreign_rules(
    database: Database, now: datetime, *, devices: int, rules: int
) -> None:
    """One rule for each device, as in `build`, and `rules` more that concern none of them."""
    _import(database, now, site_text(devices, devices))
    own = (rule_text(n, n) for n in range(devices))
    publish(database, now, own)
    foreign = (
        rule_text(devices + n, 0)
        .replace("asset_type: t0", "asset_type: pump")
        .replace(
            "temperature > 75.0 °C or vibration > 70 mm/s or current > 400 A",
            "motor_temperature > 75 °C",
        )
        for n in range(rules)
    )
    publish(database, now, foreign)


def _import(database: Database, now: datetime, text: str) -> None:
    site_file = read_site_file(text, "bench.yaml")
    with database.write() as session:
        import_site(session, site_file, actor=events.SYSTEM, now=now)


def publish(database: Database, now: datetime, documents: Iterator[str]) -> None:
    """Put rules into force on the company."""
    with database.write() as session:
        company = company_node(session)
        assert company is not None
        loaded = load_rules("---\n".join(documents), "bench.yaml", load_catalog(session))
        assert not loaded.problems, loaded.problems[:3]
        for rule in loaded.rules:
            rulebook.publish(
                session,
                rule_id=rule.id,
                node_id=company.id,
                title={"en": rule.title.en, "zh": rule.title.zh},
                severity=rule.severity.value,
                life_safety=False,
                document=rule.source,
                fingerprint=rule.fingerprint,
                asset_type=rule.asset_type,
                pack="bench",
                actor=events.SYSTEM,
                now=now,
            )
