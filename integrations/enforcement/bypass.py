"""What lets our own user pass the rules: without it our writes would be the first to be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integrations.enforcement.acting import Log, items_of, patiently, settled
from integrations.enforcement.plan import PERMISSION
from integrations.errors import RetryLater
from integrations.models import EnforcementItem
from integrations.salesforce.rules import Rules
from records.models import Connection

Kind, State = EnforcementItem.Kind, EnforcementItem.State
OBJECTS = {
    Kind.ASSIGNMENT: "PermissionSetAssignment",
    Kind.ACCESS: "SetupEntityAccess",
    Kind.PERMISSION_SET: "PermissionSet",
    Kind.PERMISSION: "CustomPermission",
}
"""In the order in which Salesforce lets them go."""


def ensure_bypass(connection: Connection, rules: Rules, now: datetime, log: Log) -> None:
    """Custom permission, permission set, the one in the other, and our user's assignment; each only once."""
    permission = _ensure(
        connection, Kind.PERMISSION, PERMISSION, now, log,
        lambda: rules.find_permission(PERMISSION), lambda: rules.create_permission(PERMISSION),
    )  # fmt: skip
    permission_set = _ensure(
        connection, Kind.PERMISSION_SET, PERMISSION, now, log,
        lambda: rules.find_permission_set(PERMISSION), lambda: rules.create_permission_set(PERMISSION),
    )  # fmt: skip
    _ensure(
        connection, Kind.ACCESS, f"{PERMISSION} in its permission set", now, log,
        lambda: rules.find_access(permission_set, permission),
        lambda: rules.create_access(permission_set, permission),
    )  # fmt: skip
    user = patiently(rules.our_user)
    _ensure(
        connection, Kind.ASSIGNMENT, f"{PERMISSION} for our user {user}", now, log,
        lambda: rules.find_assignment(permission_set, user),
        lambda: rules.create_assignment(permission_set, user),
    )  # fmt: skip


def _ensure(
    connection: Connection,
    kind: str,
    name: str,
    now: datetime,
    log: Log,
    find: Callable[[], str],
    make: Callable[[], str],
) -> str:
    item, _ = EnforcementItem.objects.get_or_create(
        connection=connection,
        kind=kind,
        name=name,
        defaults={"created_at": now, "changed_at": now, "next_look_at": now},
    )
    remote_id = patiently(find)
    if not remote_id:
        # Empty again: it came into being since we looked.
        remote_id = patiently(make) or patiently(find)
        if not remote_id:
            raise RetryLater(f"{name} was created but can't be seen yet.")
        log.step(f"{name} was created.")
    if item.remote_id != remote_id or item.state != State.CREATED or item.drift:
        item.remote_id = remote_id
        settled(item, State.CREATED, now)
    return remote_id


def remove_bypass(connection: Connection, rules: Rules, now: datetime, log: Log) -> None:
    for kind, remote_object in OBJECTS.items():
        for item in items_of(connection, kind):
            item.state, item.changed_at = State.REMOVING, now
            item.save(update_fields=["state", "changed_at"])
            if item.remote_id and patiently(rules.exists, remote_object, item.remote_id):
                patiently(rules.delete_row, remote_object, item.remote_id)
            item.delete()
            log.step(f"{item.name} was removed.")
