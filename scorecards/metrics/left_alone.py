"""The black hole: MQLs that a queue, or nobody, had for longer than routing may take, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Fact, Metric, Subject
from scorecards.metrics.in_time import LATE_STATES

ROUTED, TOUCHED = "owner_in_team", "touch_by_team"
UNROUTED_STATES = LATE_STATES | {"due", "seen_late"}


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per start that was not routed in time while no person had it; 1 when no person ever touched it."""
    touched = {
        (c.record_id, c.started_at): c.stopped_at is not None
        for c in subject.clocks
        if c.asks_for == TOUCHED and c.state != "cancelled"
    }
    for clock in subject.clocks:
        if clock.asks_for == ROUTED and clock.state in UNROUTED_STATES and clock.without_person:
            start = (clock.record_id, clock.started_at)
            yield Fact(
                str(clock.id),
                clock.record_id,
                clock.started_at,
                int(start in touched and not touched[start]),
                {"holder": clock.without_person, "waits": clock.stopped_at is None},
                seconds=int((clock.stopped_at - clock.started_at).total_seconds())
                if clock.stopped_at
                else None,
            )


LEFT_ALONE = Metric(
    key="left_alone",
    name="Never touched after they came in without an owner",
    sentence=(
        "Of the MQLs of the period that no person owned when routing was due, "
        "the share that no person of the receiving team has touched."
    ),
    counted="MQLs without an owner",
    yes="Never touched",
    no="Touched",
    facts=_facts,
    slice_by="holder",
    definitions=("mql",),
    version=2,
    timed="from MQL to an owner",
)
