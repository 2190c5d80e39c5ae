"""The journal of an upgrade: one small file, from which a power cut at any moment is put right."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from scripts.appliance import backups, exclusion
from scripts.appliance.layout import Layout, sync_folder, write_whole
from scripts.appliance.words import Refusal, say

# backing-up -> trying: the backup is whole, and from here the data may have changed.
# trying -> opening: the trial went well; the new release is the one that runs.
# trying, opening -> restoring -> replacing: it goes back; at `replacing` a whole copy of the
# backup lies ready inside the data folder.
Phase = Literal["backing-up", "trying", "opening", "restoring", "replacing"]
# A moment at which the power may go: its name, for tests that cut it there.
Moment = Callable[[str], None]


def nothing(_: str) -> None:
    """The power stays."""


@dataclass(frozen=True)
class Upgrade:
    """An upgrade under way from one release to another; backup: name of the copy of the data."""

    phase: Phase
    old: str
    new: str
    backup: str


def note(layout: Layout, upgrade: Upgrade) -> Upgrade:
    """Have it on disk."""
    write_whole(layout.journal, json.dumps(asdict(upgrade)))
    return upgrade


def read(layout: Layout) -> Upgrade | None:
    """The upgrade that was under way; None when none is."""
    try:
        return Upgrade(**json.loads(layout.journal.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def finish(layout: Layout) -> None:
    """No upgrade is under way any more."""
    layout.journal.unlink(missing_ok=True)
    sync_folder(layout.home)


def recover(layout: Layout, moment: Moment = nothing) -> str:
    """Put right what an interrupted upgrade left; returns the release that stays, or nothing.

    Before its trial went well it goes back to the old release and data, afterwards on to the new.
    Safe to interrupt and to repeat.
    """
    upgrade = read(layout)
    if upgrade is None:
        return ""
    say(f"The upgrade to {upgrade.new} was interrupted ({upgrade.phase}).")
    if upgrade.phase == "opening":
        layout.lead_to(upgrade.new)
        moment("recovered forward")
        finish(layout)
        return upgrade.new
    roll_back(layout, upgrade, moment)
    return upgrade.old


def recover_before_start(layout: Layout, moment: Moment = nothing) -> None:
    """What the service does before each start.

    Refusal while an installer is at work on the data: a start in the middle of its trial would
    put them back under it. At `opening` it is the installer itself that starts the service.
    """
    try:
        with exclusion.alone(layout):
            recover(layout, moment)
    except exclusion.Busy:
        upgrade = read(layout)
        if upgrade is not None and upgrade.phase != "opening":
            raise Refusal(f"the upgrade to {upgrade.new} is under way") from None


def roll_back(layout: Layout, upgrade: Upgrade, moment: Moment = nothing) -> None:
    """Put the old data and the old release back. Refusal while a product runs on the data.

    What the new release wrote is set aside in the data folder (`.failed`), not destroyed.
    """
    exclusion.nobody_runs(layout)
    if upgrade.phase == "backing-up":
        # Nothing but the copy was begun.
        backups.drop(layout, upgrade.backup)
        moment("partial backup dropped")
        finish(layout)
        return
    if upgrade.phase != "replacing":
        upgrade = note(layout, replace(upgrade, phase="restoring"))
        moment("restoring")
        backups.lay_ready(layout, upgrade.backup, moment)
        upgrade = note(layout, replace(upgrade, phase="replacing"))
        moment("replacing")
    backups.put_back(layout, upgrade.backup, moment)
    moment("data put back")
    layout.lead_to(upgrade.old)
    moment("old release leads")
    finish(layout)
    say(f"{upgrade.old} and its data are back.")
