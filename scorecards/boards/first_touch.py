"""How fast is the first touch, by channel (M3)? And where it is so slow that routing must be wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q

from scorecards.boards.asked import Asked
from scorecards.boards.frame import SEGMENT_LABELS, TOO_FEW, Frame
from scorecards.facts import NOTHING, FactSet, facts_of, text_of
from scorecards.metrics import FORM_TO_SQL, METRICS, MQL_TO_SQL, Metric
from scorecards.metrics.first_touch import NEVER, NO_CLOCK
from scorecards.percentiles import Percentile
from slas.durations import duration_words

BY = ("lead_origin", "lead_source", "team", "region", "size")
WITHIN = (("5 min", 300), ("1 h", 3600), ("24 h", 86_400))
HIGH_INTENT = frozenset({"demo_request", "contact_sales", "trial_request", "pricing_request"})
"""Values of ``lead_origin`` that are forms of somebody who wants to talk."""
TOO_SLOW = 3600
SINCE = {"mql": MQL_TO_SQL.key, "form": FORM_TO_SQL.key}


@dataclass(frozen=True)
class Line:
    """A channel. ``within`` counts first touches under each of WITHIN; times are seconds of the touched ones."""

    key: str
    label: str
    n: int
    touched: int
    never: int
    yes: int
    median: float | None
    p90: float | None
    within: tuple[int, ...]
    facts: FactSet
    hrefs: dict[str, str] = field(default_factory=dict)

    @property
    def timed(self) -> int:
        return self.touched + self.never

    @property
    def is_sayable(self) -> bool:
        return self.timed >= TOO_FEW

    @property
    def shares(self) -> list[tuple[float | None, str]]:
        """(share of those a clock waited for, where it leads) under each of WITHIN."""
        return [
            (count / self.timed if self.is_sayable else None, self.hrefs[name])
            for (name, _), count in zip(WITHIN, self.within, strict=True)
        ]

    @property
    def conversion(self) -> float | None:
        return self.yes / self.n if self.n >= TOO_FEW else None

    @property
    def is_high_intent(self) -> bool:
        return self.key in HIGH_INTENT

    @property
    def is_routing_problem(self) -> bool:
        return self.is_sayable and self.median is not None and self.median > TOO_SLOW


@dataclass(frozen=True)
class Page:
    since: str
    metric: Metric
    by: str
    by_label: str
    total: Line
    lines: list[Line]
    warnings: list[str]
    not_timed: int
    chart: dict[str, Any] | None


def metric_of(asked: Asked) -> Metric:
    return METRICS[SINCE.get(asked.since, MQL_TO_SQL.key)]


def load(frame: Frame) -> Page:
    """Two queries beside names."""
    asked = frame.asked
    metric = metric_of(asked)
    by = asked.by if asked.by in BY else "lead_origin"
    facts = facts_of(frame.viewer, asked.facts(metric.key)).order_by()
    counted = facts.annotate(label=text_of(by)).values("label").annotate(**_counts())
    told: list[dict[str, Any]] = list(counted)  # type: ignore[arg-type]  # the columns are named at run time
    rows = sorted(told, key=lambda row: (row["label"] == "", -row["n"], row["label"]))
    lines = [_line(frame, metric, by, row.pop("label"), row) for row in rows]
    total = _line(frame, metric, "", "", facts.aggregate(**_counts()))
    return Page(
        since="form" if metric is FORM_TO_SQL else "mql",
        metric=metric,
        by=by,
        by_label=SEGMENT_LABELS[by],
        total=total,
        lines=lines,
        warnings=list(_warnings(lines, total, metric, by)),
        not_timed=total.n - total.timed,
        chart=_chart(lines),
    )


def _counts() -> dict[str, Any]:
    found: dict[str, Any] = {
        "n": Count("pk"),
        "yes": Count("pk", filter=Q(value=1)),
        "touched": Count("pk", filter=Q(seconds__isnull=False)),
        "never": Count("pk", filter=Q(seconds=None, dimensions__touch=NEVER)),
        "median": Percentile("seconds", 0.5),
        "p90": Percentile("seconds", 0.9),
    }
    return found | {f"within_{s}": Count("pk", filter=Q(seconds__lt=s)) for _, s in WITHIN}


def _line(frame: Frame, metric: Metric, by: str, label: str, row: dict[str, Any]) -> Line:
    asked = frame.asked
    narrow = {by: label or NOTHING} if by else {}

    def href(took: str) -> str:
        return asked.facts(metric.key, took=took, **narrow).href

    return Line(
        key=label,
        label=frame.label(by, label) if by else "All",
        n=row["n"],
        touched=row["touched"],
        never=row["never"],
        yes=row["yes"],
        median=row["median"],
        p90=row["p90"],
        within=tuple(row[f"within_{seconds}"] for _, seconds in WITHIN),
        facts=asked.facts(metric.key, **narrow),
        hrefs={name: href(f"0-{seconds}") for name, seconds in WITHIN}
        | {"touched": href("0-"), "never": href(NEVER), "no_clock": href(NO_CLOCK)},
    )


def _warnings(lines: Iterable[Line], total: Line, metric: Metric, by: str) -> Iterable[str]:
    """More than an hour to a form of somebody who wants to talk is a routing problem."""
    if metric is FORM_TO_SQL and total.is_routing_problem:
        yield f"Half of the forms wait longer than {_whole_minutes(total)} for a first touch."
    elif by == "lead_origin":
        for line in lines:
            if line.is_high_intent and line.is_routing_problem:
                yield f"{line.label}: half of those touched waited longer than {_whole_minutes(line)} for it."


def _whole_minutes(line: Line) -> str:
    return duration_words(int(line.median or 0) // 60 * 60)


def _chart(lines: list[Line]) -> dict[str, Any] | None:
    said = [line for line in lines if line.is_sayable and line.median is not None]
    if len(said) < 2:
        return None
    return {
        "kind": "bar",
        "unit": "hours",
        "categories": [line.label for line in said],
        "series": [
            {
                "name": "Median",
                "tone": "sky",
                "values": [round((line.median or 0) / 3600, 2) for line in said],
                "hrefs": [line.hrefs["touched"] for line in said],
            }
        ],
    }


def table(page: Page) -> tuple[list[str], list[list[Any]]]:
    header = [
        page.by_label, "n", "Touched", "Never touched", "Median seconds", "90% within seconds",
        *(f"Touched under {name}" for name, _ in WITHIN), page.metric.yes,
    ]  # fmt: skip
    rows = [
        [
            line.label, line.n, line.touched, line.never, line.median and round(line.median),
            line.p90 and round(line.p90), *line.within, line.yes,
        ]
        for line in [*page.lines, page.total]
    ]  # fmt: skip
    return header, rows
