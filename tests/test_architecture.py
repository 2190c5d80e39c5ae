"""The architecture holds, and each of its rules is able to fail."""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

import core
import workflows
from core.db import Base
from tests.architecture import (
    ROOMS_USED,
    Source,
    clock_readings,
    forbidden_libraries,
    forbidden_rooms,
    forbidden_siblings,
    import_cycles,
    long_functions,
    nameless_modules,
    read_sources,
    stray_commits,
)

ROOT = Path(__file__).resolve().parent.parent
Rule = Callable[[Iterable[Source]], Iterator[str]]
RULES: list[Rule] = [
    forbidden_rooms,
    forbidden_siblings,
    forbidden_libraries,
    import_cycles,
    long_functions,
    nameless_modules,
    stray_commits,
    clock_readings,
]
LONG_BODY = "\n".join(["def f():", *["    pass"] * 60])
# For each rule, sources of which every single one breaks it.
BREACHES: list[tuple[Rule, dict[str, str]]] = [
    (forbidden_rooms, {"rules/a.py": "import core.db"}),
    (forbidden_rooms, {"core/a.py": "from workflows import tickets"}),
    (forbidden_rooms, {"workflows/a.py": "from api.context import Parts"}),
    (forbidden_rooms, {"ingest/a.py": "def f():\n    import jobs.sweeps"}),
    (forbidden_rooms, {"jobs/a.py": "import web"}),
    (forbidden_rooms, {"api/a.py": "import watchkeeper.cli"}),
    (forbidden_rooms, {"simulators/a.py": "from rules.units import parse"}),
    (forbidden_rooms, {"web/a.py": "from api import tickets"}),
    (forbidden_rooms, {"web/a.py": "from api.tickets import router"}),
    (forbidden_rooms, {"web/pages/a.py": "from ingest import session"}),
    (forbidden_siblings, {"workflows/patrol.py": "from workflows import finance"}),
    (forbidden_siblings, {"workflows/patrol/round.py": "from ..finance import ledger"}),
    (forbidden_siblings, {"workflows/tickets/a.py": "import workflows.patrol.model"}),
    (forbidden_libraries, {"workflows/a.py": "from fastapi import Depends"}),
    (forbidden_libraries, {"core/a.py": "import paho.mqtt.client"}),
    (forbidden_libraries, {"ingest/a.py": "import apscheduler"}),
    (forbidden_libraries, {"api/a.py": "from sqlalchemy import select"}),
    (forbidden_libraries, {"core/places.py": "import duckdb"}),
    (forbidden_libraries, {"web/a.py": "import typst"}),
    (forbidden_libraries, {"watchkeeper/tags/a.py": "import smartcard.System"}),
    (forbidden_libraries, {"jobs/a.py": "import influxdb_client"}),
    (forbidden_libraries, {"api/a.py": "import pytest"}),
    (forbidden_libraries, {"rules/a.py": "import time"}),
    (import_cycles, {"core/a.py": "import core.b", "core/b.py": "from core import a"}),
    (
        import_cycles,
        {"core/__init__.py": "from core.a import f", "core/a.py": "import core"},
    ),
    (import_cycles, {"jobs/a.py": "from . import b", "jobs/b.py": "from .a import f"}),
    (long_functions, {"core/a.py": LONG_BODY}),
    (long_functions, {"core/a.py": "class A:\n" + re.sub("^", "    ", LONG_BODY, flags=re.M)}),
    (nameless_modules, {"core/utils.py": ""}),
    (nameless_modules, {"web/helpers/dates.py": ""}),
    (nameless_modules, {"tests/common.py": ""}),
    (stray_commits, {"workflows/a.py": "def f(session):\n    session.commit()"}),
    (clock_readings, {"core/a.py": "from datetime import datetime\nx = datetime.now()"}),
    (clock_readings, {"core/a.py": "import datetime\nx = datetime.datetime.now"}),
    (clock_readings, {"api/a.py": "import time\nx = time.time()"}),
    (clock_readings, {"jobs/a.py": "from time import time_ns"}),
    (clock_readings, {"ingest/a.py": "from datetime import date\nx = date.today()"}),
    (clock_readings, {"workflows/a.py": "from sqlalchemy import func\nx = func.now()"}),
]
# What the rules must leave alone, or they would be worked around.
ALLOWED: list[tuple[Rule, dict[str, str]]] = [
    (forbidden_rooms, {"web/a.py": "from api.context import Parts\nfrom api import context"}),
    (forbidden_rooms, {"watchkeeper/a.py": "import bench.ingest, simulators"}),
    (forbidden_siblings, {"workflows/alarms/a.py": "from workflows import tickets"}),
    (forbidden_siblings, {"workflows/alarms/a.py": "from workflows.alarms.model import Alarm"}),
    (forbidden_libraries, {"core/telemetry/duck.py": "import duckdb"}),
    (import_cycles, {"core/__init__.py": "from core.a import f", "core/a.py": "import core.b"}),
    (import_cycles, {"core/a.py": "import core.b", "core/b.py": "import core.c"}),
    (long_functions, {"core/a.py": LONG_BODY.removesuffix("\n    pass")}),
    (stray_commits, {"core/db.py": "def f(session):\n    session.commit()"}),
    (clock_readings, {"core/a.py": "import time\nx = time.monotonic() + time.perf_counter()"}),
    (clock_readings, {"ingest/session/state.py": "import time\nx = time.time_ns()"}),
]
# Tables whose rows belong to no single site, each with the reason.
TABLES_WITHOUT_SITE = {
    "calendar": "held on a node of the tree, which may lie above the sites",
    "asset_type": "the catalogue of the company",
    "device_profile": "what kinds of devices there are, for the whole installation",
    "absence": "belongs to a person",
    "broker_accounts": "one broker serves every site",
    "certificate": "belongs to a person",
    "consent": "belongs to a person",
    "contact": "belongs to a person",
    "push_device": "belongs to a person",
    "default_view": "belongs to a person",
    "ticket_batch": "of a person; its tickets may be of several sites",
    "saved_view": "belongs to a person, shared with a node that may lie above the sites",
    "credential": "belongs to a person",
    "patrol_contact": "of a person's phone, on whatever site it is",
    "duty_phone": "of a node of the tree, which may lie above the sites",
    "grant": "a person's role on a node of the tree, which may lie above the sites",
    "idempotent_answer": "what a person was answered, kept for their own retry",
    "invitation": "to a node of the tree, which may lie above the sites",
    "identity": "belongs to a person",
    "identity_attempt": "of a browser, before anybody is known",
    "job_run": "of the process that runs the sweeps",
    "lease": "of a process, not of a place",
    "node": "the tree of company, regions and sites itself",
    "outbox_cursor": "how far a delivery has read the event log",
    "password": "belongs to a person",
    "patrol_key": "the company's; the keys of its tags come from it",
    "personal_key": "belongs to a person",
    "pin": "belongs to a person",
    "person": "may work for several sites; grants say for which",
    "quarantined_body": "belongs to its quarantined row, which names the site",
    "resident_key": "belongs to a resident, whose row names the site",
    "quiet_hours": "belongs to a person",
    "reachability": "belongs to a person",
    "rate_count": "of an address or a place on the web, before anybody is known",
    "recovery_code": "belongs to a person",
    "rule_version": "held on a node of the tree, which may lie above the sites",
    "second_factor": "belongs to a person",
    "series_number": "the telemetry store's number of a point",
    "service_terms": "held on a node of the tree, which may lie above the sites",
    "shard": "of ingest; may hold several sites",
    "source_memory": "belongs to a source",
    "mapping_version": "belongs to a source",
    "http_delivery": "belongs to a source",
    "http_message": "belongs to a source",
    "shard_gap": "belongs to its shard",
    "sign_in_tries": "of an account or an address, before anybody is signed in",
    "ticket_template": "held on a node of the tree, which may lie above the sites",
    "sos_phrase": "belongs to a person",
    "sticker_problem_list": "held on a node of the tree, which may lie above the sites",
    "shift_code": "held on a node of the tree, which may lie above the sites",
    "ticket_category": "held on a node of the tree, which may lie above the sites",
    "ticket_counter": "the human numbers of the company's tickets",
}
# Split, so that this file itself names none of them.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("gcr", "io"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("cdnjs", "cloudflare", "com"),
    ]
]


