"""How one arrives at a stage: forward, over a skipped one, or backward; and whether the model allows it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from records.journey_data import EventData
from records.kinds import BASELINE

FORWARD, SKIPPED, BACKWARD = "forward", "skipped", "backward"


@dataclass(frozen=True)
class Arrival:
    """``how``: forward, skipped or backward."""

    how: str = FORWARD
    is_allowed: bool = True


@dataclass(frozen=True)
class Doors:
    """What a stage says of how one may arrive. ``may_follow`` empty: from anywhere."""

    may_follow: Collection[str] = ()
    are_skips_allowed: bool = True
    is_backward_allowed: bool = True


def arrive(
    came_from: str | None, *, is_backward: bool, skipped: Collection[str], is_exact: bool, doors: Doors
) -> Arrival:
    """``came_from`` None: from outside. ``skipped``: stages passed over, whose visit nobody saw. Not ``is_exact``: it
    was seen there first, how it came is not known."""
    if came_from is None and not is_exact:
        return Arrival()
    how = BACKWARD if is_backward else SKIPPED if skipped else FORWARD
    if doors.may_follow:
        is_named = came_from in doors.may_follow
        return Arrival(how, is_named or (how == BACKWARD and doors.is_backward_allowed))
    if how == BACKWARD:
        return Arrival(how, doors.is_backward_allowed)
    return Arrival(how, how == FORWARD or doors.are_skips_allowed)


def is_exact(event: EventData) -> bool:
    """Whether its moment is known. A first sight is exact only of a record that was made at that very moment."""
    if event.not_before is None:
        return event.kind != BASELINE
    return event.not_before >= event.occurred_at
