"""Alarms about ourselves and about devices, which need no rule document."""

from dataclasses import replace
from datetime import timedelta

from workflows.alarms import RuleFacts

DEVICE_CLOCK = RuleFacts(
    rule_id="device-clock",
    version=1,
    title={"en": "Device clock is wrong", "zh": "设备时钟不准"},
    severity="low",
    life_safety=False,
    condition="live readings stay behind the device's own last reading for 10 minutes",
    kind="repair",
    category="instrumentation",
    team="maintenance",
    respond_within=timedelta(days=1),
    resolve_within=timedelta(days=7),
    reopen_within=timedelta(days=7),
    realarm_after=timedelta(hours=1),
)

DEVICE_OTHER_WAY = replace(
    DEVICE_CLOCK,
    rule_id="device-other-way",
    title={"en": "Device is heard by another way", "zh": "设备改由其他途径上报"},
    severity="medium",
    condition="a device is heard by another source or gateway than it is bound to",
)
DEVICE_TWICE = replace(
    DEVICE_CLOCK,
    rule_id="device-twice",
    title={"en": "Credential is used twice at once", "zh": "设备凭据被同时重复使用"},
    severity="high",
    condition="two connections sign in with the credential of one device at once",
    resolve_within=timedelta(days=2),
)


def rule_failed(facts: RuleFacts) -> RuleFacts:
    """The alarm that a rule cannot be evaluated, for example for a division by zero."""
    return replace(
        facts,
        rule_id=f"rule-failed:{facts.rule_id}",
        title={
            "en": f"Rule cannot be evaluated: {facts.title.get('en', facts.rule_id)}",
            "zh": f"规则无法计算：{facts.title.get('zh') or facts.title.get('en', facts.rule_id)}",
        },
        # The watch that this rule kept is broken, so its failure weighs as much as its alarm,
        # but it is no fire: people mend a rule.
        life_safety=False,
        kind="repair",
        category="configuration",
    )
