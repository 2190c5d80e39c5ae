"""docker-compose.yml without containers: its services as processes with the same environment.

Read from the file are commands, environments, mounts, secrets and health checks. Paths of
containers become folders of the test, names of services become this machine, ports free ones.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import bound_to_this_process, find_program, forked, free_port
from tests.servers.mosquitto import account_lines, mosquitto_program
from tests.servers.postgres import server_program
from tests.servers.product import ROOT, until
from watchkeeper import health_check

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*)|:\?[^}]*)?\})")
_LIMIT_S = 90.0
PLUGIN = "mosquitto_dynamic_security.so"


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """A part of a compose file with its variables put in (Compose Specification, 12)."""
    if isinstance(value, dict):
        return {key: interpolated(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        name, default = found.groups()
        return "$" if name is None else variables.get(name) or default or ""

    return _VARIABLE.sub(put, value)


def read_compose(path: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """A compose file as its engine sees it."""
    found: dict[str, Any] = interpolated(yaml.safe_load(path.read_text("utf-8")), variables)
    return found


class Stack:
    """The services of the file over a folder of the test."""

    def __init__(self, folder: Path, host: str = "localhost") -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        variables = {
            "SERVER_NAME": host,
            "SECRETS": str(self.secrets),
            "CERTIFICATES": str(folder / "certificates"),
        }
        self.file = read_compose(ROOT / "docker-compose.yml", variables)
        self.services: dict[str, dict[str, Any]] = self.file["services"]
        self.ports: dict[tuple[str, int], int] = {}
        self._products: dict[str, BaseProcess] = {}
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        names = "|".join(map(re.escape, sorted(self.services, key=len, reverse=True)))
        self._address = re.compile(rf"(?<![\w-])({names}):(\d+)")

    def port(self, service: str, inside: int) -> int:
        """The port of this machine that stands for one inside a container."""
        if (service, inside) not in self.ports:
            self.ports[service, inside] = free_port()
        return self.ports[service, inside]

    def mounts(self, service: str) -> Iterator[tuple[str, Path]]:
        """What a container sees where, and what stands for it here."""
        spec = self.services[service]
        for name in spec.get("secrets", []):
            yield f"/run/secrets/{name}", Path(self.file["secrets"][name]["file"])
        for mount in spec.get("volumes", []):
            source, inside = mount.split(":")[:2]
            is_path = source.startswith((".", "/"))
            yield inside, ROOT / source if is_path else self.folder / "volumes" / source
        for mount in spec.get("tmpfs", []):
            inside = mount.split(":")[0]
            yield inside, self.folder / "tmpfs" / service / inside.lstrip("/")

    def here(self, service: str, text: str) -> str:
        """Words of a service with the paths and addresses of this machine in them."""

        def address(found: re.Match[str]) -> str:
            return f"127.0.0.1:{self.port(found[1], int(found[2]))}"

        places = dict(self.mounts(service))
        if places:
            longest_first = sorted(places, key=len, reverse=True)
            inside = rf"(?<![\w./-])({'|'.join(map(re.escape, longest_first))})(?![\w.-])"
            text = re.sub(inside, lambda found: str(places[found[1]]), text)
        return self._address.sub(address, text)

    def environment(self, service: str) -> dict[str, str]:
        """What a service finds in its environment, and of ours only what programs need."""
        given = {
            name: self.here(service, str(value))
            for name, value in self.services[service].get("environment", {}).items()
        }
        for name, value in list(given.items()):
            if not name.endswith("_PORT") or not value.isdigit():
                continue
            host = given.get(name.removesuffix("PORT") + "HOST", "")
            owner = host if host in self.services else service
            given[name] = str(self.port(owner, int(value)))
        given = {name: "localhost" if v in self.services else v for name, v in given.items()}
        usual = {"PATH", "LANG", "HOME", "VIRTUAL_ENV"}
        return {
            **{k: v for k, v in os.environ.items() if k in usual},
            **given,
            "COLUMNS": forked.COLUMNS,
        }

    def output(self, service: str) -> Path:
        """Where a service prints to."""
        return self.folder / f"{service}.out"

    def said(self, service: str) -> str:
        """What a service printed, over all its starts."""
        file = self.output(service)
        return file.read_text(errors="replace") if file.exists() else ""

    # The product's own services.

    def start(self, *services: str) -> None:
        """Start roles; returns at once."""
        for service in services:
            self._products[service] = self._begin(service, self.services[service]["command"])

    def run(self, service: str, *command: str) -> str:
        """Run a service that ends, with its own command or another one; what it printed."""
        before = len(self.said(service))
        process = self._begin(service, list(command) or self.services[service]["command"])
        process.join(_LIMIT_S)
        said = self.said(service)[before:]
        if process.exitcode != 0:
            pytest.fail(f"{service} {command} ended with {process.exitcode}: {said}", False)
        return said

    def _begin(self, service: str, command: Sequence[str]) -> BaseProcess:
        for _, outside in self.mounts(service):
            if self.folder / "volumes" in outside.parents:
                outside.mkdir(parents=True, exist_ok=True)
        words = [self.here(service, str(word)) for word in command]
        return forked.begin(words, self.environment(service), self.output(service), ROOT)

    def pid(self, service: str) -> int:
        """The process of a role."""
        pid = self._products[service].pid
        assert pid is not None
        return pid

    def stop(self, *services: str) -> None:
        """Stop roles as their engine does; the test fails when one doesn't end well."""
        processes = {service: self._products.pop(service) for service in services}
        for process in processes.values():
            process.terminate()
        for service, process in processes.items():
            process.join(_LIMIT_S)
            assert process.exitcode == 0, f"{service}: {process.exitcode}, {self.said(service)}"

    # What it stands on.

    def start_broker(self) -> None:
        """Start Mosquitto with its file and wait until its health check holds."""
        [_, option, config] = self.services["broker"]["command"]
        text = self.here("broker", Path(self.here("broker", config)).read_text("utf-8"))
        lines = re.sub(r"^listener (\d+)$", self._listener, text, flags=re.M)
        # The image and Debian have the plugin in different places.
        [plugin] = Path("/usr/lib").glob(f"*/{PLUGIN}")
        lines = lines.replace(f"/usr/lib/{PLUGIN}", str(plugin))
        file = self.folder / "mosquitto.conf"
        file.write_text("\n".join([*account_lines(), lines]), "utf-8")
        self._serve("broker", [mosquitto_program(), option, str(file)])
        self.wait_until_healthy("broker")

    def _listener(self, found: re.Match[str]) -> str:
        return f"listener {self.port('broker', int(found[1]))} 127.0.0.1"

    def start_proxy(self) -> None:
        """Start Caddy with its file."""
        program = find_program("caddy", "/usr/bin/caddy", package="caddy")
        command = [self.here("proxy", word) for word in self.services["proxy"]["command"][1:]]
        self._serve("proxy", [program, *command])

    def _serve(self, service: str, command: list[str]) -> None:
        environment = self.environment(service)
        if service == "proxy":
            environment["PROXY_HTTP_PORT"] = str(self.port("proxy", 8080))
            environment["PROXY_HTTPS_PORT"] = str(self.port("proxy", 8443))
            environment["PROXY_HEALTH_PORT"] = str(self.port("proxy", 2020))
        with self.output(service).open("ab") as output:
            self._servers[service] = subprocess.Popen(
                bound_to_this_process(command),
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def end_server(self, service: str) -> None:
        """Stop a server in order."""
        server = self._servers.pop(service)
        server.terminate()
        server.wait(_LIMIT_S)

    # Health checks.

    def check(self, service: str) -> tuple[bool, str]:
        """Run the health check of a service, as its engine does inside the container."""
        for _, outside in self.mounts(service):
            if self.folder / "tmpfs" in outside.parents:
                outside.mkdir(parents=True, exist_ok=True)
        kind, *words = self.services[service]["healthcheck"]["test"]
        words = [self._own(service, word) for word in words]
        programs = {"python": sys.executable, "pg_isready": server_program("pg_isready")}
        if kind == "CMD":
            command = [programs.get(words[0], words[0]), *words[1:]]
        else:
            command = ["/bin/sh", "-c", *words]
        environment = self.environment(service)
        if service == "postgres":
            environment["PGPORT"] = str(self.port("postgres", 5432))
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        return done.returncode == 0, done.stdout + done.stderr

    def _look(self, service: str) -> tuple[bool, str]:
        """As `check`; a role is asked what its check asks, without a process for each question."""
        if service not in self._products:
            return self.check(service)
        verdict = health_check.ask(int(self.environment(service)[health_check.PORT]))
        return verdict.well, "\n".join(verdict.words)

    def _own(self, service: str, text: str) -> str:
        def port(found: re.Match[str]) -> str:
            return f"{found[1]}{self.port(service, int(found[2]))}"

        return re.sub(r"(127\.0\.0\.1:|-p )(\d+)", port, self.here(service, text))

    def wait_until_healthy(self, *services: str) -> None:
        """Until the health checks hold; the test fails when one never does."""
        for service in services:
            self._wait(service, well=True, word="")

    def wait_until_ill(self, service: str, word: str) -> None:
        """Until a health check fails and says why."""
        self._wait(service, well=False, word=word)

    def _wait(self, service: str, *, well: bool, word: str) -> None:
        def is_so() -> bool:
            process = self._products.get(service)
            if process is not None and not process.is_alive():
                pytest.fail(f"{service} has ended: {self.said(service)}", pytrace=False)
            found, said = self._look(service)
            return found == well and word in said

        until(is_so, _LIMIT_S, lambda: self._why(service), 0.2)

    def _why(self, service: str) -> str:
        return f"{service}: {self.check(service)}, it said {self.said(service)[-3000:]}"

    def close(self) -> None:
        """End everything, whatever state it is in."""
        for process in self._products.values():
            process.kill()
            process.join(_LIMIT_S)
        for server in self._servers.values():
            server.kill()
            server.wait(_LIMIT_S)
