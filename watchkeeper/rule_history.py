"""Rules tried on stored history from the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core import inventory
from core.clock import to_micros
from core.db import Database
from core.errors import Invalid
from core.people import Caller
from core.settings import Settings
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.remote import RemoteStore
from core.telemetry.store import TelemetryError, TelemetryStore
from workflows.laboratory import Result, Verdict, order, run

# Whoever works at the command line has the whole installation in their hands.
_NOBODY = UUID(int=0)
_RIGHTS = ("telemetry.read", "tickets.read")


def span(days: float, begin: str | None, until: str | None, now: datetime) -> tuple[int, int]:
    """The span that is asked for, in µs."""
    if not 0 < days <= 400:
        raise Invalid(f"--days {days:g} is not between 0 and 400")
    end = _moment("--until", until) if until else now
    start = _moment("--from", begin) if begin else end - timedelta(days=days)
    return to_micros(start), to_micros(end)


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        advice = "Write it as 2026-11-01 or 2026-11-01T08:00:00+08:00."
        raise Invalid(f"{option} {text!r} is no time", advice=advice) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def stored_readings(folder: Path) -> Iterator[TelemetryStore]:
    """The telemetry of a data folder, through the process that owns it, or while none runs.

    Raises TelemetryError when there is none.
    """
    remote = RemoteStore(folder / "telemetry.sock")
    store: TelemetryStore = remote
    try:
        remote.check()
    except TelemetryError:
        remote.close()
        path = folder / "telemetry.duckdb"
        if not path.exists():
            advice = "Run it where the product keeps its data, or name the folder."
            raise TelemetryError(f"there is no telemetry in {folder}", advice=advice) from None
        store = DuckDBStore(path, threads=2)
    try:
        yield store
    finally:
        store.close()


def backtest(
    settings: Settings,
    database: Database,
    document: str,
    rule_id: str | None,
    begins: int,
    ends: int,
    told: Console | None,
) -> Result:
    """Replay what is stored through a rule; told: where progress is shown."""
    with database.read() as session:
        sites = frozenset(row.id for row in inventory.sites(session))
        caller = Caller(_NOBODY, "", "en", dict.fromkeys(_RIGHTS, sites))
        wanted = order(
            session, caller, document, rule_id=rule_id, start=begins, end=ends,
            shard=settings.shard,
        )  # fmt: skip
    with stored_readings(settings.data_dir) as store, _bar(told) as progress:
        task = progress.add_task(wanted.rule.id, total=1.0, rate="")

        def show(part: float, readings: int) -> None:
            seconds = max(progress.tasks[task].elapsed or 0, 1e-3)
            rate = f"{readings:,} readings, {readings / seconds:,.0f}/s"
            progress.update(task, completed=part, rate=rate)

        return run(wanted, store, show)


def _bar(told: Console | None) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=told, disable=told is None, transient=True)


def tell(result: Result, console: Console) -> None:
    """The result for a person at a terminal."""
    console.print(
        f"{result.rule.id}: {result.readings:,} readings of {len(result.subjects)} assets over "
        f"{result.days:.4g} days in {result.seconds:.1f} s",
        highlight=False,
    )
    table = Table("", "alarms", "a day", "busiest day", "tickets", "assets")
    for name, verdict in (("this rule", result.new), ("active version", result.old)):
        if verdict is not None:
            table.add_row(name, *_figures(result, verdict))
    console.print(table)
    changed = result.changed
    if changed is not None:
        console.print(
            f"against the active version: {changed.both} episodes the same, "
            f"{len(changed.only_new)} new, {len(changed.only_old)} no more",
            highlight=False,
        )
    if result.judged:
        judged = ", ".join(f"{count} {verdict}" for verdict, count in result.judged.items())
        console.print(f"tickets that were really opened: {judged}", highlight=False)
    _tell_assets(result, console)


def _figures(result: Result, verdict: Verdict) -> tuple[str, ...]:
    return (
        str(verdict.alarms),
        f"{verdict.alarms / result.days:.2f}",
        str(max(verdict.days.values(), default=0)),
        str(verdict.tickets),
        str(len(verdict.episodes)),
    )


def _tell_assets(result: Result, console: Console) -> None:
    table = Table("asset", "alarms", "tickets", "first", "why")
    for asset, lived in result.new.episodes.items():
        first = datetime.fromtimestamp(lived[0].tripped_at / 1e6, UTC)
        table.add_row(
            result.subjects[asset].code,
            str(sum(not each.before for each in lived)),
            str(sum(each.ticket for each in lived)),
            f"{first:%Y-%m-%d %H:%M:%S}Z",
            lived[0].reason,
        )
    if table.rows:
        console.print(table, highlight=False)
    for asset, _, why in result.new.failures[:10]:
        code = result.subjects[asset].code
        console.print(f"could not be judged on {code}: {why}", highlight=False)
