"""Groups by Apprise: for information only, since nobody in particular reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import apprise

from core.channels.message import Outcome


@dataclass(frozen=True)
class Groups:
    """The chat groups of an installation, as Apprise addresses."""

    addresses: Sequence[str]

    def tell(self, title: str, body: str) -> Outcome:
        """Tell every group; sent only if all of them took it."""
        sender = apprise.Apprise()
        refused = [address for address in self.addresses if not sender.add(address)]
        if refused:
            # The address may hold a secret.
            kinds = ", ".join(address.partition(":")[0] for address in refused)
            return Outcome(sent=False, text=f"Apprise does not know these addresses: {kinds}")
        sent = sender.notify(title=title, body=body)
        return Outcome(sent=bool(sent), text="told" if sent else "a group did not take it")
