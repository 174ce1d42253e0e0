"""The sections of the operating model: what each room adds to the model files, and how one says what is wrong in them.

A room registers its sections in ``gtmops/wiring.py``. Its ``parse`` only judges a body; the room's own typed form of
it is the room's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from definitions.criteria import Catalogue
    from definitions.models import Version
    from records.models import Record
    from teams.models import Person

Body = Mapping[str, Any]
Part = str | int


_PATH_PART = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def path_parts(path: str) -> tuple[Part, ...]:
    """A criterion's path ``$.all[0].value`` as ("all", 0, "value")."""
    return tuple(name or int(index) for name, index in _PATH_PART.findall(path))


@dataclass(frozen=True)
class Fault:
    """What is wrong, where, and what to do. ``path`` leads to it inside the body; the file's place is added later."""

    path: tuple[Part, ...]
    code: str
    text: str
    section: str = ""
    key: str = ""
    file: str = ""
    line: int = 0

    def at(self, *, section: str, key: str, file: str = "", line: int = 0) -> Fault:
        return replace(self, section=section, key=key, file=file, line=line)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        where = " › ".join(str(part) for part in (self.section, self.key, *self.path) if part != "")
        return f"{place}{where}: {self.text}" if where else f"{place}{self.text}"


@dataclass(frozen=True)
class Context:
    """What a body may refer to. ``bodies``: section -> key -> body, of the files on top of what is in force."""

    catalogue: Catalogue
    teams: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()
    bodies: Mapping[str, Mapping[str, Body]] = field(default_factory=dict)

    def keys(self, section: str) -> list[str]:
        return sorted(self.bodies.get(section, {}))


def _nothing_to_say(key: str, body: Body, context: Context) -> list[Fault]:
    return []


@dataclass(frozen=True)
class Place:
    """Where conditions stand in a body, and what they judge: ``object`` in ``connections`` (empty: wherever it is)."""

    path: tuple[Part, ...]
    object: str
    connections: tuple[str, ...]
    tree: Any


@dataclass(frozen=True)
class Named:
    """Values of a CRM's field that a body names by hand, such as the stages a lifecycle stage is claimed by."""

    path: tuple[Part, ...]
    object: str
    field: str
    connection: str
    value: str


def _nothing_named(body: Body) -> list[Any]:
    return []


@dataclass(frozen=True)
class Pages:
    """Routes of a room's own pages about one thing of its section, "" where the general ones serve.

    ``new`` takes nothing, the others its key. ``edit`` and ``new``: its form; ``trial``: a part that says what a draft
    would have done (``?version=``); ``watched``: what differed while watched, where a room compares by itself."""

    edit: str = ""
    new: str = ""
    trial: str = ""
    trial_title: str = "What it would have done last month"
    watched: str = ""


@dataclass(frozen=True)
class Standing:
    """How one thing of the model fares, in a few words that lead somewhere."""

    text: str
    href: str = ""


def _nothing_stands(
    viewer: Person, versions: Mapping[str, Version], now: datetime
) -> Mapping[str, list[Standing]]:
    return {}


@dataclass(frozen=True)
class Section:
    """One section of the model.

    ``parse(key, body, context)`` returns faults that forbid the body; ``lint`` those that only deserve a word.
    ``title(body)`` and ``sentence(body, catalogue)`` are what pages show, for bodies that parse.
    ``population(body)`` are the records whose conclusions change when a version comes into force; None: those that
    happen from then on. ``places(body)`` and ``named(body)`` are what the check against the live CRM schema reads.
    ``standing(viewer, versions by key, now)`` tells how each fares, by key, in a constant number of queries;
    ``on_retire`` what becomes of what runs by it.
    """

    name: str
    label: str
    parse: Callable[[str, Body, Context], list[Fault]]
    title: Callable[[Body], str]
    sentence: Callable[[Body, Catalogue], str]
    lint: Callable[[str, Body, Context], list[Fault]] = _nothing_to_say
    population: Callable[[Body], QuerySet[Record]] | None = None
    places: Callable[[Body], list[Place]] = _nothing_named
    named: Callable[[Body], list[Named]] = _nothing_named
    pages: Pages = Pages()
    standing: Callable[[Person, Mapping[str, Version], datetime], Mapping[str, list[Standing]]] = (
        _nothing_stands
    )
    on_retire: str = ""


_sections: dict[str, Section] = {}


def register_sections(sections: Iterable[Section]) -> None:
    """Raises ValueError when two rooms want one name."""
    for section in sections:
        if section.name in _sections and _sections[section.name] != section:
            raise ValueError(f"model-file section {section.name} is registered twice")
        _sections[section.name] = section


def sections() -> dict[str, Section]:
    """All registered sections by name, in order of registration."""
    return dict(_sections)
