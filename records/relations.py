"""What `related.<name>` means: which records belong to a record, said once for every reader. No Django.

The records of one buyer are the members of its journey. An account is what a member refers to by `account` or
`converted_account`, in the member's own CRM, or what the member was matched to (`records/matching/`). A record is never
related to itself.
"""

# ruff: noqa: S608 (every piece of SQL here is ours; what isn't is a parameter)
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    """How one gets there."""

    JOURNEY = "journey"  # members of the same journey
    ACCOUNTS = "accounts"  # the accounts that members of the journey refer to
    OF_ACCOUNTS = "of_accounts"  # what refers to one of those accounts, in any journey
    REFERRING = "referring"  # what refers to this account


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """`name` as criteria write it, `object` what it leads to."""

    name: str
    object: str
    via: Via


_BUYER = (
    Relation("account", "account", Via.ACCOUNTS),
    Relation("account_deals", "deal", Via.OF_ACCOUNTS),
    Relation("account_people", "person", Via.OF_ACCOUNTS),
)
RELATIONS: dict[str, dict[str, Relation]] = {
    name: {relation.name: relation for relation in relations}
    for name, relations in {
        "person": (Relation("deals", "deal", Via.JOURNEY), *_BUYER),
        "deal": (Relation("people", "person", Via.JOURNEY), *_BUYER),
        "account": (
            Relation("people", "person", Via.REFERRING),
            Relation("deals", "deal", Via.REFERRING),
        ),
    }.items()
}


def relation(object_name: str, name: str, objects: Iterable[str] = ()) -> Relation | None:
    """What `name` means for an object: one of the usual relations, or one of `objects` in singular or plural."""
    known = RELATIONS.get(object_name, {})
    if name in known:
        return known[name]
    target = next((one for one in (*objects, "person", "deal") if name in spellings(one)), None)
    if target is None:
        return None
    twin = next(
        (one for one in known.values() if one.object == target and one.name in spellings(target)), None
    )
    via = Via.REFERRING if object_name == "account" else Via.JOURNEY
    return twin or Relation(plural(target), target, via)


def plural(name: str) -> str:
    """`deals` of `deal`, `people` of `person`, `companies` of `company`."""
    if name == "person":
        return "people"
    if name.endswith("y") and name[-2:-1] not in tuple("aeiou"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "ch", "sh")) else "s")


def spellings(name: str) -> tuple[str, ...]:
    """How a relation to an object may be written."""
    return (name, f"{name}s", plural(name))


# --- over the tables -------------------------------------------------------------------------------------------

REFERENCES = ("account", "converted_account")
"""The fields by which a record names its account: the account's id in the same CRM."""


def beside(alias: str, name: str) -> str:
    """An alias for an inner table that cannot hide `alias`."""
    return name if name != alias else f"{name}_"


def present(alias: str) -> str:
    """Deleted and merged records don't count."""
    return f'"{alias}"."deleted_at" IS NULL AND "{alias}"."merged_into_id" IS NULL'


def related_rows(found: Relation, record: str, item: str) -> tuple[str, list[str]]:
    """What stands after FROM to read the related rows of the record `record` as `item`, with its parameters.

    `item` must be neither `record`, `member` nor `other`."""
    match found.via:
        case Via.JOURNEY:
            condition = f'"{item}"."journey_id" = "{record}"."journey_id"'
        case Via.REFERRING:
            condition = _refers(item, record)
        case Via.ACCOUNTS:
            condition = f'"{item}"."id" = ANY (ARRAY({_accounts(record)}))'
        case Via.OF_ACCOUNTS:
            condition = f'"{item}"."id" = ANY (ARRAY({_of_accounts(record)}))'
    params = [found.object] * (1 + (2 * len(REFERENCES) + 1) * (found.via is Via.OF_ACCOUNTS))
    return (
        f'"records_record" "{item}" WHERE {condition} AND "{item}"."object" = %s'
        f' AND "{item}"."id" <> "{record}"."id" AND {present(item)}'
    ), params


