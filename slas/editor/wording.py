"""An SLA rule as one sentence, with the names that people use (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slas.durations import parse_duration
from slas.editor.targets import tiers_of
from slas.rules import ANY

Body = Mapping[str, Any]

NOUNS = {"person": "lead", "deal": "deal", "account": "account"}
HANDOFF_STARTS = {
    "handoff_opened": "is opened",
    "handoff_sent": "is sent",
    "handoff_sent_back": "is sent back",
    "handoff_accepted": "is accepted",
}


@dataclass(frozen=True)
class Names:
    """Key -> name. ``fields``: (object, name) -> label; ``subjects``: lifecycle stage -> the object it is about."""

    teams: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)
    handoffs: Mapping[str, str] = field(default_factory=dict)
    triggers: Mapping[str, str] = field(default_factory=dict)
    signals: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)


def sentence_of(body: Body, names: Names) -> str:
    """ "When a lead becomes MQL, a person of the SDR team touches it within 1 business hour." "" while start, stop or
    target say nothing."""
    begins, ends, within = start_words(body, names), stop_words(body, names), targets_words(body)
    if not (begins and ends and within):
        return ""
    hours = {"team": ", by the team’s hours", "region": ", by the hours of the buyer’s region"}
    by = hours.get(str(body.get("hours")), "") if "business" in within else ""
    return f"When {begins}, {ends} {within}{by}."


def start_words(body: Body, names: Names) -> str:
    """ "a lead becomes MQL"."""
    kind, subject = _event(body, "start")
    noun = NOUNS.get(str(body.get("on") or "person"), "record")
    if kind == "stage_entered":
        noun = NOUNS.get(names.subjects.get(subject, "deal" if "/" in subject else "person"), "record")
        return f"a {noun} becomes {names.stages.get(subject, subject)}"
    if kind in HANDOFF_STARTS:
        return f"“{names.handoffs.get(subject, subject)}” {HANDOFF_STARTS[kind]}"
    if kind == "field_set":
        return f"{_field(body, subject, names)} of a {noun} is set"
    if kind == "trigger_fired":
        return "a trigger fires" if subject == ANY else f"“{names.triggers.get(subject, subject)}” fires"
    if kind == "signal":
        return f"the product tells “{names.signals.get(subject, subject)}”"
    return ""


def stop_words(body: Body, names: Names) -> str:
    """ "a person of the SDR team touches it"."""
    kind, subject = _event(body, "stop")
    team = "any team" if subject == ANY else _the(names.teams.get(subject, subject))
    acting = names.teams.get(who := acting_team(body), who) or "somebody"
    least = body.get("at_least")
    times = f" at least {least} times" if isinstance(least, int) and least > 1 else ""
    handled = "it" if subject == ANY else f"“{names.triggers.get(subject, subject)}”"
    told = {
        "owner_in_team": f"an active person of {team} owns it",
        "touch_by_team": f"a person of {team} touches it{times}",
        "meeting_booked": f"a meeting with {team} is booked",
        "meeting_held": f"a meeting with {team} is held",
        "handoff_sent": f"{acting} sends “{names.handoffs.get(subject, subject)}”",
        "handoff_answered": f"{acting} answers “{names.handoffs.get(subject, subject)}”",
        "handoff_accepted": f"{acting} accepts “{names.handoffs.get(subject, subject)}”",
        "next_step_confirmed": f"{acting} confirms the next step of “{names.handoffs.get(subject, subject)}”",
        "field_set": f"{acting} sets {_field(body, subject, names)}",
        "stage_entered": f"it becomes {names.stages.get(subject, subject)}",
        "trigger_handled": f"{acting} handles {handled}",
    }
    return told.get(kind, "")


def targets_words(body: Body) -> str:
    """ "within 15 minutes (Demo request), otherwise within 1 business hour"."""
    rows = tiers_of(body)
    told = [(str(row.get("name") or ""), target_words(row.get("target"))) for row in rows]
    if not all(words for _, words in told):
        return ""
    last = told[-1][1]
    if len(told) == 1:
        return last
    first = ", ".join(f"{words} ({name or 'some'})" for name, words in told[:-1])
    return f"{first}, otherwise {last}"


def target_words(target: Any) -> str:
    """ "within 1 business hour"; "" for what is no target."""
    if not isinstance(target, Mapping) or len(target) != 1:
        return ""
    kind, told = next(iter(target.items()))
    text = str(told).strip()
    if kind == "before":
        return f"before the {text}"
    if kind == "business_days":
        return f"within {text} business day{'' if text == '1' else 's'}"
    seconds = parse_duration(text)
    if kind not in ("elapsed", "business") or not seconds:
        return ""
    for size, noun in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0 and not (size == 86_400 and kind == "business"):
            number = seconds // size
            kind_word = "business " if kind == "business" else ""
            return f"within {number} {kind_word}{noun}{'' if number == 1 else 's'}"
    return ""


def acting_team(body: Body) -> str:
    return str(body.get("from_team" if body.get("acts") == "sender" else "to_team") or "")


def _event(body: Body, name: str) -> tuple[str, str]:
    value = body.get(name)
    if not isinstance(value, Mapping) or len(value) != 1:
        return "", ""
    kind, subject = next(iter(value.items()))
    return str(kind), str(subject)


def _field(body: Body, name: str, names: Names) -> str:
    return names.fields.get((str(body.get("on") or "person"), name), name)


def _the(team: str) -> str:
    return f"the {team}" if team.lower().endswith("team") else f"the {team} team"
