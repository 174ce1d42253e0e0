"""Which other records must be judged again when some change: those that conditions reach over an account.

Whoever shares a journey is judged together anyway. Touching a dependent touches nobody further: what is related reads
values only, and judging changes none.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime

from django.db import connection

from records.kinds import CHANGE
from records.related import Account, account_records, records_naming
from records.relations import REFERENCES, Via, relation

ReadRelations = Callable[[datetime], Collection[tuple[str, str]]]
_readers: list[ReadRelations] = []


def register_reader(reader: ReadRelations) -> None:
    """``reader(now)`` says which (object, relation) some rule reads then."""
    if reader not in _readers:
        _readers.append(reader)


def dependents_of(record_ids: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Other records that relate to these over an account, now or until this moment; one of each journey.

    Four statements at most when some rule reads such a relation, and what the readers ask."""
    vias = _vias_read(now) if record_ids else set()
    if not vias:
        return set()
    ids = list(record_ids)
    is_over_buyers = Via.OF_ACCOUNTS in vias or Via.REFERRING in vias
    named = _named(ids, now) if is_over_buyers else set()
    if Via.ACCOUNTS in vias:
        named |= _themselves(ids)
    return _relating(named, vias) - set(record_ids)


def dependents_of_accounts(account_ids: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Records to judge again because somebody was matched to one of these accounts, or no longer is. Four statements
    at most."""
    vias = (_vias_read(now) if account_ids else set()) - {Via.ACCOUNTS}
    return _relating(_themselves(list(account_ids)), vias) if vias else set()


def _vias_read(now: datetime) -> set[Via]:
    """The ways over an account that some rule goes then."""
    wanted = {pair for reader in _readers for pair in reader(now)}
    return {found.via for pair in wanted if (found := relation(*pair)) is not None} - {Via.JOURNEY}


def _relating(named: set[Account], vias: set[Via]) -> set[uuid.UUID]:
    found_ids: dict[uuid.UUID, uuid.UUID] = {}
    if Via.OF_ACCOUNTS in vias or Via.ACCOUNTS in vias:
        # One of each journey: the others are judged with it.
        for row in sorted(records_naming(named), key=lambda row: row.id):
            found_ids.setdefault(row.journey_id or row.id, row.id)
    dependents = set(found_ids.values())
    if Via.REFERRING in vias:
        dependents |= {pk for pk, _ in account_records(named)}
    return dependents


def _named(ids: list[uuid.UUID], now: datetime) -> set[Account]:
    """The accounts that these people and deals name, or named until this moment, or were matched to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.connection_id, r.values ->> reference FROM records_record r "
            "CROSS JOIN unnest(%(references)s::text[]) reference "
            "WHERE r.id = ANY (%(ids)s) AND r.object IN ('person', 'deal') "
            "UNION SELECT r.connection_id, e.old #>> '{}' "
            "FROM records_record r JOIN records_event e ON e.record_id = r.id "
            "WHERE r.id = ANY (%(ids)s) AND e.kind = %(kind)s AND e.field = ANY (%(references)s) "
            "AND e.observed_at = %(now)s "
            "UNION SELECT a.connection_id, a.remote_id FROM records_accountmatch matched "
            "JOIN records_record a ON a.id = matched.account_id WHERE matched.record_id = ANY (%(ids)s)",
            {"ids": ids, "references": list(REFERENCES), "kind": CHANGE, "now": now},
        )
        return {(connection_id, name) for connection_id, name in cursor.fetchall() if name}


def _themselves(ids: list[uuid.UUID]) -> set[Account]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT connection_id, remote_id FROM records_record WHERE id = ANY (%s) AND object = 'account'",
            [ids],
        )
        return set(cursor.fetchall())
