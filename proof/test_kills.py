"""The kill campaigns in full: thirty kills while 100,000 messages are published."""

from pathlib import Path

import pytest

from tests.stories.killing import BrokerName, Campaign, Role, run_campaign


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("role", "broker"), [("ingest", "nats"), ("ingest", "mosquitto"), ("up", "nats")]
)
def test_thirty_kills_change_nothing(tmp_path: Path, role: Role, broker: BrokerName) -> None:
    campaign = Campaign(role, broker, kills=30, messages=100_000, seed=1, interval=10.0)
    outcome = run_campaign(campaign, tmp_path)
    assert (outcome.lost, outcome.doubled, outcome.different) == (0, 0, 0), outcome.as_dict()
    assert outcome.readings == 3 * campaign.messages
