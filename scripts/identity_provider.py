"""The identity provider that tests sign in with: an npm package by its own lock."""

from scripts.browser_assets import node_environment
from scripts.shell import ROOT, fingerprint, read_stamp, run, write_stamp

FOLDER = ROOT / "tests" / "servers" / "oidc"
OLDEST_NODE = 20


def is_installed() -> bool:
    """Whether node_modules was filled from the present lock."""
    filled = FOLDER / "node_modules" / ".package-lock.json"
    return filled.exists() and read_stamp("identity-provider") == _stamp()


def install() -> None:
    """Fill node_modules from the lock; install scripts don't run."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(command, environment=node_environment(OLDEST_NODE), folder=FOLDER)
    write_stamp("identity-provider", _stamp())


def _stamp() -> str:
    return fingerprint([FOLDER / "package.json", FOLDER / "package-lock.json"])
