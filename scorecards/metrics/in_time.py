"""In-time share per rule: of the clocks that came to a result, those that were met."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Fact, Metric, Subject

IN_TIME_STATES = frozenset({"met", "withdrawn"})
LATE_STATES = frozenset({"breached", "breached_not_verified"})


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per concluded clock; open, cancelled and seen-late ones say nothing about the people."""
    for clock in subject.clocks:
        if clock.state in IN_TIME_STATES or clock.state in LATE_STATES:
            yield Fact(
                str(clock.id),
                clock.record_id,
                clock.started_at,
                int(clock.state in IN_TIME_STATES),
                {"rule": clock.rule_key, "clock": str(clock.id), **clock.dimensions},
                is_excused=clock.is_excused,
            )


ROLLED_UP = ("team", "owner", "lead_origin", "lead_source", "region", "size", "tier", "party", "reason")

IN_TIME = Metric(
    key="in_time",
    name="In time",
    sentence="Of the clocks started in the period that came to a result, the share that was met in time.",
    counted="clocks with a result",
    yes="In time",
    no="Late",
    facts=_facts,
    slice_by="rule",
    definitions=("mql",),
    version=2,
    roll_up_by=ROLLED_UP,
)
