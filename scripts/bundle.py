"""`make bundle`: one archive that installs the product on a Debian machine without Internet."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from scripts.appliance.manifest import Manifest, digest_of, write_sums
from scripts.shell import ROOT, SetUpError, run, say

DEBIAN = ("fonts-noto-cjk",)
# Wheels for every Debian since 12 (glibc 2.36).
GLIBC = ("2_17", "2_24", "2_26", "2_27", "2_28", "2_31", "2_34", "2_35", "2_36")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# The lock has one entry a package: its line, and the lines of its hashes.
ENTRY = re.compile(r"^[a-z0-9][^\n]*(?:\n    [^\n]*)*", re.M)


def entries_for(lock: str, python: str, architecture: str) -> Iterator[str]:
    """The entries of a lock that a target needs; pip would judge by the Python that runs it."""
    here = {name: str(value) for name, value in default_environment().items()}
    target = here | {
        "python_version": python,
        "python_full_version": f"{python}.99",
        "platform_machine": architecture,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for entry in ENTRY.findall(lock):
        named = Requirement(entry.split("\\")[0])
        if named.marker is None or named.marker.evaluate(target):
            # Judged already.
            yield re.sub(r"\s*;[^\\\n]*", " ", entry, count=1)


def fetch_wheels(folder: Path, python: str, architecture: str) -> list[str]:
    """Fill a folder with the locked packages as wheels, and pip; returns "name==version"s."""
    folder.mkdir()
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = list(entries_for(lock, python, architecture))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(wanted))
        file.flush()
        command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps"]
        command += ["--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar"]
        command += ["off", "--python-version", python, "--implementation", "cp"]
        for glibc in GLIBC:
            command += ["--platform", f"manylinux_{glibc}_{architecture}"]
        command += ["--platform", f"manylinux2014_{architecture}", "--dest", str(folder)]
        say(f"Fetching {len(wanted)} locked packages for Python {python} on {architecture} ...")
        run([*command, "--requirement", file.name], progress=r"(Saved .*)", total=len(wanted))
    shutil.copy(own_pip(), folder)
    return [entry.split(" ")[0] for entry in wanted]


def own_pip() -> Path:
    """The wheel of pip that this Python brings for its environments; it needs no download."""
    places = [Path(sys.base_prefix) / "lib", Path("/usr/share/python-wheels")]
    for place in places:
        found = sorted(place.glob("python3*/ensurepip/_bundled/pip-*.whl"))
        found += sorted(place.glob("pip-*.whl"))
        if found:
            return found[-1]
    raise SetUpError("this Python brings no wheel of pip; install python3-venv")


def fetch_debian(folder: Path, architecture: str) -> list[str]:
    """Fetch the Debian packages that PDFs need; returns "name=version"s."""
    folder.mkdir()
    if not shutil.which("apt-get"):
        say(f"No apt-get here: {', '.join(DEBIAN)} is not in the bundle, PDFs need it.")
        return []
    names = [f"{name}:{ARCHITECTURES[architecture]}" for name in DEBIAN]
    if platform.machine() == architecture:
        names = list(DEBIAN)
    run(["apt-get", "download", *names], folder=folder, progress=r"(Get:.*)")
    found = []
    for package in sorted(folder.glob("*.deb")):
        shown = ["dpkg-deb", "--show", "--showformat", "${Package}=${Version}", str(package)]
        found.append(_output(shown))
    return found


def images(folder: Path) -> list[dict[str, str]]:
    """The container images of the compose file: each by name, and where an engine is by digest.

    The installer needs none of them. Those that the engine here holds are saved into the folder.
    """
    folder.mkdir()
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = sorted({_given(name) for name in re.findall(r"^\s+image:\s*(\S+)", text, re.M)})
    engine = next((name for name in ("docker", "podman") if _works(name, "info")), None)
    found = []
    for name in named:
        if engine is None or not _works(engine, "image", "inspect", name):
            found.append({"name": name, "digest": "", "file": ""})
            continue
        digest = _output([engine, "image", "inspect", "--format", "{{.Id}}", name])
        file = f"{re.sub(r'[^a-z0-9.]+', '-', name)}.tar"
        run([engine, "save", "--output", str(folder / file), name])
        found.append({"name": name, "digest": digest, "file": f"images/{file}"})
    missing = [image["name"] for image in found if not image["file"]]
    if missing:
        say(f"Named but not in the bundle, for no engine here holds them: {', '.join(missing)}.")
    return found


def _given(name: str) -> str:
    """A name as a container engine has it, with what the environment says, or else its default."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: os.environ.get(found[1]) or found[2], name)


