"""The starter model: what of it this installation can use, and putting that in force.

The files name teams by their purpose and the CRMs by their kind; here both become those of the installation."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pghistory
from django.db import transaction

from definitions.files.model_files import Applied, ModelTree, apply, context_from_db, load
from definitions.models import Version
from definitions.sections import Body, Context, Fault, Part, sections
from definitions.versions import load_model
from records.models import Connection
from teams.models import Person, Team

STARTER_MODEL = Path(__file__).resolve().parents[1] / "starter_model"

Order = Literal["sql_before_sal", "sal_before_sql"]
ORDERS: Mapping[Order, str] = {
    "sql_before_sal": "MQL → SQL → SAL: qualified in a conversation first, then accepted by the account executive",
    "sal_before_sql": "MQL → SAL → SQL: accepted by Sales first, then qualified in a conversation",
}
Name = tuple[str, str]
_ACCEPTED: Name = ("definitions", "sal")
_ACCEPTED_STAGE: Name = ("stages", "sal")

# What the files say is for SQL before SAL; the other way round the two words mean this.
_SAL_FIRST: Mapping[Name, Mapping[str, Any]] = {
    ("definitions", "sal"): {
        "owner": "sdr",
        "text": "An MQL that Sales accepted and so committed to work within the agreed time.",
        "examples": ["The rep took the lead and set it to Working."],
        "play": "Call within the hour.",
        "criteria": {"field": "lead_status", "op": "is_any_of", "value": ["Working", "Qualified", "Converted"]},
    },
    ("definitions", "sql"): {
        "text": "A lead that Sales had accepted and that a conversation confirmed: need, authority and timeline.",
    },
    ("stages", "sal"): {
        "order": 25,
        "owner": "sdr",
        "sentence": "Sales accepted it and works it within the agreed time.",
        "claimed_when": {
            "connection": "salesforce", "object": "person", "field": "lead_status", "values": ["Working"],
        },
    },
}  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """What of the starter model can't be set up yet, and why. ``part`` '' is all of it, else a part that is missing."""

    section: str
    key: str
    name: str
    part: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        what = f"{self.name}, {self.part}" if self.part else self.name
        return f"{what}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class Prepared:
    """``bodies``: section -> key -> body, all of which parse. ``left_out``: the rest."""

    bodies: Mapping[str, Mapping[str, Any]]
    left_out: tuple[LeftOut, ...]

    def each(self) -> Iterator[tuple[str, str, Any]]:
        for section, items in self.bodies.items():
            for key, body in items.items():
                yield section, key, body


@cache
def _read() -> Mapping[str, Mapping[str, Body]]:
    """The files come with the program: read once, and copied by whoever changes them."""
    return load(STARTER_MODEL).bodies


def prepare(now: datetime, *, order: Order | None = None, only: Collection[Name] | None = None) -> Prepared:
    """What of the starter model can be used here. Without ``order`` the stage SAL is left out: its place is a company's
    own choice. ``only`` names what is wanted; None is everything."""
    bodies: dict[str, dict[str, dict[str, Any]]] = {
        section: {key: copy.deepcopy(dict(body)) for key, body in items.items()}
        for section, items in _read().items()
        if section in sections()
    }
    if order == "sal_before_sql":
        for (section, key), more in _SAL_FIRST.items():
            bodies[section][key].update(more)
    if order is None:
        for section, key in (_ACCEPTED_STAGE, _ACCEPTED):
            bodies[section].pop(key)
    if only is not None:
        bodies = {s: {k: b for k, b in items.items() if (s, k) in only} for s, items in bodies.items()}
    teams, crms = _teams(), _crms()
    bodies = {s: {k: _named_here(b, teams, crms) for k, b in items.items()} for s, items in bodies.items()}
    return _usable(bodies, context_from_db(ModelTree({}), now))


def load_starter_model(
    now: datetime,
    effective_from: datetime | None = None,
    *,
    by: Person | None = None,
    order: Order | None = None,
    only: Collection[Name] | None = None,
    as_drafts: bool = False,
    more: Mapping[str, Mapping[str, Body]] | None = None,
) -> Loaded:
    """Put what can be used of the starter model in force, for a first start; what was ever in force is left alone.

    ``effective_from`` may lie in the past, so that history is judged by it. ``as_drafts``: for the teams to agree.
    ``more``: section -> key -> what this installation says beside the starter's own words."""
    added = more or {}
    prepared = prepare(now, order=order, only=only)
    model = load_model()
    missing = {
        section: {
            key: {**body, **added.get(section, {}).get(key, {})}
            for key, body in items.items()
            if not model.history(section, key)
        }
        for section, items in prepared.bodies.items()
    }
    # Together with what is in force, so that nothing looks removed.
    bodies = {
        section: {**{k: v.body for k, v in model.in_force(section, now).items()}, **items}
        for section, items in missing.items()
        if items
    }
    note = "Starter model"
    with transaction.atomic(), pghistory.context(starter_model=True, by=by.email if by else ""):
        # Nobody's agreement is passed over: before the first start there is nothing that anybody agreed to.
        applied = apply(
            ModelTree(bodies), now=now, force=not as_drafts, effective_from=effective_from, note=note
        )
        if by is not None:
            made = [v.pk for v in (*applied.drafted, *applied.published)]
            Version.objects.filter(pk__in=made).update(created_by=by)
    return Loaded(applied, prepared.left_out)


