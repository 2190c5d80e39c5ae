"""Tools beside the product: they speak MQTT and HTTP to it like anybody else."""

import json
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from core import settings as settings_module
from core.clock import SystemClock
from core.devices import sites_of_device
from core.errors import Invalid, Refused
from core.settings import Settings
from simulators.accept import Acceptance, figures_lines, kinds_table, only, summary, table
from simulators.accept import accept as run_acceptance
from simulators.connection import BrokerAddress
from simulators.demo.life import run_demo
from simulators.faults.disturb import OutageCommand
from simulators.faults.generator import KINDS, generate_plan
from simulators.faults.plan import FaultKind, FaultPlan, read_plan, write_plan
from simulators.month.generator import MONTH_DAYS, generate_month
from simulators.product import Product
from simulators.publish import publish_message
from simulators.replay import ReplayFile
from simulators.replay import replay as run_replay
from simulators.simulate import Pace
from simulators.simulate import simulate as run_simulation
from simulators.world.site import DEMO_SITE, MONTH_SITE, SimulatedSite, read_site
from watchkeeper import first_run, installation
from watchkeeper.product import open_database

console = Console()

Host = Annotated[str | None, typer.Option(help="Broker; by default that of the running product.")]
Port = Annotated[int, typer.Option(help="Port of the broker named with --host.")]
User = Annotated[str | None, typer.Option(help="User at the broker named with --host.")]
Password = Annotated[str | None, typer.Option(help="Password at the broker named with --host.")]
SiteFile = Annotated[
    Path | None, typer.Option("--site-file", help="The site to live; the demo compound by default.")
]
Seed = Annotated[int, typer.Option(help="The same seed, the same world.")]
Speed = Annotated[str, typer.Option(help="Seconds in a second, or max.")]


def _broker(
    settings: Settings, host: str | None, port: int, user: str | None, password: str | None
) -> BrokerAddress:
    if host is not None:
        return BrokerAddress(host, port, user, password)
    found: dict[str, Any] = installation.running(settings)["mqtt"]
    return BrokerAddress(
        found["host"], found["port"], found["username"], found["password"], found["tls_ca"]
    )


def _speed(text: str) -> float | Literal["max"]:
    if text == "max":
        return "max"
    try:
        return float(text)
    except ValueError:
        raise Invalid(f"--speed {text!r} is no number", advice="Give a number, or max.") from None


