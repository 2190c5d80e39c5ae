"""The product as an integrator sees it: its JSON API, with a personal token."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from simulators.errors import ProductTrouble, Refusal
from simulators.judgement import Observed

_PAGE = 200


class Product:
    """A connection to a running product; use it as a context manager.

    base_url: where it answers, without `/api/v1`. ca: a file with the certificate authority to
    trust, for a product that made its own. Every method raises ProductTrouble.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        ca: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._address = base_url.rstrip("/")
        self._ca = ca
        self._transport = transport
        self._points = dict[str, list[str]]()
        # Connections of others, which end with this one.
        self._others = list[Product]()
        self._client = httpx.Client(
            base_url=f"{self._address}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20.0,
            verify=ca or True,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for other in self._others:
            other.__exit__(None, None, None)
        self._client.close()

    def with_token(self, token: str) -> "Product":
        """The same product, as somebody else; closed with this one."""
        other = Product(self._address, token, ca=self._ca, transport=self._transport)
        self._others.append(other)
        return other

    def browser(self) -> httpx.Client:
        """A browser at its pages: it keeps cookies and goes no further by itself."""
        return httpx.Client(
            base_url=self._address,
            timeout=20.0,
            verify=self._ca or True,
            transport=self._transport,
        )

    def site_id(self, code: str) -> str:
        """The id of the site with this code."""
        for node in self._get("/tree").get("nodes", ()):
            if node.get("kind") == "site" and node.get("code") == code:
                return str(node["id"])
        raise ProductTrouble(
            f"the product shows no site {code!r}: import its site file first, "
            "or use a token of somebody who may see it"
        )

    def rules(self) -> frozenset[str]:
        """The ids of the rules in force."""
        return frozenset(str(item.get("rule_id", item.get("id"))) for item in self._all("/rules"))

    def observed(self, site: str) -> list[Observed]:
        """Every alarm episode of a site, and every ticket of a rule that no episode names.

        A ticket that was merged into another one is that one.
        """
        episodes = [_episode(item) for item in self._all("/episodes", site=site)]
        known = {one.ticket for one in episodes}
        tickets = list(self._all("/tickets", site=site, state="all"))
        merged = {
            str(item["id"]): str(item["merged_into_id"])
            for item in tickets
            if item.get("merged_into_id")
        }
        alone = [
            _ticket(item)
            for item in tickets
            if item.get("rule_id") and str(item["id"]) not in known | set(merged)
        ]
        return [
            replace(one, ticket=_last(one.ticket, merged)) if one.ticket else one
            for one in episodes + alone
        ]

    def asset_id(self, site: str, code: str) -> str:
        """The id of an asset of a site."""
        for item in self._all("/assets", site=site, q=code):
            if item.get("code") == code:
                return str(item["id"])
        raise ProductTrouble(f"the product knows no asset {code!r}: its site file is another one")

    def heard(self, asset: str) -> float:
        """The time of the newest reading of an asset, seconds since the epoch; 0 for none."""
        newest = 0.0
        if asset not in self._points:
            found = [str(point["id"]) for point in self._all("/points", asset=asset)]
            self._points[asset] = found
        for point in self._points[asset]:
            last = self._get(f"/points/{point}/last", absent=True)
            newest = max(newest, _seconds(last["at"]) if last else 0.0)
        return newest

    def places(self, site: str) -> tuple[dict[str, str], dict[str, str]]:
        """The ids of the assets and of the spaces of a site, by their codes."""
        tree = self._get("/tree", site=site, silence="false")
        assets, spaces = (
            {str(one["code"]): str(one["id"]) for one in tree[kind] if one["site_id"] == site}
            for kind in ("assets", "spaces")
        )
        return assets, spaces

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list of the API."""
        return self._all(path, **query)

    def first(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The first items of a list of the API, one page of it."""
        found: list[dict[str, Any]] = self._get(path, **query, limit=_PAGE)["items"]
        return found

    def read(self, path: str) -> dict[str, Any]:
        """One thing of the API."""
        found: dict[str, Any] = self._get(path)
        return found

    def send(self, path: str, body: Any = None, *, method: str = "POST") -> dict[str, Any]:
        """Change something. Raises Refusal when the product doesn't do it."""
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ProductTrouble(f"no answer of the product at {path}: {error}") from error
        if answer.is_error:
            raise Refusal(_complaint(answer), answer.status_code)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def put_photo(self, ticket: str, picture: bytes) -> dict[str, Any]:
        """Put a photo on a ticket, a PNG; returns the ticket. Raises Refusal."""
        path = f"/tickets/{ticket}/photos"
        try:
            answer = self._client.post(path, content=picture, headers={"Content-Type": "image/png"})
        except httpx.HTTPError as error:
            raise ProductTrouble(f"no answer of the product at {path}: {error}") from error
        if answer.is_error:
            raise Refusal(_complaint(answer), answer.status_code)
        found: dict[str, Any] = answer.json()
        return found

    def _all(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self._get(path, **query, limit=_PAGE, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next")
            if not cursor:
                return

    def _get(self, path: str, *, absent: bool = False, **query: Any) -> Any:
        """The answer; with `absent`, None for what isn't there."""
        try:
            given = {name: value for name, value in query.items() if value is not None}
            answer = self._client.get(path, params=given)
            if absent and answer.status_code == httpx.codes.NOT_FOUND:
                return None
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            raise ProductTrouble(_complaint(error.response)) from error
        except (httpx.HTTPError, ValueError) as error:
            where = self._client.base_url
            raise ProductTrouble(f"no answer of the product at {where}{path}: {error}") from error


def _last(ticket: str, merged: Mapping[str, str]) -> str:
    """The ticket that goes on for this one."""
    while ticket in merged:
        ticket = merged[ticket]
    return ticket


def _complaint(answer: httpx.Response) -> str:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return "the product doesn't take this token: make a new one, or check where you send it"
    return f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:300]}"


def _episode(item: dict[str, Any]) -> Observed:
    return Observed(
        id=str(item["id"]),
        rule=str(item["rule_id"]),
        asset=str(item["asset_code"]),
        tripped=_seconds(item["tripped_at"]),
        learned=_seconds(item["learned_at"]),
        ticket=str(item["ticket_id"]) if item.get("ticket_id") else None,
    )


def _ticket(item: dict[str, Any]) -> Observed:
    return Observed(
        id=str(item["id"]),
        rule=str(item["rule_id"]),
        asset=str(item.get("asset_code")),
        tripped=_seconds(item["happened_at"]),
        learned=_seconds(item["learned_at"]),
        ticket=str(item["id"]),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
