"""However often the product is killed, what it stored and decided is as if it never had been."""

from pathlib import Path

import pytest

from tests.stories.killing import BrokerName, Campaign, Role, run_campaign


@pytest.mark.parametrize(
    ("role", "broker"), [("ingest", "nats"), ("ingest", "mosquitto"), ("up", "nats")]
)
def test_kills_lose_nothing_double_nothing_and_change_no_decision(
    tmp_path: Path, role: Role, broker: BrokerName
) -> None:
    campaign = Campaign(role, broker, kills=3, messages=2_500, seed=7, devices=50, interval=4.5)
    outcome = run_campaign(campaign, tmp_path)
    assert (outcome.lost, outcome.doubled, outcome.different) == (0, 0, 0), outcome.as_dict()
    assert outcome.readings == 3 * campaign.messages
    assert outcome.episodes > campaign.devices, "every device should have several episodes"
