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
from records.matching.said import said_of
from records.models import AccountMatch, LinkKey, ManualLink, Record, Touched
from records.relations import REFERENCES
from records.storing.reading import email_key
from scorecards.matching.listing import Candidate, candidates_of
from scorecards.record_checks import noun_of
from teams.models import Person

FOUND = 10


@dataclass(frozen=True)
class Account:
    """``words`` say who says so; ``crm`` where it is changed, ``named`` what the CRM calls what we don't hold."""

    record: Record | None
    words: str
    crm: str = ""
    named: str = ""


@dataclass(frozen=True)
class Member:
    record: Record
    shares: tuple[str, ...]
    is_this: bool

    @property
    def place(self) -> str:
        return place_of(self.record)


@dataclass(frozen=True)
class Found:
    """A record that a search found; ``is_known``: it is of this buyer already."""

    record: Record
    is_known: bool

    @property
    def place(self) -> str:
        return place_of(self.record)


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
    is_apart: bool
    is_waiting: bool
    """What was said, or read, of one of the members is not concluded yet."""

    @property
    def place(self) -> str:
        return place_of(self.record)


def place_of(record: Record) -> str:
    """ "HubSpot contact"."""
    return f"{record.connection.label} {noun_of(record)}"


def account_of(viewer: Person, record: Record) -> Account | None:
    """Three queries at most. ``record`` with its connection. An account outside the viewer's border is none to them."""
    inside = Record.objects.for_person(viewer)
    match = None
    if not any(record.values.get(name) for name in REFERENCES):
        match = (
            AccountMatch.objects.filter(record=record, account__in=inside).select_related("account").first()
        )
    if match is not None:
        words = {
            AccountMatch.How.EXACT: f"by the domain {match.domain}",
            AccountMatch.How.ROOT: f"by the company’s domain, {match.domain}",
            AccountMatch.How.MANUAL: "joined by hand",
        }[AccountMatch.How(match.how)]
        return Account(match.account, words)
    namer = linking.who_names_account(record)
    if namer is None:
        return None
    crm = namer.connection.label
    named = next(str(namer.values[name]) for name in REFERENCES if namer.values.get(name))
    found = inside.filter(connection=namer.connection_id, object="account", remote_id=named).first()
    if namer.pk == record.pk:
        return Account(found, f"{crm} says so", crm, named)
    if found is None or not inside.filter(pk=namer.pk).exists():
        return None
    return Account(found, f"{namer} says so, a {place_of(namer)} of the same buyer", crm)


def belonging_of(viewer: Person, record: Record) -> Belonging:
    """Some ten queries."""
    is_person = record.object == "person"
    account = account_of(viewer, record) if is_person else None
    members = _members(viewer, record)
    said = said_of([record.pk]).get(record.pk)
    return Belonging(
        record=record,
        account=account,
        candidates=candidates_of(viewer, [record]).get(record.pk, [])
        if is_person and account is None
        else [],
        members=members,
        said=[Said(link, _words(link, record)) for link in linking.links_about(record)[:20]],
        may_say=may_say(viewer, record),
        is_apart=said is not None and said.apart,
        is_waiting=Touched.objects.filter(record__in=[one.record.pk for one in members]).exists(),
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


def find_records(viewer: Person, text: str, record: Record, *, accounts: bool) -> list[Found]:
    """Accounts, or people and deals, whose title has every word of a text; not the record itself. Two queries."""
    if len(text.strip()) < 2:
        return []
    found = Record.objects.for_person(viewer).present().exclude(pk=record.pk).select_related("connection")
    found = found.filter(object="account") if accounts else found.filter(object__in=("person", "deal"))
    by_title = Q()
    for word in text.split():
        by_title &= Q(title__icontains=word)
    if not accounts and "@" in text:
        both = [email_key(text, is_sandbox=is_sandbox) for is_sandbox in (False, True)]
        keys = LinkKey.objects.filter(key__in=both)
        by_title |= Q(pk__in=keys.values("record"))
    return [
        Found(row, row.journey_id is not None and row.journey_id == record.journey_id)
        for row in found.filter(by_title).order_by("title", "pk")[:FOUND]
    ]


def act(viewer: Person, record: Record, told: Mapping[str, str], now: datetime) -> str:
    """Do what the page asks for; the sentence that says it is done. Raises LinkError."""
    if not may_say(viewer, record):
        raise LinkError("The owner of the record, their manager or RevOps can say this.")
    what, key = told.get("act", ""), f"{viewer.pk}:{told.get('token', '')[:64]}"
    if what == "undo":
        link = linking.links_about(record).filter(pk=_uuid(told.get("link", ""))).first()
        if link is None or not linking.undo(link, by=viewer, now=now):
            raise LinkError("It was taken back already.")
        return f"Taken back.{_stays_apart(link)}"
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
        "not_account": (linking.split_account, f"{other} is not its account now."),
    }
    if what not in acts:
        raise LinkError("Nothing was done: the request could not be read.")
    do, words = acts[what]
    do(record, other, **said)
    return words


def _stays_apart(link: ManualLink) -> str:
    """A split ended the joins of its record for good: they are said again, or not."""
    if link.kind != ManualLink.Kind.BUYER or link.is_joined:
        return ""
    ended = [row for row in linking.links_about(link.record) if row.is_joined and row.undone_at == link.at]
    others = [row.other if row.record_id == link.record_id else row.record for row in ended]
    if not others:
        return ""
    return f" Join it with {' and '.join(str(one) for one in others)} again if they are one buyer."


def _uuid(text: str) -> uuid.UUID:
    """Nobody's id for what is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
