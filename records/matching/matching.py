"""Which account a person record belongs to where its CRM names none: by hand, else by the domain of the e-mail
address, the same first and then the root. Everything is read a batch at a time.

A CRM's own link comes first: a buyer any of whose records names an account is not matched at all. Accounts of the
person's own CRM count before those of others, a sandbox's for its own people only. Where several fit, nobody guesses:
the row stands open."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db.models import Q

from effects.tick import ring
from records import kinds
from records.dependents import dependents_of_accounts
from records.derived import write_derived
from records.journey_data import Batch, JourneyData, RecordData
from records.matching.domains import (
    Freemail,
    domain_of_address,
    domain_of_site,
    domains_of_account,
    root_of,
)
from records.matching.models import AccountDomain, AccountMatch, FreeDomain
from records.matching.said import Said, said_of
from records.matching.sql import MAIL_DOMAIN
from records.models import Record
from records.relations import REFERENCES
from records.services import touch
from records.standing import standing
from records.stored import Where
from teams.models import Person

_FIELDS = ("account", "how", "domain", "candidates")
_SAID = (kinds.JOINED, kinds.SPLIT)


@dataclass(frozen=True)
class Candidate:
    """An account that owns a domain."""

    account: uuid.UUID
    connection: str
    order: int
    domain: str
    root: str
    is_of_sandbox: bool = False


@dataclass(frozen=True)
class Found:
    """``account`` None: ``candidates`` of them fit."""

    account: uuid.UUID | None
    how: str
    domain: str
    candidates: int = 1


def match(
    domain: str, connection: str, said: Said, owners: Mapping[str, Sequence[Candidate]], free: Freemail
) -> Found | None:
    """The account of a person without a CRM's link (pure). ``owners``: domain or root -> who has it."""
    if said.joined is not None:
        return Found(said.joined, AccountMatch.How.MANUAL, domain)
    if said.apart or not domain or domain in free:
        return None
    for how, name, part in (("exact", domain, "domain"), ("root", root_of(domain), "root")):
        fitting = [
            one
            for one in owners.get(name, ())
            if getattr(one, part) == name and one.account not in said.split
        ]
        own = [one for one in fitting if one.connection == connection]
        fitting = own or _of_first_crm([one for one in fitting if not one.is_of_sandbox])
        accounts = {one.account for one in fitting}
        if accounts:
            return Found(next(iter(accounts)) if len(accounts) == 1 else None, how, domain, len(accounts))
    return None


