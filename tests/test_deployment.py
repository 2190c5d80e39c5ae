"""The files of the production stack: what is closed, limited and pinned, and what is drawn."""

import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from api import guards
from core.settings import SECRETS, Settings
from ingest import metrics
from tests.servers.product import ROOT
from tests.servers.stack import interpolated, read_compose

COMPOSE = read_compose(ROOT / "docker-compose.yml", {"SERVER_NAME": "wk.example"})
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"certificate", "accounts", "migrate", "telemetry"}
ROLES = {"ingest", "jobs", "api-1", "api-2"}
each_service = pytest.mark.parametrize("service", SERVICES)


def test_variables_are_put_in_as_docker_does() -> None:
    text = ["${A}-${B:-b}-${C:?must be set}", "$$(cat x)", 7]
    put = interpolated(text, {"A": "a", "C": "c", "B": ""})
    assert put == ["a-b-c", "$(cat x)", 7]


@each_service
def test_a_service_is_closed_in(service: str) -> None:
    spec = SERVICES[service]
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]
    assert spec["security_opt"] == ["no-new-privileges:true"]
    uid = spec["user"].split(":")[0]
    assert int(uid) > 0
    assert "privileged" not in spec
    assert "network_mode" not in spec


@each_service
def test_a_service_is_limited_and_looked_after(service: str) -> None:
    spec = SERVICES[service]
    assert set(spec["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert spec["logging"]["options"]["max-size"]
    if service in ONCE:
        assert spec["restart"] == "no"
        assert spec["healthcheck"] == {"disable": True}
    else:
        assert spec["restart"] == "unless-stopped"
        assert spec["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@each_service
def test_an_image_is_pinned_and_may_come_from_a_mirror(service: str) -> None:
    raw = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    image = raw["services"][service]["image"]
    if service in ONCE | ROLES:
        assert image == "watchkeeper:${IMAGE_TAG:-latest}"
    else:
        assert re.fullmatch(r"\$\{IMAGE_PREFIX:-\}[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", image)


@each_service
def test_what_a_service_names_is_there(service: str) -> None:
    spec = SERVICES[service]
    assert set(spec.get("networks", [])) <= set(COMPOSE["networks"])
    assert set(spec.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(spec.get("depends_on", {})) <= set(SERVICES)
    for mount in spec.get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("./deploy"):
            assert (ROOT / source).exists()
        elif not source.startswith("."):
            assert source in COMPOSE["volumes"]
    for name, value in spec.get("environment", {}).items():
        if name.startswith("WATCHKEEPER_") and service in ONCE | ROLES:
            setting = name.removeprefix("WATCHKEEPER_").lower()
            assert setting in Settings.model_fields or setting.removesuffix("_file") in SECRETS
        if name.endswith("_FILE") and value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in spec["secrets"]


def test_no_secret_stands_in_the_file() -> None:
    given = {name for spec in SERVICES.values() for name in spec.get("environment", {})}
    words = {name for name in given if re.search(r"PASSWORD|SECRET|TOKEN|_KEY", name)}
    assert {name for name in words if not name.endswith("_FILE")} == set()


def test_every_secret_is_drawn_by_the_script() -> None:
    script = (ROOT / "deploy/secrets.sh").read_text(encoding="utf-8")
    drawn = re.search(r"^for name in (.*); do$", script, re.M)
    assert drawn is not None
    assert set(drawn[1].split()) == set(COMPOSE["secrets"])


def test_secrets_are_drawn_whole_or_not_at_all(tmp_path: Path) -> None:
    script, folder = ROOT / "deploy/secrets.sh", tmp_path / "secrets"
    openssl = tmp_path / "openssl"
    openssl.write_text("#!/bin/sh\nexit 1\n")
    openssl.chmod(0o755)
    without = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    failed = subprocess.run([script, folder], env=without, capture_output=True, check=False)
    assert failed.returncode != 0
    assert [path for path in folder.iterdir() if path.suffix != ".new"] == []
    subprocess.run([script, folder], capture_output=True, check=True)
    secrets = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(secrets) == set(COMPOSE["secrets"])
    assert all(len(secret) >= 32 for secret in secrets.values())
    subprocess.run([script, folder], capture_output=True, check=True)
    assert secrets == {path.name: path.read_text() for path in folder.iterdir()}


def test_the_image_holds_the_product_and_nothing_that_lies_beside_it() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if not line.startswith("#")]
    assert patterns[0] == "*"
    brought = [line[1:] for line in patterns if line.startswith("!")]
    listed = ["git", "ls-files", "--cached"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name.split("/")[0] for name in tracked.splitlines()}
    left_out = {name for name in names if not any(fnmatch(name, one) for one in brought)}
    assert left_out == {
        *(".ci", ".dockerignore", ".gitignore", "Dockerfile", "Makefile"),
        *("docker-compose.yml", "docs", "proof", "tests"),
    }
    for name in ("backup", "secrets", ".env", "site.yaml", "watchkeeper.dump", "authority.pem"):
        assert not any(fnmatch(name, one) for one in brought)


def test_the_documents_name_the_images_that_are_pulled() -> None:
    text = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^docker image inspect .*$", text, re.M)
    pulled = {spec["image"] for name, spec in SERVICES.items() if name not in ROLES | ONCE}
    assert set(line.split("}}' ")[1].split()) == pulled


def test_stores_are_not_published() -> None:
    published = {name for name, spec in SERVICES.items() if spec.get("ports")}
    assert published == {"broker", "proxy", "grafana"}
    # Operators come by the machine's own console.
    assert SERVICES["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    for name in ("stores", "broker", "watch"):
        assert COMPOSE["networks"][name] == {"internal": True}


def test_postgresql_has_room_for_the_connections_of_every_role() -> None:
    options = dict(word.split("=") for word in SERVICES["postgres"]["command"] if "=" in word)
    # 20 kept and 20 more in each process, see Database; and a migration.
    assert int(options["max_connections"]) >= 40 * (len(ROLES) + 1)


def test_the_broker_is_ended_by_nobody_before_its_own_limit() -> None:
    text = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    limit = re.search(r"^memory_limit (\d+)$", text, re.M)
    assert limit is not None
    memory = SERVICES["broker"]["deploy"]["resources"]["limits"]["memory"]
    assert int(limit[1]) < int(memory.removesuffix("M")) * 1024**2
    for wanted in ("allow_anonymous false", "persistence true", "set_tcp_nodelay true"):
        assert re.search(rf"^{wanted}$", text, re.M)
    for limited in ("max_inflight_messages", "max_queued_messages", "autosave_interval"):
        assert re.search(rf"^{limited} [1-9]\d*$", text, re.M)


def test_every_role_is_scraped() -> None:
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    [job] = yaml.safe_load(text)["scrape_configs"]
    targets = {target for group in job["static_configs"] for target in group["targets"]}
    ports = {SERVICES[role]["environment"]["WATCHKEEPER_MONITOR_PORT"] for role in ROLES}
    assert targets == {f"{role}:{port}" for role in ROLES for port in ports}


def drawn() -> list[tuple[str, str]]:
    """Each expression of the dashboard with the title of its panel."""
    path = ROOT / "deploy/grafana/dashboards/watchkeeper.json"
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return [
        (panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])
    ]


def test_the_dashboard_draws_only_figures_that_there_are() -> None:
    assert metrics.MESSAGES
    assert guards
    # By Prometheus itself, and by the health of a role (Monitor).
    known = {"up", "watchkeeper_part_ok"}
    for family in REGISTRY.collect():
        known |= {family.name, f"{family.name}_total"}
        known |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    expressions = drawn()
    assert len(expressions) > 15
    for title, expression in expressions:
        named = re.findall(r"\b(?:wk|watchkeeper|process)_\w+|\bup\b", expression)
        assert named, title
        assert set(named) <= known, title


def test_the_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    folder = ROOT / "deploy/grafana"
    text = (folder / "provisioning/datasources/watchkeeper.yml").read_text(encoding="utf-8")
    [source] = yaml.safe_load(text)["datasources"]
    board = json.loads((folder / "dashboards/watchkeeper.json").read_text(encoding="utf-8"))
    asked = {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel}
    assert asked == {source["uid"]}
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)


def instructions(file: Path) -> list[str]:
    """The instructions of a Dockerfile, each on one line, without comments."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(encoding="utf-8"), flags=re.M)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_the_image_is_built_on_a_pinned_base_and_runs_as_nobody() -> None:
    lines = instructions(ROOT / "Dockerfile")
    assert "ARG IMAGE_PREFIX=" in lines
    [base] = [line for line in lines if line.startswith("ARG PYTHON_IMAGE=")]
    assert re.fullmatch(r"ARG PYTHON_IMAGE=python:\d+\.\d+\.\d+-slim-[a-z]+", base)
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(bases) == {"${IMAGE_PREFIX}${PYTHON_IMAGE}", "packages"}
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    users = {SERVICES[name]["user"] for name in ROLES | ONCE}
    assert users == {"10001:10001"}


def test_the_single_container_serves_https_by_the_files_that_it_mounts() -> None:
    single = read_compose(ROOT / "deploy/compose-single.yml", {})
    [spec] = single["services"].values()
    [mounted] = [one for one in spec["volumes"] if "certificates" in one]
    for name in ("WATCHKEEPER_HTTP_CERTIFICATE", "WATCHKEEPER_HTTP_KEY"):
        assert spec["environment"][name].startswith(mounted.split(":")[1])
