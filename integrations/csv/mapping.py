"""The mapping file of an import: which columns of which files mean what. See docs/import-csv.md."""

from __future__ import annotations

import fnmatch
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from integrations.csv.cells import Moment

TYPES = frozenset(
    {"text", "number", "money", "boolean", "date", "datetime", "picklist", "multi_picklist", "reference"}
)


class MappingError(ValueError):
    """The mapping file can't be meant; the text names the place."""


@dataclass(frozen=True)
class Field:
    """A column that holds a field's value."""

    name: str
    column: str
    type: str = "text"
    label: str = ""
    value_map: Mapping[str, Any] | None = None
    is_personal: bool = False
    moment: Moment | None = None  # dates and times only: how they are written
    decimal: str = ""  # numbers only: what stands before the cents; then thousands may stand apart


@dataclass(frozen=True)
class Since:
    """A column whose date says from when ``field`` had ``value``, or what stands in the column ``value_from``."""

    field: str
    value: str
    at: Moment
    type: str = "picklist"
    label: str = ""
    value_from: str = ""


@dataclass(frozen=True)
class Owner:
    """A column with ids of people; ``label`` and the id make a name where no column gives one."""

    field: str
    column: str
    label: str
    name_column: str = ""
    email_column: str = ""


@dataclass(frozen=True)
class Link:
    """A column with the id of a record of another remote object that belongs to the same buyer."""

    column: str
    to: str


@dataclass(frozen=True)
class RecordMapping:
    """One record per row of the file; of a log (``is_log``) one per id, each row telling something that happened.

    ``only``: column -> what must stand in it, for a row to say anything of such a record. ``is_dated_by_reading``: a
    row without any time holds from when the file was read."""

    object: str
    remote_object: str
    id: str
    created: Moment | None
    modified: Moment | None
    fields: tuple[Field, ...]
    history: tuple[Since, ...]
    owners: tuple[Owner, ...]
    links: tuple[Link, ...]
    is_log: bool = False
    only: tuple[tuple[str, frozenset[str]], ...] = ()
    is_dated_by_reading: bool = False

    def columns(self) -> set[str]:
        moments = [m for m in (self.created, self.modified, *(s.at for s in self.history)) if m]
        found = {
            self.id,
            *(m.column for m in moments),
            *(f.column for f in self.fields),
            *(k.column for k in self.links),
            *(s.value_from for s in self.history if s.value_from),
            *(column for column, _ in self.only),
        }
        for owner in self.owners:
            found |= {c for c in (owner.column, owner.name_column, owner.email_column) if c}
        return found

    def catalogue(self) -> list[dict[str, Any]]:
        """As ``integrations.setup.ensure_mappings`` takes it; a field has our own name on the remote side too."""
        common = {"object": self.object, "remote_object": self.remote_object}
        found: dict[str, dict[str, Any]] = {}
        for field in self.fields:
            found[field.name] = {
                **common, "field": field.name, "remote_name": field.name, "type": field.type,
                "value_map": dict(field.value_map or {}), "personal": field.is_personal,
                **({"label": field.label} if field.label else {}),
            }  # fmt: skip
        for since in self.history:
            found[since.field] = {
                **common, "field": since.field, "remote_name": since.field, "type": since.type,
                **found.get(since.field, {}), "has_history": True,
                **({"label": since.label} if since.label else {}),
            }  # fmt: skip
        for owner in self.owners:
            found[owner.field] = {
                **common, "field": owner.field, "remote_name": owner.field, "type": "reference", "label": owner.label,
            }  # fmt: skip
        return list(found.values())


@dataclass(frozen=True)
class FileMapping:
    match: str
    encoding: str
    separator: str
    records: tuple[RecordMapping, ...]


@dataclass(frozen=True)
class ImportMapping:
    files: tuple[FileMapping, ...]

    def for_file(self, path: Path) -> FileMapping:
        """Raises MappingError for a file that no pattern names."""
        for item in self.files:
            if fnmatch.fnmatch(path.name, item.match):
                return item
        patterns = ", ".join(item.match for item in self.files)
        raise MappingError(f"{path.name}: the mapping has no file that matches it (it has {patterns})")


def load_mapping(path: Path) -> ImportMapping:
    """Raises MappingError naming the place of the first fault."""
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise MappingError(f"{path}: {error}") from error
    return parse_mapping(data)


def parse_mapping(data: Any) -> ImportMapping:
    files = _list(_keys(data, "mapping", {"files"}).get("files"), "files")
    if not files:
        raise MappingError("files: name at least one")
    return ImportMapping(tuple(_file(item, f"files[{n}]") for n, item in enumerate(files)))


def _file(data: Any, at: str) -> FileMapping:
    item = _keys(data, at, {"match", "encoding", "separator", "records"})
    records = _list(item.get("records"), f"{at}.records")
    if not records:
        raise MappingError(f"{at}.records: name at least one")
    return FileMapping(
        _need(item, "match", at),
        str(item.get("encoding", "utf-8")),
        str(item.get("separator", "")),
        tuple(_record(r, f"{at}.records[{n}]") for n, r in enumerate(records)),
    )


