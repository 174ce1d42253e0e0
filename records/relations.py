"""What `related.<name>` means: which records belong to a record, said once for every reader. No Django.

The records of one buyer are the members of its journey. An account is what a member refers to by `account` or
`converted_account`, in the member's own CRM. A record is never related to itself.
"""

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


@dataclass(frozen=True, slots=True)
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
