"""Forms to SQL: the same as MQL to SQL, counted from the form where a clock starts with it (S8)."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Fact, Metric, Subject
from scorecards.metrics.first_touch import first_touch, waits_for_touch

FORMS = ("field_set", "trigger_fired", "signal")
"""Starts of clocks that are something the buyer did."""


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per form of a buyer that a clock for a touch started with; several clocks of one moment are one."""
    begun = {
        (c.record_id, c.started_at) for c in subject.clocks if waits_for_touch(c) and c.began_with[0] in FORMS
    }
    order = sorted(begun, key=lambda pair: (pair[1], pair[0].hex))
    sqls = sorted(e.occurred_at for e in subject.entries if e.stage == "sql")
    for i, (record, at) in enumerate(order):
        until = order[i + 1][1] if i + 1 < len(order) else None
        became = any(at <= sql and (until is None or sql < until) for sql in sqls)
        touch = first_touch(subject, {record}, at, until, FORMS)
        yield Fact(
            f"{record}:{at.isoformat()}", record, at, int(became), touch.dimensions, seconds=touch.seconds
        )


FORM_TO_SQL = Metric(
    key="form_to_sql",
    name="Form to SQL",
    sentence="Of the forms of the period that a clock for a first touch started with, the share that became SQL since.",
    counted="forms",
    yes="Became SQL",
    no="Not SQL so far",
    facts=_facts,
    definitions=("sql",),
    timed="from the form to the first touch by a person",
)
