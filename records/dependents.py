"""Which other records must be judged again when some change: those that conditions reach over an account.

Whoever shares a journey is judged together anyway. Touching a dependent touches nobody further: what is related reads
values only, and judging changes none.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import connection

from records.kinds import CHANGE
from records.relations import REFERENCES, Via, relation

ReadRelations = Callable[[datetime], Collection[tuple[str, str]]]
_readers: list[ReadRelations] = []


def register_reader(reader: ReadRelations) -> None:
    """``reader(now)`` says which (object, relation) some rule reads then."""
    if reader not in _readers:
        _readers.append(reader)


def dependents_of(record_ids: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Other records that relate to these over an account, now or until this moment; one of each journey.

    One statement when some rule reads such a relation, and what the readers ask."""
    wanted = {pair for reader in _readers for pair in reader(now)} if record_ids else set()
    vias = {found.via for pair in wanted if (found := relation(*pair)) is not None} - {Via.JOURNEY}
    if not vias:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_DEPENDENTS, _params(record_ids, now, vias))
        return {row[0] for row in cursor.fetchall()} - set(record_ids)


def _params(record_ids: Collection[uuid.UUID], now: datetime, vias: Collection[Via]) -> dict[str, Any]:
    return {
        "ids": list(record_ids),
        "references": list(REFERENCES),
        "kind": CHANGE,
        "now": now,
        "of_accounts": Via.OF_ACCOUNTS in vias or Via.REFERRING in vias,
        "accounts": Via.ACCOUNTS in vias,
        "buyers": Via.OF_ACCOUNTS in vias or Via.ACCOUNTS in vias,
        "referring": Via.REFERRING in vias,
    }


_DEPENDENTS = """
WITH changed AS (
    SELECT r.id, r.connection_id, r.object, r.remote_id, r.values FROM records_record r WHERE r.id = ANY (%(ids)s)
), named AS (
    SELECT c.connection_id, c.values ->> reference AS account
    FROM changed c CROSS JOIN unnest(%(references)s::text[]) reference
    WHERE %(of_accounts)s AND c.object IN ('person', 'deal')
    UNION
    SELECT c.connection_id, e.old #>> '{}'
    FROM changed c JOIN records_event e ON e.record_id = c.id
    WHERE %(of_accounts)s AND e.kind = %(kind)s AND e.field = ANY (%(references)s) AND e.observed_at = %(now)s
    UNION
    SELECT c.connection_id, c.remote_id FROM changed c WHERE %(accounts)s AND c.object = 'account'
), known AS (
    SELECT connection_id, account FROM named WHERE account IS NOT NULL
)
(
    SELECT DISTINCT ON (coalesce(m.journey_id, m.id)) m.id
    FROM known k JOIN records_record m ON m.connection_id = k.connection_id
        AND m.object IN ('person', 'deal', 'account')
        AND (m.values ->> 'account' = k.account OR m.values ->> 'converted_account' = k.account)
    WHERE %(buyers)s
)
UNION
SELECT a.id
FROM known k JOIN records_record a ON a.connection_id = k.connection_id AND a.object = 'account'
    AND a.remote_id = k.account
WHERE %(referring)s
"""
