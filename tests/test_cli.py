"""The command line as somebody at a terminal meets it."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from simulators.demo.patrol import CARD, READERS
from tests.servers.product import ROOT, Product, command_line, done, until
from watchkeeper.cli import app

SITE_TEXT = """\
company: {code: acme, name: {en: Acme}}
site: {code: riverside, name: {en: Riverside}, time_zone: Asia/Shanghai}
sources:
  - {code: own, topic: wk/v1/riverside/#, dialect: wk}
"""


def command_paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, (*path, name))


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A product that is not started yet and gone after the test."""
    product = Product(tmp_path / "data")
    yield product
    product.end()


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=" ".join(p)) for p in command_paths(typer.main.get_command(app))]
)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output
    # Under the usage line stands a sentence that says what it is for.
    assert re.search(r"\w+ \w+.*[.:]", result.output.split("Usage:")[1].split("\n", 1)[1])


def test_config_says_where_each_setting_came_from(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('shard = "east"\nhttp_port = 81\n')
    said = done(
        "config",
        folder=tmp_path / "data",
        settings={"config": str(file), "http_port": "0", "mqtt_password": "hidden-word"},
    )
    assert re.search(r"http_port\s+│ 0\s+│ environment: WATCHKEEPER_HTTP_PORT", said)
    assert re.search(r"shard\s+│ east\s+│ file: ", said)
    assert re.search(r"flush_rows\s+│ \S+\s+│ default", said)
    assert "hidden-word" not in said


def test_an_unknown_setting_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    in_environment = command_line("config", folder=tmp_path, settings={"http_prot": "80"})
    assert in_environment.returncode == 1
    assert "WATCHKEEPER_HTTP_PROT: there is no such setting" in in_environment.stderr
    file = tmp_path / "settings.toml"
    file.write_text("http_prot = 80\n")
    in_file = command_line("config", folder=tmp_path, settings={"config": str(file)})
    assert in_file.returncode == 1
    assert "http_prot" in in_file.stderr


def test_rules_check_names_file_line_and_column_and_fails(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    sound = (
        "id: hot\ntitle: {en: Hot}\napplies_to: {asset_type: pump}\n"
        "when: motor_temperature > 75 °C\nseverity: high\n"
        "ticket: {kind: repair, category: electrical, team: maintenance}\n"
    )
    good.write_text(sound)
    bad.write_text(sound.replace("motor_temperature > 75 °C", "motor_temprature > 75 °C"))
    assert done("rules", "check", str(good), folder=tmp_path) == "1 rules are sound.\n"
    result = command_line("rules", "check", str(good), str(bad), folder=tmp_path)
    assert result.returncode == 1
    assert re.search(rf"{re.escape(str(bad))}:4:7: .*motor_temprature", result.stdout)
    assert str(good) not in result.stdout


@pytest.mark.parametrize("anew", [False, True], ids=["forked", "anew"])
def test_a_file_that_is_not_there_is_one_clear_message(tmp_path: Path, anew: bool) -> None:
    words = "site", "import", str(tmp_path / "none.yaml")
    result = command_line(*words, folder=tmp_path, anew=anew)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "none.yaml can't be read" in result.stderr
    assert "Traceback" not in result.stderr


def test_tools_say_that_no_product_runs(tmp_path: Path) -> None:
    result = command_line("publish", "wk/v1/a/b/readings", "{}", folder=tmp_path)
    assert result.returncode == 1
    assert "no Watchkeeper is running" in result.stderr


def test_a_database_that_is_away_is_one_clear_message(tmp_path: Path) -> None:
    address = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
    settings = {"database_url": address}
    result = command_line("db", "status", folder=tmp_path, settings=settings)
    assert result.returncode == 1
    assert "the database does not answer" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_role_waits_until_somebody_migrated_its_database(tmp_path: Path) -> None:
    role = Product(tmp_path, "ingest", {"mqtt_host": "127.0.0.1", "mqtt_port": "9"})
    role.launch()
    try:
        until(lambda: "watchkeeper db migrate" in role.said, 90, lambda: role.said)
        done("db", "migrate", folder=tmp_path)
        role.wait_until_up()
        role.stop()
    finally:
        role.end()
    assert "Already at" in done("db", "migrate", folder=tmp_path)
    words = done("db", "status", folder=tmp_path).split()
    assert words[1].rstrip(",") == words[3]


def test_a_folder_in_use_is_refused_and_the_one_who_uses_it_is_not_disturbed(
    product: Product,
) -> None:
    product.anew = True
    product.start()
    result = command_line("up", folder=product.folder, settings={"http_port": "0"})
    assert result.returncode == 1
    assert f"in use (by process {product.running['pid']})" in result.stderr
    assert "WATCHKEEPER_DATA_DIR" in result.stderr
    assert "Traceback" not in result.stderr
    assert product.ill_parts() == []


def sign_in(product: Product) -> str:
    """Follow the link that it printed last, as a browser does; the page's text."""
    # It says first that it is up, in a frame of its own.
    link = re.compile(r"Sign in once: (\S+)\n")
    until(lambda: bool(link.search(product.said)), 30, lambda: f"no link: {product.said}")
    return sent_form(product, link.findall(product.said)[-1], {})


def sent_form(product: Product, address: str, fields: dict[str, str]) -> str:
    """Open the form at an address and send it; the page to which that leads."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(jar)
    with browser.open(address, timeout=60) as page:
        text = page.read().decode()
    csrf = re.search(r'name="csrf"\s+value="([^"]+)"', text)
    assert csrf is not None, text
    body = urllib.parse.urlencode({"csrf": csrf[1], **fields}).encode()
    request = urllib.request.Request(address, body, {"Origin": product.url})
    with browser.open(request, timeout=60) as page:
        assert page.url.rstrip("/") == product.url
        return str(page.read().decode())


def signed_in_by(product: Product, login: str, password: str) -> bool:
    """Whether login and password let somebody in."""
    fields = {"login": login, "password": password}
    try:
        return "滨江苑" in sent_form(product, f"{product.url}/sign-in", fields)
    except urllib.error.HTTPError as error:
        return error.code != 401


def numbers(product: Product) -> set[tuple[Any, ...]]:
    return set(product.rows("SELECT number, title, state FROM ticket"))


def simulators_of(product: Product) -> list[str]:
    marker = f"WATCHKEEPER_DATA_DIR={product.folder.resolve()}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if " simulate" in line]


def test_the_demo_stops_within_seconds_and_continues_where_it_was(product: Product) -> None:
    product.arguments = ["--demo"]
    product.start()
    assert "Riverside" in sign_in(product)
    ((site_id,),) = product.rows("SELECT id FROM node WHERE kind = 'site'")
    opened = {"site_id": site_id, "kind": "complaint", "title": "Noise", "priority": "low"}
    status, ticket = product.ask("/api/v1/tickets", opened)
    assert status == 201, ticket
    until(lambda: bool(product.rows("SELECT 1 FROM shard WHERE last_beat > ''")), 90, "no life")
    password = re.search(r"password of all: (\S+)", product.said)
    assert password
    assert signed_in_by(product, "guard", password[1])
    assert not signed_in_by(product, "guard", "not-the-password")
    duty = product.get(f"/api/v1/sites/{site_id}/teams/security/duty")
    assert [one["name"] for one in duty["items"]] == ["赵大勇"]
    ahead = product.rows("SELECT count(*), count(DISTINCT planned_at) FROM round")
    # A day and a half of quarters of an hour.
    assert ahead == [(144, 144)]
    card_of_the_guard_counts(product)
    first_stop = product.stop()
    assert "Stopped. Start again to continue where it was." in product.said
    assert not (product.folder / "running.json").exists()
    assert simulators_of(product) == []
    before = numbers(product)
    assert len(before) >= 1
    product.start()
    assert "Riverside" in sign_in(product)
    assert before <= numbers(product)
    assert signed_in_by(product, "auditor", password[1])
    assert len(product.rows("SELECT 1 FROM node WHERE kind = 'site'")) == 1
    # A machine that runs other tests beside this one is slow now and then, but not each time.
    assert min(first_stop, product.stop()) < 15


def card_of_the_guard_counts(product: Product) -> None:
    """What the simulated guard does at a reader, done by hand: rounds are a quarter apart."""
    topic = f"wk/v1/riverside/{READERS[0].code}/scan"
    done("publish", topic, json.dumps({"guard": CARD}), folder=product.folder)
    scans = "SELECT verdict, person_id IS NOT NULL FROM scan WHERE kind = 'fixed_reader'"
    until(lambda: ("accepted", 1) in product.rows(scans), 90, "the card was not taken")


def test_the_simulator_does_not_outlive_a_killed_product(product: Product) -> None:
    product.arguments = ["--demo"]
    product.start()
    until(lambda: len(simulators_of(product)) == 1, 90, "no simulator came")
    product.kill()
    until(lambda: simulators_of(product) == [], 90, lambda: f"{simulators_of(product)} live on")


def test_a_sensor_of_ones_own_is_adopted_and_opens_a_ticket(product: Product) -> None:
    (product.folder / "site.yaml").write_text(SITE_TEXT)
    done("site", "import", str(product.folder / "site.yaml"), folder=product.folder)
    product.start()
    product.wait_until_listening()
    topic = "wk/v1/riverside/my-sensor/readings"
    said = done("publish", topic, '{"leak": false}', folder=product.folder)
    assert re.match(r"The broker has it, after \d+\.\d ms\.", said)
    waiting = "/api/v1/devices?state=waiting"
    until(lambda: bool(product.get(waiting)["items"]), 90, "it never waits for adoption")
    (device,) = product.get(waiting)["items"]
    assert device["code"] == "my-sensor"
    suggestion = product.get(f"/api/v1/devices/{device['id']}/suggestion")
    assert suggestion["asset_type"] == "water_leak"
    new = {"code": "my-sensor", "type": "water_leak", "name": {"en": "My sensor"}}
    adoption = {"new_asset": new, "points": [{"key": "leak", "code": "leak"}]}
    status, answer = product.ask(f"/api/v1/devices/{device['id']}/adopt", adoption)
    assert status == 200, answer

    def opens_one() -> bool:
        # Ingest follows the event log about a second behind; what it hears earlier is history.
        done("publish", topic, '{"leak": true}', folder=product.folder)
        return bool(product.tickets())

    until(opens_one, 90, "no ticket opens", pause=1)
    assert [(row.rule, row.asset) for row in product.tickets()] == [("water-leak", "my-sensor")]
    assert (ROOT / "README.md").read_text().count(topic) == 2
