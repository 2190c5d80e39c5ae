"""Secrets that are given as files: a container mounts them, its environment only names them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

SUFFIX = "_FILE"
# Far above any key or address; whoever named a wrong file is told so rather than sent it.
_LARGEST = 64 * 1024


class SecretFiles(NamedTuple):
    """What the files held, by setting, and what is wrong with them."""

    values: dict[str, str]
    problems: list[str]


def variable(prefix: str, name: str) -> str:
    """The variable that names the file of a secret."""
    return f"{prefix}{name.upper()}{SUFFIX}"


def read_secrets(names: Iterable[str], prefix: str, environment: Mapping[str, str]) -> SecretFiles:
    """Read the file of each secret whose variable is set; line breaks at its end don't count.

    A secret that is given in both ways is a problem, for nobody could tell which one holds.
    """
    values, problems = dict[str, str](), list[str]()
    for name in sorted(names):
        named = variable(prefix, name)
        if named not in environment:
            continue
        if prefix + name.upper() in environment:
            problems.append(f"{named}: {prefix}{name.upper()} is set, too; keep one of them")
            continue
        try:
            values[name] = _read(Path(environment[named]))
        except (OSError, ValueError) as error:
            problems.append(f"{named}: {environment[named]} {_why(error)}")
    return SecretFiles(values, problems)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("is too large for a secret")
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    if not text:
        raise ValueError("is empty")
    return text


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"can't be read: {error.strerror}"
    return str(error)
