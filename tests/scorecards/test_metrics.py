"""Metrics as tables: what a journey concluded, and the facts it counts as."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from scorecards.metrics import METRICS, Subject
from scorecards.metrics.base import Concluded, Entered, HandedOver

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
RECORD, OTHER = uuid.uuid4(), uuid.uuid4()


def entered(stage: str, day: int, number: int = 1, record: uuid.UUID = RECORD) -> Entered:
    return Entered(uuid.uuid4(), stage, record, DAY + timedelta(days=day), number)


def clock(
    state: str, asks_for: str = "touch_by_team", *, touched: bool = False, holder: str = ""
) -> Concluded:
    stopped = DAY + timedelta(hours=3) if touched else None
    return Concluded(uuid.uuid4(), f"rule {asks_for}", RECORD, DAY, state, asks_for, stopped, holder)


def facts(metric: str, **held: object) -> list[tuple[int, int]]:
    """(days after DAY, value) of each fact."""
    subject = Subject(uuid.uuid4(), **held)  # type: ignore[arg-type]  # the lists of a table
    return [((f.anchor_at - DAY).days, f.value) for f in METRICS[metric].facts(subject)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], []),
        ([entered("sql", 1)], []),
        ([entered("mql", 0)], [(0, 0)]),
        ([entered("mql", 0), entered("sql", 5)], [(0, 1)]),
        ([entered("mql", 0), entered("sql", 0)], [(0, 1)]),  # in one moment
        ([entered("sql", 0), entered("mql", 1)], [(1, 0)]),  # an SQL before is no conversion of this MQL
        ([entered("mql", 0), entered("mql", 9, 2), entered("sql", 12)], [(0, 0), (9, 1)]),
        ([entered("mql", 0), entered("sql", 3), entered("mql", 9, 2)], [(0, 1), (9, 0)]),
        # Two records of one buyer in one pass: counted once, from the first.
        ([entered("mql", 0), entered("mql", 2, 1, OTHER), entered("sql", 3)], [(0, 1)]),
        ([entered("lead", 0), entered("opportunity", 2)], []),
    ],
)
def test_mql_to_sql_counts_each_pass_of_a_buyer_once(
    entries: list[Entered], expected: list[tuple[int, int]]
) -> None:
    assert facts("mql_to_sql", entries=entries) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("met", [(0, 1)]),
        ("withdrawn", [(0, 1)]),
        ("breached", [(0, 0)]),
        ("breached_not_verified", [(0, 0)]),
        ("running", []),
        ("paused", []),
        ("due", []),
        ("cancelled", []),
        ("seen_late", []),
    ],
)
def test_in_time_counts_clocks_with_a_result(state: str, expected: list[tuple[int, int]]) -> None:
    assert facts("in_time", clocks=[clock(state)]) == expected


ROUTING, TOUCH = "owner_in_team", "touch_by_team"


@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        ([clock("met", ROUTING, holder="Nobody")], []),  # routed in time
        ([clock("breached", ROUTING, holder="")], []),  # late, but a person had it
        ([clock("breached", ROUTING, holder="Inbound queue"), clock("breached", TOUCH)], [(0, 1)]),
        ([clock("breached", ROUTING, holder="Inbound queue"), clock("due", TOUCH)], [(0, 1)]),
        (
            [clock("breached", ROUTING, holder="Inbound queue"), clock("breached", TOUCH, touched=True)],
            [(0, 0)],
        ),
        ([clock("seen_late", ROUTING, holder="Nobody"), clock("met", TOUCH, touched=True)], [(0, 0)]),
        # Without a rule that asks for a touch nobody can say that there was none.
        ([clock("breached", ROUTING, holder="Nobody")], [(0, 0)]),
    ],
)
def test_left_alone_counts_what_no_person_owned_in_time(
    clocks: list[Concluded], expected: list[tuple[int, int]]
) -> None:
    assert facts("left_alone", clocks=clocks) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("open", [(0, 0)]), ("sent", [(0, 0)]), ("accepted", [(0, 1)]), ("completed", [(0, 1)]), ("sent_back", [(0, 0)]),
     ("cancelled", [])],
)  # fmt: skip
def test_accepted_counts_handoffs_that_are_still_meant(state: str, expected: list[tuple[int, int]]) -> None:
    handoff = HandedOver(uuid.uuid4(), "sdr_to_ae", RECORD, DAY, None, state)
    assert facts("accepted", handoffs=[handoff]) == expected


def test_each_metric_says_what_it_counts() -> None:
    for key, metric in METRICS.items():
        assert metric.key == key
        assert metric.sentence.endswith(".")
        assert all([metric.name, metric.counted, metric.yes, metric.no])
