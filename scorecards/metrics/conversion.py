"""M1: MQL to SQL, always beside the volume of MQLs; each alone says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Fact, Metric, Subject


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per entry into MQL; 1 when the buyer became SQL at or after it and before the next entry."""
    mqls = sorted((e for e in subject.entries if e.stage == "mql"), key=lambda e: (e.occurred_at, e.id.hex))
    sqls = sorted(e.occurred_at for e in subject.entries if e.stage == "sql")
    for i, entry in enumerate(mqls):
        until = mqls[i + 1].occurred_at if i + 1 < len(mqls) else None
        became = any(entry.occurred_at <= at and (until is None or at < until) for at in sqls)
        yield Fact(
            str(entry.id), entry.record_id, entry.occurred_at, int(became), {"pass": entry.pass_number}
        )


MQL_TO_SQL = Metric(
    key="mql_to_sql",
    name="MQL to SQL",
    sentence="Of the leads that became MQL in the period, the share that has become SQL since.",
    counted="MQLs",
    kind="ratio",
    facts=_facts,
)
