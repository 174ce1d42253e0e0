"""The body of an SLA rule as the controls of a form, and back (pure).

What a form can't show it keeps: a part whose controls say what they said when they were shown stays as it was written,
to the letter. Whether a body makes sense its section judges, not the form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from definitions.builder.tree_text import read_tree, write_tree
from definitions.files.model_yaml import Unreadable
from slas.durations import parse_duration

Body = Mapping[str, Any]
Values = Mapping[str, Sequence[str]]
"""Control -> what it sends: one text, or those of the boxes that are ticked."""

ABSENT = object()
AS_WRITTEN = object()
"""What a control gives that shows something no form has a word for: it stays as it was."""

MOST_ROWS = 50
OF_TEAM = frozenset({"owner_in_team", "touch_by_team", "meeting_booked", "meeting_held"})
"""Stops that a team is named for; all others name a thing of the model."""

OF_SUBJECT = frozenset({"field_set", "signal"})
"""Starts of which ``on`` says whose they are."""

ELAPSED, BUSINESS = "elapsed", "business"
UNITS: Mapping[str, tuple[str, int]] = {
    "elapsed_s": (ELAPSED, 1), "elapsed_m": (ELAPSED, 60), "elapsed_h": (ELAPSED, 3600), "elapsed_d": (ELAPSED, 86_400),
    "business_s": (BUSINESS, 1), "business_m": (BUSINESS, 60), "business_h": (BUSINESS, 3600),
}  # fmt: skip
BUSINESS_DAYS = "business_days"
BEFORE = "before:"
_LETTERS = {1: "s", 60: "m", 3600: "h", 86_400: "d"}
PERCENT = "%"
SPANS = {"m": 60, "h": 3600, "d": 86_400}
ROLE = "role:"


@dataclass(frozen=True)
class Fault:
    """A control that could not be read, and why."""

    control: str
    text: str


@dataclass(frozen=True)
class Read:
    """``body``: what was read over what the form doesn't show. ``faults``: what could not be read."""

    body: dict[str, Any]
    faults: tuple[Fault, ...]


def controls_of(body: Body) -> dict[str, list[str]]:
    """What every control of the form shows of a body."""
    found: dict[str, list[str]] = {}
    for part in PARTS:
        found |= part.show(body)
    return found


def read(posted: Values, base: Body, *, generate: Callable[[Body], str] | None = None) -> Read:
    """What was sent, over ``base``. ``generate`` writes the sentence where nobody wrote one of their own."""
    body = dict(base)
    faults: list[Fault] = []
    for part in PARTS:
        if not part.is_sent(posted):
            continue
        told, found = part.read(posted)
        faults += found
        was, _ = part.read(part.show(base))
        if not _is_same(told, was):
            part.put(body, told)
    if generate is not None and not _one(posted, "sentence_own"):
        body["sentence"] = generate(body)
    return Read(body, tuple(faults))


def with_row(posted: Values, name: str) -> dict[str, list[str]]:
    """The controls with one more row: a tier goes before the last, which is for everyone else."""
    found = {key: list(values) for key, values in posted.items()}
    count = _count(posted, name)
    if count >= MOST_ROWS:
        return found
    if name == "tiers" and count:
        last = count - 1
        for control in TIER_CONTROLS:
            found[f"tiers-{count}-{control}"] = found.pop(f"tiers-{last}-{control}", [])
        fresh: dict[str, list[str]] = {"amount": ["15"], "unit": ["business_m"], "kept": ["{}"]}
        found |= {f"tiers-{last}-{control}": values for control, values in fresh.items()}
    elif name == "escalate":
        fresh = {"when": ["breached"], "to": ["owner"], "by": ["inbox"], "kept": ["{}"]}
        found |= {f"escalate-{count}-{control}": values for control, values in fresh.items()}
    found[f"{name}-count"] = [str(count + 1)]
    return found


def rearranged(posted: Values) -> dict[str, list[str]]:
    """The controls after ``remove`` (``tiers-1``) or ``move`` (the row goes up) was pressed."""
    found = {key: list(values) for key, values in posted.items()}
    for name, controls in (("tiers", TIER_CONTROLS), ("escalate", STEP_CONTROLS)):
        order = _order(posted, name)
        for new, old in enumerate(order):
            for control in controls:
                found[f"{name}-{new}-{control}"] = list(posted.get(f"{name}-{old}-{control}", ()))
        if f"{name}-count" in posted:
            found[f"{name}-count"] = [str(len(order))]
    return found


