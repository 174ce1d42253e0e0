"""The lines of one remote object's mapping: what is asked for, where it lives, and what real records say there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.base import RemoteField
from integrations.connecting import standard
from integrations.connecting.guessing import (
    Guess,
    Logical,
    Remark,
    guess,
    guess_values,
    logical_type,
    sample_remark,
    type_remark,
    unmatched,
)
from integrations.field_types import TYPE_WORDS
from records.models import CatalogueField, Connection, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME

SAMPLED = 25
SHOWN = 3
LONGEST_SAMPLE = 48
MOST_VALUES = 60
NEW = "new"


@dataclass(frozen=True)
class Chosen:
    """What one line says: ``remote_name`` empty means that the field is not connected."""

    name: str
    remote_name: str
    label: str = ""
    type: str = ""
    options: tuple[str, ...] = ()
    is_personal: bool = False
    has_history: bool = False
    value_map: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Line:
    logical: Logical
    chosen: Chosen
    remote: RemoteField | None = None
    why: str = ""
    samples: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    values: list[tuple[str, str, str]] = field(default_factory=list)
    """(remote value, its label, logical value or "")"""
    fault: str = ""
    is_needed: bool = False

    @property
    def type_words(self) -> str:
        return TYPE_WORDS.get(self.logical.type, self.logical.type)

    @property
    def constant(self) -> str:
        name = self.chosen.remote_name
        return name[1:] if name.startswith("=") else ""

    @property
    def kept_values(self) -> list[tuple[str, str]]:
        """What the mapping says of values that the CRM no longer lists, or never did."""
        shown = {value for value, _, _ in self.values}
        return [pair for pair in self.chosen.value_map.items() if pair[0] not in shown]

    @property
    def is_worrying(self) -> bool:
        return bool(self.fault) or any(one.severity == "late" for one in self.remarks)


def logicals_of(
    connection: Connection, object_name: str
) -> dict[str, CatalogueField | standard.StandardField]:
    """Logical fields of an object by name: those that are there, and the usual ones; ours are not mapped by hand."""
    found: dict[str, CatalogueField | standard.StandardField] = {
        one.name: one for one in standard.FIELDS.get(object_name, ())
    }
    for row in CatalogueField.objects.filter(object=object_name).order_by("name"):
        if row.name not in OWN_FIELD_BY_NAME:
            found[row.name] = row
    return found


def held_mappings(connection: Connection, remote_object: str) -> dict[str, FieldMapping]:
    rows = connection.mappings.filter(remote_object=remote_object).select_related("field")
    return {row.field.name: row for row in rows if row.field.name not in OWN_FIELD_BY_NAME}


def first_choice(
    connection: Connection, remote_object: str, object_name: str, described: Mapping[str, RemoteField]
) -> tuple[list[Chosen], dict[str, str]]:
    """(what is mapped now, or guessed where nothing is; why each was guessed)."""
    held = held_mappings(connection, remote_object)
    wanted = logicals_of(connection, object_name)
    usual = standard.usual_names(connection.kind, remote_object)
    guesses: dict[str, Guess] = {}
    if not held:
        guesses = guess([_logical(one) for one in wanted.values()], described, usual)
    chosen = []
    for name, one in wanted.items():
        row, remote_name = held.get(name), ""
        if row is not None:
            remote_name = row.remote_name
        elif name in guesses:
            remote_name = guesses[name].remote_name
        logical = _logical(one)
        values = (
            dict(row.value_map)
            if row
            else _usual_values(connection.kind, logical, described.get(remote_name))
        )
        chosen.append(
            Chosen(
                name,
                remote_name,
                logical.label,
                logical.type,
                logical.options,
                one.is_personal,
                row.has_history if row else bool(remote_name) and name in standard.WITH_HISTORY,
                values,
            )
        )
    return chosen, {name: one.why for name, one in guesses.items()}


def lines_of(
    connection: Connection,
    remote_object: str,
    object_name: str,
    chosen: Iterable[Chosen],
    described: Mapping[str, RemoteField],
    samples: Sequence[Mapping[str, Any]],
    why: Mapping[str, str],
) -> list[Line]:
    """Mapped lines first, then those without a home; the needed ones of each on top."""
    needed = standard.NEEDED.get(object_name, ())
    lines = [_line(one, described, samples, why.get(one.name, ""), one.name in needed) for one in chosen]
    order = {name: n for n, name in enumerate(needed)}
    return sorted(lines, key=lambda line: (not line.chosen.remote_name, order.get(line.logical.name, 99)))


def faults_of(lines: Iterable[Line], described: Mapping[str, RemoteField]) -> bool:
    """Say beside each line what forbids it; whether any is forbidden."""
    any_fault = False
    for line in lines:
        name = line.chosen.remote_name
        if name and not name.startswith("=") and name not in described and not line.fault:
            line.fault = f"There is no field {name}, or our user can't see it. Choose one from the list."
        any_fault = any_fault or bool(line.fault)
    return any_fault


def read_choice(
    data: Mapping[str, Any],
    names: Mapping[str, CatalogueField | standard.StandardField],
    remotes: Mapping[str, RemoteField],
) -> list[Chosen]:
    """What a sent form says of each logical field."""
    found = []
    for name, one in names.items():
        logical = _logical(one)
        remote_name = str(data.get(f"to:{name}") or "").strip()[:120]
        prefix = f"value:{name}:"
        values = {
            key[len(prefix) :]: str(value) for key, value in data.items() if key.startswith(prefix) and value
        }
        found.append(
            Chosen(
                name, remote_name, logical.label, logical.type, logical.options, one.is_personal,
                f"history:{name}" in data and bool(remote_name), values,
            )
        )  # fmt: skip
    if added := _added(data, names, remotes):
        found.append(added)
    return found


def _added(
    data: Mapping[str, Any], names: Mapping[str, Any], remotes: Mapping[str, RemoteField]
) -> Chosen | None:
    """A further logical field, named after the remote one unless it is given a name."""
    remote_name = str(data.get(f"to:{NEW}") or "").strip()[:120]
    if not remote_name:
        return None
    remote = remotes.get(remote_name)
    label = str(data.get("new_label") or "").strip()[:120] or (remote.label if remote else remote_name)
    kind = str(data.get("new_type") or "") or (logical_type(remote) if remote else "text")
    if kind not in CatalogueField.Type.values:
        kind = "text"
    stem = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:50] or "field"
    name, number = stem, 1
    while name in names or name in OWN_FIELD_BY_NAME:
        number += 1
        name = f"{stem}_{number}"
    return Chosen(name, remote_name, label, kind, is_personal="new_personal" in data)


def show(value: Any) -> str:
    """A sample as the page shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 1].rstrip() + "…"


