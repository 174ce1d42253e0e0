"""What the criteria tests share: a catalogue, and judging in PostgreSQL."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from definitions.criteria import Catalogue, Criterion, Facts, parse

# How many trees the suites of all targets draw; the check of every change (.ci/run) draws 10,000.
EXAMPLES = int(os.environ.get("GTMOPS_AGREEMENT_EXAMPLES", "300"))
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
CATALOGUE = Catalogue.from_spec(
    {
        "person": {
            "job_title": {"type": "text", "label": "Job title"},
            "employees": {"type": "number"},
            "budget": {"type": "money", "label": "Budget"},
            "wants_demo": {"type": "boolean", "label": "Wants a demo"},
            "born_on": {"type": "date", "label": "Born on"},
            "touched_at": {"type": "datetime", "label": "Last touch"},
            "country": {"type": "picklist", "label": "Country", "options": ["DE", "FR", "US"]},
            "interests": {
                "type": "multi_picklist",
                "label": "Interests",
                "options": [{"value": "crm", "label": "CRM"}, {"value": "bi", "label": "Reports"}, "ops"],
            },
            "owner": {"type": "reference", "label": "Owner"},
        }
    }
)


def leaf(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "op": op} | ({"value": value[0]} if value else {})


def read(tree: Any) -> Criterion:
    return parse(tree, CATALOGUE, object="person")


def judge(tree: Any, values: dict[str, Any], now: datetime = NOW) -> bool | None:
    return read(tree).evaluate(Facts.from_spec({"values": values}), now).truth


def judge_in_sql(criterion: Criterion, rows: Sequence[dict[str, Any]], now: datetime) -> list[bool | None]:
    """Judge all rows in one statement, as the product judges a population."""
    expression, params = criterion.to_sql("r", now)
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {expression} FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS r("values", place)'
            " ORDER BY place",
            [*params, json.dumps(rows)],
        )
        return [row[0] for row in cursor.fetchall()]