# --- parts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """One part of a body and its controls. ``told`` is what the controls say, ABSENT for nothing."""

    controls: tuple[str, ...]
    show: Callable[[Body], dict[str, list[str]]]
    read: Callable[[Values], tuple[Any, list[Fault]]]
    put: Callable[[dict[str, Any], Any], None]
    is_always_sent: bool = False

    def is_sent(self, posted: Values) -> bool:
        """A part that the form of today doesn't have stays; boxes and rows send nothing when there are none."""
        return self.is_always_sent or any(name in posted for name in self.controls)


def _put(name: str) -> Callable[[dict[str, Any], Any], None]:
    def put(body: dict[str, Any], told: Any) -> None:
        if told is ABSENT:
            body.pop(name, None)
        elif told is not AS_WRITTEN:
            body[name] = told

    return put


def _text(name: str) -> _Part:
    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name)
        return {name: ["" if value is None else str(value)]}

    return _Part((name,), show, lambda posted: (_one(posted, name) or ABSENT, []), _put(name))


def _choice(name: str, default: str) -> _Part:
    """A choice whose default need not be written down."""

    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name, default)
        return {name: [value if isinstance(value, str) else ""]}

    return _Part((name,), show, lambda posted: (_one(posted, name) or AS_WRITTEN, []), _put(name))


def _boxes(name: str) -> _Part:
    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name)
        return {
            name: [str(one) for one in value] if isinstance(value, list | tuple) else [],
            f"{name}-sent": ["1"],
        }

    def take(posted: Values) -> tuple[Any, list[Fault]]:
        return [one for one in posted.get(name, ()) if one] or ABSENT, []

    return _Part((name, f"{name}-sent"), show, take, _put(name))


def _condition(name: str) -> _Part:
    return _Part(
        (name,),
        lambda body: {name: [write_tree(body.get(name))]},
        lambda posted: _tree(posted, name),
        _put(name),
    )


def _number(name: str, default: int) -> _Part:
    def take(posted: Values) -> tuple[Any, list[Fault]]:
        text = _one(posted, name)
        if not text:
            return ABSENT, []
        if not _is_whole(text):
            return AS_WRITTEN, [Fault(name, "Write a whole number.")]
        return int(text), []

    return _Part((name,), lambda body: {name: [str(body.get(name, default))]}, take, _put(name))


def _show_event(body: Body, name: str) -> str:
    """``stage_entered:mql``; "" for what no form has a word for."""
    value = body.get(name)
    if isinstance(value, Mapping) and len(value) == 1:
        kind, subject = next(iter(value.items()))
        if isinstance(subject, str | int) and not isinstance(subject, bool):
            return f"{kind}:{subject}"
    return ""


def _show_start(body: Body) -> dict[str, list[str]]:
    """What is set or told carries whose it is: ``field_set:deal:amount``."""
    told = _show_event(body, "start")
    kind, _, subject = told.partition(":")
    return {"start": [f"{kind}:{body.get('on', 'person')}:{subject}" if kind in OF_SUBJECT else told]}


def _read_start(posted: Values) -> tuple[Any, list[Fault]]:
    kind, _, subject = _one(posted, "start").partition(":")
    on, _, name = subject.partition(":") if kind in OF_SUBJECT else ("", "", subject)
    return ((kind, on, name) if kind and name else AS_WRITTEN), []


def _put_start(body: dict[str, Any], told: Any) -> None:
    if told is AS_WRITTEN:
        return
    kind, on, name = told
    body["start"] = {kind: name}
    if on:
        body["on"] = on
    else:
        body.pop("on", None)


def _show_stop(body: Body) -> dict[str, list[str]]:
    kind, _, subject = _show_event(body, "stop").partition(":")
    team = subject if kind in OF_TEAM else str(body.get("to_team") or "")
    return {"stop": [kind if kind in OF_TEAM else f"{kind}:{subject}" if kind else ""], "stop_team": [team]}


