"""A second person: invited, and joined in a browser as people join."""

import re
import secrets

from simulators.errors import ProductTrouble
from simulators.product import Product

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def invite_colleague(product: Product, site: str, role: str) -> Product:
    """The product as a new colleague with this role at a site. Raises ProductTrouble.

    Some steps take two people, and nobody is to be both of them.
    """
    invited = product.send("/invitations", {"role": role, "node_id": site})
    with product.browser() as browser:
        page = browser.get(invited["path"])
        login = f"accept-{secrets.token_hex(4)}"
        form = {
            "csrf": _csrf(page.text, invited["path"]),
            "name": "Acceptance, second person",
            "login": login,
            "password": secrets.token_urlsafe(16),
        }
        joined = browser.post(invited["path"], data=form)
        if joined.is_error:
            raise ProductTrouble(f"nobody could join by an invitation: {joined.status_code}")
        account = browser.get("/account/tokens", follow_redirects=True)
        made = browser.post(
            "/api/v1/me/tokens",
            json={"label": "acceptance run", "days": 60},
            headers={"X-CSRF-Token": _csrf(account.text, "/account/tokens")},
        )
        if made.is_error:
            raise ProductTrouble(f"a new colleague got no token: {made.status_code} {made.text}")
    return product.with_token(str(made.json()["secret"]))


def _csrf(page: str, path: str) -> str:
    found = _CSRF.search(page)
    if found is None:
        raise ProductTrouble(f"the page {path} shows no form")
    return found[1]