def _record(data: Any, at: str) -> RecordMapping:
    keys = {
        "object", "remote_object", "id", "created", "modified", "fields", "history", "owners", "links", "rows", "only",
        "undated",
    }  # fmt: skip
    item = _keys(data, at, keys)
    fields = item.get("fields") or {}
    if not isinstance(fields, Mapping):
        raise MappingError(f"{at}.fields: a table of field: column")
    owners = item.get("owners") or {}
    if not isinstance(owners, Mapping):
        raise MappingError(f"{at}.owners: a table of field: column")
    only = item.get("only") or {}
    if not isinstance(only, Mapping):
        raise MappingError(f"{at}.only: a table of column: what must stand in it")
    if item.get("rows", "records") not in {"records", "events"}:
        raise MappingError(f"{at}.rows: records or events")
    if item.get("undated", "refused") not in {"refused", "as_read"}:
        raise MappingError(f"{at}.undated: refused or as_read")
    found = RecordMapping(
        object=_need(item, "object", at),
        remote_object=_need(item, "remote_object", at),
        id=_need(item, "id", at),
        created=_moment(item.get("created"), f"{at}.created"),
        modified=_moment(item.get("modified"), f"{at}.modified"),
        fields=tuple(_field(str(n), f, f"{at}.fields.{n}") for n, f in fields.items()),
        history=tuple(
            _since(s, f"{at}.history[{n}]") for n, s in enumerate(_list(item.get("history"), f"{at}.history"))
        ),
        owners=tuple(_owner(str(n), o, f"{at}.owners.{n}") for n, o in owners.items()),
        links=tuple(
            _link(k, f"{at}.links[{n}]") for n, k in enumerate(_list(item.get("links"), f"{at}.links"))
        ),
        is_log=item.get("rows") == "events",
        only=tuple((str(c), frozenset(map(str, w if isinstance(w, list) else [w]))) for c, w in only.items()),
        is_dated_by_reading=item.get("undated") == "as_read",
    )
    if found.is_log and not found.history:
        raise MappingError(f"{at}.history: say in which columns a row tells what happened, and when")
    if not (found.created or found.modified or found.history or found.is_dated_by_reading):
        raise MappingError(f"{at}: name a column for created or modified, so that its values have a time")
    return found


def _field(name: str, data: Any, at: str) -> Field:
    if isinstance(data, str):
        return Field(name, data)
    item = _keys(data, at, {"column", "type", "label", "values", "personal", "format", "tz", "decimal"})
    kind = str(item.get("type", "text"))
    if kind not in TYPES:
        raise MappingError(f"{at}.type: {kind!r} is not one of {', '.join(sorted(TYPES))}")
    moment = None
    if kind in {"date", "datetime"}:
        moment = _moment({k: item[k] for k in ("column", "format", "tz") if k in item}, at)
    decimal = str(item.get("decimal", ""))
    if decimal not in {"", ".", ","}:
        raise MappingError(f"{at}.decimal: {decimal!r} is not . or ,")
    values = item.get("values")
    if values is not None and not isinstance(values, Mapping):
        raise MappingError(f"{at}.values: a table of what the file says: what it means")
    return Field(
        name, _need(item, "column", at), kind, str(item.get("label", "")),
        {str(k): v for k, v in (values or {}).items()}, bool(item.get("personal", False)), moment,
        decimal,
    )  # fmt: skip


def _since(data: Any, at: str) -> Since:
    item = _keys(data, at, {"field", "value", "value_from", "at", "type", "label"})
    moment = _moment(item.get("at"), f"{at}.at")
    if moment is None:
        raise MappingError(f"{at}.at: name the column with the date")
    value_from = str(item.get("value_from", ""))
    return Since(
        _need(item, "field", at), "" if value_from else _need(item, "value", at), moment,
        str(item.get("type", "picklist")), str(item.get("label", "")), value_from,
    )  # fmt: skip


def _owner(name: str, data: Any, at: str) -> Owner:
    item = (
        {"column": data} if isinstance(data, str) else _keys(data, at, {"column", "label", "name", "email"})
    )
    return Owner(
        name, _need(item, "column", at), str(item.get("label", name.replace("_", " ").capitalize())),
        str(item.get("name", "")), str(item.get("email", "")),
    )  # fmt: skip


def _link(data: Any, at: str) -> Link:
    item = _keys(data, at, {"column", "to"})
    return Link(_need(item, "column", at), _need(item, "to", at))


def _moment(data: Any, at: str) -> Moment | None:
    if data is None:
        return None
    item = {"column": data} if isinstance(data, str) else _keys(data, at, {"column", "format", "tz"})
    formats = item.get("format", "iso")
    zone = str(item.get("tz", "UTC"))
    try:
        found = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(f"{at}.tz: {zone!r} is not a time zone such as Europe/Berlin") from error
    return Moment(
        _need(item, "column", at), tuple(formats) if isinstance(formats, list) else (str(formats),), found
    )


def _keys(data: Any, at: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise MappingError(f"{at}: a table is expected")
    if strange := sorted(set(map(str, data)) - known):
        raise MappingError(f"{at}: unknown keys {', '.join(strange)}; known are {', '.join(sorted(known))}")
    return data


def _need(item: Mapping[str, Any], key: str, at: str) -> str:
    if item.get(key) in (None, ""):
        raise MappingError(f"{at}: {key} is missing")
    return str(item[key])


def _list(data: Any, at: str) -> Sequence[Any]:
    if data is None:
        return ()
    if not isinstance(data, list):
        raise MappingError(f"{at}: a list is expected")
    return data
