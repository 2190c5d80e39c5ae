"""Readings in columns, as a replay takes them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings in order of receipt; times in µs.

    which: number of the point in its scene; at: event time; received: when the message came,
    which no other message shares; receipt: the same moment on the receipt clock, which stands
    still while nobody listens.
    """

    which: Integers
    at: Integers
    value: Numbers
    received: Integers
    receipt: Integers

    def __len__(self) -> int:
        return len(self.which)

    def where(self, part: Truths | Integers | slice) -> Self:
        """Some of the readings, in the same order."""
        return type(self)(
            self.which[part],
            self.at[part],
            self.value[part],
            self.received[part],
            self.receipt[part],
        )


def message_ends(columns: Columns, device: Integers) -> Integers:
    """For each message the number behind its last reading. device: of each reading.

    Readings that one device sent at one moment of receipt, of one event time, are one message.
    """
    if not len(columns):
        return np.zeros(0, np.int64)
    borders = (np.diff(columns.received) != 0) | (np.diff(columns.at) != 0) | (np.diff(device) != 0)
    return np.append(np.flatnonzero(borders) + 1, len(columns))
