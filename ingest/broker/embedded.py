"""The broker inside `watchkeeper up`: nats-server as a supervised child of our process."""

import logging
import socket
import subprocess
import threading
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from core.device_credentials import Connection, Wanted
from core.kept_file import keep
from ingest.broker.config import (
    EVERYBODY,
    PRODUCT,
    WARDEN,
    BrokerConfig,
    Credentials,
    addresses,
    credentials,
    render,
)
from ingest.broker.process import BrokerError, end_orphan, forget, spawn
from ingest.broker.queue import QueueState, queue_state
from ingest.broker.warden import connections, read_configuration_again
from ingest.session import BrokerAddress

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_LASTING = 30.0
_LAST_LINES = 5
_IN_USE = "address already in use"


class EmbeddedBroker:
    """One nats-server on one folder: started, watched, started again when it ends, stopped.

    A thread of its own starts the child and lives as long as the child should: the kernel ends
    the child when that thread goes, so also when our process is killed.
    """

    def __init__(self, config: BrokerConfig, wanted: Wanted = EVERYBODY) -> None:
        """wanted: who is let in beside Watchkeeper, from the first moment on."""
        self.config = config
        self.wanted = wanted
        # Whether the server that runs was told of `wanted`.
        self.followed = False
        self.restarts = 0
        self._stopping = threading.Event()
        self._spawned = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: BrokerError | OSError | None = None
        self._control_port = 0
        self._addresses: tuple[BrokerAddress, ...] = ()
        self._keys: Credentials | None = None
        # Configurations are written by the supervisor and by whoever admits devices.
        self._writing = threading.Lock()
        # Whether the MQTT port was ours once: clients know it then, and it must not change.
        self._listened = False

    @property
    def address(self) -> BrokerAddress:
        """Where Watchkeeper itself connects, with its own account; known after `start`."""
        return self._addresses[0]

    @property
    def device_address(self) -> BrokerAddress:
        """Where devices connect, with the account that they may share; known after `start`."""
        return self._addresses[1]

    @property
    def tools_address(self) -> BrokerAddress:
        """Where tools and simulators of this machine connect; known after `start`."""
        return self._addresses[2]

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def alive(self) -> bool:
        """Whether the server's process runs at this moment."""
        return self.pid is not None

    def start(self) -> None:
        """Write the configuration, end an orphan of an earlier run, start the server.

        BrokerError when the folder is in use by a living process or the program is missing.
        """
        config = self.config
        config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if end_orphan(config):
            log.warning("ended a broker that an earlier run had left on %s", config.directory)
        self._listened = False
        self._configure()
        self._stopping.clear()
        self._spawned.clear()
        self._thread = threading.Thread(target=self._supervise, name="broker", daemon=True)
        self._thread.start()
        self._spawned.wait()
        if self._failure is not None:
            raise BrokerError(f"the broker can't be started: {self._failure}") from self._failure

    def _configure(self) -> None:
        """Write the configuration, with ports that are free now."""
        config, keys = self.config, credentials(self.config.directory)
        with self._writing:
            port = self._addresses[0].port if self._listened else config.port or _free_port()
            self._control_port = _free_port()
            self._keys = keys
            self._addresses = addresses(config, keys, port)
            self._write(keys, port)

    def _write(self, keys: Credentials, port: int) -> None:
        text = render(self.config, keys, port, self._control_port, self.wanted)
        keep(self.config.file, text)

    def admit(self, wanted: Wanted) -> None:
        """Let in whom `wanted` says, and nobody else; who is connected and may no more is cut off.

        Everybody else stays connected. BrokerError while the server can't be asked: the
        configuration stands then, and holds from its next start.
        """
        with self._writing:
            if self._keys is None:
                raise BrokerError("the broker has not been started")
            self.wanted, self.followed = wanted, False
            self._write(self._keys, self._addresses[0].port)
            control_port, password = self._control_port, self._keys.warden
        read_configuration_again(control_port, WARDEN, password)
        self.followed = self.wanted is wanted

    def connections(self) -> list[Connection]:
        """Who is connected over MQTT, and who was taken over just now; BrokerError if unknown."""
        if self._keys is None:
            raise BrokerError("the broker has not been started")
        return connections(self._control_port, WARDEN, self._keys.warden)

    def _take_other_ports(self) -> None:
        """What was free when we looked was taken before the server listened."""
        try:
            self._configure()
        except OSError as error:
            log.error("the broker's configuration can't be written: %s", error)

    def _supervise(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._process = spawn(self.config)
            except (BrokerError, OSError) as error:
                self._failure = error
                self._spawned.set()
                return
            self._spawned.set()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            self.restarts += 1
            log.error("the broker ended with code %s: %s", code, self._last_words())
            if _IN_USE in self._last_words():
                self._take_other_ports()
            pause = _FIRST_PAUSE if time.monotonic() - began > _LASTING else pause
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def wait_ready(self, timeout: float = 30.0) -> None:
        """Until the server accepts an MQTT connection with our account; BrokerError if it won't."""
        deadline = time.monotonic() + timeout
        while not _accepts(self.address):
            if time.monotonic() >= deadline:
                raise BrokerError(f"the broker isn't ready in {timeout:g} s: {self._last_words()}")
            time.sleep(0.05)
        self._listened = True

    def queue_state(self) -> QueueState:
        """How much waits in the broker; BrokerError while it can't be asked."""
        password = self._keys.product if self._keys else ""
        return queue_state(self._control_port, PRODUCT, password, self.config.store_bytes)

    def stop(self, timeout: float = 10.0) -> None:
        """End the server cleanly, by force after `timeout` seconds. Safe to repeat."""
        self._stopping.set()
        process, thread = self._process, self._thread
        if process is not None:
            process.terminate()
        if thread is not None:
            thread.join(timeout)
        if process is not None and process.poll() is None:
            process.kill()
        if thread is not None:
            thread.join()
            forget(self.config)
        self._thread = None

    def _last_words(self) -> str:
        for path in (self.config.directory / "nats-server.out", self.config.log):
            lines = path.read_text(errors="replace").splitlines() if path.exists() else []
            if lines:
                return " | ".join(lines[-_LAST_LINES:])
        return "it left no message"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(address: BrokerAddress) -> bool:
    """Whether a real CONNECT is answered with acceptance within a second."""
    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.username_pw_set(address.username, address.password)
    context = address.tls_context()
    if context is not None:
        client.tls_set_context(context)
    try:
        client.connect(address.host, address.port)
    except OSError:
        return False
    deadline = time.monotonic() + 1.0
    while client.socket() is not None and not client.is_connected():
        if time.monotonic() >= deadline:
            break
        client.loop(0.05)
    accepted = client.is_connected()
    client.disconnect()
    return accepted
