"""Write derived rows: what the fold wants against what is stored, and only the difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Q

from records.stored import Where, rows_where
from records.storing.copying import update

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Written(Generic[Row]):
    """How many rows were made, changed and removed; ``rows`` holds every old and new version of those. ``stands``:
    the wanted rows as they stand in the table now."""

    created: int = 0
    changed: int = 0
    removed: int = 0
    rows: tuple[Row, ...] = ()
    stands: tuple[Row, ...] = field(default=(), repr=False, compare=False)


def write_derived(
    model: type[Row],
    wanted: Sequence[Row],
    *,
    fields: Sequence[str],
    scope: Q | Where,
    key: Sequence[str] = ("pk",),
) -> Written[Row]:
    """Make the stored rows in ``scope`` equal to ``wanted`` (matched by ``key``), writing only differences.

    A row that another scope still holds under a wanted primary key (its record changed journey) is taken over.
    """
    return write_differences(model, wanted, held_rows(model, wanted, scope, key), fields=fields, key=key)


def held_rows(
    model: type[Row], wanted: Sequence[Row], scope: Q | Where, key: Sequence[str] = ("pk",)
) -> list[Row]:
    """What is stored in ``scope``, or elsewhere under a wanted primary key. One query."""
    by_pk = [row.pk for row in wanted] if tuple(key) == ("pk",) else []
    if isinstance(scope, Q):
        return list(model._default_manager.filter(scope | Q(pk__in=by_pk) if by_pk else scope).order_by())
    if by_pk:
        pk = model._meta.pk.column
        scope = Where(f"{scope.sql} OR {pk} = ANY (%s)", (*scope.params, by_pk))
    return rows_where(model, scope)


def write_differences(
    model: type[Row],
    wanted: Sequence[Row],
    stored: Iterable[Row],
    *,
    fields: Sequence[str],
    key: Sequence[str] = ("pk",),
) -> Written[Row]:
    """Make ``stored`` equal to ``wanted`` (matched by ``key``), writing only differences."""

    def key_of(row: Row) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in key)

    held = {key_of(row): row for row in stored}
    compared = _attributes(model, fields)
    others = [
        f.attname for f in model._meta.concrete_fields if f.attname not in compared and not f.primary_key
    ]
    fresh: list[Row] = []
    changed: list[Row] = []
    replaced: list[Row] = []
    stands: list[Row] = []
    kept: set[tuple[Any, ...]] = set()
    for row in wanted:
        name = key_of(row)
        kept.add(name)
        old = held.get(name)
        if old is None:
            fresh.append(row)
            stands.append(row)
        elif any(getattr(old, f) != getattr(row, f) for f in compared):
            row.pk = old.pk
            for other in others:
                setattr(row, other, getattr(old, other))
            changed.append(row)
            replaced.append(old)
            stands.append(row)
        else:
            stands.append(old)
    gone = [row for name, row in held.items() if name not in kept]
    if gone:
        model._default_manager.filter(pk__in=[row.pk for row in gone]).delete()
    if fresh:
        model._default_manager.bulk_create(fresh)
    update(changed, fields)
    rows = (*fresh, *changed, *replaced, *gone)
    return Written(len(fresh), len(changed), len(gone), rows, tuple(stands))


def _attributes(model: type[models.Model], fields: Sequence[str]) -> list[str]:
    return [getattr(model._meta.get_field(name), "attname", name) for name in fields]
