"""The kill campaign: SIGKILL at random moments, and what came of it against a quiet run."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core.errors import WatchkeeperError
from core.telemetry.readings import Reading
from core.telemetry.remote import RemoteStore
from simulators.connection import BrokerAddress
from tests.servers.mosquitto import mosquitto
from tests.servers.nats import nats
from tests.servers.product import EpisodeRow, Product, done, until
from tests.stories.load import Load, Verdict
from tests.stories.publisher import Gateway

Role = Literal["ingest", "up"]
BrokerName = Literal["nats", "mosquitto"]
_SETTLE_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to do. interval: mean seconds between two kills."""

    role: Role
    broker: BrokerName
    kills: int
    messages: int
    seed: int
    devices: int = 50
    interval: float = 8.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened: counts of the work done and of the differences from an uninterrupted run.

    longest_pause: seconds between two bursts of the publisher. On a machine so busy that this
    comes near the shortest delay of the rules (6 s), timers rightly run out on the receipt clock,
    and a difference says nothing about the kills.
    """

    role: str
    broker: str
    seed: int
    messages: int
    kills: int
    seconds: float
    readings: int
    episodes: int
    tickets: int
    lost: int
    doubled: int
    different: int
    examples: list[str]
    longest_pause: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@contextmanager
def _stage(campaign: Campaign, folder: Path, load: Load) -> Iterator[tuple[Product, BrokerAddress]]:
    """The product, ready to start, and where to publish."""
    site, rules = load.write_files(folder)
    data = folder / "data"
    done("site", "import", str(site), folder=data)
    done("rules", "import", str(rules), folder=data)
    if campaign.role == "up":
        product = Product(data)
        product.start()
        with _ended(product):
            yield product, _publishers(product.mqtt)
        return
    place = folder / "broker"
    place.mkdir()
    with nats(place, ack_wait=3.0) if campaign.broker == "nats" else mosquitto(place) as broker:
        address = broker.address
        settings = {"mqtt_host": address.host, "mqtt_port": str(address.port)}
        if address.username is not None and address.password is not None:
            settings |= {"mqtt_username": address.username, "mqtt_password": address.password}
        product = Product(data, "ingest", settings)
        product.start()
        with _ended(product):
            yield product, _publishers(address)


def _publishers(address: object) -> BrokerAddress:
    names = ("host", "port", "username", "password")
    return BrokerAddress(*(getattr(address, name) for name in names))


@contextmanager
def _ended(product: Product) -> Iterator[None]:
    try:
        yield
    finally:
        product.end()


def run_campaign(
    campaign: Campaign, folder: Path, say: Callable[[str], None] = lambda text: None
) -> Outcome:
    """Publish everything while killing; returns the differences from a quiet run."""
    started = time.monotonic()
    load = Load(campaign.seed, campaign.messages, campaign.devices, time.time_ns() // 1000)
    load.stream, load.expected  # noqa: B018 - computed before the clock of the campaign runs
    with _stage(campaign, folder, load) as (product, address):
        product.wait_until_listening()
        rate = campaign.messages / (campaign.kills * campaign.interval)
        gateway = Gateway(address, load.stream, rate=rate, seed=campaign.seed)
        gateway.start()
        _kill_again_and_again(campaign, product, gateway, say)
        until(lambda: gateway.finished, 240, lambda: f"{gateway.acknowledged} acknowledged")
        say(f"published everything; {product.folder}")
        _wait_until_taken_in(product, load)
        told = product.told()
        product.stop()
        readings = product.readings()
        verdict = compare(load, product, readings, told)
        pause = gateway.longest_pause
    return _outcome(campaign, verdict, readings, product, time.monotonic() - started, pause)


def _kill_again_and_again(
    campaign: Campaign, product: Product, gateway: Gateway, say: Callable[[str], None]
) -> None:
    draw = random.Random(f"kills-{campaign.seed}")
    for number in range(campaign.kills):
        time.sleep(draw.uniform(0.05, 2 * campaign.interval - 4.0))
        broker_too = draw.random() < 0.7 and campaign.role == "up"
        product.kill(broker_too=broker_too)
        with_broker = " with its broker" if broker_too else ""
        say(f"kill {number + 1}{with_broker}: {gateway.acknowledged} acknowledged")
        if draw.random() < 0.2:
            time.sleep(draw.uniform(0, 2))
        product.launch()
        # One kill in five falls into the start itself.
        if draw.random() < 0.8:
            product.wait_until_up()
    if product.process is not None and " is up" not in product.said:
        product.wait_until_up()


def _wait_until_taken_in(product: Product, load: Load) -> None:
    """Until what is stored and decided is as expected, or nothing more has come for the limit.

    What is still queued on a slow machine is not lost; the verdict tells what never came.
    """
    wanted = len(load.expected_readings)
    before: tuple[int, int, list[EpisodeRow]] | None = None
    deadline = 0.0
    while before is None or time.monotonic() < deadline:
        stored, told = _stored(product)
        reached = (stored, told, story_episodes(product))
        if stored >= wanted and told == to_be_told(product).total() and reached[2] == load.expected:
            return
        if reached != before:
            before = reached
            deadline = time.monotonic() + _SETTLE_LIMIT_S
        time.sleep(0.5)


def _stored(product: Product) -> tuple[int, int]:
    """How many readings of the world are stored, and how many moments that the product told."""
    store = RemoteStore(product.folder / "telemetry.sock")
    try:
        told = product.told().total()
        return store.size().readings - told, told
    except WatchkeeperError:
        return 0, 0
    finally:
        store.close()


def to_be_told(product: Product) -> Counter[tuple[str, str]]:
    """What the product must have told rules by now: each ticket on an asset once."""
    return Counter((ticket.asset, "ticket_opened") for ticket in product.tickets())


def story_episodes(product: Product) -> list[EpisodeRow]:
    """The stored episodes of the story's own rules."""
    return [row for row in product.episodes() if row.rule.startswith("story-")]


