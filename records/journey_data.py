"""What the folds see of one journey: plain values, no database. Loaded once per batch by ``records.loading``."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ParamSpec, Protocol, TypeVar

from records.kinds import BASELINE, CHANGE, FIELD_LOST

Values = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")

LOST = object()
"""Stands in a history for "unknown from here on": the field was unmapped, hidden or deleted in the CRM."""


@dataclass(frozen=True, slots=True)
class EventData:
    """One effective (not superseded) event. ``key`` is ``connection:external_key``, unique over all connections."""

    id: int
    key: str
    kind: str
    record_id: uuid.UUID
    connection: str
    field: str
    old: Any
    new: Any
    data: Mapping[str, Any]
    actor_id: int | None
    occurred_at: datetime
    observed_at: datetime
    not_before: datetime | None
    source_order: int
    caused_by: str

    @property
    def order(self) -> tuple[datetime, int, str]:
        """The total order of events; never our own id."""
        return (self.occurred_at, self.source_order, self.key)


@dataclass(frozen=True)
class RecordData:
    """One member record with its events in order. ``values``: absent = unknown, None = empty.

    ``is_merged``: it lives on in another record."""

    id: uuid.UUID
    key: str
    connection: str
    object: str
    remote_object: str
    remote_id: str
    title: str
    values: Values
    created_at: datetime | None
    deleted_at: datetime | None
    go_live_at: datetime | None
    business_unit_id: int | None
    events: tuple[EventData, ...] = ()
    is_merged: bool = False

    @cached_property
    def _history(self) -> dict[str, tuple[list[datetime], list[Any]]]:
        return _histories(self.events)

    def value_at(self, name: str, at: datetime) -> tuple[bool, Any]:
        """(known, value) of a field at an instant: the last value at or before it; unknown before the first."""
        times, values = self._history.get(name, ([], []))
        i = bisect_right(times, at)
        return (False, None) if not i or values[i - 1] is LOST else (True, values[i - 1])

    def values_at(self, at: datetime) -> dict[str, Any]:
        """All known values at an instant (absent = unknown)."""
        found = {}
        for name, (times, values) in self._history.items():
            if (i := bisect_right(times, at)) and values[i - 1] is not LOST:
                found[name] = values[i - 1]
        return found

    def was_lost(self, name: str, known_at: datetime) -> bool:
        """Whether, by what we knew then, the CRM no longer told this field."""
        known = [e.kind for e in self.events if e.observed_at <= known_at and _tells(e, name)]
        return bool(known) and known[-1] == FIELD_LOST

    def changes(self, name: str) -> Iterator[tuple[EventData, Any]]:
        """(event, new value) for each known moment of a field, oldest first; the baseline counts as one."""
        for event in self.events:
            if event.kind == BASELINE and name in event.data.get("values", {}):
                yield event, event.data["values"][name]
            elif event.kind == CHANGE and event.field == name:
                yield event, event.new


def _tells(event: EventData, name: str) -> bool:
    if event.kind == BASELINE:
        return name in event.data.get("values", {})
    return event.kind in (CHANGE, FIELD_LOST) and event.field == name


def _histories(events: Sequence[EventData]) -> dict[str, tuple[list[datetime], list[Any]]]:
    """Per field: the instants and the values from them on. Nothing is claimed earlier than the first event."""
    found: dict[str, tuple[list[datetime], list[Any]]] = {}

    def put(name: str, at: datetime, value: Any) -> None:
        times, values = found.setdefault(name, ([], []))
        times.append(at)
        values.append(value)

    for event in events:
        if event.kind == BASELINE:
            for name, value in event.data.get("values", {}).items():
                put(name, event.occurred_at, value)
        elif event.kind == CHANGE:
            put(event.field, event.occurred_at, event.new)
        elif event.kind == FIELD_LOST:
            put(event.field, event.occurred_at, LOST)
    return found


@dataclass(frozen=True)
class JourneyData:
    """A journey as pure data: members and activities (object ``activity``) with their events."""

    id: uuid.UUID
    key: str
    business_unit_id: int | None
    records: tuple[RecordData, ...]

    @cached_property
    def events(self) -> tuple[EventData, ...]:
        """All events of all records in total order."""
        return tuple(sorted((e for r in self.records for e in r.events), key=lambda e: e.order))

    def of(self, object_name: str, connections: Sequence[str] | None = None) -> list[RecordData]:
        """Records of one logical object, not deleted, optionally only of some connections."""
        return [
            r
            for r in self.records
            if r.object == object_name
            and r.deleted_at is None
            and (connections is None or r.connection in connections)
        ]

    @property
    def activities(self) -> list[RecordData]:
        return sorted(
            (r for r in self.records if r.object == "activity"),
            key=lambda r: (str(r.values.get("occurred_at") or ""), r.key),
        )

    def record(self, record_id: uuid.UUID) -> RecordData | None:
        return next((r for r in self.records if r.id == record_id), None)


@dataclass(frozen=True)
class OwnerData:
    """Who a CRM owner id is. ``person_id`` None for a queue, an integration user, or nobody we know."""

    name: str
    kind: str
    is_active: bool
    person_id: int | None
    inactive_since: datetime | None = None

    def is_active_at(self, at: datetime) -> bool:
        """Being switched off later takes nothing from what was theirs before."""
        return self.is_active or (self.inactive_since is not None and at < self.inactive_since)


class Kept(Protocol):
    """What is kept between batches; see ``records.standing``."""

    def get(self, load: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


@dataclass(frozen=True)
class Batch:
    """What the pipeline hands to every room: journeys loaded once, the owners, and the instant of judgement."""

    journeys: Mapping[uuid.UUID, JourneyData]
    owners: Mapping[tuple[str, str], OwnerData] = field(default_factory=dict)
    now: datetime = field(kw_only=True)
    kept: Kept | None = field(default=None, repr=False, compare=False, kw_only=True)
    _loaded: dict[tuple[Hashable, ...], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _rows: dict[type[Any], Sequence[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, load: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``load(…)`` gives: loaded by the room that asks first, the same for all that conclude this batch."""
        key = (load, *args, *kwargs.items())
        if key not in self._loaded:
            kept = self.kept
            self._loaded[key] = kept.get(load, *args, **kwargs) if kept else load(*args, **kwargs)
        found: T = self._loaded[key]
        return found

    def stand(self, of: type[T], rows: Sequence[T]) -> None:
        """Say how the rows of this batch's journeys stand now, to the rooms that conclude after."""
        self._rows[of] = rows

    def standing(self, of: type[T], load: Callable[[list[uuid.UUID]], Sequence[T]]) -> Sequence[T]:
        """The rows of these journeys: as the room that wrote them said, else loaded once by ``load(journey ids)``."""
        if of not in self._rows:
            self._rows[of] = load(list(self.journeys))
        return self._rows[of]

    def owner_of(self, connection: str, remote_id: Any) -> OwnerData | None:
        return self.owners.get((connection, str(remote_id))) if remote_id else None
