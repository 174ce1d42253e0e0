"""To which account and to which buyer one record belongs, why, and what people said of it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from definitions.evidence.exception_acts import may_ask
from records.matching import linking
from records.matching.linking import LinkError
from records.models import AccountMatch, LinkKey, ManualLink, Record
from records.relations import REFERENCES
from scorecards.matching.listing import Candidate, candidates_of
from scorecards.record_checks import noun_of
from teams.models import Person

FOUND = 10


@dataclass(frozen=True)
class Account:
    """``words`` say who says so; ``named`` is what the CRM itself calls it, where we don't hold it."""

    record: Record | None
    words: str
    is_of_crm: bool = False
    named: str = ""


@dataclass(frozen=True)
class Member:
    record: Record
    shares: tuple[str, ...]
    is_this: bool

    @property
    def place(self) -> str:
        """ "HubSpot contact"."""
        return f"{self.record.connection.label} {noun_of(self.record)}"


@dataclass(frozen=True)
class Said:
    link: ManualLink
    words: str


@dataclass(frozen=True)
class Belonging:
    record: Record
    account: Account | None
    candidates: list[Candidate]
    members: list[Member]
    said: list[Said]
    may_say: bool

    @property
    def place(self) -> str:
        return f"{self.record.connection.label} {noun_of(self.record)}"


def account_of(viewer: Person, record: Record) -> Account | None:
    """Two queries at most. ``record`` with its connection. An account outside the viewer's border is none to them."""
    inside = Record.objects.for_person(viewer)
    named = next((str(record.values[name]) for name in REFERENCES if record.values.get(name)), "")
    if named:
        found = inside.filter(connection=record.connection_id, object="account", remote_id=named).first()
        return Account(found, f"{record.connection.label} says so", True, named)
    match = AccountMatch.objects.filter(record=record, account__in=inside).select_related("account").first()
    if match is None:
        return None
    words = {
        AccountMatch.How.EXACT: f"by the domain {match.domain}",
        AccountMatch.How.ROOT: f"by the company’s domain, {match.domain}",
        AccountMatch.How.MANUAL: "joined by hand",
    }[AccountMatch.How(match.how)]
    return Account(match.account, words)


def belonging_of(viewer: Person, record: Record) -> Belonging:
    """Some eight queries."""
    is_person = record.object == "person"
    account = account_of(viewer, record) if is_person else None
    return Belonging(
        record=record,
        account=account,
        candidates=candidates_of(viewer, [record]).get(record.pk, [])
        if is_person and account is None
        else [],
        members=_members(viewer, record),
        said=[Said(link, _words(link, record)) for link in linking.links_about(record)[:20]],
        may_say=may_say(viewer, record),
    )


def may_say(person: Person, record: Record) -> bool:
    """The record's owner, their manager, RevOps; anyone while nobody who works here owns it."""
    return may_ask(person, record)


def _members(viewer: Person, record: Record) -> list[Member]:
    if record.journey_id is None:
        return [Member(record, (), True)]
    rows = list(
        Record.objects.for_person(viewer)
        .filter(journey=record.journey_id)
        .exclude(object="activity")
        .select_related("connection")
        .order_by("pk")
    )
    keys: dict[uuid.UUID, set[str]] = defaultdict(set)
    for pk, key in LinkKey.objects.filter(record__in=rows).values_list("record_id", "key"):
        keys[pk].add(key)
    return [
        Member(
            row,
            tuple(
                sorted(
                    {
                        _key_words(key)
                        for key in keys[row.pk]
                        if any(key in keys[o.pk] for o in rows if o != row)
                    }
                )
            ),
            row.pk == record.pk,
        )
        for row in rows
    ]


def _key_words(key: str) -> str:
    kind, _, rest = key.partition(":")
    return f"the address {rest}" if kind == "email" else "an id of one in the other"


def _words(link: ManualLink, record: Record) -> str:
    other = link.other if link.record_id == record.pk else link.record
    match (link.kind, link.is_joined, link.other_id):
        case (ManualLink.Kind.BUYER, True, _):
            return f"Same buyer as {other}"
        case (ManualLink.Kind.BUYER, False, _):
            return "Stands by itself"
        case (_, True, _):
            return f"Belongs to {other}"
        case (_, False, None):
            return "Belongs to no account"
    return f"Does not belong to {other}"


def find_records(viewer: Person, text: str, record: Record, *, accounts: bool) -> list[Record]:
    """Accounts, or people and deals, whose title has every word of a text; not the record itself. Two queries."""
    if len(text.strip()) < 2:
        return []
    found = Record.objects.for_person(viewer).present().exclude(pk=record.pk).select_related("connection")
    found = found.filter(object="account") if accounts else found.filter(object__in=("person", "deal"))
    by_title = Q()
    for word in text.split():
        by_title &= Q(title__icontains=word)
    if not accounts and "@" in text:
        keys = LinkKey.objects.filter(key=f"email:{text.strip().lower()}")
        by_title |= Q(pk__in=keys.values("record"))
    return list(found.filter(by_title).order_by("title", "pk")[:FOUND])


def act(viewer: Person, record: Record, told: Mapping[str, str], now: datetime) -> str:
    """Do what the page asks for; the sentence that says it is done. Raises LinkError."""
    if not may_say(viewer, record):
        raise LinkError("The owner of the record, their manager or RevOps can say this.")
    what, key = told.get("act", ""), f"{viewer.pk}:{told.get('token', '')[:64]}"
    if what == "undo":
        link = linking.links_about(record).filter(pk=_uuid(told.get("link", ""))).first()
        if link is None or not linking.undo(link, by=viewer, now=now):
            raise LinkError("It was taken back already.")
        return "Taken back."
    said: dict[str, Any] = {"by": viewer, "why": told.get("why", ""), "key": key, "now": now}
    if what == "alone":
        linking.stand_alone(record, **said)
        return "It stands by itself now."
    if what == "no_account":
        linking.split_account(record, None, **said)
        return "It belongs to no account now."
    other = Record.objects.for_person(viewer).filter(pk=_uuid(told.get("other", ""))).first()
    if other is None:
        raise LinkError("Choose a record.")
    acts: dict[str, tuple[Callable[..., object], str]] = {
        "join": (linking.join_buyer, f"Same buyer as {other} now."),
        "account": (linking.join_account, f"It belongs to {other} now."),
        "not_account": (linking.split_account, f"It does not belong to {other}."),
    }
    if what not in acts:
        raise LinkError("Nothing was done: the request could not be read.")
    do, words = acts[what]
    do(record, other, **said)
    return words


def _uuid(text: str) -> uuid.UUID:
    """Nobody's id for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
