"""The steps of a rule: who is told what, when a clock runs out or has run out (pure)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from definitions.files.reading import unknown
from definitions.sections import Fault
from slas.durations import duration_words, parse_duration

STEP_KEYS = ("when", "to", "by", "channel", "reassign", "at_any_hour")
MOMENTS = ("at", "before", "after")
TO = ("owner", "manager", "team_manager", "team", "sender_team_manager")
TO_NAMED = ("role", "person")
ROLES = ("rep", "manager", "leader", "revops_admin", "system_admin")
BY = ("inbox", "email", "slack", "crm_task")
DEFAULT_BY = ("inbox",)

_PERCENT = re.compile(r"(\d{1,2})\s*%")
_CHANNEL = re.compile(r"#?[^\s#]{1,79}")


@dataclass(frozen=True)
class When:
    """When a step is due: ``breached``, or ``at`` a percentage of the target, or seconds ``before`` or ``after`` the
    due time. All are counted as the target is."""

    kind: Literal["breached", "at", "before", "after"] = "breached"
    amount: int = 0

    @property
    def is_warning(self) -> bool:
        """Before the due time; the others wait until the breach stands."""
        return self.kind in ("at", "before")

    @property
    def words(self) -> str:
        """ "at 75% of the time", "15 min before it is due", "when it is late", "2 h after it was due"."""
        if self.kind == "at":
            return f"at {self.amount}% of the time"
        if self.kind == "breached":
            return "when it is late"
        return f"{duration_words(self.amount)} {self.kind} it {'is' if self.is_warning else 'was'} due"


@dataclass(frozen=True)
class To:
    """Whom: one of ``TO``, or a ``role`` or ``person`` (e-mail address) named by ``who``."""

    kind: str
    who: str = ""

    @property
    def words(self) -> str:
        return self.who.replace("_", " ") if self.who else self.kind.replace("_", " ")


@dataclass(frozen=True)
class Step:
    """One step. ``name`` tells it from the rule's others for good; ``channel``: a Slack channel told once;
    ``reassign``: the team whose next person gets it; ``at_any_hour``: also outside quiet hours."""

    name: str
    when: When
    to: tuple[To, ...] = ()
    by: tuple[str, ...] = ()
    channel: str = ""
    reassign: str = ""
    at_any_hour: bool = False


# --- as the model files say it ---------------------------------------------------------------------------------


def parse_steps(value: Any, faults: list[Fault]) -> tuple[Step, ...]:
    """The steps under ``escalate``; what is wrong is added to ``faults``. None and [] are no steps."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        faults.append(Fault(("escalate",), "unknown", "Use a list of {when, to, by}."))
        return ()
    steps: list[Step] = []
    for i, told in enumerate(value):
        when = _when(told.get("when"), i, faults) if isinstance(told, Mapping) else None
        if when is None:
            if not isinstance(told, Mapping):
                faults.append(Fault(("escalate", i), "unknown", "Use {when, to, by}."))
            continue
        twins = sum(step.when == when for step in steps)
        steps.append(_step(told, i, when, twins, faults))
    return tuple(steps)


def _when(value: Any, i: int, faults: list[Fault]) -> When | None:
    if value == "breached":
        return When()
    if isinstance(value, Mapping) and len(value) == 1:
        kind, told = next(iter(value.items()))
        if kind == "at":
            percent = _PERCENT.fullmatch(str(told).strip())
            if percent and int(percent[1]):
                return When("at", int(percent[1]))
            faults.append(
                Fault(("escalate", i, "when", "at"), "unknown", "Say a percentage such as 75%, 1 to 99.")
            )
            return None
        if kind in MOMENTS:
            if seconds := parse_duration(str(told)):
                return When(kind, seconds)
            text = "Say a time above 0 such as 15m or 2h."
            faults.append(Fault(("escalate", i, "when", kind), "duration", text))
            return None
    text = 'Use breached, or one of {at: "75%"}, {before: 15m}, {after: 2h}.'
    faults.append(Fault(("escalate", i, "when"), "unknown", text))
    return None


def _step(told: Mapping[str, Any], i: int, when: When, twins: int, faults: list[Fault]) -> Step:
    channel, reassign = _channel(told, i, faults), _reassign(told, i, faults)
    tells_somebody = "to" in told or not ("channel" in told or "reassign" in told)
    to = _to(told.get("to"), i, faults) if tells_somebody else ()
    by: tuple[str, ...] = ()
    if tells_somebody:
        by = _several(told.get("by", list(DEFAULT_BY)), BY, ("escalate", i, "by"), faults)
    at_any_hour = told.get("at_any_hour", False)
    if not isinstance(at_any_hour, bool):
        faults.append(Fault(("escalate", i, "at_any_hour"), "unknown", "Use true or false."))
    name = f"{when.kind}{when.amount or ''}" + (f":{twins + 1}" if twins else "")
    return Step(name, when, to, by, channel, reassign, at_any_hour is True)


def _channel(told: Mapping[str, Any], i: int, faults: list[Fault]) -> str:
    if "channel" not in told:
        return ""
    name = told["channel"]
    if isinstance(name, str) and _CHANNEL.fullmatch(name.strip()):
        return "#" + name.strip().removeprefix("#")
    text = 'Say a Slack channel such as "#sdr-late", with quotes: a bare # begins a comment.'
    faults.append(Fault(("escalate", i, "channel"), "unknown", text))
    return ""


def _reassign(told: Mapping[str, Any], i: int, faults: list[Fault]) -> str:
    if "reassign" not in told:
        return ""
    value = told["reassign"]
    team = value.get("team") if isinstance(value, Mapping) and len(value) == 1 else None
    if isinstance(team, str) and team.strip():
        return team.strip()
    faults.append(Fault(("escalate", i, "reassign"), "unknown", "Use {team: TEAM}."))
    return ""


