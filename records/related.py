"""Load what `related.<name>` leads to, a whole batch at once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection

from records.journey_data import JourneyData, RecordData
from records.loading import load_batch, load_records
from records.relations import Relation, Via, journeys, related_rows

Related = dict[uuid.UUID, dict[str, tuple[uuid.UUID, ...]]]


def find_related(
    wanted: Mapping[str, Collection[Relation]], records: Mapping[str, Collection[uuid.UUID]]
) -> Related:
    """Record id -> relation -> ids, deleted and merged ones included, in one statement.

    ``wanted``: object -> its relations; ``records``: object -> the records asked for."""
    parts: list[str] = []
    params: list[str | list[uuid.UUID]] = []
    for object_name, relations in sorted(wanted.items()):
        ids = list(records.get(object_name, ()))
        for relation in sorted(relations):
            if not ids:
                continue
            rows, more = related_rows(relation, "r", "item", include_gone=True)
            parts.append(
                'SELECT r."id", %s::text, "found"."id" FROM "records_record" r CROSS JOIN LATERAL'  # noqa: S608 (all ours)
                f' (SELECT "item"."id" FROM {rows}) "found" WHERE r."id" = ANY (%s)'
            )
            params += [relation.name, *more, ids]
    found: dict[uuid.UUID, dict[str, list[uuid.UUID]]] = defaultdict(lambda: defaultdict(list))
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), params)
            for record, name, other in cursor.fetchall():
                found[record][name].append(other)
    return {pk: {name: tuple(sorted(ids)) for name, ids in names.items()} for pk, names in found.items()}


def load_journeys_naming(
    account_ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, tuple[JourneyData, ...]]:
    """Account -> the journeys of the people and deals that name it, with their history. Six queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT r."id", j."id" FROM "records_record" r JOIN "records_journey" j'  # noqa: S608 (all ours)
            f' ON j."id" = {journeys("account", "r")} WHERE r."id" = ANY (%s) ORDER BY j."id"',
            [list(account_ids)],
        )
        pairs = cursor.fetchall()
    loaded = load_batch({journey for _, journey in pairs}, now).journeys
    found: dict[uuid.UUID, list[JourneyData]] = defaultdict(list)
    for account, journey in pairs:
        found[account].append(loaded[journey])
    return {account: tuple(rows) for account, rows in found.items()}


def is_loaded_with_journey(relation: Relation) -> bool:
    """Whether a batch holds what it leads to already."""
    return relation.via is Via.JOURNEY


def load_related(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, RecordData]:
    """These records with their history, by id."""
    return {record.id: record for record in load_records(ids)}
