"""In which journeys a rule would have started clocks within a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from definitions.models import Passage, Signal, StageEntry
from definitions.triggers.kinds import FIRED
from records.kinds import BASELINE, CHANGE
from records.models import Event, Journey, Record
from slas.rules import ANY, Rule
from teams.models import Person

MOST_JOURNEYS = 2_000


@dataclass(frozen=True)
class Population:
    """Journeys to fold, in order of their id. ``total``: how many there are; more than ``ids``: these are a sample."""

    ids: tuple[uuid.UUID, ...]
    total: int

    @property
    def is_sampled(self) -> bool:
        return len(self.ids) < self.total


def journeys_started(
    rules: Iterable[Rule], since: datetime, until: datetime, viewer: Person, *, most: int = MOST_JOURNEYS
) -> Population:
    """Journeys in which one of the rules has a start in [since, until), of records that ``viewer`` may read.

    Beyond ``most`` an even sample: ids are hashes, so the smallest of them are drawn by chance. Two queries."""
    inside = Q(pk__in=[])
    for rule in {rule.start: rule for rule in rules}.values():
        inside |= Q(pk__in=_started(rule, since, until, viewer))
    found = Journey.objects.filter(inside)
    ids = tuple(found.order_by("pk").values_list("pk", flat=True)[: most + 1])
    if len(ids) <= most:
        return Population(ids, len(ids))
    return Population(ids[:most], found.count())


def _started(rule: Rule, since: datetime, until: datetime, viewer: Person) -> QuerySet[Any, Any]:
    """Ids of journeys, as a subquery."""
    readable = Record.objects.for_person(viewer)
    kind, subject = rule.start
    if kind == "stage_entered" and "/" in subject:
        pipeline, _, stage = subject.partition("/")
        stays = Passage.objects.filter(
            pipeline=pipeline, stage=stage, entered_at__gte=since, entered_at__lt=until
        )
        return stays.filter(record__in=readable).order_by().values("journey_id")
    if kind == "stage_entered":
        entries = StageEntry.objects.filter(stage=subject, occurred_at__gte=since, occurred_at__lt=until)
        return entries.filter(record__in=readable).order_by().values("journey_id")
    if kind == "signal":
        signals = Signal.objects.filter(name=subject, occurred_at__gte=since, occurred_at__lt=until)
        return signals.filter(record__in=readable).order_by().values("record__journey_id")
    events = Event.objects.filter(occurred_at__gte=since, occurred_at__lt=until, record__in=readable)
    if kind == "field_set":
        said = Q(kind=CHANGE, field=subject) | Q(kind=BASELINE, data__values__has_key=subject)
        events = events.filter(said, record__object=rule.on)
    elif kind == "trigger_fired":
        events = events.filter(kind=FIRED, **({} if subject == ANY else {"data__trigger": subject}))
    else:
        events = events.filter(kind=kind.replace("_", ".", 1), data__template=subject)
    return events.order_by().values("record__journey_id")
