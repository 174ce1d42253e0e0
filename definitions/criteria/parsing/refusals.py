"""Saying what is wrong with a part of a tree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from definitions.criteria.faults import Fault
from definitions.criteria.values import exact


class RefusedError(Exception):
    """One part cannot be read; `fault` says why."""

    def __init__(self, path: str, code: str, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(path, code, text)


def shown(value: Any) -> str:
    """A short picture of anything, never of its inside: that may be huge or hold itself."""
    match value:
        case str():
            return repr(value if len(value) <= 40 else value[:40] + "…")
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return "a number out of range" if exact(value) is None else str(value)[:40]
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case date():
            return value.isoformat()
    return f"a {type(value).__name__}"
