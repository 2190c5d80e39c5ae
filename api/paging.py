"""Pages of lists: opaque cursors and the limit."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query

from core.clock import from_micros, to_micros
from core.errors import Invalid
from core.paging import LARGEST_PAGE, Wish

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many items at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; none for the first.")
]
# No column of ours keeps a larger number.
_LARGEST = 2**63 - 1


def _number(value: Any) -> int:
    number = int(value)
    if abs(number) > _LARGEST:
        raise OverflowError
    return number


_READERS: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {
        datetime: lambda value: from_micros(int(value)),
        date: date.fromisoformat,
        UUID: UUID,
        int: _number,
        str: str,
    }
)


def encode(key: tuple[Any, ...] | None) -> str | None:
    """The opaque text of a row's key; None stays None."""
    if key is None:
        return None
    plain = [to_micros(part) if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def decode(cursor: str, types: tuple[type, ...]) -> tuple[Any, ...]:
    """The key behind an opaque text. Invalid when it is none of this list's."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return tuple(_READERS[kind](value) for kind, value in zip(types, values, strict=True))
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise Invalid(
            "the cursor is not one of this list",
            problems=["cursor: use `next` of the page before as it is"],
        ) from None


def wish(limit: int, cursor: str | None, *types: type) -> Wish:
    """The page that is asked for; `types` are those of the list's key."""
    return Wish(limit, decode(cursor, types) if cursor else None)
