"""What is known of one record when it is judged."""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from definitions.criteria.values import MISSING

SPEC_KEYS = frozenset({"values", "unknown", "activities", "related", "stages"})


@dataclass(frozen=True, slots=True)
class Facts:
    """Stored values by logical field. A field that is absent or named in `unknown` is unknown."""

    values: Mapping[str, Any]
    unknown: Collection[str] = frozenset()

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Facts:
        """Build from {"values": {field: value or None}, "unknown": [field, …]}.

        `activities`, `related` and `stages` may stand beside them; field conditions don't read them.
        Raises ValueError for other keys or shapes.
        """
        strange = [str(key) for key in spec if key not in SPEC_KEYS]
        values, unknown = spec.get("values", {}), spec.get("unknown", ())
        if strange:
            raise ValueError(f"unknown facts: {', '.join(strange)}")
        if not isinstance(values, Mapping):
            raise ValueError("values must be a mapping")
        if not isinstance(unknown, list | tuple | set | frozenset):
            raise ValueError("unknown must be a list of names")
        return cls(values, frozenset(unknown))

    def stored(self, name: str) -> Any:
        """The stored value, None when empty, MISSING when unknown."""
        return MISSING if name in self.unknown else self.values.get(name, MISSING)
