"""How much time a rule gives: one target, or tiers of which the first that fits counts (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from definitions.sections import Fault, Part
from slas.durations import duration_words, parse_duration

TARGETS = ("elapsed", "business", "business_days", "before")
EVENTS = ("meeting",)
MOST_DAYS = 250
MOST_TIERS = 12
TIER_KEYS = ("name", "when", "target")


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
class Tier:
    """A target for the subjects of which ``when`` is true at the start; None: for all the rest."""

    name: str
    when: Mapping[str, Any] | None
    target: Target


def read_targets(body: Mapping[str, Any], faults: list[Fault]) -> tuple[Tier, ...]:
    """The tiers of a rule, the last of them for all the rest; at least one. What is wrong is added to ``faults``."""
    if body.get("targets") is None:
        return (Tier("", None, read_target(body.get("target"), ("target",), faults)),)
    if body.get("target") is not None:
        faults.append(Fault(("targets",), "unknown", "Use either target or targets."))
    rows = body["targets"]
    if not isinstance(rows, list | tuple) or not rows or len(rows) > MOST_TIERS:
        text = f"Use a list of 1 to {MOST_TIERS} of {{name, when, target}}, the last without when."
        faults.append(Fault(("targets",), "unknown", text))
        return (Tier("", None, Target("elapsed")),)
    tiers = tuple(_tier(row, i, i == len(rows) - 1, faults) for i, row in enumerate(rows))
    for i, tier in enumerate(tiers):
        if tier.name and tier.name in [other.name for other in tiers[:i]]:
            text = f"“{tier.name}” stands twice; give each its own name."
            faults.append(Fault(("targets", i, "name"), "repeated", text))
        if len(tiers) > 1 and tier.target.kind == "before":
            text = "A time before an event stands alone: it has no working time to compare with."
            faults.append(Fault(("targets", i, "target", "before"), "alone", text))
    return tiers


def _tier(row: Any, i: int, is_last: bool, faults: list[Fault]) -> Tier:
    told = row if isinstance(row, Mapping) else {}
    when, name = told.get("when"), told.get("name", "")
    if not isinstance(row, Mapping):
        faults.append(Fault(("targets", i), "unknown", "Use {name, when, target}."))
    elif is_last and when is not None:
        text = "The last target has no when, so that every clock has one."
        faults.append(Fault(("targets", i, "when"), "no_fallback", text))
    elif not is_last and when is None:
        text = "Only the last target is without when; what stands after it would never count."
        faults.append(Fault(("targets", i, "when"), "missing", text))
    if not isinstance(name, str) or (not is_last and not name.strip()):
        faults.append(Fault(("targets", i, "name"), "missing", "Say the name as text."))
        name = ""
    target = read_target(told.get("target"), ("targets", i, "target"), faults)
    return Tier(name.strip(), when if isinstance(when, Mapping) else None, target)


def read_target(told: Any, path: tuple[Part, ...], faults: list[Fault]) -> Target:
    kind, value = next(iter(told.items())) if isinstance(told, Mapping) and len(told) == 1 else ("", "")
    is_told = isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip()
    if kind not in TARGETS or not is_told:
        faults.append(Fault(path, "unknown", f"Use exactly one of {', '.join(TARGETS)}, and say of what."))
        return Target("elapsed")
    text = str(value).strip()
    if kind == "before":
        if text not in EVENTS:
            faults.append(Fault((*path, kind), "unknown", f"Use {' or '.join(EVENTS)}."))
        return Target("before", event=text)
    if kind == "business_days":
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_DAYS):
            words = f"Say a number of working days, 1 to {MOST_DAYS}."
            faults.append(Fault((*path, kind), "duration", words))
            return Target("business_days", days=1)
        return Target("business_days", days=int(text))
    seconds = parse_duration(text)
    if not seconds:
        faults.append(Fault((*path, kind), "duration", "Say a time above 0 such as 5m, 1h or 3d."))
    return Target("business" if kind == "business" else "elapsed", seconds=seconds)
