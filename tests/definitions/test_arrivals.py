"""How a buyer comes to a lifecycle stage, and how often. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from definitions.bodies import Claim
from definitions.judging.stages import Entry, StageHistory, StageVersion, passes
from tests.definitions.test_stage_entries import at, baseline, changed, found, record, stage_body

ORDER = ("lead", "mql", "sql", "won")


def house(**of_stage: dict[str, Any]) -> list[StageHistory]:
    """Four stages claimed by values of their own names; ``of_stage`` changes their bodies."""
    histories = []
    for number, key in enumerate(ORDER):
        body = replace(
            stage_body((key,), key),
            order=10 * (number + 1),
            claimed_when=Claim("hubspot", "person", "stage", (key,)),
            **of_stage.get(key, {}),
        )
        histories.append(StageHistory(key, [StageVersion(body, at(-1000))]))
    return histories


def way(*values: str, made: bool = True, **of_stage: dict[str, Any]) -> list[Entry]:
    """Entries of one record that had these values, hour by hour."""
    events = [baseline(0, made=0 if made else None, stage=values[0])]
    events += [changed(hour, value, number=hour) for hour, value in enumerate(values[1:], 1)]
    return found(record(*events), stages=house(**of_stage))


def last(entries: Sequence[Entry]) -> tuple[str, bool]:
    return entries[-1].arrival, entries[-1].is_allowed


@pytest.mark.parametrize(
    ("values", "of_stage", "expected"),
    [
        (("lead", "mql"), {}, ("forward", True)),
        (("lead", "sql"), {}, ("skipped", True)),
        (("lead", "sql"), {"sql": {"may_follow": ("mql",)}}, ("skipped", False)),
        (("lead", "mql", "sql"), {"sql": {"may_follow": ("mql",)}}, ("forward", True)),
        (("sql",), {}, ("skipped", True)),
        (("sql",), {"sql": {"may_follow": ("mql",)}}, ("skipped", False)),
        (("lead", "mql", "lead"), {}, ("backward", True)),
        (("lead", "mql", "lead"), {"lead": {"is_backward_allowed": False}}, ("backward", False)),
        (("lead", "mql", "sql", "nowhere", "mql"), {}, ("backward", True)),
        (("mql", "nowhere", "mql"), {"mql": {"is_backward_allowed": False}}, ("forward", True)),
        (("lead", "mql", "lead", "sql"), {}, ("forward", True)),
        (("sql", "lead"), {"lead": {"may_follow": ("won",)}}, ("backward", True)),
    ],
    ids=[
        "the next", "over one", "over one that must be before", "by the book", "made there",
        "made where one can't begin",
        "back", "back, flagged", "recycled and back in it", "left and back in it", "over one it has been in",
        "back is allowed from anywhere",
    ],
)  # fmt: skip
def test_arrivals(
    values: tuple[str, ...], of_stage: dict[str, dict[str, Any]], expected: tuple[str, bool]
) -> None:
    assert last(way(*values, **of_stage)) == expected


def test_how_it_came_where_it_was_first_seen_nobody_knows() -> None:
    assert last(way("won", made=False, won={"may_follow": ("sql",)})) == ("forward", True)


def test_a_pass_says_how_the_one_before_it_ended() -> None:
    events = [
        baseline(0, stage="mql", recycle_reason=None),
        changed(24, "no budget", number=1, field="recycle_reason"),
        changed(24, "lead", number=2),
        changed(48, "mql", number=3),
    ]
    told = [p for p in passes(found(record(*events), stages=house())) if p.stage == "mql"]
    assert [(p.number, p.entered_at, p.left_at) for p in told] == [(1, at(0), at(24)), (2, at(48), None)]
    assert (told[1].recycled_at, told[1].recycle_reason) == (at(24), "no budget")
    assert [p.to_english() for p in told] == ["", "2nd time, last recycled in Mar 2026: no budget"]


def test_a_pass_without_a_reason_says_only_when() -> None:
    told = passes(way("mql", "lead", "mql"))
    assert [p.to_english() for p in told if p.stage == "mql"][-1] == "2nd time, last recycled in Mar 2026"
