"""Collecting faults, and suggesting what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from definitions.criteria.faults import Fault
from definitions.criteria.parsing.limits import MAX_FAULTS
from definitions.criteria.parsing.refusals import RefusedError, shown

# Beyond these a wrong name is only named: looking for similar ones takes time.
MAX_HINTS = 10
MAX_HINTED_NAMES = 2_000

P = ParamSpec("P")
T = TypeVar("T")


class Notes:
    """The faults of one tree. What was read counts only while there are none."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.hints = 0

    def note(self, path: str, code: str, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(path, code, text))

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Read one part; note its fault and go on, so that one mistake hides no other."""
        try:
            return read(*args, **kwargs)
        except RefusedError as refused:
            self.note(*refused.fault)
            return None

    def attempt_each(self, read: Callable[[Any, str], T], parts: Iterable[Any], path: str) -> list[T]:
        results = [self.attempt(read, part, f"{path}[{index}]") for index, part in enumerate(parts)]
        return [result for result in results if result is not None]

    def expect_keys(self, node: Mapping[Any, Any], known: Sequence[str], path: str) -> None:
        """Note every key that is not known."""
        for key in node:
            if len(self.faults) >= MAX_FAULTS:
                return
            if key not in known:
                self.note(path, "unknown_key", f"unknown key {shown(key)}; known here: {', '.join(known)}")

    def hint(self, name: Any, known: Collection[str]) -> str:
        """ "; did you mean …?", or nothing."""
        if not isinstance(name, str) or len(name) > 60 or self.hints >= MAX_HINTS:
            return ""
        if len(known) > MAX_HINTED_NAMES:
            return ""
        self.hints += 1
        close = difflib.get_close_matches(name, known, n=1)
        return f"; did you mean {close[0]}?" if close else ""
