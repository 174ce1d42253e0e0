"""From the plan to the rep who is refused, and back: against the stand-in, by the doors people use."""

from __future__ import annotations

import pytest
import requests
from django.core.management import call_command

from effects.models import Effect
from integrations.enforcement import services
from integrations.enforcement.acting import Refused
from integrations.enforcement.drift import find_drift, look_due, next_due
from integrations.errors import Misconfigured
from integrations.models import EnforcementItem, StageCheck
from integrations.registry import connector_for
from integrations.salesforce.rules import Rule, Rules
from integrations.standins.app import Running
from integrations.standins.store import Actor
from records.models import Connection
from teams.models import Person
from tests.integrations.enforcement.conftest import (
    EMPTY,
    FILLED,
    KEY,
    NOW,
    PIPELINE,
    RENEWAL,
    SMALL,
    put_in_force,
    rules_there,
    save_in_the_crm,
)

pytestmark = pytest.mark.django_db


def created(connection: Connection) -> None:
    assert not services.check(connection, NOW).error
    assert not services.create(connection, [KEY], NOW).error


def activated(connection: Connection) -> None:
    created(connection)
    assert not services.activate(connection, [KEY], NOW).error


def refused_words(crm: Running, remote_id: str = EMPTY) -> str:
    page = save_in_the_crm(crm, remote_id, StageName="Closed Won")
    return page.text if page.status_code == 400 else ""


def test_a_check_counts_tries_and_changes_nothing(crm: Running, salesforce: Connection) -> None:
    before = crm.store.writes("salesforce", "API")
    run = services.check(salesforce, NOW, "Ines")
    assert (run.state, run.label) == ("done", "Check what the CRM would refuse, asked by Ines")
    assert run.steps[0]["text"] == "The CRM would accept 1 rule; nothing was changed."
    assert crm.store.writes("salesforce", "API") == before
    assert not EnforcementItem.objects.exists()
    found = StageCheck.objects.get()
    # The small one is exempt, the renewal belongs elsewhere; the missing call of the filled one is no matter of rules.
    assert (found.refused, found.problem, found.similar) == (1, "", [])


def test_a_rule_is_created_inactive_and_refuses_nobody(crm: Running, salesforce: Connection) -> None:
    created(salesforce)
    [rule] = rules_there(crm)
    assert (rule["ValidationName"], rule["Active"]) == ("Gtm_Exit_Negotiation", False)
    assert "success" in rule["ErrorMessage"].lower()
    assert "/model/pipelines/new_business/" in rule["ErrorMessage"]
    assert len(rule["ErrorMessage"]) <= 255
    assert refused_words(crm) == ""
    kinds = set(EnforcementItem.objects.values_list("kind", "state"))
    assert kinds == {
        ("permission", "created"), ("permission_set", "created"), ("access", "created"), ("assignment", "created"),
        ("rule", "inactive"),
    }  # fmt: skip


def test_a_rep_is_refused_on_the_page_and_passes_when_the_criteria_are_filled(
    crm: Running, salesforce: Connection
) -> None:
    activated(salesforce)
    assert "This deal leaves Negotiation only when" in refused_words(crm)
    page = save_in_the_crm(crm, EMPTY, StageName="Closed Won", Success_Criteria__c="Two depots by June")
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("remote_id", "stage"),
    [
        (FILLED, "Closed Won"),
        (SMALL, "Closed Won"),
        (RENEWAL, "Closed Won"),
        (EMPTY, "Closed Lost"),
        (EMPTY, "Discovery"),
    ],
)
def test_whoever_need_not_meet_the_criteria_passes(
    crm: Running, salesforce: Connection, remote_id: str, stage: str
) -> None:
    activated(salesforce)
    assert save_in_the_crm(crm, remote_id, StageName=stage).status_code == 200


def test_our_own_user_is_never_refused(crm: Running, salesforce: Connection) -> None:
    activated(salesforce)
    [result] = connector_for(salesforce).push("Opportunity", [(EMPTY, {"StageName": "Closed Won"})])
    assert (result.outcome, result.text) == ("written", "")


def test_switching_off_and_removing_lets_everybody_pass_and_leaves_nothing(
    crm: Running, salesforce: Connection
) -> None:
    activated(salesforce)
    services.deactivate(salesforce, [KEY], NOW)
    assert rules_there(crm)[0]["Active"] is False
    assert not services.remove(salesforce, None, NOW).error
    assert rules_there(crm) == []
    for name in ("CustomPermission", "PermissionSet", "SetupEntityAccess", "PermissionSetAssignment"):
        assert crm.store.all_of("salesforce", name) == []
    assert not EnforcementItem.objects.exists()
    assert refused_words(crm) == ""


