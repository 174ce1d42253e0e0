"""Forms over bodies of the model: a table of what each section asks for, read into a plain body.

Keys a form doesn't show stay as they are, and what can't be read is given back as it was typed. Whether a body makes
sense its section judges, not the form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.utils.datastructures import MultiValueDict

from definitions.bodies import DEFINITIONS, PIPELINES, STAGES
from definitions.builder.tree_text import read_tree
from definitions.files.model_yaml import Unreadable, in_order, read_yaml, write_yaml
from definitions.sections import Body
from definitions.triggers.bodies import KINDS, TRIGGERS

Kind = Literal[
    "text",
    "long_text",
    "lines",
    "number",
    "choice",
    "many",
    "date",
    "condition",
    "yaml",
    "rows",
    "words",
    "flag",
]
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Ask:
    """One thing a form asks for. ``source`` names the choices (teams, connections, …); ``rows`` of a repeated part."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    source: str = ""
    rows: tuple[Ask, ...] = ()
    one: str = ""
    is_wide: bool = True


_NAME = Ask("name", "Name", "text")
_OWNER = Ask("owner", "Owner", "choice", "The team that looks after it.", "teams", is_wide=False)
_AGREED = Ask(
    "agreed_by", "Agreed by", "many", "Each of these teams must agree before a change comes into force.", "teams"
)  # fmt: skip
_OBJECT = Ask("object", "What is judged", "choice", "", "objects", is_wide=False)
_IN = Ask("in", "Where it is judged", "many", "None chosen: wherever there are such records.", "connections")
_TEXT = Ask("text", "In words", "long_text", "What it means, for people.")
_EXAMPLES = Ask("examples", "Examples", "lines", "One to a line.")
_PLAY = Ask("play", "What to do then", "long_text", "The play: what somebody does about it, and by when.")
_KEY = Ask("key", "Key", "text", "Letters a to z, digits, _ and -. Empty: made of the name.", is_wide=False)
_GUIDANCE = Ask("guidance", "Guidance", "long_text", "What good looks like here, for whoever works on it.")
_KEY_FIELDS = Ask("key_fields", "Key fields", "words", "At most 7 names of fields, with commas between them.")
_EXCLUSIONS = Ask(
    "exclusions", "Exclusions", "rows", "Whoever one of these holds for is not one, whatever else is true.",
    one="exclusion", rows=(
        Ask("name", "Name", "text", is_wide=False), _KEY,
        Ask("text", "What happens to them instead", "text"), Ask("when", "Excluded when", "condition"),
    ),
)  # fmt: skip
_VARIANTS = Ask(
    "variants", "Variants", "rows",
    "The first whose “for whom” holds counts. The last has none: it is for everyone else.",
    one="variant", rows=(
        Ask("name", "Name", "text", is_wide=False), _KEY, Ask("when", "For whom", "condition"),
        Ask("criteria", "Conditions", "condition"),
    ),
)  # fmt: skip
_CRITERIA = Ask("criteria", "Conditions", "condition", "What must be true.")
_YES_NO = [("", "No"), ("true", "Yes")]
_BACKWARD = Ask("backward", "Moving back", "choice", "", "allowed", is_wide=False)

FORMS: Mapping[str, tuple[Ask, ...]] = {
    DEFINITIONS: (
        _NAME, _OWNER, _OBJECT, _AGREED, _IN, _TEXT, _EXAMPLES, _PLAY, _EXCLUSIONS, _VARIANTS, _CRITERIA,
    ),
    TRIGGERS: (
        _NAME, _OWNER, _OBJECT, Ask("kind", "Kind", "choice", "", "trigger_kinds", is_wide=False), _AGREED,
        Ask("shared_with", "Shared with", "many", "Teams that see it, too.", "teams"), _IN, _TEXT, _EXAMPLES, _PLAY,
        _EXCLUSIONS, _CRITERIA,
    ),
    STAGES: (
        _NAME, Ask("short", "Short name", "text", "For narrow places and our fields in the CRM.", is_wide=False),
        Ask("order", "Place in the order", "number", "", is_wide=False), _OWNER,
        Ask("sentence", "What it means, in one sentence", "long_text"),
        Ask("definition", "What must be true", "choice", "A definition; none: entries are counted, not judged.",
            "definitions", is_wide=False),
        _BACKWARD,
        Ask("may_follow", "May be entered from", "many", "None chosen: from anywhere.", "stages"),
        _GUIDANCE, _KEY_FIELDS,
        Ask("claimed_when", "How the CRM shows it", "yaml", "connection, object, field and values. Only ever read."),
    ),
    PIPELINES: (
        _NAME, _OWNER, _OBJECT, _AGREED,
        Ask("connection", "Where it runs", "choice", "", "connections", is_wide=False),
        Ask("stage_field", "Field of the stage", "text", "", is_wide=False),
        Ask("when", "Which records belong to it", "condition"),
        Ask("skips", "Skipping a stage", "choice", "", "allowed", is_wide=False), _BACKWARD,
        Ask("exempt_below", "Not checked below an amount", "yaml",
            "field, value and currency; empty: all are checked."),
        Ask("warn_until", "Warn only, until", "date", "Until this day a missing condition warns and does not block.",
            is_wide=False),
        Ask("moves_in_gtmops", "Move stages from gtmops", "flag",
            "The CRM's own stage is written; the connection must allow it, too.", is_wide=False),
        Ask("stages", "Stages", "rows", "In the order a deal goes through them.", one="stage", rows=(
            Ask("name", "Name", "text", is_wide=False), _KEY,
            Ask("value", "Value in the CRM", "text", is_wide=False), _GUIDANCE, _KEY_FIELDS,
            Ask("may_follow", "May follow", "words", "Keys of stages, with commas; empty: as the order says."),
            Ask("reason", "Why it came here", "yaml", "field, choices, text: asked of whoever moves a deal here."),
            Ask("entry_criteria", "To enter", "condition"), Ask("exit_criteria", "To leave", "condition"),
        )),
    ),
}  # fmt: skip


