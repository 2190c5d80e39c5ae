"""Whatever the OpenAPI document allows to be asked is answered as it says, and never with a 5xx."""

from collections import Counter
from typing import Any

import pytest
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
from tests.fixtures import Administrator, SmallSite

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# `make proof` asks three hundred times.
EXAMPLES = 10


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


# Thousands of requests: on a busy machine the usual limit would end one of them in the middle.
@pytest.mark.timeout(1200)
def test_every_operation_keeps_to_its_description(
    app: FastAPI, theirs: dict[str, str], administrator: Administrator
) -> None:
    assert theirs
    assert len(app.openapi()["paths"]) > 30
    found = keep_to_the_description(app, administrator.token, EXAMPLES, seeded=True)
    assert found == [], "\n\n".join(found)


def test_whatever_routes_and_plans_may_be_is_taken_or_refused(
    app: FastAPI, theirs: dict[str, str], administrator: Administrator, site: SmallSite
) -> None:
    headers = {"Authorization": f"Bearer {administrator.token}", "If-Match": "*"}
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    answered = Counter[int]()
    for path, method in (("routes", "post"), ("round-plans", "post"), ("rounds", "get")):
        ask_of_ours(schema[f"/api/v1/{path}"][method], theirs, site, headers, answered)
    for path in ("routes/{route_id}", "round-plans/{plan_id}"):
        ask_of_ours(schema[f"/api/v1/{path}"]["put"], theirs, site, headers, answered)
    assert answered[201] > 0
    assert answered[422] > 0
    assert 500 not in answered


def ask_of_ours(
    operation: Any,
    theirs: dict[str, str],
    site: SmallSite,
    headers: dict[str, str],
    answered: Counter[int],
) -> None:
    """Ask an operation whatever it may be asked, about things that are there."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.path_parameters = {name: theirs[name] for name in case.path_parameters}
        of_ours(case.body, theirs, site)
        answered[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    ask()


def of_ours(body: Any, theirs: dict[str, str], site: SmallSite) -> None:
    """Let a body speak of things that are there, so that all else in it is judged."""
    if not isinstance(body, dict):
        return
    named = {**theirs, "site_id": str(site.id), "team": "security"}
    for name in body.keys() & named.keys():
        body[name] = named[name]
    for point in body.get("points", []):
        point["checkpoint_id"] = theirs["checkpoint_id"]
    if "times" in body:
        body["times"] = [f"{len(text):02}:00" for text in body["times"]]


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
