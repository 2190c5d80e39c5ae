"""`watchkeeper telemetry`: InfluxDB is set up, and what the store refused is looked at."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from core import settings as settings_module
from core.clock import from_micros
from core.errors import Refused
from core.telemetry.influx_server import InfluxServer
from core.telemetry.influx_setup import set_up
from core.telemetry.refused import RefusedReadings
from watchkeeper import installation
from watchkeeper.logs import set_up_logs

telemetry = typer.Typer(help="The store of readings.", no_args_is_help=True)
console = Console()


@telemetry.command()
def init(
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with a token that may create buckets and tasks, used only for this."
        ),
    ] = None,
) -> None:
    """Set InfluxDB up: two buckets, their retention, the task that rolls up. Repeat at will."""
    settings = settings_module.load(**_chosen(token_file))
    set_up_logs(settings)
    address = installation.influx_address(settings)
    if address is None:
        raise Refused(
            "readings are kept in the data folder, which needs no setting up",
            advice="Set influx_url, influx_org and influx_token to keep them in InfluxDB.",
        )
    server = InfluxServer(address)
    try:
        done = set_up(server, settings.readings_days)
    finally:
        server.close()
    for line in done:
        console.print(line, soft_wrap=True, markup=False)
    if not done:
        console.print("Everything is as it should be; nothing was changed.")


def _chosen(token_file: Path | None) -> dict[str, str]:
    """The settings that hold for this command alone. Refused where the file can't be read."""
    if token_file is None:
        return {}
    try:
        return {"influx_token": token_file.read_text(encoding="utf-8").strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"{token_file} cannot be read: {error}",
            advice="It holds one line, the token, and is readable for this user.",
        ) from None


@telemetry.command()
def refused() -> None:
    """List the readings that the store refused and that were set aside."""
    refusals = _set_aside().all()
    if not refusals:
        console.print("No readings are set aside.")
        return
    table = Table("number", "readings", "received", Column("reason", overflow="fold"), "")
    for refusal in refusals:
        received = f"{from_micros(refusal.received):%Y-%m-%d %H:%M} UTC"
        waits = "is tried again" if refusal.asked_again else ""
        readings = str(refusal.readings)
        table.add_row(str(refusal.number), readings, received, refusal.reason, waits)
    console.print(table)


@telemetry.command()
def retry() -> None:
    """Have everything that was set aside written again, once its cause has been removed."""
    count = _set_aside().ask_again()
    console.print(f"{count} batches are tried again by ingest within some seconds.")


def _set_aside() -> RefusedReadings:
    settings = settings_module.load()
    set_up_logs(settings)
    return RefusedReadings(settings.data_dir / "spool" / "refused")