def _of_first_crm(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One company stands in every CRM once: of several, the one whose word comes first."""
    first = min(((c.order, c.connection) for c in candidates), default=None)
    return [c for c in candidates if (c.order, c.connection) == first]


# --- of a batch ------------------------------------------------------------------------------------------------


def refresh(batch: Batch) -> None:
    """Match the person records of a batch; seven queries, and touch whom a changed match concerns."""
    people = [record for journey in batch.journeys.values() for record in journey.of("person")]
    if not people:
        return
    domains = {record.id: domain_of_address(record.values.get("email")) for record in people}
    named = {r.id for j in batch.journeys.values() if _names_account(j) for r in j.of("person")}
    wanted = {domains[record.id] for record in people if record.id not in named} - {""}
    owners = _owners(wanted) if wanted else {}
    # Whoever said something of a record left an event on it.
    talked_of = [r.id for r in people if any(e.kind in _SAID for e in r.events)]
    said = said_of(talked_of) if talked_of else {}
    free = batch.once(freemail)
    rows = []
    for record in people:
        told = said.get(record.id, Said())
        if record.is_merged or record.id in named:
            continue
        found = match(domains[record.id], record.connection, told, owners, free)
        if found is not None:
            rows.append(_row(record, found))
    scope = [r.id for j in batch.journeys.values() for r in j.records if r.object == "person"]
    written = write_derived(AccountMatch, rows, fields=_FIELDS, scope=Where("record_id = ANY (%s)", (scope,)))
    turned = {row.account_id for row in written.rows if row.account_id is not None}
    if turned:
        touch(dependents_of_accounts(turned, batch.now) - {record.id for record in people}, batch.now)


def _names_account(journey: JourneyData) -> bool:
    return any(
        record.values.get(name)
        for record in journey.records
        if record.deleted_at is None and not record.is_merged and record.object in ("person", "deal")
        for name in REFERENCES
    )


def _row(record: RecordData, found: Found) -> AccountMatch:
    return AccountMatch(
        record_id=record.id,
        account_id=found.account,
        how=found.how,
        domain=found.domain,
        candidates=found.candidates,
    )


def _owners(domains: Collection[str]) -> dict[str, list[Candidate]]:
    """Domain or root -> the present accounts that have it. One query."""
    names = {*domains, *(root_of(one) for one in domains)}
    rows = AccountDomain.objects.filter(
        Q(domain__in=names) | Q(root__in=names), record__deleted_at=None, record__merged_into=None
    ).values_list(
        "record_id",
        "record__connection__name",
        "record__connection__source_order",
        "domain",
        "root",
        "record__connection__is_sandbox",
    )
    found: dict[str, list[Candidate]] = defaultdict(list)
    for row in rows:
        one = Candidate(*row)
        for name in {one.domain, one.root}:
            found[name].append(one)
    return found


@standing("records_freedomain")
def freemail() -> Freemail:
    """One query."""
    told = list(FreeDomain.objects.values_list("domain", "is_free"))
    return Freemail((d for d, is_free in told if is_free), (d for d, is_free in told if not is_free))


# --- what accounts are learned of -------------------------------------------------------------------------------


def note_accounts(record_ids: Collection[uuid.UUID], now: datetime) -> int:
    """Write down the domains of those of these records that are accounts, and touch the people of domains that came
    or went. Returns rows written. Four statements, and one where none is an account."""
    accounts = {
        pk: set() if gone or merged else {d for d in domains_of_account(values) if len(d) <= 253}
        for pk, values, gone, merged in Record.objects.filter(
            pk__in=list(record_ids), object="account"
        ).values_list("pk", "values", "deleted_at", "merged_into")
    }
    if not accounts:
        return 0
    held: dict[tuple[uuid.UUID, str], int] = {
        (record, domain): pk
        for pk, record, domain in AccountDomain.objects.filter(record__in=accounts).values_list(
            "pk", "record_id", "domain"
        )
    }
    wanted = {(pk, domain) for pk, domains in accounts.items() for domain in domains}
    gone, fresh = set(held) - wanted, wanted - set(held)
    if gone:
        AccountDomain.objects.filter(pk__in=[held[one] for one in gone]).delete()
    if fresh:
        AccountDomain.objects.bulk_create(
            [AccountDomain(record_id=pk, domain=d, root=root_of(d)) for pk, d in sorted(fresh)],
            ignore_conflicts=True,
        )
    if gone or fresh:
        touch_people({domain for _, domain in gone | fresh}, now)
    return len(gone) + len(fresh)


def touch_people(domains: Collection[str], now: datetime) -> int:
    """Say that everybody whose address lies in, or under, the roots of these domains has to be matched again. Returns
    how many. One statement, by the index of domains."""
    free = freemail()
    roots = sorted({root_of(domain) for domain in domains if domain and domain not in free})
    return _touch_under(roots, now)


def _touch_under(names: Sequence[str], now: datetime) -> int:
    if not names:
        return 0
    with database.cursor() as cursor:
        cursor.execute(_TOUCH_UNDER, [now, list(names)])
        count = int(cursor.rowcount)
    if count:
        ring("pipeline")
    return count


_TOUCH_UNDER = f"""
INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
SELECT DISTINCT r.id, %s::timestamptz, 0, '' FROM unnest(%s::text[]) name
JOIN records_record r ON r.object = 'person'
 AND ({MAIL_DOMAIN} = reverse(name)
  OR ({MAIL_DOMAIN} ~>=~ (reverse(name) || '.') AND {MAIL_DOMAIN} ~<~ (reverse(name) || '/')))
WHERE r.deleted_at IS NULL
"""  # noqa: S608 (all ours)


def say_domain(domain: str, *, is_free: bool, by: Person, now: datetime) -> int:
    """Say of a domain that everybody can have an address there, or that only one company's people have. Returns how
    many people are matched again. Raises ValueError for what is no domain."""
    name = domain_of_site(domain)
    if not name:
        raise ValueError(f"“{domain}” is no domain. Write it like kestrel.example.")
    FreeDomain.objects.update_or_create(domain=name, defaults={"is_free": is_free, "by": by, "at": now})
    return _touch_under([name], now)


def forget_domain(row: FreeDomain, now: datetime) -> int:
    """Take back what was said of a domain. Returns how many people are matched again."""
    row.delete()
    return _touch_under([row.domain], now)
