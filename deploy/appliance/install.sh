#!/bin/sh
# Installs Watchkeeper from this unpacked bundle, without any network. Safe to repeat.
#   sudo ./install.sh [--root DIR] [--steady SECONDS]
set -eu
from=$PWD
cd "$(dirname "$0")"

if ! sha256sum --check --quiet --strict SHA256SUMS; then
    echo "Stopped: this bundle is not as it was built; copy it here again." >&2
    exit 1
fi
if ! python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Stopped: Python 3.11 or newer is needed; install Debian's python3 from its medium." >&2
    exit 1
fi
bundle=$PWD
cd installer
export PYTHONDONTWRITEBYTECODE=1
exec python3 -m scripts.appliance install --bundle "$bundle" --from "$from" "$@"