def journeys(object_name: str, record: str) -> str:
    """The journeys that belong to a record, as a condition's right side: `journey_id = …`."""
    if object_name != "account":
        return f'"{record}"."journey_id"'
    member = beside(record, "member")
    return (
        f'ANY (ARRAY(SELECT "{member}"."journey_id" FROM "records_record" "{member}"'
        f" WHERE {_refers(member, record)} AND {present(member)}))"
    )


def history_records(object_name: str, record: str) -> str:
    """The records whose history counts for a record, as a condition's right side: `record_id = …`."""
    other = beside(record, "other")
    return (
        f'ANY (ARRAY(SELECT "{record}"."id" UNION ALL SELECT "{other}"."id" FROM "records_record" "{other}"'
        f' WHERE "{other}"."journey_id" = {journeys(object_name, record)}))'
    )


def _refers(item: str, account: str) -> str:
    """`item` names `account` as its account, or was matched to it. Only listed objects do, which the indexes rely on;
    one arm for each index."""
    own = f'"{item}"."connection_id" = "{account}"."connection_id"'
    arms = [f'({own} AND {value} = "{account}"."remote_id")' for value in _references(item)]
    arms.append(
        f'"{item}"."id" = ANY (ARRAY(SELECT "matched"."record_id" FROM "records_accountmatch" "matched"'
        f' WHERE "matched"."account_id" = "{account}"."id"))'
    )
    return f"{_is_listed(item)} AND ({' OR '.join(arms)})"


def _accounts(record: str) -> str:
    other = beside(record, "other")
    named = _from_members(
        record, f'"{other}"."object" = \'account\' AND "{other}"."remote_id" = "named"."account"'
    )
    return f"{named} UNION ALL {_matched(record)}"


def _matched(record: str) -> str:
    """Ids of the accounts that members of the record's journey were matched to."""
    member = beside(record, "member")
    return (
        f'SELECT "matched"."account_id" FROM "records_record" "{member}"'
        f' JOIN "records_accountmatch" "matched" ON "matched"."record_id" = "{member}"."id"'
        f' WHERE "{member}"."journey_id" = "{record}"."journey_id" AND {present(member)}'
        ' AND "matched"."account_id" IS NOT NULL'
    )


def _of_accounts(record: str) -> str:
    """One part for each field, so that each finds its index, and one for what was matched."""
    other, account, theirs = beside(record, "other"), beside(record, "held"), beside(record, "theirs")
    parts = [
        _from_members(
            record, f'"{other}"."object" = %s AND {_is_listed(other)} AND {value} = "named"."account"'
        )
        for value in _references(other)
    ]
    parts += [
        f'SELECT "{other}"."id" FROM "records_record" "{account}" JOIN "records_record" "{other}"'
        f' ON "{other}"."connection_id" = "{account}"."connection_id" AND "{other}"."object" = %s'
        f' AND {_is_listed(other)} AND {value} = "{account}"."remote_id"'
        f' WHERE "{account}"."id" = ANY (ARRAY({_matched(record)}))'
        for value in _references(other)
    ]
    parts.append(
        f'SELECT "{other}"."id" FROM "records_accountmatch" "{theirs}" JOIN "records_record" "{other}"'
        f' ON "{other}"."id" = "{theirs}"."record_id" AND "{other}"."object" = %s'
        f' WHERE "{theirs}"."account_id" = ANY (ARRAY({_accounts(record)}))'
    )
    return " UNION ALL ".join(parts)


def _from_members(record: str, condition: str) -> str:
    """Ids of records of a member's own CRM, for each account that a member of the record's journey names."""
    member, other = beside(record, "member"), beside(record, "other")
    named = ", ".join(f"({value})" for value in _references(member))
    return (
        f'SELECT "{other}"."id" FROM "records_record" "{member}" CROSS JOIN LATERAL (VALUES {named}) "named"("account")'
        f' JOIN "records_record" "{other}" ON "{other}"."connection_id" = "{member}"."connection_id" AND {condition}'
        f' WHERE "{member}"."journey_id" = "{record}"."journey_id" AND {present(member)}'
    )


def _references(item: str) -> list[str]:
    return [f'("{item}"."values" ->> \'{name}\')' for name in REFERENCES]


def _is_listed(item: str) -> str:
    return f"\"{item}\".\"object\" IN ('person', 'deal', 'account')"