def _stop_event(*, attached: bool) -> threading.Event:
    """Set by a signal, or with `attached` by the end of standard input."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def watch_input() -> None:
        sys.stdin.buffer.read()
        stop.set()

    if attached:
        threading.Thread(target=watch_input, name="input", daemon=True).start()
    return stop


def publish(
    topic: Annotated[str, typer.Argument(help="For example wk/v1/riverside/my-pump/readings.")],
    message: Annotated[
        str, typer.Argument(help="JSON, for example '{\"motor_temperature\": 41}'.")
    ],
    retain: Annotated[bool, typer.Option(help="Ask the broker to keep it for newcomers.")] = False,
    raw: Annotated[bool, typer.Option(help="Send the text as it stands, JSON or not.")] = False,
    host: Host = None,
    port: Port = 1883,
    user: User = None,
    password: Password = None,
) -> None:
    """Publish one message and wait until the broker has it."""
    broker = _broker(settings_module.load(), host, port, user, password)
    seconds = publish_message(broker, topic, message, retain=retain, check_json=not raw)
    console.print(f"The broker has it, after {1000 * seconds:.1f} ms.")


def replay(
    file: Annotated[Path, typer.Argument(help="A CSV file with a heading.")],
    device: Annotated[str, typer.Option(help="The device that says it.")],
    time_column: Annotated[str, typer.Option(help="Heading of the time column.")],
    value_column: Annotated[str, typer.Option(help="Heading of the value column.")],
    point: Annotated[str | None, typer.Option(help="Payload key; the value column's name.")] = None,
    speed: Speed = "max",
    site: Annotated[str | None, typer.Option(help="Site; by default the device's.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times that name none.")] = "UTC",
    skip_bad: Annotated[bool, typer.Option(help="Leave unreadable rows out.")] = False,
    host: Host = None,
    port: Port = 1883,
    user: User = None,
    password: Password = None,
) -> None:
    """Publish a file of readings over MQTT, with its own time stamps."""
    settings = settings_module.load()
    done = run_replay(
        _broker(settings, host, port, user, password),
        ReplayFile(file, time_column, value_column, zone),
        site=site or _site_of(settings, device),
        device=device,
        point=point or value_column,
        speed=_speed(speed),
        skip_bad=skip_bad,
        console=console,
    )
    left_out = f", {done.skipped} bad rows left out" if done.skipped else ""
    console.print(f"{done.published} readings in {done.seconds:.1f} s{left_out}.")


def _site_of(settings: Settings, device: str) -> str:
    database = open_database(settings)
    with database.read() as session:
        codes = sites_of_device(session, device)
    database.close()
    if len(codes) == 1:
        return codes[0]
    found = "no site has" if not codes else f"{', '.join(codes)} each have"
    raise Refused(f"{found} a device {device!r}", advice="Name the site with --site.")


def simulate(
    site_file: SiteFile = None,
    seed: Seed = 1,
    plan: Annotated[Path | None, typer.Option(help="Faults to happen (YAML).")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write the ground truth there.")] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of the site's own time.")] = None,
    simulated: Annotated[bool, typer.Option(help="Drive the product's simulated clock.")] = False,
    speed: Speed = "1",
    attached: Annotated[
        bool, typer.Option("--attached", hidden=True, help="End with standard input.")
    ] = False,
    host: Host = None,
    port: Port = 1883,
    user: User = None,
    password: Password = None,
) -> None:
    """Let a site live: by default the demo compound, with a mishap now and then, until Ctrl-C."""
    broker = _broker(settings_module.load(), host, port, user, password)
    stop = _stop_event(attached=attached)
    site = read_site(site_file) if site_file else None
    if plan is None and duration is None and not simulated:
        console.print("The compound is alive. Ctrl-C ends it.")
        run_demo(
            broker,
            site=site,
            seed=seed,
            stop=stop,
            on_fault=lambda fault: console.print(f"Soon: {fault.kind} at {fault.target}."),
        )
        return
    done = run_simulation(
        broker,
        site or read_site(),
        seed=seed,
        pace=Pace(simulated, _speed(speed)),
        duration=duration,
        plan=read_plan(plan) if plan else None,
        truth=truth,
        stop=stop,
        console=console,
    )
    console.print(f"{done.messages} messages.")


def accept(
    plan: Annotated[Path | None, typer.Option(help="The faults (YAML); generated if none.")] = None,
    site_file: SiteFile = None,
    seed: Seed = 1,
    simulated: Annotated[bool, typer.Option(help="Drive the product's simulated clock.")] = False,
    speed: Speed = "1",
    settle: Annotated[float, typer.Option(help="Seconds to wait at the end.")] = 60.0,
    truth: Annotated[Path | None, typer.Option(help="Write the ground truth there.")] = None,
    month: Annotated[
        bool, typer.Option("--month", help="A month of faults and repairs at Lakeside Towers.")
    ] = False,
    days: Annotated[float, typer.Option(help="With --month, how long it is.")] = MONTH_DAYS,
    faults: Annotated[int, typer.Option(help="With --month, faults of equipment.")] = 200,
    sensor_faults: Annotated[int, typer.Option(help="With --month, faults of sensors.")] = 50,
    save_plan: Annotated[Path | None, typer.Option(help="Write the plan there and end.")] = None,
    kinds: Annotated[
        list[FaultKind] | None, typer.Option("--kind", help="Only these kinds; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    stop_product: Annotated[str | None, typer.Option(help="Command that ends the product.")] = None,
    start_product: Annotated[str | None, typer.Option(help="Command that starts it again.")] = None,
    stop_broker: Annotated[str | None, typer.Option(help="Command that ends the broker.")] = None,
    start_broker: Annotated[str | None, typer.Option(help="Command that starts it again.")] = None,
    url: Annotated[str | None, typer.Option(help="Product; by default the running one.")] = None,
    token: Annotated[str | None, typer.Option(help="API token; by default this machine's.")] = None,
    host: Host = None,
    port: Port = 1883,
    user: User = None,
    password: Password = None,
) -> None:
    """Let faults happen to a running product and tell which got exactly one right ticket."""
    settings = settings_module.load()
    site = read_site(site_file or (MONTH_SITE if month else DEMO_SITE))
    chosen = _plan(plan, site, seed, kinds or [])
    if month:
        chosen = _month(site, seed, days, faults, sensor_faults)
    if save_plan is not None:
        write_plan(chosen, save_plan)
        console.print(f"{len(chosen.faults)} faults and {len(chosen.actions)} actions written.")
        return
    with _product(settings, url, token) as product:
        acceptance = run_acceptance(
            _broker(settings, host, port, user, password),
            product,
            site,
            chosen,
            seed=seed,
            pace=Pace(simulated, _speed(speed)),
            settle=settle,
            truth=truth,
            outages={
                **_outage(FaultKind.PRODUCT_DOWN, stop_product, start_product),
                **_outage(FaultKind.BROKER_DOWN, stop_broker, start_broker),
            },
            console=console,
        )
    _show(acceptance, as_json=as_json)
    raise typer.Exit(acceptance.exit_status)


def _product(settings: Settings, url: str | None, token: str | None) -> Product:
    running = {"url": url, "ca": None} if url else installation.running(settings)
    return Product(str(running["url"]), token or tool_token(settings), ca=running.get("ca"))


def _show(acceptance: Acceptance, *, as_json: bool) -> None:
    if as_json:
        console.print_json(json.dumps(acceptance.as_json()))
        return
    console.print(table(acceptance))
    console.print(kinds_table(acceptance))
    console.print(summary(acceptance))
    console.print("\n".join(figures_lines(acceptance)), highlight=False)


def _plan(path: Path | None, site: SimulatedSite, seed: int, kinds: list[FaultKind]) -> FaultPlan:
    if path is None:
        return generate_plan(site, seed=seed, kinds=kinds or KINDS)
    plan = read_plan(path)
    return only(plan, frozenset(kinds)) if kinds else plan


def _month(site: SimulatedSite, seed: int, days: float, faults: int, sensors: int) -> FaultPlan:
    # What the field does to every system takes the whole month.
    whole = days >= MONTH_DAYS
    return generate_month(
        site, seed=seed, days=days, equipment=faults, sensors=sensors, mischief=whole
    )


def _outage(kind: FaultKind, stop: str | None, start: str | None) -> dict[FaultKind, OutageCommand]:
    if stop is None and start is None:
        return {}
    if stop is None or start is None:
        raise Invalid(f"for {kind} both commands are needed", advice="Give a stop and a start.")
    return {kind: OutageCommand(partial(_shell, stop), partial(_shell, start))}


def _shell(command: str) -> None:
    subprocess.run(shlex.split(command), check=True)


def tool_token(settings: Settings) -> str:
    """The API token of tools on this machine, made when there is none yet."""
    database = open_database(settings)
    token = first_run.tool_token(database, settings.data_dir, SystemClock())
    database.close()
    if token is None:
        raise Refused("there is no company yet", advice="Import a site file first.")
    return token


tools: tuple[Callable[..., None], ...] = (publish, replay, simulate, accept)
