"""The pictures of the README and the documents: `make screenshots` takes them anew."""

import io
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from api.deps import SESSION_COOKIE
from tests.servers import find_program
from tests.web.quality.furnished import DESKTOP, PHONE, Furnished, furnish
from tests.web.stage import build, lay_foundation, serving

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"
# Enough for flat colours, and half the bytes.
_COLOURS = 256


class Shot(NamedTuple):
    """One picture. page: its name on the furnished stage; role: whose eyes, on that site."""

    name: str
    page: str
    language: str
    size: ViewportSize
    role: str


SHOTS = (
    Shot("live-en", "live", "en", DESKTOP, "manager"),
    Shot("live-zh", "live", "zh", DESKTOP, "manager"),
    Shot("tickets-en", "tickets", "en", DESKTOP, "supervisor"),
    Shot("control-room-en", "control room", "en", DESKTOP, "supervisor"),
    Shot("for-me-phone-en", "first screen", "en", PHONE, "technician"),
    Shot("for-me-phone-zh", "first screen", "zh", PHONE, "technician"),
    Shot("ticket-phone-zh", "ticket", "zh", PHONE, "technician"),
    Shot("waiting-devices-en", "waiting devices", "en", DESKTOP, "manager"),
    Shot("walk-test-phone-en", "walk test", "en", PHONE, "technician"),
)


def take(furnished: Furnished, browser: Browser, shot: Shot) -> bytes:
    """A picture as PNG."""
    stage = furnished.stage
    names = {"en": "Li Ming", "zh": "李明"}
    person = stage.person(names[shot.language], shot.role, node=stage.site_id, locale=shot.language)
    context = browser.new_context(
        viewport=shot.size, locale={"en": "en-GB", "zh": "zh-CN"}[shot.language]
    )
    secret = stage.secret(person, "session")
    context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": stage.url}])
    page = context.new_page()
    page.goto(stage.url + furnished.pages.get(shot.page, "/"))
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    # The first news of the stream, after which the page says how fresh it is.
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot()))
    context.close()
    small = io.BytesIO()
    picture.convert("RGB").quantize(_COLOURS, kmeans=3).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Take every picture into docs/screenshots."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        place = Path(folder)
        lay_foundation(place)
        stage = build(place)
        furnished = furnish(stage)
        with serving(stage):
            program = find_program("chromium", "/usr/bin/chromium", package="chromium")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for shot in SHOTS:
                (FOLDER / f"{shot.name}.png").write_bytes(take(furnished, browser, shot))
                sys.stdout.write(f"{shot.name}.png\n")
            browser.close()


if __name__ == "__main__":
    main()
