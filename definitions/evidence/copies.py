"""Which texts stand with several buyers: kept per batch, so that judging never reads the whole base."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Final

from django.db import connection

from definitions.evidence.paper import COPIES, TextKey, text_key
from definitions.models import WrittenText
from records.journey_data import Batch, RecordData
from records.services import touch
from records.stored import Where, rows_where

MOST_ROWS: Final = 200
"""Read of one text: enough to tell COPIES buyers apart, however many have it."""

Row = tuple[uuid.UUID, str, int]
"""(record, field, key)."""


def load_copies(batch: Batch, fields: Mapping[str, Set[str]]) -> Mapping[uuid.UUID, frozenset[TextKey]]:
    """record id -> its texts that stand with COPIES or more other buyers, whenever they were written.

    ``fields``: object -> the text fields that criteria rest on. Remembers the batch's texts first, in four queries
    at most, and touches the other buyers' records for which that changed the answer.
    """
    wanted = dict(_texts_of(batch, fields))
    held = {
        (row.record_id, row.field, row.key): row
        for row in rows_where(
            WrittenText,
            Where("record_id = ANY (%s)", ([r.id for j in batch.journeys.values() for r in j.records],)),
        )
    }
    gone = [row for name, row in held.items() if wanted.get(name) != row.journey_id]
    fresh = [
        WrittenText(record_id=record, journey_id=journey, field=field, key=key)
        for (record, field, key), journey in wanted.items()
        if (kept := held.get((record, field, key))) is None or kept.journey_id != journey
    ]
    if gone:
        WrittenText.objects.filter(pk__in=[row.pk for row in gone]).delete()
    if fresh:
        WrittenText.objects.bulk_create(fresh, ignore_conflicts=True)
    changed = {(row.field, row.key) for row in (*fresh, *gone)}
    holders = _holders({(field, key) for _, field, key in wanted} | changed)
    if changed:
        _touch_others(batch, changed, holders, fresh, gone)
    found: dict[uuid.UUID, set[TextKey]] = defaultdict(set)
    for (record, field, key), journey in wanted.items():
        if len({j for _, j in holders[field, key]} - {journey}) >= COPIES:
            found[record].add((field, key))
    return {record: frozenset(keys) for record, keys in found.items()}


def _texts_of(batch: Batch, fields: Mapping[str, Set[str]]) -> Iterator[tuple[Row, uuid.UUID]]:
    for journey in batch.journeys.values():
        for record in journey.records:
            for name in sorted(fields.get(record.object, ())):
                for key in {k for value in _ever(record, name) if (k := text_key(value)) is not None}:
                    yield (record.id, name, key), journey.id


def _ever(record: RecordData, name: str) -> Iterator[str]:
    values = [value for _, value in record.changes(name)]
    return (value for value in (*values, record.values.get(name)) if isinstance(value, str))


def _holders(keys: Set[TextKey]) -> dict[TextKey, set[tuple[uuid.UUID, uuid.UUID]]]:
    """(field, key) -> {(record, journey)}, MOST_ROWS of each. One query."""
    found: dict[TextKey, set[tuple[uuid.UUID, uuid.UUID]]] = defaultdict(set)
    if not keys:
        return found
    names, numbers = zip(*sorted(keys), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted.field, wanted.key, held.record_id, held.journey_id "
            "FROM unnest(%s::text[], %s::bigint[]) AS wanted (field, key) "
            "CROSS JOIN LATERAL (SELECT record_id, journey_id FROM definitions_writtentext w "
            "WHERE w.key = wanted.key AND w.field = wanted.field ORDER BY w.id LIMIT %s) held",
            [list(names), list(numbers), MOST_ROWS],
        )
        for name, key, record, journey in cursor.fetchall():
            found[name, key].add((record, journey))
    return found


def _touch_others(
    batch: Batch,
    changed: Set[TextKey],
    holders: Mapping[TextKey, Set[tuple[uuid.UUID, uuid.UUID]]],
    fresh: list[WrittenText],
    gone: list[WrittenText],
) -> None:
    """Whoever is not in the batch, of texts that crossed the threshold by it: at most COPIES buyers a text."""
    added: dict[TextKey, set[tuple[uuid.UUID, uuid.UUID]]] = defaultdict(set)
    removed: dict[TextKey, set[tuple[uuid.UUID, uuid.UUID]]] = defaultdict(set)
    for row in fresh:
        added[row.field, row.key].add((row.record_id, row.journey_id))
    for row in gone:
        removed[row.field, row.key].add((row.record_id, row.journey_id))
    others: set[uuid.UUID] = set()
    for name in changed:
        now = holders.get(name, set())
        before = (set(now) - added[name]) | removed[name]
        is_many, was_many = (len({j for _, j in rows}) > COPIES for rows in (now, before))
        if is_many != was_many:
            others |= {record for record, journey in now if journey not in batch.journeys}
    if others:
        touch(sorted(others), batch.now)
