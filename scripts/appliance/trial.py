"""The trial of a release: it migrates and runs behind closed doors before anything relies on it."""

import contextlib
import json
import os
import pwd
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.appliance.layout import USER, Layout
from scripts.appliance.words import Refusal, say

# Nobody reaches it: what devices send waits with them, so that going back loses nothing.
CLOSED_DOORS = {
    "WATCHKEEPER_HTTP_HOST": "127.0.0.1",
    "WATCHKEEPER_HTTP_PORT": "0",
    "WATCHKEEPER_MQTT_HOST": "",
    "WATCHKEEPER_BROKER_HOST": "127.0.0.1",
    "WATCHKEEPER_PUBLIC_URL": "",
}
# How many things are wrong of each part that is ill; older releases name the parts alone.
Ill = Mapping[str, int]
UNCOUNTED = 0
_STOP_SECONDS = 90.0
_MOST_SAID = 1_000_000


@dataclass(frozen=True)
class Patience:
    """Seconds: until it answers (a migration may take long), and for how long it must then do."""

    start: float = 1800.0
    steady: float = 10.0


@dataclass(frozen=True)
class Word:
    """What a product says of itself. problem: empty when all is well; ill: the parts that are not,
    empty too where it can't say."""

    problem: str
    ill: Ill = field(default_factory=dict)

    def since(self, before: Ill) -> str:
        """What is wrong, unless it was as wrong before; empty when nothing is.

        A part that was ill already got worse when more of its things are wrong. What else is wrong
        with it stands only in its words, which change from try to try: an upgrade must not fail
        because a broker that is away refuses today and timed out yesterday.
        """
        as_before = all(_is_as_before(count, before.get(part)) for part, count in self.ill.items())
        return "" if self.ill and as_before else self.problem


def _is_as_before(count: int, before: int | None) -> bool:
    return before is not None and (count <= before or UNCOUNTED in (count, before))


def try_out(layout: Layout, name: str, patience: Patience, before: Ill) -> None:
    """Run a release on the data; Refusal unless it comes up, stays well and ends in order.

    before: what was wrong already, which counts against nobody.
    """
    release = layout.release(name)
    log = layout.home / "trial.log"
    announced = layout.data / "running.json"
    announced.unlink(missing_ok=True)
    owner = _owner(layout)
    if owner is not None:
        own_everything(layout, owner)
    # The product greets with addresses and passwords; they are for root alone.
    log.unlink(missing_ok=True)
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        process = subprocess.Popen(
            [str(release / ".venv/bin/watchkeeper"), "up"],
            cwd=release,
            env=environment(layout) | CLOSED_DOORS,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _watch(process, announced, patience, before)
        say(f"{name} has been well for {patience.steady:.0f} s.")
    except Refusal as refusal:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise Refusal(str(refusal), [*refusal.problems, *tail]) from None
    finally:
        _end(process)


def environment(layout: Layout) -> dict[str, str]:
    """What the product is started with, as the unit says it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return kept | {"WATCHKEEPER_CONFIG": str(layout.settings), "PYTHONUNBUFFERED": "1"}


def _owner(layout: Layout) -> pwd.struct_passwd | None:
    if layout.root != Path("/"):
        return None
    return pwd.getpwnam(USER)


def own_everything(layout: Layout, owner: pwd.struct_passwd) -> None:
    """The data belongs to whom the service runs as."""
    for path in (layout.data, *layout.data.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_uid != owner.pw_uid:
                # A name of the product's must not make root give away what it leads to.
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def _watch(
    process: subprocess.Popen[bytes],
    announced: Path,
    patience: Patience,
    before: Ill,
) -> None:
    ends = time.monotonic() + patience.start
    since: float | None = None
    ill = ""
    while since is None or time.monotonic() - since < patience.steady:
        if process.poll() is not None:
            raise Refusal(f"it ended by itself, with status {process.returncode}")
        ill = word_of(announced).since(before)
        if not ill:
            since = since or time.monotonic()
        elif since is not None:
            raise Refusal(f"it fell ill: {ill}")
        elif time.monotonic() > ends:
            raise Refusal(f"it did not become ready within {patience.start:.0f} s: {ill}")
        time.sleep(0.1)


def word_of(announced: Path) -> Word:
    """How the product is that left word there of where it listens."""
    try:
        word = json.loads(announced.read_text(encoding="utf-8"))
        # By the address that others use the way may lead over a proxy or a name service that is
        # away; older releases tell no other.
        url = word.get("local_url") or word["url"]
    except (OSError, ValueError, KeyError):
        return Word("it has not said where it listens")
    try:
        # The address is of a file that only the product writes.
        request = urllib.request.Request(f"{url}/readyz")  # noqa: S310
        with _opener().open(request, timeout=10):
            return Word("")
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(_MOST_SAID)
        return Word(f"{error.code} {said[:500].decode(errors='replace')}", _ill(said))
    except OSError as error:
        return Word(str(error))


def _ill(said: bytes) -> Ill:
    """The parts that are ill, by an answer of /readyz; none where it is no such answer."""
    try:
        parts = json.loads(said)["parts"]
        return {
            str(one["part"]): int(one.get("faults", UNCOUNTED)) for one in parts if not one["ok"]
        }
    except (ValueError, KeyError, TypeError):
        return {}


def _opener() -> urllib.request.OpenerDirector:
    # Its certificate is for the names that others call it by; this never leaves the machine.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    secure = urllib.request.HTTPSHandler(context=unchecked)
    # Nor may a proxy that root's environment names be asked.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), secure)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