@dataclass
class Field:
    """An ``Ask`` with its value, as a template shows it. ``value``: as typed where it could not be read."""

    ask: Ask
    name: str
    value: Any = ""
    faults: list[str] = field(default_factory=list)
    choices: Choices = ()
    rows: list[Row] = field(default_factory=list)


@dataclass
class Row:
    """One of a repeated part. ``number`` counts from 1."""

    index: int
    number: int
    title: str
    prefix: str
    fields: list[Field]
    kept: str = "{}"
    is_last: bool = False


@dataclass
class BodyForm:
    """``body``: what was read, on top of what the form doesn't show. ``has_faults``: something could not be read."""

    fields: list[Field]
    body: dict[str, Any]
    has_faults: bool = False


def has_form(section: str) -> bool:
    return section in FORMS


def show(section: str, body: Body, choices: Mapping[str, Choices]) -> BodyForm:
    """The form of a body."""
    return BodyForm([_shown(ask, body, "", choices) for ask in _asks(section, body)], dict(body))


def read(
    section: str, posted: MultiValueDict[str, str], base: Body, choices: Mapping[str, Choices]
) -> BodyForm:
    """What was sent, over ``base``. ``add`` and ``move`` and ``remove`` are buttons that only change the rows shown."""
    reading = _Reading(posted, choices)
    asks = FORMS[section]
    body = dict(base)
    fields = []
    for ask in asks:
        if ask.kind == "rows" and f"{ask.name}-count" not in posted:
            continue
        if ask.name not in posted and ask.kind not in {"rows", "many"}:
            continue
        fields.append(reading.read(ask, "", body))
    if body.get("variants"):
        # Variants have their conditions each; one set for all beside them would never count.
        body.pop("criteria", None)
    return BodyForm(fields, {name: body[name] for name in in_order(body)}, reading.has_faults)


def with_row_added(section: str, body: Body, name: str) -> dict[str, Any]:
    """The body with one more, empty row; the first variant takes the conditions there were as everyone else's."""
    rows = [*(body.get(name) or [])]
    if name == "variants":
        fallback = (
            []
            if rows
            else [{"key": "everyone_else", "name": "Everyone else", "criteria": body.get("criteria")}]
        )
        rows = (
            [*rows[:-1], {"key": "", "name": ""}, *rows[-1:]]
            if rows
            else [{"key": "", "name": ""}, *fallback]
        )
        return {**{k: v for k, v in body.items() if k != "criteria"}, name: rows}
    return {**body, name: [*rows, {"key": "", "name": ""}]}


def _asks(section: str, body: Body) -> list[Ask]:
    """Variants instead of one set of conditions, never both."""
    hidden = {"criteria"} if body.get("variants") else {"variants"} if section == DEFINITIONS else set()
    return [ask for ask in FORMS[section] if ask.name not in hidden]


def _shown(ask: Ask, body: Body, prefix: str, choices: Mapping[str, Choices]) -> Field:
    value = body.get(ask.name)
    found = Field(ask, f"{prefix}{ask.name}", choices=choices.get(ask.source, ()))
    match ask.kind:
        case "rows":
            rows = [row for row in value or [] if isinstance(row, Mapping)]
            found.rows = [_row(ask, row, i, len(rows), found.name, choices) for i, row in enumerate(rows)]
        case "condition":
            found.value = value
        case "lines":
            found.value = "\n".join(map(str, value or []))
        case "words":
            found.value = ", ".join(map(str, value or []))
        case "many":
            found.value = [str(v) for v in value or []]
        case "flag":
            found.value, found.choices = ("true" if value is True else ""), _YES_NO
        case "yaml":
            found.value = write_yaml(value) if value else ""
        case _:
            found.value = "" if value is None else str(value)
    if ask.kind == "choice" and found.value and found.value not in dict(found.choices):
        found.choices = [*found.choices, (found.value, found.value)]
    return found


