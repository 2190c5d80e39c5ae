"""What requests carry: field types that every body shares."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from core.errors import Invalid
from core.local_time import FIRST_YEAR, LAST_YEAR

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Prose = Annotated[str, StringConstraints(max_length=20_000)]


def _thinkable(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_thinkable)]


def or_else(instead: Any) -> WrapValidator:
    """Take `instead` of what makes no sense, where nothing may be refused for it."""

    def take(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
        try:
            return check(value)
        except ValidationError:
            return instead

    return WrapValidator(take)


class Body(BaseModel):
    """The body of a request: unknown fields are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _texts_can_be_kept(cls, value: Any) -> Any:
        for text in _texts_in(value):
            # PostgreSQL can't keep them, and no text that people write holds one.
            if "\0" in text:
                raise ValueError("a text holds a NUL character")
            # As JSON may escape it: no database keeps it, and no answer can say it again.
            if not text.isascii() and _HALF_CHARACTER.search(text):
                raise ValueError("a text holds half of a surrogate pair")
        return value


def _texts_in(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item


class Names(Body):
    """An administered name, in one language or both."""

    en: Annotated[str, Field(max_length=200)] = ""
    zh: Annotated[str, Field(max_length=200)] = ""

    def filled(self) -> dict[str, str]:
        """The languages that are given."""
        return {key: text for key, text in self.model_dump().items() if text.strip()}


class Change(Body):
    """Fields to change; what is left out stays. may_be_null: fields that null empties."""

    may_be_null: ClassVar[frozenset[str]] = frozenset()

    def changes(self) -> dict[str, Any]:
        """The fields that were given. Invalid when one may not be null, or none is given."""
        given = self.model_dump(exclude_unset=True)
        problems = [
            f"{name}: can't be null"
            for name, value in given.items()
            if value is None and name not in self.may_be_null
        ]
        if problems or not given:
            raise Invalid("nothing was changed", problems=problems or ["no field is given"])
        return given
