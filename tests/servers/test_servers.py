"""The servers that tests stand on are real, fresh for each test, and gone afterwards."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page
from sqlalchemy import create_engine, inspect, text

from tests.servers import bound_to_this_process, find_program, free_port
from tests.servers.postgres import PostgresServer


def make_table(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mark (id INTEGER)"))
    engine.dispose()


def table_names(url: str) -> list[str]:
    engine = create_engine(url)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return names


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_database_of_its_own(database_url: str, turn: int) -> None:
    assert table_names(database_url) == []
    make_table(database_url)
    assert table_names(database_url) == ["mark"]


def test_a_database_is_copied_from_a_template_that_is_built_once(postgres: PostgresServer) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        make_table(url)

    copies = [
        postgres.create_database(postgres.template("servers_test", build)) for _turn in range(2)
    ]
    assert [table_names(postgres.url(copy)) for copy in copies] == [["mark"], ["mark"]]
    assert len(built) == 1
    for copy in copies:
        postgres.drop_database(copy)


def test_a_postgresql_that_went_away_comes_back_with_its_data_on_the_same_port() -> None:
    server = PostgresServer()
    try:
        url = server.url(server.create_database())
        make_table(url)
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url.replace("+psycopg", ""))
        server.start()
        assert table_names(url) == ["mark"]
    finally:
        server.remove()


def test_a_missing_program_fails_the_test_and_names_the_package() -> None:
    with pytest.raises(pytest.fail.Exception, match="install Debian's package lighthouse"):
        find_program("no-such-program", "/nowhere/*/bin/x", package="lighthouse")


def test_the_newest_version_of_a_program_is_found(tmp_path: Path) -> None:
    for version in ("9", "15", "16"):
        program = tmp_path / version / "tool"
        program.parent.mkdir()
        program.touch(mode=0o755)
    found = find_program("tool", f"{tmp_path}/*/tool", package="tools")
    assert found == str(tmp_path / "16" / "tool")


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


@pytest.mark.parametrize("ignoring", [False, True])
def test_a_bound_program_dies_with_the_killed_process_that_started_it(ignoring: bool) -> None:
    """Also where everything ignores the keyboard's signals: a shell started it with &."""
    command = bound_to_this_process(["sleep", "60"])
    code = (
        "import signal, subprocess, sys, time\n"
        f"{ignoring} and signal.signal(signal.SIGQUIT, signal.SIG_IGN)\n"
        f"child = subprocess.Popen({command!r})\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_for_program(child, "sleep")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while is_running(child):
        assert time.monotonic() < deadline, "the program outlived the process that started it"
        time.sleep(0.01)
    parent.stdout.close()


def wait_for_program(pid: int, name: str) -> None:
    """Wait until the process has become the named program: its bond holds from then on."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def drawn(page: Page, character: str) -> str:
    """The pixels of one character as a data: address."""
    pixels: str = page.evaluate(
        """character => {
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d");
            pen.font = "40px sans-serif";
            pen.fillText(character, 10, 60);
            return canvas.toDataURL();
        }""",
        character,
    )
    return pixels


def test_the_browser_draws_chinese_characters(page: Page) -> None:
    # Characters that no font holds are all drawn as the same box.
    assert drawn(page, "\ue001") == drawn(page, "\ue002")
    assert drawn(page, "水") != drawn(page, "泵")
