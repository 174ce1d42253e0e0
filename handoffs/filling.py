"""The form of a handoff: what is known and missing, and what people give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoffs.errors import HandoffError
from handoffs.models import Handoff
from handoffs.templates import MEETING, MEETING_SUBJECT, FormField, Template, template_of
from records.canonical import Unreadable, instant, instant_text
from records.journey_data import JourneyData
from slas.evidence import meetings


@dataclass(frozen=True)
class FieldState:
    """One field of the form for a page: its value and where it came from (a connection's name, "form" or "").

    ``value`` is canonical: text, a number, or an instant as text."""

    key: str
    label: str
    kind: str
    is_required: bool
    value: Any
    source: str
    choices: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        return self.is_required and not self.value


def form_state(
    template: Template, form: Mapping[str, Any], journey: JourneyData, now: datetime
) -> list[FieldState]:
    """The form's fields with the values as they stand: what was filled in here, else what a CRM knows."""
    found = []
    for spec in template.form:
        value, source = form.get(spec.key), "form"
        known, known_in = _known(spec.known_from, journey, now)
        if not value or value == known:
            value, source = known, known_in
        found.append(
            FieldState(
                spec.key,
                spec.label,
                spec.kind,
                spec.is_required,
                value,
                source if value else "",
                spec.choices,
            )
        )
    return found


def _known(name: str, journey: JourneyData, now: datetime) -> tuple[Any, str]:
    if name == MEETING:
        ahead = [(at, a) for at, a in meetings(journey) if at >= now]
        return (instant_text(ahead[0][0]), ahead[0][1].connection) if ahead else (None, "")
    if name == MEETING_SUBJECT:
        ahead = [(at, a) for at, a in meetings(journey) if at >= now and a.values.get("subject")]
        return (ahead[0][1].values["subject"], ahead[0][1].connection) if ahead else (None, "")
    for record in journey.of("person"):
        if name and record.values.get(name):
            return record.values[name], record.connection
    return None, ""


# --- what people give ----------------------------------------------------------------------------------------------

MAX_TEXT = 10_000


def plain_text(value: Any) -> str:
    return str(value).replace("\x00", "").replace("\r\n", "\n").strip()


def check_length(texts: Mapping[str, str]) -> None:
    """Raises HandoffError naming the texts that are too long."""
    long = {k: "At most 10,000 characters." for k, v in texts.items() if len(v) > MAX_TEXT}
    if long:
        raise HandoffError("A text is too long.", long)


def read_values(
    handoff: Handoff, values: Mapping[str, Any], more: Sequence[FormField] = ()
) -> dict[str, str]:
    """Only fields of the form, as canonical text; HandoffError for what is no field, too long or not of its kind."""
    known = {f.key: f for f in (*more, *template_of(handoff.template).form)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise HandoffError(f"The form has no field {', '.join(unknown)}.")
    cleaned = {k: plain_text(v) for k, v in values.items() if v is not None}
    check_length(cleaned)
    wrong = {}
    for key, value in cleaned.items():
        if known[key].kind == "choice" and value and value not in known[key].choices:
            wrong[key] = f"Choose one of {', '.join(known[key].choices)}."
        if known[key].kind == "datetime" and value:
            try:
                cleaned[key] = instant_text(instant(value))
            except Unreadable:
                wrong[key] = "Say a date and a time."
    if wrong:
        raise HandoffError("One thing can't be read." if len(wrong) == 1 else "Some can't be read.", wrong)
    return cleaned


def news_of(
    handoff: Handoff, given: Mapping[str, str], journey: JourneyData, now: datetime
) -> dict[str, str]:
    """What ``given`` says that is not shown already; clearing what only a CRM says is no news either."""
    shown = {f.key: f for f in form_state(template_of(handoff.template), handoff.form, journey, now)}
    return {
        key: value
        for key, value in given.items()
        if value != plain_text(shown[key].value or "") and (value or shown[key].source == "form")
    }
