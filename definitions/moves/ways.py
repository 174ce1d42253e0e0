"""Where a record may go from its stage, as buttons name it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from definitions.bodies import PipelineBody, PipelineStage
from definitions.judging.arrivals import BACKWARD
from definitions.judging.passages import arrival_of, passed_over

CLOSED = "closed "


@dataclass(frozen=True)
class Way:
    """A transition. ``note``: what is unusual about it, in words; ``is_flagged``: the model doesn't allow it so."""

    to: PipelineStage
    label: str
    note: str = ""
    is_flagged: bool = False
    is_back: bool = False
    is_next: bool = False


def ways_from(body: PipelineBody, current: PipelineStage | None, been: Collection[str]) -> list[Way]:
    """Every other stage, in the pipeline's order. ``been``: keys of the stages it was in; the present one belongs."""
    keys = [s.key for s in body.stages]
    here = keys.index(current.key) if current else -1
    following = next((s.key for s in body.stages[here + 1 :] if not s.is_lost), "")
    if current is not None and current.is_lost:
        following = ""
    return [
        _way(body, current, stage, been, is_next=stage.key == following)
        for stage in body.stages
        if current is None or stage.key != current.key
    ]


def _way(
    body: PipelineBody, current: PipelineStage | None, stage: PipelineStage, been: Collection[str], *, is_next: bool
) -> Way:  # fmt: skip
    last = current.key if current else None
    arrival = arrival_of(body, stage.key, last, been)
    names = {s.key: s.name for s in body.stages}
    over = [names[key] for key in passed_over(body, stage.key, last, been)]
    is_back = arrival.how == BACKWARD
    note = ""
    if is_back and current:
        note = f"This goes back from {current.name}."
    elif over:
        note = f"This passes over {' and '.join(over)}."
    if not arrival.is_allowed:
        rule = "The model flags that"
        if stage.may_follow and not is_back:
            froms = " or ".join(names.get(key, key) for key in stage.may_follow)
            rule = f"By the model it follows {froms}; this is flagged"
        note = f"{note} {rule}.".strip()
    return Way(stage, _label(stage, is_back=is_back), note, not arrival.is_allowed, is_back, is_next)


def _label(stage: PipelineStage, *, is_back: bool) -> str:
    """ "Move to Proposal", "Close as lost", "Back to Discovery"."""
    if is_back:
        return f"Back to {stage.name}"
    if stage.name.lower().startswith(CLOSED) and len(stage.name) > len(CLOSED):
        return f"Close as {stage.name[len(CLOSED) :].lower()}"
    return f"Close as {stage.name}" if stage.is_lost else f"Move to {stage.name}"
