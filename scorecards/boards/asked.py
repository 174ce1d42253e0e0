"""What a board is asked for, kept in its address; what can't be read is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from scorecards.facts import FactSet
from scorecards.periods import Period, read_period
from slas.durations import parse_duration

TEXTS = (
    "rule", "unit", "team", "owner", "lead_origin", "lead_source", "region", "size", "tier", "party", "reason",
    "appeal", "by", "since", "show", "q",
)  # fmt: skip
DEFAULT_BOUNDS = (3600, 86_400)
DEFAULT_TOUCHES = 6
MOST_BOUNDS = 12
NARROWING = ("team", "lead_origin", "lead_source", "region", "size", "tier", "party", "reason")
"""Those of TEXTS that are dimensions of facts."""


@dataclass(frozen=True)
class Asked:
    """``bounds`` cut response times into buckets, in seconds; ``touches``: fewer than this is abandoned."""

    period: Period
    rule: str = ""
    unit: str = ""
    team: str = ""
    owner: str = ""
    lead_origin: str = ""
    lead_source: str = ""
    region: str = ""
    size: str = ""
    tier: str = ""
    party: str = ""
    reason: str = ""
    appeal: str = ""
    by: str = ""
    since: str = ""
    show: str = ""
    q: str = ""
    bounds: tuple[int, ...] = DEFAULT_BOUNDS
    touches: int = DEFAULT_TOUCHES

    @property
    def days(self) -> Period:
        """The days themselves, for links that mean the same tomorrow."""
        return Period(self.period.first, self.period.last)

    @property
    def query(self) -> dict[str, str]:
        period = {"period": self.period.choice} if self.period.choice else self.period.query
        told = {name: getattr(self, name) for name in TEXTS}
        if self.bounds != DEFAULT_BOUNDS:
            told["bounds"] = " ".join(f"{bound // 60}m" for bound in self.bounds)
        if self.touches != DEFAULT_TOUCHES:
            told["touches"] = str(self.touches)
        return {name: value for name, value in {**period, **told}.items() if value}

    def href(self, **changes: str) -> str:
        """The same page with other filters; '' takes one away."""
        query = self.query | changes
        return f"?{urlencode({name: value for name, value in query.items() if value})}"

    @property
    def narrowing(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, getattr(self, name)) for name in NARROWING if getattr(self, name))

    def facts(self, metric: str, *, part: str = "", value: str = "", took: str = "", **more: str) -> FactSet:
        """The facts this is about; ``more`` narrows by further dimensions."""
        where = dict(self.narrowing) | more
        if self.owner:
            where["owner"] = self.owner
        return FactSet(metric, self.days, part, value, self.unit, tuple(where.items()), took)

    def without(self, *names: str) -> Asked:
        changes: dict[str, Any] = dict.fromkeys(names, "")
        return replace(self, **changes)


def read_asked(query: Mapping[str, str], today: date, *, default_period: str = "90d") -> Asked:
    texts = {name: query.get(name, "").replace("\x00", "").strip()[:200] for name in TEXTS}
    touches = query.get("touches", "")
    return Asked(
        read_period(query, today, default=default_period),
        **texts,
        bounds=read_bounds(query.get("bounds", "")) or DEFAULT_BOUNDS,
        touches=min(int(touches), 99)
        if touches.isdecimal() and len(touches) < 4 and int(touches)
        else DEFAULT_TOUCHES,
    )


def read_bounds(text: str) -> tuple[int, ...]:
    """ "5m 1h 24h" or "5 min, 1 h, 24 h" as rising seconds; () for what says none."""
    words = text.replace("\x00", "").lower().replace("min", "m").replace(",", " ").split()
    joined: list[str] = []
    for word in words:
        # "5 m" is one length of time.
        if joined and word in ("s", "m", "h", "d") and joined[-1].isdecimal():
            joined[-1] += word
        else:
            joined.append(word)
    found = {parse_duration(word) for word in joined if len(word) < 12}
    return tuple(sorted(bound for bound in found if 60 <= bound <= 366 * 86_400))[:MOST_BOUNDS]
