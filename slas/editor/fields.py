"""The form of an SLA rule as its template shows it: each control with its options, and what is wrong beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from definitions.builder.tree_text import read_tree
from definitions.files.model_yaml import Unreadable
from definitions.sections import Fault as ModelFault
from definitions.sections import Part
from slas.editor.controls import controls_of
from slas.editor.offers import RARE_UNITS, Groups, Offers, Option
from slas.editor.posted import Fault, Values
from slas.editor.step_rows import STEP_CONTROLS
from slas.editor.targets import TIER_CONTROLS

CONDITIONS = frozenset({"where", "pause_while", "cancel_when", "when"})
MOST_FAULTS = 40
WHICH = (
    ("where", "Only for some", "every one starts the clock"),
    ("pause_while", "Paused while", "it never pauses"),
    ("cancel_when", "Called off when", "only when it is done, or the record is gone"),
)


@dataclass
class Control:
    """One control. ``values``: what it shows, as typed where that could not be read; ``tree``: of conditions."""

    name: str
    values: Sequence[str] = ()
    groups: Groups = ()
    faults: list[str] = field(default_factory=list)
    tree: Any = None

    @property
    def value(self) -> str:
        return self.values[-1] if self.values else ""

    @property
    def id(self) -> str:
        return f"id-{self.name}"

    @property
    def options(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """(heading, [(value, label, is it chosen)]). What is chosen and not offered stands as it was written."""
        known = {value for _, options in self.groups for value, _ in options}
        strange: list[Option] = [(value, value) for value in self.values if value and value not in known]
        groups = [*self.groups, ("As it was written", strange)] if strange else self.groups
        return [(title, [(v, label, v in self.values) for v, label in options]) for title, options in groups]


@dataclass
class Row:
    """A tier or a step, with its controls by their short names."""

    index: int
    controls: Mapping[str, Control]
    is_last: bool

    @property
    def number(self) -> int:
        return self.index + 1


@dataclass
class RuleForm:
    """``others``: what is wrong in no place that the form shows. ``c``: the controls by name."""

    c: Mapping[str, Control]
    tiers: list[Row]
    steps: list[Row]
    others: list[str]
    has_own_sentence: bool
    generated: str
    escalate_fault: Control

    @property
    def conditions(self) -> list[tuple[Control, str, str]]:
        """(control, label, what holds without it)."""
        return [(self.c[name], label, hint) for name, label, hint in WHICH]

    @property
    def has_tiers(self) -> bool:
        return len(self.tiers) > 1


def form_of(
    values: Values,
    offers: Offers,
    generated: str,
    *,
    own_sentence: bool,
    unread: Iterable[Fault] = (),
    faults: Iterable[ModelFault] = (),
) -> RuleForm:
    """The form that shows ``values``. ``unread``: controls that could not be read; ``faults``: the section's."""
    said: dict[str, list[str]] = {}
    others: list[str] = []
    # What a broken or hostile form leaves out is shown empty.
    names = {*values, *controls_of({})} | {
        "at_least",
        "agreed_by",
        "evidence",
        *(name for name, _, _ in WHICH),
    }
    for wrong in unread:
        said.setdefault(wrong.control, []).append(wrong.text)
    for fault in list(faults)[:MOST_FAULTS]:
        name = control_at(fault.path)
        where = name if name in names or name == "escalate" else ""
        if not where:
            others.append(" › ".join(str(part) for part in (*fault.path, fault.text)))
        elif not said.get(where):
            said[where] = [fault.text]

    def control(name: str, short: str) -> Control:
        found = Control(
            name, list(values.get(name, ())), _groups(short, name, values, offers), said.get(name, [])
        )
        if short in CONDITIONS and not (short == "when" and name.startswith("escalate")):
            found.tree = _tree(found.value)
        return found

    top = {name: control(name, name) for name in names if not name.startswith(("tiers-", "escalate-"))}
    return RuleForm(
        top,
        _rows("tiers", TIER_CONTROLS, values, control),
        _rows("escalate", STEP_CONTROLS, values, control),
        others,
        own_sentence,
        generated,
        Control("escalate", faults=said.get("escalate", [])),
    )


def control_at(path: Sequence[Part]) -> str:
    """The control that shows what stands at ``path`` of a body; "" for what no control shows."""
    if not path:
        return ""
    head, *rest = path
    if head == "target":
        return "tiers-0-amount"
    if head in ("targets", "escalate") and rest and isinstance(rest[0], int):
        name = "tiers" if head == "targets" else "escalate"
        inner = str(rest[1]) if len(rest) > 1 else "when" if name == "escalate" else "amount"
        return f"{name}-{rest[0]}-{'amount' if inner == 'target' else inner}"
    return {"on": "start", "targets": "tiers-0-amount"}.get(str(head), str(head))


def _rows(name: str, names: Sequence[str], values: Values, control: Any) -> list[Row]:
    text = (values.get(f"{name}-count") or ["0"])[-1]
    count = int(text) if text.isdecimal() and len(text) < 4 else 0
    return [
        Row(i, {short: control(f"{name}-{i}-{short}", short) for short in names}, i == count - 1)
        for i in range(count)
    ]


def _groups(short: str, name: str, values: Values, offers: Offers) -> Groups:
    is_step = name.startswith("escalate")
    if short == "unit" and not is_step:
        chosen = (values.get(name) or [""])[-1]
        rare = [option for option in RARE_UNITS if option[0] == chosen]
        return [*offers.groups["unit"], ("", rare)] if rare else offers.groups["unit"]
    return offers.groups.get(f"step_{short}" if is_step and short in ("when", "unit") else short, ())


def _tree(text: str) -> Any:
    """A plain tree for the editor of conditions; the text itself where it can't be read."""
    try:
        return read_tree(text)[0]
    except Unreadable:
        return text