def _read_stop(posted: Values) -> tuple[Any, list[Fault]]:
    kind, _, subject = _one(posted, "stop").partition(":")
    subject = _one(posted, "stop_team") if kind in OF_TEAM else subject
    return ({kind: subject} if kind and subject else AS_WRITTEN), []


# --- targets and tiers -----------------------------------------------------------------------------------------

TIER_CONTROLS = ("name", "when", "amount", "unit", "kept")


def show_target(target: Any) -> tuple[str, str]:
    """(amount, unit) of a target; ("", "") for what no form has a word for."""
    if not isinstance(target, Mapping) or len(target) != 1:
        return "", ""
    kind, told = next(iter(target.items()))
    text = str(told).strip()
    if kind == BUSINESS_DAYS:
        return text, BUSINESS_DAYS
    if kind == "before":
        return "", f"{BEFORE}{text}"
    if kind not in (ELAPSED, BUSINESS):
        return "", ""
    seconds = parse_duration(text)
    fitting = [(n, unit) for unit, (of, n) in UNITS.items() if of == kind and seconds and seconds % n == 0]
    if not fitting:
        return text, f"{kind}_m"
    size, unit = max(fitting)
    return str(seconds // size), unit


def read_target(amount: str, unit: str) -> Any:
    """The target; AS_WRITTEN for no unit, None for an amount that is no number."""
    if unit.startswith(BEFORE):
        return {"before": unit.removeprefix(BEFORE)}
    if unit not in UNITS and unit != BUSINESS_DAYS:
        return AS_WRITTEN
    if not _is_whole(amount):
        return None
    if unit == BUSINESS_DAYS:
        return {BUSINESS_DAYS: int(amount)}
    kind, size = UNITS[unit]
    return {kind: f"{int(amount)}{_LETTERS[size]}"}


def tiers_of(body: Body) -> list[Mapping[str, Any]]:
    """The rows of ``targets``; of a rule with one target that one."""
    rows = body.get("targets")
    if isinstance(rows, list | tuple) and rows and all(isinstance(row, Mapping) for row in rows):
        return list(rows)
    return [{"target": body["target"]}] if "target" in body else [{}]


def _show_tiers(body: Body) -> dict[str, list[str]]:
    rows = tiers_of(body)
    found = {"tiers-count": [str(len(rows))]}
    for i, row in enumerate(rows):
        amount, unit = show_target(row.get("target"))
        found |= {
            f"tiers-{i}-name": [str(row.get("name") or "")],
            f"tiers-{i}-when": [write_tree(row.get("when"))],
            f"tiers-{i}-amount": [amount],
            f"tiers-{i}-unit": [unit],
            f"tiers-{i}-kept": [json.dumps(row)],
        }
    return found


def _read_tiers(posted: Values) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    rows = []
    for i in range(_count(posted, "tiers")):
        prefix = f"tiers-{i}-"
        kept = _kept(posted, prefix)
        row = {k: v for k, v in kept.items() if k not in ("name", "when", "target")}
        if name := _one(posted, f"{prefix}name"):
            row["name"] = name
        tree, wrong = _tree(posted, f"{prefix}when")
        faults += wrong
        if tree is AS_WRITTEN:
            tree = kept.get("when", ABSENT)
        if tree is not ABSENT:
            row["when"] = tree
        amount, unit = _one(posted, f"{prefix}amount"), _one(posted, f"{prefix}unit")
        target = read_target(amount, unit)
        if (amount, unit) == show_target(kept.get("target")) or target is AS_WRITTEN:
            target = kept.get("target")
        elif target is None:
            faults.append(Fault(f"{prefix}amount", "Write a whole number."))
            target = kept.get("target")
        if target is not None:
            row["target"] = target
        rows.append(row)
    return rows, faults


def _put_tiers(body: dict[str, Any], rows: Any) -> None:
    if len(rows) == 1 and not set(rows[0]) - {"target", "name"}:
        body.pop("targets", None)
        body["target"] = rows[0].get("target")
        if body["target"] is None:
            del body["target"]
        return
    body.pop("target", None)
    body["targets"] = rows


# --- steps -----------------------------------------------------------------------------------------------------

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
    kind, amount, unit = (_one(posted, f"{prefix}{name}") for name in ("when", "amount", "unit"))
    if not kind or (kind, amount, unit) == _show_when(kept):
        return kept, []
    if kind == "breached":
        return kind, []
    if not _is_whole(amount) or not int(amount):
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


def _show_steps(body: Body) -> dict[str, list[str]]:
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


def _read_steps(posted: Values) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    steps = []
    for i in range(_count(posted, "escalate")):
        prefix = f"escalate-{i}-"
        kept = _kept(posted, prefix)
        shown = _show_steps({"escalate": [kept]})

        def is_as_shown(*names: str, prefix: str = prefix, shown: Values = shown) -> bool:
            pairs = ((posted.get(f"{prefix}{n}", ()), shown.get(f"escalate-0-{n}", ())) for n in names)
            return all([t for t in mine if t] == [t for t in was if t] for mine, was in pairs)

        step = dict(kept)
        when, wrong = _read_when(posted, prefix, kept.get("when"))
        faults += wrong
        if when is not None:
            step["when"] = when
        if not is_as_shown("to", "people"):
            to = _read_to(posted.get(f"{prefix}to", ()), _one(posted, f"{prefix}people"))
            _put("to")(step, to or ABSENT)
        if not is_as_shown("by"):
            _put("by")(step, [b for b in posted.get(f"{prefix}by", ()) if b] or ABSENT)
        if not is_as_shown("channel"):
            channel = _one(posted, f"{prefix}channel")
            _put("channel")(step, f"#{channel.lstrip('#')}" if channel.lstrip("#") else ABSENT)
        if not is_as_shown("reassign"):
            team = _one(posted, f"{prefix}reassign")
            _put("reassign")(step, {"team": team} if team else ABSENT)
        if not is_as_shown("at_any_hour"):
            _put("at_any_hour")(step, True if _one(posted, f"{prefix}at_any_hour") else ABSENT)
        steps.append(step)
    return steps or ABSENT, faults


PARTS: tuple[_Part, ...] = (
    _text("name"),
    _text("sentence"),
    _text("from_team"),
    _text("to_team"),
    _boxes("agreed_by"),
    _Part(("start",), _show_start, _read_start, _put_start),
    _condition("where"),
    _Part(("stop",), _show_stop, _read_stop, _put("stop")),
    _number("at_least", 1),
    _Part(("tiers-count",), _show_tiers, _read_tiers, _put_tiers),
    _choice("acts", "receiver"),
    _choice("open_clocks", "keep"),
    _choice("hours", "owner"),
    _condition("pause_while"),
    _condition("cancel_when"),
    _boxes("evidence"),
    _Part(("escalate-count",), _show_steps, _read_steps, _put("escalate")),
)


# --- reading ---------------------------------------------------------------------------------------------------


def _one(posted: Values, name: str) -> str:
    values = posted.get(name, ())
    return values[-1].replace("\r\n", "\n").strip() if values else ""


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7


def _tree(posted: Values, name: str) -> tuple[Any, list[Fault]]:
    try:
        tree, _ = read_tree(_one(posted, name))
    except Unreadable as error:
        said = "; ".join(f"line {f.line}: {f.text}" if f.line else f.text for f in error.faults)
        return AS_WRITTEN, [Fault(name, said)]
    return (ABSENT if tree is None else tree), []


def _kept(posted: Values, prefix: str) -> dict[str, Any]:
    """The row as it was written, before this edit."""
    try:
        value = json.loads(_one(posted, f"{prefix}kept") or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _count(posted: Values, name: str) -> int:
    text = _one(posted, f"{name}-count")
    return min(int(text), MOST_ROWS) if _is_whole(text) else 0


def _order(posted: Values, name: str) -> list[int]:
    """Rows as they shall stand: one taken out, one moved up, where those buttons were pressed."""
    order = list(range(_count(posted, name)))
    part, _, index = _one(posted, "move").rpartition("-")
    if part == name and _is_whole(index) and 0 < int(index) < len(order):
        i = int(index)
        order[i - 1], order[i] = order[i], order[i - 1]
    part, _, index = _one(posted, "remove").rpartition("-")
    return [i for i in order if not (part == name and index == str(i))]


def _is_same(told: Any, was: Any) -> bool:
    if told in (ABSENT, AS_WRITTEN) or was in (ABSENT, AS_WRITTEN):
        return told is was
    return bool(told == was)
