"""Which of our fields may be sent now, as querysets: switched on, not held, in the pilot, on records still there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.models import WriteSwitch
from integrations.registry import CONNECTORS, connector_class
from integrations.writing.models import RecordHold
from integrations.writing.pilot import in_pilot
from records.desired import due_differences
from records.models import Connection, DesiredField, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME

UNDOING: Final = "Undo: the earlier value is being written back"
UNDONE: Final = "Undone: the earlier value was written back"


def writing_connections(only: str | None = None) -> QuerySet[Connection]:
    """Connections to which something may be sent."""
    rows = Connection.objects.filter(
        kind__in=CONNECTORS,
        state=Connection.State.ACTIVE,
        is_writing=True,
        writing_paused_at=None,
        go_live_at__isnull=False,
    )
    return rows if only is None else rows.filter(name=only)


def undoing() -> Q:
    return Q(state=DesiredField.State.DIFFERENT, hold=True, hold_reason=UNDOING)


def differing() -> Q:
    return due_differences() | undoing()


def waiting_rows(connection: Connection, now: datetime) -> QuerySet[DesiredField]:
    """Everything a push would send, whenever; what is undone goes out by itself, without switch, pilot or cap."""
    return _present(connection).filter(
        due_differences() & _sendable(connection, is_on=True) & in_pilot(connection, now)
        | undoing() & _sendable(connection)
    )


def outside_pilot(connection: Connection, now: datetime) -> QuerySet[DesiredField]:
    """What would wait to be sent, too, if everybody were written."""
    return _present(connection).filter(
        due_differences() & _sendable(connection, is_on=True) & ~in_pilot(connection, now)
    )


def due_rows(
    connection: Connection, now: datetime, *, only_undo: bool = False, without: Iterable[str] = ()
) -> QuerySet[DesiredField]:
    """Those of them that may be claimed now; ``without``: remote objects that can't be written just now."""
    if only_undo:
        rows = _present(connection).filter(undoing() & _sendable(connection))
    else:
        rows = waiting_rows(connection, now)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return rows.filter(free, next_try_at__lte=now).exclude(record__remote_object__in=list(without))


def value_of(row: DesiredField) -> Any:
    """What is to stand there."""
    return row.before_write if row.hold_reason == UNDOING else row.desired


def remote_names(connection: Connection, remote_object: str) -> dict[str, str]:
    """Own field -> its name there: as mapped, else as the connector would create it."""
    own = connector_class(connection.kind)
    found = {name: own.own_field_name(field) for name, field in OWN_FIELD_BY_NAME.items()}
    rows = FieldMapping.objects.filter(
        connection=connection, remote_object=remote_object, field__name__in=found
    )
    return found | dict(rows.values_list("field__name", "remote_name"))


def broken_fields(connection: Connection) -> set[tuple[str, str]]:
    """(remote object, own field) that our user can't see there any more."""
    rows = FieldMapping.objects.filter(
        connection=connection, is_broken=True, field__name__in=OWN_FIELD_BY_NAME
    )
    return set(rows.values_list("remote_object", "field__name"))


def _present(connection: Connection) -> QuerySet[DesiredField]:
    return DesiredField.objects.filter(
        ~Exists(RecordHold.objects.filter(record=OuterRef("record"))),
        record__connection=connection,
        record__deleted_at=None,
        record__merged_into=None,
    )


def _sendable(connection: Connection, *, is_on: bool | None = None) -> Q:
    """Fields of ours that exist there and that we write, by remote object."""
    broken = broken_fields(connection)
    by_object: dict[str, list[str]] = {}
    switches = WriteSwitch.objects.filter(connection=connection, provisioned_at__isnull=False)
    for switch in switches if is_on is None else switches.filter(is_on=is_on):
        own = OWN_FIELD_BY_NAME.get(switch.field)
        is_ours = own is not None and own.direction == "out"
        if is_ours and (switch.remote_object, switch.field) not in broken:
            by_object.setdefault(switch.remote_object, []).append(switch.field)
    found = Q(pk__in=[])
    for remote_object, fields in sorted(by_object.items()):
        found |= Q(record__remote_object=remote_object, field__in=fields)
    return found
