"""Marketing's, Sales' and the SQL criteria: Python and PostgreSQL agree on a table of people."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from definitions.criteria import Facts
from definitions.in_force import load_typed_model
from definitions.judging.counting import Counts, count_criterion, count_meeting
from definitions.judging.judge import state_of
from records.models import Connection, Record
from tests.definitions.conftest import NOW, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]

DEMO = "2026-03-01T08:00:00Z"
INTEREST: list[dict[str, Any]] = [
    {},
    {
        "demo_requested_at": None,
        "pricing_page_views": None,
        "content_downloads": None,
        "webinar_attended_at": None,
    },
    {"demo_requested_at": DEMO},
    {"demo_requested_at": None, "pricing_page_views": 2, "content_downloads": 0, "webinar_attended_at": None},
    {"demo_requested_at": None, "pricing_page_views": 3},
    {"demo_requested_at": None, "pricing_page_views": 1, "content_downloads": 3},
    {"webinar_attended_at": DEMO, "pricing_page_views": "many"},
]
FLEETS: list[dict[str, Any]] = [{}, *({"fleet_size": size} for size in (None, 9, 10, 19, 20, 20.5, "20"))]
LEVELS: list[dict[str, Any]] = [{}, *({"role_level": level} for level in (None, "decision_maker", "user"))]
ORIGINS: list[dict[str, Any]] = [
    {},
    {"lead_origin": None},
    {"lead_origin": "Partner"},
    {"lead_origin": "event"},
]
PEOPLE = [a | b | c | d for a, b, c in product(FLEETS[2:6:3] + FLEETS[:1], LEVELS, INTEREST) for d in ORIGINS]
PEOPLE += [a | b | c for a, b, c in product(FLEETS, LEVELS[:2], INTEREST)]
ANSWERS: list[dict[str, Any]] = [
    {
        k: v
        for k, v in zip(("need_confirmed", "authority_confirmed", "timeline_confirmed"), told, strict=True)
        if v != ""
    }
    for told in product((True, False, None, ""), repeat=3)
]


@pytest.mark.parametrize(
    ("key", "connection", "people"),
    [("mql", "hubspot", PEOPLE), ("mql_by_sales", "hubspot", PEOPLE), ("sql", "salesforce", ANSWERS)],
)
def test_python_and_postgresql_agree_on_everyone(
    key: str, connection: str, people: list[dict[str, Any]]
) -> None:
    criterion = load_typed_model().in_force(NOW).definitions[key][1].criterion
    assert criterion is not None
    there = Connection.objects.get(name=connection)
    expected = {"met": 0, "missing": 0, "unknown": 0}
    for i, values in enumerate(people):
        make_record(there, str(i), values)
        state = state_of(criterion.evaluate(Facts(values), NOW).truth)
        expected[state] += 1
        one = count_criterion(criterion, NOW, Record.objects.filter(remote_id=str(i), connection=there))
        assert one == Counts(**{state: 1}), values
    assert all(expected.values())
    assert count_meeting(key, NOW) == Counts(**expected)


def test_counting_stays_inside_what_it_is_told(hubspot: Connection) -> None:
    for i in range(4):
        make_record(hubspot, str(i), {"fleet_size": 50, "demo_requested_at": DEMO})
    assert count_meeting("mql", NOW) == Counts(met=4)
    assert count_meeting("mql", NOW, Record.objects.filter(remote_id__in=["0", "1"])) == Counts(met=2)
    assert count_meeting("no_such", NOW) is None
