"""What hardly ever changes and every batch needs (the model, people, connections): kept by the process for as long as
its tables hold the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, ParamSpec, TypeVar

from django.db import connection
from django.utils import timezone

P = ParamSpec("P")
T = TypeVar("T")

Loader = Callable[..., Any]

_turns: dict[str, tuple[str, ...]] = {}
_tables: dict[Loader, tuple[str, ...]] = {}
_kept: dict[Loader, list[tuple[Any, Any]]] = {}
_SETS: Final = 3
"""Of arguments, kept of each function: a batch asks for the model and for what triggers see of it."""


def standing(
    *tables: str, turns: Mapping[str, tuple[str, ...]] | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """What this function loads is kept between batches while ``tables`` hold the same rows and its arguments are the
    same objects. Nobody may change what it returns.

    ``turns``: table -> columns with instants; what is loaded may also differ once one of them has passed. A function
    of its arguments alone names no table."""

    def register(load: Callable[P, T]) -> Callable[P, T]:
        for name in tables:
            _turns[name] = (turns or {}).get(name) or _turns.get(name, ())
        _tables[load] = tables
        _statement.cache_clear()
        return load

    return register


class Standing:
    """How these tables stand at one moment, and what is kept of them; without a name all that are known. One query."""

    def __init__(self, *tables: str) -> None:
        self._stamps = _read_stamps(tables)

    def get(self, load: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``load(…)`` gives, loaded only when nobody did since its tables changed."""
        tables = _tables.get(load)
        if tables is None:
            return load(*args, **kwargs)
        name = (args, tuple(kwargs.items()), tuple(self._stamps[table] for table in tables))
        kept = _kept.get(load, [])
        for held, value in kept:
            if held == name:
                found: T = value
                return found
        found = load(*args, **kwargs)
        # Rows that this very transaction wrote meanwhile may be rolled back.
        now = _read_stamps(tables) if tables else {}
        if all(now[table] == self._stamps[table] for table in tables):
            _kept[load] = [(name, found), *kept[: _SETS - 1]]
        return found


def forget() -> None:
    """Keep nothing that was loaded so far; for tests that count queries."""
    _kept.clear()


def _read_stamps(tables: tuple[str, ...]) -> Mapping[str, str]:
    names, sql = _statement(tables)
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": now})
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True))


@cache
def _statement(tables: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Every version of a row has a place and a transaction of its own, so any change of a table moves its sum."""
    names = tables or tuple(sorted(_turns))
    parts = []
    for name in names:
        passed = "".join(f" || ' ' || count(*) FILTER (WHERE {column} <= %(now)s)" for column in _turns[name])
        rows = "coalesce(sum(hash_record_extended(ROW(xmin, ctid), 0)), 0)"
        parts.append(f"(SELECT count(*) || ' ' || {rows}{passed} FROM {name})")  # noqa: S608 (names of ours)
    return names, "SELECT " + ", ".join(parts)
