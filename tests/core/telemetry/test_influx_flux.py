"""Every script that we ask of InfluxDB is compiled by Flux's own compiler, types and names too."""

import inspect
from collections.abc import Callable

import pytest

from core.telemetry import influx_flux as flux
from core.telemetry.influx_flux import HOUR
from tests.core.telemetry.stores import START
from tests.servers.influx.compiler import flux_compiler

END = START + HOUR
SCRIPTS: dict[str, Callable[[], str]] = {
    "last": lambda: flux.last("wk", None),
    "last of one": lambda: flux.last("wk", [7]),
    "last of some": lambda: flux.last("wk", [7, 8, 9]),
    "values": lambda: flux.values("wk", START, END, [7, 8]),
    "rows": lambda: flux.rows("wk", START, END, None),
    "rows of one": lambda: flux.rows("wk", 0, 1 << 62, [7]),
    "rows laid aside": lambda: flux.rows("wk", START, END, None, measurement="kept"),
    "bounds": lambda: flux.bounds("wk", START, END, [7]),
    "count": lambda: flux.count("wk", START, END, None),
    "received_before": lambda: flux.received_before("wk", START, END),
    "buckets": lambda: flux.buckets("wk", 7, START, END, 90_000_001),
    "marks": lambda: flux.marks("wk", "wk-hours", START, END),
    "hour_rows": lambda: flux.hour_rows("wk-hours", None, START, END),
    "hour_rows of one": lambda: flux.hour_rows("wk-hours", 7, START, END),
    "state": lambda: flux.state("wk-hours"),
    "measurements": lambda: flux.measurements("wk"),
    "roll_up": lambda: flux.roll_up("wk", "wk-hours", START, END, 99),
    "down_sampling_task": lambda: flux.down_sampling_task("wk", "wk-hours"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_compiles(name: str) -> None:
    assert flux_compiler().compile(SCRIPTS[name]()).valid


def test_no_script_is_left_out() -> None:
    no_scripts = {"moment", "micros", "text", "task_name"}
    public = {
        name
        for name, member in inspect.getmembers(flux, inspect.isfunction)
        if member.__module__ == flux.__name__ and not name.startswith("_")
    }
    assert public - no_scripts == {name.partition(" ")[0] for name in SCRIPTS}


@pytest.mark.parametrize(
    "script",
    [
        'from(bucket: "wk") |> range(start: 0',
        'from(bucket: "wk") |> rnge(start: 0)',
        'from(bucket: "wk") |> range(start: 0) |> aggregateWindow(every: 3, fn: mean)',
        'import "no/such/package"\nfrom(bucket: "wk") |> range(start: 0)',
        'from(bucket: "wk") |> range(start: 0) |> filter(fn: (r) => r._value + 1)',
    ],
)
def test_the_compiler_finds_what_is_wrong(script: str) -> None:
    assert not flux_compiler().compile(script).valid


def test_a_bucket_with_an_odd_name_stays_one_string() -> None:
    name = 'a"b\\c${1 + 1}'
    compiled = flux_compiler().compile(f"from(bucket: {flux.text(name)}) |> range(start: 0)")
    assert compiled.valid
    source = compiled.tree["body"][0]["expression"]["argument"]["arguments"][0]
    assert source["properties"][0]["value"]["value"] == name


@pytest.mark.parametrize(
    ("at", "literal"),
    [
        (START, "2024-01-01T00:00:00Z"),
        (START + 1, "2024-01-01T00:00:00.000001Z"),
        (-5, "1970-01-01T00:00:00Z"),
        (1 << 62, "2262-04-11T00:00:00Z"),
    ],
)
def test_moments_stay_within_what_influxdb_can_say(at: int, literal: str) -> None:
    assert flux.moment(at) == literal


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-01-01T00:00:00Z", START),
        ("2024-01-01T00:00:00.000001Z", START + 1),
        ("2024-01-01T00:00:00.5Z", START + 500_000),
        ("2024-01-01T00:00:00.000001000Z", START + 1),
    ],
)
def test_times_of_answers_are_read_to_the_microsecond(text: str, at: int) -> None:
    assert flux.micros(text) == at
