"""What of a person's is still open: records, clocks, handoffs, what they decide and sign, whom they lead and cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Exists, FloatField, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.urls import reverse

from definitions.agreement.parties import required_teams, who_signs
from definitions.evidence.exception_acts import deciding_teams
from definitions.models import Version
from handoffs.kinds import GIVEN
from handoffs.models import Handoff
from records.asked import OWNER
from records.models import AskedChange, Event, Record, Touched
from slas.models import Appeal, Clock
from slas.querysets import OPEN
from teams.access import business_units_of
from teams.models import Absence, Membership, Person, Role
from teams.querysets import border

CLOSED, CONVERTED = {"is_closed": True}, {"is_converted": True}
"""Whoever has no such field is open, too."""

READ_WITHIN = timedelta(hours=1)
"""A new owner that a CRM has taken is read by then; afterwards it counts as not given."""


class Kind(StrEnum):
    """A kind of work that is given to one taker."""

    DEALS = "deals"
    BUYERS = "buyers"
    ACCOUNTS = "accounts"
    HANDOFFS = "handoffs"
    REPORTS = "reports"
    COVERS = "covers"


RECORDS = (Kind.DEALS, Kind.BUYERS, Kind.ACCOUNTS)


@dataclass(frozen=True)
class Line:
    """``text`` says what it is, ``detail`` more of it; ``href`` shows it."""

    kind: Kind
    n: int
    text: str
    detail: str = ""
    href: str = ""

    @property
    def is_of_records(self) -> bool:
        return self.kind in RECORDS


@dataclass(frozen=True)
class OpenWork:
    """``lines``: what is given away in the dialog; ``on_its_way``: how much was given away, and nothing shows it yet;
    ``decides``: what they alone decide or sign, in sentences."""

    lines: tuple[Line, ...]
    on_its_way: int
    clocks: int
    decides: tuple[str, ...]


# --- queries ---------------------------------------------------------------------------------------------------


def records_of(viewer: Person, person: Person, kind: Kind) -> QuerySet[Record]:
    """What is still theirs in the CRMs, of what the viewer may read. A converted lead can't be given to anybody."""
    found = Record.objects.for_person(viewer).present().filter(owner=person)
    if kind is Kind.DEALS:
        return found.filter(object="deal").exclude(values__contains=CLOSED)
    if kind is Kind.ACCOUNTS:
        return found.filter(object="account")
    return found.filter(object="person").exclude(values__contains=CONVERTED)


def is_given(now: datetime) -> Exists:
    """Of a record: its CRM was asked for another owner, and neither refused nor was read since."""
    asked = AskedChange.objects.filter(record=OuterRef("pk"), values__has_key=OWNER)
    unread = Q(state=AskedChange.State.DONE, finished_at__gt=now - READ_WITHIN) & ~Q(echoes__has_key=OWNER)
    return Exists(asked.filter(Q(state=AskedChange.State.WAITING) | unread))


def is_handoff_given(person: Person) -> Exists:
    """Of a handoff: it was given away by a leaver, and that is still being worked in."""
    acts = Event.objects.filter(record=OuterRef("record"), kind=GIVEN, data__was=person.pk)
    return Exists(acts.filter(Exists(Touched.objects.filter(record=OuterRef("record")))))


def handoffs_of(viewer: Person, person: Person) -> QuerySet[Handoff]:
    """Those they were to send or receive, or whose next step is theirs."""
    return Handoff.objects.for_person(viewer).open().filter(Q(sender=person) | Q(receiver=person))


def waiting_handoffs(handoffs: QuerySet[Handoff], person: Person) -> QuerySet[Handoff]:
    """Those in which they have, or will have, a move: what they have sent waits for others."""
    return handoffs.filter(
        Q(receiver=person) | Q(sender=person, state__in=("open", "sent", "seen", "asked", "sent_back"))
    )


def covers_of(person: Person, now: datetime) -> QuerySet[Absence]:
    """Absences still to come in which they take over."""
    return Absence.objects.standing().filter(cover=person, starts_at__gt=now)


