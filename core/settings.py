"""Settings, from the environment and one file; every one of them is obeyed somewhere."""

import os
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.db import sqlite_url, with_password
from core.errors import Invalid
from core.machine_memory import LEAST_FOR_PAGES, memory_bytes, memory_for_pages
from core.secret_files import read_secrets, variable

PREFIX = "WATCHKEEPER_"
FILE_VARIABLE = "WATCHKEEPER_CONFIG"
SECRETS = frozenset(
    {"mqtt_password", "webhook_secret", "database_url", "aliyun_key_secret", "wecom_secret"}
    | {"wecom_token", "wecom_aes_key", "dingtalk_card_secret"}
    | {"dingtalk_secret", "smtp_url", "group_urls", "voice_hook_secret"}
    | {"secret_key", "oidc_client_secret", "mqtt_admin_password"}
    | {"database_password", "influx_token"}
)
SHORTEST_KEY = 32


class Settings(BaseSettings):
    """What an installation can choose. Environment variables (WATCHKEEPER_…) win over the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Field(Path("var"), description="Folder of everything that must survive.")
    database_url: str = Field(
        "", description="PostgreSQL URL; empty means SQLite in the data folder."
    )
    database_password: str = Field(
        "", description="Password for database_url, which then holds none."
    )
    files_url: str = Field(
        "",
        description="Where photos are kept: a folder or an fsspec address; empty means the data "
        "folder.",
    )
    durability: Literal["process", "power"] = Field(
        "process",
        description="What acknowledged data survives: the death of a process, or loss of power.",
    )
    clock: Literal["system", "simulated"] = Field(
        "system", description="simulated lets a simulator drive time; for demos and tests only."
    )

    console_file: Path | None = Field(
        None,
        description="Where the address, and the code of a first start, are left for the screen of "
        "the machine, as agetty(8) shows issue files.",
    )
    clock_request: Path | None = Field(
        None,
        description="Where the service manager finds what the clock of the machine shall be set "
        "to, as Unix time; empty where nobody looks.",
    )

    http_host: str = Field("127.0.0.1", description="Address on which API and pages are served.")
    http_port: int = Field(8080, ge=0, le=65535, description="0 picks a free port.")
    http_certificate: Path | None = Field(
        None,
        description="PEM certificate chain; without one, a server that is reached from outside "
        "serves HTTPS by a certificate authority of its own.",
    )
    http_key: Path | None = Field(None, description="PEM key of http_certificate.")
    http_proxies: str = Field(
        "",
        description="Addresses and networks of reverse proxies, apart by white space, or *: they "
        "encrypt, so plain HTTP is served, and what they say of who asks is believed.",
    )
    monitor_host: str = Field("127.0.0.1", description="Address of the role's own health.")
    monitor_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port on which a role tells its health and its figures (/healthz, /readyz, "
        "/metrics) to whoever reaches it; empty means none.",
    )
    public_url: str = Field("", description="How browsers reach us; empty means as served.")
    sticker_url: str = Field(
        "",
        description="The short address that printed stickers carry, which must lead here for "
        "years; empty means public_url.",
    )

    secret_key: str = Field(
        "",
        description="Encrypts what the database must not show, 32 characters or more; empty means "
        "secret.key in the data folder.",
    )
    require_second_factor: Literal["nobody", "administrators", "everyone"] = Field(
        "administrators",
        description="Who signs in with a second factor: administrators are who may change rights.",
    )
    phone_offline_hours: int = Field(
        12,
        ge=1,
        le=36,
        description="For so long after signing in with signal a guard's phone may let the same "
        "person in again without, in hours.",
    )
    phone_badge_alone: bool = Field(
        False,
        description="On a phone of the post a guard may sign in by their badge without a PIN, for "
        "what they record on that phone alone.",
    )
    oidc_issuer: str = Field(
        "",
        description="Address of an identity provider (OpenID Connect) to sign in with; empty means "
        "none.",
    )
    oidc_client_id: str = Field("", description="What the identity provider calls Watchkeeper.")
    oidc_client_secret: str = Field(
        "", description="Our password at the identity provider; empty for a public client."
    )
    oidc_label: str = Field(
        "", max_length=60, description="What people call the identity provider; on its button."
    )

    mqtt_host: str = Field("", description="MQTT broker; empty means the embedded one.")
    mqtt_port: int = Field(1883, ge=1, le=65535)
    mqtt_username: str = ""
    mqtt_password: str = ""
    mqtt_ca: Path | None = Field(None, description="CA of the broker; switches TLS on.")
    mqtt_admin_username: str = Field(
        "",
        description="Account that Mosquitto's dynamic security plugin obeys; with it Watchkeeper "
        "makes the accounts of devices there. Empty means they are made by hand.",
    )
    mqtt_admin_password: str = ""
    mqtt_fast: bool = Field(True, description="False reads through paho's own, slower path.")
    broker_host: str = Field(
        "127.0.0.1", description="Address on which the embedded broker listens for devices."
    )
    broker_port: int = Field(
        0, ge=0, le=65535, description="0 means 1883 or the next free port, then always the same."
    )
    broker_max_payload: int = Field(
        16 * 1024 * 1024, ge=1024, description="Largest message of the embedded broker, bytes."
    )
    broker_queue_bytes: int = Field(
        4 * 1024**3, ge=1024**2, description="Size of the embedded broker's queue on disk, bytes."
    )

    device_broker: str = Field(
        "",
        pattern=r"^(mqtts?://[^\s/@]+)?$",
        description="How devices reach the broker, such as mqtts://broker.example:8883; for what "
        "installers are given. Empty means as Watchkeeper itself does.",
    )
    device_sign_in: Literal["shared", "own"] = Field(
        "shared",
        description="Who may speak to the broker: shared lets devices without a credential of "
        "their own in as well, own lets nobody in who has none.",
    )

    http_ingest_waiting: int = Field(
        20_000,
        ge=1,
        le=1_000_000,
        description="So many messages that platforms pushed may wait to be taken in; of one source "
        "half as many. More are refused, so that the platform keeps them.",
    )
    shard: str = Field("main", pattern=r"^[a-z0-9-]{1,32}$", description="Name of ingest's shard.")
    flush_rows: int = Field(
        6_000, ge=1, le=100_000, description="Readings gathered at most before they are stored."
    )
    flush_seconds: float = Field(
        0.2, gt=0, le=10, description="Longest time a reading waits before it is stored."
    )
    settle_seconds: float = Field(
        5.0,
        ge=0,
        le=300,
        description="After a reconnect messages are put in order for so long before judging goes "
        "on; longer than the broker waits before it sends something again.",
    )
    spool_bytes: int = Field(
        2 * 1024**3, ge=1024**2, description="Size of the spool while telemetry is away, bytes."
    )
    telemetry_memory_bytes: int = Field(
        default_factory=lambda: memory_for_pages(memory_bytes()),
        ge=LEAST_FOR_PAGES,
        description="Memory that DuckDB may use in the process that owns the readings, bytes; it "
        "fills it with pages of its file. If not set, an eighth of the memory of the machine, or "
        "of the container where that may have less; 1 GiB at most.",
    )
    quarantine_rows: int = Field(50_000, ge=100, description="Oldest ones above it are dropped.")
    quarantine_days: int = Field(30, ge=1)
    influx_url: str = Field(
        "",
        description="InfluxDB 2 that keeps the readings, such as http://influxdb:8086; empty means "
        "DuckDB in the data folder. `watchkeeper telemetry init` sets it up.",
    )
    influx_org: str = Field("", description="Organization in InfluxDB; goes with influx_url.")
    influx_bucket: str = Field(
        "watchkeeper",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
        description="Bucket of the readings; the one of the roll-ups has -hours behind its name.",
    )
    influx_token: str = Field("", description="Token that may read and write both buckets.")
    readings_days: int | None = Field(
        None, ge=1, description="Readings are dropped so long after receipt; empty means never."
    )
    track_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Where guards were in detail (distances, signals, texts of journals, what was "
        "refused) is dropped so long after receipt, unless a case needs it.",
    )
    patrol_record_days: int | None = Field(
        None,
        ge=365,
        description="Who made scans and rounds and stood at posts is dropped so long after it; "
        "empty means never.",
    )

    announce_test: time | None = Field(
        None,
        description="Local time of the daily test of sirens and displays on site, such as 10:00; "
        "empty means none.",
    )
    webhook_url: str = Field("", description="Ticket and alarm events are posted there.")
    webhook_secret: str = Field("", description="Signs webhooks: HMAC-SHA256 of the body.")

    smtp_url: str = Field(
        "",
        description="Mail server: smtp://user:password@host:25, smtp+starttls://… or smtps://….",
    )
    mail_from: str = Field("", description="The sender of e-mail.")
    wecom_corp: str = Field("", description="Corp id of the WeCom company.")
    wecom_secret: str = Field("", description="Secret of the WeCom application.")
    wecom_agent: int = Field(0, ge=0, description="Agent id of the WeCom application.")
    wecom_token: str = Field(
        "",
        description="Token of the application's callback; then a button accepts without a page. "
        "Goes with wecom_aes_key.",
    )
    wecom_aes_key: str = Field(
        "",
        pattern=r"^([A-Za-z0-9]{43})?$",
        description="EncodingAESKey of the application's callback, 43 letters and digits.",
    )
    wecom_url: str = "https://qyapi.weixin.qq.com"
    dingtalk_key: str = Field("", description="App key of the DingTalk application.")
    dingtalk_secret: str = Field("", description="App secret of the DingTalk application.")
    dingtalk_agent: int = Field(0, ge=0, description="Agent id of the DingTalk application.")
    dingtalk_url: str = "https://oapi.dingtalk.com"
    dingtalk_card_template: str = Field(
        "",
        description="Id of a card template with a button; then presses accept without a page. It "
        "needs dingtalk_key, dingtalk_secret and dingtalk_robot; with dingtalk_presses: http also "
        "public_url and dingtalk_card_secret.",
    )
    dingtalk_presses: Literal["http", "stream"] = Field(
        "http",
        description="How presses come back: posted to public_url, or over a connection that "
        "Watchkeeper opens, for sites that nobody reaches from outside.",
    )
    dingtalk_card_secret: str = Field(
        "", description="Signs the presses of DingTalk's cards; any long random text."
    )
    dingtalk_robot: str = Field("", description="Robot code of the DingTalk application.")
    dingtalk_api_url: str = "https://api.dingtalk.com"
    aliyun_key_id: str = Field("", description="Access key of Aliyun, for SMS and voice.")
    aliyun_key_secret: str = ""
    aliyun_sms_url: str = "https://dysmsapi.aliyuncs.com"
    aliyun_voice_url: str = "https://dyvmsapi.aliyuncs.com"
    sms_sign: str = Field("", description="Approved signature of SMS.")
    sms_template: str = Field(
        "", description="Approved SMS template with the variables `what` and `code`."
    )
    push_contact: str = Field(
        "",
        pattern=r"^(|mailto:[^@\s]+@[^@\s]+|https://\S+)$",
        description="Address of who runs this installation, mailto: or https:, which push services "
        "ask for; empty means no web push.",
    )
    push_services: str = Field(
        "fcm.googleapis.com updates.push.services.mozilla.com *.notify.windows.com "
        "*.push.apple.com",
        description="Hosts of the push services that we post to, apart by white space.",
    )
    sms_outside: Literal["nobody", "contractors", "everyone"] = Field(
        "everyone",
        description="Who outside is sent their link by SMS, where it is set up: contractors of a "
        "job, or residents too, of their report.",
    )
    sms_outside_template: str = Field(
        "",
        description="Approved SMS template for people outside, with the same variables; empty "
        "means sms_template.",
    )
    sms_outside_daily: int = Field(
        500, ge=0, description="So many SMS go to people outside within 24 hours at most."
    )
    voice_number: str = Field("", description="Number that calls show.")
    voice_start: str = Field(
        "", description="Voice file or text template that begins a call, with the variable `what`."
    )
    voice_thanks: str = Field("", description="What a call says when key 1 was pressed.")
    voice_hook_secret: str = Field(
        "", description="Last part of the address to which Aliyun posts receipts of calls."
    )
    group_urls: str = Field(
        "", description="Apprise addresses of chat groups that are told, apart by white space."
    )

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator("webhook_url", "sticker_url", "influx_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < SHORTEST_KEY:
            raise ValueError(
                f"must have {SHORTEST_KEY} characters or more; `openssl rand -base64 32` makes one"
            )
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _safe_issuer(cls, value: str) -> str:
        if value and not is_safe_address(value):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return value

    @model_validator(mode="after")
    def _whole_database(self) -> "Settings":
        if self.database_password and not self.database_url:
            raise ValueError("database_password needs database_url")
        return self

    @model_validator(mode="after")
    def _whole_admin(self) -> "Settings":
        if self.mqtt_admin_username and not self.mqtt_host:
            raise ValueError("mqtt_admin_username needs mqtt_host")
        if self.mqtt_admin_username and self.mqtt_admin_username == self.mqtt_username:
            raise ValueError("mqtt_admin_username and mqtt_username are two accounts")
        return self

    @model_validator(mode="after")
    def _whole_provider(self) -> "Settings":
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("oidc_issuer and oidc_client_id are set together or not at all")
        if self.oidc_client_secret and not self.oidc_issuer:
            raise ValueError("oidc_client_secret needs oidc_issuer and oidc_client_id")
        return self

    @model_validator(mode="after")
    def _whole_influx(self) -> "Settings":
        if self.influx_url and not self.influx_org:
            raise ValueError("influx_url needs influx_org")
        if self.influx_url and not self.influx_token:
            raise ValueError("influx_url needs influx_token")
        return self

    @model_validator(mode="after")
    def _whole_buttons(self) -> "Settings":
        if bool(self.wecom_token) != bool(self.wecom_aes_key):
            raise ValueError("wecom_token and wecom_aes_key are set together or not at all")
        card = {
            "dingtalk_key": self.dingtalk_key,
            "dingtalk_secret": self.dingtalk_secret,
            "dingtalk_robot": self.dingtalk_robot,
        }
        if self.dingtalk_presses == "http":
            posted = {"dingtalk_card_secret": self.dingtalk_card_secret}
            card = {"public_url": self.public_url, **card, **posted}
        missing = [name for name, value in card.items() if not value]
        if self.dingtalk_card_template and missing:
            raise ValueError(f"dingtalk_card_template needs {', '.join(missing)}")
        return self

    def sticker_base(self, served: str) -> str:
        """What the addresses of stickers begin with. served: how a browser reached us just now."""
        return (self.sticker_url or self.public_url or served).rstrip("/")

    @property
    def sql_url(self) -> str:
        """The database to use: the given one, or SQLite in the data folder."""
        if not self.database_url:
            return sqlite_url(self.data_dir / "watchkeeper.sqlite")
        return with_password(self.database_url, self.database_password)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what `load` hands over from the file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def is_safe_address(url: str) -> bool:
    """Whether nobody between us and the address can read along: TLS, or this machine itself."""
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    return bool(parts.hostname) and (parts.scheme == "https" or here)


class _Overridden(Settings):
    """Settings that only look at what they are given."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line has been merged over environment and file already."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def file_path(environment: Mapping[str, str] | None = None) -> Path | None:
    """The settings file: $WATCHKEEPER_CONFIG, or watchkeeper.toml here if it exists."""
    named = (environment or os.environ).get(FILE_VARIABLE)
    if named:
        return Path(named)
    usual = Path("watchkeeper.toml")
    return usual if usual.exists() else None


