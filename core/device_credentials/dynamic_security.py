"""Accounts on Mosquitto: its dynamic security plugin, spoken to over `$CONTROL` (mosquitto.org).

The one module of core that speaks MQTT. Everything of ours there bears the prefix `wk-`; accounts
and roles of others are left alone.
"""

import base64
import hashlib
import json
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from core.clock import Clock
from core.device_credentials.losses import DROPPED, Losses
from core.device_credentials.rights import ANNOUNCEMENTS, Rights
from core.device_credentials.usage import Connection
from core.device_credentials.wanted import Account, AccountsAway, Followed, Wanted
from core.vault import Vault

CONTROL = "$CONTROL/dynamic-security/v1"
LOG = "$SYS/broker/log"
PRODUCT_ROLE, ADMIN_ROLE, SHARED_ROLE = "wk-product", "wk-admin", "wk-shared"
SHARED_GROUP = "wk-anonymous"
_DEVICE_ROLE = "wk-device-"
_PATIENCE = 10.0
_ITERATIONS = 101
# So many accounts go into one message: each must stay far below the broker's largest.
_AT_ONCE = 100
# A client is dead to the broker after one and a half times its keepalive, and a little.
_SLACK = timedelta(seconds=20)
_NO_KEEPALIVE = timedelta(minutes=10)
_REMEMBERED = timedelta(minutes=10)
_CAME = re.compile(
    r"New client connected from (?P<address>\S+?):\d+ as (?P<id>.*) "
    r"\(p\d+, c\d+, k(?P<keepalive>\d+)(?:, u'(?P<user>.*)')?\)\.$"
)
_TAKEN = re.compile(r"Client (?P<id>.*) already connected, closing old connection\.$")
_WENT = re.compile(
    r"Client (?P<id>.*) (?:disconnected|closed its connection|has exceeded timeout"
    r"|been disconnected by administrative action)"
)


@dataclass(frozen=True, slots=True)
class Control:
    """Where Mosquitto is, and the account that its plugin obeys.

    tls: makes the TLS settings, None for a connection without; asked for at each connection, for
    the authority to trust may be there later than we are.
    """

    host: str
    port: int
    username: str
    password: str
    tls: Callable[[], ssl.SSLContext | None] | None = None


def _acl(kind: str, topic: str, *, allow: bool = True, priority: int = 0) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "allow": allow, "priority": priority}


def _may(publish: Sequence[str], read: Sequence[str], *, announces: bool = False) -> list[Any]:
    """ACLs of a role. What it may not read it is not sent either, whatever it subscribed to
    once."""
    refused = (
        [] if announces else [_acl("publishClientSend", ANNOUNCEMENTS, allow=False, priority=9)]
    )
    return [
        *refused,
        *(_acl("publishClientSend", one) for one in publish),
        *(_acl(kind, one) for one in read for kind in ("subscribePattern", "publishClientReceive")),
    ]


def _role(rights: Rights) -> list[Any]:
    return _may(rights.publish, rights.subscribe)


# Ingest subscribes to the topics of sources, whichever they are.
_FIXED_ROLES: Mapping[str, list[Any]] = {
    PRODUCT_ROLE: _may(["#"], ["#"], announces=True),
    ADMIN_ROLE: _may([f"{CONTROL}/#", CONTROL], [f"{CONTROL}/#", "$SYS/#"]),
}
_DEFAULTS = {
    "publishClientSend": False,
    "publishClientReceive": False,
    "subscribe": False,
    "unsubscribe": True,
}


def first_configuration(admin: tuple[str, str], product: tuple[str, str]) -> str:
    """The plugin's file before Mosquitto's first start: the two accounts that are ours.

    admin, product: user name and password. The file holds salted hashes (PBKDF2-SHA-512), as the
    plugin writes them itself.
    """
    roles = [{"rolename": name, "acls": acls} for name, acls in _FIXED_ROLES.items()]
    clients = [
        {"username": user, **_hashed(password), "roles": [{"rolename": role}]}
        for (user, password), role in ((admin, ADMIN_ROLE), (product, PRODUCT_ROLE))
    ]
    return json.dumps(
        {"defaultACLAccess": _DEFAULTS, "clients": clients, "groups": [], "roles": roles}, indent=2
    )