@dataclass(frozen=True)
class Loaded:
    """What loading did, and what this installation can't have yet."""

    applied: Applied
    left_out: tuple[LeftOut, ...]

    @property
    def published(self) -> tuple[Version, ...]:
        return self.applied.published

    @property
    def drafted(self) -> tuple[Version, ...]:
        return self.applied.drafted

    @property
    def retired(self) -> tuple[str, ...]:
        return self.applied.retired


# --- the installation's own names ------------------------------------------------------------------------------


def _teams() -> dict[str, str]:
    """Team of the files -> team here: the one of that key, else the first of that purpose."""
    rows = list(Team.objects.order_by("key").values_list("key", "purpose"))
    keys = {key for key, _ in rows}
    by_purpose: dict[str, str] = {}
    for key, purpose in rows:
        by_purpose.setdefault(purpose, key)
    return {purpose: key for purpose, key in by_purpose.items() if purpose not in keys}


def _crms() -> dict[str, str]:
    """Connection of the files -> connection here: the one of that name or kind, else the only CRM there is."""
    kinds = [Connection.Kind.SALESFORCE, Connection.Kind.HUBSPOT]
    crms = list(Connection.objects.filter(kind__in=kinds).order_by("is_sandbox", "name"))
    found: dict[str, str] = {}
    for kind in kinds:
        named = [c.name for c in crms if c.name == kind.value] + [c.name for c in crms if c.kind == kind]
        if named or len(crms) == 1:
            found[kind.value] = (named or [crms[0].name])[0]
    return {old: new for old, new in found.items() if old != new}


_TEAM_KEYS = frozenset(
    {
        "owner", "from_team", "to_team", "agreed_by", "shared_with", "teams", "owner_in_team", "touch_by_team",
        "meeting_booked", "meeting_held",
    }
)  # fmt: skip
_CRM_KEYS = frozenset({"in", "connection"})


def _named_here(body: Any, teams: Mapping[str, str], crms: Mapping[str, str]) -> Any:
    def renamed(value: Any, names: Mapping[str, str]) -> Any:
        if isinstance(value, list):
            return list(dict.fromkeys(names.get(v, v) for v in value))
        return names.get(value, value) if isinstance(value, str) else value

    if isinstance(body, list):
        return [_named_here(part, teams, crms) for part in body]
    if not isinstance(body, Mapping):
        return body
    return {
        name: renamed(value, teams)
        if name in _TEAM_KEYS
        else renamed(value, crms)
        if name in _CRM_KEYS
        else _named_here(value, teams, crms)
        for name, value in body.items()
    }


# --- what can be used ------------------------------------------------------------------------------------------


def _usable(bodies: Mapping[str, Mapping[str, Any]], context: Context) -> Prepared:
    """Take away what this catalogue and these teams can't have, until the rest parses: parts first, then the whole."""
    wanted = {section: dict(items) for section, items in bodies.items()}
    left_out: list[LeftOut] = []
    while True:
        here = replace(
            context, bodies={s: {**context.bodies.get(s, {}), **wanted.get(s, {})} for s in sections()}
        )
        gone = 0
        for section, items in wanted.items():
            for key, body in list(items.items()):
                faults = sections()[section].parse(key, body, here)
                if not faults:
                    continue
                gone += 1
                name = str(body.get("name") or key)
                parts = {_part_of(f.path) for f in faults}
                if None in parts:
                    del items[key]
                    left_out.append(LeftOut(section, key, name, "", _reasons(faults)))
                    continue
                for part in sorted((p for p in parts if p), key=str, reverse=True):
                    told = [f for f in faults if _part_of(f.path) == part]
                    words = _without(body, part)
                    if words:
                        left_out.append(LeftOut(section, key, name, words, _reasons(told)))
        if not gone:
            return Prepared({s: items for s, items in wanted.items() if items}, tuple(left_out))


def _reasons(faults: Sequence[Fault]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.text for f in faults))[:4]


def _part_of(path: Sequence[Part]) -> tuple[Part, ...] | None:
    """The part of a body that can go without the rest; None for what it can't do without."""
    match list(path):
        case ["exclusions" | "already_known" | "key_fields", int(i), *_]:
            return (path[0], i)
        case ["key_fields" | "definition" | "receiver" | "buyer_words" | "pause_while" | "cancel_when", *_]:
            return (path[0],)
        case ["targets", int(i), "when", *_]:
            return ("targets", i)
        case ["stages", int(i), "exit_criteria" | "entry_criteria" | "key_fields" | "reason" as what, *_]:
            return ("stages", i, what)
        case ["form", int(i), "known_from", *_]:
            return ("form", i, "known_from")
    return None


def _without(body: Any, part: tuple[Part, ...]) -> str:
    """Remove a part from a body; its name in words, '' for what nobody misses."""
    match part:
        case ("exclusions", int(i)):
            return f"never counts: {body['exclusions'].pop(i)['name']}"
        case ("targets", int(i)):
            return f"the time for “{body['targets'].pop(i).get('name', '')}”"
        case (str(name), int(i)):
            body[name].pop(i)
            return ""
        case (str(name),):
            body.pop(name)
            return "its definition" if name == "definition" else ""
        case ("stages", int(i), str(what)):
            body["stages"][i].pop(what)
            stage = body["stages"][i]["name"]
            return f"what must be true to leave {stage}" if what == "exit_criteria" else ""
        case (str(name), int(i), str(what)):
            body[name][i].pop(what)
            return ""
    raise ValueError(f"no part: {part}")
