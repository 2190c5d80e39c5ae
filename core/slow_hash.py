"""Argon2id (RFC 9106) for what people choose: passwords, PINs, phrases; only a few at once."""

from threading import BoundedSemaphore

from pwdlib.hashers.argon2 import Argon2Hasher

# Each takes 64 MiB, and anybody who finds the sign-in page may ask for one: as many at once as
# there are threads for requests would be more memory than a small machine has.
AT_ONCE = 4
_turns = BoundedSemaphore(AT_ONCE)


class FewAtOnce(Argon2Hasher):
    """Argon2id; whoever comes while AT_ONCE are being made waits for a turn."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """A new hash, as a PHC string."""
        with _turns:
            return super().hash(password, salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - theirs
        """Whether a hash was made of this."""
        with _turns:
            return super().verify(password, hash)
