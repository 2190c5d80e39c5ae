"""What the screen of the machine itself shows: the address, and the code of a first start."""

from pathlib import Path

import structlog

from core.doorstep import Doorstep

log = structlog.get_logger(__name__)
_USUAL_PORTS = {"http": 80, "https": 443}


def lines(scheme: str, port: int, doorstep: Doorstep) -> list[str]:
    """As agetty(8) reads an issue file: it puts the machine's address where \\4 stands."""
    shown = "" if _USUAL_PORTS.get(scheme) == port else f":{port}"
    found = [f"Watchkeeper  {scheme}://\\4{shown}/"]
    if doorstep.state.doubt is not None:
        found.append(f"  The clock can't be right: {doorstep.state.doubt}.")
        found.append(f"  Open the address to set it, with the code {doorstep.state.code}")
    elif doorstep.state.is_new:
        found.append("  It is not set up yet.")
        found.append(f"  Open the address to begin, with the code {doorstep.state.code}")
    return found


def show(path: Path | None, scheme: str, port: int, doorstep: Doorstep) -> None:
    """Leave it for the screen; only root, who draws it, and we may read the code."""
    if path is None:
        return
    draft = path.with_name(path.name + ".new")
    try:
        draft.touch(mode=0o600)
        draft.write_text("\n".join(lines(scheme, port, doorstep)) + "\n\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.warning("the screen of the machine shows nothing", error=str(error))
