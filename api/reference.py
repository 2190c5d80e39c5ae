"""The reference: an OpenAPI document that names each route's permission and every status."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.answers import answer
from api.deps import SESSION_COOKIE, Permission, SignedIn
from api.directory import Directory, routes_of
from api.errors import Problem, may_answer

router = APIRouter(tags=["reference"])
# What anybody may ask. Everything else declares a permission.
OPEN = frozenset({"/healthz", "/readyz"})
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "A personal API token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The console's session; unsafe methods need X-CSRF-Token.",
    },
    "phone": {
        "type": "apiKey",
        "in": "header",
        "name": "Phone-Proof",
        "description": "A guard's phone proves this one request (docs/guard-journal.md).",
    },
    "platform": {
        "type": "http",
        "scheme": "bearer",
        "description": "The key of the source, as its profile says (docs/http-ingest.md).",
    },
}
_ABOUT = """Sensors, alarms and tickets of the sites where you hold a permission.

Lists come newest first, in pages: follow `next` as `cursor`. Times are RFC 3339 in UTC. Errors
are problem documents (RFC 9457) that say what to do."""


def permission_of(route: APIRoute) -> Permission | None:
    """What a route declares to need; None when it declares nothing."""
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Permission):
            return dependency.call
    return None


def operation_id(route: APIRoute) -> str:
    """The name of a route's function, which is unique in the API."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: what FastAPI knows, with permissions and every error status."""
    # FastAPI looks into the routers that are included, but not into directories of them.
    routes = [
        one
        for route in app.routes
        for one in (route.routes if isinstance(route, Directory) else (route,))
    ]
    document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=routes)
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    needs = {operation_id(route): permission_of(route) for route in routes_of(app.routes)}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _complete(path, operation, needs[operation["operationId"]])
    return document


def _complete(path: str, operation: dict[str, Any], needed: Permission | None) -> None:
    answers = operation["responses"]
    errors = {400, 503}
    if "422" in answers:
        errors.add(422)
    if "requestBody" in operation:
        errors |= {413, 422}
    if "{" in path:
        errors.add(404)
    if needed is None:
        operation["security"] = []
        operation["x-permission"] = "open"
    else:
        operation["security"] = [{name: []} for name in needed.schemes]
        operation["x-permission"] = needed.name or needed.otherwise
        operation["description"] = f"{operation.get('description', '')}\n\n{needed.text}".strip()
        errors |= {401, 403}
    for status, documented in may_answer(*sorted(errors)).items():
        if str(status) not in answers or status == 422:
            answers[str(status)] = documented


@router.get("/openapi.json", summary="This document", response_model=dict[str, Any])
def get_document(asked: SignedIn, request: Request) -> Response:
    """The OpenAPI document of this version."""
    del asked
    return answer(request.app.openapi())
