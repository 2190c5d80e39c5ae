"""What a profile says of a kind of device: how it is known, and what it is to become."""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.catalog import Text


@dataclass(frozen=True, slots=True)
class Battery:
    """What is to be bought when it is empty. cell: as people order it (CR2032, ER14505)."""

    cell: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A model that is certainly of this kind.

    model: words of which one stands in what the device says of itself. code: patterns of the
    codes that such devices have, `*` for anything.
    """

    maker: str
    model: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    battery: Battery | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key under which such devices send a value, `*` for anything.

    invert: true says no, and false says yes. unit: in which it comes, where that is not the
    catalogue's.
    """

    pattern: str
    invert: bool = False
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class ProfilePoint:
    """A point of the asset type, and what feeds it.

    means: device classes that say the same (`moisture`). words: pairs of what a yes-or-no value may
    be written as, no first.
    """

    code: str
    keys: tuple[Key, ...]
    means: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of device. needs: so many of its values make a device one of this kind.

    beside: other kinds send such values beside their own, so a device is one of this kind only
    where it is none of another.
    interval: seconds within which one that is well speaks. rules: those that watch it. own: not
    shipped, but written by this installation.
    """

    id: str
    name: Text
    asset_type: str
    points: Mapping[str, ProfilePoint]
    known: tuple[Known, ...] = ()
    interval: float | None = None
    battery: Battery | None = None
    rules: tuple[str, ...] = ()
    needs: int = 1
    beside: bool = False
    own: bool = False


Profiles = Mapping[str, Profile]
