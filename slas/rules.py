"""SLA rules as the model files say them (pure)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from definitions.sections import Fault

STARTS = ("stage_entered", "handoff_opened", "handoff_sent")
STOPS = ("owner_in_team", "touch_by_team", "handoff_sent", "handoff_answered")
TARGETS = ("elapsed", "business", "business_days", "before")
EVENTS = ("meeting",)
MOST_DAYS = 250
WHEN = ("breached",)
TO = ("owner", "manager", "team_manager")
ACTS = ("sender", "receiver")
HOURS = ("owner", "team", "region")
BY = ("inbox", "email")
EVIDENCE = ("person", "activity")
RULE_KEYS = (
    "name", "sentence", "from_team", "to_team", "agreed_by", "start", "stop", "target", "acts", "hours", "pause_while",
    "cancel_when", "evidence", "escalate",
)  # fmt: skip
STEP_KEYS = ("when", "to", "by")

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


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
class Escalation:
    when: str
    to: tuple[str, ...]
    by: tuple[str, ...]


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
    escalations: tuple[Escalation, ...]
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
    escalations = []
    steps = body.get("escalate") or []
    if not isinstance(steps, list | tuple):
        faults.append(Fault(("escalate",), "unknown", "Use a list of {when, to, by}."))
        steps = []
    for i, step in enumerate(steps):
        if not isinstance(step, Mapping) or step.get("when") not in WHEN:
            faults.append(Fault(("escalate", i, "when"), "unknown", f"Use {' or '.join(WHEN)}."))
            continue
        escalations.append(
            Escalation(
                step["when"],
                several(("escalate", i, "to"), step.get("to"), TO),
                several(("escalate", i, "by"), step.get("by"), BY),
            )
        )
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
        escalations=tuple(escalations),
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


def parse_duration(text: str) -> int:
    """Seconds of ``90s``, ``5m``, ``1h``, ``3d`` or sums such as ``1h30m``; 0 when it is none of these."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(f"{n}{u}" for n, u in parts) != re.sub(r"\s", "", text):
        return 0
    return sum(int(n) * _SECONDS[u] for n, u in parts)


def duration_words(seconds: int) -> str:
    """``5 min``, ``1 h``, ``2 h 10 min``, ``3 d``; the two largest units."""
    seconds = abs(int(seconds))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    shown = [f"{n} {unit}" for n, unit in parts if n][:2]
    return " ".join(shown) or "0 s"
