"""What does nobody own? Leads that wait for a person, and open deals of nobody or of someone who left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Min, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse

from records.models import OwnerMatch, Record
from scorecards.boards.frame import Frame
from scorecards.keyset import KeysetPage, Order, keyset_page, read_cursor
from slas.models import Clock
from slas.querysets import ClockQuerySet
from teams.models import Person

BY_START = Order("started_at")
PER_PAGE = 50
COUNTED = 10_000
"""The oldest so many are told apart by who has them; more are only said to be more."""
NOBODY, QUEUE, LEFT = "nobody", "queue", "left"


@dataclass(frozen=True)
class Holder:
    """``kind``: nobody, queue, or left for a name where no person works."""

    name: str
    kind: str
    n: int
    oldest_at: Any
    href: str
    is_here: bool


@dataclass(frozen=True)
class Deals:
    text: str
    n: int
    href: str


@dataclass(frozen=True)
class Page:
    holders: list[Holder]
    deals: list[Deals]
    page: KeysetPage[Clock]
    is_capped: bool

    @property
    def n(self) -> int:
        return sum(holder.n for holder in self.holders)

    @property
    def count_words(self) -> str:
        return f"{self.n:,}+" if self.is_capped else f"{self.n:,}"


def load(frame: Frame, cursor: str | None) -> Page:
    """Five queries beside names."""
    asked = frame.asked
    queues = set(OwnerMatch.objects.filter(kind=OwnerMatch.Kind.QUEUE).values_list("name", flat=True))
    open_ones = unowned(frame).order_by("due_at", "pk").values("pk")[: COUNTED + 1]
    told = (
        Clock.objects.filter(pk__in=open_ones)
        .order_by()
        .annotate(holder=_holder())
        .values("holder")
        .annotate(n=Count("pk"), oldest_at=Min("started_at"))
    )
    rows = list(told)
    is_capped = sum(row["n"] for row in rows) > COUNTED
    holders = [
        Holder(
            row["holder"],
            _kind(row["holder"], queues),
            row["n"],
            row["oldest_at"],
            asked.href(show=row["holder"]) if asked.show != row["holder"] else asked.href(show=""),
            asked.show == row["holder"],
        )
        for row in sorted(rows, key=lambda row: (-row["n"], row["holder"]))
    ]
    shown = chosen(frame)
    number = next((h.n for h in holders if h.is_here), sum(h.n for h in holders))
    page = keyset_page(
        shown.select_related("record", "rule"),
        BY_START,
        read_cursor(cursor, BY_START),
        size=PER_PAGE,
        count=(number, is_capped),
    )
    return Page(holders, list(_deals(frame)), page, is_capped)


def unowned(frame: Frame) -> ClockQuerySet:
    """Clocks of routing that still wait for a person; the buyer has none. History counts too: it is open now."""
    asked = frame.asked
    found = Clock.objects.for_person(frame.viewer).filter(
        stopped_at=None, owner=None, rule__body__stop__has_key="owner_in_team", record__deleted_at=None
    )
    if asked.team:
        found = found.filter(team__key=asked.team)
    if asked.rule:
        found = found.filter(rule_key=asked.rule)
    if asked.unit:
        found = found.filter(record__business_unit__key=asked.unit)
    for name in ("lead_origin", "lead_source", "region"):
        if value := getattr(asked, name):
            found = found.filter(**{f"record__values__{name}": value})
    return found


def chosen(frame: Frame) -> ClockQuerySet:
    found = unowned(frame)
    if frame.asked.show:
        found = found.annotate(holder=_holder()).filter(holder=frame.asked.show)
    return found


def _holder() -> Coalesce:
    told = NullIf(KeyTextTransform("holder", "receipt"), Value(""), output_field=TextField())
    return Coalesce(told, Value("Nobody"), output_field=TextField())


def _kind(holder: str, queues: set[str]) -> str:
    if holder == "Nobody":
        return NOBODY
    return QUEUE if holder in queues else LEFT


def _deals(frame: Frame) -> Iterator[Deals]:
    deals = Record.objects.for_person(frame.viewer).present().filter(object="deal", values__is_closed=False)
    narrow = {}
    if frame.asked.unit:
        deals = deals.filter(business_unit__key=frame.asked.unit)
        narrow["unit"] = frame.asked.unit
    left = Person.objects.filter(is_active=False)
    for owner, text, found in (
        ("left", "of someone who left", deals.filter(owner__in=left)),
        ("none", "of nobody, or of a queue", deals.filter(owner=None)),
    ):
        if n := found.count():
            query = urlencode({"object": "deal", "owner": owner, "open": "1", **narrow})
            noun = "open deal" if n == 1 else "open deals"
            yield Deals(f"{n:,} {noun} {text}", n, f"{reverse('records:list')}?{query}")


def export(frame: Frame) -> tuple[list[str], Iterator[list[Any]]]:
    clocks = chosen(frame).select_related("record", "rule").order_by("started_at", "pk")
    rows = (
        [c.record.title, c.rule.body["name"], str(c.receipt.get("holder") or "Nobody"), c.started_at, c.state]
        for c in clocks.iterator(chunk_size=1000)
    )
    return ["Buyer", "Clock", "Who has it", "Waits since", "State"], rows
