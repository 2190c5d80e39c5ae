"""A phone of the post that two guards share."""

from uuid import UUID

from playwright.sync_api import Page, expect

from core import events
from core.accounts import keep_logins
from core.badges import NewBadge, issue_badge
from core.pins import new_pin, set_pin
from tests.web.guarding import PATIENCE_MS, Shift
from workflows.patrol import SCAN

CARD, OTHER_PIN = "04C1C1C1C1C1C1", "618204"
LI = "Li Na 李娜"


def colleague(shift: Shift) -> UUID:
    """A second guard, with a card and a PIN of their own."""
    stage = shift.stage
    person = stage.person(LI, "guard", node=stage.site_id, locale="zh")
    pin, now = new_pin(OTHER_PIN), stage.parts.clock.now()
    with stage.parts.database.write() as session:
        keep_logins(session, {person: "li.na"}, now=now)
        set_pin(session, person, pin, actor=events.Actor.person(person), now=now)
        issue_badge(
            session,
            stage.site_id,
            NewBadge(person, "card", CARD),
            needs=SCAN,
            vault=stage.parts.vault,
            actor=events.SYSTEM,
            now=now,
        )
    return person


def type_pin(page: Page, pin: str) -> None:
    """On the keys of the screen."""
    expect(page.get_by_role("button", name="1", exact=True)).to_be_enabled(timeout=PATIENCE_MS)
    for digit in pin:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Sign in", exact=True).click()


def holds(page: Page, name: str) -> None:
    """See that somebody is signed in."""
    expect(page.get_by_role("heading", name=name)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)


def change(page: Page) -> None:
    """One tap, and the next one is asked who they are."""
    page.get_by_role("button", name="Change guard").click()
    expect(page.get_by_text("Who is on duty?")).to_be_visible(timeout=PATIENCE_MS)
