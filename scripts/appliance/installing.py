"""Installing a bundle, for the first time or over an older release."""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scripts.appliance import backups, exclusion, journal, machine, releasing, trial
from scripts.appliance.host import Host
from scripts.appliance.journal import Moment, Upgrade, nothing
from scripts.appliance.layout import Layout, write_whole
from scripts.appliance.manifest import Manifest, read_manifest, verify
from scripts.appliance.trial import Ill, Patience
from scripts.appliance.words import Refusal, say

# A key that is pressed, the end of a session, somebody who wants it to end.
INTERRUPTS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


def install(
    bundle: Path,
    layout: Layout,
    host: Host,
    patience: Patience | None = None,
    moment: Moment = nothing,
) -> None:
    """Install a bundle; doing it again changes nothing. Refusal when it can't be or went wrong.

    A first installation that does not come up stays in place to be looked at; a failed upgrade
    leaves the old release running on the data as they were.
    """
    verify(bundle)
    manifest = read_manifest(bundle)
    machine.check(manifest, layout)
    layout.make_folders()
    moment("folders made")
    with exclusion.alone(layout):
        _install(bundle, manifest, layout, host, patience or Patience(), moment)


def _install(
    bundle: Path,
    manifest: Manifest,
    layout: Layout,
    host: Host,
    patience: Patience,
    moment: Moment,
) -> None:
    stays = journal.recover(layout, moment)
    if stays:
        host.lay_units(stays)
    host.make_user()
    host.install_packages(bundle / "debs")
    releasing.prepare(bundle, manifest, layout, moment)
    _settle_settings(layout, manifest.name)
    moment("settings there")
    old = layout.running()
    if old == manifest.name:
        say(f"{manifest.name} runs here already.")
        host.lay_units(old)
        host.start(host.ill())
    elif old is None:
        _begin(layout, host, manifest, patience, moment)
    else:
        _upgrade(layout, host, manifest, old, patience, moment)


def _settle_settings(layout: Layout, name: str) -> None:
    """Lay down the settings of an appliance where there are none; what is there is the owner's."""
    if layout.settings.exists():
        return
    usual = layout.release(name) / "deploy/appliance/watchkeeper.toml"
    text = usual.read_text(encoding="utf-8")
    write_whole(layout.settings, text.replace("/var/lib/watchkeeper", str(layout.data)))


def _begin(
    layout: Layout, host: Host, manifest: Manifest, patience: Patience, moment: Moment
) -> None:
    say(f"Trying {manifest.name} ...")
    trial.try_out(layout, manifest.name, patience, {})
    moment("tried")
    layout.lead_to(manifest.name)
    moment("new release leads")
    host.lay_units(manifest.name)
    host.start({})
    say(f"{manifest.name} is installed.")


def _upgrade(
    layout: Layout, host: Host, manifest: Manifest, old: str, patience: Patience, moment: Moment
) -> None:
    backup = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{old}"
    backups.drop(layout, backup)
    before = host.ill()
    if before:
        ill = ", ".join(sorted(before))
        say(f"Ill before the upgrade, and so no reason to go back: {ill}.")
    host.stop()
    try:
        moment("stopped")
        exclusion.nobody_runs(layout)
        upgrade = journal.note(layout, Upgrade("backing-up", old, manifest.name, backup))
        moment("backing up")
        _change(layout, host, upgrade, patience, before, moment)
    except (Exception, KeyboardInterrupt) as failure:  # noqa: BLE001 - somebody has to keep watch
        why = str(failure) or "it was interrupted"
        # Said at once: should going back fail too, that is the last word.
        say(f"{manifest.name} does not run here ({why}); going back to {old} ...")
        with _uninterrupted():
            _go_back(layout, host, old, before, moment)
        text = f"{manifest.name} does not run here ({why}); {old} runs as before"
        raise Refusal(text, getattr(failure, "problems", ())) from None
    journal.finish(layout)
    moment("finished")
    backups.prune(layout)
    releasing.prune(layout, old)
    say(f"{manifest.name} is installed; {old} and its backup stay.")


def _change(
    layout: Layout,
    host: Host,
    upgrade: Upgrade,
    patience: Patience,
    before: Ill,
    moment: Moment,
) -> None:
    say(f"Backing up to {layout.backups / upgrade.backup} ...")
    backups.take(layout, upgrade.backup, moment)
    upgrade = journal.note(layout, replace(upgrade, phase="trying"))
    moment("trying")
    say(f"Trying {upgrade.new} ...")
    trial.try_out(layout, upgrade.new, patience, before)
    moment("tried")
    journal.note(layout, replace(upgrade, phase="opening"))
    moment("opening")
    layout.lead_to(upgrade.new)
    moment("new release leads")
    host.lay_units(upgrade.new)
    host.start(before)


def _go_back(layout: Layout, host: Host, old: str, before: Ill, moment: Moment) -> None:
    """Have the old release run on the old data."""
    host.stop()
    upgrade = journal.read(layout)
    if upgrade is not None:
        journal.roll_back(layout, upgrade, moment)
    host.lay_units(old)
    host.start(before)
    backups.prune(layout)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
