"""Watch only, for rules: a draft is counted beside what is in force, and when that is over RevOps is told once.

Clocks are what events make of them, so nothing needs to run meanwhile: what would have differed is folded when somebody
looks, over the time that was watched."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.urls import reverse

from definitions.agreement.drafts import OPEN, title_of
from definitions.models import Version
from effects.outbox import Intent, enqueue
from teams.models import Person, Role

SECTION = "sla_rules"
PAGE = 50


def window_of(version: Version, now: datetime) -> tuple[datetime, datetime]:
    """[from, until) of what is compared: the time that was watched, so far."""
    begins = version.watch_from or now
    return begins, max(begins, min(version.watch_until or now, now))


def tell_over(now: datetime) -> int:
    """Tell RevOps once of every watching that is over. Returns versions; running it twice tells nobody twice."""
    with transaction.atomic():
        over = list(
            _waiting()
            .filter(watch_until__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("watch_until", "pk")[:PAGE]
        )
        people = list(
            Person.objects.active().filter(role=Role.REVOPS_ADMIN).order_by("pk").values_list("pk", flat=True)
        )
        enqueue([_intent(version, person) for version in over for person in people], now=now)
        Version.objects.filter(pk__in=[v.pk for v in over]).update(population_done_at=now)
    return len(over)


def next_over(now: datetime) -> datetime | None:
    """When the next watching is over."""
    found: datetime | None = _waiting().aggregate(at=Min("watch_until"))["at"]
    return found


def _waiting() -> QuerySet[Version]:
    """Of rules, ``population_done_at`` is when the end was told."""
    return Version.objects.filter(
        Q(section=SECTION, state__in=OPEN, watch_until__isnull=False, population_done_at=None)
    )


def _intent(version: Version, person: int) -> Intent:
    until = version.watch_until
    days = (until - version.watch_from).days if until and version.watch_from else 0
    return Intent(
        channel="inbox",
        key=f"version:{version.pk}:watched:{until.isoformat() if until else ''}:{person}",
        payload={
            "person": person,
            "severity": "info",
            "title": f"Watched for {days} day{'' if days == 1 else 's'}: {title_of(version)}, version {version.number}",
            "body": "See what it would have done differently, then ask for agreement or discard it.",
            "href": f"{reverse('slas:watched_rule', args=[version.key])}?version={version.number}",
        },
    )
