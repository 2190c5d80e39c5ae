"""A real OpenID provider (oidc-provider on Node.js) on a free port, and people who use it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2
import pytest
from joserfc.jwk import RSAKey

from scripts.node_programs import IDENTITY_PROVIDER
from tests.servers import bound_to_this_process, free_port

CLIENT, SECRET = "watchkeeper", "s3cret of the tests: 100% + more"
PUBLIC_CLIENT = "watchkeeper-public"
# Where the tests' own browsers, and a served stage, come back to.
RETURN = "/sign-in/oidc/return"
BASES = ("http://testserver", "http://127.0.0.1:{port}")


@dataclass
class IdentityProvider:
    """The provider's process. stage_port: where a served stage must listen to be come back to."""

    port: int
    stage_port: int
    _keys: str
    _process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        bases = [base.format(port=self.stage_port) for base in BASES]
        returns = [base + RETURN for base in bases]
        client = {
            "redirect_uris": returns,
            "post_logout_redirect_uris": [f"{base}/sign-in" for base in bases],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
        }
        confidential = {**client, "client_id": CLIENT, "client_secret": SECRET}
        public = {**client, "client_id": PUBLIC_CLIENT, "token_endpoint_auth_method": "none"}
        settings = {
            "issuer": self.issuer,
            "port": self.port,
            "jwks": {"keys": [json.loads(self._keys)]},
            "clients": [confidential, public],
        }
        environment = {**IDENTITY_PROVIDER.environment(), "NODE_ENV": "production"}
        self._process = subprocess.Popen(
            bound_to_this_process([IDENTITY_PROVIDER.node(), "provider.mjs"]),
            cwd=IDENTITY_PROVIDER.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(settings))
        self._process.stdin.close()
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "listening" in line:
                return
        pytest.fail("".join(["the identity provider did not start:\n", *said]), pytrace=False)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="session")
def provider_process() -> Iterator[IdentityProvider]:
    """The provider, started once for all tests of a process."""
    if not (IDENTITY_PROVIDER.folder / "node_modules").exists():
        pytest.fail("the identity provider is missing: run make test", pytrace=False)
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    server = IdentityProvider(free_port(), free_port(), json.dumps(key.as_dict(private=True)))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def identity_provider_server(provider_process: IdentityProvider) -> IdentityProvider:
    """The provider, running, whatever the last test did to it."""
    if provider_process._process is None:
        provider_process.start()
    return provider_process


def sign_in_there(
    address: str, name: str, *, cancel: bool = False, browser: httpx2.Client | None = None
) -> str:
    """What a browser does at the provider; returns the address that it is sent back to.

    name: who signs in; see provider.mjs. browser: one that stays signed in there afterwards.
    """
    with ExitStack() as stack:
        browser = browser or stack.enter_context(httpx2.Client(timeout=60))
        answer = browser.get(address)
        while True:
            if answer.is_redirect:
                onward = urljoin(str(answer.url), answer.headers["location"])
                if RETURN in onward.partition("?")[0]:
                    return onward
                answer = browser.get(onward)
            elif "<form" in answer.text and answer.status_code == 200:
                form = {"login": name, "answer": "no" if cancel else "yes"}
                answer = browser.post(str(answer.url), data=form)
            else:
                pytest.fail(f"{answer.url} answered {answer.status_code}: {answer.text[:400]}")


def address_in(page: str) -> str:
    """The address to which our page sends a browser."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert found, page
    return found[1].replace("&amp;", "&")


def sign_out_there(address: str, browser: httpx2.Client) -> str:
    """What a browser does at the provider's sign-out page; the address it is sent back to."""
    page = browser.get(address)
    assert page.status_code == 200, page.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    action = re.search(r'action="([^"]+)"', page.text)
    assert action, page.text
    answer = browser.post(action[1], data={**fields, "logout": "yes"})
    assert answer.is_redirect, answer.text
    return str(answer.headers["location"])
