"""Writes the hashed requirement locks, universal for Python 3.11 to 3.14, with uv."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Lock(NamedTuple):
    """One lock file: the uv arguments that shape it and the requirements given beside them."""

    file: str
    arguments: list[str]
    requirements: list[str]


def locks(project: Mapping[str, Any]) -> list[Lock]:
    """The locks to write, in order, from the parsed pyproject.toml."""
    # The test lock is resolved first and constrains the demo's, so that one virtual
    # environment can serve both with the same versions. The build back-end belongs to
    # them because the checkout is installed without build isolation.
    build = project["build-system"]["requires"]
    extras = project["project"]["optional-dependencies"]
    test = "requirements-test.txt"
    return [
        Lock(test, ["--extra", "test", "pyproject.toml"], build),
        Lock("requirements.txt", ["--constraint", test, "pyproject.toml"], build),
        Lock("requirements-node.txt", [], extras["node"]),
        Lock("requirements-lock.txt", [], extras["lock"]),
        Lock("requirements-tags.txt", [], extras["tags"]),
        Lock("requirements-gateway.txt", [], extras["gateway"]),
        Lock("requirements-edge.txt", [], extras["edge"]),
    ]


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without uv's own settings; a pip mirror serves uv as well."""
    kept = {name: value for name, value in environ.items() if not name.startswith("UV_")}
    if environ.get("PIP_INDEX_URL"):
        kept["UV_DEFAULT_INDEX"] = environ["PIP_INDEX_URL"]
    if environ.get("PIP_CERT"):
        kept.setdefault("SSL_CERT_FILE", environ["PIP_CERT"])
    return kept


def compile_command(lock: Lock, upgrade: bool) -> list[str]:
    """The uv command that writes one lock; its requirements come on standard input."""
    command = [sys.executable, "-m", "uv", "--no-config", "pip", "compile", "--quiet"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-header", "--no-annotate"]
    command += ["--upgrade"] if upgrade else []
    return [*command, "--output-file", lock.file, *lock.arguments, "-"]


def main() -> int:
    """Write every lock; with --upgrade take the newest versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    environment = clean_environment(os.environ)
    for lock in locks(project):
        sys.stdout.write(f"Resolving {lock.file}\n")
        sys.stdout.flush()
        done = subprocess.run(
            compile_command(lock, "--upgrade" in sys.argv[1:]),
            input="\n".join(lock.requirements),
            text=True,
            cwd=ROOT,
            env=environment,
            check=False,
        )
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
