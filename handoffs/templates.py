"""Handoff templates as the model files say them (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from definitions.sections import Fault

if TYPE_CHECKING:
    from definitions.models import Version

FIELD_KINDS = ("text", "long_text", "datetime", "choice")
MEETING, MEETING_SUBJECT = "meeting", "meeting_subject"
"""What ``known_from`` may name beside fields: the start and the subject of the next meeting booked."""
NEXT_STEP, NEXT_STEP_AT = "next_step", "next_step_at"


class TemplateError(ValueError):
    """The body is no handoff template; ``faults`` says all that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class FormField:
    """One field of the form. ``known_from``: the logical field that fills it, or something of the next meeting."""

    key: str
    label: str
    kind: Literal["text", "long_text", "datetime", "choice"]
    is_required: bool
    known_from: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    key: str
    label: str
    needs_text: bool = False


@dataclass(frozen=True)
class Template:
    key: str
    name: str
    sentence: str
    from_team: str
    to_team: str
    opens_on_stage: str
    receiver_field: str
    form: tuple[FormField, ...]
    already_known: tuple[str, ...]
    buyer_words: str
    reasons: tuple[Reason, ...]

    def reason(self, key_or_label: str) -> Reason | None:
        """A reason by key, or by label as people write it in the CRM (case aside)."""
        wanted = key_or_label.strip().lower()
        return next((r for r in self.reasons if wanted in (r.key.lower(), r.label.lower())), None)


def parse_template(key: str, body: Mapping[str, Any]) -> Template:
    """Raises TemplateError with every fault."""
    faults: list[Fault] = []

    def text(name: str, path: tuple[str | int, ...] = (), source: Mapping[str, Any] = body) -> str:
        value = source.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        faults.append(Fault((*path, name), "missing", f"Say the {name.replace('_', ' ')} as text."))
        return ""

    def rows(name: str) -> list[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
        value = body.get(name)
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            faults.append(Fault((name,), "missing", f"List at least one entry under {name}."))
            return []
        found: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [
            ((name, i), row) for i, row in enumerate(value) if isinstance(row, Mapping)
        ]
        if len(found) < len(value):
            faults.append(Fault((name,), "type", "Each entry needs a key and a label."))
        return found

    form = []
    for path, row in rows("form"):
        kind = row.get("kind", "text")
        if kind not in FIELD_KINDS:
            faults.append(Fault((*path, "kind"), "unknown", f"Use one of {', '.join(FIELD_KINDS)}."))
        form.append(
            FormField(
                text("key", path, row),
                text("label", path, row),
                kind,
                bool(row.get("required", False)),
                str(row.get("known_from", "")),
                tuple(str(c) for c in row.get("choices") or ()),
            )
        )
    reasons = [
        Reason(text("key", path, row), text("label", path, row), bool(row.get("needs_text", False)))
        for path, row in rows("send_back_reasons")
    ]
    for name, keys in (("form", [f.key for f in form]), ("send_back_reasons", [r.key for r in reasons])):
        faults += [
            Fault((name,), "twice", f"“{twice}” stands twice; every key is used once.")
            for twice in sorted({k for k in keys if keys.count(k) > 1})
        ]
    opens_on = body.get("opens_on")
    stage = opens_on.get("stage") if isinstance(opens_on, Mapping) else None
    if not stage:
        faults.append(Fault(("opens_on",), "missing", "Say the stage that opens it: {stage: sql}."))
    receiver = body.get("receiver") or {}
    template = Template(
        key=key,
        name=text("name"),
        sentence=text("sentence"),
        from_team=text("from_team"),
        to_team=text("to_team"),
        opens_on_stage=str(stage or ""),
        receiver_field=str(receiver.get("field", "")) if isinstance(receiver, Mapping) else "",
        form=tuple(form),
        already_known=tuple(str(name) for name in body.get("already_known") or ()),
        buyer_words=str(body.get("buyer_words", "")),
        reasons=tuple(reasons),
    )
    if faults:
        raise TemplateError(faults)
    return template


def template_of(version: Version) -> Template:
    """The template of a version; parsed once per process, since a version never changes."""
    if version.pk not in _templates:
        _templates[version.pk] = parse_template(version.key, version.body)
    return _templates[version.pk]


_templates: dict[int, Template] = {}
