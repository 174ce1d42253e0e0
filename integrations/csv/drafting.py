"""What a person chose for a file's columns, and the mapping that comes of it. Pure."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from integrations.csv.cells import WAY_BY_KEY, Moment, read_boolean, read_number
from integrations.csv.guessing import Choice, Guess, name_for
from integrations.csv.mapping import TYPES, MappingError, parse_mapping
from integrations.csv.profile import Column

OBJECTS = {"person": "Person (lead or contact)", "deal": "Deal", "account": "Account", "activity": "Activity"}
ONCE = {
    "id": "the record’s id",
    "created": "when it was created",
    "modified": "when it last changed",
    "owner": "who owns it",
    "owner_name": "the owner’s name",
    "owner_email": "the owner’s e-mail",
    "what": "what happened",
    "when": "when it happened",
}
DATED = frozenset({"created", "modified", "since", "when"})


@dataclass(frozen=True)
class Known:
    """A field that the catalogue has already: its type and label stay as they are."""

    name: str
    label: str
    type: str
    is_personal: bool = False


@dataclass(frozen=True)
class Draft:
    """``connection``: the name of one that is there; else one is made with the label ``source``."""

    connection: str = ""
    source: str = ""
    object: str = "person"
    remote_object: str = ""
    is_log: bool = False
    zone: str = "UTC"
    only_column: str = ""
    only_value: str = ""
    takes_undated: bool = False
    columns: tuple[Choice, ...] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**known | {"columns": tuple(Choice.from_json(c) for c in data.get("columns", ()))})


def draft_of(guess: Guess, zone: str, connection: str = "", source: str = "") -> Draft:
    return Draft(
        connection=connection,
        source=source,
        object=guess.object,
        remote_object=guess.remote_object,
        is_log=guess.is_log,
        zone=zone,
        only_column=guess.only_column,
        only_value=guess.only_value,
        columns=tuple(guess.columns),
    )


def again(old: Draft, old_names: Sequence[str], fresh: Draft, columns: Sequence[Column]) -> Draft | None:
    """The choices made for an earlier file, if this one has every column that they used; new columns as guessed."""
    by_name = dict(zip(old_names, old.columns, strict=False))
    names = {c.name for c in columns}
    used = {name for name, choice in by_name.items() if choice.role}
    if not used or not used <= names:
        return None
    chosen = [
        by_name.get(column.name, guessed if guessed.role == "field" else Choice())
        for column, guessed in zip(columns, fresh.columns, strict=True)
    ]
    kept = {f: getattr(old, f) for f in ("object", "remote_object", "is_log", "zone", "takes_undated")}
    only = (old.only_column, old.only_value) if old.only_column in names else ("", "")
    return Draft(
        connection=fresh.connection, source=fresh.source, only_column=only[0], only_value=only[1],
        columns=tuple(chosen), **kept,
    )  # fmt: skip


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def known_field(text: str, known: Sequence[Known]) -> Known | None:
    """The field of the catalogue that is meant by a name or a label."""
    wanted = text.strip().casefold()
    by_name = next((k for k in known if k.name.casefold() == wanted), None)
    return by_name or next((k for k in known if k.label.casefold() == wanted), None)


def write_mapping(
    draft: Draft,
    columns: Sequence[Column],
    known: Sequence[Known],
    *,
    file_name: str,
    encoding: str,
    separator: str,
) -> tuple[dict[str, Any], dict[str, str]]:
    """(the mapping as docs/import-csv.md writes it, faults by place: the name of an input, or ``c3`` of a column)."""
    writer = _Writer(draft, columns, known)
    record = writer.record()
    match = "".join("?" if c in "*[]" else c for c in file_name)
    mapping = {"files": [{"match": match, "encoding": encoding, "separator": separator, "records": [record]}]}
    if not writer.faults:
        try:
            parse_mapping(mapping)
        except MappingError as error:
            writer.faults["form"] = str(error)
    return mapping, writer.faults


class _Writer:
    def __init__(self, draft: Draft, columns: Sequence[Column], known: Sequence[Known]) -> None:
        self.draft = draft
        self.pairs = list(zip(columns, draft.columns, strict=True))
        self.known = known
        self.faults: dict[str, str] = {}

    def record(self) -> dict[str, Any]:
        self._check_head()
        self._check_roles()
        found: dict[str, Any] = {
            "object": self.draft.object,
            "remote_object": name_for(self.draft.remote_object, "records"),
            "id": self._column("id"),
            "fields": self._fields(),
            "history": self._history(),
            "owners": self._owners(),
            "links": self._links(),
            "rows": "events" if self.draft.is_log else "records",
            "undated": "as_read" if self.draft.takes_undated and not self.draft.is_log else "refused",
        }
        for role in ("created", "modified"):
            if column := self._column(role):
                found[role] = self._at(column)
        if self.draft.is_log and self.draft.only_column:
            found["only"] = {self.draft.only_column: [self.draft.only_value]}
        return found

    def _check_head(self) -> None:
        draft = self.draft
        if not draft.connection and not draft.source.strip():
            self.faults["source"] = "Say where the file comes from, for example “Old CRM”."
        if draft.object not in OBJECTS:
            self.faults["object"] = "Choose what each row is about."
        if not draft.remote_object.strip():
            self.faults["remote_object"] = "Give these records a name, for example “leads”."
        if zone_of(draft.zone) is None:
            self.faults["zone"] = f"“{draft.zone}” is not a time zone such as Europe/Berlin."
        names = {column.name for column, _ in self.pairs}
        if draft.is_log and draft.only_column and draft.only_column not in names:
            self.faults["only_column"] = "The file has no such column."

    def _check_roles(self) -> None:
        seen: dict[str, str] = {}
        for n, (column, choice) in enumerate(self.pairs):
            if choice.role in ONCE:
                if choice.role in seen:
                    self.faults[f"c{n}"] = f"“{seen[choice.role]}” is {ONCE[choice.role]} already."
                seen.setdefault(choice.role, column.name)
            if choice.role in DATED and choice.way not in WAY_BY_KEY:
                self.faults[f"c{n}"] = "Choose how its dates are written."
        if "id" not in seen:
            self.faults["form"] = (
                "Choose which column is the record’s id. Without one, nothing can be told apart."
            )
        elif self.draft.is_log:
            for role in ("what", "when"):
                if role not in seen:
                    self.faults["form"] = f"Choose which column says {ONCE[role]}."
        elif not self.draft.takes_undated and not any(c.role in DATED for _, c in self.pairs):
            self.faults["form"] = (
                "No column says since when the values hold. Choose one, or take rows without a date as of now."
            )
        elif not {"what", "owner", "owner_email"} & set(seen) and not any(
            c.role in {"field", "since"} for _, c in self.pairs
        ):
            self.faults["form"] = "No column fills a field; there would be nothing to keep."
        if "owner_name" in seen and not {"owner", "owner_email"} & set(seen):
            self.faults["form"] = (
                "Choose which column says who owns a record; a name alone tells nobody apart."
            )

    def _column(self, role: str) -> str:
        return next((column.name for column, choice in self.pairs if choice.role == role), "")

    def _at(self, name: str) -> dict[str, Any]:
        choice = next(c for column, c in self.pairs if column.name == name)
        way = WAY_BY_KEY.get(choice.way)
        return {"column": name, "format": list(way.formats) if way else "iso", "tz": self.draft.zone}

    def _fields(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for n, (column, choice) in enumerate(self.pairs):
            if choice.role != "field":
                continue
            name, common, type_ = self._named(n, choice, column.name)
            if not name:
                continue
            if name in found:
                self.faults[f"c{n}"] = f"Another column fills {name} already."
            item = {"column": column.name, "type": type_, **common}
            if type_ in {"date", "datetime"}:
                if choice.way not in WAY_BY_KEY:
                    self.faults[f"c{n}"] = "Choose how its dates are written."
                item |= self._at(column.name)
            if type_ in {"number", "money"} and choice.decimal:
                item["decimal"] = choice.decimal
            found[name] = item
        return self._with_address(found)

    def _with_address(self, found: dict[str, Any]) -> dict[str, Any]:
        """A person whose id is an e-mail address has that address."""
        key = next((column for column, choice in self.pairs if choice.role == "id"), None)
        if key is None or not is_address(self.draft.object, key) or "email" in found:
            return found
        held = known_field("email", self.known)
        label = {} if held else {"label": "E-mail"}
        return {"email": {"column": key.name, "type": "text", "personal": True, **label}, **found}

    def _history(self) -> list[dict[str, Any]]:
        found = []
        what = self._column("what")
        for n, (column, choice) in enumerate(self.pairs):
            is_log = choice.role == "when" and what
            if choice.role != "since" and not is_log:
                continue
            said = next(c for _, c in self.pairs if c.role == "what") if is_log else choice
            name, common, type_ = self._named(n, said, "")
            if not name:
                continue
            value_from = what if is_log else choice.value_from
            if not value_from and not choice.value.strip():
                self.faults[f"c{n}"] = "Say which value it had from that day on."
            if value_from and value_from not in {c.name for c, _ in self.pairs}:
                self.faults[f"c{n}"] = "The file has no such column."
            value = {"value_from": value_from} if value_from else {"value": choice.value.strip()}
            common.pop("personal", None)
            found.append({"field": name, "type": type_, "at": self._at(column.name), **value, **common})
        return found

    def _owners(self) -> dict[str, Any]:
        email, name = self._column("owner_email"), self._column("owner_name")
        column = self._column("owner") or email
        if not column:
            return {}
        held = known_field("owner", self.known)
        item = {"column": column, "label": held.label if held else "Owner"}
        profile = next(c for c, _ in self.pairs if c.name == column)
        is_email = bool(profile.samples) and all("@" in s for s in profile.samples)
        # A name is what people know each other by; an opaque id gets its label.
        is_name = bool(profile.samples) and all(" " in s for s in profile.samples)
        if email or is_email:
            item["email"] = email or column
        if name or is_name or is_email:
            item["name"] = name or column
        return {"owner": item}

    def _links(self) -> list[dict[str, str]]:
        found = []
        for n, (column, choice) in enumerate(self.pairs):
            if choice.role == "link":
                if not choice.to.strip():
                    self.faults[f"c{n}"] = "Say which kind of record it is the id of."
                found.append({"column": column.name, "to": name_for(choice.to, "records")})
        return found

    def _named(self, n: int, choice: Choice, column: str) -> tuple[str, dict[str, Any], str]:
        """(name, what the mapping says of it beside, type): of a field that is there, or of a new one."""
        if not choice.field.strip():
            self.faults[f"c{n}"] = "Say which field it fills."
            return "", {}, "text"
        held = known_field(choice.field, self.known)
        if held is not None:
            return held.name, {"personal": held.is_personal}, held.type
        if choice.type not in TYPES:
            self.faults[f"c{n}"] = "Choose what kind of values it has."
        name = name_for(choice.field, f"field_{n + 1}")
        label = choice.field.strip() if choice.field.strip() != name else name.replace("_", " ").capitalize()
        return name, {"label": label, "personal": choice.is_personal}, choice.type


def is_address(object_name: str, column: Column) -> bool:
    """Whether a column tells people by their e-mail addresses."""
    return (
        object_name == "person"
        and bool(column.samples)
        and all("@" in s and "." in s for s in column.samples)
    )


def read_samples(column: Column, choice: Choice, type_: str, zone_name: str) -> list[tuple[str, str, bool]]:
    """(what stands there, how it is read, whether it can be)."""
    zone = zone_of(zone_name)
    way = WAY_BY_KEY.get(choice.way)
    is_date = choice.role in DATED or (choice.role == "field" and type_ in {"date", "datetime"})
    found: list[tuple[str, str, bool]] = []
    for sample in column.samples[:3]:
        try:
            if is_date:
                if way is None or zone is None:
                    raise ValueError("Choose how its dates are written.")
                at = Moment("", way.formats, zone).read(sample)
                local = at.astimezone(zone)
                text = f"{local:%A %-d %B %Y}" + ("" if type_ == "date" else f", {local:%H:%M} {zone_name}")
                found.append((sample, text, True))
            elif choice.role == "field" and type_ in {"number", "money"}:
                number = float(read_number(sample, choice.decimal))
                found.append((sample, f"{number:,.2f}".rstrip("0").rstrip("."), True))
            elif choice.role == "field" and type_ == "boolean":
                truth = read_boolean(sample)
                if truth not in {"true", "false"}:
                    raise ValueError("neither yes nor no")
                found.append((sample, "Yes" if truth == "true" else "No", True))
            else:
                found.append((sample, "", True))
        except (ValueError, OverflowError):
            found.append((sample, "can’t be read so", False))
    return found


__all__ = [
    "Draft",
    "Known",
    "again",
    "draft_of",
    "is_address",
    "known_field",
    "read_samples",
    "write_mapping",
    "zone_of",
]