def as_sources(files: dict[str, str]) -> list[Source]:
    return [Source(path, text) for path, text in files.items()]


def described(case: object) -> str:
    if isinstance(case, dict):
        return "+".join(case)
    return getattr(case, "__name__", "")


@pytest.fixture(scope="module")
def rooms() -> list[Source]:
    """The product's sources: parsed for the first rule, and read by all of them."""
    return read_sources(ROOT, ROOMS_USED)


@pytest.mark.parametrize("rule", RULES, ids=described)
def test_the_rooms_keep_the_rule(rule: Rule, rooms: list[Source]) -> None:
    assert list(rule(rooms)) == []


def test_the_tests_and_scripts_are_named_and_short_too() -> None:
    sources = read_sources(ROOT, ["tests", "proof", "scripts"])
    assert [*nameless_modules(sources), *long_functions(sources)] == []


@pytest.mark.parametrize(("rule", "files"), BREACHES, ids=described)
def test_the_rule_sees_a_breach(rule: Rule, files: dict[str, str]) -> None:
    assert len(list(rule(as_sources(files)))) == 1


@pytest.mark.parametrize(("rule", "files"), ALLOWED, ids=described)
def test_the_rule_leaves_the_allowed_alone(rule: Rule, files: dict[str, str]) -> None:
    assert list(rule(as_sources(files))) == []


def test_every_rule_is_shown_to_fail() -> None:
    assert {rule for rule, _files in BREACHES} == set(RULES)


def test_an_empty_room_breaks_nothing(tmp_path: Path) -> None:
    assert [finding for rule in RULES for finding in rule(read_sources(tmp_path, ROOMS_USED))] == []


def tables_without_site(metadata: MetaData) -> set[str]:
    return {table.name for table in metadata.tables.values() if "site_id" not in table.columns}


def test_every_table_has_a_site_or_a_reason() -> None:
    for package in (core, workflows):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith("core.migrations"):
                importlib.import_module(module.name)
    assert tables_without_site(Base.metadata) == set(TABLES_WITHOUT_SITE)


def test_a_table_without_site_is_seen() -> None:
    metadata = MetaData()
    Table("with_site", metadata, Column("site_id", Integer))
    Table("without", metadata, Column("id", Integer))
    assert tables_without_site(metadata) == {"without"}


def named_hosts(text: str) -> list[str]:
    return [
        host
        for host in REGISTRY_HOSTS
        # Looked for as it stands first: few files hold it, and that is asked much faster.
        if host in text and re.search(rf"(?<![\w-]){re.escape(host)}(?![\w-])", text)
    ]


def test_no_file_names_a_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    found = {
        str(file.relative_to(ROOT)): hosts
        for file in files
        if file.is_file() and (hosts := named_hosts(file.read_text("utf-8", "replace")))
    }
    assert found == {}


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_a_registry_host_is_seen(host: str) -> None:
    assert named_hosts(f"image: {host}/library/python") != []
    assert named_hosts(f"see https://{host}:443 there") != []
