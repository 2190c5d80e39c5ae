"""The command line."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from bench.commands import app as bench
from core import settings as settings_module
from core.clock import SystemClock
from core.db import Database, is_unavailable
from core.errors import Invalid, Refused, Unavailable, WatchkeeperError
from core.schema import current_revision, migrate, newest_revision
from core.settings import Settings
from core.vault import Vault
from rules.document import load_rules
from simulators.errors import SimulatorError
from watchkeeper import first_run, health_check, installation, rule_history
from watchkeeper.broker_commands import app as broker
from watchkeeper.credentials import credentials
from watchkeeper.logs import set_up_logs
from watchkeeper.product import open_database
from watchkeeper.roles import run_role
from watchkeeper.rule_tests import find_tests, try_file
from watchkeeper.speaking import told
from watchkeeper.tags.commands import tags
from watchkeeper.telemetry import telemetry
from watchkeeper.tools import tools
from watchkeeper.up import run_up

app = typer.Typer(
    help="Watchkeeper keeps watch over buildings: sensor readings become tickets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
site = typer.Typer(help="Sites: what is where.", no_args_is_help=True)
rules = typer.Typer(help="Rules: what is wrong when.", no_args_is_help=True)
db = typer.Typer(help="The relational database.", no_args_is_help=True)
app.add_typer(site, name="site")
app.add_typer(rules, name="rules")
app.add_typer(db, name="db")
app.add_typer(bench, name="bench")
app.add_typer(tags, name="tags")
app.add_typer(telemetry, name="telemetry")
app.add_typer(credentials, name="credentials")
app.add_typer(broker, name="broker")
for _command in tools:
    app.command()(_command)

console = Console()


def _settings(**overrides: object) -> Settings:
    settings = settings_module.load(**overrides)
    set_up_logs(settings)
    return settings


def _migrated_database() -> Database:
    """The database at this version's schema; made first if there is none."""
    settings = _settings()
    installation.prepare(settings)
    database = open_database(settings)
    migrate(database, Vault(settings))
    return database


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Import and simulate a compound.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of everything kept.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of API and pages; 0 = free one.")] = None,
    clock: Annotated[str | None, typer.Option(help="system, or simulated for tests.")] = None,
) -> None:
    """Run the whole product in one process, with its broker."""
    chosen = {"data_dir": data_dir, "http_port": port, "clock": clock}
    if demo and not settings_module.is_chosen("require_second_factor"):
        # Who only looks around needs no authenticator app; the demo says so.
        chosen["require_second_factor"] = "nobody"
    run_up(_settings(**chosen), demo=demo, console=console)


@app.command()
def ingest() -> None:
    """Run only the ingest role."""
    run_role("ingest", _settings(), console)


@app.command()
def jobs() -> None:
    """Run only the sweeps: deadlines, outbox, retention, the watch over ingest."""
    run_role("jobs", _settings(), console)


@app.command()
def api() -> None:
    """Run only API and pages."""
    run_role("api", _settings(), console)


@app.command()
def health() -> None:
    """Say how the role is that runs here; exit status 1 unless all is well."""
    port = _settings().monitor_port
    if port is None:
        raise Refused(
            "no role tells its health here", advice="Set WATCHKEEPER_MONITOR_PORT for it."
        )
    verdict = health_check.ask(port)
    for line in verdict.words:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not verdict.well:
        raise typer.Exit(1)


@app.command()
def config() -> None:
    """Print every setting and where it came from."""
    table = Table("setting", Column("value", overflow="fold"), Column("from", overflow="fold"))
    table.add_column("meaning")
    for name, value, origin in settings_module.origins():
        table.add_row(name, value, origin, Settings.model_fields[name].description or "")
    console.print(table)


@app.command(name="signin-link")
def signin_link() -> None:
    """Print a one-time sign-in link for the administrator."""
    settings = _settings()
    url = settings.public_url.rstrip("/") or str(installation.running(settings)["url"])
    database = open_database(settings)
    link = first_run.sign_in_link(database, SystemClock(), url)
    database.close()
    if link is None:
        raise Refused("there is no company yet", advice="Import a site file first.")
    console.print(link, soft_wrap=True)


@site.command("import")
def site_import(
    file: Annotated[Path, typer.Argument(help="A site file, see docs/site.md.")],
) -> None:
    """Import a site file; doing it again changes nothing."""
    database = _migrated_database()
    console.print(first_run.import_site_file(database, file, SystemClock().now()))
    database.close()


def _read_rules(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} can't be read: {error}") from None


