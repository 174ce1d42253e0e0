"""SLA rules as the model files say them (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from definitions.histories import in_force_at
from definitions.sections import Fault, Part
from slas.steps import Step, parse_steps
from slas.targets import Target, Tier, read_targets

STARTS = (
    "stage_entered", "handoff_opened", "handoff_sent", "handoff_sent_back", "handoff_accepted", "field_set",
    "trigger_fired", "signal",
)  # fmt: skip
STOPS = (
    "owner_in_team", "touch_by_team", "meeting_booked", "meeting_held", "handoff_sent", "handoff_answered",
    "handoff_accepted", "next_step_confirmed", "field_set", "stage_entered", "trigger_handled",
)  # fmt: skip
ANY = "any"
"""Of ``trigger_fired`` and ``trigger_handled``: whichever trigger. Of touches and meetings: whichever team."""

ON = ("person", "deal")
ACTS = ("sender", "receiver")
HOURS = ("owner", "team", "region")
OPEN_CLOCKS = ("keep", "move")
EVIDENCE = ("person", "deal", "activity")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "touch_by_team": ("activity",),
    "meeting_booked": ("activity",),
    "meeting_held": ("activity",),
}
"""What must be read again to know that a stop did not happen, beside the subject and the buyer's persons."""

MOST_TOUCHES = 50
RULE_KEYS = (
    "name", "sentence", "from_team", "to_team", "agreed_by", "start", "on", "where", "stop", "at_least", "target",
    "targets", "acts", "hours", "pause_while", "cancel_when", "evidence", "escalate", "open_clocks",
)  # fmt: skip


class RuleError(ValueError):
    """The body is no SLA rule; ``faults`` says all that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Rule:
    """One SLA rule. ``acts``: which side must act. ``hours``: whose working hours count: the owner's (else the acting
    team's), the team's whoever owns it, or those of the buyer's region (else as owner). ``pause_while`` and
    ``cancel_when``: conditions on the subject record, as trees.

    ``on``: the object whose field or signal starts it. ``where``: it starts only for subjects of which this is true
    then. ``at_least``: how many touches meet it. ``targets``: the first that fits at the start counts; the last is for
    all the rest, and ``target`` is that one until ``with_tier`` says which it was. ``moves_open``: once it holds, its
    time and steps count for clocks, too, that still run by an older version."""

    key: str
    name: str
    sentence: str
    from_team: str
    to_team: str
    start: tuple[str, str]
    stop: tuple[str, str]
    target: Target
    acts: Literal["sender", "receiver"]
    evidence: tuple[str, ...]
    escalations: tuple[Step, ...]
    hours: Literal["owner", "team", "region"] = "owner"
    pause_while: Mapping[str, Any] | None = None
    cancel_when: Mapping[str, Any] | None = None
    on: str = "person"
    where: Mapping[str, Any] | None = None
    at_least: int = 1
    targets: tuple[Tier, ...] = ()
    moves_open: bool = False

    @property
    def acting_team(self) -> str:
        return self.from_team if self.acts == "sender" else self.to_team

    @property
    def needs_activities(self) -> bool:
        """Whether only calls, e-mails and meetings can show that it was done."""
        return self.stop[0] in NEEDED

    def moved_to(self, later: Rule) -> Rule:
        """The rule as it is for an open clock once ``later`` moved it: its time and steps, and nothing else of it."""
        return replace(self, target=later.target, targets=later.targets, escalations=later.escalations)

    def with_tier(self, tier: Tier) -> Rule:
        """The rule as it is for a clock of this tier."""
        return self if tier.target == self.target else replace(self, target=tier.target)


@dataclass(frozen=True)
class RuleVersion:
    """One published version of a rule, in force in [since, until)."""

    id: int
    rule: Rule
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class RuleHistory:
    """One rule's published versions, oldest first."""

    versions: tuple[RuleVersion, ...]

    def at(self, moment: datetime) -> RuleVersion | None:
        """The version in force at ``moment``; None before the first and after a retirement."""
        return in_force_at(self.versions, moment)


def parse_rule(key: str, body: Mapping[str, Any]) -> Rule:
    """Raises RuleError with every fault."""
    faults: list[Fault] = []

    def text(name: str) -> str:
        value = body.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        faults.append(Fault((name,), "missing", f"Say the {name.replace('_', ' ')} as text."))
        return ""

    def single(name: str, allowed: Sequence[str]) -> tuple[str, str]:
        value = body.get(name)
        if isinstance(value, Mapping) and len(value) == 1:
            word, subject = next(iter(value.items()))
            if word in allowed and isinstance(subject, str) and subject.strip():
                return word, subject.strip()
        faults.append(Fault((name,), "unknown", f"Use exactly one of {', '.join(allowed)}, and say of what."))
        return "", ""

    def one(name: str, default: str, allowed: Sequence[str]) -> Any:
        value = body.get(name, default)
        if value not in allowed:
            faults.append(Fault((name,), "unknown", f"Use {' or '.join(allowed)}."))
        return value

    start, stop = single("start", STARTS), single("stop", STOPS)
    targets = read_targets(body, faults)
    rule = Rule(
        key=key,
        name=text("name"),
        sentence=text("sentence"),
        from_team=text("from_team"),
        to_team=text("to_team"),
        start=start,
        stop=stop,
        target=targets[-1].target,
        acts=one("acts", "receiver", ACTS),
        evidence=_evidence(body.get("evidence", ["person"]), stop[0], faults),
        escalations=parse_steps(body.get("escalate"), faults),
        hours=one("hours", "owner", HOURS),
        pause_while=_tree(body, "pause_while", (), faults),
        cancel_when=_tree(body, "cancel_when", (), faults),
        on=one("on", "person", ON),
        where=_tree(body, "where", (), faults),
        at_least=_at_least(body.get("at_least", 1), stop[0], faults),
        targets=targets,
        moves_open=one("open_clocks", "keep", OPEN_CLOCKS) == "move",
    )
    if faults:
        raise RuleError(faults)
    return rule


def _tree(
    body: Mapping[str, Any], name: str, path: tuple[Part, ...], faults: list[Fault]
) -> Mapping[str, Any] | None:
    value = body.get(name)
    if value is None or isinstance(value, Mapping):
        return value
    faults.append(Fault((*path, name), "not_a_condition", "Use a condition such as {field: …, op: …}."))
    return None


def _evidence(told: Any, stop: str, faults: list[Fault]) -> tuple[str, ...]:
    if not isinstance(told, list | tuple) or not told or any(name not in EVIDENCE for name in told):
        faults.append(Fault(("evidence",), "unknown", f"Use a list of {', '.join(EVIDENCE)}."))
        return ()
    return tuple(dict.fromkeys((*told, *NEEDED.get(stop, ()))))


def _at_least(told: Any, stop: str, faults: list[Fault]) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= MOST_TOUCHES:
        faults.append(Fault(("at_least",), "unknown", f"Say how many touches, 1 to {MOST_TOUCHES}."))
        return 1
    if told > 1 and stop and stop != "touch_by_team":
        faults.append(Fault(("at_least",), "unknown", "Only touches are counted: use it with touch_by_team."))
    return told
