"""What is known of one record when it is judged."""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from definitions.criteria.values import MISSING

SPEC_KEYS = frozenset({"values", "unknown", "activities", "related", "stages", "events"})


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a list: an activity, a related record, a stay in a stage, an event.

    `is_sure` False: whether it belongs to the list can't be told."""

    values: Mapping[str, Any]
    unknown: Collection[str] = frozenset()
    is_sure: bool = True

    def stored(self, name: str) -> Any:
        """The stored value, None when empty, MISSING when unknown."""
        return MISSING if name in self.unknown else self.values.get(name, MISSING)


Items = Sequence[Item]


class _Given(dict[str, Items]):
    """Relations of a spec: one that is not named has no records."""

    def __missing__(self, name: str) -> Items:
        return ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Stored values by logical field; a field that is absent or named in `unknown` is unknown.

    A list that is None, or a relation that `related` does not name, can't be read: conditions on it are unknown.
    Items of `stages` have stage, entered_at and left_at (None: still in it); those of `events` have event and
    occurred_at beside their properties; those of `activities` the fields of the object activity.
    """

    values: Mapping[str, Any]
    unknown: Collection[str] = frozenset()
    activities: Items | None = None
    related: Mapping[str, Items] = field(default_factory=dict)
    stages: Items | None = None
    events: Items | None = None

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Facts:
        """Build from {"values": {field: value or None}, "activities": [{…}], "related": {name: [{…}]},
        "stages": [{…}], "events": [{…}], "unknown": [field or list, …]}.

        A list that is absent is empty, unless `unknown` names it: activities, related.deals, stages, events.
        Raises ValueError for other keys or shapes.
        """
        strange = [str(key) for key in spec if key not in SPEC_KEYS]
        values, unknown = spec.get("values", {}), spec.get("unknown", ())
        related = spec.get("related", {})
        if strange:
            raise ValueError(f"unknown facts: {', '.join(strange)}")
        if not isinstance(values, Mapping):
            raise ValueError("values must be a mapping")
        if not isinstance(related, Mapping):
            raise ValueError("related must map a relation to its records")
        if not isinstance(unknown, list | tuple | set | frozenset):
            raise ValueError("unknown must be a list of names")
        return cls(
            values,
            frozenset(unknown),
            _read_items("activities", spec.get("activities", ())),
            _Given({name: _read_items(f"related.{name}", rows) for name, rows in related.items()}),
            _read_items("stages", spec.get("stages", ())),
            _read_items("events", spec.get("events", ())),
        )

    def stored(self, name: str) -> Any:
        """The stored value, None when empty, MISSING when unknown."""
        return MISSING if name in self.unknown else self.values.get(name, MISSING)

    def items(self, name: str) -> Items | None:
        """A list by its name: activities, stages, events, or related.<relation>; None when it can't be read."""
        if name in self.unknown:
            return None
        match name:
            case "activities":
                return self.activities
            case "stages":
                return self.stages
            case "events":
                return self.events
        try:
            return self.related[name.removeprefix("related.")]
        except KeyError:
            return None


def _read_items(name: str, rows: Any) -> Items:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError(f"{name} must be a list of mappings")
    return tuple(Item(row) for row in rows)
