"""What stands in a person's inbox: single messages, and those of one group, day and severity as one bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    ExpressionWrapper,
    F,
    Max,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat, TruncDate

from effects.models import InboxMessage
from teams.models import Person

TABS = {"all": "All", "unread": "Unread", "late": "Late"}
LISTED = 30


@dataclass(frozen=True)
class Bundle:
    """One row of the page. ``messages`` are the latest of ``count``, newest first."""

    messages: Sequence[InboxMessage]
    count: int

    @property
    def first(self) -> InboxMessage:
        return self.messages[0]

    @property
    def is_read(self) -> bool:
        return self.first.read_at is not None

    @property
    def more(self) -> int:
        return self.count - len(self.messages)

    @property
    def title(self) -> str:
        """ "12 late: First human touch", or the message's own."""
        if self.count == 1:
            return self.first.title
        words = {"late": "late", "warning": "due soon"}.get(self.first.severity, "messages")
        return f"{self.count} {words}: {self.first.group_name or self.first.group}"


def messages_of(person: Person, tab: str = "all") -> QuerySet[InboxMessage]:
    found = InboxMessage.objects.filter(person=person)
    if tab == "unread":
        return found.filter(read_at=None)
    return found.filter(severity="late") if tab == "late" else found


def bundles_of(messages: QuerySet[InboxMessage], zone: tzinfo) -> QuerySet[Any, Any]:
    """{ids, count, last} of each bundle, unread first, the latest first in both; ``load`` makes bundles of a page."""
    alone = Concat(Value("#"), Cast(F("pk"), CharField()))
    together = Concat(
        F("group"),
        Value("|"),
        F("severity"),
        Value("|"),
        Cast(TruncDate("created_at", tzinfo=zone), CharField()),
        output_field=CharField(),
    )
    rows = messages.order_by().annotate(
        bundle=Case(When(group="", then=alone), default=together, output_field=CharField()),
        was_read=ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField()),
    )
    return (
        rows.values("was_read", "bundle")
        .annotate(
            ids=ArrayAgg("pk", order_by=["-created_at", "-pk"]), count=Count("pk"), last=Max("created_at")
        )
        .order_by("was_read", "-last", "bundle")
    )


def load(rows: Sequence[dict[str, Any]]) -> list[Bundle]:
    """One query for all messages shown."""
    shown = [pk for row in rows for pk in row["ids"][:LISTED]]
    found = InboxMessage.objects.in_bulk(shown)
    bundles = []
    for row in rows:
        # Another tab may have deleted none, but a message can go with its person.
        messages = [found[pk] for pk in row["ids"][:LISTED] if pk in found]
        if messages:
            bundles.append(Bundle(messages, row["count"]))
    return bundles


def mark_read(messages: QuerySet[InboxMessage], now: datetime) -> int:
    return messages.filter(read_at=None).update(read_at=now)
