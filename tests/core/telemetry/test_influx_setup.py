"""`watchkeeper telemetry init`: again it changes nothing, and what doesn't fit stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core import settings as settings_module
from core.errors import Conflict, Invalid, Refused
from core.telemetry.influx_server import InfluxAddress
from core.telemetry.influx_setup import LATEST_DAYS
from core.telemetry.refused import RefusedReadings
from core.telemetry.store import TelemetryError
from tests.core.telemetry.stores import START, batch_of
from tests.servers.influx.compiler import flux_compiler
from tests.servers.influx.real import prepare
from tests.servers.influx.stand_in import ORG, TOKEN, StandIn, stand_in
from watchkeeper.telemetry import telemetry

DAY_S = 86_400


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(flux_compiler()) as opened:
        yield opened


@pytest.fixture
def address(server: StandIn) -> InfluxAddress:
    return InfluxAddress(server.url, ORG, "watchkeeper", TOKEN)


def test_it_sets_everything_up_once(server: StandIn, address: InfluxAddress) -> None:
    said = prepare(address, 30)
    assert len(said) == 4
    assert "which keeps 430 days" in said[0]
    assert server.buckets["watchkeeper"].keeps_s == (30 + LATEST_DAYS) * DAY_S
    assert server.buckets["watchkeeper-hours"].keeps_s == 0
    assert all(bucket.shard_s % DAY_S == 0 for bucket in server.buckets.values())
    (task,) = server.tasks.values()
    assert (task["name"], task["status"]) == ("watchkeeper: roll up hours", "active")
    assert prepare(address, 30) == []
    assert len(server.tasks) == 1


def test_it_follows_the_retention_that_is_set(server: StandIn, address: InfluxAddress) -> None:
    prepare(address, None)
    assert server.buckets["watchkeeper"].keeps_s == 0
    (said,) = prepare(address, 7)
    assert said == "the bucket watchkeeper now keeps 407 days, before: everything"
    assert server.buckets["watchkeeper"].shard_s == 7 * DAY_S
    assert prepare(address, 7) == []


def test_it_brings_the_task_back_to_what_it_should_be(
    server: StandIn, address: InfluxAddress
) -> None:
    prepare(address)
    (number,) = server.tasks
    wanted = server.tasks[number]["flux"]
    server.tasks[number] |= {"flux": "// of an older version", "status": "inactive"}
    assert prepare(address) == ["changed the task 'watchkeeper: roll up hours' to this version's"]
    assert (server.tasks[number]["flux"], server.tasks[number]["status"]) == (wanted, "active")


def test_it_refuses_what_is_not_ours(server: StandIn, address: InfluxAddress) -> None:
    with pytest.raises(Conflict, match="no organization 'another'"):
        prepare(replace(address, org="another"))
    server.bucket("watchkeeper").write(f"weather temperature=3.5 {START}", 1_000)
    with pytest.raises(Conflict, match="holds what is not ours: weather"):
        prepare(address)
    server.bucket("short").shard_s = 3600
    with pytest.raises(Conflict, match="shards of 3600 s"):
        prepare(replace(address, bucket="short"))
    server.bucket("newer-hours").write("store schema=9i 0", 1_000)
    with pytest.raises(Conflict, match="schema 9"):
        prepare(replace(address, bucket="newer"))
    server.version = "v3.1.0"
    with pytest.raises(Conflict, match="no InfluxDB 2: it says v3"):
        prepare(address)


def test_a_token_that_may_not_says_so(address: InfluxAddress) -> None:
    with pytest.raises(TelemetryError, match="401") as error:
        prepare(replace(address, token="another"))
    assert "Correct influx_token" in str(error.value)
    assert "another" not in str(error.value)


def commanded(*words: str) -> str:
    """What a command of ours prints."""
    result = CliRunner().invoke(telemetry, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHKEEPER_DATA_DIR", str(tmp_path))
    return tmp_path


def test_the_command_says_what_it_did(
    server: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="needs no setting up"):
        commanded("init")
    secret = folder / "token"
    secret.write_text(TOKEN + "\n")
    monkeypatch.setenv("WATCHKEEPER_INFLUX_URL", server.url)
    monkeypatch.setenv("WATCHKEEPER_INFLUX_ORG", ORG)
    monkeypatch.setenv("WATCHKEEPER_INFLUX_TOKEN", "one that may only write")
    words = ("init", "--token-file", str(secret))
    assert "created the bucket watchkeeper," in commanded(*words)
    assert "nothing was changed" in commanded(*words)
    with pytest.raises(Refused, match="cannot be read"):
        commanded("init", "--token-file", "no-such-file")


def test_what_was_set_aside_is_listed_and_asked_for_again(folder: Path) -> None:
    assert "No readings are set aside" in commanded("refused")
    kept = RefusedReadings(folder / "spool" / "refused")
    kept.keep(batch_of((1, START, 1.0), (2, START + 1, 2.0)), "too old")
    kept.keep(batch_of((3, START, 1.0)), "not a number")
    listed = commanded("refused")
    assert "too old" in listed
    assert "2024-01-01" in listed
    assert "2 batches are tried again" in commanded("retry")
    assert [batch.series.tolist() for _, batch in kept.asked()] == [[1, 2], [3]]
    assert "tried" in commanded("refused")
    assert "0 batches" in commanded("retry")


def test_a_damaged_file_is_shown_and_stays(tmp_path: Path) -> None:
    kept = RefusedReadings(tmp_path)
    kept.keep(batch_of((1, START, 1.0)), "reason")
    kept.ask_again()
    (file,) = tmp_path.glob("*.again")
    file.write_bytes(file.read_bytes()[:-1])
    assert list(kept.asked()) == []
    file.write_bytes(b"")
    assert [refusal.reason for refusal in kept.all()] == ["the file is damaged"]
    # Numbers are not used again while one is there.
    kept.keep(batch_of((1, START, 1.0)), "another")
    assert [refusal.number for refusal in kept.all()] == [1, 2]


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"influx_url": "influxdb:8086"}, "must begin with http"),
        ({"influx_url": "http://influxdb:8086"}, "needs influx_org"),
        ({"influx_url": "http://influxdb:8086", "influx_org": "a"}, "influx_token"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    chosen: dict[str, object], problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Invalid) as error:
        settings_module.load(**chosen)
    assert any(problem in one for one in error.value.problems)
