"""What a file and its columns probably mean, told from their names and values. Pure; a person has the last word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from integrations.csv.profile import Column

ROLES = {
    "": "Leave it out",
    "id": "The record’s id",
    "field": "A field",
    "owner": "Who owns it",
    "owner_name": "The owner’s name",
    "owner_email": "The owner’s e-mail",
    "created": "When it was created",
    "modified": "When it last changed",
    "since": "The day a field got a value",
    "what": "What happened",
    "when": "When it happened",
    "link": "The id of another record",
}
LOG_ONLY = frozenset({"what", "when"})
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "id": "id uid uuid key record_id recordid number nr no ref reference customer_number customer_no "
        "contact_number lead_number deal_number kundennummer kunden_nr kundennr nummer",
        "email": "email e_mail mail email_address e_mail_address work_email",
        "first_name": "first_name firstname given_name forename vorname",
        "last_name": "last_name lastname surname family_name nachname",
        "company": "company company_name account account_name organisation organization employer firma customer",
        "name": "name title deal_name opportunity_name opportunity deal full_name",
        "phone": "phone phone_number telephone mobile mobile_phone tel telefon telefonnummer mobil",
        "amount": "amount value deal_value close_value deal_amount revenue price amount_req total",
        "stage": "stage deal_stage status lifecycle_stage lead_status stage_name state pipeline_stage phase",
        "owner": "owner owner_id sales_agent sales_rep rep agent assigned_to assignee account_executive owner_name "
        "ownerid sr_id seller responsible resource hubspot_owner_id",
        "owner_email": "owner_email owner_mail sales_agent_email rep_email",
        "created": "created created_at create_date created_date date_created date_added added_on created_on createdate "
        "first_contact_date reg_date registration_date start_date startdate",
        "modified": "modified modified_at last_modified last_modified_date updated updated_at last_updated "
        "last_activity_date lastmodifieddate systemmodstamp",
        "what": "activity event action concept_name event_name activity_name step",
        "when": "timestamp time_timestamp time event_time occurred_at happened_at datetime complete_timestamp",
        "case": "case case_id case_concept_name caseid trace_id ticket_id application_id",
        "source": "source lead_source origin utm_source channel",
        "subject": "subject topic",
        "domain": "domain website web_site url homepage",
    }.items()
}
_OBJECT_SIGNS: Mapping[str, frozenset[str]] = {
    "person": frozenset({"email", "first_name", "last_name", "phone"}),
    "deal": frozenset({"amount", "stage", "case"}),
    "account": frozenset({"domain"}),
    "activity": frozenset({"subject"}),
}
_OBJECT_NAMES: Mapping[str, tuple[str, ...]] = {
    "person": ("lead", "contact", "person", "people", "mql", "prospect"),
    "deal": ("deal", "opportunit", "pipeline", "application", "loan", "ticket"),
    "account": ("account", "compan", "customer", "organi"),
    "activity": ("call", "meeting", "task", "activit", "email"),
}
_DATE_END = re.compile(r"^(?:date_)?(.+?)_?(?:date|at|on|time|timestamp|day)$")
_WON_LOST = re.compile(r"won|lost|closed|cancel|declin|reject", re.IGNORECASE)
_STAGE_WORDS = frozenset(
    {
        "won", "lost", "mql", "sql", "sal", "qualified", "engaged", "contacted", "demo", "proposal", "negotiation",
        "signed", "accepted", "approved", "opportunity", "customer", "activated", "onboarded", "churned",
    }
)  # fmt: skip
_NAMING = frozenset({"email", "company", "name"})
_PERSONAL = frozenset({"email", "first_name", "last_name", "phone"})


@dataclass(frozen=True)
class Choice:
    """What one column is. ``field``: a name or label; ``value`` or ``value_from`` of ``since``; ``to`` of ``link``."""

    role: str = ""
    field: str = ""
    type: str = "text"
    way: str = ""
    decimal: str = ""
    value: str = ""
    value_from: str = ""
    to: str = ""
    is_personal: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


@dataclass(frozen=True)
class Guess:
    object: str
    remote_object: str
    is_log: bool
    only_column: str
    only_value: str
    columns: list[Choice]


def plain(name: str) -> str:
    """``Deal Stage``, ``dealStage`` and ``deal-stage`` are ``deal_stage``; ``Größe`` is ``grosse``."""
    letters = unicodedata.normalize("NFKD", _CAMEL.sub("_", name.strip()).casefold())
    return re.sub(r"[^0-9a-z]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")


def field_of(name: str) -> str:
    """What a new field is called after its column: as the column is written where plain letters would lose some."""
    return plain(name) if name.isascii() else " ".join(name.split())


def name_for(text: str, otherwise: str = "field") -> str:
    """A name of our own for a new field or kind of record."""
    found = plain(text)[:60].strip("_")
    if not found:
        return otherwise
    return found if found[0].isalpha() else f"{otherwise}_{found}"[:60]


def guess(file_name: str, columns: Sequence[Column]) -> Guess:
    signs = [_sign(column) for column in columns]
    stem = re.sub(r"\.(csv|tsv|txt|gz)\b", "", file_name.lower())
    is_log = _is_log(columns, signs)
    kind = _object(stem, signs)
    key = _id_of(columns, signs, is_log=is_log)
    found: list[Choice] = []
    for n, column in enumerate(columns):
        choice = Choice("id") if n == key else _choice(column, signs[n], columns, signs, kind, is_log=is_log)
        found.append(choice)
    found = _once(found, columns)
    if not is_log and not any(c.role in {"created", "modified", "since"} for c in found):
        # Values need a time from which they hold: the first date there is.
        first = next((n for n, c in enumerate(columns) if c.ways and found[n].role == "field"), None)
        if first is not None:
            found[first] = Choice("created", way=columns[first].ways[0])
    only = _only(columns, signs) if is_log else ("", "")
    return Guess(kind, name_for(stem, "records"), is_log, *only, found)


def _sign(column: Column) -> str:
    name = plain(column.name)
    for sign, words in _WORDS.items():
        if name in words:
            return sign
    if "owner" in name.split("_") and "@" in "".join(column.samples):
        return "owner_email"
    # e-mail of whom nobody says is of the person
    return "email" if column.samples and all("@" in s and "." in s for s in column.samples) else ""


def _is_log(columns: Sequence[Column], signs: Sequence[str]) -> bool:
    """A time and what happened, and no column that tells one row from another for itself by its name."""
    whats = [c for c, s in zip(columns, signs, strict=True) if s == "what"]
    whens = [c for c, s in zip(columns, signs, strict=True) if s == "when" and c.ways]
    keys = [c for c, s in zip(columns, signs, strict=True) if s in {"case", "id"}]
    return bool(whats and whens and any(not c.is_unique for c in keys))


def _object(stem: str, signs: Sequence[str]) -> str:
    scores = {
        kind: sum(1 for s in set(signs) if s in wanted)
        + 2 * any(word in stem for word in _OBJECT_NAMES[kind])
        for kind, wanted in _OBJECT_SIGNS.items()
    }
    best = max(scores, key=lambda kind: scores[kind])
    return best if scores[best] else "person"


def _id_of(columns: Sequence[Column], signs: Sequence[str], *, is_log: bool) -> int | None:
    def rank(n: int) -> tuple[int, int]:
        column, is_named = columns[n], signs[n] in {"id", "case"} or plain(columns[n].name).endswith("id")
        by_name = 0 if signs[n] == "case" else 1 if is_named else 2 if signs[n] in _NAMING else 3
        return by_name, 0 if column.kind in {"text", "number", "picklist"} else 1

    most = max(column.filled for column in columns)
    able = [
        n
        for n, column in enumerate(columns)
        if column.filled >= min(most - 1, most * 0.9)
        and not column.ways
        and (column.is_unique or (rank(n)[0] < 2 and (is_log or column.is_nearly_unique)))
    ]
    able = [n for n in able if rank(n)[0] < 3] or able
    return min(able, key=rank, default=None)


def _choice(
    column: Column, sign: str, columns: Sequence[Column], signs: Sequence[str], kind: str, *, is_log: bool
) -> Choice:
    way = column.ways[0] if column.ways else ""
    if not column.filled:
        return Choice()
    if is_log and sign == "what":
        return Choice("what", field="stage", type="picklist")
    if is_log and sign == "when" and way:
        return Choice("when", way=way)
    if sign in {"created", "modified"} and way:
        return Choice(sign, way=way)
    if sign in {"owner", "owner_email"}:
        return Choice(sign, field="owner")
    if way and not is_log and (since := _since(column, columns, signs)):
        return replace(since, way=way)
    field = (
        sign
        if sign and sign not in {"id", "case", "what", "when", "created", "modified"}
        else field_of(column.name)
    )
    if sign == "company" and kind == "account":
        field = "name"
    types = {"email": "text", "phone": "text", "stage": "picklist", "amount": "money"}
    type_ = types.get(field, column.kind)
    if type_ == "money" and column.kind not in {"number", "boolean"}:
        field, type_ = field_of(column.name), column.kind
    return Choice(
        "field", field=field, type=type_, way=way, decimal=column.decimal, is_personal=field in _PERSONAL
    )


def _since(column: Column, columns: Sequence[Column], signs: Sequence[str]) -> Choice | None:
    """``engage_date`` beside a stage that can be Engaging: since then it was. ``close_date``: it became what it is."""
    ended = _DATE_END.match(plain(column.name))
    if ended is None:
        return None
    stem = ended[1].strip("_")
    stages = [c for c, s in zip(columns, signs, strict=True) if s == "stage" and c.options]
    if not stages:
        return Choice("since", field="stage", type="picklist", value=stem) if stem in _STAGE_WORDS else None
    stage = stages[0]
    values = [value for value, _ in stage.options]
    if stem in {"close", "closed"} and any(_WON_LOST.search(v) for v in values):
        return Choice("since", field="stage", type="picklist", value_from=stage.name)
    like = [v for v in values if plain(v).startswith(stem[:5]) or stem.startswith(plain(v)[:5])]
    return Choice("since", field="stage", type="picklist", value=like[0]) if like and len(stem) > 2 else None


def _once(choices: Sequence[Choice], columns: Sequence[Column]) -> list[Choice]:
    """Each role that can stand once, and each field, goes to the first column that has it."""
    taken: set[str] = set()
    found: list[Choice] = []
    for choice, column in zip(choices, columns, strict=True):
        one = choice
        if one.role in {"created", "modified", "what", "when", "owner", "owner_email", "owner_name"}:
            if one.role in taken:
                one = Choice("field", field=field_of(column.name), type=column.kind, way=choice.way)
            taken.add(choice.role)
        if one.role == "field":
            name = one.field if f"field:{one.field}" not in taken else field_of(column.name)
            count, stem = 1, name
            while f"field:{name}" in taken:
                count += 1
                name = f"{stem}_{count}"
            taken.add(f"field:{name}")
            one = replace(one, field=name)
        found.append(one)
    return found


def _only(columns: Sequence[Column], signs: Sequence[str]) -> tuple[str, str]:
    """Logs of work tell of each step more than once: only its end counts."""
    for column in columns:
        if "lifecycle" in plain(column.name):
            for value, _ in column.options:
                if value.lower() == "complete":
                    return column.name, value
    return "", ""
