"""What the check says of conditions when the CRM's fields have changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from definitions.criteria import Catalogue, parse
from definitions.lint.schema import Live, LiveField, leaf_faults, named_faults
from definitions.sections import Named, Place

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CATALOGUE = Catalogue.from_spec(
    {
        "person": {
            "lead_source": {"type": "picklist", "label": "Lead source"},
            "fleet_size": {"type": "number"},
        }
    }
)
SOURCE = LiveField(
    "salesforce", "Salesforce", "Lead", "LeadSource", "Lead source", (("Web", "Web"), ("Partner", "Partner"))
)


def live(*fields: LiveField) -> Live:
    return Live({("person", "lead_source"): fields}, {"salesforce": "Salesforce", "hubspot": "HubSpot"})


def faults(
    tree: object, known: Live, connections: tuple[str, ...] = ("salesforce",)
) -> list[tuple[str, str]]:
    place = Place(("criteria",), "person", connections, tree)
    criterion = parse(tree, CATALOGUE, object="person")
    return [(fault.code, fault.text) for fault in leaf_faults(place, criterion, known)]


def test_a_value_that_is_an_option_is_nothing_to_remark() -> None:
    assert faults({"field": "lead_source", "op": "is", "value": "Web"}, live(SOURCE)) == []


def test_a_value_that_no_option_has_is_dead_and_the_near_one_named() -> None:
    ((code, text),) = faults({"field": "lead_source", "op": "is", "value": "Partners"}, live(SOURCE))
    assert code == "dead_value"
    assert "“Partners” is no option of Lead source in Salesforce (Lead.LeadSource)" in text
    assert "did you mean “Partner”?" in text


def test_a_value_that_was_renamed_since_yesterday_is_told_with_its_new_name() -> None:
    renamed = LiveField(
        "salesforce", "Salesforce", "Lead", "LeadSource", "Lead source",
        (("Website", "Website"), ("Partner", "Partner")),
        changed_at=NOW - timedelta(hours=20), options_before=(("Web", "Web"), ("Partner", "Partner")),
    )  # fmt: skip
    ((code, text),) = faults({"field": "lead_source", "op": "is", "value": "Web"}, live(renamed))
    assert code == "renamed"
    assert "seems to be “Website” since 19 November" in text


def test_a_mapped_value_is_compared_as_the_model_spells_it() -> None:
    mapped = LiveField(
        "salesforce", "Salesforce", "Lead", "LeadSource", "Lead source", (("WEB_2", "Web"),), {"WEB_2": "Web"}
    )
    assert faults({"field": "lead_source", "op": "is", "value": "Web"}, live(mapped)) == []


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (live(replace(SOURCE, is_readable=False)), "field_gone"),
        (live(), "not_connected"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_is_told(known: Live, code: str) -> None:
    assert [c for c, _ in faults({"field": "lead_source", "op": "is", "value": "Web"}, known)] == [code]


def test_any_value_goes_where_the_crm_lists_no_options() -> None:
    open_ended = LiveField("salesforce", "Salesforce", "Lead", "LeadSource", "Lead source")
    assert faults({"field": "lead_source", "op": "is", "value": "Anything"}, live(open_ended)) == []


def test_a_second_home_with_the_option_is_enough() -> None:
    contact = LiveField("salesforce", "Salesforce", "Contact", "Source__c", "Source", (("Event", "Event"),))
    assert faults({"field": "lead_source", "op": "is", "value": "Event"}, live(SOURCE, contact)) == []


def test_a_stage_whose_label_changed_is_told_though_nothing_breaks() -> None:
    stage = LiveField(
        "salesforce", "Salesforce", "Lead", "Status", "Status", (("Qualified", "Sales qualified"),),
        changed_at=NOW - timedelta(hours=3), options_before=(("Qualified", "Qualified"),),
    )  # fmt: skip
    known = Live({("person", "lead_status"): [stage]}, {"salesforce": "Salesforce"})
    (fault,) = named_faults(
        [Named(("claimed_when", "values", 0), "person", "lead_status", "salesforce", "Qualified")], known, NOW
    )
    assert fault.code == "label_renamed"
    assert (
        "“Qualified” of Status in Salesforce (Lead.Status) is called “Sales qualified” since 20 November"
        in fault.text
    )


def test_a_stage_value_that_is_gone_is_dead() -> None:
    stage = LiveField("salesforce", "Salesforce", "Lead", "Status", "Status", (("Open", "Open"),))
    known = Live({("person", "lead_status"): [stage]}, {"salesforce": "Salesforce"})
    (fault,) = named_faults([Named((), "person", "lead_status", "salesforce", "Qualified")], known, NOW)
    assert fault.code == "dead_value"
