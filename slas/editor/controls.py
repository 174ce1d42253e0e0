"""The body of an SLA rule as the controls of a form, and back (pure).

What a form can't show it keeps: a part whose controls say what they said when they were shown stays as it was written,
to the letter. Whether a body makes sense its section judges, not the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from definitions.builder.tree_text import write_tree
from slas.editor.posted import (
    ABSENT,
    AS_WRITTEN,
    MOST_ROWS,
    Body,
    Fault,
    Values,
    count_of,
    is_whole,
    one_of,
    order_of,
    put,
    tree_of,
)
from slas.editor.step_rows import STEP_CONTROLS, read_steps, show_steps
from slas.editor.targets import TIER_CONTROLS, put_tiers, read_tiers, show_tiers

OF_TEAM = frozenset({"owner_in_team", "touch_by_team", "meeting_booked", "meeting_held"})
"""Stops that a team is named for; all others name a thing of the model."""

OF_SUBJECT = frozenset({"field_set", "signal"})
"""Starts of which ``on`` says whose they are."""


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
    if generate is not None and not one_of(posted, "sentence_own"):
        body["sentence"] = generate(body)
    return Read(body, tuple(faults))


def with_row(posted: Values, name: str) -> dict[str, list[str]]:
    """The controls with one more row: a tier goes before the last, which is for everyone else."""
    found = {key: list(values) for key, values in posted.items()}
    count = count_of(posted, name)
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
        order = order_of(posted, name)
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


def _text(name: str) -> _Part:
    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name)
        return {name: ["" if value is None else str(value)]}

    return _Part((name,), show, lambda posted: (one_of(posted, name) or ABSENT, []), put(name))


def _choice(name: str, default: str) -> _Part:
    """A choice whose default need not be written down."""

    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name, default)
        return {name: [value if isinstance(value, str) else ""]}

    return _Part((name,), show, lambda posted: (one_of(posted, name) or AS_WRITTEN, []), put(name))


def _boxes(name: str) -> _Part:
    def show(body: Body) -> dict[str, list[str]]:
        value = body.get(name)
        return {
            name: [str(one) for one in value] if isinstance(value, list | tuple) else [],
            f"{name}-sent": ["1"],
        }

    def take(posted: Values) -> tuple[Any, list[Fault]]:
        return [one for one in posted.get(name, ()) if one] or ABSENT, []

    return _Part((name, f"{name}-sent"), show, take, put(name))


def _condition(name: str) -> _Part:
    return _Part(
        (name,),
        lambda body: {name: [write_tree(body.get(name))]},
        lambda posted: tree_of(posted, name),
        put(name),
    )


def _number(name: str, default: int) -> _Part:
    def take(posted: Values) -> tuple[Any, list[Fault]]:
        text = one_of(posted, name)
        if not text:
            return ABSENT, []
        if not is_whole(text):
            return AS_WRITTEN, [Fault(name, "Write a whole number.")]
        return int(text), []

    return _Part((name,), lambda body: {name: [str(body.get(name, default))]}, take, put(name))


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
    kind, _, subject = one_of(posted, "start").partition(":")
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
    kind, _, subject = one_of(posted, "stop").partition(":")
    subject = one_of(posted, "stop_team") if kind in OF_TEAM else subject
    return ({kind: subject} if kind and subject else AS_WRITTEN), []


PARTS: tuple[_Part, ...] = (
    _text("name"),
    _text("sentence"),
    _text("from_team"),
    _text("to_team"),
    _boxes("agreed_by"),
    _Part(("start",), _show_start, _read_start, _put_start),
    _condition("where"),
    _Part(("stop",), _show_stop, _read_stop, put("stop")),
    _number("at_least", 1),
    _Part(("tiers-count",), show_tiers, read_tiers, put_tiers),
    _choice("acts", "receiver"),
    _choice("open_clocks", "keep"),
    _choice("hours", "owner"),
    _condition("pause_while"),
    _condition("cancel_when"),
    _boxes("evidence"),
    _Part(("escalate-count",), show_steps, read_steps, put("escalate")),
)


def _is_same(told: Any, was: Any) -> bool:
    if told in (ABSENT, AS_WRITTEN) or was in (ABSENT, AS_WRITTEN):
        return told is was
    return bool(told == was)
