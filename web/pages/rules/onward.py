"""Where a step with a draft of a rule leads."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from core.rulebook_drafts import RuleDraft


def onward(draft: RuleDraft) -> Response:
    """To the rule once it holds, else to the draft, on which somebody has still to decide."""
    done = draft.state == "approved"
    address = f"/rules/{draft.rule_id}" if done else f"/rule-drafts/{draft.id}"
    return RedirectResponse(address, status_code=303)
