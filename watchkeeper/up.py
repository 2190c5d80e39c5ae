"""`watchkeeper up`: the whole product in one process, with the broker as its child."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.panel import Panel

from core.doorstep import Doorstep
from core.settings import Settings
from core.vault import Vault
from watchkeeper import first_run, installation, screen
from watchkeeper.demo_patrol import demo_patrol
from watchkeeper.demo_people import demo_outsiders
from watchkeeper.demo_posts import demo_posts
from watchkeeper.demo_tasks import demo_tasks
from watchkeeper.product import Product

_STOP_SECONDS = 10


def run_up(settings: Settings, *, demo: bool, console: Console) -> None:
    """Start everything, say where it is, run until a signal, stop everything."""
    product = Product(settings)
    try:
        product.heed_signals()
        _start(product, demo=demo, console=console)
        product.wait()
        console.print("\nStopping: taking in what has arrived, then closing …")
    finally:
        product.stop()
    console.print("Stopped. Start again to continue where it was.")


def _start(product: Product, *, demo: bool, console: Console) -> None:
    product.own_folder("up")
    with console.status("Preparing the database …"):
        product.migrate()
        product.watch_database()
        if demo:
            console.print(first_run.import_demo(product.database, product.clock.now()))
            now = product.clock.now()
            password = first_run.demo_accounts(product.database, product.folder, now)
            outsiders = demo_outsiders(product.database, password, now)
            vault = Vault(product.settings)
            demo_patrol(product.database, vault, "guard", now)
            demo_posts(product.database, vault, "guard", now)
            demo_tasks(product.database, vault, now)
        rules = first_run.publish_packs(product.database, product.clock.now())
    if rules:
        console.print(f"{rules} shipped rules came into force.")
    with console.status("Starting the broker …"):
        address = product.start_broker()
    with console.status("Opening telemetry …"):
        telemetry = product.open_telemetry()
    doorstep = product.open_doorstep()

    def begin_work() -> None:
        product.start_ingest(telemetry, address)
        product.start_jobs(telemetry)

    if doorstep.state.doubt is None:
        begin_work()
    web = product.start_web(telemetry)
    _announce(product)
    if doorstep.state.doubt is not None or doorstep.state.is_new:
        product.unsettled = unsettled(product, doorstep, begin_work)
    _show_on_screen(product, doorstep)
    first_run.tool_token(product.database, product.folder, product.clock)
    if demo:
        _start_simulator(product)
    link = first_run.sign_in_link(product.database, product.clock, web.url)
    console.print(_welcome(product, link, doorstep, demo=demo))
    if demo:
        console.print(
            f"Demo accounts: {', '.join([*first_run.DEMO_PEOPLE, *outsiders])}; "
            f"password of all: {password}",
            soft_wrap=True,
            highlight=False,
        )
    if link is not None:
        # Outside the frame and unwrapped, so that a terminal takes it as one link.
        console.print(f"Sign in once: {link}", soft_wrap=True, highlight=False)


def unsettled(
    product: Product, doorstep: Doorstep, begin_work: Callable[[], None]
) -> Callable[[], bool]:
    """What to do until the doorstep is clear: begin to judge once the clock can be right, put the
    shipped rules into force once there is a company. It returns whether anything is left."""
    if doorstep.state.doubt is not None:
        product.health.report("clock", ok=False, detail=str(doorstep.state.doubt))

    shown = doorstep.state

    def look() -> bool:
        nonlocal shown
        # The pages look, too: what they found settled is no news any more.
        doubted, new = shown.doubt is not None, shown.is_new
        doorstep.look()
        if doubted and doorstep.state.doubt is None:
            product.health.report("clock", ok=True)
            begin_work()
        if new and not doorstep.state.is_new:
            first_run.publish_packs(product.database, product.clock.now())
            first_run.tool_token(product.database, product.folder, product.clock)
        if doorstep.state != shown:
            shown = doorstep.state
            _show_on_screen(product, doorstep)
        return shown.doubt is not None or shown.is_new

    return look


def _show_on_screen(product: Product, doorstep: Doorstep) -> None:
    assert product.web is not None
    scheme = urlsplit(product.web.local_url).scheme
    screen.show(product.settings.console_file, scheme, product.web.port, doorstep)


def _announce(product: Product) -> None:
    assert product.web is not None
    broker = product.broker
    address = broker.tools_address if broker else installation.external_broker(product.settings)
    assert address is not None
    # Undone only by whoever announced: a second product that is refused must not.
    product.on_stop(lambda: installation.withdraw(product.folder))
    installation.announce(
        product.folder,
        {
            "pid": os.getpid(),
            "url": product.web.url,
            "local_url": product.web.local_url,
            "ca": str(product.web.own.authority) if product.web.own else None,
            "mqtt": {
                "host": address.host,
                "port": address.port,
                "username": address.username,
                "password": address.password,
                "tls_ca": address.tls_ca,
            },
        },
    )


def _start_simulator(product: Product) -> None:
    """The simulated site runs as a process of its own: it speaks MQTT and nothing else to us.

    It ends with its standard input, so that it never outlives us, however we die.
    """
    environment = {**os.environ, "WATCHKEEPER_DATA_DIR": str(product.folder.resolve())}
    log_file = (product.folder / "simulator.log").open("ab")
    child = subprocess.Popen(
        [sys.executable, "-m", "watchkeeper", "simulate", "--attached"],
        env=environment,
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=log_file,
        stderr=log_file,
        start_new_session=True,
    )
    log_file.close()

    def end() -> None:
        child.terminate()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    product.on_stop(end)


def _welcome(product: Product, link: str | None, doorstep: Doorstep, *, demo: bool) -> Panel:
    assert product.web is not None
    lines = []
    if doorstep.state.doubt is not None:
        lines += [
            f"The clock of this machine can't be right: {doorstep.state.doubt}.",
            "Nothing is judged until it is. Set it, or open",
            f"  [bold]{product.web.url}/clock[/] with the code [bold]{doorstep.state.code}[/]",
            "",
        ]
    if link is None:
        lines += [
            f"Nothing is set up yet. Open [bold]{product.web.url}/first-boot[/]",
            f"and give the code [bold]{doorstep.state.code}[/].",
            "",
            "Or begin with a whole site at once.",
        ]
        lines += [
            "There is no site yet. Describe yours in a file (docs/site.md) and import it:",
            "  [bold]watchkeeper site import site.yaml[/]",
            "then get a sign-in link with [bold]watchkeeper signin-link[/].",
        ]
    if demo:
        lines += [
            "A simulated compound is live; within a minute something breaks.",
            *(
                ["Nobody needs a second factor in the demo."]
                if product.settings.require_second_factor == "nobody"
                else []
            ),
            "Then bring a sensor of your own, from a second terminal in this folder:",
            "  [bold].venv/bin/watchkeeper publish wk/v1/riverside/my-sensor/readings "
            "'{\"leak\": false}'[/]",
            "It appears on the page under “Waiting for adoption”. Adopt it as a new water leak",
            "sensor, then publish true instead of false: a ticket opens.",
        ]
    broker = product.broker
    if broker is not None:
        address = broker.device_address
        if product.settings.device_sign_in == "own":
            lines += ["", f"MQTT for devices: {address.host}:{address.port}, each by its own name"]
        else:
            where = f"{address.host}:{address.port}, user {address.username},"
            lines += ["", f"MQTT for devices: {where}", f"password {address.password}"]
    if product.web.own is not None:
        lines += [
            "",
            "HTTPS is by a certificate authority of this installation. Browsers trust it once you",
            f"install {product.web.own.authority.resolve()} on them; its SHA-256 fingerprint is",
            product.web.own.fingerprint,
        ]
    lines += ["", "Ctrl-C stops everything."]
    return Panel("\n".join(lines), title=f"Watchkeeper is up: {product.web.url}", expand=False)
