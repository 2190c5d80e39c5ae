"""`watchkeeper broker`: what a Mosquitto beside the product needs of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core import settings as settings_module
from core.clock import SystemClock
from watchkeeper.own_authority import broker_identity

app = typer.Typer(help="A Mosquitto of one's own.", no_args_is_help=True)
console = Console()


# Without a second command Typer would take the first one's name away.
@app.callback()
def _group() -> None: ...


@app.command()
def certificate(
    folder: Annotated[Path, typer.Argument(help="The folder that Mosquitto reads.")],
    name: Annotated[
        list[str] | None, typer.Option(help="A name or address by which it is reached.")
    ] = None,
) -> None:
    """Make an authority and the broker's certificate where they are missing."""
    given = settings_module.load().mqtt_host
    names = {*(name or []), *filter(None, [given])}
    made = broker_identity(folder, names, SystemClock().now())
    console.print(f"Devices trust {made.authority}.", soft_wrap=True, highlight=False)
