"""A pilot: only these records are written until somebody says "everybody". By condition, or a list of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from definitions.catalogue import catalogue_from_db
from definitions.criteria import Criterion, CriterionError, parse
from effects.tick import ring
from integrations.writing.models import PilotRecord, WriteLimits
from records.models import Connection, Record
from records.own_fields import OWN_OBJECTS
from teams.models import Person

TABLE = "records_record"
MOST_LISTED: Final = 10_000

ListReader = Callable[[Person, str], QuerySet[Record]]
"""(viewer, query of the address of a list of records) -> its records, inside the viewer's border."""

_readers: list[ListReader] = []


class PilotError(ValueError):
    """It can't be the pilot; ``text`` says why, ``field`` which part of the form is meant."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field


@dataclass(frozen=True)
class PilotView:
    """What stands: in words, and how many records it lets through of all that hold our fields."""

    limits: WriteLimits
    words: str
    fault: str
    count: int
    total: int

    @property
    def is_on(self) -> bool:
        return self.limits.pilot != WriteLimits.Pilot.EVERYBODY


def register_list_reader(reader: ListReader) -> None:
    """Said once, by the room that has the list of records."""
    _readers[:] = [reader]


# --- reading ---------------------------------------------------------------------------------------------------


def limits_of(connection: Connection) -> WriteLimits:
    return WriteLimits.objects.filter(connection=connection).first() or WriteLimits(connection=connection)


def in_pilot(connection: Connection, now: datetime) -> Q:
    """The condition on rows of ours that the pilot lets through; a condition that no longer can be read lets nobody."""
    limits = limits_of(connection)
    if limits.pilot == WriteLimits.Pilot.EVERYBODY:
        return Q()
    return Q(record__in=_chosen(limits, now).values("pk"))


def pilot_of(connection: Connection, now: datetime) -> PilotView:
    """Three queries."""
    limits = limits_of(connection)
    total = _writable(connection).count()
    if limits.pilot == WriteLimits.Pilot.EVERYBODY:
        return PilotView(limits, "", "", total, total)
    words, fault = "", ""
    if limits.pilot == WriteLimits.Pilot.LIST:
        words = "a list of records"
    else:
        try:
            words = _criterion(limits.pilot_object, limits.pilot_criteria).to_english()
        except CriterionError as error:
            fault = "; ".join(f.text for f in error.faults)
    return PilotView(limits, words, fault, _chosen(limits, now).count(), total)


def _writable(connection: Connection) -> QuerySet[Record]:
    return Record.objects.present().filter(connection=connection, object__in=OWN_OBJECTS).order_by()


def _chosen(limits: WriteLimits, now: datetime) -> QuerySet[Record]:
    rows = _writable(limits.connection)
    if limits.pilot == WriteLimits.Pilot.LIST:
        return rows.filter(pilot_record__isnull=False)
    try:
        text, params = _criterion(limits.pilot_object, limits.pilot_criteria).to_sql("pilot", now)
    except CriterionError:
        return rows.none()
    ids = RawSQL(  # noqa: S611  (compiled from a parsed tree; every value is a parameter)
        f"SELECT pilot.id FROM {TABLE} pilot WHERE pilot.connection_id = %s AND pilot.object = %s AND ({text})",  # noqa: S608 (ours)
        [limits.connection_id, limits.pilot_object, *params],
        output_field=BooleanField(),
    )
    return rows.filter(pk__in=ids)


def _criterion(object_name: str, tree: Any) -> Criterion:
    return parse(tree, catalogue_from_db(), object=object_name)


# --- setting ---------------------------------------------------------------------------------------------------


def write_everybody(connection: Connection, by: Person | None = None) -> None:
    """End the pilot: whoever may be written is."""
    with transaction.atomic():
        PilotRecord.objects.filter(connection=connection).delete()
        _save(connection, by, None, WriteLimits.Pilot.EVERYBODY)
    ring("push")


def pilot_by_condition(
    connection: Connection, object_name: str, tree: Any, by: Person | None, now: datetime
) -> None:
    """Only records that meet the condition, as they stand whenever a push runs. Raises PilotError."""
    if object_name not in OWN_OBJECTS:
        raise PilotError("Say which kind of record it is about.", "object")
    if tree is None:
        raise PilotError("Write at least one condition, or choose everybody.", "criteria")
    try:
        criterion = _criterion(object_name, tree)
    except CriterionError as error:
        raise PilotError("; ".join(f.text for f in error.faults), "criteria") from error
    with transaction.atomic():
        PilotRecord.objects.filter(connection=connection).delete()
        _save(connection, by, now, WriteLimits.Pilot.CONDITION, object_name, criterion.to_tree())
    ring("push")


def pilot_by_list(connection: Connection, records: Sequence[Record], by: Person | None, now: datetime) -> int:
    """Only these records. Returns how many of them can hold our fields. Raises PilotError."""
    with transaction.atomic():
        PilotRecord.objects.filter(connection=connection).delete()
        rows = [
            PilotRecord(connection=connection, record=record)
            for record in records
            if record.connection_id == connection.pk and record.object in OWN_OBJECTS
        ]
        if not rows:
            raise PilotError("None of these records can hold our fields.", "records")
        PilotRecord.objects.bulk_create(rows)
        _save(connection, by, now, WriteLimits.Pilot.LIST)
    ring("push")
    return len(rows)


def read_list(connection: Connection, viewer: Person, text: str) -> list[Record]:
    """Records by what people paste: ids of the CRM, addresses of records, or the address of a list of records here.

    Raises PilotError naming what was not found."""
    words = [word.strip(",;\"'<>") for word in text.replace("\x00", "").split()]
    words = [word for word in words if word]
    if not words:
        raise PilotError("Paste ids or addresses of records, or the address of a list.", "records")
    inside = _writable(connection).filter(pk__in=Record.objects.for_person(viewer).values("pk"))
    found: dict[Any, Record] = {}
    ids: dict[str, str] = {}
    for word in words:
        path, _, query = word.partition("?")
        if query and _readers:
            listed = _readers[0](viewer, query).values("pk").order_by()
            found |= {r.pk: r for r in inside.filter(pk__in=listed)[: MOST_LISTED + 1]}
        else:
            ids[path.rstrip("/").rpartition("/")[2]] = word
    by_id = {str(r.remote_id): r for r in inside.filter(remote_id__in=list(ids)[: MOST_LISTED + 1])}
    by_key = {str(r.pk): r for r in inside.filter(pk__in=[i for i in ids if _is_key(i)])}
    missing = [word for key, word in ids.items() if key not in by_id and key not in by_key]
    if missing:
        some = ", ".join(word[:80] for word in missing[:5])
        more = f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""
        raise PilotError(f"Not found among the records of {connection.label}: {some}{more}.", "records")
    found |= {r.pk: r for r in (*by_id.values(), *by_key.values())}
    if not found:
        raise PilotError(f"That list has no records of {connection.label}.", "records")
    if len(found) > MOST_LISTED:
        raise PilotError(f"A list holds at most {MOST_LISTED:,} records; use a condition.", "records")
    return list(found.values())


def _is_key(text: str) -> bool:
    return len(text) == 36 and all(c in "0123456789abcdef-" for c in text.lower()) and text.count("-") == 4


def _save(
    connection: Connection,
    by: Person | None,
    now: datetime | None,
    pilot: WriteLimits.Pilot,
    object_name: str = "",
    tree: Any = None,
) -> None:
    WriteLimits.objects.update_or_create(
        connection=connection,
        defaults={
            "pilot": pilot,
            "pilot_object": object_name,
            "pilot_criteria": tree,
            "pilot_since": now,
            "pilot_by": by,
        },
    )