def _works(*command: str) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _output(command: list[str]) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def pack_checkout(bundle: Path, commit: str) -> None:
    """The checkout at its commit, what was built for browsers from it, and the installer."""
    run(["git", "archive", "--output", str(bundle / "app.tar"), commit])
    assets = ["tar", "--create", "--owner=0", "--group=0", "--sort=name"]
    run([*assets, "--file", str(bundle / "assets.tar"), "web/static/dist"])
    inner = bundle / "installer" / "scripts"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts" / "appliance", inner / "appliance", ignore=ignore)
    shutil.copy(ROOT / "scripts" / "__init__.py", inner)
    shutil.copy(ROOT / "deploy" / "appliance" / "install.sh", bundle)


def write_bundle(bundle: Path, manifest: Manifest, target: Path) -> Path:
    """Close a bundle: its manifest, its hashes, one archive; returns the archive."""
    (bundle / "manifest.json").write_text(manifest.text(), encoding="utf-8")
    write_sums(bundle)
    archive = target / f"{bundle.name}.tar"
    # Wheels are compressed already.
    command = ["tar", "--create", "--owner=0", "--group=0", "--sort=name"]
    run([*command, "--file", str(archive), "--directory", str(bundle.parent), bundle.name])
    digest = digest_of(archive)
    Path(f"{archive}.sha256").write_text(f"{digest}  {archive.name}\n", encoding="utf-8")
    return archive


def build(target: Path, python: str, architecture: str) -> Path:
    """Build the bundle of the present commit into a folder; returns the archive."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if _output(["git", "status", "--porcelain"]):
        say("There are changes that are in no commit; they will not be in the bundle.")
    commit = _output(["git", "rev-parse", "HEAD"])
    name = f"{project['version']}-{commit[:12]}"
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        bundle = Path(folder) / f"watchkeeper-{name}-py{python}-{architecture}"
        bundle.mkdir()
        pack_checkout(bundle, commit)
        packages = fetch_wheels(bundle / "wheels", python, architecture)
        unpacked = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
        manifest = Manifest(
            name=name,
            version=project["version"],
            commit=commit,
            built_at=int(time.time()),
            python=python,
            architecture=architecture,
            packages=packages,
            debian=fetch_debian(bundle / "debs", architecture),
            images=images(bundle / "images"),
            # Packages take about four times their wheels, compiled files included.
            installed_mib=4 * unpacked // 2**20,
        )
        target.mkdir(parents=True, exist_ok=True)
        return write_bundle(bundle, manifest, target)


def main(arguments: list[str]) -> int:
    """Exit status 0 when the archive is there, 1 with a reason otherwise."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser = argparse.ArgumentParser(prog="make bundle", description=__doc__)
    parser.add_argument("--target", type=Path, default=ROOT / "var" / "bundles")
    parser.add_argument("--python", default=here, help="the target's, such as 3.13")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=platform.machine())
    given = parser.parse_args(arguments)
    try:
        archive = build(given.target.resolve(), given.python, given.architecture)
    except (SetUpError, subprocess.CalledProcessError) as error:
        say(f"No bundle: {error}")
        return 1
    digest = Path(f"{archive}.sha256").read_text(encoding="utf-8").split()[0]
    size = archive.stat().st_size // 2**20
    say(json.dumps({"bundle": str(archive), "mib": size, "sha256": digest}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
