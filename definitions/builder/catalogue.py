"""What the editor of conditions offers: the live catalogue with how often fields are filled and what stands in them.

Values and rates come from a sample of the records that the viewer may read, kept for some minutes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection

from definitions.bodies import PIPELINES, STAGES
from definitions.builder.sampling import sample_of
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue
from definitions.criteria.operators import OPERATORS, Takes
from definitions.criteria.parsing.lists import ACTIVITY_KINDS, EVERY_KIND, STAGE_OPS, TIMED_STAGE_OPS
from definitions.models import Signal
from definitions.versions import versions_in_force
from records.kinds import RECORD_KINDS, declared_kinds
from records.models import CatalogueField, FieldMapping, OwnerMatch, Record
from records.relations import RELATIONS
from teams.access import business_units_of
from teams.models import Person

SAMPLE = 2_000
SAMPLES_SHOWN = 5
LONGEST_SAMPLE = 40
KEPT_SECONDS = 600
MOST_SIGNALS = 200

OPERATOR_WORDS = {
    "is": "is", "is_not": "is not", "is_any_of": "is any of", "is_none_of": "is none of", "contains": "contains",
    "starts_with": "starts with", "at_least": "is at least", "at_most": "is at most", "more_than": "is more than",
    "less_than": "is less than", "between": "is between", "is_true": "is yes", "is_false": "is no",
    "before": "is before", "after": "is after", "is_on": "is on", "within_last": "is within the last",
    "within_next": "is within the next", "more_than_ago": "is longer ago than", "includes_any": "includes any of",
    "includes_all": "includes all of", "includes_none": "includes none of", "is_empty": "is empty",
    "is_not_empty": "is filled",
}  # fmt: skip
TAKES_WORDS = {
    Takes.NOTHING: "nothing", Takes.ONE: "one", Takes.MANY: "many", Takes.RANGE: "range", Takes.WINDOW: "window",
}  # fmt: skip
STAGE_WORDS = {
    "is_in": "is the stage now", "is_not_in": "is not the stage now", "has_been": "was reached",
    "has_never_been": "was never reached", "in_for_at_least": "is the stage, for at least",
    "in_for_less_than": "is the stage, for less than", "entered_within_last": "was entered within the last",
}  # fmt: skip
ACTIVITY_WORDS = {
    "call": "Calls", "email": "E-mails", "meeting": "Meetings", "task": "Tasks", "message": "Messages",
    "any": "Activities of any kind",
}  # fmt: skip
RELATION_WORDS = {
    "deals": "Deals", "people": "People", "account": "Account", "account_deals": "Deals of the account",
    "account_people": "People of the account",
}  # fmt: skip
OBJECT_WORDS = {"person": "People", "deal": "Deals", "account": "Accounts", "activity": "Activities"}


def builder_catalogue(viewer: Person, now: datetime) -> dict[str, Any]:
    """Everything the editor needs, ready for JSON: objects with their fields, operators, and what lists there are."""
    catalogue = catalogue_from_db()
    connections = _connections_of_fields()
    personal = _personal_fields()
    return {
        "objects": {
            name: {
                "label": OBJECT_WORDS.get(name, name.capitalize()),
                "fields": _fields(name, catalogue, connections, personal, viewer),
            }
            for name in catalogue.objects
        },
        "operators": [
            {
                "name": one.name,
                "words": OPERATOR_WORDS.get(one.name, one.name.replace("_", " ")),
                "types": sorted(one.types),
                "takes": TAKES_WORDS[one.takes],
            }
            for one in OPERATORS.values()
        ],
        "activities": [
            {"name": kind, "label": ACTIVITY_WORDS[kind]} for kind in (*ACTIVITY_KINDS, EVERY_KIND)
        ],
        "relations": _relations(catalogue),
        "stages": _stages(now),
        "stage_operators": [
            {
                "name": op,
                "words": STAGE_WORDS[op],
                "takes": "window" if op in TIMED_STAGE_OPS else "nothing",
            }
            for op in (*STAGE_OPS, *TIMED_STAGE_OPS)
        ],
        "events": _events(catalogue),
        "currencies": [{"name": one.code, "label": one.code} for one in catalogue.currencies],
    }


def _fields(
    object_name: str,
    catalogue: Catalogue,
    connections: Mapping[tuple[str, str], list[str]],
    personal: frozenset[tuple[str, str]],
    viewer: Person,
) -> list[dict[str, Any]]:
    filled, samples = _seen_of(object_name, viewer)
    return [
        {
            "name": one.name,
            "label": one.label,
            "type": one.type.value,
            "options": [{"value": value, "label": label} for value, label in one.options.items()],
            "connections": connections.get((object_name, one.name), []),
            "fill": filled.get(one.name),
            "samples": []
            if (object_name, one.name) in personal or one.options
            else samples.get(one.name, []),
        }
        for one in sorted(catalogue.objects[object_name].values(), key=lambda f: f.label.lower())
    ]


def _connections_of_fields() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    rows = FieldMapping.objects.order_by("connection__label").values_list(
        "field__object", "field__name", "connection__label"
    )
    for object_name, name, label in rows.distinct():
        found[object_name, name].append(label)
    return found


def _personal_fields() -> frozenset[tuple[str, str]]:
    return frozenset(CatalogueField.objects.filter(is_personal=True).values_list("object", "name"))


def _relations(catalogue: Catalogue) -> dict[str, list[dict[str, str]]]:
    """Only what leads to an object whose fields are known."""
    return {
        name: [
            {"name": key, "label": RELATION_WORDS.get(key, key.replace("_", " ")), "object": one.object}
            for key, one in relations.items()
            if one.object in catalogue.objects
        ]
        for name, relations in RELATIONS.items()
    }


def _stages(now: datetime) -> list[dict[str, str]]:
    lifecycle = versions_in_force(STAGES, now)
    ordered = sorted(lifecycle, key=lambda key: (lifecycle[key].body.get("order") or 0, key))
    found = [{"name": key, "label": f"Stage: {lifecycle[key].body.get('name') or key}"} for key in ordered]
    for key, version in sorted(versions_in_force(PIPELINES, now).items()):
        pipeline = version.body.get("name") or key
        found += [
            {"name": f"{key}/{stage['key']}", "label": f"{pipeline}: {stage.get('name') or stage['key']}"}
            for stage in version.body.get("stages") or ()
        ]
    return found


def _events(catalogue: Catalogue) -> list[dict[str, str]]:
    if catalogue.events is not None:
        return [{"name": name, "label": _event_words(name)} for name in sorted(catalogue.events)]
    of_records = {kind.name for kind in RECORD_KINDS}
    found = [
        {"name": kind.name, "label": _sentence(kind.sentence)}
        for kind in declared_kinds().values()
        if kind.name not in of_records and "{field}" not in kind.sentence
    ]
    found += [
        {"name": f"signal.{name}", "label": f"Signal: {name.replace('_', ' ')}"} for name in _signal_names()
    ]
    return [*found, {"name": "signal.", "label": "Signal: another one …"}]


def _event_words(name: str) -> str:
    kind = declared_kinds().get(name)
    return _sentence(kind.sentence) if kind else name.replace("_", " ").replace(".", ": ").capitalize()


def _sentence(sentence: str) -> str:
    text = sentence.replace("{actor} ", "").strip()
    return text[:1].upper() + text[1:]


def _signal_names() -> list[str]:
    found: list[str] | None = cache.get("builder-signals")
    if found is None:
        names = Signal.objects.order_by("name").values_list("name", flat=True).distinct()
        found = list(names[:MOST_SIGNALS])
        cache.set("builder-signals", found, KEPT_SECONDS)
    return found


# --- what stands in the fields ---------------------------------------------------------------------------------

_SEEN = """
WITH sample AS MATERIALIZED ({sample}), pairs AS MATERIALIZED (
    SELECT p.key, p.value FROM sample s, jsonb_each(s.values) p
), counted AS (
    SELECT key, value #>> '{{}}' AS text, count(*) AS number FROM pairs
    WHERE jsonb_typeof(value) IN ('string', 'number') AND length(value #>> '{{}}') BETWEEN 1 AND %s GROUP BY 1, 2
), ranked AS (
    SELECT key, text, number, row_number() OVER (PARTITION BY key ORDER BY number DESC, text) AS place FROM counted
)
SELECT f.key, f.filled, f.known, (
    SELECT jsonb_agg(r.text ORDER BY r.place) FROM ranked r WHERE r.key = f.key AND r.place <= %s
) FROM (
    SELECT key, count(*) AS known,
        count(*) FILTER (WHERE value NOT IN ('null'::jsonb, '""'::jsonb, '[]'::jsonb)) AS filled
    FROM pairs GROUP BY key
) f
"""


def _seen_of(object_name: str, viewer: Person) -> tuple[dict[str, float], dict[str, list[dict[str, str]]]]:
    """(share filled of those known, most common values) by field, among the viewer's records."""
    units = sorted(business_units_of(viewer).values_list("pk", flat=True))
    key = f"builder-seen:{object_name}:{','.join(map(str, units))}"
    kept = cache.get(key)
    if kept is None:
        kept = _see(object_name, viewer)
        cache.set(key, json.dumps(kept), KEPT_SECONDS)
        return kept
    filled, samples = json.loads(kept)
    return filled, samples


def _see(object_name: str, viewer: Person) -> tuple[dict[str, float], dict[str, list[dict[str, str]]]]:
    population = Record.objects.for_person(viewer).present().filter(object=object_name)
    sample = sample_of(population, SAMPLE)
    if sample is None:
        return {}, {}
    text, params = sample.values("values").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_SEEN.format(sample=text), [*params, LONGEST_SAMPLE, SAMPLES_SHOWN])
        rows = cursor.fetchall()
    references = set(
        CatalogueField.objects.filter(object=object_name, type="reference").values_list("name", flat=True)
    )
    filled, samples = {}, {}
    for name, number, known, values in rows:
        filled[name] = number / known
        samples[name] = json.loads(values) if isinstance(values, str) else (values or [])
    names = _owner_names({value for name in references for value in samples.get(name, ())})
    return filled, {
        name: [{"value": value, "label": names[value]} for value in values if value in names]
        if name in references
        else [{"value": value} for value in values]
        for name, values in samples.items()
    }


def _owner_names(remote_ids: Iterable[str]) -> dict[str, str]:
    """Who an owner's id is; other ids say nothing to a reader."""
    return dict(OwnerMatch.objects.filter(remote_id__in=list(remote_ids)).values_list("remote_id", "name"))
