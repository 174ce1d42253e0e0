"""What a group of the identity provider gives: a role, a team, a business unit. Pure; told by sign-in and by SCIM."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

ROLES = ("rep", "manager", "leader", "revops_admin", "system_admin")
LOWEST_ROLE = "rep"
"""That of whoever is in no group that gives one."""


class GroupRuleError(ValueError):
    """A line can't be meant; the text says which and why."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """``team`` and ``unit`` are keys; what is empty is not given."""

    group: str
    role: str = ""
    team: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """What somebody's groups give them together."""

    role: str = ""
    team: str = ""
    units: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupRules:
    """``over_hand``: groups also change roles and teams that were set by hand."""

    rules: tuple[GroupRule, ...] = ()
    over_hand: bool = False
    _by_name: dict[str, GroupRule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {rule.group.casefold(): rule for rule in self.rules})

    @classmethod
    def parse(cls, text: str, *, over_hand: bool = False) -> Self:
        """From ``Group = role / team / unit; …``; each part may be empty. Raises GroupRuleError."""
        lines = [line for line in text.split(";") if line.strip()]
        rules = tuple(_parse_line(line) for line in lines)
        names = [rule.group.casefold() for rule in rules]
        for rule, name in zip(rules, names, strict=True):
            if names.count(name) > 1:
                raise GroupRuleError(f"the group “{rule.group}” stands there twice")
        return cls(rules, over_hand)

    def rule_of(self, *names: str) -> GroupRule | None:
        """The rule of a group by any of its names."""
        found = (self._by_name.get(name.strip().casefold()) for name in names if name)
        return next((rule for rule in found if rule is not None), None)

    def granted(self, groups: Iterable[str]) -> Granted:
        """The first rule in the order they stand that gives a role gives it; the same for the team; units add up."""
        held = {name.strip().casefold() for name in groups}
        rules = [rule for rule in self.rules if rule.group.casefold() in held]
        return Granted(
            role=next((rule.role for rule in rules if rule.role), ""),
            team=next((rule.team for rule in rules if rule.team), ""),
            units=frozenset(rule.unit for rule in rules if rule.unit),
        )


def _parse_line(line: str) -> GroupRule:
    name, found, given = line.rpartition("=")
    parts = [part.strip() for part in given.split("/")]
    name = name.strip()
    if not found or not name or len(parts) > 3 or not any(parts):
        raise GroupRuleError(f"“{line.strip()}” must look like “Group = role / team / unit”")
    role, team, unit = (*parts, "", "")[:3]
    if role and role not in ROLES:
        raise GroupRuleError(f"“{line.strip()}”: the role {role} is none of {', '.join(ROLES)}")
    return GroupRule(name, role, team, unit)
