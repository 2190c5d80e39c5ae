"""Health checks of the production stack: what they show to others on the machine."""

import os
from pathlib import Path

import pytest

from tests.servers.stack import Stack

SECRET = "n0body-else-reads-this"
# Says what it was started with, and answers as a broker that is well.
PROGRAM = """\
#!/bin/sh
printf '%s\\n' "$@" >"$SAID/arguments"
env >"$SAID/environment"
cp "$XDG_CONFIG_HOME/mosquitto_sub" "$SAID/options"
"""


def test_the_brokers_check_shows_its_password_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(tmp_path)
    stack.secrets.mkdir()
    (stack.secrets / "mqtt_admin_password").write_text(SECRET)
    said = tmp_path / "said"
    said.mkdir()
    program = tmp_path / "bin" / "mosquitto_sub"
    program.parent.mkdir()
    program.write_text(PROGRAM.replace("$SAID", str(said)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    well, words = stack.check("broker")
    assert well, words
    assert SECRET not in (said / "arguments").read_text()
    assert SECRET not in (said / "environment").read_text()
    assert (said / "options").read_text() == f"-P {SECRET}"
    [kept] = (tmp_path / "tmpfs" / "broker").rglob("mosquitto_sub")
    assert kept.stat().st_mode & 0o077 == 0
    stack.close()
