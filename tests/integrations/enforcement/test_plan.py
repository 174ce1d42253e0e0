"""What a CRM could hold of a stage's exit criteria, what not, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.bodies import PipelineBody, pipeline_body
from definitions.criteria import Catalogue
from definitions.criteria.compiled import RemoteField
from integrations.enforcement.plan import (
    LONGEST_NAME,
    Place,
    StagePlan,
    fingerprint_of,
    fit_name,
    message_of,
    plan_hubspot,
    plan_salesforce,
)

CATALOGUE = Catalogue.from_spec(
    {
        "deal": {
            "stage": {"type": "picklist", "label": "Stage"},
            "pipeline": {"type": "picklist", "label": "Pipeline"},
            "success": {"type": "text", "label": "Success"},
            "next_step": {"type": "text", "label": "Next step"},
            "amount": {"type": "money", "label": "Amount"},
        },
        "activity": {"kind": {"type": "picklist", "label": "Kind"}},
    }
)
SALESFORCE = Place(
    "Opportunity",
    {
        "stage": RemoteField("StageName", "picklist", None, {"Neg": "Negotiation"}),
        "pipeline": "Pipeline__c",
        "success": RemoteField("Success__c", "string"),
        "amount": "Amount",
    },
)
HUBSPOT = Place(
    "deals", {"stage": "dealstage", "success": "success", "amount": "amount"}, {"success": "What success is"}
)
FILLED = {"field": "success", "op": "is_not_empty"}
CALLED = {"activity": "call", "at_least": 1}


def pipeline(criteria: Any, key: str = "new_business", **more: Any) -> PipelineBody:
    body = {
        "name": "New business",
        "object": "deal",
        "stage_field": "stage",
        "stages": [
            {"key": "discovery", "name": "Discovery", "value": "Discovery"},
            {"key": "negotiation", "name": "Negotiation", "value": "Negotiation", "exit_criteria": criteria},
            {"key": "won", "name": "Closed won", "value": "Closed Won"},
            {"key": "lost", "name": "Closed lost", "value": "Closed Lost", "is_lost": True},
        ],
        **more,
    }
    return pipeline_body(key, body, CATALOGUE)


def salesforce(criteria: Any, **more: Any) -> StagePlan:
    [plan] = plan_salesforce([(1, pipeline(criteria, **more))], {"deal": [SALESFORCE]}, {})
    return plan


def test_a_stage_without_criteria_is_no_matter_of_rules() -> None:
    assert plan_salesforce([(1, pipeline(None))], {"deal": [SALESFORCE]}, {}) == []


def test_the_rule_speaks_the_values_of_the_crm_and_lets_the_lost_and_those_going_back_pass() -> None:
    rule = salesforce(FILLED).rule
    assert rule is not None
    assert 'ISPICKVAL(PRIORVALUE(StageName), "Neg")' in rule.formula
    assert 'NOT(ISPICKVAL(StageName, "Closed Lost"))' in rule.formula
    assert 'NOT(ISPICKVAL(StageName, "Discovery"))' in rule.formula
    assert "NOT($Permission.Gtm_Bypass_Validation)" in rule.formula
    assert (rule.full_name, rule.field) == ("Opportunity.Gtm_Exit_Negotiation", "Success__c")


def test_what_can_not_be_held_is_said_and_the_rest_is_held() -> None:
    plan = salesforce({"all": [FILLED, CALLED]})
    assert plan.rule is not None
    assert [r.condition for r in plan.refused] == ["at least 1 call"]
    assert "gtmops checks it" in plan.refused[0].reason
    assert plan.held is not None
    assert plan.held.fields() == {"success"}
    assert "call" not in plan.rule.message


def test_criteria_that_can_not_be_held_at_all_make_no_rule() -> None:
    plan = salesforce({"any": [FILLED, CALLED]})
    assert plan.rule is None
    assert plan.refused
    unmapped = salesforce({"field": "next_step", "op": "is_not_empty"})
    assert unmapped.rule is None
    assert "not mapped" in unmapped.refused[0].reason


def test_exempt_are_small_deals_and_other_pipelines() -> None:
    plan = salesforce(
        FILLED,
        when={"field": "pipeline", "op": "is", "value": "New business"},
        exempt_below={"field": "amount", "value": 5000},
    )
    assert plan.rule is not None
    assert "Amount < 5000" in plan.rule.formula
    assert '"New business"' in plan.rule.formula
    assert plan.exempt_words == "Amount is less than 5,000"


def test_two_pipelines_with_a_stage_of_one_name_get_two_rules_and_keep_them() -> None:
    both = [(1, pipeline(FILLED, "new_business")), (2, pipeline(FILLED, "renewal"))]
    plans = plan_salesforce(both, {"deal": [SALESFORCE]}, {})
    names = {p.key: p.rule.name for p in plans if p.rule}
    assert list(names.values()) == ["Gtm_Exit_Negotiation", "Gtm_Exit_Renewal_Negotiation"]
    earlier = [(3, pipeline(FILLED, "alpha")), *both]
    again = plan_salesforce(earlier, {"deal": [SALESFORCE]}, {}, names)
    assert {p.key: p.rule.name for p in again if p.rule and p.key in names} == names
    assert len({p.rule.name for p in again if p.rule}) == 3


def test_hubspot_gets_a_list_to_tick_and_why_the_rest_is_flagged() -> None:
    [plan] = plan_hubspot(
        [(1, pipeline({"all": [FILLED, {"field": "amount", "op": "more_than", "value": 0}, CALLED]}))],
        {"deal": [HUBSPOT]},
    )
    assert plan.rule is None
    assert [(b.name, b.label) for b in plan.by_hand] == [("success", "What success is")]
    assert plan.next_stages == ("Closed won",)
    assert [r.condition for r in plan.refused] == ["Amount is more than 0", "at least 1 call"]
    assert all("within seconds" in r.reason for r in plan.refused)


@given(
    st.text(min_size=1, max_size=60),
    st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=8),
    st.sampled_from(
        ["", "https://gtmops.example/model/pipelines/new_business/", "https://x.example/" + "a" * 240]
    ),
)
def test_a_message_always_fits(stage: str, conditions: list[str], link: str) -> None:
    text = message_of("deal", stage, conditions, link)
    assert len(text) <= 255
    assert text.startswith(f"This deal leaves {stage} only when: ")


@given(st.from_regex(r"Gtm_Exit_[A-Z][A-Za-z0-9]{0,80}", fullmatch=True))
def test_a_name_always_fits(name: str) -> None:
    fitted = fit_name(name)
    assert len(fitted) <= LONGEST_NAME
    assert "__" not in fitted
    assert fitted == name or len(name) > LONGEST_NAME


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("A", "b", ""), ("A\r\n", " b", ""), True),
        (("A", "b", ""), ("A", "b", "F"), False),
        (("A", "b", ""), ("a", "b", ""), False),
    ],
)
def test_a_fingerprint_minds_words_and_not_blanks(
    one: tuple[str, str, str], other: tuple[str, str, str], same: bool
) -> None:
    assert (fingerprint_of(*one) == fingerprint_of(*other)) is same
