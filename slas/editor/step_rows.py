"""The steps of a rule, as rows of the form and back (pure): when, who is told, by which way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from slas.durations import parse_duration
from slas.editor.posted import ABSENT, Body, Fault, Values, count_of, is_whole, kept_of, one_of, put

PERCENT = "%"
SPANS = {"m": 60, "h": 3600, "d": 86_400}
ROLE = "role:"
STEP_CONTROLS = ("when", "amount", "unit", "to", "people", "by", "channel", "reassign", "at_any_hour", "kept")


def _show_when(when: Any) -> tuple[str, str, str]:
    if when == "breached":
        return "breached", "", ""
    if isinstance(when, Mapping) and len(when) == 1:
        kind, told = next(iter(when.items()))
        text = str(told).strip()
        if kind == "at" and re.fullmatch(r"\d{1,2}\s*%", text):
            return "at", text.rstrip("%").strip(), PERCENT
        seconds = parse_duration(text)
        fitting = [(n, unit) for unit, n in SPANS.items() if seconds and seconds % n == 0]
        if kind in ("before", "after") and fitting:
            size, unit = max(fitting)
            return kind, str(seconds // size), unit
    return "", "", ""


def _read_when(posted: Values, prefix: str, kept: Any) -> tuple[Any, list[Fault]]:
    kind, amount, unit = (one_of(posted, f"{prefix}{name}") for name in ("when", "amount", "unit"))
    if not kind or (kind, amount, unit) == _show_when(kept):
        return kept, []
    if kind == "breached":
        return kind, []
    if not is_whole(amount) or not int(amount):
        return kept, [Fault(f"{prefix}amount", "Write a whole number above 0.")]
    if kind == "at":
        if int(amount) > 99:
            return kept, [Fault(f"{prefix}amount", "Write 1 to 99 per cent.")]
        return {"at": f"{int(amount)}%"}, []
    return {kind: f"{int(amount)}{unit if unit in SPANS else 'm'}"}, []


def _show_to(to: Any) -> tuple[list[str], str]:
    """(boxes, e-mail addresses)."""
    boxes, people = [], []
    for one in to if isinstance(to, list | tuple) else ():
        if isinstance(one, str):
            boxes.append(one)
        elif isinstance(one, Mapping) and len(one) == 1:
            kind, who = next(iter(one.items()))
            if kind == "role":
                boxes.append(f"{ROLE}{who}")
            elif kind == "person":
                people.append(str(who))
    return boxes, ", ".join(people)


def _read_to(boxes: Iterable[str], people: str) -> list[Any]:
    told: list[Any] = [{"role": b.removeprefix(ROLE)} if b.startswith(ROLE) else b for b in boxes if b]
    return told + [{"person": who} for who in re.split(r"[,;\s]+", people) if who]


def show_steps(body: Body) -> dict[str, list[str]]:
    told = body.get("escalate")
    steps = [s for s in told if isinstance(s, Mapping)] if isinstance(told, list | tuple) else []
    found = {"escalate-count": [str(len(steps))]}
    for i, step in enumerate(steps):
        kind, amount, unit = _show_when(step.get("when"))
        boxes, people = _show_to(step.get("to"))
        by, reassign = step.get("by"), step.get("reassign")
        told_by = [str(b) for b in by] if isinstance(by, list | tuple) else [] if by else ["inbox"]
        values: dict[str, list[str]] = {
            "when": [kind],
            "amount": [amount],
            "unit": [unit],
            "to": boxes,
            "people": [people],
            "by": told_by if "to" in step else [],
            "channel": [str(step.get("channel") or "")],
            "reassign": [str(reassign.get("team") or "") if isinstance(reassign, Mapping) else ""],
            "at_any_hour": ["1"] if step.get("at_any_hour") is True else [],
            "kept": [json.dumps(step)],
        }
        found |= {f"escalate-{i}-{name}": value for name, value in values.items()}
    return found


def read_steps(posted: Values) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    steps = []
    for i in range(count_of(posted, "escalate")):
        prefix = f"escalate-{i}-"
        kept = kept_of(posted, prefix)
        shown = show_steps({"escalate": [kept]})

        def is_as_shown(*names: str, prefix: str = prefix, shown: Values = shown) -> bool:
            pairs = ((posted.get(f"{prefix}{n}", ()), shown.get(f"escalate-0-{n}", ())) for n in names)
            return all([t for t in mine if t] == [t for t in was if t] for mine, was in pairs)

        step = dict(kept)
        when, wrong = _read_when(posted, prefix, kept.get("when"))
        faults += wrong
        if when is not None:
            step["when"] = when
        if not is_as_shown("to", "people"):
            to = _read_to(posted.get(f"{prefix}to", ()), one_of(posted, f"{prefix}people"))
            put("to")(step, to or ABSENT)
        if not is_as_shown("by"):
            put("by")(step, [b for b in posted.get(f"{prefix}by", ()) if b] or ABSENT)
        if not is_as_shown("channel"):
            channel = one_of(posted, f"{prefix}channel")
            put("channel")(step, f"#{channel.lstrip('#')}" if channel.lstrip("#") else ABSENT)
        if not is_as_shown("reassign"):
            team = one_of(posted, f"{prefix}reassign")
            put("reassign")(step, {"team": team} if team else ABSENT)
        if not is_as_shown("at_any_hour"):
            put("at_any_hour")(step, True if one_of(posted, f"{prefix}at_any_hour") else ABSENT)
        steps.append(step)
    return steps or ABSENT, faults
