"""Sets of metric facts: the one thing that a number, its list and its receipt have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count as CountOf
from django.db.models import Q, QuerySet, Sum, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact
from django.urls import reverse

from effects.tick import now_utc
from scorecards.metrics import METRICS, Metric
from scorecards.metrics.first_touch import NEVER, NO_CLOCK, TOUCHED
from scorecards.metrics.in_time import ROLLED_UP
from scorecards.models import DailyRollup, MetricFact
from scorecards.periods import Period, read_day
from slas.visibility import figures_for
from teams.access import business_units_of
from teams.models import Person
from teams.querysets import border

NARROWING = "in_"
"""What a dimension's name begins with in an address: ``in_team=sdr``."""
NOTHING = "-"
"""What stands in an address for a dimension without a value."""
FEW, OPEN = "few-", "open"


@dataclass(frozen=True)
class FactSet:
    """Facts of a metric in a period. ``value`` "1" or "0" takes one side, "" both; ``unit`` is a key.

    ``where``: (dimension, label) pairs that must hold. ``took``: "60-3600" seconds (the second excluded, or missing),
    "open" (it has not happened), "never" and "no_clock" (of a touch), or "few-6": touched fewer than six times in the
    working days given, and nothing came of it."""

    metric: str
    period: Period
    slice: str = ""
    value: str = ""
    unit: str = ""
    where: tuple[tuple[str, str], ...] = ()
    took: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], metric: str = "") -> FactSet | None:
        """From ``metric``, ``from`` and ``to``; None when they don't say a set."""
        name = metric or query.get("metric", "")
        first, last = read_day(query.get("from")), read_day(query.get("to"))
        if name not in METRICS or first is None or last is None or first > last:
            return None
        return cls(
            name,
            Period(first, last),
            slice=query.get("slice", "").replace("\x00", "")[:200],
            value=query["value"] if query.get("value") in {"0", "1"} else "",
            unit=query.get("unit", "").replace("\x00", "")[:60],
            where=tuple(
                (name, query[NARROWING + name].replace("\x00", "")[:200])
                for name in ROLLED_UP
                if query.get(NARROWING + name)
            ),
            took=query["took"] if is_took(query.get("took", "")) else "",
        )

    @property
    def declared(self) -> Metric:
        return METRICS[self.metric]

    @property
    def query(self) -> dict[str, str]:
        pairs = {
            "metric": self.metric,
            **self.period.query,
            "slice": self.slice,
            "value": self.value,
            "unit": self.unit,
            **{NARROWING + name: label for name, label in self.where},
            "took": self.took,
        }
        return {name: value for name, value in pairs.items() if value}

    @property
    def is_rolled_up(self) -> bool:
        return not self.where and not self.took

    @property
    def href(self) -> str:
        """Where does this number come from? The address holds the days, so it means the same tomorrow."""
        query = {name: value for name, value in self.query.items() if name != "metric"}
        return f"{reverse('scorecards:number', args=[self.metric])}?{urlencode(query)}"

    @property
    def records_href(self) -> str:
        return f"{reverse('records:list')}?{urlencode(self.query)}"


@dataclass(frozen=True)
class Count:
    """``n`` facts, of which ``yes`` have value 1."""

    n: int = 0
    yes: int = 0

    @property
    def no(self) -> int:
        return self.n - self.yes

    @property
    def share(self) -> float | None:
        return self.yes / self.n if self.n else None

    def __add__(self, other: Count) -> Count:
        return Count(self.n + other.n, self.yes + other.yes)


def facts_of(viewer: Person, wanted: FactSet) -> QuerySet[MetricFact]:
    """The facts of a set inside the viewer's border."""
    found = MetricFact.objects.filter(
        border(business_units_of(viewer)),
        metric=wanted.metric,
        anchor_at__gte=wanted.period.begin,
        anchor_at__lt=wanted.period.end,
    )
    if wanted.slice:
        found = found.filter(slice=wanted.slice)
    if wanted.value:
        found = found.filter(value=Decimal(wanted.value))
    if wanted.unit:
        found = found.filter(business_unit__key=wanted.unit)
    for name, label in wanted.where:
        found = found.filter(narrowed_to(name, label))
        if name == "owner" and not figures_for(viewer).may_see(label):
            return found.none()
    return found.filter(_took(wanted.took)) if wanted.took else found


