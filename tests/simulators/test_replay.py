"""Replay: a file over a real broker, with its own times; bad rows are named."""

import io
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from simulators.connection import BrokerAddress
from simulators.errors import BadInput
from simulators.replay import ReplayFile, parse_time, parse_value, replay
from tests.servers import free_port
from tests.simulators.listener import listening

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
QUIET = Console(file=io.StringIO())
NOWHERE = BrokerAddress(port=1)


def written(folder: Path, text: str, **options: str) -> ReplayFile:
    file = folder / "history.csv"
    file.write_text(text, encoding="utf-8")
    return ReplayFile(file, "time", "value", **options)


def test_rows_keep_their_times_order_and_doubles(tmp_path: Path, broker: BrokerAddress) -> None:
    file = written(
        tmp_path,
        "value,note,time\n1.5,a,2014-01-07 02:00:00\n2,b,2014-01-07 02:05:00\n"
        "2,b,2014-01-07 02:05:00\n3,c,2014-01-07 01:05:00\ntrue,d,2014-01-07 02:10:00\n",
    )
    with listening(broker, "wk/v1/s1/#") as listener:
        done = replay(broker, file, site="s1", device="m1", point="temp", console=QUIET)
        listener.wait_for(lambda: len(listener.heard) == 5)
    assert (done.published, done.skipped) == (5, 0)
    at = 1_389_060_000.0
    assert listener.bodies("wk/v1/s1/m1/readings") == [
        {"ts": at, "temp": 1.5},
        {"ts": at + 300, "temp": 2.0},
        {"ts": at + 300, "temp": 2.0},
        {"ts": at - 3300, "temp": 3.0},
        {"ts": at + 600, "temp": True},
    ]


def test_twenty_thousand_rows_take_seconds(tmp_path: Path, broker: BrokerAddress) -> None:
    rows = "".join(f"{1_400_000_000 + number * 300},{number}\n" for number in range(20_000))
    file = written(tmp_path, f"time,value\n{rows}")
    with listening(broker, "wk/v1/s2/#") as listener:
        done = replay(broker, file, site="s2", device="m1", console=QUIET)
        listener.wait_for(lambda: len(listener.heard) == 20_000)
    assert done.published == 20_000
    # At their own pace it would be ten weeks; a minute is for a machine that does much else.
    assert done.seconds < 60
    assert [body["value"] for body in listener.bodies("wk/v1/s2/m1/readings")] == list(
        range(20_000)
    )


def test_a_speed_stretches_the_time_between_rows(tmp_path: Path, broker: BrokerAddress) -> None:
    file = written(tmp_path, "time,value\n100,1\n110,2\n105,3\n120,4\n")
    started = time.monotonic()
    replay(broker, file, site="s3", device="m1", speed=40, console=QUIET)
    # Twenty seconds at forty times their pace.
    assert 0.5 <= time.monotonic() - started < 15


def test_bad_rows_stop_everything_before_anything_leaves(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'time,value\n2014-01-07,1\nyesterday,2\n2014-01-08,"a\nb"\n2014-01-09\n'
        "2014-01-10,nan\n2014-01-11,inf\n2014-01-12,\n\n2014-01-13,1\n",
    )
    with pytest.raises(BadInput, match="6 bad rows; nothing was published") as refused:
        replay(NOWHERE, file, site="s", device="d", console=QUIET)
    places = [problem.split(": ")[0] for problem in refused.value.problems]
    assert places == [f"history.csv:{line}" for line in (3, 5, 6, 7, 8, 9)]
    assert "yesterday" in refused.value.problems[0]


def test_a_long_list_of_bad_rows_is_cut(tmp_path: Path) -> None:
    file = written(tmp_path, "time,value\n" + "x,1\n" * 500)
    with pytest.raises(BadInput) as refused:
        replay(NOWHERE, file, site="s", device="d", console=QUIET)
    assert len(refused.value.problems) == 11
    assert refused.value.problems[-1] == "… and 490 more"


