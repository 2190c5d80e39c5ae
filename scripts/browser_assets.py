"""The browser's code: npm packages by their lock, bundled into a folder that git ignores."""

import os
import re
import shutil
import subprocess

from scripts import python_packages
from scripts.shell import ROOT, SetUpError, fingerprint, read_stamp, run, say, write_stamp

ASSETS = ROOT / "web" / "assets"
TEMPLATES = ROOT / "web" / "templates"
MODULES = ASSETS / "node_modules"
BUNDLES = ROOT / "web" / "static" / "dist"
OLDEST_NODE = 18
NODE_LOCK = "requirements-node.txt"
WHEEL_FOLDER = python_packages.ENVIRONMENT / "bin"


def are_installed() -> bool:
    """Whether node_modules was filled from the present lock."""
    return (MODULES / ".package-lock.json").exists() and read_stamp("npm") == packages_stamp()


def install() -> None:
    """Fill node_modules from the lock; install scripts don't run, a package's code is only read."""
    environment = node_environment()
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(command, environment=environment, folder=ASSETS)
    write_stamp("npm", packages_stamp())


def are_built() -> bool:
    """Whether the bundles were made from the present sources and packages."""
    return (BUNDLES / "app.js").exists() and read_stamp("bundles") == bundles_stamp()


def build() -> None:
    """Check the sources' types and bundle them with esbuild."""
    run(["npm", "run", "--silent", "build"], environment=node_environment(), folder=ASSETS)
    write_stamp("bundles", bundles_stamp())


def packages_stamp() -> str:
    """A hash over npm's files."""
    return fingerprint([ASSETS / "package.json", ASSETS / "package-lock.json"])


def bundles_stamp() -> str:
    """A hash over the sources, the pages, what says how to build them, and npm's files.

    The pages, because of Tabler's styles only what they use is taken.
    """
    folders = (ASSETS / "src", ASSETS / "icons")
    sources = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    pages = list(TEMPLATES.rglob("*.html"))
    steps = [ASSETS / name for name in ("build.mjs", "tabler.mjs", "tsconfig.json")]
    return fingerprint([*sources, *pages, *steps], packages_stamp())


def node_environment(oldest: int = OLDEST_NODE) -> dict[str, str]:
    """An environment whose PATH has node and npm: the machine's, else those of the wheel."""
    machine = os.environ.get("PATH", "")
    if node_version(machine) >= oldest and shutil.which("npm", path=machine):
        return dict(os.environ)
    wheel = f"{WHEEL_FOLDER}{os.pathsep}{machine}"
    if not (WHEEL_FOLDER / "npm").exists():
        say(f"      no Node.js from version {oldest} with npm here: taking it as a wheel")
        python_packages.install_lock(NODE_LOCK)
    if node_version(wheel) < oldest:
        raise SetUpError(f"the Node.js of {NODE_LOCK} does not run; install nodejs and npm")
    return {**os.environ, "PATH": wheel}


def node_version(path: str) -> int:
    """The major version of the first node on a PATH; 0 when there is none."""
    node = shutil.which("node", path=path)
    if node is None:
        return 0
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", asked.stdout)
    return int(found[1]) if found else 0
