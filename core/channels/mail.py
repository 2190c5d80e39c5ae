"""E-mail over SMTP (RFC 5321), with TLS where the address of the server says so."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from core.channels.message import Message, Outcome

TIMEOUT = 15.0


@dataclass(frozen=True)
class Mail:
    """E-mail through a server: smtp://user:password@host:25, smtps://… or smtp+starttls://…."""

    server: str
    sender: str
    name: str = "email"
    address_kind: str = "email"

    def send(self, address: str, message: Message) -> Outcome:
        """Send one e-mail."""
        letter = EmailMessage()
        # A header is one line, whatever somebody typed.
        letter["Subject"] = " ".join(message.title.split())
        letter["From"] = self.sender
        letter["To"] = address
        # The sender may be an address with a name before it.
        identity = make_msgid(domain=parseaddr(self.sender)[1].rpartition("@")[2] or None)
        letter["Message-ID"] = identity
        letter.set_content(f"{message.body}\n\n{message.accept}: {message.link}\n")
        try:
            with self._connected() as server:
                server.send_message(letter)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return Outcome(sent=False, text=f"{type(error).__name__}: {error}"[:300])
        return Outcome(sent=True, text="accepted by the mail server", reference=identity)

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self.server)
        host = parts.hostname or "localhost"
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
            if parts.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        return server
