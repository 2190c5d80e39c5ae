"""Installing a bundle, for the first time or over an older release."""

import time
from dataclasses import replace
from pathlib import Path

from scripts.appliance import backups, journal, machine, releasing, trial
from scripts.appliance.host import Host
from scripts.appliance.journal import Moment, Upgrade, nothing
from scripts.appliance.layout import Layout, write_whole
from scripts.appliance.manifest import Manifest, read_manifest, verify
from scripts.appliance.trial import Patience
from scripts.appliance.words import Refusal, say


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
        host.start()
    elif old is None:
        _begin(layout, host, manifest, patience or Patience(), moment)
    else:
        _upgrade(layout, host, manifest, old, patience or Patience(), moment)


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
    trial.try_out(layout, manifest.name, patience)
    moment("tried")
    layout.lead_to(manifest.name)
    moment("new release leads")
    host.lay_units(manifest.name)
    host.start()
    say(f"{manifest.name} is installed.")


def _upgrade(
    layout: Layout, host: Host, manifest: Manifest, old: str, patience: Patience, moment: Moment
) -> None:
    backup = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{old}"
    backups.drop(layout, backup)
    host.stop()
    moment("stopped")
    upgrade = journal.note(layout, Upgrade("backing-up", old, manifest.name, backup))
    moment("backing up")
    say(f"Backing up to {layout.backups / backup} ...")
    backups.take(layout, backup, moment)
    upgrade = journal.note(layout, replace(upgrade, phase="trying"))
    moment("trying")
    try:
        say(f"Trying {manifest.name} ...")
        trial.try_out(layout, manifest.name, patience)
        moment("tried")
        upgrade = journal.note(layout, replace(upgrade, phase="opening"))
        moment("opening")
        layout.lead_to(manifest.name)
        moment("new release leads")
        host.lay_units(manifest.name)
        host.start()
    except Refusal as refusal:
        host.stop()
        journal.roll_back(layout, upgrade, moment)
        host.lay_units(old)
        host.start()
        text = f"{manifest.name} does not run here ({refusal}); {old} runs as before"
        raise Refusal(text, refusal.problems) from None
    journal.finish(layout)
    moment("finished")
    backups.prune(layout)
    releasing.prune(layout)
    say(f"{manifest.name} is installed; {old} and its backup stay.")
