"""Which records belong together: strong links make journeys, activities hang on the person they are about."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from records.ids import derive_id, record_key
from records.models import Journey
from records.storing.copying import upsert

LEAVES = ("activity",)
APART = ("account",)


def components(links: Mapping[uuid.UUID, set[str]]) -> list[set[uuid.UUID]]:
    """The connected components of records that share a link key (pure; union-find)."""
    parent = {pk: pk for pk in links}

    def root(pk: uuid.UUID) -> uuid.UUID:
        while parent[pk] != pk:
            parent[pk] = parent[parent[pk]]
            pk = parent[pk]
        return pk

    first: dict[str, uuid.UUID] = {}
    for pk, keys in links.items():
        for key in keys:
            other = first.setdefault(key, pk)
            parent[root(other)] = root(pk)
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for pk in links:
        found[root(pk)].add(pk)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Member:
    """A record as it stands, with the keys it shares and the records that share one of them. ``held``: key, title and
    business unit of its journey."""

    id: uuid.UUID
    object: str
    journey_id: uuid.UUID | None
    title: str
    business_unit_id: int | None
    key: str
    held: tuple[str | None, str | None, int | None]
    keys: frozenset[str]
    neighbours: frozenset[uuid.UUID]


def relink(record_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Put touched records, and all they are linked with, into their journeys; the journeys to conclude anew.

    Journeys left without members are deleted. Runs inside the caller's transaction, in two statements where all
    stand in their journeys already and nobody new is reached."""
    touched, records = _closure(set(record_ids))
    affected = {r.journey_id for r in (*touched, *records.values()) if r.journey_id is not None}
    journeys: list[Journey] = []
    moved: dict[uuid.UUID, uuid.UUID] = {}
    for group in components({pk: set(r.keys) for pk, r in records.items()}):
        rows = sorted((records[pk] for pk in group), key=lambda r: r.key)
        key = rows[0].key
        title = next((r.title for r in rows if r.title and r.object == "person"), rows[0].title)
        unit = next((r.business_unit_id for r in rows if r.business_unit_id), None)
        pk = derive_id("journey", key)
        affected.add(pk)
        if (key, title, unit) not in {r.held for r in rows}:
            journeys.append(Journey(pk=pk, key=key, title=title, business_unit_id=unit))
        moved |= {r.id: pk for r in rows if r.journey_id != pk}
    upsert(journeys, unique_fields=["id"], update_fields=["title", "business_unit"])
    if moved:
        _move(moved)
    leaves = [r.id for r in touched if r.object in LEAVES]
    # Of every member, not only of the moved: an activity whose own mark another worker still holds must not be missed.
    attached = _attach_leaves(leaves, list(records)) if leaves or records else set()
    affected |= attached
    if not moved and not attached:
        return affected
    empty = Journey.objects.filter(pk__in=affected, records=None)
    gone = set(empty.values_list("pk", flat=True))
    empty.delete()
    return affected - gone


def _closure(start: set[uuid.UUID]) -> tuple[list[_Member], dict[uuid.UUID, _Member]]:
    """The touched records, and all members reachable from them over shared keys and what people joined, and over the
    journeys they are in now (for splits). Who stands alone shares no key with anybody."""
    first = _load(start, peers=True)
    touched = [r for r in first if r.id in start]
    found = {r.id: r for r in first if r.object not in (*LEAVES, *APART)}
    reached = found
    while frontier := {pk for r in reached.values() for pk in r.neighbours} - found.keys():
        reached = {r.id: r for r in _load(frontier, peers=False)}
        found |= reached
    return touched, found


