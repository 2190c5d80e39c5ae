"""A certificate authority of one test, and a certificate for the loopback address."""

import subprocess
from pathlib import Path

from tests.servers import find_program

_HOST = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def make_certificate(folder: Path, extension: str = _HOST) -> tuple[Path, Path]:
    """The paths of a self-signed certificate and its key."""
    openssl = find_program("openssl", "/usr/bin/openssl", package="openssl")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=Test", "-addext", extension]
    command += ["-addext", "basicConstraints=critical,CA:TRUE"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o644)
    return certificate, key
