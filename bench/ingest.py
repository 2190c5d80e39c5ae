"""What a message costs ingest, as a ratio to stock paho on the same load and broker."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import site
from bench.brokers import BROKERS, Durability, broker
from bench.dialects import NATIVE, SPEECHES
from core.clock import SystemClock
from core.db import Database, sqlite_url
from core.schema import migrate
from ingest.session import BrokerAddress

Told = Callable[[str], None]
STEP = 0.001


def prepare(
    folder: Path,
    *,
    devices: int,
    rules: int,
    foreign: bool = False,
    mixed: bool = False,
    dialect: str = NATIVE,
) -> Path:
    """A data folder with the bench site; returns it. Made once and copied for each run."""
    folder.mkdir(parents=True)
    database = Database(sqlite_url(folder / "watchkeeper.sqlite"))
    migrate(database)
    now = SystemClock().now()
    if foreign:
        site.build_with_foreign_rules(database, now, devices=devices, rules=rules)
    else:
        types = min(rules, devices)
        site.build(
            database, now, devices=devices, types=types, rules=rules, mixed=mixed, dialect=dialect
        )
    database.close()
    return folder


def measure(
    which: str,
    kind: str,
    template: Path,
    *,
    messages: int,
    devices: int,
    durability: Durability = "process",
    dialect: str = NATIVE,
) -> dict[str, Any]:
    """One run of one consumer on a fresh broker and a fresh copy of the data folder."""
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        folder = Path(name)
        shutil.copytree(template, folder / "data")
        with broker(kind, folder / "broker", durability) as address:
            consumer = _start(which, address, folder / "data", messages, durability, dialect)
            assert consumer.stdout is not None
            if consumer.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the {which} consumer did not start")
            _load(address, messages=messages, devices=devices, dialect=dialect)
            result: dict[str, Any] = json.loads(consumer.stdout.readline())
            consumer.wait(60)
    return result


def _account(address: BrokerAddress) -> list[str]:
    account = ["--host", address.host, "--port", str(address.port)]
    if address.username and address.password:
        # In one word, since a password may begin with a dash.
        account += ["--user", address.username, f"--password={address.password}"]
    return account


def _start(
    which: str,
    address: BrokerAddress,
    folder: Path,
    messages: int,
    durability: Durability,
    dialect: str,
) -> subprocess.Popen[str]:
    environment = {**os.environ, "WATCHKEEPER_DURABILITY": durability}
    command = [sys.executable, "-m", "bench.consumers", which, *_account(address)]
    command += ["--messages", str(messages), "--folder", str(folder)]
    command += ["--filter", SPEECHES[dialect].filter]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _load(address: BrokerAddress, *, messages: int, devices: int, dialect: str) -> None:
    # A device's next message is a moment later by its own times, too.
    step = max(STEP, SPEECHES[dialect].step / devices)
    base = time.time() - messages * step - 60
    command = [sys.executable, "-m", "bench.load", *_account(address)]
    command += ["--messages", str(messages), "--devices", str(devices)]
    command += ["--base", f"{base:.6f}", "--step", str(step)]
    command += ["--dialect", dialect]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def against_paho(
    *, messages: int, devices: int, runs: int, told: Told, mixed: bool = False
) -> dict[str, Any]:
    """Alternating runs of both consumers on both brokers; medians and their ratio."""
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        template = prepare(Path(name) / "site", devices=devices, rules=devices, mixed=mixed)
        report: dict[str, Any] = {"messages": messages, "devices": devices, "runs": runs}
        report["rules"] = "mixed, a third on windows" if mixed else "thresholds"
        for kind in BROKERS:
            found: dict[str, list[dict[str, Any]]] = {"ours": [], "paho": []}
            for number in range(runs):
                for which, results in found.items():
                    result = measure(which, kind, template, messages=messages, devices=devices)
                    told(
                        f"{kind} run {number + 1}/{runs} {which}: "
                        f"{result['cpu_us_per_message']:.2f} µs a message"
                    )
                    results.append(result)
            report[kind] = _summary(found["ours"], found["paho"])
    return report


def against_native(
    dialect: str, *, messages: int, devices: int, runs: int, told: Told
) -> dict[str, Any]:
    """Ingest of another dialect and of our own, each against paho on the same load, in turns."""
    names = (NATIVE, dialect)
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as folder:
        templates = {
            name: prepare(Path(folder) / name, devices=devices, rules=devices, dialect=name)
            for name in names
        }
        report: dict[str, Any] = {"messages": messages, "devices": devices, "runs": runs}
        for kind in BROKERS:
            found: dict[tuple[str, str], list[dict[str, Any]]] = {
                (name, which): [] for name in names for which in ("ours", "paho")
            }
            for number in range(runs):
                for (name, which), results in found.items():
                    result = measure(
                        which, kind, templates[name], messages=messages, devices=devices,
                        dialect=name,
                    )  # fmt: skip
                    told(
                        f"{kind} run {number + 1}/{runs} {name} {which}: "
                        f"{result['cpu_us_per_message']:.2f} µs a message"
                    )
                    results.append(result)
            for name in names:
                report[f"{kind} {name}"] = _summary(found[name, "ours"], found[name, "paho"])
            native, other = (report[f"{kind} {name}"]["ratio"] for name in names)
            report[f"{kind} ratio to native"] = round(other / native, 3)
    return report


def _median(results: list[dict[str, Any]], key: str) -> float:
    return round(float(statistics.median(result[key] for result in results)), 3)


def _summary(ours: list[dict[str, Any]], paho: list[dict[str, Any]]) -> dict[str, Any]:
    cpu, baseline = _median(ours, "cpu_us_per_message"), _median(paho, "cpu_us_per_message")
    return {
        "cpu_us_per_message": cpu,
        "baseline_paho_us_per_message": baseline,
        "ratio": round(cpu / baseline, 3),
        "messages_per_second": round(_median(ours, "messages_per_second")),
        "baseline_messages_per_second": round(_median(paho, "messages_per_second")),
        "lost": sum(result["lost"] for result in ours),
        "duplicated": sum(result["duplicated"] for result in ours),
    }


def by_durability(*, messages: int, devices: int, runs: int, told: Told) -> dict[str, Any]:
    """What surviving a loss of power costs on the embedded broker."""
    modes: tuple[Durability, ...] = ("process", "power")
    found: dict[str, list[dict[str, Any]]] = {mode: [] for mode in modes}
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as name:
        template = prepare(Path(name) / "site", devices=devices, rules=devices)
        for number in range(runs):
            for mode in modes:
                result = measure(
                    "ours", "nats", template, messages=messages, devices=devices, durability=mode
                )
                told(
                    f"run {number + 1}/{runs} {mode}: {result['messages_per_second']:.0f} "
                    "messages a second"
                )
                found[mode].append(result)
    rates = {mode: _median(results, "messages_per_second") for mode, results in found.items()}
    return {
        "messages_per_second": rates,
        "ratio": round(rates["power"] / rates["process"], 3),
        "cpu_us_per_message": {
            mode: _median(results, "cpu_us_per_message") for mode, results in found.items()
        },
    }


def by_foreign_rules(*, messages: int, counts: tuple[int, int], runs: int, told: Told) -> Any:
    """What rules that concern no device of the load add to a message."""
    return _compare(
        "foreign_rules",
        counts,
        lambda folder, count: prepare(folder, devices=100, rules=count, foreign=True),
        devices=lambda _: 100,
        messages=messages,
        runs=runs,
        told=told,
    )


def by_points(*, messages: int, counts: tuple[int, int], runs: int, told: Told) -> Any:
    """What more points cost a message in time, and the process in memory."""
    return _compare(
        "points",
        counts,
        lambda folder, count: prepare(folder, devices=count // 3, rules=10),
        devices=lambda count: count // 3,
        messages=messages,
        runs=runs,
        told=told,
    )


def _compare(
    name: str,
    counts: tuple[int, int],
    make: Callable[[Path, int], Path],
    *,
    devices: Callable[[int], int],
    messages: int,
    runs: int,
    told: Told,
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as folder:
        templates = {count: make(Path(folder) / str(count), count) for count in counts}
        found: dict[int, list[dict[str, Any]]] = {count: [] for count in counts}
        for number in range(runs):
            for count in counts:
                result = measure(
                    "ours", "nats", templates[count], messages=messages, devices=devices(count)
                )
                told(
                    f"run {number + 1}/{runs} {name} {count}: "
                    f"{result['cpu_us_per_message']:.2f} µs a message"
                )
                found[count].append(result)
    few, many = (_median(found[count], "cpu_us_per_message") for count in counts)
    memory = [_median(found[count], "memory_loaded_mb") for count in counts]
    growth = 1024 * (memory[1] - memory[0]) / (counts[1] - counts[0])
    return {
        name: list(counts),
        "cpu_us_per_message": [few, many],
        "ratio": round(many / few, 3),
        "memory_loaded_mb": memory,
        f"kb_per_{name.removesuffix('s')}": round(growth, 3),
        "lost": sum(r["lost"] for results in found.values() for r in results),
        "duplicated": sum(r["duplicated"] for results in found.values() for r in results),
    }
