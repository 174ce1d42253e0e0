"""Load what `related.<name>` leads to, a whole batch at once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from records.journey_data import JourneyData, RecordData
from records.loading import load_batch, load_records
from records.relations import REFERENCES, Relation, Via, journeys

Account = tuple[int, str]
"""(connection, the account's id there)"""

Related = dict[uuid.UUID, dict[str, tuple[uuid.UUID, ...]]]


def find_related(
    wanted: Mapping[str, Collection[Relation]], records: Mapping[str, Collection[uuid.UUID]]
) -> Related:
    """Record id -> relation -> ids, deleted and merged ones included. Five statements at most.

    ``wanted``: object -> its relations; ``records``: object -> the records asked for. Step by step and not in one
    statement: each step is one look-up of a list in one index, whatever the planner knows of the tables."""
    found: dict[uuid.UUID, dict[str, set[uuid.UUID]]] = defaultdict(lambda: defaultdict(set))
    asked = [
        (relation, set(records.get(object_name, ())))
        for object_name, relations in wanted.items()
        for relation in relations
    ]
    for relation, ids in asked:
        if relation.via is Via.JOURNEY and ids:
            for record, other in _of_journeys(ids, relation.object):
                found[record][relation.name].add(other)
    over_accounts = [(relation, ids) for relation, ids in asked if relation.via is not Via.JOURNEY and ids]
    if over_accounts:
        named = _accounts_named({pk for relation, ids in over_accounts for pk in ids})
        known = _Known({pair for pairs in named.values() for pair in pairs}, [r for r, _ in over_accounts])
        for relation, ids in over_accounts:
            for record in ids:
                for pair in named.get(record, ()):
                    found[record][relation.name] |= known.reached(relation, pair)
    return {
        pk: {name: tuple(sorted(ids - {pk})) for name, ids in names.items() if ids - {pk}}
        for pk, names in found.items()
    }


def _of_journeys(ids: Collection[uuid.UUID], object_name: str) -> list[tuple[uuid.UUID, uuid.UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, item.id FROM records_record r JOIN records_record item ON item.journey_id = r.journey_id "
            "WHERE r.id = ANY (%s) AND item.object = %s AND item.id <> r.id",
            [list(ids), object_name],
        )
        return list(cursor.fetchall())


def _accounts_named(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, set[Account]]:
    """Record -> the accounts it belongs to: those that members of its journey name or were matched to, or the account
    it is itself."""
    found: dict[uuid.UUID, set[Account]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, m.connection_id, m.values ->> 'account', m.values ->> 'converted_account' "
            "FROM records_record r JOIN records_record m ON m.journey_id = r.journey_id "
            "WHERE r.id = ANY (%s) AND m.deleted_at IS NULL AND m.merged_into_id IS NULL "
            "UNION ALL SELECT id, connection_id, remote_id, NULL FROM records_record "
            "WHERE id = ANY (%s) AND object = 'account' "
            "UNION ALL SELECT r.id, a.connection_id, a.remote_id, NULL FROM records_record r "
            "JOIN records_record m ON m.journey_id = r.journey_id "
            "JOIN records_accountmatch matched ON matched.record_id = m.id "
            "JOIN records_record a ON a.id = matched.account_id "
            "WHERE r.id = ANY (%s) AND m.deleted_at IS NULL AND m.merged_into_id IS NULL",
            [list(ids), list(ids), list(ids)],
        )
        for record, connection_id, *names in cursor.fetchall():
            found[record] |= {(connection_id, name) for name in names if name}
    return found


class _Known:
    """The records that are, or name, some accounts: two statements."""

    def __init__(self, accounts: Collection[Account], relations: Collection[Relation]) -> None:
        self._accounts: dict[Account, set[uuid.UUID]] = defaultdict(set)
        self._naming: dict[tuple[Account, str], set[uuid.UUID]] = defaultdict(set)
        if any(r.via is Via.ACCOUNTS for r in relations):
            for pk, pair in account_records(accounts):
                self._accounts[pair].add(pk)
        if any(r.via in (Via.OF_ACCOUNTS, Via.REFERRING) for r in relations):
            for row in records_naming(accounts):
                self._naming[row.account, row.object].add(row.id)

    def reached(self, relation: Relation, account: Account) -> set[uuid.UUID]:
        if relation.via is Via.ACCOUNTS:
            return self._accounts[account]
        return self._naming[account, relation.object]


class Naming(NamedTuple):
    """A record that names an account."""

    id: uuid.UUID
    journey_id: uuid.UUID | None
    object: str
    account: Account


def records_naming(accounts: Collection[Account]) -> list[Naming]:
    """Every listed record that names one of the accounts as its own, or was matched to it; a record of two accounts
    twice. One statement."""
    if not accounts:
        return []
    part = (
        "SELECT id, journey_id, object, connection_id, values ->> '{name}' FROM records_record "
        "WHERE connection_id = ANY (%s::bigint[]) AND values ->> '{name}' = ANY (%s) "
        "AND object IN ('person', 'deal', 'account')"
    )
    matched = (
        "SELECT m.id, m.journey_id, m.object, a.connection_id, a.remote_id FROM records_record a "
        "JOIN records_accountmatch matched ON matched.account_id = a.id "
        "JOIN records_record m ON m.id = matched.record_id "
        "WHERE a.object = 'account' AND a.connection_id = ANY (%s::bigint[]) AND a.remote_id = ANY (%s)"
    )
    connections, names = sorted({c for c, _ in accounts}), sorted({name for _, name in accounts})
    parts = [*(part.format(name=name) for name in REFERENCES), matched]
    params = [one for _ in parts for one in (connections, names)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        return [
            Naming(pk, journey, object_name, (connection_id, name))
            for pk, journey, object_name, connection_id, name in cursor.fetchall()
            if (connection_id, name) in accounts
        ]


def account_records(accounts: Collection[Account]) -> list[tuple[uuid.UUID, Account]]:
    """(record, account) of the accounts that we hold. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, connection_id, remote_id FROM records_record "
            "WHERE object = 'account' AND connection_id = ANY (%s::bigint[]) AND remote_id = ANY (%s)",
            [sorted({c for c, _ in accounts}), sorted({name for _, name in accounts})],
        )
        return [(pk, (c, name)) for pk, c, name in cursor.fetchall() if (c, name) in accounts]


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
