"""Handoffs that the receiving team accepted, of those that were opened."""

from __future__ import annotations

from collections.abc import Iterator

from scorecards.metrics.base import Fact, Metric, Subject

ACCEPTED_STATES = frozenset({"accepted", "completed"})


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per handoff that is still meant; 1 when the receiver has taken it."""
    for handoff in subject.handoffs:
        if handoff.state != "cancelled":
            yield Fact(
                str(handoff.id),
                handoff.record_id,
                handoff.opened_at,
                int(handoff.state in ACCEPTED_STATES),
                {"handoff": handoff.template_key},
            )


ACCEPTED = Metric(
    key="accepted",
    name="Handoffs accepted",
    sentence="Of the handoffs opened in the period, the share that the receiving team has accepted.",
    counted="handoffs",
    yes="Accepted",
    no="Not accepted so far",
    facts=_facts,
    slice_by="handoff",
)
