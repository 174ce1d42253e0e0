"""``seed``: people, teams, connections with mappings, and the operating model, from plain data; safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from definitions.files.model_files import ModelTree, apply
from definitions.files.starter import ORDERS, load_starter_model
from integrations.setup import ensure_connection
from teams.models import Absence, Person
from teams.services import ensure_people

KEYS = frozenset(
    {
        "business_units",
        "teams",
        "people",
        "absences",
        "connections",
        "model",
        "starter_model",
        "starter_additions",
        "effective_from",
    }
)


class SeedError(ValueError):
    """The seed can't be meant; the text names the place and the remedy."""


def seed(data: Mapping[str, Any], now: datetime) -> list[str]:
    """Make it so, in one transaction; what was done, in sentences.

    ``data``: ``business_units`` and ``teams`` [{key, name, purpose?}], ``people`` (``teams.services.ensure_people``),
    ``absences`` [{person, starts_at, ends_at, cover?, entered_at?}] (e-mails; only for whom none is known yet),
    ``connections`` (see ``integrations.setup.ensure_connection``), ``model`` (section -> key -> body, as the model
    files have it), ``starter_model`` (what is missing of it: "sql_before_sal" or "sal_before_sql" says where the stage
    SAL stands, true leaves it out), ``starter_additions`` (section -> key -> what this installation says beside the
    starter's own words, such as the people of working hours), ``effective_from`` (ISO instant: since when the model is
    in force; default now).
    Raises SeedError, and the errors of those functions.
    """
    unknown = sorted(set(data) - KEYS)
    if unknown:
        raise SeedError(f"unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
    since = _moment("effective_from", data) or now
    said = []
    with transaction.atomic():
        people = ensure_people(
            data.get("people", []),
            teams=data.get("teams", []),
            business_units=data.get("business_units", []),
            now=now,
        )
        said.append(f"people: {people}")
        if absences := _add_absences(data.get("absences", []), now):
            said.append(f"absences: {absences}")
        said += [f"connection: {ensure_connection(spec, now).name}" for spec in data.get("connections", [])]
        if told := data.get("starter_model"):
            said += _load_starter_model(told, now, since, data.get("starter_additions"))
        if model := data.get("model"):
            done = apply(ModelTree(model), now=now, force=True, effective_from=since, note="seed")
            said.append(f"model: {done}")
    return said


def _add_absences(rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """How many were added. Raises SeedError for a row that can't be meant."""
    emails = {str(row[side]).lower() for row in rows for side in ("person", "cover") if row.get(side)}
    people = {p.email.lower(): p for p in Person.objects.filter(email__in=emails)}
    if unknown := sorted(emails - set(people)):
        raise SeedError(f"absences: there is nobody with the address {unknown[0]!r}")
    known = set(Absence.objects.filter(person__in=people.values()).values_list("person_id", flat=True))
    fresh = []
    for number, row in enumerate(rows, start=1):
        starts_at, ends_at = _moment("starts_at", row), _moment("ends_at", row)
        if not row.get("person") or starts_at is None or ends_at is None or ends_at <= starts_at:
            raise SeedError(f"absences, row {number}: say person, starts_at and a later ends_at")
        person = people[str(row["person"]).lower()]
        if person.pk not in known:
            cover = people[str(row["cover"]).lower()] if row.get("cover") else None
            entered_at = _moment("entered_at", row) or now
            fresh.append(
                Absence(
                    person=person, starts_at=starts_at, ends_at=ends_at, cover=cover, entered_at=entered_at
                )
            )
    Absence.objects.bulk_create(fresh)
    return len(fresh)


def _load_starter_model(
    told: Any, now: datetime, since: datetime, more: Mapping[str, Any] | None
) -> list[str]:
    order = next((one for one in ORDERS if one == told), None)
    if order is None and told is not True:
        raise SeedError(f"starter_model must be true or one of {', '.join(ORDERS)}, not {told!r}")
    loaded = load_starter_model(now, since, order=order, more=more)
    said = [f"starter model: {len(loaded.published)} in force"]
    if order is None:
        said.append(f"starter model: no stage SAL; name its place: {' or '.join(ORDERS)}")
    return said + [f"starter model, left out: {one}" for one in loaded.left_out]


def _moment(name: str, of: Mapping[str, Any]) -> datetime | None:
    value = of.get(name)
    if value is None or isinstance(value, datetime):
        return value
    found = parse_datetime(str(value))
    if found is None or found.tzinfo is None:
        raise SeedError(f"{name} must be an ISO instant with offset, not {value!r}")
    return found
