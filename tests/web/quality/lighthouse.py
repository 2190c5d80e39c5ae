"""Lighthouse on Node.js, run over the pages of a furnished stage."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.deps import SESSION_COOKIE
from scripts.node_programs import PAGE_CHECKS
from tests.servers import bound_to_this_process, find_program
from tests.servers.chromium import QUIET
from tests.web.quality.furnished import STRANGERS, Furnished


@dataclass(frozen=True, slots=True)
class Judgement:
    """One run over one page. scores: of 100, by category; lost: where points went."""

    name: str
    scores: Mapping[str, int]
    lost: Sequence[str]
    trouble: Sequence[str]


def judge(
    furnished: Furnished,
    names: Sequence[str],
    categories: Sequence[str],
    *,
    phone: bool = False,
    runs: int = 1,
) -> list[Judgement]:
    """Look at pages, each in a browser without cookie or cache but the administrator's session.

    phone: on the pretended phone and network of Lighthouse, instead of a fast desktop.
    """
    host = furnished.stage.url.removeprefix("http://").partition(":")[0]
    session = {"name": SESSION_COOKIE, "value": furnished.cookie(), "domain": host, "path": "/"}
    pages = [
        {
            "name": name,
            "url": furnished.stage.url + furnished.pages[name],
            "signedIn": name not in STRANGERS,
        }
        for name in names
    ]
    job = {
        "chromium": find_program("chromium", "/usr/bin/chromium", package="chromium"),
        "arguments": [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        "cookies": [session],
        "categories": list(categories),
        "phone": phone,
        "runs": runs,
        "pages": pages,
    }
    done = subprocess.run(
        bound_to_this_process([PAGE_CHECKS.node(), "lighthouse.mjs"]),
        cwd=PAGE_CHECKS.folder,
        env=PAGE_CHECKS.environment(),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Judgement(**json.loads(line)) for line in done.stdout.splitlines()]
