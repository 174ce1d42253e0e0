"""How much was done in time: by team, owner, source, segment, tier, clock or week, raw and without exceptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum, TextField, Value

from scorecards.boards.asked import NARROWING, Asked
from scorecards.boards.frame import SEGMENT_LABELS, TOO_FEW, Frame
from scorecards.facts import NOTHING, facts_of, text_of, week_of
from scorecards.metrics import IN_TIME
from scorecards.models import DimensionRollup
from scorecards.periods import Period
from slas.appeals.counting import Attainment
from teams.access import business_units_of
from teams.models import Person
from teams.querysets import border

BY = ("team", "owner", "rule", "lead_origin", "lead_source", "region", "size", "tier", "week")
BY_LABELS = {**SEGMENT_LABELS, "owner": "Owner", "rule": "Clock", "week": "Week"}
OTHERS = "others"
Cells = Mapping[tuple[str, str, date], Attainment]
"""(rule, label, day) -> counts."""


@dataclass(frozen=True)
class Line:
    """``is_sayable``: enough clocks for a share. Without ``href`` it stands for people nobody may look up."""

    key: str
    label: str
    count: Attainment
    before: Attainment
    href: str = ""
    late_href: str = ""

    @property
    def is_sayable(self) -> bool:
        return self.count.n >= TOO_FEW

    @property
    def change_points(self) -> int | None:
        """In points of the adjusted share, against as many days before."""
        if not self.is_sayable or self.before.n < TOO_FEW:
            return None
        now, then = self.count.adjusted, self.before.adjusted
        return None if now is None or then is None else round(100 * now) - round(100 * then)


@dataclass(frozen=True)
class Page:
    by: str
    by_label: str
    total: Line
    lines: list[Line]
    chart: dict[str, Any] | None
    hidden_people: int = 0


def load(frame: Frame) -> Page:
    """At most four queries beside names."""
    asked = frame.asked
    by = asked.by if asked.by in BY else "team"
    span = Period(asked.period.before.first, asked.period.last)
    dimension = "" if by in ("rule", "week") else by
    cells = count_cells(frame.viewer, asked, span, dimension)
    inside, before = _summed(cells, asked, by, asked.period), _summed(cells, asked, by, asked.period.before)
    hidden = 0
    if by == "owner":
        inside, before, hidden = _only_own(frame, inside, before)
    nothing = Attainment(0, 0, 0)
    lines = [_line(frame, by, key, inside[key], before.get(key, nothing)) for key in _order(by, inside)]
    # The whole is the whole, though some of its parts are not shown.
    everyone = (
        _summed(cells, asked, "", period).get("", nothing) for period in (asked.period, asked.period.before)
    )
    total = _line(frame, "", "", *everyone)
    return Page(by, BY_LABELS[by], total, lines, _chart(frame, cells), hidden)


def count_cells(
    viewer: Person, asked: Asked, span: Period, dimension: str
) -> dict[tuple[str, str, date], Attainment]:
    """From the roll-ups; from the facts where the address narrows by something else. One query."""
    narrowing = [name for name in (*NARROWING, "owner") if getattr(asked, name)]
    found: dict[tuple[str, str, date], Attainment] = {}
    if not [name for name in narrowing if name != dimension]:
        rows = DimensionRollup.objects.filter(
            border(business_units_of(viewer)),
            metric=IN_TIME.key,
            dimension=dimension,
            day__gte=span.first,
            day__lte=span.last,
        )
        label = getattr(asked, dimension, "")
        for name, value in (("slice", asked.rule), ("business_unit__key", asked.unit), ("label", label)):
            if value:
                rows = rows.filter(**{name: "" if value == NOTHING else value})
        counted = rows.order_by().values_list("slice", "label", "day")
        for rule, label, day, n, total, excused in counted.annotate(
            n=Sum("count"), sum=Sum("total"), out=Sum("excused")
        ):
            found[rule, label, day] = Attainment(int(total), n - int(total), excused)
        return found
    facts = facts_of(viewer, _spanning(asked, span)).order_by()
    text = text_of(dimension) if dimension else Value("", output_field=TextField())
    grouped = facts.annotate(label=text).values_list("slice", "label", "day")
    for rule, label, day, met, late, excused in grouped.annotate(
        met=Count("pk", filter=Q(value=Decimal(1))),
        late=Count("pk", filter=Q(value=Decimal(0))),
        out=Count("pk", filter=Q(is_excused=True)),
    ):
        found[rule, label, day] = Attainment(met, late, excused)
    return found


def _spanning(asked: Asked, span: Period) -> Any:
    return replace(asked.facts(IN_TIME.key, part=asked.rule), period=span)


def add(counts: Iterable[Attainment]) -> Attainment:
    met = late = granted = 0
    for count in counts:
        met, late, granted = met + count.met, late + count.late, granted + count.granted
    return Attainment(met, late, granted)


def _summed(cells: Cells, asked: Asked, by: str, period: Period) -> dict[str, Attainment]:
    parts: dict[str, list[Attainment]] = defaultdict(list)
    for (rule, label, day), count in cells.items():
        if not period.first <= day <= period.last:
            continue
        key = {"rule": rule, "week": week_of(day, period).isoformat(), "": ""}.get(by, label)
        parts[key].append(count)
    return {key: add(counts) for key, counts in parts.items()}


def _only_own(
    frame: Frame, inside: Mapping[str, Attainment], before: Mapping[str, Attainment]
) -> tuple[dict[str, Attainment], dict[str, Attainment], int]:
    """The viewer's own and their people's figures; all others as one line, if they are enough to hide in."""
    own = {key for key in inside if frame.figures.may_see(key)}
    others = [key for key in inside if key not in own and key]
    nobody = {key for key in inside if not key}
    shown = {key: inside[key] for key in own | nobody}
    past = {key: count for key, count in before.items() if key in own | nobody}
    if others and frame.figures.may_see_group(len(others)):
        shown[OTHERS] = add(inside[key] for key in others)
        past[OTHERS] = add(count for key, count in before.items() if key not in own and key)
    return shown, past, len(others)


def _order(by: str, counts: Mapping[str, Attainment]) -> list[str]:
    if by == "week":
        return sorted(counts, reverse=True)
    return sorted(counts, key=lambda key: (key in ("", OTHERS), -counts[key].n, key))


def _line(frame: Frame, by: str, key: str, count: Attainment, before: Attainment) -> Line:
    asked = frame.asked
    facts = asked.facts(IN_TIME.key, part=asked.rule)
    if by == "rule":
        label = dict(frame.rules).get(key, key)
        facts = asked.facts(IN_TIME.key, part=key)
    elif by == "week":
        first = date.fromisoformat(key)
        label = f"Week of {first.day} {first:%b %Y}"
        week = next((w for w in asked.days.weeks() if w.first == first), asked.days)
        facts = _spanning(asked, week)
    elif by and key == OTHERS:
        return Line(key, "Other people", count, before)
    elif by:
        label = frame.label(by, key)
        facts = asked.facts(IN_TIME.key, part=asked.rule, **{by: key or NOTHING})
    else:
        label = "All"
    return Line(key, label, count, before, facts.href, replace(facts, value="0").href)


def _chart(frame: Frame, cells: Cells) -> dict[str, Any] | None:
    """Both shares by week; a week with too few has no point."""
    asked = frame.asked
    weeks = asked.days.weeks()
    by_week = _summed(cells, asked, "week", asked.period)
    counts = [by_week.get(week.first.isoformat(), Attainment(0, 0, 0)) for week in weeks]
    if len(weeks) < 2 or not any(count.n >= TOO_FEW for count in counts):
        return None

    def shares(name: str) -> list[float | None]:
        return [
            round(getattr(c, name), 4) if c.n >= TOO_FEW and getattr(c, name) is not None else None
            for c in counts
        ]

    hrefs = [_spanning(asked, week).href for week in weeks]
    return {
        "kind": "line",
        "unit": "percent",
        "max": 1,
        "categories": [f"{week.first.day} {week.first:%b}" for week in weeks],
        "series": [
            {"name": "In time", "tone": "sky", "values": shares("raw"), "hrefs": hrefs},
            {"name": "Without exceptions", "tone": "green", "values": shares("adjusted"), "hrefs": hrefs},
        ],
    }


def table(page: Page) -> tuple[list[str], list[list[Any]]]:
    header = [
        page.by_label,
        "In time",
        "Late",
        "Of those excepted",
        "n",
        "Share in time",
        "Share without exceptions",
    ]
    rows = [
        [
            line.label, line.count.met, line.count.late, line.count.granted, line.count.n,
            _share(line, line.count.raw), _share(line, line.count.adjusted),
        ]
        for line in [*page.lines, page.total]
    ]  # fmt: skip
    return header, rows


def _share(line: Line, share: float | None) -> float | None:
    return round(share, 4) if line.is_sayable and share is not None else None
