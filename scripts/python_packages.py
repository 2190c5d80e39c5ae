"""The virtual environment, filled from the hashed locks."""

import importlib.util
import re
import subprocess
import sys

from scripts.shell import ROOT, SetUpError, fingerprint, read_stamp, run, say, write_stamp
from scripts.system_packages import apt_install

ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
LOCKS = {"demo": ROOT / "requirements.txt", "test": ROOT / "requirements-test.txt"}
STAMP = "python-packages"
# What pip says once for each line of a lock (an index, a local file, another Python's line,
# nothing to do), and then once for all.
PIP_PROGRESS = (
    r"(?:Collecting|Processing|Ignoring|Requirement already satisfied:) (?:\S*/)?([^\s:]+)"
    r"|Installing collected packages"
)


def stamp(purpose: str) -> str:
    """The purpose, and a hash over its lock, the project file and the interpreter."""
    inputs = fingerprint([LOCKS[purpose], ROOT / "pyproject.toml"], interpreter())
    return f"{purpose} {inputs}"


def interpreter() -> str:
    """Which Python fills the environment: a new one needs a new environment."""
    return f"{sys.version_info.major}.{sys.version_info.minor} {sys.base_prefix}"


def are_installed(purpose: str) -> bool:
    """Whether the environment holds the purpose's packages; the tests' include the demo's."""
    if not PYTHON.exists():
        return False
    return read_stamp(STAMP) in {stamp(purpose), stamp("test")}


def install(purpose: str) -> None:
    """Fill the environment from the purpose's lock and install the checkout into it."""
    create_environment()
    install_lock(LOCKS[purpose].name)
    say("      this checkout, editable")
    pip = [str(PYTHON), "-m", "pip", "install", "--no-deps"]
    run([*pip, "--no-build-isolation", "--editable", "."], progress=r"(Successfully .*)")
    write_stamp(STAMP, stamp(purpose))


def install_lock(lock: str, *more: str) -> None:
    """Install one lock file: every package by its hash, and nothing that it does not name.

    more: further arguments for pip.
    """
    total = len(re.findall(r"^[a-z0-9].*==", (ROOT / lock).read_text(encoding="utf-8"), re.M))
    say(f"      {total} packages named in {lock}; those already there are kept")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-deps"]
    command += [
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
        "--requirement",
        lock,
        *more,
    ]
    run(command, progress=PIP_PROGRESS, total=total)


def create_environment() -> None:
    """Make the environment unless one of the same Python is there."""
    if PYTHON.exists() and environment_version() == sys.version_info[:2]:
        return
    if importlib.util.find_spec("ensurepip") is None:
        bring_venv_module()
    say(f"      .venv of Python {sys.version.split()[0]}")
    run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])


def environment_version() -> tuple[int, ...]:
    """The (major, minor) version of the environment's Python."""
    code = "import sys; print(*sys.version_info[:2])"
    asked = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in asked.stdout.split())


def bring_venv_module() -> None:
    """Install Debian's package for the venv module, which its Python leaves out."""
    if not sys.executable.startswith("/usr/bin/"):
        raise SetUpError(f"{sys.executable} has no ensurepip module; use a Python that has it")
    apt_install([f"python{sys.version_info.major}.{sys.version_info.minor}-venv"])
