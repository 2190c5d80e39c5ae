"""Words of rules: the states of drafts, what is done with them, and how limits are compared."""

from collections.abc import Mapping

from web.languages import mark

DRAFT_STATE: Mapping[str, str] = {
    "draft": mark("Draft"),
    "in_review": mark("In review"),
    "rejected": mark("Rejected"),
    "approved": mark("Approved"),
    "discarded": mark("Discarded"),
    "offered": mark("Offered by its pack"),
}
DRAFT_ACTION: Mapping[str, str] = {
    "submit": mark("Submit for review"),
    "withdraw": mark("Withdraw from review"),
    "send_back": mark("Send back"),
    "reject": mark("Reject"),
    "approve": mark("Approve and put into force"),
    "revise": mark("Take up again"),
    "discard": mark("Discard"),
    "take_up": mark("Take up as a draft"),
}
PURPOSE: Mapping[str, str] = {
    "change": mark("Change"),
    "roll_back": mark("Roll back"),
    "retire": mark("Take out of force"),
}
COMPARISON: Mapping[str, str] = {
    ">": mark("above"),
    ">=": mark("at or above"),
    "<": mark("below"),
    "<=": mark("at or below"),
    "is": mark("is"),
    "is_not": mark("is not"),
    "true": mark("is on (true)"),
    "false": mark("is off (false)"),
}
OBSTACLE: Mapping[str, str] = {
    "not_yaml": mark("The document is not readable YAML yet."),
    "not_one_rule": mark("The document does not hold exactly one rule from its first line on."),
    "condition": mark("The condition is more than one point against one limit."),
    "clear_condition": mark("The end is more than the same point against another limit."),
}
RULE_STATE: Mapping[str, str] = {
    "in_force": mark("In force"),
    "ended": mark("Earlier versions"),
    "all": mark("All versions"),
}
# Files of a site that are imported keep their own names.
RULE_PACK: Mapping[str, str] = {
    "access": mark("Access control"),
    "devices": mark("Sensors and gateways"),
    "drainage": mark("Drainage and leaks"),
    "electrical": mark("Power supply"),
    "environment": mark("Indoor climate"),
    "fire": mark("Fire protection"),
    "hvac": mark("Heating and air conditioning"),
    "lifts": mark("Lifts and escalators"),
    "pumps": mark("Pumps and water supply"),
}
RULE_WORDS: Mapping[str, Mapping[str, str]] = {
    "draft_state": DRAFT_STATE,
    "draft_action": DRAFT_ACTION,
    "draft_purpose": PURPOSE,
    "comparison": COMPARISON,
    "obstacle": OBSTACLE,
    "rule_state": RULE_STATE,
    "rule_pack": RULE_PACK,
}