def text_of(dimension: str) -> Coalesce:
    """A dimension of facts as text, '' where it has none."""
    return Coalesce(KeyTextTransform(dimension, "dimensions"), Value(""), output_field=TextField())


def narrowed_to(name: str, label: str) -> Q:
    """That a dimension has a label; NOTHING: that it has none."""
    text = KeyTextTransform(name, "dimensions")
    if label == NOTHING:
        return Q(**{f"dimensions__{name}": None}) | Q(**{f"dimensions__{name}__isnull": True})
    return Q(pk__in=[]) if not label else Q(Exact(text, label))


def is_took(text: str) -> bool:
    first, _, last = text.removeprefix(FEW).partition("-")
    if text.startswith(FEW):
        return first.isdecimal() and not last and len(first) < 4
    is_number = [not part or (part.isdecimal() and len(part) < 10) for part in (first, last)]
    return text in (NEVER, NO_CLOCK, OPEN) or ("-" in text and first != "" and all(is_number))


def _took(text: str) -> Q:
    if text in (NEVER, NO_CLOCK):
        return Q(seconds=None, dimensions__touch=text)
    if text == OPEN:
        return Q(seconds=None)
    if text.startswith(FEW):
        return few_touches(int(text.removeprefix(FEW)))
    first, _, last = text.partition("-")
    found = Q(seconds__gte=int(first))
    return found & Q(seconds__lt=int(last)) if last else found


def few_touches(number: int) -> Q:
    """Worked once and abandoned: touched, fewer times than this in the days given, which are over; no result."""
    now = now_utc().strftime("%Y-%m-%dT%H:%M:%SZ")
    return Q(
        value=0, dimensions__touch=TOUCHED, dimensions__touches__lt=number, dimensions__given_until__lte=now
    )


def rollups(viewer: Person, period: Period, unit: str = "") -> QuerySet[DailyRollup]:
    found = DailyRollup.objects.filter(
        border(business_units_of(viewer)), day__gte=period.first, day__lte=period.last
    )
    return found.filter(business_unit__key=unit) if unit else found


def count_sets(viewer: Person, period: Period, unit: str = "") -> dict[tuple[str, str], Count]:
    """(metric, slice) -> counts of a period, from the roll-ups. One query."""
    rows = rollups(viewer, period, unit).order_by().values_list("metric", "slice")
    return {
        (metric, part): Count(n, int(total))
        for metric, part, n, total in rows.annotate(n=Sum("count"), sum=Sum("total"))
    }


def count_days(
    viewer: Person, period: Period, metrics: list[str], unit: str = ""
) -> dict[tuple[str, str, date], Count]:
    """(metric, slice, day) -> counts, from the roll-ups. One query."""
    rows = (
        rollups(viewer, period, unit)
        .filter(metric__in=metrics)
        .order_by()
        .values_list("metric", "slice", "day")
    )
    return {
        (metric, part, day): Count(n, int(total))
        for metric, part, day, n, total in rows.annotate(n=Sum("count"), sum=Sum("total"))
    }


def count_of(viewer: Person, wanted: FactSet) -> Count:
    """The counts of one set, both values whatever the set says; from the roll-ups unless it is narrowed. One query."""
    if not wanted.is_rolled_up:
        facts = facts_of(viewer, replace(wanted, value="")).order_by()
        counted = facts.aggregate(n=CountOf("pk"), yes=CountOf("pk", filter=Q(value=1)))
        return Count(counted["n"], counted["yes"])
    found = rollups(viewer, wanted.period, wanted.unit).filter(metric=wanted.metric)
    if wanted.slice:
        found = found.filter(slice=wanted.slice)
    told = found.aggregate(n=Sum("count"), yes=Sum("total"))
    return Count(told["n"] or 0, int(told["yes"] or 0))


def week_of(day: date, period: Period) -> date:
    """The first day of the week, counted back from the period's last day, that ``day`` is in."""
    back = (period.last - day).days // 7
    return max(period.first, period.last - timedelta(days=7 * back + 6))