def _hashed(password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return {
        "password": base64.b64encode(made).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": _ITERATIONS,
    }


@dataclass(slots=True)
class _Book:
    """Who is connected, as the broker's log tells it; only those who came since we listen."""

    present: dict[str, Connection] = field(default_factory=dict)
    taken: list[Connection] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def read(self, line: str, now: datetime) -> None:
        """Take one line of the log in."""
        text = line.partition(": ")[2]
        if came := _CAME.match(text):
            keepalive = timedelta(seconds=int(came["keepalive"]) * 1.5)
            self.present[came["id"]] = Connection(
                next(self.numbers),
                came["user"] or "",
                came["id"],
                came["address"],
                now,
                patience=keepalive + _SLACK if keepalive else _NO_KEEPALIVE,
            )
        elif taken := _TAKEN.match(text):
            old = self.present.pop(taken["id"], None)
            if old is not None:
                self.taken = [each for each in self.taken if now - _end(each) < _REMEMBERED]
                self.taken.append(
                    Connection(
                        old.number,
                        old.username,
                        old.client_id,
                        old.address,
                        old.since,
                        now,
                        taken_over=True,
                    )
                )
        elif went := _WENT.match(text):
            self.present.pop(went["id"], None)


def _end(connection: Connection) -> datetime:
    assert connection.active is not None
    return connection.active


class DynamicSecurity:
    """One connection to Mosquitto's plugin. Any thread may use it, one at a time."""

    def __init__(self, control: Control, vault: Vault, clock: Clock) -> None:
        self._control = control
        self._vault = vault
        self._clock = clock
        self._book = _Book()
        self.losses = Losses()
        self._answers: list[list[dict[str, Any]]] = []
        self._changed = threading.Condition()
        self._client: Client | None = None
        # Whether it listens to answers: None until the broker has said so, or that it may not.
        self._subscribed: bool | None = None

    def close(self) -> None:
        """Hang up."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
            client.on_connect = client.on_subscribe = client.on_message = None

    # The wire.

    def _connected(self) -> Client:
        client = self._client
        if client is not None and client.is_connected() and self._subscribed:
            return client
        self.close()
        self._subscribed = None
        # What was connected while we did not listen is not known any more.
        self._book.present.clear()
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"wk-accounts-{secrets.token_hex(6)}",
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._control.username, self._control.password)
        context = self._control.tls() if self._control.tls else None
        if context is not None:
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        try:
            client.connect(self._control.host, self._control.port)
        except OSError as error:
            # Nothing holds paho's sockets longer than they are needed, not even the traceback.
            del client
            raise AccountsAway(
                f"Mosquitto at {self._control.host}:{self._control.port} can't be reached: {error}",
                advice="It is tried again by itself.",
            ) from error.with_traceback(None)
        client.loop_start()
        self._client = client
        with self._changed:
            self._changed.wait_for(lambda: self._subscribed is not None, _PATIENCE)
            allowed = self._subscribed
        if not allowed:
            self.close()
            raise AccountsAway(
                f"Mosquitto does not let {self._control.username} administer its accounts",
                advice="Correct mqtt_admin_username and mqtt_admin_password, and look whether "
                "the dynamic security plugin is loaded (docs/device-identity.md).",
            )
        return client

    def _on_connect(self, client: Client, _data: Any, _flags: Any, code: Any, _more: Any) -> None:
        if code.is_failure:
            self._let_in(listening=False)
            return
        topics = [f"{CONTROL}/response", f"{LOG}/N", f"{LOG}/E", DROPPED]
        client.subscribe([(topic, 1) for topic in topics])

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, codes: Any, _m: Any) -> None:
        self._let_in(listening=not any(code.is_failure for code in codes))

    def _let_in(self, *, listening: bool) -> None:
        with self._changed:
            self._subscribed = listening
            self._changed.notify_all()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            if message.topic.startswith(LOG):
                self._book.read(message.payload.decode(errors="replace"), self._clock.now())
                return
            if message.topic == DROPPED:
                self.losses.read(message.payload, self._clock.now())
                return
            self._answers.append(json.loads(message.payload)["responses"])
            self._changed.notify_all()

    def _ask(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """Have commands carried out in this order; their answers, each with `error` if it failed.

        Nobody else's answers are ours: each carries the mark that its command bore.
        """
        client = self._connected()
        mark = secrets.token_hex(8)
        marked = [{**one, "correlationData": f"{mark}-{n}"} for n, one in enumerate(commands)]
        with self._changed:
            self._answers.clear()
            client.publish(CONTROL, json.dumps({"commands": marked}), qos=1)
            answered = self._changed.wait_for(lambda: self._marked(mark) is not None, _PATIENCE)
            answer = self._marked(mark)
        if not answered or answer is None:
            self.close()
            raise AccountsAway(
                "Mosquitto's dynamic security plugin does not answer",
                advice="Look whether it is loaded (docs/device-identity.md).",
            )
        return answer

    def _marked(self, mark: str) -> list[dict[str, Any]] | None:
        for several in self._answers:
            if several and str(several[0].get("correlationData", "")).startswith(mark):
                return several
        return None

    def _do(self, commands: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(commands), _AT_ONCE):
            some = commands[start : start + _AT_ONCE]
            for command, answer in zip(some, self._ask(*some), strict=True):
                if "error" in answer:
                    what = command.get("username") or command.get("rolename") or ""
                    raise AccountsAway(
                        f"Mosquitto refuses {command['command']} {what}: {answer['error']}",
                        advice="It is tried again by itself.",
                    )

    # What is to be.

    def follow(self, wanted: Wanted) -> Followed:
        """Make accounts and roles of ours what is wanted. Raises AccountsAway.

        A device keeps its connection while only what it may do changes; one whose account goes is
        cut off by the broker.
        """
        clients, roles, groups, defaults, anonymous = self._present()
        # Before all else: whatever can't be made, who was revoked is not let in.
        self._do(_gone(clients, wanted))
        self._do([*_fixed(roles, groups, defaults, anonymous, wanted)])
        self._do([*_changes_of_roles(roles, wanted)])
        self._do(self._fresh(clients, wanted))
        stale = [
            {"command": "deleteRole", "rolename": name}
            for name in roles
            if name.startswith(_DEVICE_ROLE) and name not in _roles(wanted)
        ]
        self._do(stale)
        # An account whose secret is not kept was made for a broker that needs the hash alone: it is
        # seen not to be let in, and its owner makes a new one.
        admitted = [name for name, one in wanted.accounts.items() if one.sealed or name in clients]
        unknown = [
            name
            for name, held in clients.items()
            if name not in wanted.accounts and name != self._control.username and not _ours(held)
        ]
        return Followed(tuple(admitted), tuple(sorted(unknown)))

    def _present(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], Any, str]:
        asked: list[dict[str, Any]] = [
            {"command": "listClients", "verbose": True, "count": -1, "offset": 0},
            {"command": "listRoles", "verbose": True, "count": -1, "offset": 0},
            {"command": "listGroups", "verbose": True, "count": -1, "offset": 0},
            {"command": "getDefaultACLAccess"},
            {"command": "getAnonymousGroup"},
        ]
        answers = self._ask(*asked)
        for answer in answers:
            if "error" in answer:
                raise AccountsAway(
                    f"Mosquitto refuses {answer['command']}: {answer['error']}",
                    advice="Correct mqtt_admin_username and mqtt_admin_password.",
                )
        clients, roles, groups, defaults, anonymous = (answer["data"] for answer in answers)
        return (
            {one["username"]: one.get("roles", []) for one in clients["clients"]},
            {one["rolename"]: one.get("acls", []) for one in roles["roles"]},
            {one["groupname"]: one.get("roles", []) for one in groups["groups"]},
            {one["acltype"]: one["allow"] for one in defaults["acls"]},
            anonymous.get("group", {}).get("groupname", ""),
        )

    def _fresh(self, present: Mapping[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
        made = []
        for name, account in wanted.accounts.items():
            roles = [{"rolename": _role_name(account), "priority": 0}]
            if name in present:
                if [one["rolename"] for one in present[name]] != [_role_name(account)]:
                    made.append({"command": "modifyClient", "username": name, "roles": roles})
                continue
            secret = account.secret(self._vault)
            if secret is None:
                continue
            made.append(
                {"command": "createClient", "username": name, "password": secret, "roles": roles}
            )
        return made

    def connections(self) -> list[Connection]:
        """Who came since we listen, and who was taken over in the last minutes."""
        self._connected()
        with self._changed:
            return [*self._book.present.values(), *self._book.taken]


def _role_name(account: Account) -> str:
    return f"{_DEVICE_ROLE}{account.device_id}"


def _roles(wanted: Wanted) -> dict[str, Rights]:
    return {_role_name(one): one.rights for one in wanted.accounts.values()}


def _of_device(roles: Sequence[Mapping[str, Any]]) -> bool:
    return any(one["rolename"].startswith(_DEVICE_ROLE) for one in roles)


def _gone(present: Mapping[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
    return [
        {"command": "deleteClient", "username": name}
        for name, roles in present.items()
        if name not in wanted.accounts and _of_device(roles)
    ]


def _ours(roles: Sequence[Mapping[str, Any]]) -> bool:
    return any(one["rolename"].startswith("wk-") for one in roles)


def _same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    return {_key(each) for each in one} == {_key(each) for each in other}


def _key(acl: Mapping[str, Any]) -> tuple[Any, ...]:
    return acl["acltype"], acl["topic"], acl["allow"], acl.get("priority", 0)


def _put_role(roles: Mapping[str, Any], name: str, acls: Sequence[Any]) -> list[dict[str, Any]]:
    if name not in roles:
        return [{"command": "createRole", "rolename": name, "acls": acls}]
    if not _same(roles[name], acls):
        return [{"command": "modifyRole", "rolename": name, "acls": acls}]
    return []


def _changes_of_roles(roles: Mapping[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
    return [
        command
        for name, rights in _roles(wanted).items()
        for command in _put_role(roles, name, _role(rights))
    ]


def _fixed(
    roles: Mapping[str, Any],
    groups: Mapping[str, Any],
    defaults: Mapping[str, bool],
    anonymous: str,
    wanted: Wanted,
) -> list[dict[str, Any]]:
    """What does not depend on devices: our own roles, and what those without a name may do."""
    commands = []
    for name, acls in _FIXED_ROLES.items():
        commands += _put_role(roles, name, acls)
    topics = ["wk/v1/#", *wanted.sources]
    commands += _put_role(roles, SHARED_ROLE, _may(topics, topics))
    if dict(defaults) != _DEFAULTS:
        acls = [{"acltype": kind, "allow": allow} for kind, allow in _DEFAULTS.items()]
        commands.append({"command": "setDefaultACLAccess", "acls": acls})
    if SHARED_GROUP not in groups:
        commands.append({"command": "createGroup", "groupname": SHARED_GROUP})
    held = any(one["rolename"] == SHARED_ROLE for one in groups.get(SHARED_GROUP, ()))
    if held != wanted.shared:
        name = "addGroupRole" if wanted.shared else "removeGroupRole"
        commands.append({"command": name, "groupname": SHARED_GROUP, "rolename": SHARED_ROLE})
    if anonymous != SHARED_GROUP:
        commands.append({"command": "setAnonymousGroup", "groupname": SHARED_GROUP})
    return commands