@rules.command("check")
def rules_check(
    files: Annotated[list[Path], typer.Argument(help="Rule files.")],
    site_file: Annotated[
        Path | None, typer.Option("--site", help="Take further asset types from this site file.")
    ] = None,
) -> None:
    """Check rule files; each problem with file, line and column. Exit status 1 if any."""
    catalog = first_run.catalog_with(site_file)
    count = problems = 0
    texts = [(path, _read_rules(path)) for path in files]
    known: set[str] = set()
    for path, text in [*texts, *((pack, _read_rules(pack)) for pack in first_run.packs())]:
        known |= {rule.id for rule in load_rules(text, str(path), catalog).rules}
    for path, text in texts:
        loaded = load_rules(text, str(path), catalog, known)
        count += len(loaded.rules)
        problems += len(loaded.problems)
        for problem in loaded.problems:
            console.print(told(problem.text), markup=False, highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    console.print(f"{count} rules are sound.")


@rules.command("test")
def rules_test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Test files, or folders of *_test.yaml; by default this folder."),
    ] = None,
    strict: Annotated[bool, typer.Option(help="A rule without a case is a problem, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    site_file: Annotated[
        Path | None, typer.Option("--site", help="Take further asset types from this site file.")
    ] = None,
) -> None:
    """Try rules with the cases of test files, see docs/rules.md. Exit status 1 unless all hold."""
    catalog = first_run.catalog_with(site_file)
    found = [try_file(path, catalog, strict=strict) for path in find_tests(paths or [Path()])]
    holds = all(each.holds for each in found)
    if as_json:
        document = {"holds": holds, "files": [each.as_json() for each in found]}
        console.print_json(json.dumps(document))
    else:
        for each in found:
            for line in each.lines():
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not holds:
        raise typer.Exit(1)


@rules.command("backtest")
def rules_backtest(
    file: Annotated[Path, typer.Argument(help="A rule file.")],
    rule: Annotated[
        str | None, typer.Option(help="Which rule, where the file holds several.")
    ] = None,
    days: Annotated[float, typer.Option(help="How far back, up to 400.")] = 30,
    begin: Annotated[
        str | None, typer.Option("--from", help="Begin then instead, such as 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="End then instead of now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Try a rule or draft on what is stored, see docs/laboratory.md."""
    settings = _settings()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} can't be read: {error}") from None
    begins, ends = rule_history.span(days, begin, until, SystemClock().now())
    database = open_database(settings)
    try:
        progress = Console(stderr=True)
        result = rule_history.backtest(settings, database, text, rule, begins, ends, progress)
    finally:
        database.close()
    if as_json:
        console.print_json(json.dumps(result.as_json()))
    else:
        rule_history.tell(result, console)


@rules.command("import")
def rules_import(
    files: Annotated[list[Path], typer.Argument(help="Rule files.")],
) -> None:
    """Put the rules of these files into force; a changed rule becomes its next version.

    What people decided stays in force: the file's version is then offered for review.
    """
    database = _migrated_database()
    for path in files:
        with database.write() as session:
            brought = first_run.publish_rules(
                session, path, now=SystemClock().now(), only_new=False
            )
            gaps = first_run.gaps(session, path)
        counted = f"{len(brought.published)} published, {len(brought.unchanged)} unchanged"
        offered = f", {len(brought.offered)} offered for review" if brought.offered else ""
        console.print(f"{path}: {counted}{offered}.")
        for gap in gaps:
            console.print(
                f"{path}: {told(gap)}",
                style="yellow",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    database.close()


@db.command("migrate")
def db_migrate(
    rules: Annotated[
        bool, typer.Option("--rules", help="Also bring the shipped rules, as `up` does.")
    ] = False,
) -> None:
    """Bring the database to the schema of this version."""
    settings = _settings()
    installation.prepare(settings)
    database = open_database(settings)
    changed = migrate(database, Vault(settings))
    console.print(f"{'Migrated to' if changed else 'Already at'} revision {newest_revision()}.")
    if rules:
        count = first_run.publish_packs(database, SystemClock().now())
        console.print(f"{count} shipped rules came into force.")
    database.close()


@db.command("status")
def db_status() -> None:
    """Print the revision of the database and of this version."""
    database = open_database(_settings())
    console.print(f"database {current_revision(database) or 'empty'}, product {newest_revision()}")
    database.close()


def _complain(error: WatchkeeperError) -> None:
    message = Console(stderr=True)
    message.print(f"[red]{error.title}:[/] ", end="")
    message.print(error.detail, markup=False, soft_wrap=True)
    for problem in getattr(error, "problems", ()):
        message.print(f"  {told(problem)}", markup=False, soft_wrap=True)
    if error.advice:
        message.print(error.advice, markup=False, soft_wrap=True)


def main() -> None:
    """Run a command; an error of ours, or a database that is away, is one clear message."""
    try:
        app()
    except SimulatorError as error:
        Console(stderr=True).print(str(error), markup=False, soft_wrap=True)
    except WatchkeeperError as error:
        _complain(error)
    except Exception as error:
        if not is_unavailable(error):
            raise
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        advice = "Start it, or correct WATCHKEEPER_DATABASE_URL."
        _complain(Unavailable(f"the database does not answer: {reason}", advice=advice))
    else:
        return
    sys.exit(1)
