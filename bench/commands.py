"""`watchkeeper bench`: the numbers that the product promises, each a command."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import anomaly as anomaly_bench
from bench import api as api_bench
from bench import backtest as backtest_bench
from bench import ingest as ingest_bench
from bench import latency as latency_bench
from bench import sos as sos_bench
from bench import trip as trip_bench
from bench.dialects import NATIVE, SPEECHES

app = typer.Typer(help="Benchmarks; figures are ratios within one run.", no_args_is_help=True)
console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Messages = Annotated[int, typer.Option(help="Messages of three readings in each run.")]
Runs = Annotated[int, typer.Option(help="Runs of each side, alternating; medians are reported.")]


def _tell(text: str) -> None:
    errors.print(text, highlight=False)


def _print(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.print_json(json.dumps(report))
        return
    for key, value in report.items():
        if isinstance(value, dict):
            console.print(f"{key}:")
            for name, figure in value.items():
                console.print(f"  {name}: {figure}")
        else:
            console.print(f"{key}: {value}")


@app.command()
def ingest(
    messages: Messages = 200_000,
    devices: Annotated[int, typer.Option(help="Devices, each with a rule of its own.")] = 1_000,
    runs: Runs = 5,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Mixed rules, a third of them on windows.")
    ] = False,
    dialect: Annotated[
        str, typer.Option(help=f"The load in another dialect: {', '.join(SPEECHES)}.")
    ] = NATIVE,
    as_json: AsJson = False,
) -> None:
    """CPU of ingest a message against stock paho that does nothing, on both brokers."""
    if dialect not in SPEECHES:
        raise typer.BadParameter(f"one of {', '.join(SPEECHES)}", param_hint="--dialect")
    if dialect != NATIVE:
        report = ingest_bench.against_native(
            dialect, messages=messages, devices=devices, runs=runs, told=_tell
        )
    else:
        report = ingest_bench.against_paho(
            messages=messages, devices=devices, runs=runs, told=_tell, mixed=mixed
        )
    _print(report, as_json)


@app.command()
def rules(
    messages: Messages = 100_000,
    runs: Runs = 3,
    as_json: AsJson = False,
) -> None:
    """What 10 and 10,000 rules that concern no device of the load add to a message."""
    report = ingest_bench.by_foreign_rules(
        messages=messages, counts=(10, 10_000), runs=runs, told=_tell
    )
    _print(report, as_json)


@app.command()
def points(
    messages: Messages = 200_000,
    runs: Runs = 3,
    as_json: AsJson = False,
) -> None:
    """What 1,000 and 100,000 points cost a message in time, and in memory a point."""
    report = ingest_bench.by_points(
        messages=messages, counts=(1_000, 100_000), runs=runs, told=_tell
    )
    _print(report, as_json)


@app.command()
def durability(
    messages: Messages = 50_000,
    runs: Runs = 3,
    as_json: AsJson = False,
) -> None:
    """What `durability = "power"` costs against "process" on the embedded broker."""
    _print(
        ingest_bench.by_durability(messages=messages, devices=1_000, runs=runs, told=_tell),
        as_json,
    )


@app.command()
def latency(
    rate: Annotated[int, typer.Option(help="Messages a second; five a second trip.")] = 1_000,
    seconds: Annotated[int, typer.Option(help="How long.")] = 60,
    as_json: AsJson = False,
) -> None:
    """From publication to a ticket that the API shows, polled at 200 Hz."""
    _print(latency_bench.latency(rate=rate, seconds=seconds), as_json)


@app.command()
def sos(
    calls: Annotated[int, typer.Option(help="Calls for help, one after another.")] = 100,
    rate: Annotated[int, typer.Option(help="Messages a second; 0: as fast as they are taken.")] = 0,
    as_json: AsJson = False,
) -> None:
    """From the press on a phone to a supervisor's screen, under load."""
    _print(sos_bench.sos(calls=calls, rate=rate), as_json)


@app.command()
def trip(
    trips: Annotated[int, typer.Option(help="Devices that trip, one after another.")] = 300,
    as_json: AsJson = False,
) -> None:
    """CPU of writing one trip down, and of the list of tickets that shows it."""
    _print(trip_bench.trip(trips=trips), as_json)


@app.command()
def backtest(
    points: Annotated[int, typer.Option(help="Points of one reading a minute.")] = 100,
    days: Annotated[int, typer.Option(help="How many days of them.")] = 30,
    kind: Annotated[
        list[str] | None, typer.Option(help="threshold or windowed; by default both.")
    ] = None,
    full: Annotated[bool, typer.Option(help="1,000 points: 43 million readings.")] = False,
    as_json: AsJson = False,
) -> None:
    """A month of history through a threshold rule and a windowed one."""
    kinds = kind or list(backtest_bench.RULES)
    if unknown := set(kinds) - set(backtest_bench.RULES):
        raise typer.BadParameter(f"no kind of rule {', '.join(sorted(unknown))}")
    many = 1_000 if full else points
    _print(backtest_bench.backtest(points=many, days=days, kinds=kinds, told=_tell), as_json)


@app.command()
def api(
    tickets: Annotated[int, typer.Option(help="Tickets in all.")] = 100_000,
    standing: Annotated[int, typer.Option(help="Tickets that are open.")] = 2_000,
    runs: Runs = 5,
    seconds: Annotated[float, typer.Option(help="How long each run asks each side.")] = 5.0,
    people_seconds: Annotated[float, typer.Option(help="How long the 20 people work.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """List pages and searches of 20 people, and the ticket list against a bare endpoint."""
    report = api_bench.api(
        tickets=tickets,
        standing=standing,
        runs=runs,
        seconds=seconds,
        people_seconds=people_seconds,
        told=_tell,
    )
    _print(report, as_json)


@app.command()
def anomaly(
    first: Annotated[int, typer.Option(help="First seed; limits were chosen on 1 to 10.")] = 11,
    last: Annotated[int, typer.Option(help="Last seed.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What the learned baseline finds in made-up buildings, and how often it cries wolf."""
    report = anomaly_bench.evaluate(range(first, last + 1), told=_tell)
    report["a reading"] = anomaly_bench.cost()
    _print(report, as_json)
