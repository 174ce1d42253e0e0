"""The model against the live schema: values that no option has, fields nobody can read, stages renamed. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from definitions.criteria import Criterion, FieldType
from definitions.criteria.nodes import Leaf, leaves_of
from definitions.sections import Fault, Named, Part, Place, path_parts

CHOSEN = frozenset({FieldType.PICKLIST, FieldType.MULTI_PICKLIST})
RENAMED_WITHIN = timedelta(days=7)

Options = Sequence[Sequence[str]]


@dataclass(frozen=True)
class LiveField:
    """Where a logical field lives in one CRM, as it was last seen. ``options``: (value, label); none: any value."""

    connection: str
    crm: str
    remote_object: str
    remote_name: str
    label: str
    options: Options = ()
    value_map: Mapping[str, str] = field(default_factory=dict)
    is_readable: bool = True
    changed_at: datetime | None = None
    options_before: Options = ()

    @property
    def place(self) -> str:
        return f"{self.label or self.remote_name} in {self.crm} ({self.remote_object}.{self.remote_name})"

    def has(self, value: str) -> bool:
        """Whether the logical ``value`` can be seen there."""
        return not self.options or value in self.known

    @property
    def known(self) -> list[str]:
        """Logical values of the options."""
        return [str(self.value_map.get(remote, remote)) for remote, _ in self.options]

    def successor(self, value: str) -> str | None:
        """What stands now where ``value`` stood before the last change, if that is new."""
        before = [str(self.value_map.get(remote, remote)) for remote, _ in self.options_before]
        if value not in before:
            return None
        fresh = [v for v in self.known if v not in before]
        at = before.index(value)
        if at < len(self.known) and self.known[at] in fresh:
            return self.known[at]
        return fresh[0] if len(fresh) == 1 else None

    def new_label(self, value: str, now: datetime) -> tuple[str, str] | None:
        """(old, new) label of an option that keeps its value, when it changed within the last days."""
        if self.changed_at is None or now - self.changed_at > RENAMED_WITHIN:
            return None
        before = {str(self.value_map.get(v, v)): label for v, label in self.options_before}
        after = {str(self.value_map.get(v, v)): label for v, label in self.options}
        if value in before and value in after and before[value] != after[value]:
            return before[value], after[value]
        return None


@dataclass(frozen=True)
class Live:
    """Every mapped field of every CRM: (object, logical name) -> where it lives."""

    fields: Mapping[tuple[str, str], Sequence[LiveField]]
    crms: Mapping[str, str] = field(default_factory=dict)  # connection -> its label

    def of(self, object_name: str, name: str, connections: Sequence[str]) -> list[LiveField]:
        found = self.fields.get((object_name, name), ())
        return [f for f in found if not connections or f.connection in connections]


def leaf_faults(place: Place, criterion: Criterion, live: Live) -> Iterator[Fault]:
    """What is wrong with the conditions at one place: values that are no option, fields that can't be read."""
    for leaf in leaves_of(criterion.root):
        path = (*place.path, *path_parts(leaf.path))
        found = live.of(place.object, leaf.field.name, place.connections)
        yield from _unreadable(leaf, place, path, found, live)
        if leaf.field.type in CHOSEN:
            for value in leaf.texts:
                yield from _dead(value, path, [f for f in found if f.is_readable])


def _unreadable(
    leaf: Leaf, place: Place, path: tuple[Part, ...], found: Sequence[LiveField], live: Live
) -> Iterator[Fault]:
    """A field that no connection of the place maps, or whose every home is gone."""
    for connection in place.connections or sorted({f.connection for f in found}) or [""]:
        homes = [f for f in found if f.connection == connection]
        if any(f.is_readable for f in homes):
            continue
        if connection and connection not in live.crms:
            continue  # the section says that there is no such connection
        crm = live.crms.get(connection, "any CRM")
        if homes:
            text = f"{homes[0].place} is gone or can't be read any more; every check that needs it says “Can't tell”"
            yield Fault(path, "field_gone", text)
        else:
            text = (
                f"{leaf.field.label} is not connected in {crm}; every check that needs it says “Can't tell”"
            )
            yield Fault(path, "not_connected", text)


def _dead(value: str, path: tuple[Part, ...], homes: Sequence[LiveField]) -> Iterator[Fault]:
    """Dead only where no home has it: two remote objects may share a logical field and not its options."""
    if not homes or any(home.has(value) for home in homes):
        return
    home = homes[0]
    successor = home.successor(value)
    if successor is not None:
        text = f"“{value}” of {home.place} seems to be “{successor}” since {home.changed_at:%-d %B}; change it here too"
        yield Fault(path, "renamed", text)
        return
    near = difflib.get_close_matches(value, home.known, n=1)
    hint = f"did you mean “{near[0]}”?" if near else f"there are: {', '.join(home.known[:8])}"
    yield Fault(path, "dead_value", f"“{value}” is no option of {home.place}, so nothing matches it; {hint}")


def named_faults(named: Iterable[Named], live: Live, now: datetime) -> Iterator[Fault]:
    """CRM values that a body names by hand: gone, or renamed in the last days; and fields that are gone."""
    for one in named:
        found = live.of(one.object, one.field, (one.connection,))
        readable = [f for f in found if f.is_readable]
        if found and not readable:
            text = f"{found[0].place} is gone or can't be read any more: nothing enters this stage"
            yield Fault(one.path, "field_gone", text)
            continue
        yield from _dead(one.value, one.path, readable)
        for home in readable:
            renamed = home.new_label(one.value, now)
            if renamed is not None:
                text = (
                    f"“{renamed[0]}” of {home.place} is called “{renamed[1]}” since {home.changed_at:%-d %B}; "
                    "the value behind it is the same, so nothing breaks: rename it here, that people know it"
                )
                yield Fault(one.path, "label_renamed", text)
