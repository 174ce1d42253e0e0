"""Which records belong together: strong links make journeys, activities hang on the person they are about."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Q

from records.ids import derive_id, record_key
from records.matching.linking import standing_alone, standing_joins
from records.models import Journey, LinkKey, Record

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


def relink(record_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Put touched records, and all they are linked with, into their journeys; the journeys to conclude anew.

    Journeys left without members are deleted. Runs inside the caller's transaction.
    """
    touched = list(Record.objects.filter(pk__in=list(record_ids)).values_list("pk", "object", "journey_id"))
    members = {pk for pk, kind, _ in touched if kind not in LEAVES and kind not in APART}
    leaves = {pk for pk, kind, _ in touched if kind in LEAVES}
    before = {journey for *_, journey in touched} - {None}
    links = _closure(members)
    records = {
        r.pk: r for r in Record.objects.filter(pk__in=links).select_related("connection").defer("values")
    }
    affected = before | {r.journey_id for r in records.values() if r.journey_id}
    moved: list[Record] = []
    journeys: dict[uuid.UUID, Journey] = {}
    for group in components(links):
        rows = [records[pk] for pk in group if pk in records]
        keys = {r.pk: record_key(r.connection.name, r.remote_object, r.remote_id) for r in rows}
        rows.sort(key=lambda r: keys[r.pk])
        key = keys[rows[0].pk]
        journey = Journey(
            pk=derive_id("journey", key),
            key=key,
            title=next((r.title for r in rows if r.title and r.object == "person"), rows[0].title),
            business_unit_id=next((r.business_unit_id for r in rows if r.business_unit_id), None),
        )
        journeys[journey.pk] = journey
        for row in rows:
            if row.journey_id != journey.pk:
                row.journey_id = journey.pk
                moved.append(row)
    Journey.objects.bulk_create(
        journeys.values(),
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title", "business_unit"],
    )
    if moved:
        Record.objects.bulk_update(moved, ["journey"])
    # Of every member, not only of the moved: an activity whose own mark another worker still holds must not be missed.
    _attach_leaves(leaves, set(links))
    affected |= set(journeys)
    affected |= set(
        Record.objects.filter(pk__in=leaves, journey__isnull=False).values_list("journey_id", flat=True)
    )
    empty = Journey.objects.filter(pk__in=affected, records=None)
    gone = set(empty.values_list("pk", flat=True))
    empty.delete()
    return affected - gone


def _closure(start: set[uuid.UUID]) -> dict[uuid.UUID, set[str]]:
    """All member records reachable over shared keys and what people joined, and over the journeys they are in now (for
    splits). Who stands alone shares no key with anybody."""
    links: dict[uuid.UUID, set[str]] = {}
    frontier = set(start)
    frontier |= set(
        Record.objects.filter(journey__records__in=start)
        .exclude(object__in=[*LEAVES, *APART])
        .values_list("pk", flat=True)
    )
    while frontier:
        for pk in frontier:
            links[pk] = set()
        keys: set[str] = set()
        linked = frontier - set(
            standing_alone().filter(record__in=frontier).values_list("record_id", flat=True)
        )
        for pk, key in LinkKey.objects.filter(record_id__in=linked).values_list("record_id", "key"):
            links[pk].add(key)
            keys.add(key)
        joined = _join_by_hand(links, frontier)
        frontier = set(
            LinkKey.objects.filter(key__in=keys)
            .exclude(record__object__in=[*LEAVES, *APART])
            .exclude(record_id__in=standing_alone().values("record_id"))
            .values_list("record_id", flat=True)
        )
        frontier = (frontier | joined) - set(links)
    return links


def _join_by_hand(links: dict[uuid.UUID, set[str]], frontier: set[uuid.UUID]) -> set[uuid.UUID]:
    """Give the records that people joined a key in common. Returns all of those records."""
    found: set[uuid.UUID] = set()
    for row in standing_joins().filter(Q(record__in=frontier) | Q(other__in=frontier)):
        pair = [pk for pk in (row.record_id, row.other_id) if pk is not None]
        found.update(pair)
        for pk in pair:
            if pk in links:
                links[pk].add(f"join:{row.pk}")
    return found


def _attach_leaves(leaves: set[uuid.UUID], members: set[uuid.UUID]) -> None:
    """Give activities the journey, and the business unit, of the person they are about."""
    own_keys = LinkKey.objects.filter(record_id__in=members, key__startswith="id:").values("key")
    pointing = LinkKey.objects.filter(
        Q(record_id__in=leaves) | Q(key__in=own_keys), record__object__in=LEAVES
    )
    about: dict[uuid.UUID, list[str]] = defaultdict(list)
    for pk, key in pointing.order_by("key").values_list("record_id", "key"):
        about[pk].append(key)
    if not about:
        return
    targets = {
        key: (journey, unit)
        for key, journey, unit in LinkKey.objects.filter(
            key__in={k for keys in about.values() for k in keys}, record__journey__isnull=False
        )
        .exclude(record__object__in=LEAVES)
        .values_list("key", "record__journey_id", "record__business_unit_id")
    }
    changed = []
    for row in Record.objects.filter(pk__in=about).only("pk", "journey_id", "business_unit_id"):
        journey, unit = next((targets[k] for k in about[row.pk] if k in targets), (None, None))
        if (row.journey_id, row.business_unit_id) != (journey, unit):
            row.journey_id, row.business_unit_id = journey, unit
            changed.append(row)
    Record.objects.bulk_update(changed, ["journey", "business_unit"])