def _to(value: Any, i: int, faults: list[Fault]) -> tuple[To, ...]:
    path = ("escalate", i, "to")
    found: list[To] = []
    for one in value if isinstance(value, list | tuple) else ():
        if one in TO:
            found.append(To(one))
            continue
        kind, who = next(iter(one.items())) if isinstance(one, Mapping) and len(one) == 1 else ("", "")
        if kind == "role" and who not in ROLES:
            faults.append(Fault(path, "unknown", f"Use a role: {', '.join(ROLES)}."))
            return ()
        if kind in TO_NAMED and isinstance(who, str) and who.strip():
            found.append(To(kind, who.strip().lower()))
            continue
        found = []
        break
    if not found:
        text = f"Use a list of {', '.join(TO)}, {{role: ROLE}}, {{person: E-MAIL}}."
        faults.append(Fault(path, "unknown", text))
    return tuple(found)


def _several(
    value: Any, allowed: Sequence[str], path: tuple[str | int, ...], faults: list[Fault]
) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and value and all(v in allowed for v in value):
        return tuple(value)
    faults.append(Fault(path, "unknown", f"Use a list of {', '.join(allowed)}."))
    return ()


def step_faults(steps: Sequence[Step], teams: Collection[str], longest_seconds: int | None) -> list[Fault]:
    """What is wrong with the steps beside the rest of their rule. ``longest_seconds``: of its targets, None where one
    is no fixed time."""
    faults = []
    for i, step in enumerate(steps):
        if step.reassign and step.reassign not in teams:
            text = unknown("team", step.reassign, teams)
            faults.append(Fault(("escalate", i, "reassign", "team"), "unknown", text))
        when = step.when
        if when.kind == "before" and longest_seconds is not None and when.amount >= longest_seconds:
            text = f"There are only {duration_words(longest_seconds)} in all, so it would never be said."
            faults.append(Fault(("escalate", i, "when", "before"), "duration", text))
    return faults


# --- when they are due -----------------------------------------------------------------------------------------


class Counting(Protocol):
    """How the target counts, in the hands and pauses as known (``slas/counting.py``)."""

    def seconds(self, begin: datetime, end: datetime) -> int:
        """What counts of [begin, end)."""
        ...

    def after(self, begin: datetime, seconds: int) -> datetime | None:
        """When so much has counted since ``begin``; None while a pause lasts."""
        ...


@dataclass(frozen=True)
class Planned:
    """A step and when it is to be taken, for a clock that is due at ``due_at``; both UTC."""

    at: datetime
    step: Step
    due_at: datetime


def planned(
    steps: Sequence[Step], start: datetime, due_at: datetime | None, counting: Counting
) -> tuple[Planned, ...]:
    """All steps of a clock in order of time. None while it has no due time.

    A warning that would lie before the start, or not before the due time, is left out."""
    if due_at is None or not steps:
        return ()
    found: list[Planned] = []
    whole = counting.seconds(start, due_at) if any(s.when.is_warning for s in steps) else 0
    for step in steps:
        at = _moment(step.when, start, due_at, whole, counting)
        if at is not None:
            found.append(Planned(at, step, due_at))
    return tuple(sorted(found, key=lambda p: p.at))


def _moment(when: When, start: datetime, due_at: datetime, whole: int, counting: Counting) -> datetime | None:
    if when.kind == "breached":
        return due_at
    if when.kind == "after":
        return counting.after(due_at, when.amount)
    used = whole * when.amount // 100 if when.kind == "at" else whole - when.amount
    at = counting.after(start, used) if used > 0 else None
    return at if at is not None and at < due_at else None


@dataclass(frozen=True)
class Standing:
    """How a clock stands, as far as its steps ask. ``is_over``: nobody waits for it any more."""

    is_running: bool = False
    is_late: bool = False
    is_over: bool = False


@dataclass(frozen=True)
class Taken:
    """A step that was taken at ``at``, when the clock was due at ``due_at``."""

    step: str
    due_at: datetime
    at: datetime


def open_steps(plan: Sequence[Planned], standing: Standing, taken: Collection[Taken]) -> list[Planned]:
    """Steps that have not been taken and still may be.

    A warning is given once for a due time; and for another one only when its moment comes again. What follows a
    breach is taken once for good."""
    return [
        p
        for p in plan
        if (_is_unwarned(p, taken) if p.step.when.is_warning else _is_untold(p, taken))
        and (
            standing.is_running
            if p.step.when.is_warning
            else standing.is_late and (p.step.when.kind == "breached" or not standing.is_over)
        )
    ]


def _is_unwarned(p: Planned, taken: Collection[Taken]) -> bool:
    return not any(t.step == p.step.name and (t.due_at == p.due_at or t.at >= p.at) for t in taken)


def _is_untold(p: Planned, taken: Collection[Taken]) -> bool:
    return not any(t.step == p.step.name for t in taken)


def due_steps(opened: Sequence[Planned], now: datetime) -> list[Planned]:
    """Those of the open ones to be taken now. A warning after the due time would be no warning."""
    return [p for p in opened if p.at <= now and (now < p.due_at or not p.step.when.is_warning)]


def next_step_at(opened: Sequence[Planned], now: datetime) -> datetime | None:
    """When to look again, once those due now are taken."""
    return min((p.at for p in opened if p.at > now), default=None)


def taken_until(plan: Sequence[Planned], end: datetime | None, until: datetime) -> list[Planned]:
    """What would have been sent of a clock that stopped at ``end`` (None: it has not), by ``until``; for previews."""
    last = until if end is None else min(end, until)
    return [p for p in plan if p.at < last]
