"""The product as an integrator sees it: its JSON API, with a personal token."""

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from simulators.errors import ProductTrouble
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
        self._client = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1",
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
        self._client.close()

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
        """Every alarm episode of a site, and every ticket of a rule that no episode names."""
        episodes = [_episode(item) for item in self._all("/episodes", site=site)]
        known = {one.ticket for one in episodes}
        tickets = self._all("/tickets", site=site, state="all")
        return episodes + [
            _ticket(item)
            for item in tickets
            if item.get("rule_id") and str(item["id"]) not in known
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
        for point in self._all("/points", asset=asset):
            last = self._get(f"/points/{point['id']}/last", absent=True)
            newest = max(newest, _seconds(last["at"]) if last else 0.0)
        return newest

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
