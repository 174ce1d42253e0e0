"""Which people belong to which account without a CRM saying so, and what speaks for each account that fits."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db.models import Q, QuerySet

from records.matching.domains import root_of
from records.matching.said import said_of
from records.models import AccountDomain, AccountMatch, Record
from teams.access import business_units_of
from teams.models import Person
from teams.querysets import border

PER_PAGE = 50
MOST_CANDIDATES = 6
WAITING = ""
SHOWS = {
    WAITING: "To choose",
    "exact": "Same domain",
    "root": "Same company domain",
    "manual": "Joined by hand",
    "all": "All",
}


@dataclass(frozen=True)
class Candidate:
    """An account that fits, and what speaks for it, in words; ``score``: how much of it there is."""

    account: Record
    evidence: tuple[str, ...]
    score: int


@dataclass(frozen=True)
class Line:
    match: AccountMatch
    record: Record
    candidates: tuple[Candidate, ...]
    more: int

    @property
    def how(self) -> str:
        return AccountMatch.How(self.match.how).label


def matches_for(viewer: Person, show: str, text: str) -> QuerySet[AccountMatch]:
    """What the viewer may read, by what is shown and every word of a text in the record's or the account's name or the
    domain."""
    found = AccountMatch.objects.filter(border(business_units_of(viewer), "record__business_unit"))
    if show == WAITING:
        found = found.filter(account=None)
    elif show in AccountMatch.How.values:
        found = found.filter(how=show, account__isnull=False)
    for word in text.split():
        found = found.filter(
            Q(record__title__icontains=word) | Q(account__title__icontains=word) | Q(domain__icontains=word)
        )
    return found.select_related("record__connection", "account__connection").order_by("domain", "pk")


def lines_of(viewer: Person, matches: Sequence[AccountMatch]) -> list[Line]:
    """With the candidates of those that wait. Four queries for a page."""
    waiting = [row.record for row in matches if row.account_id is None]
    fitting = candidates_of(viewer, waiting)
    found = []
    for row in matches:
        told = fitting.get(row.record_id, [])
        found.append(
            Line(row, row.record, tuple(told[:MOST_CANDIDATES]), max(0, len(told) - MOST_CANDIDATES))
        )
    return found


def candidates_of(viewer: Person, records: Sequence[Record]) -> dict[uuid.UUID, list[Candidate]]:
    """Person record -> the accounts that share its domain or root and that nobody refused, the likeliest first."""
    matches = {m.record_id: m for m in AccountMatch.objects.filter(record__in=records)}
    domains = {
        row.pk: matches[row.pk].domain for row in records if row.pk in matches and matches[row.pk].domain
    }
    if not domains:
        return {}
    names = {*domains.values(), *(root_of(one) for one in domains.values())}
    rows = (
        AccountDomain.objects.filter(
            Q(domain__in=names) | Q(root__in=names), record__deleted_at=None, record__merged_into=None
        )
        .filter(border(business_units_of(viewer), "record__business_unit"))
        .select_related("record__connection", "record__owner")
        .order_by("record__title", "record_id")
    )
    of_name: dict[str, dict[uuid.UUID, Record]] = defaultdict(dict)
    for row in rows:
        of_name[row.domain][row.record_id] = row.record
        of_name[row.root][row.record_id] = row.record
    said = said_of(domains)
    counts = _counts({a for accounts in of_name.values() for a in accounts.values()})
    found = {}
    for record in records:
        domain = domains.get(record.pk, "")
        exact = of_name.get(domain, {})
        accounts = exact or of_name.get(root_of(domain), {}) if domain else {}
        refused = said[record.pk].split if record.pk in said else frozenset()
        told = [
            _candidate(record, account, domain, account.pk in exact, counts)
            for pk, account in accounts.items()
            if pk not in refused
            and (account.connection_id == record.connection_id or not account.connection.is_sandbox)
        ]
        found[record.pk] = sorted(told, key=lambda c: (-c.score, str(c.account), str(c.account.pk)))
    return found


def _candidate(
    record: Record,
    account: Record,
    domain: str,
    is_exact: bool,
    counts: Mapping[uuid.UUID, Mapping[str, int]],
) -> Candidate:
    evidence = [f"same domain, {domain}" if is_exact else f"same company domain, {root_of(domain)}"]
    score = 0
    if record.connection_id == account.connection_id:
        score += 1
    company, name = _fold(record.values.get("company")), _fold(account.values.get("name"))
    if company and company == name:
        evidence.append(f"same name, {account.values['name']}")
        score += 4
    country = _fold(record.values.get("country"))
    if country and country == _fold(account.values.get("country")):
        evidence.append(f"same country, {account.values['country']}")
        score += 2
    told = counts.get(account.pk, {})
    for kind, one, many in (("person", "contact there", "contacts there"), ("deal", "deal", "deals")):
        if n := told.get(kind, 0):
            evidence.append(f"{n:,} {one if n == 1 else many}")
            score += 1
    if account.owner is not None:
        evidence.append(f"owned by {account.owner.name}")
    return Candidate(account, tuple(evidence), score)


def _counts(accounts: Iterable[Record]) -> dict[uuid.UUID, dict[str, int]]:
    """How many people and deals name each account. One query."""
    by_name = {(a.connection_id, a.remote_id): a.pk for a in accounts}
    if not by_name:
        return {}
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT connection_id, values ->> 'account', object, count(*) FROM records_record "
            "WHERE connection_id = ANY (%s::bigint[]) AND values ->> 'account' = ANY (%s) "
            "AND object IN ('person', 'deal', 'account') AND deleted_at IS NULL AND merged_into_id IS NULL "
            "GROUP BY 1, 2, 3",
            [sorted({c for c, _ in by_name}), sorted({name for _, name in by_name})],
        )
        found: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
        for crm, name, kind, n in cursor.fetchall():
            if (crm, name) in by_name:
                found[by_name[crm, name]][kind] = n
        return found


def _fold(value: Any) -> str:
    return " ".join(str(value or "").casefold().split())


def table(viewer: Person, matches: Iterable[AccountMatch]) -> tuple[list[str], Iterable[list[Any]]]:
    header = ["Person", "Id there", "CRM", "Domain", "How", "Account", "Account's id", "Accounts that fit"]
    return header, (
        [
            row.record.title, row.record.remote_id, row.record.connection.label, row.domain,
            AccountMatch.How(row.how).label if row.account_id else "To choose",
            row.account.title if row.account else "", row.account.remote_id if row.account else "", row.candidates,
        ]
        for row in matches
    )  # fmt: skip