def test_bad_rows_are_skipped_and_counted_when_asked(tmp_path: Path, broker: BrokerAddress) -> None:
    file = written(tmp_path, "time,value\n100,1\nx,2\n120,y\n130,4\n")
    with listening(broker, "wk/v1/s4/#") as listener:
        done = replay(broker, file, site="s4", device="m1", skip_bad=True, console=QUIET)
        listener.wait_for(lambda: len(listener.heard) == 2)
    assert (done.published, done.skipped) == (2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its heading names nothing"),
        ("zeit,value\n1,1\n", "no column 'time'; its heading names zeit, value"),
        ("zeit,wert\n1,1\n", "no column 'time' and no column 'value'"),
        ("time,value\n", "no usable row"),
        ('time,value\n1,"a"b\n', "not a CSV file"),
    ],
)
def test_a_file_without_usable_rows_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replay(NOWHERE, written(tmp_path, text), site="s", device="d", console=QUIET)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.path.write_bytes(b"time,value\n1,\xff\xfe\n")
    with pytest.raises(BadInput, match="not a CSV file in UTF-8"):
        replay(NOWHERE, file, site="s", device="d", console=QUIET)


def test_a_missing_file_an_unknown_zone_and_a_bad_speed_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "time,value\n1,1\n")
    with pytest.raises(BadInput, match="No such file"):
        replay(NOWHERE, ReplayFile(tmp_path / "none", "time", "value"), site="s", device="d")
    with pytest.raises(BadInput, match="no time zone 'Mars/Olympus'"):
        replay(NOWHERE, written(tmp_path, "", zone="Mars/Olympus"), site="s", device="d")
    with pytest.raises(BadInput, match="speed must be above 0"):
        replay(NOWHERE, file, site="s", device="d", speed=0)
    with pytest.raises(BadInput, match="is a filter"):
        replay(NOWHERE, file, site="s", device="#")


def test_a_heading_with_a_byte_order_mark_and_another_delimiter_is_read(
    tmp_path: Path, broker: BrokerAddress
) -> None:
    file = written(tmp_path, "\ufefftime;value\n100;1\n", delimiter=";")
    assert replay(broker, file, site="s5", device="m1", console=QUIET).published == 1


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2014-01-07 02:00:00", ZoneInfo("UTC"), 1_389_060_000.0),
        ("2014-01-07T10:00:00", SHANGHAI, 1_389_060_000.0),
        ("2014-01-07T02:00:00Z", SHANGHAI, 1_389_060_000.0),
        ("2014-01-07T03:00:00.250+01:00", SHANGHAI, 1_389_060_000.25),
        ("1389060000", SHANGHAI, 1_389_060_000.0),
        ("1389060000.25", SHANGHAI, 1_389_060_000.25),
        ("1389060000250", SHANGHAI, 1_389_060_000.25),
        # Twice there: the first of the two, still in summer time.
        ("2024-10-27 02:30:00", BERLIN, 1_729_989_000.0),
        # Never there: as if the clock had not been put forward yet.
        ("2024-03-31 02:30:00", BERLIN, 1_711_848_600.0),
    ],
)
def test_times_are_read_in_their_zone(text: str, zone: ZoneInfo, expected: float) -> None:
    assert parse_time(text, zone) == expected


@pytest.mark.parametrize(("text", "expected"), [("1.5", 1.5), (" -2e3 ", -2000.0), ("True", True)])
def test_values_are_numbers_or_booleans(text: str, expected: float) -> None:
    assert parse_value(text) is expected or parse_value(text) == expected


def test_a_broker_that_is_away_ends_a_replay(tmp_path: Path) -> None:
    file = written(tmp_path, "time,value\n1,1\n")
    address = BrokerAddress(port=free_port())
    with pytest.raises(Exception, match="no MQTT broker answers"):
        replay(address, file, site="s", device="d", console=QUIET)
