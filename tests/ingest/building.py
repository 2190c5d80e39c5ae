"""A small building with its rules, as a migrated SQLite file to copy from."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from core import events, rulebook
from core.clock import to_micros
from core.db import Database, Session, sqlite_url
from core.devices import Device, Point
from core.people import company_node
from core.places import Asset
from core.site_file import import_site, load_catalog, read_site_file
from rules.document import load_rules

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
START = to_micros(NOON)

SITE = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
region: {code: east, name: {en: East, zh: 华东}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
spaces:
  - {code: b1, kind: building, name: {en: Building 1, zh: 1号楼}}
assets:
  - {code: pump-1, type: pump, space: b1, name: {en: Pump 1, zh: 1号泵}}
  - {code: pump-2, type: pump, space: b1, name: {en: Pump 2, zh: 2号泵}}
  - {code: pump-3, type: pump, space: b1, name: {en: Pump 3, zh: 3号泵}}
  - {code: lift-1, type: lift, space: b1, name: {en: Lift 1, zh: 1号梯}}
  - {code: leak-1, type: water_leak, space: b1, name: {en: Leak 1, zh: 水浸1}}
  - {code: board-1, type: distribution_board, space: b1, name: {en: Board 1, zh: 1号箱}}
  - {code: gateway-1, type: gateway, space: b1, name: {en: Gateway 1, zh: 1号网关}}
sources:
  - {code: own, topic: wk/v1/riverside/#, dialect: wk}
devices:
  - {code: gw-1, asset: gateway-1, gateway: true, points: {online: online}}
  - code: pump-1
    asset: pump-1
    via: gw-1
    interval: 10s
    points: {temp: motor_temperature, run: running}
  - code: pump-2
    asset: pump-2
    via: gw-1
    interval: 1m
    points: {temp: motor_temperature}
  - code: pump-3
    asset: pump-3
    interval: 10s
    points: {temp: motor_temperature, vib: vibration}
  - {code: lift-1, asset: lift-1, points: {mode: mode, floor: floor}}
  - {code: leak-1, asset: leak-1, points: {leak: leak, battery: battery}}
  - {code: board-1, asset: board-1, points: {kw: power, amp: current, v: voltage}}
"""

RULES = """\
id: hot
title: {en: Hot, zh: 过热}
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
clear_when: motor_temperature < 70 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: warm-long
title: {en: Warm for long, zh: 长时间偏热}
applies_to: {asset_type: pump}
when: motor_temperature > 60 °C
for: 2m
severity: medium
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: shaking
title: {en: Shaking, zh: 振动}
applies_to: {asset_type: pump}
when: vibration > 5 mm/s
for: 3 readings
severity: medium
ticket: {kind: repair, category: mechanical, team: maintenance}
---
id: leaking
title: {en: Leak, zh: 漏水}
applies_to: {asset_type: water_leak}
when: leak
severity: critical
life_safety: true
ticket: {kind: incident, category: plumbing, team: maintenance}
---
id: lift-fault
title: {en: Lift fault, zh: 电梯故障}
applies_to: {asset_type: lift}
when: mode == "fault"
severity: high
ticket: {kind: repair, category: lift, team: maintenance}
---
id: poor-ratio
title: {en: Poor ratio, zh: 比值异常}
applies_to: {asset_type: distribution_board}
when: power / current > 1
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
---
id: silent
title: {en: Sensor silent, zh: 传感器失联}
applies_to: {asset_type: any}
when: overdue(3)
severity: medium
ticket: {kind: repair, category: sensors, team: maintenance}
---
id: gateway-silent
title: {en: Gateway silent, zh: 网关失联}
applies_to: {asset_type: gateway}
when: path_age() > 5m
severity: high
ticket: {kind: repair, category: network, team: maintenance}
"""


def publish_rules(session: Session, text: str, node_id: UUID | None = None) -> None:
    """Put every rule of a document into force on the company, or on another node."""
    company = company_node(session)
    assert company is not None
    loaded = load_rules(text, "rules.yaml", load_catalog(session))
    assert not loaded.problems
    for rule in loaded.rules:
        rulebook.publish(
            session,
            rule_id=rule.id,
            node_id=node_id or company.id,
            title={"en": rule.title.en, "zh": rule.title.zh},
            severity=rule.severity.value,
            life_safety=rule.life_safety,
            document=rule.source,
            fingerprint=rule.fingerprint,
            asset_type=rule.asset_type,
            pack="test",
            actor=events.SYSTEM,
            now=NOON,
        )


def fill(database: Database) -> None:
    """Import the building and its rules."""
    with database.write() as session:
        import_site(session, read_site_file(SITE, "site.yaml"), actor=events.SYSTEM, now=NOON)
        publish_rules(session, RULES)


def build(path: Path, migrated: Path) -> None:
    """Write a copy of a migrated database with the building and its rules to `path`, one file."""
    draft = path.with_suffix(".draft")
    shutil.copyfile(migrated, draft)
    database = Database(sqlite_url(draft))
    fill(database)
    database.copy_to(path)
    database.close()


class Names:
    """Ids of the building by the codes that tests write."""

    def __init__(self, database: Database) -> None:
        with database.read() as session:
            self.assets = {row.code: row.id for row in session.scalars(select(Asset))}
            self.devices = {row.code: row.id for row in session.scalars(select(Device))}
            codes: dict[UUID, str] = {row: code for code, row in self.assets.items()}
            self.asset_codes = codes
            points = list(session.scalars(select(Point)))
        self.series = {f"{codes[row.asset_id]}/{row.code}": row.series for row in points}
        self.point_of = {number: name for name, number in self.series.items()}
