"""Sets InfluxDB 2 up for telemetry: two buckets and the task that rolls up; again and again."""

from typing import Any

from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.post_bucket_request import PostBucketRequest
from influxdb_client.domain.task_create_request import TaskCreateRequest
from influxdb_client.domain.task_update_request import TaskUpdateRequest
from influxdb_client.rest import ApiException

from core.errors import Conflict
from core.telemetry import influx_flux as flux
from core.telemetry.influx_reader import SCHEMA_VERSION
from core.telemetry.influx_server import InfluxServer, server_errors

# InfluxDB counts retention from event time and we from receipt: history may come so late.
LATEST_DAYS = 400
_DAY_S = 86_400
_NOT_FOUND = 404
_SHARD_S = 7 * _DAY_S
_OURS = ({"reading", "written", "kept"}, {"hour", "rolled", "store"})


def set_up(server: InfluxServer, readings_days: int | None) -> list[str]:
    """Bring about what is missing or differs; returns what was done, nothing the second time.

    readings_days: as the setting; None keeps readings for ever.
    Raises Conflict for what doesn't fit and is not ours to change, TelemetryError when InfluxDB
    is away or doesn't allow it.
    """
    with server_errors("InfluxDB cannot be set up"):
        _require_version(server)
        address = server.address
        org = _org_id(server)
        keep = 0 if readings_days is None else (readings_days + LATEST_DAYS) * _DAY_S
        return [
            *_bucket(server, org, address.bucket, keep, _OURS[0]),
            *_bucket(server, org, address.hours, 0, _OURS[1]),
            *_state(server),
            *_task(server, org),
        ]


def _require_version(server: InfluxServer) -> None:
    version = str(server.client.version() or "")
    if not version.lstrip("v").startswith("2."):
        raise Conflict(
            f"{server.address.url} is no InfluxDB 2: it says {version or 'nothing'} of its version",
            advice="Let influx_url lead to an InfluxDB 2; others are asked in another language.",
        )


def _org_id(server: InfluxServer) -> str:
    orgs: Any = server.client.organizations_api()
    try:
        found = orgs.find_organizations(org=server.address.org)
    except ApiException as error:
        if error.status != _NOT_FOUND:
            raise
        found = []
    for org in found:
        if org.name == server.address.org:
            return str(org.id)
    raise Conflict(
        f"InfluxDB has no organization {server.address.org!r}",
        advice="Correct influx_org, or create it in InfluxDB.",
    )


def _bucket(
    server: InfluxServer, org: str, name: str, keep: int, measurements: set[str]
) -> list[str]:
    """Create a bucket, or bring its retention (seconds, 0 for ever) up to date."""
    buckets: Any = server.client.buckets_api()
    found = buckets.find_bucket_by_name(name)
    if found is None:
        rule = _rule(keep)
        create: Any = PostBucketRequest
        buckets.create_bucket(create(org_id=org, name=name, retention_rules=[rule]))
        return [f"created the bucket {name}, which keeps {_kept(keep)}"]
    rules = found.retention_rules or []
    shard = next((rule.shard_group_duration_seconds for rule in rules), None) or _SHARD_S
    foreign = _measurements(server, name) - measurements
    if foreign:
        raise Conflict(
            f"the bucket {name} holds what is not ours: {', '.join(sorted(foreign))}",
            advice="Give telemetry buckets of its own: set influx_bucket.",
        )
    if shard % _DAY_S:
        # A batch is stored whole because it lies within one shard.
        raise Conflict(
            f"the bucket {name} has shards of {shard} s, which are not whole days",
            advice="Set influx_bucket to a name that is free; the bucket is then created rightly.",
        )
    before = next((rule.every_seconds for rule in rules), 0) or 0
    if before == keep:
        return []
    found.retention_rules = [_rule(keep, shard)]
    buckets.update_bucket(found)
    return [f"the bucket {name} now keeps {_kept(keep)}, before: {_kept(before)}"]


def _rule(keep: int, shard: int = _SHARD_S) -> Any:
    make: Any = BucketRetentionRules
    return make(every_seconds=keep, shard_group_duration_seconds=shard)


def _kept(seconds: int) -> str:
    return f"{seconds / _DAY_S:g} days" if seconds else "everything"


def _measurements(server: InfluxServer, bucket: str) -> set[str]:
    return {row["_value"] for row in server.rows(flux.measurements(bucket))}


def _state(server: InfluxServer) -> list[str]:
    """Mark the store as ours, unless it is marked already."""
    rows = server.rows(flux.state(server.address.hours))
    schema = next((int(row["_value"]) for row in rows if row["_field"] == "schema"), 0)
    if schema == SCHEMA_VERSION:
        return []
    if schema:
        raise Conflict(
            f"InfluxDB has telemetry schema {schema}; this program knows {SCHEMA_VERSION}",
            advice="Run the version of the program that wrote it, or a newer one.",
        )
    mark = f"store schema={SCHEMA_VERSION}i,opened=0i,horizon=0i 0"
    server.write([mark], server.address.hours)
    return [f"marked {server.address.hours} with schema {SCHEMA_VERSION}"]


def _task(server: InfluxServer, org: str) -> list[str]:
    """Create the task that rolls up, or bring it to this version's script."""
    address = server.address
    tasks: Any = server.client.tasks_api()
    script = flux.down_sampling_task(address.bucket, address.hours)
    name = flux.task_name(address.bucket)
    found = tasks.find_tasks(name=name, org=address.org)
    if not found:
        create: Any = TaskCreateRequest
        tasks.create_task(task_create_request=create(org_id=org, flux=script, status="active"))
        return [f"created the task {name!r}"]
    if found[0].flux.strip() == script.strip() and found[0].status == "active":
        return []
    update: Any = TaskUpdateRequest
    tasks.update_task_request(found[0].id, update(flux=script, status="active"))
    return [f"changed the task {name!r} to this version's"]