def shown_samples(name: str, samples: Sequence[Mapping[str, Any]]) -> list[str]:
    seen = dict.fromkeys(show(row[name]) for row in samples if row.get(name) not in (None, ""))
    return list(seen)[:SHOWN]


def _line(
    one: Chosen,
    described: Mapping[str, RemoteField],
    samples: Sequence[Mapping[str, Any]],
    why: str,
    is_needed: bool,
) -> Line:
    line = Line(Logical(one.name, one.label, one.type, one.options), one, why=why, is_needed=is_needed)
    remote = line.remote = described.get(one.remote_name)
    if remote is None:
        if is_needed and not one.remote_name:
            line.remarks.append(Remark("soon", "Little can be told of a record without it."))
        return line
    line.samples = shown_samples(remote.name, samples)
    for remark in (
        type_remark(one.type, remote),
        sample_remark(one.type, [row.get(remote.name) for row in samples], one.value_map),
    ):
        if remark is not None:
            line.remarks.append(remark)
    if one.options and remote.options:
        line.values = [
            (value, label, one.value_map.get(value, value if value in one.options else ""))
            for value, label in remote.options[:MOST_VALUES]
        ]
        if strangers := unmatched(remote.options, one.options, one.value_map):
            line.remarks.append(
                Remark(
                    "soon", f"{len(strangers)} of {len(remote.options)} values there mean none of ours yet."
                )
            )
    return line


def _usual_values(kind: str, logical: Logical, remote: RemoteField | None) -> dict[str, str]:
    if remote is None or not logical.options:
        return {}
    usual = standard.VALUES.get((kind, logical.name), {})
    found = guess_values(remote.options, logical.options, usual)
    return found or {value: told for value, told in usual.items() if not remote.options}


def _logical(one: CatalogueField | standard.StandardField) -> Logical:
    options = tuple(str(o["value"]) if isinstance(o, dict) else str(o) for o in one.options)
    return Logical(one.name, one.label, one.type, options)