def _row(ask: Ask, row: Body, index: int, count: int, name: str, choices: Mapping[str, Choices]) -> Row:
    prefix = f"{name}-{index}-"
    known = {inner.name for inner in ask.rows}
    return Row(
        index=index,
        number=index + 1,
        title=str(row.get("name") or row.get("key") or f"New {ask.one}"),
        prefix=prefix,
        fields=[_shown(inner, row, prefix, choices) for inner in ask.rows],
        kept=json.dumps({k: v for k, v in row.items() if k not in known}),
        is_last=index == count - 1,
    )


class _Reading:
    """Reads one form that was sent."""

    def __init__(self, posted: MultiValueDict[str, str], choices: Mapping[str, Choices]) -> None:
        self.posted, self.choices = posted, choices
        self.has_faults = False

    def read(self, ask: Ask, prefix: str, body: dict[str, Any]) -> Field:
        """Put what was sent for ``ask`` into ``body``, and give the field back as it stands."""
        name = f"{prefix}{ask.name}"
        text = self.posted.get(name, "").replace("\r\n", "\n").strip()
        value: Any = None
        fault = ""
        match ask.kind:
            case "rows":
                return self.rows(ask, name, body)
            case "many":
                value = [v for v in self.posted.getlist(name) if v] or None
            case "lines":
                value = [line.strip() for line in text.split("\n") if line.strip()] or None
            case "words":
                value = [word for word in re.split(r"[,\s]+", text) if word] or None
            case "number":
                value, fault = _number(text)
            case "condition" | "yaml":
                try:
                    value = (read_tree(text) if ask.kind == "condition" else read_yaml(text))[0]
                except Unreadable as error:
                    fault = "; ".join(f"line {f.line}: {f.text}" if f.line else f.text for f in error.faults)
            case "flag":
                value = True if text == "true" else None
            case _:
                value = text or None
        if fault:
            self.has_faults = True
            return Field(ask, name, text, [fault], self.choices.get(ask.source, ()))
        if value is None:
            body.pop(ask.name, None)
        else:
            body[ask.name] = value
        return _shown(ask, body, prefix, self.choices)

    def rows(self, ask: Ask, name: str, body: dict[str, Any]) -> Field:
        rows: list[dict[str, Any]] = []
        shown: list[Row] = []
        count = min(int(text) if (text := self.posted.get(f"{name}-count", "0")).isdecimal() else 0, 200)
        for index in self.order(name, count):
            prefix = f"{name}-{index}-"
            row = _object(self.posted.get(f"{prefix}kept", "{}"))
            fields = [self.read(inner, prefix, row) for inner in ask.rows]
            is_blank = not row and not any(f.faults for f in fields)
            if is_blank or self.posted.get("remove") == f"{name}-{index}":
                continue
            row.setdefault("key", key_of(str(row.get("name", ""))))
            rows.append({k: row[k] for k in in_order(row)})
            title = str(row.get("name") or row["key"])
            shown.append(Row(index, len(rows), title, prefix, fields, self.posted.get(f"{prefix}kept", "{}")))
        if rows:
            body[ask.name] = rows
        else:
            body.pop(ask.name, None)
        if shown:
            shown[-1].is_last = True
        if not any(f.faults for row in shown for f in row.fields):
            return _shown(ask, body, name.removesuffix(ask.name), self.choices)
        return Field(ask, name, rows=shown)

    def order(self, name: str, count: int) -> list[int]:
        """Rows as they stand, one of them moved up where that button was pressed."""
        order = list(range(count))
        part, _, index = self.posted.get("move", "").rpartition("-")
        if part == name and index.isdecimal() and 0 < int(index) < count:
            i = int(index)
            order[i - 1], order[i] = order[i], order[i - 1]
        return order


def key_of(name: str) -> str:
    """ "Existing customer" -> existing_customer"""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60]


def read_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """What a date-and-time field of a viewer in ``zone`` says. Raises ValueError; None for an empty one."""
    if not text.strip():
        return None
    return datetime.fromisoformat(text.strip()).replace(tzinfo=zone)


def _number(text: str) -> tuple[int | None, str]:
    if not text:
        return None, ""
    return (int(text), "") if text.isdecimal() and len(text) < 10 else (None, "Write a whole number.")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def fixed_choices() -> dict[str, Choices]:
    """The choices that don't come from the database."""
    return {
        "trigger_kinds": list(KINDS.items()),
        "allowed": [("", "As usual: allowed"), ("allowed", "Allowed"), ("flagged", "Flagged")],
    }
