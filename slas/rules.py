"""SLA rules as the model files say them (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from definitions.sections import Fault
from slas.durations import duration_words, parse_duration
from slas.steps import Step, parse_steps

STARTS = ("stage_entered", "handoff_opened", "handoff_sent")
STOPS = ("owner_in_team", "touch_by_team", "handoff_sent", "handoff_answered")
TARGETS = ("elapsed", "business", "business_days", "before")
EVENTS = ("meeting",)
MOST_DAYS = 250
ACTS = ("sender", "receiver")
HOURS = ("owner", "team", "region")
EVIDENCE = ("person", "activity")
RULE_KEYS = (
    "name", "sentence", "from_team", "to_team", "agreed_by", "start", "stop", "target", "acts", "hours", "pause_while",
    "cancel_when", "evidence", "escalate",
)  # fmt: skip


class RuleError(ValueError):
    """The body is no SLA rule; ``faults`` says all that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Target:
    """``elapsed`` and ``business``: seconds. ``business_days``: days, the last of them to its closing. ``before``: the
    name of the event it must come before."""

    kind: Literal["elapsed", "business", "business_days", "before"]
    seconds: int = 0
    event: str = ""
    days: int = 0

    @property
    def needs_calendar(self) -> bool:
        return self.kind in ("business", "business_days")

    @property
    def words(self) -> str:
        """ "within 5 min", "within 1 h of business time", "before the meeting"."""
        if self.kind == "before":
            return f"before the {self.event}"
        if self.kind == "business_days":
            return f"within {self.days} business day{'' if self.days == 1 else 's'}"
        of_business = " of business time" if self.kind == "business" else ""
        return f"within {duration_words(self.seconds)}{of_business}"


@dataclass(frozen=True)
class Rule:
    """One SLA rule. ``acts``: which side must act. ``hours``: whose working hours count: the owner's (else the acting
    team's), the team's whoever owns it, or those of the buyer's region (else as owner). ``pause_while`` and
    ``cancel_when``: conditions on the subject record, as trees."""

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

    @property
    def acting_team(self) -> str:
        return self.from_team if self.acts == "sender" else self.to_team


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
        i = bisect_right([v.since for v in self.versions], moment)
        if not i:
            return None
        version = self.versions[i - 1]
        return None if version.until is not None and version.until <= moment else version


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
            is_told = (
                isinstance(subject, str | int) and not isinstance(subject, bool) and str(subject).strip()
            )
            if word in allowed and is_told:
                return word, str(subject).strip()
        faults.append(Fault((name,), "unknown", f"Use exactly one of {', '.join(allowed)}, and say of what."))
        return "", ""

    def several(path: tuple[str | int, ...], value: Any, allowed: Sequence[str]) -> tuple[str, ...]:
        if isinstance(value, list | tuple) and value and all(v in allowed for v in value):
            return tuple(value)
        faults.append(Fault(path, "unknown", f"Use a list of {', '.join(allowed)}."))
        return ()

    start, stop = single("start", STARTS), single("stop", STOPS)
    target = _target(single("target", TARGETS), faults)
    acts = body.get("acts", "receiver")
    if acts not in ACTS:
        faults.append(Fault(("acts",), "unknown", "Use sender or receiver."))
    hours = body.get("hours", "owner")
    if hours not in HOURS:
        faults.append(Fault(("hours",), "unknown", f"Use {', '.join(HOURS)}."))
    rule = Rule(
        key=key,
        name=text("name"),
        sentence=text("sentence"),
        from_team=text("from_team"),
        to_team=text("to_team"),
        start=start,
        stop=stop,
        target=target,
        acts=acts,
        evidence=several(("evidence",), body.get("evidence", ["person"]), EVIDENCE),
        escalations=parse_steps(body.get("escalate"), faults),
        hours=hours,
        pause_while=body.get("pause_while"),
        cancel_when=body.get("cancel_when"),
    )
    if faults:
        raise RuleError(faults)
    return rule


def _target(found: tuple[str, str], faults: list[Fault]) -> Target:
    kind, value = found
    if kind == "before":
        if value not in EVENTS:
            faults.append(Fault(("target", kind), "unknown", f"Use {' or '.join(EVENTS)}."))
        return Target("before", event=value)
    if kind == "business_days":
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MOST_DAYS):
            text = f"Say a number of working days, 1 to {MOST_DAYS}."
            faults.append(Fault(("target", kind), "duration", text))
            return Target("business_days", days=1)
        return Target("business_days", days=int(value))
    seconds = parse_duration(value)
    if kind and not seconds:
        faults.append(Fault(("target", kind), "duration", "Say a time above 0 such as 5m, 1h or 3d."))
    return Target("business" if kind == "business" else "elapsed", seconds=seconds)
