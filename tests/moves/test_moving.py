"""Moving a deal from its page, down to the CRM and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.evidence.exception_acts import waivers_of
from definitions.models import Passage
from integrations.standins import salesforce_rules
from integrations.standins.salesforce_validation import fault_of
from integrations.standins.store import Actor
from records.models import AskedChange, Connection, Event
from teams.models import BusinessUnit, Person
from tests.integrations.conftest import ANNA
from tests.moves.conftest import BOTH, REASONS, Place, person, pipeline, put_in_force

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client: Client, anna: Person) -> Client:
    client.force_login(anna)
    return client


def address(place: Place, to: str) -> str:
    return reverse("records:move", args=[place.deal.pk, to])


def send(client: Client, place: Place, to: str, *, part: bool = True, **values: Any) -> Any:
    seen = values.pop("seen", None) or place.deal.values["stage"].lower().replace("closed ", "")
    body = {"seen": seen, "act_key": values.pop("act_key", "a"), **values}
    return client.post(address(place, to), body, headers={"HX-Request": "true"} if part else {})


def asked_fields(answer: Any) -> list[str]:
    return re.findall(r'id="m-([a-z_]+)"', answer.content.decode())


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def page(client: Client, place: Place) -> str:
    return text_of(client.get(reverse("records:record", args=[place.deal.pk])))


def test_buttons_are_named_after_transitions(client: Client, place: Place) -> None:
    shown = page(client, place)
    for label in ("Move to Evaluation", "Close as lost", "Move to Negotiation", "Close as won"):
        assert f">{label}<" in shown
    assert "This passes over Evaluation." in shown


@BOTH
def test_exactly_what_is_missing_is_asked_and_saved_together(
    client: Client, place: Place, anna: Person
) -> None:
    answer = send(client, place, "evaluation")
    assert answer.status_code == 422
    assert asked_fields(answer) == ["next_step"]
    assert "Next step is not empty" in text_of(answer)
    assert not AskedChange.objects.exists()
    answer = send(client, place, "evaluation", next_step="Demo on Friday")
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == "#moves"
    assert "Sending to" in text_of(answer)
    place.push()
    assert (place.stage_in_crm(), place.in_crm()["next_step"]) == ("Evaluation", "Demo on Friday")
    ask = AskedChange.objects.get()
    poll = client.get(
        reverse("records:moves", args=[place.deal.pk]),
        {"waiting": str(ask.pk)},
        headers={"HX-Request": "true"},
    )
    assert "It is in Evaluation." in text_of(poll)
    assert 'hx-select="#record-body"' in text_of(poll)


def test_what_is_there_already_is_not_asked(client: Client, place: Place) -> None:
    place.save_in_crm(next_step="Demo on Friday")
    place.read()
    assert send(client, place, "evaluation").status_code == 200
    place.push()
    assert place.stage_in_crm() == "Evaluation"


@BOTH
def test_a_move_is_that_persons_passage_judged_and_marked(client: Client, place: Place, anna: Person) -> None:
    send(client, place, "evaluation", next_step="Demo on Friday")
    place.push()
    place.read()
    left, entered = Passage.objects.filter(record=place.deal).order_by("entered_at")
    assert (left.stage, left.exit_judgement, left.missing) == ("discovery", "met", [])
    assert entered.event.actor == anna
    assert entered.event.caused_by
    assert entered.left_at is None
    shown = page(client, place)
    assert "(Anna Test through gtmops)" in shown


@BOTH
def test_several_conditions_keep_what_was_typed_until_all_hold(client: Client, place: Place) -> None:
    place.save_in_crm(stage="Evaluation")
    place.read()
    answer = send(client, place, "negotiation")
    assert asked_fields(answer) == ["amount", "success_criteria", "region"]
    assert "in EUR" in text_of(answer)
    assert '<option value="EMEA">' in text_of(answer)
    answer = send(client, place, "negotiation", amount="a lot", success_criteria="Two depots live", region="")
    assert answer.status_code == 422
    shown = text_of(answer)
    assert "Write an amount" in shown
    assert "Two depots live" in shown
    assert 'value="a lot"' in shown
    assert "This is missing." in shown
    answer = send(
        client, place, "negotiation", amount="24,000.50", success_criteria="Two depots live", region="EMEA"
    )
    assert answer.status_code == 200
    place.push()
    assert place.stage_in_crm() == "Negotiation"
    assert place.deal.values["amount"] == 24000.5
    assert place.in_crm()["region"] == "EMEA"


def test_it_works_without_script(client: Client, place: Place) -> None:
    answer = send(client, place, "evaluation", part=False)
    assert answer.status_code == 422
    assert "<h1" in text_of(answer)
    assert asked_fields(answer) == ["next_step"]
    assert client.get(address(place, "evaluation")).status_code == 200
    answer = send(client, place, "evaluation", part=False, next_step="Demo")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("records:record", args=[place.deal.pk])
    assert "Sending to" in page(client, place)


@BOTH
def test_a_lost_deal_says_why_and_other_needs_words(client: Client, place: Place) -> None:
    answer = send(client, place, "lost")
    assert asked_fields(answer) == ["loss_reason", "reason_text"]
    assert [f'<option value="{r}"' in text_of(answer) for r in REASONS] == [True] * 3
    answer = send(client, place, "lost", loss_reason="", reason_text="")
    assert "Choose why." in text_of(answer)
    answer = send(client, place, "lost", loss_reason="Other", reason_text="")
    assert "Say it in your own words." in text_of(answer)
    answer = send(client, place, "lost", loss_reason="Other", reason_text="They were bought")
    assert answer.status_code == 200
    place.push()
    assert (place.stage_in_crm(), place.in_crm()["loss_reason"]) == ("Closed Lost", "Other: They were bought")


def test_another_reason_needs_no_words(client: Client, place: Place) -> None:
    assert send(client, place, "lost", loss_reason="Price", reason_text="").status_code == 200
    place.push()
    assert place.in_crm()["loss_reason"] == "Price"


def test_where_the_model_only_warns_one_goes_on_with_a_reason_that_is_kept(
    client: Client, place: Place, anna: Person
) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    put_in_force(pipeline(place.kind, warn_until=until), 2)
    answer = send(client, place, "evaluation")
    assert "Save anyway" in text_of(answer)
    answer = send(client, place, "evaluation", next_step="", why="", go_on="1")
    assert answer.status_code == 422
    answer = send(client, place, "evaluation", next_step="", why="They are on holiday", go_on="1")
    assert answer.status_code == 200
    place.push()
    place.read()
    assert place.stage_in_crm() == "Evaluation"
    (waiver,) = waivers_of([place.deal.pk])
    assert (waiver.state, waiver.reason, waiver.requested_by) == ("went_on", "They are on holiday", anna.pk)
    left = Passage.objects.filter(record=place.deal, stage="discovery").get()
    assert left.exit_judgement == "missing"
    assert "They are on holiday" in text_of(
        client.get(reverse("definitions:exceptions"), {"show": "went_on"})
    )


def test_where_it_blocks_an_exception_is_the_only_way(client: Client, place: Place) -> None:
    answer = send(client, place, "evaluation", next_step="", why="Because", go_on="1")
    assert answer.status_code == 422
    shown = text_of(answer)
    assert "Save anyway" not in shown
    assert reverse("definitions:ask_exception", args=[place.deal.pk]) in shown
    assert not AskedChange.objects.exists()


def test_going_back_is_said_and_where_flagged_needs_a_reason(client: Client, place: Place) -> None:
    put_in_force(pipeline(place.kind, backward="flagged"), 2)
    place.save_in_crm(stage="Negotiation")
    place.read()
    assert ">Back to Discovery<" in page(client, place)
    answer = send(client, place, "discovery")
    assert "This goes back from Negotiation. The model flags that" in text_of(answer)
    assert send(client, place, "discovery", why="").status_code == 422
    assert send(client, place, "discovery", why="A new buyer took over").status_code == 200
    place.push()
    assert place.stage_in_crm() == "Discovery"
    assert AskedChange.objects.get().why == "Back to Discovery. A new buyer took over"


def test_what_can_not_be_typed_is_said(client: Client, place: Place) -> None:
    body = pipeline(place.kind)
    body["stages"][0]["exit_criteria"] = {"activity": "call", "at_least": 1}
    put_in_force(body, 2)
    answer = send(client, place, "evaluation")
    assert answer.status_code == 422
    assert "This can&#x27;t be filled in here" in text_of(
        answer
    ) or "This can't be filled in here" in text_of(answer)


def test_with_fields_switched_off_what_is_missing_is_said_and_not_asked(client: Client, place: Place) -> None:
    Connection.objects.filter(pk=place.connection.pk).update(is_writing_fields=False)
    answer = send(client, place, "evaluation", next_step="Sneaked in")
    assert answer.status_code == 422
    assert asked_fields(answer) == []
    assert not AskedChange.objects.exists()


@BOTH
@pytest.mark.parametrize("off", ["switch", "pipeline"])
def test_with_either_switch_off_there_is_no_button_and_no_way(client: Client, place: Place, off: str) -> None:
    if off == "switch":
        Connection.objects.filter(pk=place.connection.pk).update(is_writing_stage=False)
    else:
        put_in_force(pipeline(place.kind, moves_in_gtmops=False), 2)
    assert "Move to Evaluation" not in page(client, place)
    writes = place.versions_in_crm()
    send(client, place, "evaluation", next_step="Demo")
    place.push()
    assert not AskedChange.objects.exists()
    assert place.versions_in_crm() == writes


def test_who_may_move_it(client: Client, place: Place, anna: Person) -> None:
    boss, peer, ops = person("Boss", "manager"), person("Peer"), person("Ops", "revops_admin")
    anna.manager = boss
    anna.save()
    for who, may in ((boss, True), (peer, False), (ops, True)):
        client.force_login(who)
        assert ("Move to Evaluation</button>" in page(client, place)) is may
        send(client, place, "evaluation", next_step="Demo", act_key=who.name)
        assert AskedChange.objects.filter(by=who).exists() is may
        AskedChange.objects.all().delete()


def test_a_deal_of_another_business_unit_is_not_there(client: Client, place: Place) -> None:
    other = BusinessUnit.objects.create(key="yards", name="Yards")
    deal = place.deal
    deal.business_unit = other
    deal.save()
    assert client.get(address(place, "evaluation")).status_code == 404
    assert send(client, place, "evaluation", seen="discovery").status_code == 404


def test_somebody_else_moved_it_meanwhile(client: Client, place: Place) -> None:
    place.save_in_crm(stage="Negotiation")
    place.read()
    answer = send(client, place, "evaluation", seen="discovery", next_step="Demo")
    assert answer.status_code == 204
    assert answer["HX-Redirect"]
    assert not AskedChange.objects.exists()
    assert "It is in Negotiation by now" in page(client, place)


def test_the_same_click_twice_is_one_move_and_a_second_waits(client: Client, place: Place) -> None:
    assert send(client, place, "evaluation", next_step="Demo").status_code == 200
    assert send(client, place, "evaluation", next_step="Demo").status_code == 200
    assert AskedChange.objects.count() == 1
    answer = send(client, place, "lost", act_key="b", loss_reason="Price")
    assert answer.status_code == 204
    assert AskedChange.objects.count() == 1


def test_it_can_be_taken_back_while_writing_is_paused(client: Client, place: Place) -> None:
    send(client, place, "evaluation", next_step="Demo")
    Connection.objects.filter(pk=place.connection.pk).update(
        writing_paused_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    shown = page(client, place)
    assert "is paused" in shown
    ask = AskedChange.objects.get()
    client.post(reverse("records:withdraw_move", args=[place.deal.pk, ask.pk]))
    ask.refresh_from_db()
    assert (ask.state, ask.text) == ("refused", "Anna Test took it back.")
    assert "Move to Evaluation" in page(client, place)


def add_rule(place: Place, formula: str, message: str, field: str) -> None:
    """A validation rule that somebody else made there."""
    rule = {
        "ValidationName": "Theirs", "EntityDefinitionId": "Opportunity", "Active": True, "ErrorMessage": message,
        "ErrorConditionFormula": formula, "ErrorDisplayField": field,
    }  # fmt: skip
    store = place.crm.store
    assert fault_of(store, rule) == ""
    with store.transaction():
        store.create(
            "salesforce",
            "ValidationRule",
            salesforce_rules.new_id(store, "ValidationRule"),
            rule,
            Actor(ANNA, "CRM_UI"),
        )


def test_the_crms_own_rule_refuses_and_the_dialog_comes_back_with_its_words(
    client: Client, place: Place
) -> None:
    add_rule(
        place,
        'AND(ISPICKVAL(StageName, "Evaluation"), ISBLANK(TEXT(Region__c)))',
        "Name the region first.",
        "Region__c",
    )
    send(client, place, "evaluation", next_step="Demo on Friday")
    place.push()
    ask = AskedChange.objects.get()
    assert (ask.state, ask.text, ask.faults) == ("refused", "Name the region first.", ["region"])
    assert place.stage_in_crm() == "Discovery"
    assert place.in_crm()["next_step"] in (None, "")
    poll = client.get(
        reverse("records:moves", args=[place.deal.pk]),
        {"waiting": str(ask.pk)},
        headers={"HX-Request": "true"},
    )
    shown = text_of(poll)
    assert "Name the region first." in shown
    assert "data-modal" in shown
    assert asked_fields(poll) == ["next_step", "region"]
    assert "Demo on Friday" in shown
    assert (
        send(client, place, "evaluation", next_step="Demo on Friday", region="NA", act_key="b").status_code
        == 200
    )
    place.push()
    assert (place.stage_in_crm(), place.in_crm()["region"]) == ("Evaluation", "NA")


def test_a_rule_passes_when_field_and_stage_come_together(client: Client, place: Place) -> None:
    add_rule(
        place,
        'AND(NOT(ISPICKVAL(StageName, "Discovery")), ISBLANK(NextStep))',
        "Next step first.",
        "NextStep",
    )
    send(client, place, "evaluation", next_step="Demo on Friday")
    place.push()
    assert AskedChange.objects.get().state == "done"
    assert place.stage_in_crm() == "Evaluation"


def test_the_log_says_who_asked_for_what(client: Client, place: Place, anna: Person) -> None:
    send(client, place, "evaluation", next_step="Demo")
    event = Event.objects.get(kind="field.asked")
    assert event.actor == anna
    assert event.data["values"] == {"stage": "Evaluation", "next_step": "Demo"}
    assert event.data["expected"]["stage"] == "Discovery"
    assert event.data["why"] == "Move to Evaluation"


def test_the_same_over_the_api(client: Client, place: Place, anna: Person) -> None:
    url = reverse("api:record_moves", args=[place.deal.pk])
    told = client.get(url).json()
    assert told["stage"] == "discovery"
    assert [w["label"] for w in told["ways"] if w["is_next"]] == ["Move to Evaluation"]

    def post(key: str, **body: Any) -> Any:
        return client.post(url, body, "application/json", headers={"Idempotency-Key": key} if key else {})

    assert post("", to="evaluation").status_code == 400
    answer = post("1", to="evaluation")
    assert answer.status_code == 422
    assert answer.json()["missing"] == ["Next step is not empty"]
    assert [f["name"] for f in answer.json()["fields"]] == ["next_step"]
    assert post("2", to="evaluation", seen="negotiation").status_code == 409
    assert post("3", to="evaluation", values={"next_step": "Demo"}).status_code == 202
    place.push()
    assert client.get(url).json()["latest"]["state"] == "done"
    client.force_login(person("Peer"))
    assert post("4", to="lost", values={"loss_reason": "Price"}).status_code == 403


def test_the_list_of_deals_leads_to_the_next_stage(client: Client, place: Place) -> None:
    shown = text_of(client.get(reverse("records:list"), {"object": "deal"}))
    assert f'href="{address(place, "evaluation")}"' in shown
    assert ">Move to Evaluation<" in shown


def test_an_admin_switches_each_kind_on_and_sees_what_waits(
    client: Client, place: Place, anna: Person
) -> None:
    send(client, place, "evaluation", next_step="Demo")
    client.force_login(person("Ops", "revops_admin"))
    preview = text_of(client.get(reverse("integrations:preview", args=[place.connection.name])))
    assert "Asked for by people" in preview
    assert "Evaluation" in preview
    shown = text_of(client.get(reverse("integrations:writing")))
    for words in ("Your own fields, when somebody asks", "What a stage asks for"):
        assert words in shown
    url = reverse("integrations:switch_crm_fields", args=[place.connection.name, "stage"])
    for told, is_on in (({}, False), ({"is_on": "1"}, True)):
        client.post(url, told)
        assert Connection.objects.get(pk=place.connection.pk).is_writing_stage is is_on
    place.push()
    run = AskedChange.objects.get().sent_by
    assert "What people asked for" in text_of(client.get(reverse("integrations:run", args=[run])))
