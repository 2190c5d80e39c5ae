"""A recording of a real machine, replayed through the whole product, opens the known episodes."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import from_micros
from tests.servers.product import ROOT, EpisodeRow, Product, done, furnished, until

RECORDING = ROOT.parent / "shared" / "data" / "nab" / "machine_temperature_system_failure.csv"
SITE_TEXT = """\
company: {code: acme, name: {en: Acme}}
site: {code: works, name: {en: Works}, time_zone: Asia/Shanghai}
assets:
  - {code: machine-1, type: machine, name: {en: Machine 1}, criticality: high}
sources:
  - {code: own, topic: wk/v1/works/#, dialect: wk}
devices:
  - {code: nab-machine, asset: machine-1, points: {value: value}}
"""
RULES_TEXT = """\
id: machine-cold
title: {en: Machine cold}
applies_to: {asset_type: machine}
when: value < 40
severity: high
ticket: {kind: repair, category: mechanical, team: maintenance}
---
id: machine-cold-deadband
title: {en: Machine cold with a deadband}
applies_to: {asset_type: machine}
when: value < 40
clear_when: value > 45
severity: high
ticket: {kind: repair, category: mechanical, team: maintenance}
"""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, how many different times it holds, and what must trip."""

    file: Path
    times: int
    plain: int
    with_deadband: list[datetime]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def known_recording() -> Recording:
    """The recorded failure of a machine, whose dips below 40 are known."""
    with RECORDING.open(newline="") as file:
        times = {row["timestamp"] for row in csv.DictReader(file)}
    trips = [moment("2013-12-16T15:40:00"), moment("2014-02-08T04:15:00")]
    return Recording(RECORDING, len(times), 5, trips)


def written_recording(folder: Path) -> Recording:
    """A file of the same shape: a clock that steps back an hour, stamps that stand twice."""
    rows = list(_rows())
    file = folder / "machine.csv"
    lines = [f"{at:%Y-%m-%d %H:%M:%S},{value}" for at, value in rows]
    file.write_text("\n".join(["timestamp,value", *lines]) + "\n")
    trips = [moment("2020-03-01T10:00:00"), moment("2020-03-04T00:00:00")]
    return Recording(file, len({at for at, _ in rows}), 5, trips)


# Dips below 40 as (first, last) readings; between the first three it rises to 42, which ends an
# episode without a deadband and none with it.
_DIPS = ((120, 125), (127, 130), (133, 140), (864, 870), (872, 900))
_RISES = ((126, 126), (131, 132), (871, 871))


def _rows() -> Iterator[tuple[datetime, float]]:
    begin = moment("2020-03-01T00:00:00")
    for number in range(1200):
        at = begin + timedelta(minutes=5 * number)
        value = round(80 + 5 * math.sin(number / 30), 3)
        if any(first <= number <= last for first, last in _DIPS):
            value = 35.0
        elif any(first <= number <= last for first, last in _RISES):
            value = 42.0
        yield at, value
        if number == 500:
            # The clock is put back by an hour and says the same twelve times again, otherwise.
            for again in range(489, 501):
                yield begin + timedelta(minutes=5 * again), 77.5
        if number == 700:
            yield at, value


def recording(folder: Path, kind: str) -> Recording:
    if kind == "known" and RECORDING.exists():
        return known_recording()
    return written_recording(folder)


def trips(product: Product, rule: str) -> list[datetime]:
    return [from_micros(row.tripped) for row in product.episodes() if row.rule == rule]


def replay(product: Product, file: Path) -> str:
    words = ("replay", str(file), "--device", "nab-machine", "--speed", "max")
    columns = ("--time-column", "timestamp", "--value-column", "value")
    return done(*words, *columns, folder=product.folder)


@pytest.mark.parametrize("kind", ["known", "written"])
def test_a_replayed_recording_opens_the_known_episodes_and_only_once(
    tmp_path: Path, kind: str
) -> None:
    wanted = recording(tmp_path, kind)
    with furnished(tmp_path, SITE_TEXT, RULES_TEXT) as product:
        replay(product, wanted.file)
        until(lambda: product.fed() >= wanted.times, 90, lambda: f"{product.fed()} stored")
        first = everything(product)
        assert trips(product, "machine-cold-deadband") == wanted.with_deadband
        assert len(trips(product, "machine-cold")) == wanted.plain
        replay(product, wanted.file)
        wait_until_taken_in(product)
        assert everything(product) == first


def everything(product: Product) -> tuple[int, list[EpisodeRow], list[tuple[object, ...]]]:
    """What a second replay must leave as it is."""
    tickets = product.rows("SELECT number, rule_id, state, repeats, version FROM ticket")
    return product.fed(), product.episodes(), tickets


def wait_until_taken_in(product: Product) -> None:
    """A message published after the replay is stored after it; its own device is a stranger."""
    topic = "wk/v1/works/last-one/readings"
    done("publish", topic, '{"value": 1}', folder=product.folder)
    known = "SELECT code FROM device WHERE code = 'last-one'"
    until(lambda: product.rows(known) == [("last-one",)], 90, "the last message never came")
