"""Programs for Node.js that only tests run: npm packages, each by a lock of its own."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from scripts.browser_assets import node_environment
from scripts.shell import ROOT, fingerprint, read_stamp, run, write_stamp


class NodeProgram(NamedTuple):
    """A folder with an npm lock, and the major version of Node.js that its packages ask for."""

    name: str
    folder: Path
    oldest_node: int

    def is_installed(self) -> bool:
        """Whether node_modules was filled from the present lock."""
        filled = self.folder / "node_modules" / ".package-lock.json"
        return filled.exists() and read_stamp(self.name) == self._stamp()

    def install(self) -> None:
        """Fill node_modules from the lock; install scripts don't run."""
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, environment=self.environment(), folder=self.folder)
        write_stamp(self.name, self._stamp())

    def environment(self) -> dict[str, str]:
        """An environment whose PATH has a Node.js that runs it."""
        return node_environment(self.oldest_node)

    def node(self) -> str:
        """The path of that Node.js.

        The wheel's command is a Python program which waits for it, and which dies alone if killed.
        """
        asked = ["node", "--print", "process.execPath"]
        environment = self.environment()
        return subprocess.check_output(asked, env=environment, text=True).strip()

    def _stamp(self) -> str:
        return fingerprint([self.folder / "package.json", self.folder / "package-lock.json"])


IDENTITY_PROVIDER = NodeProgram("identity-provider", ROOT / "tests" / "servers" / "oidc", 20)
# The compiler of Flux, InfluxDB's language.
FLUX_COMPILER = NodeProgram("flux-compiler", ROOT / "tests" / "servers" / "flux", 20)
# Lighthouse and axe-core.
PAGE_CHECKS = NodeProgram("page-checks", ROOT / "tests" / "web" / "quality", 22)
# Node-RED, which only `make proof` tries: it is the largest. It asks for 22.9.
NODE_RED = NodeProgram("node-red", ROOT / "proof" / "node_red", 23)
