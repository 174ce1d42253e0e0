"""The Monday page: two numbers, what they did before, and the handoffs; from roll-ups and small tables only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Count as CountOf

from definitions.bodies import DEFINITIONS
from definitions.versions import Model, load_model
from handoffs.models import Handoff
from scorecards.facts import Count, FactSet, count_days, week_of
from scorecards.links import address
from scorecards.metrics import ACCEPTED, IN_TIME, MQL_TO_SQL, Metric
from scorecards.periods import Period
from teams.models import Person

TOO_FEW = 10


@dataclass(frozen=True)
class Number:
    """A share with its volume, the period before, and where each leads."""

    metric: Metric
    label: str
    now: Count
    before: Count
    facts: FactSet

    @property
    def is_sayable(self) -> bool:
        return self.now.n >= TOO_FEW

    @property
    def share_words(self) -> str:
        return percent(self.now.share) if self.is_sayable else "Too few to say"

    @property
    def change_points(self) -> int | None:
        """In percentage points; None where either side is too small."""
        if not self.is_sayable or self.before.n < TOO_FEW:
            return None
        return round(100 * (self.now.share or 0)) - round(100 * (self.before.share or 0))

    @property
    def change_words(self) -> str:
        points = self.change_points
        if points is None:
            return ""
        return "no change" if points == 0 else f"{'+' if points > 0 else '−'}{abs(points)} pts"

    @property
    def change_is_good(self) -> bool | None:
        points = self.change_points
        return None if not points else points > 0

    @property
    def volume_change_words(self) -> str:
        if self.before.n < TOO_FEW:
            return ""
        change = round(100 * (self.now.n - self.before.n) / self.before.n)
        return "no change" if change == 0 else f"{'+' if change > 0 else '−'}{abs(change)}%"

    @property
    def before_words(self) -> str:
        if self.before.n < TOO_FEW:
            return f"Before: {self.before.n:,} {self.metric.counted}, too few to compare."
        return f"Before: {percent(self.before.share)} of {self.before.n:,}."

    @property
    def volume_words(self) -> str:
        return f"{self.now.n:,}"

    @property
    def volume_before_words(self) -> str:
        return f"Before: {self.before.n:,}."

    @property
    def sentence(self) -> str:
        """One line for slides."""
        if not self.is_sayable:
            return f"{self.label}: too few to say (n = {self.now.n:,})."
        change = f", {self.change_words} on the period before" if self.change_words else ""
        return f"{self.label}: {self.share_words} (n = {self.now.n:,}){change}."


@dataclass(frozen=True)
class HandoffLine:
    """A row of the table."""

    key: str
    name: str
    sentence: str
    accepted: Count
    facts: FactSet
    in_time: Number | None
    waiting: int
    waiting_href: str

    @property
    def accepted_href(self) -> str:
        return replace(self.facts, value="1").href


@dataclass(frozen=True)
class Monday:
    period: Period
    conversion: Number
    rules: list[Number]
    handoffs: list[HandoffLine]
    chart: dict[str, Any]
    volume_chart: dict[str, Any]
    notes: list[str]

    @property
    def slides(self) -> str:
        """What “Copy for slides” copies."""
        lines = [f"Scorecard, {self.period.words} ({self.period.first} to {self.period.last})"]
        volume = self.conversion.volume_change_words
        lines += [
            self.conversion.sentence,
            f"MQLs: {self.conversion.now.n:,}{f', {volume} on the period before' if volume else ''}.",
            *(rule.sentence for rule in self.rules),
            *self.notes,
        ]
        return "\n".join(lines)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{round(100 * share)}%"


def load_monday(viewer: Person, period: Period, unit: str, now: datetime) -> Monday:
    """Four queries, whatever the period holds."""
    model = load_model()
    span = Period(period.before.first, period.last)
    days = count_days(viewer, span, [MQL_TO_SQL.key, IN_TIME.key, ACCEPTED.key], unit)
    now_sets, before_sets = _summed(days, period), _summed(days, period.before)
    conversion = _number(MQL_TO_SQL, "MQL to SQL", "", now_sets, before_sets, period, unit)
    rules = {
        key: _number(
            IN_TIME,
            str(version.body.get("name") or key),
            key,
            now_sets,
            before_sets,
            period,
            unit,
        )
        for key, version in sorted(model.in_force("sla_rules", now).items())
    }
    return Monday(
        period=period,
        conversion=conversion,
        rules=list(rules.values()),
        handoffs=_handoffs(viewer, model, rules, now_sets, period, unit, now),
        chart=_chart(days, period, unit, rules),
        volume_chart=_volume_chart(days, period, unit),
        notes=_notes(model, period, now),
    )


def _summed(days: Mapping[tuple[str, str, date], Count], period: Period) -> dict[tuple[str, str], Count]:
    found: dict[tuple[str, str], Count] = defaultdict(Count)
    for (metric, part, day), count in days.items():
        if period.first <= day <= period.last:
            found[metric, part] += count
    return found


def _number(
    metric: Metric,
    label: str,
    part: str,
    now: Mapping[tuple[str, str], Count],
    before: Mapping[tuple[str, str], Count],
    period: Period,
    unit: str,
) -> Number:
    name = (metric.key, part)
    facts = FactSet(metric.key, Period(period.first, period.last), slice=part, unit=unit)
    return Number(metric, label, now.get(name, Count()), before.get(name, Count()), facts)


def _handoffs(
    viewer: Person,
    model: Model,
    rules: Mapping[str, Number],
    counts: Mapping[tuple[str, str], Count],
    period: Period,
    unit: str,
    now: datetime,
) -> list[HandoffLine]:
    open_now = Handoff.objects.for_person(viewer).unanswered()
    if unit:
        open_now = open_now.filter(record__business_unit__key=unit)
    waiting = dict(open_now.order_by().values_list("template_key").annotate(n=CountOf("pk")))
    lines = []
    for key, version in sorted(model.in_force("handoffs", now).items()):
        sides = (version.body.get("from_team"), version.body.get("to_team"))
        timed = next(
            (
                rules[rule]
                for rule, told in sorted(model.in_force("sla_rules", now).items(), reverse=True)
                if (told.body.get("from_team"), told.body.get("to_team")) == sides
            ),
            None,
        )
        facts = FactSet(ACCEPTED.key, Period(period.first, period.last), slice=key, unit=unit)
        lines.append(
            HandoffLine(
                key,
                str(version.body.get("name") or key),
                str(version.body.get("sentence") or ""),
                counts.get((ACCEPTED.key, key), Count()),
                facts,
                timed,
                waiting.get(key, 0),
                address("handoffs:list", tab="all", template=key, state="unanswered") if not unit else "",
            )
        )
    return lines


def _weekly(
    days: Mapping[tuple[str, str, date], Count], period: Period, metric: str, part: str
) -> dict[date, Count]:
    found: dict[date, Count] = defaultdict(Count)
    for (name, slice_, day), count in days.items():
        if (name, slice_) == (metric, part) and period.first <= day <= period.last:
            found[week_of(day, period)] += count
    return found


def _chart(
    days: Mapping[tuple[str, str, date], Count], period: Period, unit: str, rules: Mapping[str, Number]
) -> dict[str, Any]:
    """Shares by week; a week under n = 10 has no point."""
    weeks = period.weeks()
    lines: list[tuple[str, str, str, str]] = [(MQL_TO_SQL.name, "sky", MQL_TO_SQL.key, "")]
    tones = ("amber", "green", "violet", "pink", "indigo")
    lines += [
        (number.label, tones[i % len(tones)], IN_TIME.key, key)
        for i, (key, number) in enumerate(rules.items())
        if number.now.n >= TOO_FEW
    ]
    series = []
    for name, tone, metric, part in lines:
        by_week = _weekly(days, period, metric, part)
        counts = [by_week.get(week.first, Count()) for week in weeks]
        series.append(
            {
                "name": name,
                "tone": tone,
                "values": [
                    round(c.share, 4) if c.share is not None and c.n >= TOO_FEW else None for c in counts
                ],
                "hrefs": [FactSet(metric, week, slice=part, unit=unit).href for week in weeks],
            }
        )
    return {"kind": "line", "unit": "percent", "categories": _week_names(weeks), "series": series}


def _volume_chart(days: Mapping[tuple[str, str, date], Count], period: Period, unit: str) -> dict[str, Any]:
    weeks = period.weeks()
    by_week = _weekly(days, period, MQL_TO_SQL.key, "")
    return {
        "kind": "bar",
        "unit": "count",
        "categories": _week_names(weeks),
        "series": [
            {
                "name": "MQLs",
                "tone": "sky",
                "values": [by_week.get(week.first, Count()).n for week in weeks],
                "hrefs": [FactSet(MQL_TO_SQL.key, week, unit=unit).href for week in weeks],
            }
        ],
    }


def _week_names(weeks: Iterable[Period]) -> list[str]:
    return [f"{week.first.day} {week.first:%b}" for week in weeks]


def _notes(model: Model, period: Period, now: datetime) -> list[str]:
    """Which versions of the definitions counted, and whether one changed inside the period or the one before."""
    found = []
    for key in MQL_TO_SQL.definitions:
        found += definition_notes(model, key, period, now)
    return found


def definition_notes(model: Model, key: str, period: Period, now: datetime) -> list[str]:
    in_force = model.at(DEFINITIONS, key, now)
    if in_force is None or in_force.effective_from is None:
        return []
    name = short_name(str(in_force.body.get("name") or key), key)
    since = in_force.effective_from
    told = f"{name}: version {in_force.number}, in force since {since.day} {since:%b %Y}"
    changed = [
        v for v in model.history(DEFINITIONS, key)
        if v.effective_from and period.before.begin <= v.effective_from < period.end
    ]  # fmt: skip
    if any(v.number > 1 for v in changed):
        return [
            f"{told}. The definition changed within the days compared: a part of any change may come from that."
        ]
    return [f"{told}; the definition did not change within the days compared."]


def short_name(name: str, key: str) -> str:
    return f"{name} ({key.upper()})" if len(key) <= 4 else name
