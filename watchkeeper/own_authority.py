"""A certificate authority of the installation's own, for HTTPS where no certificate was given."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.kept_file import keep

_AUTHORITY_LASTS = timedelta(days=3650)
# Browsers refuse server certificates of more than 825 days (Apple) or distrust long ones.
_SERVER_LASTS = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=30)
# Clocks of phones and servers differ a little.
_BACKDATE = timedelta(hours=1)
_ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files for the web server: its chain, its key, and the authority that people trust."""

    chain: Path
    key: Path
    authority: Path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, as browsers show it."""
        certificate = x509.load_pem_x509_certificate(self.authority.read_bytes())
        return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def identity(folder: Path, host: str, now: datetime) -> Identity:
    """The identity kept in `folder`, made at first use (X.509, RFC 5280; ECDSA on P-256).

    The authority stays the same for ten years. The server's certificate is made anew a month
    before it ends, and when the machine answers to other names than those in it.
    """
    return _kept(folder, _names(host), now, _SERVER_LASTS)


def broker_identity(folder: Path, names: Iterable[str], now: datetime) -> Identity:
    """The identity of a broker, as `identity` keeps it for people: devices know no other names.

    Its certificate lasts as long as its authority: a broker that runs for years takes up no new
    one, and devices refuse none for lasting.
    """
    return _kept(folder, {"localhost", "127.0.0.1", *names}, now, None)


def _kept(folder: Path, names: Iterable[str], now: datetime, lasts: timedelta | None) -> Identity:
    """lasts: of the server's certificate; None as long as its authority."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = Identity(folder / "server.pem", folder / "server-key.pem", folder / "authority.pem")
    authority_key = folder / "authority-key.pem"
    if not (own.authority.exists() and authority_key.exists()):
        _make_authority(own.authority, authority_key, now)
    names = sorted(names)
    if not _still_serves(own, names, now):
        _make_server(own, authority_key, names, now, lasts)
    return own


def reachable_name(host: str) -> str:
    """What people type to reach a server that listens on `host`."""
    return _own_address() if host in _ANY_ADDRESS else host


def local_name(host: str) -> str:
    """By which name this machine itself reaches a server that listens on `host`."""
    if host not in _ANY_ADDRESS:
        return host
    return "::1" if ":" in host else "127.0.0.1"


def _own_address() -> str:
    # Connecting a UDP socket sends nothing; it only asks for the address of the way out.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _names(host: str) -> set[str]:
    return {"localhost", "127.0.0.1", "::1", socket.gethostname(), reachable_name(host)}


def _general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _still_serves(own: Identity, names: list[str], now: datetime) -> bool:
    if not (own.chain.exists() and own.key.exists()):
        return False
    certificate, issuer = x509.load_pem_x509_certificates(own.chain.read_bytes())
    stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    authority = x509.load_pem_x509_certificate(own.authority.read_bytes())
    return (
        list(stated) == _general_names(names)
        and issuer == authority
        and now + _RENEW_BEFORE < certificate.not_valid_after_utc
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + lasts)
    )


def _make_authority(path: Path, key_path: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(f"Watchkeeper at {socket.gethostname()}"[:64])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, now, _AUTHORITY_LASTS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    keep(key_path, _pem(key))
    keep(path, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _make_server(
    own: Identity,
    authority_key: Path,
    names: list[str],
    now: datetime,
    lasts: timedelta | None,
) -> None:
    issuer_key = serialization.load_pem_private_key(authority_key.read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate(own.authority.read_bytes())
    lasts = lasts or issuer.not_valid_after_utc - now
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        _builder(_subject("Watchkeeper"), issuer.subject, now, lasts)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(purpose, critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    keep(own.key, _pem(key))
    keep(own.chain, certificate.public_bytes(encoding) + issuer.public_bytes(encoding))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
