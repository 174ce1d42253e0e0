"""M1: MQL to SQL, always beside the volume of MQLs; each alone says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Entered, Fact, Metric, Subject
from scorecards.metrics.first_touch import first_touch


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per pass through MQL, so that a buyer with two records counts once; 1 when the buyer became SQL at or
    after its begin and before the next pass. Its seconds are those until the first touch of the pass."""
    records = {e.record_id for e in subject.entries if e.stage == "mql"}
    passes: dict[int, Entered] = {}
    for entry in sorted(
        (e for e in subject.entries if e.stage == "mql"), key=lambda e: (e.occurred_at, e.id.hex)
    ):
        passes.setdefault(entry.pass_number, entry)
    begun = sorted(passes.values(), key=lambda e: (e.occurred_at, e.id.hex))
    sqls = sorted(e.occurred_at for e in subject.entries if e.stage == "sql")
    for i, entry in enumerate(begun):
        until = begun[i + 1].occurred_at if i + 1 < len(begun) else None
        became = any(entry.occurred_at <= at and (until is None or at < until) for at in sqls)
        touch = first_touch(subject, records, entry.occurred_at, until, ("stage_entered",))
        yield Fact(
            str(entry.id),
            entry.record_id,
            entry.occurred_at,
            int(became),
            {"pass": entry.pass_number, **touch.dimensions, **first_owner(subject, entry)},
            seconds=touch.seconds,
        )


def first_owner(subject: Subject, entry: Entered) -> dict[str, object]:
    """The first person who had it at or after the entry, and their team."""
    held = subject.owners.get(entry.record_id, ())
    before = [h for h in held if h.at <= entry.occurred_at][-1:]
    found = next((h for h in (*before, *(h for h in held if h.at > entry.occurred_at))), None)
    return {"owner": found.person_id if found else None, "team": found.team if found else None}


MQL_TO_SQL = Metric(
    key="mql_to_sql",
    name="MQL to SQL",
    sentence="Of the leads that became MQL in the period, the share that has become SQL since.",
    counted="MQLs",
    yes="Became SQL",
    no="Not SQL so far",
    facts=_facts,
    definitions=("mql", "sql"),
    version=3,
    timed="from MQL to the first touch by a person",
)
