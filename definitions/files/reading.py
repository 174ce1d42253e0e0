"""Read a body of the model key by key, collecting every fault instead of stopping at the first. No Django.

read = Reader(body)
name = read.text("name")
team = read.one_of("owner", context.teams, "team")
for i, row in read.each("form"): ...
faults = read.finish()
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from definitions.sections import Fault, Part

T = TypeVar("T")


class Reader:
    """One mapping of a body. ``finish()`` adds a fault for every key that nobody asked for."""

    def __init__(self, body: Any, path: tuple[Part, ...] = (), faults: list[Fault] | None = None) -> None:
        self.path = path
        self.faults: list[Fault] = [] if faults is None else faults
        self.is_mapping = isinstance(body, Mapping)
        self.body: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        self._asked: set[str] = set()
        if not self.is_mapping:
            self.fault("not_a_mapping", f"write this as “name: value” lines, not as {_kind(body)}")

    def fault(self, code: str, text: str, *path: Part) -> None:
        self.faults.append(Fault((*self.path, *path), code, text))

    def get(self, name: str, *, required: bool = False) -> Any:
        self._asked.add(name)
        value = self.body.get(name)
        if value is None and required and self.is_mapping:
            self.fault("missing", f"“{name}” is missing; add it", name)
        return value

    def text(self, name: str, *, required: bool = True, most: int = 2000) -> str:
        value = self.get(name, required=required)
        if value is None:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            self.fault("not_a_text", f"“{name}” must be a text, not {_kind(value)}; put it in quotes", name)
            return ""
        if len(value) > most:
            self.fault("too_long", f"“{name}” has {len(value)} characters; {most} are allowed", name)
        return value.strip()

    def whole_number(self, name: str, *, required: bool = True, least: int = 0) -> int:
        value = self.get(name, required=required)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault("not_a_number", f"“{name}” must be a whole number, {least} or more", name)
            return least
        return value

    def flag(self, name: str) -> bool:
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            self.fault("not_a_flag", f"“{name}” must be true or false", name)
        return value is True

    def one_of(self, name: str, known: Collection[str], noun: str, *, required: bool = True) -> str:
        """A text that must be one of ``known``; ``noun`` is what it names ("team")."""
        value = self.text(name, required=required, most=200)
        if value and value not in known:
            self.fault("unknown", unknown(noun, value, known), name)
        return value

    def some_of(
        self, name: str, known: Collection[str] | None, noun: str, *, required: bool = True
    ) -> tuple[str, ...]:
        """A list of texts without repetition, each one of ``known`` (None: any text)."""
        values = self.many(name, required=required)
        found: list[str] = []
        for i, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                self.fault("not_a_text", f"each {noun} must be a text, not {_kind(value)}", name, i)
            elif value in found:
                self.fault("repeated", f"{noun} “{value}” stands here twice; remove one", name, i)
            elif known is not None and value not in known:
                self.fault("unknown", unknown(noun, value, known), name, i)
            else:
                found.append(value)
        return tuple(found)

    def many(self, name: str, *, required: bool = False) -> list[Any]:
        value = self.get(name, required=required)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.fault("not_a_list", f"“{name}” must be a list, not {_kind(value)}", name)
            return []
        if required and not value:
            self.fault("missing", f"“{name}” is empty; list at least one", name)
        return [*value]

    def inside(self, name: str, *, required: bool = True) -> Reader | None:
        """A reader of the mapping under ``name``; its faults end up here."""
        value = self.get(name, required=required)
        return None if value is None else Reader(value, (*self.path, name), self.faults)

    def each(self, name: str, *, required: bool = True) -> Iterator[tuple[int, Reader]]:
        for i, value in enumerate(self.many(name, required=required)):
            yield i, Reader(value, (*self.path, name, i), self.faults)

    def made(self, name: str, make: Callable[[Any], T], *, required: bool = True) -> T | None:
        """``make(value)``; its ValueError becomes a fault with its own words."""
        value = self.get(name, required=required)
        if value is None:
            return None
        try:
            return make(value)
        except (ValueError, TypeError) as error:
            self.fault("malformed", str(error), name)
            return None

    def finish(self) -> list[Fault]:
        self.faults.extend(unknown_keys(self.body, self._asked, *self.path))
        return self.faults


def unknown_keys(body: Any, known: Collection[str], *path: Part) -> list[Fault]:
    """A fault for every key of a mapping that is not one of ``known``; none for what is no mapping."""
    return [
        Fault((*path, str(name)), "unknown_key", unknown("key", str(name), known))
        for name in (body if isinstance(body, Mapping) else ())
        if name not in known
    ]


def unknown(noun: str, value: str, known: Collection[str]) -> str:
    """ "There is no team “sdrs”; did you mean “sdr”?" """
    near = difflib.get_close_matches(value, sorted(known), n=1)
    if near:
        return f"there is no {noun} “{value}”; did you mean “{near[0]}”?"
    if not known:
        return f"there is no {noun} “{value}”: there is none at all yet; add it first"
    names = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    return f"there is no {noun} “{value}”; known are: {names}"


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "a text"
