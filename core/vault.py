"""Secrets that we must read again, encrypted under a key that stands outside the database."""

import hashlib
import hmac
import os
import secrets
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import Unavailable
from core.settings import Settings

FILE = "secret.key"
_NAME, _NONCE = 4, 12


class WrongKey(Unavailable):
    """Something was encrypted under another key than the present one, or was changed."""


class Vault:
    """Encrypts and reads (AES-256-GCM, NIST SP 800-38D).

    The key is derived (HKDF, RFC 5869) from the setting `secret_key`, else from a file of the data
    folder that is made at the first use and that only its owner may read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _key(self) -> bytes:
        text = self._settings.secret_key or _kept(self._settings.data_dir / FILE)
        derived = HKDF(hashes.SHA256(), length=32, salt=None, info=b"watchkeeper vault 1")
        return derived.derive(text.encode())

    @cached_property
    def _name(self) -> bytes:
        """What tells this key from another one, without telling anything of it."""
        return hashlib.sha256(b"name of " + self._key).digest()[:_NAME]

    @cached_property
    def _hashing(self) -> bytes:
        return self.derive("derived ids 1", 32)

    def derive(self, about: str, length: int) -> bytes:
        """A key for one purpose, the same in every process that has the vault's key."""
        return HKDF(hashes.SHA256(), length=length, salt=None, info=about.encode()).derive(
            self._key
        )

    def derived_id(self, text: str, about: str) -> str:
        """A keyed hash (HMAC-SHA-256, hex): the same text is found again by it, and by us alone.

        about: what kind of text it is, so that the same text of two kinds is not seen to be one.
        """
        return hmac.digest(self._hashing, f"{about}\0{text}".encode(), "sha256").hex()

    def seal(self, text: str, about: str) -> bytes:
        """Encrypt a text. about: what it belongs to; nowhere else can it be read."""
        nonce = os.urandom(_NONCE)
        return self._name + nonce + AESGCM(self._key).encrypt(nonce, text.encode(), about.encode())

    def unseal(self, sealed: bytes, about: str) -> str:
        """The text that was sealed. Raises WrongKey."""
        name, nonce, body = sealed[:_NAME], sealed[_NAME:][:_NONCE], sealed[_NAME + _NONCE :]
        try:
            # The name is compared first: a lost key is to be told from changed bytes.
            if name != self._name:
                raise WrongKey(
                    "a secret in the database is encrypted under another key",
                    advice=f"Put {FILE} of the data folder back, or the setting secret_key.",
                )
            return AESGCM(self._key).decrypt(nonce, body, about.encode()).decode()
        except InvalidTag:
            raise WrongKey(
                "a secret in the database was changed",
                advice="Restore it from a backup, or let its owner set it anew.",
            ) from None


def _kept(path: Path) -> str:
    """The text of the key file, drawn when there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link fails where the file stands already: of two processes one draws the key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