def open_work_of(viewer: Person, person: Person, now: datetime) -> OpenWork:
    """Some ten queries."""
    given = {
        kind: records_of(viewer, person, kind).aggregate(
            left=Count("pk", filter=~is_given(now)), given=Count("pk", filter=is_given(now))
        )
        for kind in RECORDS
    }
    n_deals, n_buyers, n_accounts = (given[kind]["left"] for kind in RECORDS)
    deals = records_of(viewer, person, Kind.DEALS).exclude(is_given(now))
    handoffs = waiting_handoffs(handoffs_of(viewer, person), person).aggregate(
        left=Count("pk", filter=~is_handoff_given(person)),
        receives=Count("pk", filter=~is_handoff_given(person) & Q(receiver=person)),
        given=Count("pk", filter=is_handoff_given(person)),
    )
    reports = list(person.reports.active().visible_to(viewer).values_list("name", flat=True))
    covers = covers_of(person, now).count()
    owned = f"{reverse('records:list')}?owner={person.pk}"
    lines = (
        Line(Kind.DEALS, n_deals, _n(n_deals, "open deal"), _money(deals), f"{owned}&object=deal&open=1"),
        Line(
            Kind.BUYERS,
            n_buyers,
            _n(n_buyers, "lead or contact", "leads and contacts"),
            href=f"{owned}&object=person",
        ),
        Line(Kind.ACCOUNTS, n_accounts, _n(n_accounts, "account"), href=f"{owned}&object=account"),
        Line(
            Kind.HANDOFFS,
            handoffs["left"],
            _n(handoffs["left"], "open handoff"),
            f"{handoffs['receives']:,} of them without a receiver who is here"
            if handoffs["receives"]
            else "",
        ),
        Line(
            Kind.REPORTS,
            len(reports),
            f"{_n(len(reports), 'person reports', 'people report')} to them",
            _names(reports),
        ),
        Line(Kind.COVERS, covers, f"Covers {_n(covers, 'absence')} to come"),
    )
    clocks = (
        Clock.objects.for_person(viewer)
        .filter(owner=person, stopped_at=None, is_measured_only=False, state__in=(*OPEN, "breached"))
        .count()
    )
    return OpenWork(
        lines=tuple(one for one in lines if one.n),
        on_its_way=handoffs["given"] + sum(one["given"] for one in given.values()),
        clocks=clocks,
        decides=tuple(_decides(viewer, person, now)),
    )


def _n(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _money(deals: QuerySet[Record]) -> str:
    """One sum for each currency: "USD 412,000, EUR 86,000"."""
    currency = KeyTextTransform("currency", "values")
    rows = deals.order_by().annotate(currency=currency).values_list("currency")
    amount = Cast(KeyTextTransform("amount", "values"), FloatField())
    sums = rows.annotate(money=Sum(amount)).order_by("-money")
    return ", ".join(f"{name or ''} {money:,.0f}".strip() for name, money in sums if money)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


# --- what they alone decide ------------------------------------------------------------------------------------


def _decides(viewer: Person, person: Person, now: datetime) -> list[str]:
    """Sentences: what waits for them alone, and who could do it. A leaver's own team is that of their last stay."""
    teams = _last_teams(person)
    if not teams or person.role not in (Role.MANAGER, Role.LEADER, Role.REVOPS_ADMIN):
        return []
    others = set(
        Membership.objects.open()
        .filter(team__key__in=teams, person__is_active=True, person__role__in=(Role.MANAGER, Role.LEADER))
        .exclude(person=person)
        .values_list("team__key", flat=True)
    )
    found = []
    waiting = Appeal.objects.filter(
        border(business_units_of(viewer), "clock__record__business_unit"),
        state=Appeal.State.OPEN,
        team__key__in=teams - others,
    ).count()
    if waiting:
        found.append(
            f"{_n(waiting, 'appeal waits', 'appeals wait')} for their decision; RevOps can decide, too."
        )
    found += _to_sign(person, teams, now)
    return found


def _last_teams(person: Person) -> frozenset[str]:
    if person.is_active:
        return deciding_teams(person) or frozenset(
            Membership.objects.open().filter(person=person).values_list("team__key", flat=True)
        )
    last = person.memberships.order_by("-started_at").values_list("team__key", flat=True)[:1]
    return frozenset(last)


def _to_sign(person: Person, teams: frozenset[str], now: datetime) -> list[str]:
    """Drafts that wait for a team for which nobody else signs."""
    drafts = [v for v in Version.objects.filter(state="proposed") if teams & set(required_teams(v))]
    if not drafts:
        return []
    signing = who_signs(teams, now)
    alone = {team for team in teams if not [p for p in signing[team] if p.pk != person.pk]}
    n = sum(1 for version in drafts if alone & set(required_teams(version)))
    if not n:
        return []
    return [f"{_n(n, 'draft waits', 'drafts wait')} for a signature that nobody else of their team can give."]


# --- leavers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leaver:
    person: Person
    deals: int
    buyers: int
    handoffs: int
    href: str


def leavers_with_work(viewer: Person) -> list[Leaver]:
    """Whoever is not active and still owns something open, the most deals first. Four queries."""
    gone = list(Person.objects.visible_to(viewer).filter(is_active=False))
    owned = Record.objects.for_person(viewer).present().filter(owner__in=gone).order_by()
    is_open = Q(object="deal") & ~Q(values__contains=CLOSED)
    is_buyer = Q(object="person") & ~Q(values__contains=CONVERTED)
    rows = owned.values("owner").annotate(
        deals=Count("pk", filter=is_open), buyers=Count("pk", filter=is_buyer)
    )
    records = {row["owner"]: (row["deals"], row["buyers"]) for row in rows}
    handoffs = dict(
        Handoff.objects.for_person(viewer)
        .open()
        .filter(receiver__in=gone)
        .order_by()
        .values_list("receiver")
        .annotate(n=Count("pk"))
    )
    found = [
        Leaver(
            person,
            *records.get(person.pk, (0, 0)),
            handoffs.get(person.pk, 0),
            reverse("people:leaver", args=[person.pk]),
        )
        for person in gone
    ]
    found = [one for one in found if one.deals or one.buyers or one.handoffs]
    return sorted(found, key=lambda one: (-one.deals, -one.handoffs, -one.buyers, one.person.name))
