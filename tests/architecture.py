"""The house rules of docs/decisions/0001, each a function from parsed sources to its breaches."""

import ast
import graphlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOMS_USED = {
    "rules": set[str](),
    "core": {"rules"},
    "workflows": {"core", "rules"},
    "ingest": {"workflows", "core", "rules"},
    "jobs": {"workflows", "core", "rules"},
    "api": {"workflows", "core", "rules"},
    "web": {"api", "workflows", "core", "rules"},
    "simulators": set[str](),
    "watchkeeper": {"rules", "core", "workflows", "ingest", "jobs", "api", "web", "simulators"}
    | {"bench"},
    "bench": {"rules", "core", "workflows", "ingest", "jobs", "api", "web", "simulators"}
    | {"watchkeeper"},
}
# The pages stand beside the API: they share what a request is given, not its routes.
API_MODULES_FOR_WEB = {"api", "api.context", "api.deps"}
# The ticket is where workflows meet; of its other siblings a workflow knows nothing.
SHARED_WORKFLOW = "tickets"

# Where an outside library may be imported: path prefixes. One not named here may go anywhere.
LIBRARY_HOMES = {
    # What the API is measured against is written with them, too.
    "fastapi": ("api/", "web/", "bench/bare_api", "bench/own_api"),
    "starlette": ("api/", "web/"),
    "websockets": ("core/channels/dingtalk_stream",),
    "paho": (
        "ingest/",
        "simulators/",
        "watchkeeper/",
        "bench/",
        "core/device_credentials/dynamic_security",
    ),
    "apscheduler": ("jobs/",),
    "sqlalchemy": ("core/", "workflows/", "bench/bare_api"),
    "alembic": ("core/",),
    "authlib": ("core/identity",),
    "joserfc": ("core/identity", "core/browser_keys"),
    "duckdb": ("core/telemetry",),
    "typst": ("core/papers",),
    # LGPL, and only where a reader is.
    "smartcard": (),
    "influxdb_client": ("core/telemetry",),
    "hypothesis": (),
    "playwright": (),
    "pytest": (),
}
# Judgement is pure: nothing that reads a clock, draws a number, or speaks to the outside.
IMPURE = {"asyncio", "http", "multiprocessing", "random", "secrets", "select", "socket"} | {
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib",
    "uuid",
}

