"""Flux's own compiler (flux-lsp on Node.js): whether a script is valid, and its syntax tree."""

import atexit
import json
import subprocess
import threading
from functools import cache
from typing import Any, NamedTuple

from scripts.node_programs import FLUX_COMPILER
from tests.servers import bound_to_this_process

Tree = dict[str, Any]


class Compiled(NamedTuple):
    """valid: it parses, and its types and names fit Flux's own library."""

    valid: bool
    tree: Tree


class FluxCompiler:
    """The compiler's process; one script at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            bound_to_this_process([FLUX_COMPILER.node(), "compile.mjs"]),
            cwd=FLUX_COMPILER.folder,
            env=FLUX_COMPILER.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def compile(self, script: str) -> Compiled:
        """What it says of a script."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(script) + "\n")
            self._process.stdin.flush()
            return Compiled(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@cache
def flux_compiler() -> FluxCompiler:
    """The one of this process, started when it is first asked for."""
    compiler = FluxCompiler()
    atexit.register(compiler.close)
    return compiler
