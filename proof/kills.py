"""Kill the product again and again under load: `python -m proof.kills --help`."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.stories.killing import Campaign, run_campaign


def main() -> None:
    """Run one campaign; exit status 1 when anything differs from an uninterrupted run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=("ingest", "up"), default="up")
    parser.add_argument("--broker", choices=("nats", "mosquitto"), default="nats")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=float, default=8.0, help="mean seconds between kills")
    parser.add_argument("--folder", type=Path, help="keep everything there, to look into it")
    parser.add_argument("--json", action="store_true", help="one line for programs")
    chosen = vars(parser.parse_args())
    folder, as_json = chosen.pop("folder"), chosen.pop("json")
    campaign = Campaign(**chosen)
    with tempfile.TemporaryDirectory(prefix="wk-kills-") as usual:
        place = folder or Path(usual)
        place.mkdir(parents=True, exist_ok=True)
        outcome = run_campaign(campaign, place, _say)
    found = outcome.as_dict()
    lines = json.dumps(found) if as_json else "\n".join(f"{k}: {v}" for k, v in found.items())
    sys.stdout.write(lines + "\n")
    sys.exit(1 if outcome.lost or outcome.doubled or outcome.different else 0)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
