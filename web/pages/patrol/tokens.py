"""What is scanned at a checkpoint: put there by kind, shown once, lost, found again, replaced."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid, NotFound
from rules.wording import worded
from web.label_sheets import in_sheets
from web.languages import mark
from web.page_route import PageRoute
from web.pages.devices import Fields, form_fields
from web.pages.patrol.chosen import (
    actor_of,
    chosen_site,
    devices_to_choose,
    one_id,
    require_seen,
)
from web.pages.patrol.labels import label_of
from web.tag_set_up import template
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol

NOT_PUT = "nothing was put there"


def router(templates: Templates) -> APIRouter:
    """The routes of what is scanned at checkpoints."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_putting(routes, templates)
    _add_replacing(routes, templates)
    _add_losing(routes)
    return routes


def _newest(tokens: Sequence[Mapping[str, Any]]) -> UUID | None:
    return tokens[0]["id"] if tokens else None


def _new(fields: Mapping[str, str], kind: str) -> patrol.NewToken:
    written = fields.get("weakest_dbm", "").strip().replace("\N{MINUS SIGN}", "-")
    try:
        weakest = int(written) if written else None
    except ValueError:
        raise Invalid(
            NOT_PUT, problems=[worded(mark("weakest_dbm: a whole number in dBm"))]
        ) from None
    return patrol.NewToken(
        kind,
        fields.get("value", "").strip(),
        fields.get("label", "").strip(),
        one_id(fields.get("device", ""), "device", NOT_PUT),
        weakest,
    )


def _asked(visit: Visit, checkpoint_id: UUID) -> tuple[Visit, dict[str, Any]]:
    """What a form about a checkpoint's tokens shows. NotAllowed for who may not put any there."""
    with visit.parts.database.read() as session:
        row = patrol.describe_checkpoint(session, visit.caller, checkpoint_id)
        visit.caller.require(patrol.WRITE, row["site_id"])
        chosen = chosen_site(session, visit, patrol.WRITE, row["site_id"])
        tokens = patrol.tokens_of(session, checkpoint_id)
        devices = devices_to_choose(session, visit, row["site_id"])
    return visit.at(chosen.site.time_zone), {
        "point": row,
        "site": chosen.site,
        "seen": _newest(tokens) or "",
        "devices": devices,
        "of_devices": patrol.OF_DEVICES,
        "of_values": patrol.OF_VALUES,
    }


