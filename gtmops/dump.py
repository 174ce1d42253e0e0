"""Everything gtmops holds and concludes as JSON lines in a canonical order: for checks, and to compare two states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, models, transaction

from definitions.models import Firing, Judgement, Passage, StageEntry
from effects.models import Effect
from handoffs.models import Handoff
from records.models import AccountMatch, DesiredField, Event, Journey, ManualLink, Record
from scorecards.models import DailyRollup, DimensionRollup, MetricFact
from slas.models import Appeal, Clock, Correction


@dataclass(frozen=True)
class Kind:
    """One kind of line: ``columns`` are output name -> lookup path; sorted by ``order``."""

    name: str
    model: type[models.Model]
    order: tuple[str, ...]
    columns: dict[str, str]
    is_derived: bool = False


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_RECORD = {
    "connection": "record__connection__name",
    "remote_object": "record__remote_object",
    "remote_id": "record__remote_id",
}
_BY_RECORD = ("record__connection__name", "record__remote_object", "record__remote_id")

KINDS: tuple[Kind, ...] = (
    Kind(
        "record", Record, ("connection__name", "remote_object", "remote_id"),
        {"connection": "connection__name", "journey": "journey__key", "owner": "owner__email",
         "business_unit": "business_unit__key",
         **_same("object", "remote_object", "remote_id", "title", "values", "deleted_at")},
    ),
    Kind(
        "event", Event, ("connection__name", "external_key"),
        {"connection": "connection__name", "actor": "actor__email", "remote_object": "record__remote_object",
         "remote_id": "record__remote_id", "superseded_by": "superseded_by__external_key",
         **_same("external_key", "kind", "field", "old", "new", "data", "occurred_at", "observed_at", "not_before",
                 "caused_by")},
    ),
    Kind(
        "journey", Journey, ("key",),
        {"business_unit": "business_unit__key", **_same("id", "key", "title")}, is_derived=True,
    ),
    Kind(
        "account_match", AccountMatch, _BY_RECORD,
        {**_RECORD, "account": "account__remote_id", "account_in": "account__connection__name",
         **_same("how", "domain", "candidates")},
        is_derived=True,
    ),
    Kind(
        "manual_link", ManualLink, ("id",),
        {**_RECORD, "other": "other__remote_id", "by": "by__email", "undone_by": "undone_by__email",
         "said": "kind", **_same("id", "is_joined", "why", "at", "undone_at")},
        is_derived=True,
    ),
    Kind(
        "stage_entry", StageEntry, ("id",),
        {**_RECORD, "journey": "journey__key", "event": "event__external_key", "definition": "definition__number",
         **_same("id", "stage", "pass_number", "occurred_at", "left_at", "is_exact", "snapshot", "judgement",
                 "variant", "exclusion", "missing", "arrival", "is_allowed")},
        is_derived=True,
    ),
    Kind(
        "passage", Passage, ("id",),
        {**_RECORD, "journey": "journey__key", "event": "event__external_key",
         "left_event": "left_event__external_key", "version": "version__number",
         **_same("id", "pipeline", "stage", "entered_at", "left_at", "left_to", "arrival", "is_allowed",
                 "entry_judgement", "exit_judgement", "missing", "paper")},
        is_derived=True,
    ),
    Kind(
        "firing", Firing, ("id",),
        {**_RECORD, "journey": "journey__key", "version": "version__number",
         **_same("id", "trigger", "fired_at", "ended_at", "because")},
        is_derived=True,
    ),
    Kind(
        "judgement", Judgement, (*_BY_RECORD, "section", "key"),
        {**_RECORD, "version": "version__number",
         **_same("section", "key", "state", "variant", "exclusion", "paper", "recheck_at")},
        is_derived=True,
    ),
    Kind(
        "clock", Clock, ("id",),
        {**_RECORD, "journey": "journey__key", "rule_version": "rule__number", "calendar": "calendar__key",
         "start": "start_event__external_key", "stop": "stop_event__external_key", "owner": "owner__email",
         "team": "team__key",
         **_same("id", "rule_key", "started_at", "due_at", "state", "stopped_at", "breached_at", "is_measured_only",
                 "has_it", "segments", "receipt")},
        is_derived=True,
    ),
    Kind(
        "correction", Correction, ("key",),
        {"cause": "cause__external_key", **_same("key", "clock_id", "old", "new", "corrected_at")}, is_derived=True,
    ),
    Kind(
        "appeal", Appeal, ("id",),
        {"person": "person__email", "team": "team__key", "opened_by": "opened_by__email",
         "decided_by": "decided_by__email",
         **_same("id", "clock_id", "reason", "note", "state", "opened_at", "decided_at", "decided_because",
                 "was_proved")},
        is_derived=True,
    ),
    Kind(
        "handoff", Handoff, ("id",),
        {**_RECORD, "journey": "journey__key", "sender": "sender__email", "receiver": "receiver__email",
         "template_version": "template__number",
         **_same("id", "template_key", "opened_at", "state", "whose_move", "form", "sent_at", "seen_at", "answered_at",
                 "answered_in", "completed_at", "reason", "reason_text", "next_step", "next_step_at",
                 "next_step_confirmed_at")},
        is_derived=True,
    ),
    Kind(
        "metric_fact", MetricFact, ("id",),
        {**_RECORD, "journey": "journey__key", "business_unit": "business_unit__key",
         **_same("id", "metric", "metric_version", "anchor_at", "day", "value", "slice", "dimensions",
                 "seconds", "is_excused")},
        is_derived=True,
    ),
    Kind(
        "rollup", DailyRollup, ("metric", "day", "business_unit__key", "slice"),
        {"business_unit": "business_unit__key", **_same("metric", "day", "slice", "count", "total")}, is_derived=True,
    ),
    Kind(
        "dimension_rollup", DimensionRollup, ("metric", "dimension", "slice", "day", "label", "business_unit__key"),
        {"business_unit": "business_unit__key",
         **_same("metric", "dimension", "slice", "day", "label", "count", "total", "excused")},
        is_derived=True,
    ),
    Kind(
        "desired_field", DesiredField, (*_BY_RECORD, "field"),
        {**_RECORD, **_same("field", "writer", "desired", "known", "state", "hold", "hold_reason", "attempts",
                            "sent_at", "last_error")},
    ),
    Kind(
        "effect", Effect, ("key",),
        _same("key", "channel", "payload", "state", "attempts", "created_at", "done_at", "may_be_repeated",
              "last_error"),
    ),
)  # fmt: skip


def dump_lines(*, derived_only: bool = False) -> Iterator[str]:
    """One JSON object per line, from one snapshot of the database; read-only, streamed."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for kind in KINDS:
            if derived_only and not kind.is_derived:
                continue
            rows = kind.model._default_manager.order_by(*kind.order).values(*kind.columns.values())
            for row in rows.iterator(chunk_size=2000):
                line = {"kind": kind.name, **{out: row[path] for out, path in kind.columns.items()}}
                yield json.dumps(line, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value.normalize())
    return str(value)
