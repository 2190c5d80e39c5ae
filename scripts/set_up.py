"""Set-up of a checkout: system packages, virtual environment, browser assets; each only once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

# Runs as `python3 -m scripts.set_up` before anything is installed: standard library only.
from scripts import browser_assets, python_packages, system_packages
from scripts.client_programs import EDGE, GATEWAY
from scripts.node_programs import FLUX_COMPILER, IDENTITY_PROVIDER, PAGE_CHECKS
from scripts.shell import ROOT, SetUpError, say


class Step(NamedTuple):
    """One step: what it brings, whether that is there already, and how to bring it."""

    title: str
    is_done: Callable[[], bool]
    perform: Callable[[], None]


SYSTEM = Step(
    "Debian packages for the tests",
    system_packages.are_installed,
    system_packages.install,
)
DEMO_PYTHON = Step(
    "Python packages (requirements.txt)",
    lambda: python_packages.are_installed("demo"),
    lambda: python_packages.install("demo"),
)
TEST_PYTHON = Step(
    "Python packages (requirements-test.txt)",
    lambda: python_packages.are_installed("test"),
    lambda: python_packages.install("test"),
)
LOCK_TOOL = Step(
    "uv (requirements-lock.txt)",
    lambda: (python_packages.ENVIRONMENT / "bin" / "uv").exists(),
    lambda: python_packages.install_lock("requirements-lock.txt"),
)
FONT = Step(
    "A font with Chinese characters, for PDFs (fonts-noto-cjk)",
    lambda: not system_packages.missing(system_packages.FONT),
    system_packages.install_font,
)
READER_SERVICE = Step(
    "Debian packages for readers of tags",
    lambda: not system_packages.missing(system_packages.for_readers()),
    lambda: system_packages.apt_install(system_packages.missing(system_packages.for_readers())),
)
READER_LIBRARY = Step(
    "pyscard (requirements-tags.txt)",
    lambda: bool(list(python_packages.ENVIRONMENT.glob("lib/python*/site-packages/smartcard"))),
    # It is built here, with the back-end that the environment holds already.
    lambda: python_packages.install_lock("requirements-tags.txt", "--no-build-isolation"),
)
NODE_PACKAGES = Step(
    "Browser packages (web/assets/package-lock.json)",
    browser_assets.are_installed,
    browser_assets.install,
)
BUNDLES = Step(
    "Browser bundles (web/static/dist)",
    browser_assets.are_built,
    browser_assets.build,
)
TEST_PROVIDER = Step(
    "Identity provider for the tests (tests/servers/oidc/package-lock.json)",
    IDENTITY_PROVIDER.is_installed,
    IDENTITY_PROVIDER.install,
)
TEST_FLUX = Step(
    "Compiler of Flux for the tests (tests/servers/flux/package-lock.json)",
    FLUX_COMPILER.is_installed,
    FLUX_COMPILER.install,
)
TEST_PAGES = Step(
    "Checks of pages for the tests (tests/web/quality/package-lock.json)",
    PAGE_CHECKS.is_installed,
    PAGE_CHECKS.install,
)
TEST_GATEWAY = Step(
    "ThingsBoard gateway for the tests (requirements-gateway.txt)",
    GATEWAY.is_installed,
    GATEWAY.install,
)
TEST_EDGE = Step(
    "Sparkplug edge node for the tests (requirements-edge.txt)",
    EDGE.is_installed,
    EDGE.install,
)

PLANS = {
    "python": [DEMO_PYTHON],
    "lint": [TEST_PYTHON],
    "lock": [TEST_PYTHON, LOCK_TOOL],
    "tags": [DEMO_PYTHON, READER_SERVICE, READER_LIBRARY],
    "font": [FONT],
    "bundles": [DEMO_PYTHON, NODE_PACKAGES, BUNDLES],
    "demo": [FONT, DEMO_PYTHON, NODE_PACKAGES, BUNDLES],
    "bundle": [TEST_PYTHON, NODE_PACKAGES, BUNDLES],
    "test": [
        SYSTEM,
        TEST_PYTHON,
        NODE_PACKAGES,
        BUNDLES,
        TEST_PROVIDER,
        TEST_FLUX,
        TEST_PAGES,
        TEST_GATEWAY,
        TEST_EDGE,
    ],
}


def run(steps: list[Step]) -> None:
    """Perform the steps that are not done yet, in order, and say how long each took."""
    for number, step in enumerate(steps, start=1):
        head = f"[{number}/{len(steps)}] {step.title}"
        if step.is_done():
            say(f"{head}: up to date")
            continue
        say(f"{head} ...")
        started = time.monotonic()
        step.perform()
        say(f"[{number}/{len(steps)}] done in {time.monotonic() - started:.1f} s")


def main(arguments: list[str]) -> int:
    """Exit status 0 when the named plan is in place, 1 with a reason otherwise, 2 for a misuse."""
    if len(arguments) != 1 or arguments[0] not in PLANS:
        say(f"usage: set_up.py {'|'.join(PLANS)}")
        return 2
    os.chdir(ROOT)
    try:
        run(PLANS[arguments[0]])
    except (SetUpError, subprocess.CalledProcessError) as error:
        say(f"Set-up stopped: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