def test_each_act_can_be_repeated(crm: Running, salesforce: Connection) -> None:
    for _ in range(2):
        activated(salesforce)
    assert [r["Active"] for r in rules_there(crm)] == [True]
    for _ in range(2):
        assert not services.deactivate(salesforce, [KEY], NOW).error
    for _ in range(2):
        assert not services.remove(salesforce, None, NOW).error


def test_someone_edits_our_rule_and_it_is_found_told_once_and_not_overwritten(
    crm: Running, salesforce: Connection, revops: Person
) -> None:
    activated(salesforce)
    [row] = crm.store.all_of("salesforce", "ValidationRule")
    theirs = "AND(ISNEW(), ISBLANK(NextStep))"
    page = f"{crm.base_url}/salesforce/ValidationRule/{row.remote_id}/edit"
    requests.post(page, data={"ErrorConditionFormula": theirs}, timeout=10)
    for _ in range(2):
        assert not find_drift(salesforce, NOW).error
    item = EnforcementItem.objects.get(kind="rule")
    assert (item.drift, item.found["formula"]) == ("edited", theirs)
    assert rules_there(crm)[0]["ErrorConditionFormula"] == theirs
    told = Effect.objects.filter(channel="inbox", key__startswith="enforcement:")
    assert [e.payload["title"] for e in told] == [
        "Opportunity.Gtm_Exit_Negotiation was changed in Salesforce"
    ]
    assert services.deactivate(salesforce, [KEY], NOW).error
    assert services.create(salesforce, [KEY], NOW).error
    assert rules_there(crm)[0]["ErrorConditionFormula"] == theirs

    services.put_back(EnforcementItem.objects.get(kind="rule"), NOW)
    assert refused_words(crm) != ""
    find_drift(salesforce, NOW)
    assert EnforcementItem.objects.exclude(drift="").count() == 0


@pytest.mark.parametrize(
    ("change", "drift"),
    [({"Active": False}, "switched_off"), ({"ErrorMessage": "Other words."}, "edited"), (None, "deleted")],
)
def test_every_way_to_change_our_rule_is_found_and_can_be_left(
    crm: Running, salesforce: Connection, change: dict[str, object] | None, drift: str
) -> None:
    activated(salesforce)
    [row] = crm.store.all_of("salesforce", "ValidationRule")
    somebody = Actor("", "CRM_UI")
    if change is None:
        crm.store.set_deleted(row, True, somebody)
    else:
        crm.store.update(row, change, somebody)
    find_drift(salesforce, NOW)
    item = EnforcementItem.objects.get(kind="rule")
    assert item.drift == drift
    services.accept(item, NOW)
    find_drift(salesforce, NOW)
    left = EnforcementItem.objects.filter(kind="rule").first()
    assert left is None if drift == "deleted" else left is not None and left.state == "given_up"


def test_a_deleted_rule_is_put_back_as_it_was(crm: Running, salesforce: Connection) -> None:
    activated(salesforce)
    [row] = crm.store.all_of("salesforce", "ValidationRule")
    crm.store.set_deleted(row, True, Actor("", "CRM_UI"))
    find_drift(salesforce, NOW)
    assert not services.put_back(EnforcementItem.objects.get(kind="rule"), NOW).error
    assert refused_words(crm) != ""


def test_our_user_losing_the_permission_is_found(crm: Running, salesforce: Connection) -> None:
    activated(salesforce)
    [row] = crm.store.all_of("salesforce", "PermissionSetAssignment")
    crm.store.set_deleted(row, True, Actor("", "CRM_UI"))
    find_drift(salesforce, NOW)
    item = EnforcementItem.objects.get(kind="assignment")
    assert item.drift == "deleted"
    assert not services.put_back(item, NOW).error
    [result] = connector_for(salesforce).push("Opportunity", [(EMPTY, {"StageName": "Closed Won"})])
    assert result.outcome == "written"


def test_the_nightly_look_finds_when_it_is_due(salesforce: Connection) -> None:
    assert next_due(NOW) is None
    created(salesforce)
    due = next_due(NOW)
    assert due is not None
    assert due <= NOW
    assert look_due(NOW) == 1
    assert look_due(NOW) == 0
    later = next_due(NOW)
    assert later is not None
    assert (later - NOW).total_seconds() == 86_400


