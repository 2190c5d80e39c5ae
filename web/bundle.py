"""The browser bundle: files named by their content, kept in memory ready compressed."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from core.errors import NotFound
from web.compression import accepts

DIST = Path(__file__).parent / "static" / "dist"
TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".png": "image/png",
}
# It serves the whole site only from the top of it, and under one address for all time.
WORKER = "service-worker.js"
# This one serves the guard's app alone; the page of the app adds what it keeps.
GUARD_WORKER = "guard-sw.js"
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    type: str
    plain: bytes
    # By content coding, the smallest first.
    compressed: Mapping[str, bytes]


class Bundle:
    """What the set-up built; `address` gives each file's URL, which changes with its content."""

    def __init__(self, folder: Path = DIST) -> None:
        self._files: dict[str, _File] = {}
        self._addresses: dict[str, str] = {}
        self.worker = b""
        self.guard_worker = b""
        for path in sorted(folder.glob("*.*")):
            if path.suffix in TYPES and path.suffix != ".map":
                self._add(path)

    def _add(self, path: Path) -> None:
        content = path.read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:12]
        name = f"{path.stem}.{mark}{path.suffix}"
        compressed = {"gzip": gzip.compress(content, 9, mtime=0)}
        brotli = path.with_name(path.name + ".br")
        if brotli.exists():
            compressed = {"br": brotli.read_bytes(), **compressed}
        self._files[name] = _File(TYPES[path.suffix], content, compressed)
        self._addresses[path.name] = f"/static/{name}"
        if path.name == WORKER:
            self.worker = content
        if path.name == GUARD_WORKER:
            self.guard_worker = content

    def address(self, name: str) -> str:
        """The URL of a file of the bundle. NotFound when the set-up has not built it."""
        if name not in self._addresses:
            raise NotFound(
                f"the browser assets lack {name}", advice="Run `make demo`, which builds them."
            )
        return self._addresses[name]

    def answer(self, name: str, request: Request) -> Response:
        """The file, compressed where the browser accepts it; NotFound for another name."""
        file = self._files.get(name)
        if file is None:
            raise NotFound("there is no such file")
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        for coding, body in file.compressed.items():
            if accepts(request, coding):
                headers["Content-Encoding"] = coding
                return Response(body, media_type=file.type, headers=headers)
        return Response(file.plain, media_type=file.type, headers=headers)


def router(bundle: Bundle) -> APIRouter:
    """The route that serves the bundle; it is public, as the sign-in page needs it."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/{name}")
    def file(name: str, request: Request) -> Response:
        try:
            return bundle.answer(name, request)
        except NotFound:
            return Response(status_code=404)

    @routes.get(f"/{WORKER}")
    def worker() -> Response:
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": WORKER_POLICY,
            "X-Content-Type-Options": "nosniff",
        }
        return Response(bundle.worker, media_type=TYPES[".js"], headers=headers)

    return routes