def _load(ids: Collection[uuid.UUID], *, peers: bool) -> list[_Member]:
    """One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MEMBERS,
            {"ids": list(ids), "with_peers": list(ids) if peers else [], "others": [*LEAVES, *APART]},
        )
        return [
            _Member(
                pk, kind, journey, title, unit, record_key(crm, remote_object, remote_id), tuple(held),
                frozenset((*keys, *(f"join:{link}" for link in joins))), frozenset((*sharing, *joined)),
            )
            for pk, kind, journey, title, unit, crm, remote_object, remote_id, *held, keys, sharing, joins, joined
            in cursor.fetchall()
        ]  # fmt: skip


# Activities and accounts have no keys here: they make no journeys.
_MEMBERS = """
WITH wanted (id) AS (
    SELECT unnest(%(ids)s::uuid[])
    UNION SELECT peer.id FROM records_record r JOIN records_record peer ON peer.journey_id = r.journey_id
    WHERE r.id = ANY (%(with_peers)s::uuid[]) AND r.object <> ALL (%(others)s) AND peer.object <> ALL (%(others)s)
)
SELECT r.id, r.object, r.journey_id, r.title, r.business_unit_id, crm.name, r.remote_object, r.remote_id,
    journey.key, journey.title, journey.business_unit_id,
    ARRAY(SELECT k.key FROM records_linkkey k WHERE k.record_id = linked.id),
    ARRAY(
        SELECT o.record_id FROM records_linkkey k JOIN records_linkkey o ON o.key = k.key
        JOIN records_record other ON other.id = o.record_id
        WHERE k.record_id = linked.id AND o.record_id <> k.record_id AND other.object <> ALL (%(others)s)
        AND NOT EXISTS (
            SELECT FROM records_manuallink alone WHERE alone.record_id = o.record_id AND alone.kind = 'buyer'
            AND NOT alone.is_joined AND alone.undone_at IS NULL
        )
    ),
    joins.ids, joins.records
FROM wanted JOIN records_record r USING (id) JOIN records_connection crm ON crm.id = r.connection_id
LEFT JOIN records_journey journey ON journey.id = r.journey_id
LEFT JOIN LATERAL (
    SELECT r.id WHERE r.object <> ALL (%(others)s) AND NOT EXISTS (
        SELECT FROM records_manuallink alone WHERE alone.record_id = r.id AND alone.kind = 'buyer'
        AND NOT alone.is_joined AND alone.undone_at IS NULL
    )
) linked ON true
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(pair.id::text), '{}') ids,
        coalesce(array_agg(CASE WHEN pair.record_id = r.id THEN pair.other_id ELSE pair.record_id END), '{}') records
    FROM (
        SELECT id, record_id, other_id FROM records_manuallink WHERE record_id = r.id AND kind = 'buyer'
        AND is_joined AND undone_at IS NULL
        UNION SELECT id, record_id, other_id FROM records_manuallink WHERE other_id = r.id AND kind = 'buyer'
        AND is_joined AND undone_at IS NULL
    ) pair
) joins
"""


def _move(journeys: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Record -> the journey it belongs to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE records_record r SET journey_id = moved.journey "
            "FROM unnest(%s::uuid[], %s::uuid[]) moved (record, journey) WHERE r.id = moved.record",
            [list(journeys), list(journeys.values())],
        )


def _attach_leaves(leaves: list[uuid.UUID], members: list[uuid.UUID]) -> set[uuid.UUID]:
    """Give activities the journey, and the business unit, of the person they are about: the first of their keys that
    leads to somebody. The journeys that won or lost one. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ATTACH, {"leaves": leaves, "members": members, "kinds": list(LEAVES)})
        return {journey for pair in cursor.fetchall() for journey in pair if journey is not None}


# Who has no journey yet comes last and is not left out: during a first load PostgreSQL still believes that nobody has
# one, and would begin with those who do.
_ATTACH = """
WITH about (id) AS (
    SELECT k.record_id FROM records_linkkey k WHERE k.record_id = ANY (%(leaves)s::uuid[])
    UNION SELECT pointing.record_id FROM records_linkkey own JOIN records_linkkey pointing ON pointing.key = own.key
    JOIN records_record r ON r.id = pointing.record_id
    WHERE own.record_id = ANY (%(members)s::uuid[]) AND own.key LIKE 'id:%%' AND r.object = ANY (%(kinds)s)
), wanted AS (
    SELECT r.id, r.journey_id before, target.journey_id, target.business_unit_id
    FROM about JOIN records_record r USING (id) LEFT JOIN LATERAL (
        SELECT who.journey_id, CASE WHEN who.journey_id IS NOT NULL THEN who.business_unit_id END business_unit_id
        FROM records_linkkey k
        JOIN records_linkkey own ON own.key = k.key JOIN records_record who ON who.id = own.record_id
        WHERE k.record_id = r.id AND who.object <> ALL (%(kinds)s)
        ORDER BY who.journey_id IS NULL, k.key, who.id LIMIT 1
    ) target ON true
    WHERE (r.journey_id, r.business_unit_id) IS DISTINCT FROM (target.journey_id, target.business_unit_id)
)
UPDATE records_record r SET journey_id = wanted.journey_id, business_unit_id = wanted.business_unit_id
FROM wanted WHERE r.id = wanted.id RETURNING wanted.before, wanted.journey_id
"""
