"""Whether gtmops holds what a stand-in CRM holds: field by field, and as the nightly comparison sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from integrations import comparison
from integrations.models import Comparison
from integrations.standins.store import Store
from records.canonical import canonical
from records.models import Connection, FieldMapping, Record
from tests.integrations.changes import MAPPED


@dataclass(frozen=True, slots=True)
class Likeness:
    """``records``: how many of the CRM's were looked at, with those that only we hold. ``differences``: in words."""

    records: int
    differences: list[str]


def likeness(connection: Connection, store: Store, purged: set[tuple[str, str]]) -> Likeness:
    records, found = 0, []
    for name in MAPPED[connection.kind]:
        ids, said = set(), []
        for remote_id, text in _looked_at(connection, store, name, purged):
            ids.add(remote_id)
            said += [f"{name} {remote_id} {text}"] if text else []
        records += len(ids)
        found += said
    return Likeness(records, found)


def differences(connection: Connection, store: Store, purged: set[tuple[str, str]]) -> list[str]:
    """What gtmops holds otherwise than the CRM, in words; nothing when they are the same."""
    return likeness(connection, store, purged).differences


def _looked_at(
    connection: Connection, store: Store, name: str, purged: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Each record's id with what is wrong about it, or with nothing."""
    fields = MAPPED[connection.kind][name][1]
    maps = dict(
        FieldMapping.objects.filter(connection=connection, remote_object=name).values_list(
            "field__name", "value_map"
        )
    )
    rows = Record.objects.filter(connection=connection, remote_object=name)
    held = {
        remote_id: (values, deleted_at is not None, merged_into is not None)
        for remote_id, values, deleted_at, merged_into in rows.values_list(
            "remote_id", "values", "deleted_at", "merged_into_id"
        )
    }
    sql = "SELECT remote_id, fields, deleted FROM rows WHERE system = ? AND object = ?"
    for row in store.fetch(sql, [connection.kind, name]):
        remote_id = row["remote_id"]
        mine = held.pop(remote_id, None)
        if row["deleted"]:
            yield remote_id, "is deleted there" if mine is not None and not mine[1] else ""
            continue
        if mine is None:
            yield remote_id, "is missing here"
            continue
        values, is_gone, is_merged = mine
        told = json.loads(row["fields"])
        wanted = {
            field_name: canonical(type_name, told.get(remote), maps[field_name])
            for field_name, (remote, type_name) in fields.items()
        }
        if is_gone or is_merged:
            yield remote_id, "lives there"
        elif values != wanted:
            yield remote_id, f"is {values} here, {wanted} there"
        else:
            yield remote_id, ""
    for remote_id, (_, is_gone, _) in held.items():
        why = "was purged there" if (name, remote_id) in purged else "is not there"
        yield remote_id, "" if is_gone else why


def compare(connection: Connection) -> None:
    """As the night does it, at once."""
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
    assert comparison.compare_now(connection, noon)
    while Comparison.objects.filter(connection=connection, state__in=comparison.OPEN).exists():
        comparison.compare_due(noon)
    made = Comparison.objects.filter(connection=connection)
    assert set(made.values_list("state", "last_error")) == {("done", "")}