def test_a_new_version_of_the_pipeline_makes_the_rule_out_of_date(
    crm: Running, salesforce: Connection
) -> None:
    activated(salesforce)
    stages = [dict(s) for s in PIPELINE["stages"]]
    stages[1] = {**stages[1], "exit_criteria": {"field": "amount", "op": "more_than", "value": 10000}}
    put_in_force({**PIPELINE, "stages": stages}, 2, NOW)
    with pytest.raises(Refused, match="out of date"):
        services.activate(salesforce, [KEY], NOW)
    with pytest.raises(Refused, match="check it first"):
        services.create(salesforce, [KEY], NOW)
    created(salesforce)
    [rule] = rules_there(crm)
    assert "Amount > 10000" in rule["ErrorConditionFormula"]
    assert rule["Active"] is False


def test_while_the_model_only_warns_switching_on_needs_a_choice(crm: Running, salesforce: Connection) -> None:
    put_in_force({**PIPELINE, "warn_until": "2026-06-30"}, 2, NOW)
    created(salesforce)
    with pytest.raises(Refused, match="only warns until 30 Jun 2026"):
        services.activate(salesforce, [KEY], NOW)
    assert refused_words(crm, EMPTY) == ""


def test_the_choice_to_refuse_before_the_warning_ends(crm: Running, salesforce: Connection) -> None:
    put_in_force({**PIPELINE, "warn_until": "2026-06-30"}, 2, NOW)
    created(salesforce)
    services.activate(salesforce, [KEY], NOW, even_while_warning=True)
    assert refused_words(crm, EMPTY) != ""


def test_a_connection_that_only_reads_may_be_checked_and_no_more(
    crm: Running, salesforce: Connection
) -> None:
    salesforce.is_writing = False
    salesforce.save()
    assert not services.check(salesforce, NOW).error
    with pytest.raises(Refused, match="read only"):
        services.create(salesforce, [KEY], NOW)
    assert rules_there(crm) == []


def test_rules_of_the_customer_with_the_same_aim_are_named(crm: Running, salesforce: Connection) -> None:
    rules = connector_for(salesforce).rules()  # type: ignore[attr-defined]  # only Salesforce has them
    formula = 'AND(ISPICKVAL(PRIORVALUE(StageName), "Negotiation"), ISBLANK(NextStep))'
    rules.create(
        Rule("Opportunity", "Leave_Negotiation", formula, "Say the next step.", "", True, "Sales ops")
    )
    services.check(salesforce, NOW)
    assert StageCheck.objects.get().similar == [
        {"name": "Leave_Negotiation", "is_active": True, "message": "Say the next step."}
    ]


def test_a_rule_of_that_name_that_is_not_ours_is_left_alone(crm: Running, salesforce: Connection) -> None:
    rules = connector_for(salesforce).rules()  # type: ignore[attr-defined]  # only Salesforce has them
    rules.create(Rule("Opportunity", "Gtm_Exit_Negotiation", "FALSE", "Theirs.", "", True, "Sales ops"))
    services.check(salesforce, NOW)
    run = services.create(salesforce, [KEY], NOW)
    assert "did not make" in run.error
    assert rules_there(crm)[0]["ErrorMessage"] == "Theirs."


def test_what_the_crm_would_not_take_is_said_before_anything_is_made(
    crm: Running, salesforce: Connection
) -> None:
    definition = dict(crm.store.schema("salesforce", "Opportunity")["Success_Criteria__c"])
    crm.store.drop_field("salesforce", "Opportunity", "Success_Criteria__c")
    run = services.check(salesforce, NOW)
    assert "Success_Criteria__c" in StageCheck.objects.get().problem, run.steps
    with pytest.raises(Refused, match="would not take"):
        services.create(salesforce, [KEY], NOW)
    crm.store.put_fields("salesforce", "Opportunity", [definition])


def test_the_command_goes_through_the_same_acts(
    crm: Running, salesforce: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for act in ("check", "create", "activate", "drift"):
        call_command("enforce", act, "--connection", "salesforce")
    assert rules_there(crm)[0]["Active"] is True
    out = capsys.readouterr().out
    assert "salesforce: Opportunity.Gtm_Exit_Negotiation is active: it refuses saves." in out
    for act in ("deactivate", "remove"):
        call_command("enforce", act, "--connection", "salesforce")
    assert rules_there(crm) == []


def test_who_may_not_deploy_still_gets_the_counts(
    salesforce: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise Misconfigured("Salesforce: INSUFFICIENT_ACCESS: no")

    monkeypatch.setattr(Rules, "check", refuse)
    run = services.check(salesforce, NOW)
    assert (run.state, StageCheck.objects.get().refused) == ("done", 1)
    assert "did not check the rules beforehand" in run.steps[0]["text"]
