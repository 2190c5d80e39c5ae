"""What a bundle says of itself, and the SHA-256 of each of its files."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.appliance.words import Refusal

SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """A bundle's target, contents and origin.

    built_at: Unix time; no clock of a machine on which it is installed stands before it.
    packages, debian: "name==version" and "name=version"; images: name, digest and file of each.
    """

    name: str
    version: str
    commit: str
    built_at: int
    python: str
    architecture: str
    packages: list[str]
    debian: list[str]
    images: list[dict[str, str]]
    installed_mib: int
    format: int = FORMAT

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_manifest(bundle: Path) -> Manifest:
    """The manifest of an unpacked bundle. Refusal when it is none, or of a later format."""
    try:
        found = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise Refusal(f"this bundle has format {found['format']}; use the installer inside it")
        return Manifest(**found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{bundle} is no bundle of Watchkeeper: {error}") from None


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(bundle: Path) -> list[str]:
    """Every file of a bundle but the list itself, by its path inside."""
    paths = (path for path in bundle.rglob("*") if path.is_file() or path.is_symlink())
    names = (path.relative_to(bundle).as_posix() for path in paths)
    return sorted(name for name in names if name != SUMS and "__pycache__" not in name)


def write_sums(bundle: Path) -> None:
    """List the hash of every file, as sha256sum(1) reads it."""
    lines = [f"{digest_of(bundle / name)}  {name}\n" for name in files_of(bundle)]
    (bundle / SUMS).write_text("".join(lines), encoding="utf-8")


def verify(bundle: Path) -> None:
    """Refusal unless the bundle holds exactly the files that its list names, unchanged."""
    try:
        lines = (bundle / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"the list of hashes can't be read: {error}") from None
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = set(files_of(bundle))
    problems = [f"{name} is missing" for name in sorted(listed.keys() - found)]
    problems += [f"{name} does not belong to it" for name in sorted(found - listed.keys())]
    for name in sorted(found & listed.keys()):
        if digest_of(bundle / name) != listed[name]:
            problems.append(f"{name} is damaged")
    if problems:
        raise Refusal("this bundle is not as it was built; copy it here again", problems)
