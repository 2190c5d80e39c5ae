"""What can go wrong in a simulator, each with words for the person at the keyboard.

SimulatorError
├── BrokerTrouble      the broker is away, refuses us, or doesn't acknowledge
├── ProductTrouble     the product's API is away or refuses us
│   └── Refusal        it answered, and did not do what was asked
└── BadInput           a file, a plan, a topic or a payload that can't be used
"""

from collections.abc import Sequence


class SimulatorError(Exception):
    """The root; its text is meant for people."""


class BrokerTrouble(SimulatorError):
    """The broker is away, refuses the connection, or stopped acknowledging."""


class ProductTrouble(SimulatorError):
    """The product's API is away, refuses the token, or answered what it shouldn't."""


class BadInput(SimulatorError):
    """What was given can't be used. problems: all of them, one line each."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n  ".join([message, *problems]))
        self.problems = tuple(problems)


class Refusal(ProductTrouble):
    """The product answered, and did not do what was asked. status: of its answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
