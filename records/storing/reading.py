"""What a row of a CRM says in our words, and the mark by which the same row is known again. Pure."""

from __future__ import annotations

import hashlib
import json
import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from records.canonical import Unreadable, canonical
from records.incoming import IncomingRecord

LONGEST_KEY = 300


@dataclass(frozen=True, slots=True)
class MappedField:
    """One logical field of a remote object. ``constant``: every row has it, and nothing is read.

    ``links_to``: the remote objects, as ``connection:object``, of which the value is an id."""

    name: str
    type: str
    remote_name: str
    constant: str | None = None
    is_broken: bool = False
    has_history: bool = False
    links_to: tuple[str, ...] = ()
    value_map: Mapping[str, Any] | None = None


def email_key(address: str, *, is_sandbox: bool = False) -> str:
    """The link of everybody with this address. Copies of people in a sandbox are nobody's in production."""
    return f"{'sandbox:' if is_sandbox else ''}email:{address.strip().lower()}"


@dataclass(frozen=True)
class Reading:
    """How rows of one remote object are read: the logical object they are and their mapped fields."""

    connection: str
    remote_object: str
    object: str
    fields: Sequence[MappedField]
    is_sandbox: bool = False

    @cached_property
    def _version(self) -> bytes:
        fields = [[getattr(f, name) for name in MappedField.__slots__] for f in self.fields]
        read = [self.connection, self.remote_object, self.object, fields]
        text = json.dumps([*read, "sandbox"] if self.is_sandbox else read, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    @cached_property
    def _constants(self) -> dict[str, Any]:
        return {f.name: f.constant for f in self.fields if f.constant is not None}

    @cached_property
    def _told(self) -> tuple[tuple[str, str, str, Mapping[str, Any] | None], ...]:
        return tuple(
            (f.name, f.remote_name, f.type, f.value_map)
            for f in self.fields
            if f.constant is None and not f.is_broken
        )

    @cached_property
    def _read(self) -> tuple[str, ...]:
        return tuple(remote_name for _, remote_name, *_ in self._told)

    def mark(self, row: IncomingRecord) -> str:
        """32 hex digits; equal when the row, and how we read it, are the same. Its time of change is no part of it.

        Every row of every pull is marked, so this is the one function here that must be fast."""
        get = row.values.get
        seen = (
            # A field that is missing is unknown, which is not the same as empty.
            [get(name, ...) for name in self._read],
            bool(row.values),
            row.is_deleted,
            row.merged_into,
            sorted(row.links) if row.links else None,
            sorted([entry.key for entry in row.history]) if row.history else None,
        )
        try:
            # The second version of the format tells equal values alike; later ones tell identity.
            told = marshal.dumps(seen, 2)
        except ValueError:
            told = repr(seen).encode("utf-8", "replace")
        return hashlib.blake2b(told, digest_size=16, key=self._version).hexdigest()

    def values(self, row: IncomingRecord) -> dict[str, Any]:
        """Canonical values by logical field; what can't be read is left out: it is unknown, never empty."""
        values = dict(self._constants)
        told = row.values
        for name, remote_name, kind, value_map in self._told:
            if remote_name in told:
                try:
                    values[name] = canonical(kind, told[remote_name], value_map)
                except Unreadable:
                    continue
        return values

    def links(self, row: IncomingRecord, values: Mapping[str, Any]) -> set[str]:
        """Strong links: own id, e-mail of a person, fields that hold an id elsewhere, associations, a merge."""
        here = f"id:{self.connection}"
        keys = set() if self.object == "activity" else {f"{here}:{row.remote_object}:{row.remote_id}"}
        if self.object == "person" and values.get("email"):
            keys.add(email_key(str(values["email"]), is_sandbox=self.is_sandbox))
        for field in self.fields:
            if field.links_to and values.get(field.name):
                keys |= {f"id:{target}:{values[field.name]}" for target in field.links_to}
        keys |= {f"{here}:{target}:{remote}" for target, remote in row.links}
        if row.merged_into:
            keys.add(f"{here}:{row.remote_object}:{row.merged_into}")
        return {key[:LONGEST_KEY] for key in keys}

    def title(self, values: Mapping[str, Any]) -> str:
        if self.object == "person":
            name = " ".join(str(values[k]) for k in ("first_name", "last_name") if values.get(k))
            parts = [str(values.get("company") or ""), name or str(values.get("email") or "")]
            return " · ".join(p for p in parts if p)[:300]
        return str(values.get("name") or values.get("subject") or "")[:300]