# Transactions end here; the second is Alembic's own entry.
# The telemetry store's transactions are its own; no session of ours is in them.
COMMITTING = ("core/db.py", "core/migrations/env.py", "core/telemetry/duckdb_file.py")
# The injected clock itself, the arrival of a message, and what stands outside the product.
CLOCK_READERS = ("core/clock.py", "ingest/session", "simulators/", "watchkeeper/", "bench/")
CLOCK_NAMES = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("func", "now"),
}
LONGEST_FUNCTION = 60
# A migration is one list of tables, written once and never changed.
LONG_FUNCTIONS_ALLOWED = ("core/migrations/versions/",)
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the checkout and its text."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The folder at the top."""
        return PurePosixPath(self.path).parts[0]

    @property
    def module(self) -> str:
        """The dotted name by which it is imported."""
        return ".".join(PurePosixPath(self.path).with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the parsed text."""
        return list(ast.walk(ast.parse(self.text)))

    @cached_property
    def imports(self) -> list[tuple[str, str]]:
        """(module, name) of each import; the name is empty for a plain `import module`."""
        found = list[tuple[str, str]]()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(self._absolute(node), alias.name) for alias in node.names]
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        folder = PurePosixPath(self.path).parts[: -node.level]
        return ".".join([*folder, *([node.module] if node.module else [])])

    def stands_in(self, places: tuple[str, ...]) -> bool:
        """Whether the path begins with one of the places."""
        return self.path.startswith(places)


def read_sources(root: Path, rooms: Iterable[str]) -> list[Source]:
    """Every Python file of the rooms; a room without files is no error."""
    files = (file for room in rooms for file in sorted((root / room).rglob("*.py")))
    return [
        Source(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))
        for file in files
        if "node_modules" not in file.parts
    ]


def forbidden_rooms(sources: Iterable[Source]) -> Iterator[str]:
    """Imports against the direction of the arrows between rooms."""
    for source in sources:
        allowed = ROOMS_USED[source.room] | {source.room}
        for module, name in source.imports:
            room = module.partition(".")[0]
            if room in ROOMS_USED and room not in allowed:
                yield f"{source.path} imports {module}: {source.room} may not use {room}"
            elif source.room == "web" and room == "api":
                dotted = f"api.{name}" if module == "api" and name else module
                if dotted not in API_MODULES_FOR_WEB:
                    yield f"{source.path} imports {dotted}: web may only use api's dependencies"


def forbidden_siblings(sources: Iterable[Source]) -> Iterator[str]:
    """Workflows that know another workflow than the ticket."""
    for source in sources:
        parts = source.module.split(".")
        if source.room != "workflows" or len(parts) < 2:
            continue
        for module, name in source.imports:
            target = module.split(".") if module != "workflows" else ["workflows", name]
            if target[0] == "workflows" and target[1] not in {parts[1], SHARED_WORKFLOW}:
                yield f"{source.path} imports workflows.{target[1]}: its siblings meet in tickets"


def forbidden_libraries(sources: Iterable[Source]) -> Iterator[str]:
    """Outside libraries away from their home, and impure modules in the rules."""
    for source in sources:
        for library in sorted({module.partition(".")[0] for module, _name in source.imports}):
            if library in LIBRARY_HOMES and not source.stands_in(LIBRARY_HOMES[library]):
                yield f"{source.path} imports {library}, which has its home elsewhere"
            if source.room == "rules" and library in IMPURE:
                yield f"{source.path} imports {library}: judgement is pure"


def import_cycles(sources: Iterable[Source]) -> Iterator[str]:
    """One import cycle for each room that holds any."""
    by_room = dict[str, list[Source]]()
    for source in sources:
        by_room.setdefault(source.room, []).append(source)
    for room, members in by_room.items():
        try:
            graphlib.TopologicalSorter(import_graph(members)).prepare()
        except graphlib.CycleError as error:
            yield f"{room} holds an import cycle: {' -> '.join(reversed(error.args[1]))}"


def import_graph(sources: list[Source]) -> dict[str, set[str]]:
    """For each module, the modules among the sources that its text imports."""
    known = {source.module for source in sources}
    graph = dict[str, set[str]]()
    for source in sources:
        # `from package import name` is about the module of that name when there is one.
        targets = {
            f"{module}.{name}" if f"{module}.{name}" in known else module
            for module, name in source.imports
        }
        graph[source.module] = targets & known - {source.module}
    return graph


def long_functions(sources: Iterable[Source]) -> Iterator[str]:
    """Functions over 60 lines, counted from `def`."""
    for source in sources:
        if source.stands_in(LONG_FUNCTIONS_ALLOWED):
            continue
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{source.path}:{node.lineno} {node.name} has {lines} lines"


def nameless_modules(sources: Iterable[Source]) -> Iterator[str]:
    """Modules and packages whose name says nothing."""
    for source in sources:
        for part in PurePosixPath(source.path).with_suffix("").parts:
            if part.strip("_") in NAMELESS:
                yield f"{source.path}: {part} says nothing about what it holds"


def stray_commits(sources: Iterable[Source]) -> Iterator[str]:
    """Calls of `.commit()` away from the edge."""
    for source in sources:
        for node in source.nodes:
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "commit"
                and not source.stands_in(COMMITTING)
            ):
                yield f"{source.path}:{node.lineno} commits; only the edge may"


def clock_readings(sources: Iterable[Source]) -> Iterator[str]:
    """Readings of the wall clock away from the injected clock."""
    for source in sources:
        if source.stands_in(CLOCK_READERS):
            continue
        for module, name in source.imports:
            if (module, name) in CLOCK_NAMES:
                yield f"{source.path} imports {module}.{name}; time is an argument"
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and (owner(node.value), node.attr) in CLOCK_NAMES:
                yield f"{source.path}:{node.lineno} reads the wall clock; time is an argument"


def owner(node: ast.expr) -> str:
    """The last name of what an attribute is taken from: `datetime` for `datetime.datetime`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
