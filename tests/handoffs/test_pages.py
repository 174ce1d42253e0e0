"""The page of a handoff: two faces, errors that keep what was typed, one act for two clicks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from handoffs import services
from handoffs.models import Handoff
from handoffs.page import load_page
from records.ids import record_id
from records.models import AccountMatch, Event, Record
from teams.models import BusinessUnit, Person
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP

Enter = Callable[[Person], Client]


def href(handoff: Handoff, act: str = "") -> str:
    if act:
        return reverse("handoffs:act", args=[handoff.pk, act])
    return reverse("handoffs:handoff", args=[handoff.pk])


def show(client: Client, handoff: Handoff) -> str:
    answer = client.get(href(handoff))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def key_of(text: str, act: str) -> str:
    """The key that the page put into the form of ``act``."""
    found = re.search(rf'/{act}/"[^>]*>.*?name="key" value="([0-9a-f-]+)"', text)
    assert found, act
    return found[1]


@pytest.fixture
def sent(house: House) -> Handoff:
    return services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)


def test_the_sender_sees_what_is_missing_before_what_is_known(house: House, signed_in: Enter) -> None:
    text = show(signed_in(house.sdr), house.handoff(**(FULL | {"Impact__c": None})))
    assert "Still missing" in text
    assert "<strong>3 of 6</strong> done" in text
    assert text.index("Business impact") < text.index("Already known (") < text.index(FULL["Pain__c"])
    assert f"Send to {house.ae.name}" in text
    assert "Salesforce" in text


def test_the_receiver_sees_the_buyer_and_three_answers(house: House, signed_in: Enter, sent: Handoff) -> None:
    text = show(signed_in(house.ae), sent)
    assert FULL["Pain__c"] in text
    for words in ("Accept", "Ask a question", "Send back", "set Handoff answer = Accept", "What they did"):
        assert words in text
    assert "Send to" not in text


def test_opening_it_is_noted_for_the_receiver_alone(house: House, signed_in: Enter, sent: Handoff) -> None:
    manager = house.ae.manager
    assert manager is not None
    for person in (house.sdr, manager):
        show(signed_in(person), sent)
        assert house.read().state == "sent"
    signed_in(house.ae).head(href(sent))
    assert house.read().state == "sent"
    show(signed_in(house.ae), sent)
    assert house.read().state == "seen"


def test_others_read_and_have_no_button(
    house: House, signed_in: Enter, sent: Handoff, colleague: Person
) -> None:
    text = show(signed_in(colleague), sent)
    assert f"{house.ae.name} has the next move" in text
    assert 'name="key"' not in text


def test_a_refused_sending_keeps_what_was_typed_and_marks_each_field(house: House, signed_in: Enter) -> None:
    handoff = house.handoff(**(FULL | {"Impact__c": None}))
    typed = {"key": "k", "next_step": "Call <b>them</b>", "next_step_at": "tomorrow", "impact": ""}
    answer = signed_in(house.sdr).post(href(handoff, "send"), typed)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Call &lt;b&gt;them&lt;/b&gt;" in text
    assert "Say a date and a time." in text
    assert house.read().state == "open"
    answer = signed_in(house.sdr).post(href(handoff, "send"), typed | {"next_step_at": ""})
    assert "Business impact is needed." in answer.content.decode()
    assert "Date of the next step is needed." in answer.content.decode()


def test_two_clicks_on_one_page_are_one_act(house: House, signed_in: Enter, sent: Handoff) -> None:
    client = signed_in(house.ae)
    key = key_of(show(client, sent), "accept")
    for _ in range(2):
        assert client.post(href(sent, "accept"), {"key": key}).status_code == 302
    assert Event.objects.filter(kind="handoff.accepted").count() == 1


def test_a_stale_page_says_who_was_faster(house: House, signed_in: Enter, sent: Handoff) -> None:
    manager = house.ae.manager
    assert manager is not None
    services.accept(sent, manager, key="2", now=house.now)
    answer = signed_in(house.ae).post(href(sent, "send-back"), {"key": "k", "reason": "no_need"}, follow=True)
    assert f"{manager.name} accepted it" in answer.content.decode()
    assert house.read().state == "accepted"


def test_whoever_may_not_act_is_told_so(
    house: House, signed_in: Enter, sent: Handoff, colleague: Person
) -> None:
    answer = signed_in(colleague).post(href(sent, "accept"), {"key": "k"}, follow=True)
    assert "This is not yours to do" in answer.content.decode()
    assert house.read().state == "sent"


def test_a_draft_is_saved_as_it_is_typed_and_only_once(house: House, signed_in: Enter) -> None:
    handoff = house.handoff(**FULL)
    client = signed_in(house.sdr)
    address = reverse("handoffs:draft", args=[handoff.pk])
    for _ in range(2):
        answer = client.post(address, {"next_step": "Call", "next_step_at": "2030-01-02T10:00"})
        assert "Saved" in answer.content.decode()
    assert Event.objects.filter(kind="handoff.filled").count() == 1
    assert 'value="2030-01-02T10:00"' in show(client, handoff)


def test_dates_are_in_the_viewers_zone(house: House, signed_in: Enter) -> None:
    Person.objects.filter(pk=house.sdr.pk).update(time_zone="America/Chicago")
    handoff = house.handoff(**FULL)
    values = {"key": "k", "next_step": "Call", "next_step_at": "2030-01-02T10:00"}
    signed_in(house.sdr).post(href(handoff, "send"), values)
    sent = house.read()
    assert sent.next_step_at is not None
    assert sent.next_step_at.isoformat() == "2030-01-02T16:00:00+00:00"
    Person.objects.filter(pk=house.ae.pk).update(time_zone="Europe/Berlin")
    assert "Wed 2 Jan 2030, 17:00" in show(signed_in(house.ae), sent)


def test_a_question_travels_and_its_answer_returns(house: House, signed_in: Enter, sent: Handoff) -> None:
    assert signed_in(house.ae).post(href(sent, "ask"), {"key": "k", "text": " "}).status_code == 422
    signed_in(house.ae).post(href(sent, "ask"), {"key": "k", "text": "Who signs?"})
    assert "Who signs?" in show(signed_in(house.sdr), sent)
    signed_in(house.sdr).post(href(sent, "answer"), {"key": "k", "text": "The CFO."})
    assert "The CFO." in show(signed_in(house.ae), sent)


def test_sending_back_without_words_shows_the_dialog_with_what_was_chosen(
    house: House, signed_in: Enter, sent: Handoff
) -> None:
    answer = signed_in(house.ae).post(href(sent, "send-back"), {"key": "k", "reason": "other", "text": ""})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="other" checked' in text
    assert "Say in a few words what is wrong." in text


def test_the_accepting_side_confirms_the_step_that_was_agreed(
    house: House, signed_in: Enter, sent: Handoff
) -> None:
    services.accept(sent, house.ae, key="2", now=house.now)
    client = signed_in(house.ae)
    text = show(client, sent)
    assert 'value="Call about the pilot"' in text
    client.post(href(sent, "confirm-next-step"), {"key": key_of(text, "confirm-next-step")})
    assert house.read().state == "completed"
    assert "Done: the next step is confirmed" in show(client, sent)


def test_another_business_unit_sees_nothing(house: House, signed_in: Enter, sent: Handoff) -> None:
    other = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    stranger = Person.objects.create_user("stranger@fernhill.example", name="Stella Faraway", role="leader")
    stranger.business_units.add(other)
    client = signed_in(stranger)
    assert client.get(href(sent)).status_code == 404
    assert client.post(href(sent, "accept"), {"key": "k"}).status_code == 404
    assert "Kestrel" not in client.get(reverse("handoffs:list")).content.decode()
    assert "Kestrel" not in b"".join(client.get(reverse("handoffs:export"))).decode()  # type: ignore[call-overload]  # it streams


def test_the_account_a_lead_was_matched_to_is_known_to_both_sides(house: House) -> None:
    handoff = house.handoff()
    account = Record.objects.create(
        id=record_id("salesforce", "Account", "A1"), connection=handoff.record.connection, object="account",
        remote_object="Account", remote_id="A1", title="Kestrel Group", owner=house.ae,
    )  # fmt: skip
    assert not [fact for fact in load_page(handoff, house.ae, house.now).facts if fact.label == "Account"]
    AccountMatch.objects.create(record=handoff.record, account=account, how="exact", domain="buyer.example")
    facts = load_page(handoff, house.ae, house.now).facts
    assert [(f.value, f.source) for f in facts if f.label == "Account"] == [
        (f"Kestrel Group, owned by {house.ae.name}", "Salesforce")
    ]
