"""An identity provider that answers whatever a test wants: what a real one never would."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET, NONCE = "watchkeeper", "a client secret of thirty-two letters", "the nonce"


class ForgedProvider:
    """Answers like an honest provider until a test changes one of its attributes."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys = [RSAKey.generate_key(2048, auto_kid=True)]
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.token: dict[str, Any] = {"access_token": "at", "token_type": "Bearer"}
        self.raw: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """An ID token by the newest key."""
        key = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key)

    def signed_by_secret(self, claims: dict[str, Any]) -> str:
        """An ID token that whoever knows our client secret could have made."""
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        """An ID token that anybody could have made."""
        body = self.signed(claims).split(".")[1]
        return f"eyJhbGciOiJub25lIn0.{body}."

    def answer(self, path: str, form: dict[str, list[str]], authorization: str) -> Any:
        """The document at a path."""
        self.asked.append((path, form, authorization))
        if path == "/.well-known/openid-configuration":
            return self.metadata
        if path == "/keys":
            return {"keys": [key.as_dict(private=False) for key in self.keys]}
        return {**self.token, "id_token": self.sign(self.claims)}


@contextmanager
def forged_provider() -> Iterator[ForgedProvider]:
    """Serve one on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(parse_qs(body.decode()))

        def _answer(self, form: dict[str, list[str]]) -> None:
            status, body = 200, b""
            if self.path in provider.raw:
                status, body = provider.raw[self.path]
            else:
                found = provider.answer(self.path, form, self.headers.get("Authorization", ""))
                body = json.dumps({k: v for k, v in found.items() if v is not None}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests say what they need to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = ForgedProvider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join(5)