def compare(
    load: Load, product: Product, readings: list[Reading], told: Counter[tuple[str, str]]
) -> Verdict:
    """What differs from an uninterrupted run on the same messages."""
    names = product.series()
    keys = [(*names[reading.series], reading.at) for reading in readings]
    stored = dict(zip(keys, (reading.value for reading in readings), strict=True))
    wanted = load.expected_readings
    changed = sum(1 for key in wanted.keys() & stored.keys() if stored[key] != wanted[key])
    tickets = Counter((t.rule, t.asset, t.repeats) for t in product.tickets())
    wanted_tickets = Counter((*key, repeats) for key, repeats in load.expected_tickets.items())
    ours = Counter({key: n for key, n in tickets.items() if key[0].startswith("story-")})
    differing = (ours - wanted_tickets) + (wanted_tickets - ours)
    return Verdict(
        lost=len(wanted.keys() - stored.keys()),
        doubled=len(keys) - len(stored) + len(stored.keys() - wanted.keys()),
        changed=changed,
        different_episodes=sorted(
            set(story_episodes(product)) ^ set(load.expected), key=lambda row: row[:3]
        ),
        different_tickets=sorted(differing.elements()),
        different_told=sorted(
            ((told - to_be_told(product)) + (to_be_told(product) - told)).elements()
        ),
    )


def _outcome(
    campaign: Campaign,
    verdict: Verdict,
    readings: list[Reading],
    product: Product,
    seconds: float,
    pause: float,
) -> Outcome:
    differing = [
        *verdict.different_episodes, *verdict.different_tickets, *verdict.different_told
    ]  # fmt: skip
    return Outcome(
        role=campaign.role,
        broker=campaign.broker,
        seed=campaign.seed,
        messages=campaign.messages,
        kills=campaign.kills,
        seconds=round(seconds, 1),
        readings=len(readings),
        episodes=len(story_episodes(product)),
        tickets=len(product.tickets()),
        lost=verdict.lost,
        doubled=verdict.doubled,
        different=verdict.changed + len(differing),
        examples=[str(item) for item in differing[:10]],
        longest_pause=round(pause, 2),
    )
