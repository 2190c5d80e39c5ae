"""The server as the tool at the reader sees it: tokens are put, replaced and proven there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from core.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Refused, Unavailable

_ERRORS = {401: NotSignedIn, 403: NotAllowed, 404: NotFound, 409: Conflict}


@dataclass(frozen=True, slots=True)
class EarlierKeys:
    """What a tag may still hold."""

    version: int
    application: bytes
    file_read: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """What the server gives for a tag, once. address: with zeros where the tag mirrors."""

    token_id: str
    version: int
    application: bytes
    meta_read: bytes
    file_read: bytes
    address: str
    earlier: Sequence[EarlierKeys]


class Client(Protocol):
    """An HTTP client that knows where the server is and who asks."""

    def request(self, *words: Any, **more: Any) -> Any:
        """Send a request, with method, path and what httpx takes beside."""


class TagServer:
    """The API of a running product. Raises errors of the product's own tree."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def checkpoint(self, code: str, site: str | None) -> str:
        """The id of the checkpoint in use with a code. site: its code, where several have one."""
        sites = {item["id"]: item["code"] for item in self._ask("GET", "/tree")["nodes"]}
        found = [
            item
            for item in self._items("/checkpoints", state="active", q=code)
            if item["code"] == code and site in (None, sites.get(item["site_id"]))
        ]
        if len(found) == 1:
            return str(found[0]["id"])
        if found:
            where = ", ".join(str(sites.get(item["site_id"])) for item in found)
            raise Refused(f"{where} each have a checkpoint {code!r}", advice="Give --site.")
        raise NotFound(
            f"there is no checkpoint {code!r} in use", advice="Look its code up in the console."
        )

    def of_tag(self, uid: bytes) -> Mapping[str, Any] | None:
        """The token that a tag is, active or lost; None where it stands nowhere."""
        try:
            return self._send("/checkpoint-tokens/of-tag", {"uid": uid.hex().upper()})
        except NotFound:
            return None

    def put(self, checkpoint_id: str, uid: bytes, label: str) -> Given:
        """Put a tag at a checkpoint."""
        body = {"kind": "signed_tag", "value": uid.hex().upper(), "label": label}
        return _given(self._send(f"/checkpoints/{checkpoint_id}/tokens", body))

    def replace(self, token_id: str, uid: bytes) -> Given:
        """Give a tag keys of the next version; those before are refused from now on."""
        body = {"kind": "signed_tag", "value": uid.hex().upper()}
        return _given(self._send(f"/checkpoint-tokens/{token_id}/replace", body))

    def prove(self, token_id: str, address: str) -> int:
        """Let the server judge what a tag wrote; its counter. Conflict when it proves nothing."""
        found = self._send(f"/checkpoint-tokens/{token_id}/prove", {"address": address})
        return int(found["counter"])

    def lose(self, token_id: str) -> None:
        """Take a token out of use."""
        self._send(f"/checkpoint-tokens/{token_id}/lose", None)

    def _items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = self._ask("GET", path, params={**query, "limit": 200, **more})
            found += page["items"]
            cursor = page.get("next")
            if not cursor:
                return found

    def _send(self, path: str, body: Any) -> dict[str, Any]:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, f"/api/v1{path}", **more)
            document: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(
                f"the server does not answer as it should: {error}",
                advice="See that it runs, and that --url is its address.",
            ) from error
        if answer.status_code < 400:
            return document
        detail = str(document.get("detail") or f"the server answered {answer.status_code}")
        advice = str(document.get("advice") or "")
        if answer.status_code == 422:
            raise Invalid(detail, problems=[str(each) for each in document.get("problems", ())])
        raise _ERRORS.get(answer.status_code, Refused)(detail, advice=advice)


def _given(document: Mapping[str, Any]) -> Given:
    keys = document["secrets"]
    return Given(
        token_id=str(document["id"]),
        version=int(document["key_version"]),
        application=bytes.fromhex(keys["application_key"]),
        meta_read=bytes.fromhex(keys["meta_read_key"]),
        file_read=bytes.fromhex(keys["file_read_key"]),
        address=str(document["address"]),
        earlier=[
            EarlierKeys(
                int(each["key_version"]),
                bytes.fromhex(each["application_key"]),
                bytes.fromhex(each["file_read_key"]),
            )
            for each in document["earlier_keys"]
        ],
    )