def _add_putting(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/checkpoints/{checkpoint_id}/tokens/new")
    def form(visit: SignedInVisit, checkpoint_id: UUID, kind: str = "") -> Response:
        local, context = _asked(visit, checkpoint_id)
        if kind and kind not in patrol.KINDS:
            raise NotFound(
                worded(mark("there is no such kind")),
                advice=worded(mark("Choose one from the list.")),
            )
        return templates.page(
            "patrol/new_token.html", local, section="checkpoints", kind=kind, old=None, **context
        )

    @routes.post("/checkpoints/{checkpoint_id}/tokens")
    def put(
        visit: SignedInVisit,
        request: Request,
        checkpoint_id: UUID,
        fields: Annotated[Fields, Depends(form_fields)],
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row = patrol.find_checkpoint(
                session, visit.caller, checkpoint_id, now=now, permission=patrol.WRITE
            )
            require_seen(fields.get("seen", ""), _newest(patrol.tokens_of(session, row.id)))
            made = patrol.put_token(
                session,
                row,
                _new(fields, fields.get("kind", "")),
                vault=visit.parts.vault,
                actor=actor_of(visit),
                now=now,
            )
            shown = _shown(session, visit, request, made)
        return _answer(templates, visit, checkpoint_id, shown)


def _add_replacing(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/checkpoint-tokens/{checkpoint_token_id}/replace")
    def form(visit: SignedInVisit, checkpoint_token_id: UUID) -> Response:
        with visit.parts.database.read() as session:
            row = _found(session, visit, checkpoint_token_id)
            # A conflict with the reason, before anybody fills in a form for nothing.
            patrol.TOKEN.target("replace", row.state)
            checkpoint_id, kind = row.checkpoint_id, row.kind
            old = {"id": row.id, "version": row.version, "label": row.label}
            old |= {"device_id": row.device_id, "weakest_dbm": row.weakest_dbm}
        local, context = _asked(visit, checkpoint_id)
        return templates.page(
            "patrol/new_token.html", local, section="checkpoints", kind=kind, old=old, **context
        )

    @routes.post("/checkpoint-tokens/{checkpoint_token_id}/replace")
    def replace(
        visit: SignedInVisit,
        request: Request,
        checkpoint_token_id: UUID,
        fields: Annotated[Fields, Depends(form_fields)],
    ) -> Response:
        with visit.parts.database.write() as session:
            row = _found(session, visit, checkpoint_token_id)
            made = patrol.replace_token(
                session,
                row,
                _new(fields, row.kind),
                vault=visit.parts.vault,
                actor=actor_of(visit),
                now=visit.parts.clock.now(),
                expected_version=version_read(fields.get("version", "")),
            )
            shown = _shown(session, visit, request, made)
        return _answer(templates, visit, made.token.checkpoint_id, shown)


def _shown(
    session: Session, visit: Visit, request: Request, made: patrol.Put
) -> dict[str, Any] | None:
    """What is shown this once of a token; None where there is nothing to show."""
    if not made.secrets:
        return None
    token, secrets = made.token, made.secrets
    point = patrol.describe_checkpoint(session, visit.caller, token.checkpoint_id)
    base = visit.parts.settings.sticker_base(str(request.base_url))
    shown: dict[str, Any] = {"point": point, "kind": token.kind, "key_version": token.key_version}
    if token.kind == "signed_tag":
        names = ("application_key", "meta_read_key", "file_read_key")
        shown["keys"] = {name: secrets[name] for name in names}
        shown["plain"] = template(base, secrets["query"])
        shown["with_tamper"] = template(base, secrets["query_with_tamper"])
    elif token.kind == "rotating_code":
        shown["secret"] = _in_groups(secrets["secret"])
        shown["qr"] = segno.make(secrets["otpauth"], error="m").svg_data_uri(scale=6, border=2)
    else:
        label = label_of(visit, point, secrets["query"], base)
        shown |= {"sheets": in_sheets([label]), "both": patrol.CALL}
    return shown


def _in_groups(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _answer(
    templates: Templates, visit: Visit, checkpoint_id: UUID, shown: dict[str, Any] | None
) -> Response:
    if shown is None:
        return RedirectResponse(f"/checkpoints/{checkpoint_id}", status_code=303)
    return templates.page("patrol/put.html", visit, section="checkpoints", **shown)


def _found(session: Session, visit: Visit, token_id: UUID) -> patrol.CheckpointToken:
    return patrol.find_token(session, visit.caller, token_id, permission=patrol.WRITE)


def _add_losing(routes: APIRouter) -> None:
    @routes.post("/checkpoint-tokens/{checkpoint_token_id}/lose")
    def lose(
        visit: SignedInVisit, checkpoint_token_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _moved(visit, checkpoint_token_id, version, patrol.lose_token)

    @routes.post("/checkpoint-tokens/{checkpoint_token_id}/find")
    def find(
        visit: SignedInVisit, checkpoint_token_id: UUID, version: Annotated[str, Form()] = ""
    ) -> Response:
        return _moved(visit, checkpoint_token_id, version, patrol.recover_token)


def _moved(visit: Visit, token_id: UUID, version: str, step: Callable[..., None]) -> Response:
    """Take a step with a token as it was shown, and back to its checkpoint."""
    with visit.parts.database.write() as session:
        row = _found(session, visit, token_id)
        step(
            session,
            row,
            actor=actor_of(visit),
            now=visit.parts.clock.now(),
            expected_version=version_read(version),
        )
        checkpoint_id = row.checkpoint_id
    return RedirectResponse(f"/checkpoints/{checkpoint_id}", status_code=303)
