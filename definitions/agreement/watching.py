"""Watch only: a version that is being written is judged beside the one in force, and what would differ is kept.

Judging does the comparing, with every record that changes (``definitions.services``). When watching begins, the tick
marks the whole population for it, page by page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet

from definitions.agreement.drafts import (
    OPEN,
    AgreementError,
    Refused,
    Stale,
    acting,
    load_line,
    named,
    refuse_outsiders,
)
from definitions.agreement.impact import judgings
from definitions.catalogue import catalogue_from_db
from definitions.files.model_files import faults_of
from definitions.models import Judgement, Version, WatchedJudgement
from definitions.sections import sections
from definitions.services import WATCHED
from effects.tick import ring
from records.models import Record, Touched
from records.services import touch
from teams.models import Person

JUDGED = frozenset(WATCHED)
"""Sections that are compared here, record by record; the others compare themselves."""

PAGE = 5_000
MAX_DAYS = 90


@dataclass(frozen=True)
class Turn:
    """Records that would be judged ``state`` and are judged ``now_state``."""

    now_state: str
    state: str
    count: int


@dataclass(frozen=True)
class Report:
    """What would have differed. ``is_complete``: every record that there was at the beginning has been judged."""

    version: Version
    turns: tuple[Turn, ...]
    total: int
    is_complete: bool


def can_be_watched(section: str) -> bool:
    told = sections().get(section)
    return section in JUDGED or bool(told and told.pages.watched)


# --- acts ------------------------------------------------------------------------------------------------------


def watch(version: Version, by: Person, now: datetime, *, days: int = 14) -> Version:
    """Judge a draft or a proposal beside what is in force for ``days``. Again: until then, from the same beginning.

    Raises AgreementError for what judges no records or is no draft, Refused for faults."""
    if not can_be_watched(version.section):
        raise AgreementError("It judges no records, so there is nothing to watch.")
    if not 1 <= days <= MAX_DAYS:
        raise AgreementError(f"Watch for 1 to {MAX_DAYS} days.")
    with acting("watch", version.section, version.key, by, days=days):
        found = Version.objects.get(pk=version.pk)
        refuse_outsiders(by, load_line(version.section, version.key), None, now)
        if found.state not in OPEN:
            raise Stale(f"{named(found)} is no draft any more.")
        faults = faults_of(found.section, found.key, found.body, now)
        if faults:
            raise Refused("It can't be watched like this yet.", faults)
        is_running = found.watch_until is not None and found.watch_until > now
        Version.objects.filter(pk=found.pk).update(
            watch_from=found.watch_from if is_running else now, watch_until=now + timedelta(days=days)
        )
        if not is_running:
            WatchedJudgement.objects.filter(version=found).delete()
            Version.objects.filter(pk=found.pk).update(population_after=None, population_done_at=None)
    ring("watch")
    return Version.objects.get(pk=version.pk)


def stop(version: Version, by: Person, now: datetime) -> Version:
    """Stop watching; what was seen stays. Twice is once."""
    with acting("stop_watching", version.section, version.key, by):
        refuse_outsiders(by, load_line(version.section, version.key), None, now)
        Version.objects.filter(pk=version.pk, watch_until__gt=now).update(watch_until=now)
    return Version.objects.get(pk=version.pk)


# --- reading ---------------------------------------------------------------------------------------------------


def report(version: Version, viewer: Person) -> Report:
    """Counts of the records that ``viewer`` may read. Two queries."""
    rows = watched(version, viewer).order_by().values("now_state", "state").annotate(number=Count("pk"))
    turns = tuple(
        Turn(row["now_state"], row["state"], row["number"]) for row in rows.order_by("-number", "state")
    )
    marked_at = version.population_done_at
    is_complete = marked_at is not None and not Touched.objects.filter(touched_at__lte=marked_at).exists()
    return Report(version, turns, sum(t.count for t in turns), is_complete)


def watched(
    version: Version, viewer: Person, *, now_state: str = "", state: str = ""
) -> QuerySet[WatchedJudgement]:
    """The named records behind the counts."""
    found = WatchedJudgement.objects.filter(
        version=version, record__in=Record.objects.for_person(viewer).present()
    )
    if now_state:
        found = found.filter(now_state=now_state)
    if state:
        found = found.filter(state=state)
    return found.select_related("record__connection", "record__owner").order_by(
        "record__title", "record", "key"
    )


# --- comparing -------------------------------------------------------------------------------------------------


def _watching(now: datetime) -> QuerySet[Version]:
    return Version.objects.filter(state__in=OPEN, watch_from__lte=now, watch_until__gt=now)


def compare_due(now: datetime) -> int:
    """Mark one page of the population of a version whose watching began. Returns pages done (0 or 1)."""
    with transaction.atomic():
        version = (
            _watching(now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(population_done_at=None, section__in=JUDGED)
            .order_by("pk")
            .first()
        )
        if version is None:
            return 0
        page = _page(version)
        touch(page, now)
        done = len(page) < PAGE
        Version.objects.filter(pk=version.pk).update(
            population_after=None if done else page[-1], population_done_at=now if done else None
        )
    return 1


def next_compare(now: datetime) -> datetime | None:
    """When the next page is to be marked."""
    waiting = Version.objects.filter(
        state__in=OPEN, watch_until__gt=now, population_done_at=None, section__in=JUDGED
    )
    begins: datetime | None = waiting.aggregate(m=Min("watch_from"))["m"]
    return begins


def _page(version: Version) -> list[uuid.UUID]:
    told = [*judgings(version.section, version.key, version.body, catalogue_from_db())]
    inside = Q(
        pk__in=Judgement.objects.filter(section=version.section, key__in=[j.key for j in told]).values(
            "record"
        )
    )
    for judging in told:
        inside |= Q(pk__in=judging.population.order_by().values("pk"))
    rows = Record.objects.filter(inside)
    if version.population_after is not None:
        rows = rows.filter(pk__gt=version.population_after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:PAGE])