def _read_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Invalid(
            f"the settings file {path} does not exist", advice=f"Correct ${FILE_VARIABLE}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: {error}", advice="Mend the file; it is TOML.") from None


def load(**overrides: Any) -> Settings:
    """Settings from the environment and the file; `overrides` (command line) win over both.

    Raises Invalid with every problem at once.
    """
    secrets = read_secrets(SECRETS, PREFIX, os.environ)
    values = {**_read_file(file_path()), **secrets.values}
    chosen = {key: value for key, value in overrides.items() if value is not None}
    unknown = [*secrets.problems, *_unknown_variables()]
    try:
        settings = Settings(**values)
        if chosen:
            settings = _Overridden(**{**settings.model_dump(), **chosen})
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise Invalid("the settings are not usable", problems=[*problems, *unknown]) from None
    if unknown:
        raise Invalid("the settings are not usable", problems=unknown)
    return settings


def _unknown_variables() -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {FILE_VARIABLE}
    known |= {variable(PREFIX, name) for name in SECRETS}
    return [
        f"{name}: there is no such setting"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]


def is_chosen(name: str) -> bool:
    """Whether the environment or the file sets a setting."""
    given = {PREFIX + name.upper(), variable(PREFIX, name)} & os.environ.keys()
    return bool(given) or name in _read_file(file_path())


def origins() -> list[tuple[str, str, str]]:
    """Every setting as (name, value shown, where it came from); secrets are masked."""
    path = file_path()
    in_file = _read_file(path)
    settings = load()
    rows = []
    for name in Settings.model_fields:
        in_environment = PREFIX + name.upper()
        if in_environment in os.environ:
            origin = f"environment: {in_environment}"
        elif variable(PREFIX, name) in os.environ:
            origin = f"file: {os.environ[variable(PREFIX, name)]}"
        elif name in in_file:
            origin = f"file: {path}"
        else:
            origin = "default"
        value = getattr(settings, name)
        shown = "•••" if name in SECRETS and value else "" if value is None else str(value)
        rows.append((name, shown, origin))
    return rows
