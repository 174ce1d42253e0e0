"""S15, misrouted demand: the first person it was given to was the wrong one, or it went through too many hands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from scorecards.metrics.base import Concluded, Fact, Held, Metric, Subject
from scorecards.metrics.left_alone import ROUTED, TOUCHED

MOST_MOVES = 2
"""More changes of owner than this before the first touch is misrouting."""

WRONG_TEAM, WRONG_UNIT, WRONG_REGION, MOVED = "wrong_team", "wrong_unit", "wrong_region", "moved"


def _facts(subject: Subject) -> Iterator[Fact]:
    """One fact per start that routing was asked for and that a person was given; 1 when it was misrouted."""
    for clock in subject.clocks:
        if clock.asks_for != ROUTED or clock.state == "cancelled":
            continue
        from_team, to_team = subject.teams.get(clock.rule_key, ("", ""))
        given = [h for h in _since(subject, clock) if h.team != from_team]
        if not given:
            continue
        why = why_misrouted(given, to_team, _moves(subject, clock, given))
        yield Fact(
            str(clock.id),
            clock.record_id,
            clock.started_at,
            int(bool(why)),
            {"why": why, "team": given[0].team, "moves": _moves(subject, clock, given)},
        )


def why_misrouted(given: list[Held], to_team: str, moves: int) -> str:
    """The first thing that was wrong, '' when nothing was."""
    first = given[0]
    if first.team != to_team:
        return WRONG_TEAM
    if not first.is_of_unit:
        return WRONG_UNIT
    if not first.is_of_region:
        return WRONG_REGION
    return MOVED if moves > MOST_MOVES else ""


def _since(subject: Subject, clock: Concluded) -> list[Held]:
    """Who had it at the start, and after."""
    held = subject.owners.get(clock.record_id, ())
    return [
        *[h for h in held if h.at <= clock.started_at][-1:],
        *(h for h in held if h.at > clock.started_at),
    ]


def _moves(subject: Subject, clock: Concluded, given: list[Held]) -> int:
    """Changes from person to person before the first touch."""
    touched = min(
        (
            c.stopped_at
            for c in subject.clocks
            if c.asks_for == TOUCHED and c.record_id == clock.record_id and c.stopped_at
            and c.started_at >= clock.started_at
        ),
        default=None,
    )  # fmt: skip
    before = [h.person_id for h in given if touched is None or h.at <= touched]
    return sum(1 for one, other in pairwise(before) if one != other)


MISROUTED = Metric(
    key="misrouted",
    name="Misrouted",
    sentence=(
        "Of the MQLs of the period that were given to a person, the share whose first owner was of another team, "
        "business unit or region than theirs, or that changed hands more than twice before the first touch."
    ),
    counted="MQLs that were given to a person",
    yes="Misrouted",
    no="Routed right",
    facts=_facts,
    slice_by="why",
    definitions=("mql",),
)
