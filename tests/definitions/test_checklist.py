from __future__ import annotations

from typing import Any

import pytest

from definitions.judging.checklists import checklist
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection
from tests.definitions.conftest import NOW, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]

NOTHING = {
    "demo_requested_at": None,
    "pricing_page_views": None,
    "content_downloads": 0,
    "webinar_attended_at": None,
}


@pytest.mark.parametrize(
    ("values", "sentence", "parts"),
    [
        (NOTHING | {"fleet_size": 40}, "Not an MQL: 1 of 2 conditions missing.", ["met", "missing"]),
        (NOTHING | {"fleet_size": 4}, "Not an MQL: 2 of 2 conditions missing.", ["missing", "missing"]),
        (
            {"fleet_size": 40, "pricing_page_views": 2},
            "An MQL: all 2 conditions are met.",
            ["met", "met"],
        ),
        ({"fleet_size": 40}, "Can't tell (MQL): 1 of 2 conditions can't be read.", ["met", "unknown"]),
    ],
)
def test_why_it_is_or_is_not_an_mql(
    hubspot: Connection, values: dict[str, Any], sentence: str, parts: list[str]
) -> None:
    lead = make_record(hubspot, "1", values)
    refresh(load_batch([lead.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    check = next(c for c in checklist(lead, NOW) if c.key == "mql")
    assert check.sentence == sentence
    assert [part.state for part in check.parts] == parts


def test_a_choice_shows_each_condition_with_the_value_seen(hubspot: Connection) -> None:
    lead = make_record(hubspot, "1", NOTHING | {"fleet_size": 40, "pricing_page_views": 1})
    refresh(load_batch([lead.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    choice = checklist(lead, NOW)[0].parts[1]
    assert choice.is_choice
    assert [(c.field, c.state, c.seen) for c in choice.conditions] == [
        ("demo_requested_at", "missing", None),
        ("pricing_page_views", "missing", 1),
        ("content_downloads", "missing", 0),
        ("webinar_attended_at", "missing", None),
    ]


def test_exit_criteria_stand_in_the_list_of_a_deal(salesforce: Connection) -> None:
    values = {"pipeline": "New business", "stage": "Negotiation", "success_criteria": None, "amount": 9}
    deal = make_record(salesforce, "1", values, object_name="deal")
    refresh(load_batch([deal.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    [check] = checklist(deal, NOW)
    assert (check.section, check.key) == ("pipelines", "new_business/negotiation")
    assert check.sentence == "Not ready to leave Negotiation: 1 of 2 conditions missing."
