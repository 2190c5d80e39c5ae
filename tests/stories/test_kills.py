"""However often the product is killed, what it stored and decided is as if it never had been."""

from pathlib import Path

import pytest

from tests.stories.killing import BrokerName, Campaign, Role, run_campaign

# The shortest delay of the rules is 6 s. Devices that were quiet for about as long, for the machine
# let them say nothing, are rightly found to be: of the kills that says nothing, so it is told anew.
HELD_UP_S = 4.0


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("role", "broker"), [("ingest", "nats"), ("ingest", "mosquitto"), ("up", "nats")]
)
def test_kills_lose_nothing_double_nothing_and_change_no_decision(
    tmp_path: Path, role: Role, broker: BrokerName
) -> None:
    campaign = Campaign(role, broker, kills=3, messages=2_500, seed=7, devices=50, interval=4.5)
    for attempt in range(4):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        outcome = run_campaign(campaign, folder)
        assert (outcome.lost, outcome.doubled) == (0, 0), outcome.as_dict()
        if not outcome.different or outcome.longest_pause < HELD_UP_S:
            break
    assert (outcome.lost, outcome.doubled, outcome.different) == (0, 0, 0), outcome.as_dict()
    assert outcome.readings == 3 * campaign.messages
    assert outcome.episodes > campaign.devices, "every device should have several episodes"
