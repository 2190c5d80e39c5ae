"""Where the broker is and how to be let in."""

import ssl
from dataclasses import dataclass, field
from typing import Literal

from core.errors import Unavailable

Transport = Literal["tcp", "websockets", "unix"]

SYSTEM_CA = "system"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One broker's address and credentials.

    `tls_ca` is the path of a PEM file with the authorities to trust, "system" for the machine's
    own, None for no TLS. `tls_insecure` leaves the host name unchecked; the certificate must still
    come from a trusted authority. With the transport "unix", `host` is the socket's path.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca: str | None = None
    tls_insecure: bool = False
    transport: Transport = "tcp"

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings; Unavailable when the authorities' file can't be used, None without TLS.

        It may be made a moment later, as where a broker and we start at once.
        """
        if self.tls_ca is None:
            return None
        cafile = None if self.tls_ca == SYSTEM_CA else self.tls_ca
        try:
            context = ssl.create_default_context(cafile=cafile)
        except OSError as error:
            raise Unavailable(
                f"the authorities to trust for the broker, {cafile}, can't be read: "
                f"{error.strerror or error}",
                advice="Make the file, or correct WATCHKEEPER_MQTT_CA.",
            ) from None
        context.check_hostname = not self.tls_insecure
        return context

    def __str__(self) -> str:
        return self.host if self.transport == "unix" else f"{self.host}:{self.port}"
