"""`watchkeeper broker`: the files of a Mosquitto that stands beside the product."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core import settings as settings_module
from core.clock import SystemClock
from watchkeeper import broker_files

app = typer.Typer(help="A Mosquitto of one's own: its files.", no_args_is_help=True)
console = Console()
Folder = Annotated[Path, typer.Argument(help="The folder that Mosquitto reads.")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[
        list[str] | None, typer.Option(help="A name or address by which it is reached.")
    ] = None,
) -> None:
    """Make certificate, accounts and rights where they are missing; again changes nothing."""
    settings = settings_module.load()
    names = [*(name or []), *filter(None, [settings.mqtt_host])]
    broker_files.prepare(folder, settings, names, SystemClock().now())
    console.print(f"Devices trust {folder / 'authority.pem'}.", soft_wrap=True, highlight=False)


@app.command()
def account(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="The device's or gateway's name in its topics.")],
) -> None:
    """Give a device an account, or a new password, and print the password once."""
    password = broker_files.make_account(folder, settings_module.load(), name)
    console.print(password, soft_wrap=True, highlight=False, markup=False)
