"""`watchkeeper tags`: signed tags are set up at a reader on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Console

from core import settings as settings_module
from core.errors import NotFound, Refused
from watchkeeper import installation
from watchkeeper.tags import provisioning
from watchkeeper.tags.readers import open_reader, reader_names
from watchkeeper.tags.server import Given, TagServer
from watchkeeper.tags.tag import Ntag424, TagError
from watchkeeper.tools import tool_token

tags = typer.Typer(help="Signed tags (NTAG 424 DNA) at a PC/SC reader.", no_args_is_help=True)
console = Console()

ReaderName = Annotated[str | None, typer.Option("--reader", help="A part of the reader's name.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for a tag on the reader.")]
Url = Annotated[str | None, typer.Option(help="Product; by default the running one.")]
Token = Annotated[str | None, typer.Option(help="API token; by default this machine's.")]


@tags.command("readers")
def readers() -> None:
    """List the readers of this machine."""
    names = reader_names()
    if not names:
        raise NotFound("there is no reader", advice="Plug one in.")
    for name in names:
        console.print(name, markup=False, highlight=False, soft_wrap=True)


@tags.command("provision")
def provision(
    checkpoint: Annotated[str, typer.Argument(help="Code of the checkpoint.")],
    site: Annotated[str | None, typer.Option(help="Its site, where several have the code.")] = None,
    label: Annotated[str, typer.Option(help="What people call the tag there.")] = "",
    reader: ReaderName = None,
    wait: Wait = 30.0,
    url: Url = None,
    token: Token = None,
) -> None:
    """Put the tag on the reader at a checkpoint: write its address and its keys, and prove them.

    Whenever this is interrupted, `watchkeeper tags re-key` ends it.
    """
    with _server(url, token) as server:
        there = server.checkpoint(checkpoint, site)
        _at_reader(
            reader, wait, lambda tag: provisioning.provision(tag, server, there, label, _say)
        )


@tags.command("re-key")
def re_key(
    reader: ReaderName = None, wait: Wait = 30.0, url: Url = None, token: Token = None
) -> None:
    """Give the tag on the reader new keys, at the checkpoint where it stands; the old are refused.

    For a tag that was lost and found, whose keys somebody may know, or whose set-up was
    interrupted.
    """
    with _server(url, token) as server:
        _at_reader(reader, wait, lambda tag: provisioning.re_key(tag, server, _say))


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _at_reader(name: str | None, wait: float, work: Callable[[Ntag424], Given]) -> None:
    reader = open_reader(name, wait)
    try:
        given = work(Ntag424(reader))
    except provisioning.Unfinished as error:
        raise Refused(
            f"the tag is not set up yet: {error}",
            advice="Lay the same tag on the reader again and run `watchkeeper tags re-key`.",
        ) from error
    except provisioning.NoKeyFits as error:
        raise Refused(
            f"the tag was not set up: {error}",
            advice="Nobody can give it other keys without those. Put another tag in its place.",
        ) from error
    except TagError as error:
        raise Refused(f"the tag was not set up: {error}") from error
    finally:
        reader.close()
    _say("The tag is set up.")
    if _is_of_this_machine(given.address):
        _say(
            "Its address is one of this machine alone, so no phone gets anywhere by it. Set "
            "WATCHKEEPER_STICKER_URL on the server, then run `watchkeeper tags re-key`."
        )


def _is_of_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _server(url: str | None, token: str | None) -> Iterator[TagServer]:
    settings = settings_module.load()
    running: dict[str, Any] = {"url": url} if url else installation.running(settings)
    with httpx.Client(
        base_url=str(running["url"]).rstrip("/"),
        headers={"Authorization": f"Bearer {token or tool_token(settings)}"},
        timeout=20.0,
        verify=running.get("ca") or True,
    ) as client:
        yield TagServer(client)
