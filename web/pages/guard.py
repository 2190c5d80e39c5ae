"""The guard's app: its one page, what installs it, and the worker that keeps it on the phone."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from web.bundle import FOR_EVER, GUARD_WORKER, WORKER_POLICY, Bundle
from web.compression import compress
from web.languages import LANGUAGES, area, mark, translations
from web.page_route import HEADERS
from web.templating import Templates
from web.visit import guest_reader

SCOPE = "/guard/"
# The area of the catalogue that holds every text of the app.
AREA = "guard"
ICONS = (("guard-192.png", 192, "any"), ("guard-512.png", 512, "any"))
MASKABLE = ("guard-maskable-512.png", 512, "maskable")
GROUND = "#10161d"
NAME = mark("Watchkeeper patrol")
SHORT_NAME = mark("Patrol")
# Photos are shown from memory, and the camera is what scans.
PAGE_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "img-src 'self' data:", "img-src 'self' data: blob:"
    ),
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(self)",
    # The worker keeps it; the browser's cache must not hand an older one to a new worker.
    "Cache-Control": "no-cache",
}


class Shell:
    """Which files the app consists of, under addresses that change with their content."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @cached_property
    def words(self) -> str:
        """Every text of the app in Chinese, by its English, as JSON."""
        told = {one: translations("zh").gettext(one) for one in sorted(area(AREA))}
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    @property
    def words_address(self) -> str:
        """Where they are read."""
        return f"{SCOPE}words.{_mark(self.words)}.json"

    @cached_property
    def files(self) -> list[str]:
        """Everything that the page loads, and the icons of an installed app."""
        names = ["guard.js", "guard.css", *(name for name, _size, _purpose in (*ICONS, MASKABLE))]
        manifests = [f"{SCOPE}manifest.{language}.webmanifest" for language in LANGUAGES]
        return [*map(self._bundle.address, names), self.words_address, *manifests]

    def version(self, page: str) -> str:
        """What the page and its files are called together."""
        return _mark("\n".join([page, *self.files, *map(_as_text, LANGUAGES)]))

    def worker(self, page: str) -> bytes:
        """The service worker, which begins with what it is to keep."""
        shell = {"version": self.version(page), "page": SCOPE, "files": self.files}
        return f"self.SHELL={json.dumps(shell)};\n".encode() + self._bundle.guard_worker

    def manifest(self, language: str) -> dict[str, object]:
        """How the app is installed (W3C Web Application Manifest)."""
        told = translations(language).gettext
        return {
            "id": SCOPE,
            "start_url": SCOPE,
            "scope": SCOPE,
            "display": "standalone",
            "orientation": "portrait",
            "lang": "zh-Hans" if language == "zh" else language,
            "name": told(NAME),
            "short_name": told(SHORT_NAME),
            "background_color": GROUND,
            "theme_color": GROUND,
            "icons": [
                {
                    "src": self._bundle.address(name),
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for name, size, purpose in (*ICONS, MASKABLE)
            ],
        }


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _as_text(language: str) -> str:
    """What of a manifest isn't in the names of its files: its words."""
    told = translations(language).gettext
    return f"{told(NAME)} {told(SHORT_NAME)}"


def router(templates: Templates, bundle: Bundle) -> APIRouter:
    """The routes of the app. They are public: the page is the same for all, and holds nothing."""
    routes = APIRouter(include_in_schema=False)
    shell = Shell(bundle)
    _add_page(routes, templates, shell)
    _add_files(routes, templates, shell)
    return routes


def _page(templates: Templates, request: Request, shell: Shell) -> str:
    return templates.render("guard_app.html", guest_reader(request), words=shell.words_address)


def _add_page(routes: APIRouter, templates: Templates, shell: Shell) -> None:
    @routes.get("/guard")
    def beneath(request: Request) -> Response:
        # The worker answers for what lies below the slash.
        query = request.url.query
        return RedirectResponse(f"{SCOPE}?{query}" if query else SCOPE, status_code=307)

    @routes.get(SCOPE)
    def page(request: Request) -> Response:
        answer = HTMLResponse(_page(templates, request, shell), headers=dict(PAGE_HEADERS))
        compress(request, answer)
        return answer


def _add_files(routes: APIRouter, templates: Templates, shell: Shell) -> None:
    @routes.get(f"{SCOPE}{GUARD_WORKER}")
    def worker(request: Request) -> Response:
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": WORKER_POLICY,
            "X-Content-Type-Options": "nosniff",
            # A known phone answers for the address of tags as well, which stands above the app.
            "Service-Worker-Allowed": "/",
        }
        content = shell.worker(_page(templates, request, shell))
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    @routes.get(f"{SCOPE}words.{{version}}.json")
    def words(request: Request, version: str) -> Response:
        if f"{SCOPE}words.{version}.json" != shell.words_address:
            return Response(status_code=404)
        headers = {"Cache-Control": FOR_EVER}
        answer = Response(shell.words, media_type="application/json", headers=headers)
        compress(request, answer)
        return answer

    @routes.get(f"{SCOPE}manifest.{{language}}.webmanifest")
    def manifest(language: str) -> Response:
        if language not in LANGUAGES:
            return Response(status_code=404)
        headers = {"Cache-Control": "no-cache"}
        content = shell.manifest(language)
        return JSONResponse(content, media_type="application/manifest+json", headers=headers)
