"""One rule fed as ingest feeds it: killed with readings unstored, reloaded, replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules.engine import (
    Instance,
    Member,
    Transition,
    adopt,
    bind,
    fire,
    next_wake,
    restore,
    step,
)
from rules.rule import Rule
from rules.slots import ReceiptNow, Slot
from tests.rules.building import SECOND

Others = Mapping[str, tuple[str, frozenset[str]]]
_KINDS = {"tripped": "trip", "cleared": "clear"}


@dataclass(frozen=True)
class Message:
    """What one device said. values: by the keys of its points; heard: on the receipt clock."""

    at: int
    values: Mapping[str, float]
    heard: int


class Pipeline:
    """The engine with its store, which may be behind what was decided.

    keys: every point that there is, those of other assets as `name/code`. others: who is asked,
    with type and points.
    """

    def __init__(self, tested: Rule, keys: Sequence[str], others: Others | None = None) -> None:
        self.rule = tested
        self.receipt = 1_000 * SECOND
        self.log: list[tuple[str, int]] = []
        self._keys = keys
        self._others: Others = others or {}
        self._stored: list[Message] = []
        # So many of them can't be lost any more.
        self._settled = 0
        self._now = ReceiptNow(self.receipt)
        self._slots = {key: Slot() for key in keys}
        self._instance = self._bound()

    def say(self, at: int, values: Mapping[str, float]) -> None:
        """A message arrives."""
        self.receipt += SECOND // 100
        message = Message(at, values, self.receipt)
        self._take(message)
        self._stored.append(message)

    def wait(self, gap: int) -> None:
        """The receipt clock moves on."""
        self.receipt += gap
        self._now.now = self.receipt
        wake = next_wake(self._instance)
        if wake is not None and wake <= self.receipt:
            self._note(fire(self._instance, self.receipt))
        later = next_wake(self._instance)
        assert later is None or later > self.receipt

    def kill(self, unstored: int) -> None:
        """The newest messages were decided on, but not stored: they come again."""
        keep = max(len(self._stored) - unstored, self._settled)
        again, self._stored = self._stored[keep:], self._stored[:keep]
        state = self._instance.state
        self._slots = {key: Slot() for key in self._keys}
        history: dict[str, list[tuple[int, float]]] = {key: [] for key in self._keys}
        for message in self._stored:
            for key in self._apply(message):
                history[key].append((message.at, message.values[key]))
        self._instance = self._bound()
        if self._instance.past is not None:
            self._instance.past.rebuild(history)
        restore(self._instance, state)
        if self._instance.rejudge:
            self.wait(0)
        # The receipt clock stands still until what is unacknowledged has come again.
        for message in again:
            self._take(message)
            self._stored.append(message)
        self.wait(0)

    def meet(self, others: Others, *, at_once: bool = True) -> None:
        """The registry is read anew, with others who are asked; at_once: time is looked at, too.

        What was heard before is stored by then.
        """
        self._settled = len(self._stored)
        self._others = others
        before = self._instance
        self._instance = self._bound()
        if self._instance.past is not None and before.past is not None:
            self._instance.past.inherit(before.past)
        restore(self._instance, before.state, before)
        if at_once:
            self.wait(0)

    def renew(self) -> None:
        """A new version of the rule comes into force, with the same conditions."""
        state = self._instance.state
        self._instance = self._bound()
        if self._instance.past is not None:
            self._instance.past.rebuild(self._history())
        adopt(self._instance, state)
        self.wait(0)

    def _bound(self) -> Instance:
        own = {key: slot for key, slot in self._slots.items() if "/" not in key}
        members = {
            group.branch: [
                self._member(name, codes)
                for name, (asset_type, codes) in self._others.items()
                if asset_type == group.branch.asset_type
            ]
            for group in self.rule.groups
        }
        return bind(self.rule, "asset-1", own, self._now, None, {}, members)

    def _member(self, name: str, codes: frozenset[str]) -> Member:
        return Member(name, name, {code: self._slots[f"{name}/{code}"] for code in codes})

    def _history(self) -> dict[str, list[tuple[int, float]]]:
        history: dict[str, list[tuple[int, float]]] = {key: [] for key in self._keys}
        for message in self._stored:
            for key, value in message.values.items():
                if not history[key] or message.at > history[key][-1][0]:
                    history[key].append((message.at, value))
        return history

    def _apply(self, message: Message) -> list[str]:
        """The values are put in place; the keys of those that are not late."""
        fresh = []
        for key, value in message.values.items():
            slot = self._slots[key]
            if message.at > slot.at:
                slot.value, slot.at, slot.heard = value, message.at, message.heard
                fresh.append(key)
        return fresh

    def _take(self, message: Message) -> None:
        fresh = self._apply(message)
        self._now.now = self.receipt
        members = self._instance.members
        watched = self.rule.points if members is None else members.watched
        # What else is said decides nothing that the next look at the clock would not.
        if not set(watched) & set(fresh):
            return
        when = self._instance.time_of(message.at) if self._instance.test() else None
        if when is not None:
            self._note(step(self._instance, when, message.heard))

    def _note(self, transitions: Sequence[Transition]) -> None:
        for each in transitions:
            assert each.after.changed_at == each.at
            assert each.reason
            if each.kind.value in _KINDS:
                self.log.append((_KINDS[each.kind.value], each.at))
