"""Does speed pay? Conversion by response time from the company's own data (A26, S9, S10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from django.db.models import Count, Q

from scorecards.boards.first_touch import metric_of
from scorecards.boards.frame import TOO_FEW, Frame
from scorecards.facts import FactSet, facts_of
from scorecards.metrics import FORM_TO_SQL, Metric
from scorecards.metrics.first_touch import NEVER, NO_CLOCK
from scorecards.monday import percent
from slas.durations import duration_words

DECAY = (300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 259_200, 604_800)
"""Where the decay curve is cut, in seconds."""


@dataclass(frozen=True)
class Bucket:
    """``took`` as in facts.FactSet."""

    label: str
    took: str
    n: int
    yes: int
    facts: FactSet

    @property
    def is_sayable(self) -> bool:
        return self.n >= TOO_FEW

    @property
    def share(self) -> float | None:
        return self.yes / self.n if self.is_sayable else None

    @property
    def words(self) -> str:
        return percent(self.share)

    @property
    def yes_href(self) -> str:
        return replace(self.facts, value="1").href


@dataclass(frozen=True)
class Page:
    metric: Metric
    since: str
    n: int
    buckets: list[Bucket]
    untimed: Bucket
    decay: dict[str, Any] | None
    sentence: str
    bounds_text: str


def bound_words(seconds: int) -> str:
    """ "24 h" rather than "1 d": response times are spoken of in hours."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h" if not rest and 0 < hours < 48 else duration_words(seconds)


def bounds_words(bounds: tuple[int, ...]) -> list[tuple[str, str]]:
    """(label, took) of each bucket that the bounds cut."""
    edges = [0, *bounds]
    found = [
        (
            f"Under {bound_words(until)}" if not begin else f"{bound_words(begin)} to {bound_words(until)}",
            f"{begin}-{until}",
        )
        for begin, until in pairwise(edges)
    ]
    return [*found, (f"Over {bound_words(edges[-1])}", f"{edges[-1]}-")]


def load(frame: Frame) -> Page:
    """One query."""
    asked = frame.asked
    metric = metric_of(asked)
    buckets = [
        *bounds_words(asked.bounds),
        ("Never touched so far", NEVER),
        ("No clock waited for a touch", NO_CLOCK),
    ]
    curve = bounds_words(DECAY)
    wanted = dict.fromkeys(took for _, took in (*buckets, *curve))
    counts: dict[str, Any] = {}
    for i, took in enumerate(wanted):
        where = _in_bucket(took)
        counts[f"n{i}"] = Count("pk", filter=where)
        counts[f"yes{i}"] = Count("pk", filter=where & Q(value=1))
    told = facts_of(frame.viewer, asked.facts(metric.key)).order_by().aggregate(**counts)
    counted = {took: (told[f"n{i}"], told[f"yes{i}"]) for i, took in enumerate(wanted)}

    def bucket(label: str, took: str) -> Bucket:
        return Bucket(label, took, *counted[took], asked.facts(metric.key, took=took))

    shown = [bucket(*pair) for pair in buckets]
    return Page(
        metric=metric,
        since="form" if metric is FORM_TO_SQL else "mql",
        n=sum(bucket.n for bucket in shown),
        buckets=shown[:-1],
        untimed=shown[-1],
        decay=_curve([bucket(*pair) for pair in curve]),
        sentence=_sentence(shown[: len(asked.bounds) + 1], metric),
        bounds_text=", ".join(bound_words(bound) for bound in asked.bounds),
    )


def _in_bucket(took: str) -> Q:
    if took in (NEVER, NO_CLOCK):
        return Q(seconds=None, dimensions__touch=took)
    begin, _, until = took.partition("-")
    where = Q(seconds__gte=int(begin))
    return where & Q(seconds__lt=int(until)) if until else where


def _sentence(buckets: list[Bucket], metric: Metric) -> str:
    """What the first and the last bucket say together."""
    said = [(bucket, bucket.share) for bucket in buckets if bucket.share is not None]
    if len(said) < 2:
        return "Too few with a first touch to say whether speed pays here."
    (first, first_share), (last, last_share) = said[0], said[-1]
    fast, slow = round(100 * first_share), round(100 * last_share)
    counted = metric.counted
    if fast <= slow:
        return f"Speed does not show here: {fast}% of the {counted} touched fast became SQL, {slow}% of the slow ones."
    told = f"First touch {lowered(first.label)}: {fast}% became SQL. {last.label}: {slow}%."
    return f"{told} That is {first_share / last_share:.1f} times as many." if last_share else told


def lowered(label: str) -> str:
    return label[:1].lower() + label[1:]


def _curve(points: list[Bucket]) -> dict[str, Any] | None:
    if sum(1 for point in points if point.is_sayable) < 2:
        return None
    return {
        "kind": "bar",
        "unit": "percent",
        "categories": [point.label for point in points],
        "series": [
            {
                "name": "Became SQL",
                "tone": "green",
                "values": [round(point.share, 4) if point.share is not None else None for point in points],
                "hrefs": [point.facts.href for point in points],
            }
        ],
    }


def table(page: Page) -> tuple[list[str], list[list[Any]]]:
    header = ["First touch after", "n", page.metric.yes, "Share"]
    rows = [
        [b.label, b.n, b.yes, round(b.share, 4) if b.share is not None else None]
        for b in [*page.buckets, page.untimed]
    ]
    return header, rows
