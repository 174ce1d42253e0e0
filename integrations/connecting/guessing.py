"""Which remote field a logical one most likely is, and whether their types go together. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from integrations.base import RemoteField
from integrations.field_types import TYPE_WORDS
from records.canonical import Unreadable, canonical

Severity = Literal["soon", "late"]

LOGICAL_TYPES = {
    # Salesforce
    "string": "text", "textarea": "text", "email": "text", "phone": "text", "url": "text", "id": "text",
    "encryptedstring": "text", "combobox": "text", "address": "text", "reference": "reference",
    "picklist": "picklist", "multipicklist": "multi_picklist", "boolean": "boolean", "int": "number",
    "long": "number", "double": "number", "percent": "number", "currency": "money", "date": "date",
    "datetime": "datetime",
    # HubSpot
    "number": "number", "enumeration": "picklist", "bool": "boolean", "phone_number": "text",
    "checkbox": "multi_picklist",
}  # fmt: skip
"""A provider's word for a type -> what it is here. What is missing is kept as text."""

_NUMBERS = frozenset({"number", "money"})
_FITS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "picklist", "reference", "number", "money", "boolean", "date", "datetime"}),
    "number": _NUMBERS,
    "money": _NUMBERS,
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"datetime"}),
    "picklist": frozenset({"picklist", "boolean"}),
    "multi_picklist": frozenset({"multi_picklist", "picklist"}),
    "reference": frozenset({"reference", "picklist"}),
}
"""Logical type -> those that can be read as it without loss."""

ENOUGH = 60
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_FILLERS = frozenset({"the", "of", "a", "id", "hs", "is", "in", "gtm", "custom", "field", "value"})


@dataclass(frozen=True)
class Logical:
    """A logical field to find a home for."""

    name: str
    label: str
    type: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guess:
    """``why``: what it was found by, for the page."""

    remote_name: str
    why: str


@dataclass(frozen=True)
class Remark:
    severity: Severity
    text: str


def logical_type(field: RemoteField) -> str:
    """What a remote field would be here."""
    return LOGICAL_TYPES.get(field.type.lower(), "text")


def guess(
    logicals: Iterable[Logical], remotes: Mapping[str, RemoteField], usual: Mapping[str, str]
) -> dict[str, Guess]:
    """Logical field -> its likeliest home; each remote field is guessed once, the best match first."""
    found: dict[str, Guess] = {}
    wanted = list(logicals)
    for field in wanted:
        name = usual.get(field.name, "")
        if name.startswith("=") or name in remotes:
            found[field.name] = Guess(name, "always the same" if name.startswith("=") else "its usual place")
    taken = {one.remote_name for one in found.values()}
    ranked = sorted(
        (
            (-likeness(field, remote), field.name, remote.name)
            for field in wanted
            if field.name not in found
            for remote in remotes.values()
            if remote.name not in taken
        ),
    )
    for score, name, remote_name in ranked:
        if -score < ENOUGH:
            break
        if name not in found and remote_name not in taken:
            found[name] = Guess(remote_name, "the same name" if -score >= 90 else "a similar name")
            taken.add(remote_name)
    return found


def likeness(field: Logical, remote: RemoteField) -> int:
    """0 to 100: how much a remote field's name and label say that it is this one."""
    own = [_words(field.name), _words(field.label)]
    theirs = [_words(remote.name), _words(remote.label)]
    if any(mine and mine == other for mine in own for other in theirs):
        score = 95
    else:
        score = max((_overlap(mine, other) for mine in own for other in theirs), default=0)
    if not _fits(field.type, logical_type(remote)):
        score -= 40
    if not remote.is_writable and field.type not in {"boolean", "reference"}:
        score -= 3
    return max(0, score)


def nearest(
    gone: RemoteField, remotes: Mapping[str, RemoteField], taken: Collection[str] = (), most: int = 5
) -> list[tuple[RemoteField, int]]:
    """Where a field that is gone has most likely been moved to: (field, likeness), best first; likely ones only."""
    told = Logical(gone.name, gone.label, logical_type(gone), tuple(value for value, _ in gone.options))
    found = []
    for remote in remotes.values():
        if remote.name in taken:
            continue
        score = likeness(told, remote) + _shared_options(gone, remote)
        if remote.type == gone.type:
            score += 5
        if score >= 30:
            found.append((remote, min(score, 100)))
    return sorted(found, key=lambda pair: (-pair[1], pair[0].name))[:most]


def type_remark(logical: str, remote: RemoteField) -> Remark | None:
    """What is wrong about reading a remote field as a logical type; None when nothing is."""
    there = logical_type(remote)
    if _fits(logical, there):
        return None
    if logical == "datetime" and there == "date":
        return Remark("late", "It holds a day without a time, so no moment can be read from it.")
    if there == "text":
        return Remark(
            "soon", f"It is free text there: what can't be read as {TYPE_WORDS[logical]} counts as unknown."
        )
    return Remark(
        "late", f"It is {TYPE_WORDS[there]} there, not {TYPE_WORDS[logical]}: its values count as unknown."
    )


def sample_remark(logical: str, values: Sequence[Any], value_map: Mapping[str, Any]) -> Remark | None:
    """Whether real values can be read as the logical type."""
    filled = [value for value in values if value not in (None, "")]
    if not values:
        return None
    if not filled:
        return Remark("soon", "Empty in every record looked at.")
    bad = 0
    for value in filled:
        try:
            canonical(logical, value, value_map)
        except Unreadable:
            bad += 1
    if not bad:
        return None
    return Remark("late", f"{bad} of {len(filled)} values looked at can't be read as {TYPE_WORDS[logical]}.")


def guess_values(
    options: Sequence[tuple[str, str]], known: Sequence[str], usual: Mapping[str, str]
) -> dict[str, str]:
    """Remote value -> logical value, where they differ and their words tell."""
    by_words = {_words(value): value for value in known}
    found = {}
    for value, label in options:
        match = usual.get(value) or by_words.get(_words(value)) or by_words.get(_words(label)) or ""
        if match in known and match != value:
            found[value] = match
    return found


def unmatched(
    options: Sequence[tuple[str, str]], known: Sequence[str], value_map: Mapping[str, str]
) -> list[str]:
    """Remote values that come out as none of the logical field's own."""
    return [value for value, _ in options if known and str(value_map.get(value, value)) not in known]


def _fits(logical: str, there: str) -> bool:
    return there in _FITS.get(logical, frozenset()) or logical == there


def _words(text: str) -> frozenset[str]:
    plain = _CAMEL.sub(" ", re.sub(r"__[a-z]$", "", text))
    found = {word.rstrip("s") if len(word) > 3 else word for word in _OTHER.split(plain.lower()) if word}
    return frozenset(found - _FILLERS) or frozenset(found)


def _overlap(mine: frozenset[str], theirs: frozenset[str]) -> int:
    if not mine or not theirs:
        return 0
    together = "".join(sorted(mine)) == "".join(sorted(theirs))
    return 90 if together else round(85 * len(mine & theirs) / len(mine | theirs))


def _shared_options(one: RemoteField, other: RemoteField) -> int:
    mine, theirs = {v for v, _ in one.options}, {v for v, _ in other.options}
    return round(40 * len(mine & theirs) / len(mine | theirs)) if mine and theirs else 0
