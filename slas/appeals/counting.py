"""Attainment, raw and without what was excepted; and how often managers grant. Each is one statement in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any, Final, Literal

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncWeek

from slas.models import Appeal, Clock
from slas.querysets import IN_TIME, LATE

LEAST: Final = 5
"""Below this number of decisions a rate says nothing."""

By = Literal["owner", "team", "rule", "segment", "source", "week"]


@dataclass(frozen=True)
class Attainment:
    """``met`` in time, ``late`` not, ``granted``: of the late ones, those that count against nobody.

    ``adjusted`` leaves a granted clock out of both sides. Shares are 0 to 1; None where nothing is left to count."""

    met: int
    late: int
    granted: int

    @property
    def n(self) -> int:
        return self.met + self.late

    @property
    def raw(self) -> float | None:
        return self.met / self.n if self.n else None

    @property
    def adjusted(self) -> float | None:
        left = self.n - self.granted
        return self.met / left if left else None


@dataclass(frozen=True)
class Group:
    """``key``: a person's id, a team's or rule's key, a segment, a Monday; None: nobody, no team, no segment."""

    key: int | str | date | None
    attainment: Attainment


@dataclass(frozen=True)
class Rate:
    """What became of the appeals of one manager. ``proved`` were granted by the data and decided by nobody: they are
    no part of the share. ``share`` None: too few to say."""

    person_id: int | None
    name: str
    granted: int
    refused: int
    proved: int = 0

    @property
    def decided(self) -> int:
        return self.granted + self.refused

    @property
    def share(self) -> float | None:
        return self.granted / self.decided if self.decided >= LEAST else None


# --- attainment ------------------------------------------------------------------------------------------------


def is_excepted() -> Exists:
    """Whether a clock has an appeal that was granted; to filter or annotate clocks."""
    return Exists(Appeal.objects.filter(clock=OuterRef("pk"), state=Appeal.State.GRANTED))


def attainment(clocks: QuerySet[Clock]) -> Attainment:
    """Of clocks with a result; open, cancelled and seen-late ones count on neither side. One statement."""
    return Attainment(**clocks.order_by().annotate(excepted=is_excepted()).aggregate(**_counts()))


def grouped(clocks: QuerySet[Clock], by: By, *, zone: tzinfo = UTC) -> list[Group]:
    """The same by one thing, in its order, nobody last; weeks begin on Monday in ``zone``. One statement."""
    rows: Any = (
        clocks.order_by()
        .filter(state__in=(*IN_TIME, *LATE))
        .annotate(excepted=is_excepted(), by=_by(by, zone))
        .values("by")
        .annotate(**_counts())
        .order_by(F("by").asc(nulls_last=True))
    )
    return [Group(_key(r["by"]), Attainment(r["met"], r["late"], r["granted"])) for r in rows]


def _counts() -> dict[str, Any]:
    is_late = Q(state__in=LATE)
    return {
        "met": Count("pk", filter=Q(state__in=IN_TIME)),
        "late": Count("pk", filter=is_late),
        "granted": Count("pk", filter=is_late & Q(excepted=True)),
    }


def _by(by: By, zone: tzinfo) -> Combinable:
    found: dict[str, Combinable] = {
        "owner": F("owner_id"),
        "team": F("team__key"),
        "rule": F("rule_key"),
        "segment": KeyTextTransform("segment", "record__values"),
        "source": KeyTextTransform("source", "record__values"),
        "week": TruncWeek("started_at", tzinfo=zone),
    }
    return found[by]


def _key(value: Any) -> int | str | date | None:
    return value.date() if hasattr(value, "date") else value or None


# --- how often exceptions are granted --------------------------------------------------------------------------


def rates_of_deciders(appeals: QuerySet[Appeal]) -> list[Rate]:
    """By who decided, most decisions first. One statement."""
    return _rates(appeals.filter(decided_by__isnull=False), "decided_by")


def rates_of_managers(appeals: QuerySet[Appeal]) -> list[Rate]:
    """By the manager of whom the clock counts against, most decisions first. One statement."""
    return _rates(appeals, "person__manager")


def _rates(appeals: QuerySet[Appeal], by: str) -> list[Rate]:
    by_people = Q(was_proved=False)
    rows = (
        appeals.order_by()
        .values(whose=F(f"{by}_id"), told=F(f"{by}__name"))
        .annotate(
            granted=Count("pk", filter=by_people & Q(state=Appeal.State.GRANTED)),
            refused=Count("pk", filter=by_people & Q(state=Appeal.State.REFUSED)),
            proved=Count("pk", filter=Q(was_proved=True)),
        )
    )
    found = (Rate(r["whose"], r["told"] or "Nobody", r["granted"], r["refused"], r["proved"]) for r in rows)
    return sorted(
        (r for r in found if r.decided or r.proved), key=lambda r: (-r.decided, r.name, r.person_id or 0)
    )


def in_all(rates: Iterable[Rate]) -> Rate:
    """All of them together."""
    found = list(rates)
    return Rate(
        None,
        "All",
        sum(r.granted for r in found),
        sum(r.refused for r in found),
        sum(r.proved for r in found),
    )
