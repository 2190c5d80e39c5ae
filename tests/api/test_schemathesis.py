"""Whatever the OpenAPI document allows to be asked is answered as it says, and never with a 5xx."""

from typing import Any

import schemathesis
from fastapi import FastAPI, Response
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.serialization import Binary

from core.voice import TYPES as VOICE_TYPES
from tests.fixtures import Administrator

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 15


@schemathesis.serializer("image/heic", *VOICE_TYPES)
def as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """The body of a file; the tool itself knows how to send pictures of other kinds."""
    del context
    return value.data if isinstance(value, Binary) else str(value).encode()


def keep_to_the_description(app: FastAPI, token: str, examples: int, *, seeded: bool) -> list[str]:
    """Ask every operation `examples` times; returns what was found, each once."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    headers = {"Authorization": f"Bearer {token}"}
    found = list[str]()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        try:
            _ask(operation, headers, examples, seeded=seeded)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - told with the others
            found.append(f"{operation.label}: {error}"[:1500])
    return found


def _ask(operation: Any, headers: dict[str, str], examples: int, *, seeded: bool) -> None:
    @settings(
        max_examples=examples,
        derandomize=seeded,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()


def test_every_operation_keeps_to_its_description(
    app: FastAPI, theirs: dict[str, str], administrator: Administrator
) -> None:
    assert theirs
    assert len(app.openapi()["paths"]) > 30
    found = keep_to_the_description(app, administrator.token, EXAMPLES, seeded=True)
    assert found == [], "\n\n".join(found)


def test_an_operation_that_fails_or_answers_what_it_does_not_tell_is_found() -> None:
    app = FastAPI()

    @app.get("/fails/{number}")
    def fails(number: int) -> int:
        return 1 // (number - number)

    @app.get("/untold")
    def untold() -> Response:
        return Response(status_code=418)

    @app.get("/sound")
    def sound() -> dict[str, int]:
        return {"a": 1}

    found = keep_to_the_description(app, "", EXAMPLES, seeded=True)
    assert [text.split(":")[0] for text in found] == ["GET /fails/{number}", "GET /untold"]
