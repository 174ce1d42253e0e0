"""How many statements it takes to conclude a changed person with clocks: each costs a quarter of a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from gtmops import pipeline
from slas.models import Clock
from tests.slas.builders import austin
from tests.slas.conftest import House

AT_REST = 1
"""One question tells that nothing is touched."""
STARTS = 32
"""A person enters a stage: its entry, its clocks, its facts and what is written back are new."""
RUNS = 30
"""A person with running clocks changes in a field that nothing rests on."""


@pytest.fixture
def house(db: None) -> House:
    house = House()
    for number in range(20):
        house.lead("Mon 09:00", str(number))
    pipeline.process(austin("Mon 09:01"))
    # Of the first batch, too, which loads what is kept.
    house.lead("Mon 09:10", "19", stage="mql")
    pipeline.process(austin("Mon 09:10"))
    return house


def statements(act: Callable[[], object]) -> list[str]:
    """What is sent, but for the savepoints that stand for a test's transactions."""
    found: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        act()
    return found


def conclude(at: str) -> list[str]:
    return statements(lambda: pipeline.process(austin(at)))


def test_a_person_enters_a_stage(house: House) -> None:
    house.lead("Mon 10:00", "1", stage="mql")
    assert len(conclude("Mon 10:00")) <= STARTS
    assert Clock.objects.filter(record__remote_id="1").count() == 3


def test_as_many_for_ten_people_as_for_one(house: House) -> None:
    house.lead("Mon 10:00", "1", stage="mql")
    one = conclude("Mon 10:00")
    for number in range(2, 12):
        house.lead("Mon 10:05", str(number), stage="mql")
    assert len(conclude("Mon 10:05")) == len(one)


def test_a_person_with_running_clocks_changes(house: House) -> None:
    house.lead("Mon 10:00", "1", stage="mql")
    conclude("Mon 10:00")
    house.lead("Mon 10:05", "1", stage="mql", company="Kestrel Paving")
    assert len(conclude("Mon 10:05")) <= RUNS


def test_nothing_is_touched(house: House) -> None:
    assert len(conclude("Mon 10:00")) == AT_REST
