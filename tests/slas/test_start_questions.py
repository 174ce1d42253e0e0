""" "Start clocks for 134 leads?": asked of RevOps, no by default, and a yes lets them run from when it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from effects.models import Effect
from records.kinds import register_kinds
from records.models import Connection, Event, Touched
from slas.kinds import KINDS
from slas.models import Clock, StartQuestion
from slas.start_questions import answer, ask_of_load, asked, next_question, tell_questions
from teams.models import Person
from tests.slas.builders import austin
from tests.slas.conftest import House

register_kinds(KINDS)


@pytest.fixture
def few(settings: LazySettings) -> None:
    settings.GTMOPS = replace(settings.GTMOPS, bulk_per_minute=3)


@pytest.fixture
def revops(house: House) -> Person:
    return Person.objects.create(email="ola@kestrel.example", name="Ola Opsen", role="revops_admin")


@pytest.fixture
def bulk(house: House, few: None, revops: Person) -> StartQuestion:
    """Four leads became MQL within one minute; everything is concluded."""
    for number in range(4):
        house.become_mql(f"Thu 10:00:0{number}", remote_id=f"10{number}")
    settle(house, "Thu 10:02")
    return StartQuestion.objects.get()


def settle(house: House, at: str) -> None:
    while Touched.objects.exists():
        house.conclude(at)


def measured_only() -> set[bool]:
    return set(Clock.objects.filter(rule_key="touch").values_list("is_measured_only", flat=True))


# --- a bulk change -----------------------------------------------------------------------------------------------


def test_a_bulk_change_asks_once(bulk: StartQuestion, house: House) -> None:
    assert (bulk.kind, bulk.subject, bulk.answer) == ("bulk", "mql", "")
    assert (bulk.begins_at, bulk.ends_at) == (austin("Thu 10:00"), austin("Thu 10:01"))
    told = asked(bulk)
    assert (told.title, told.clocks) == ("Start clocks for 4 leads?", 4)
    assert measured_only() == {True}


def test_neighbouring_minutes_are_one_question(bulk: StartQuestion, house: House) -> None:
    for number in range(3):
        house.become_mql(f"Thu 10:05:0{number}", remote_id=f"20{number}")
    settle(house, "Thu 10:06")
    assert asked(StartQuestion.objects.get()).records == 7


def test_revops_is_told_once_when_all_is_concluded(bulk: StartQuestion, revops: Person) -> None:
    now = austin("Thu 10:03")
    assert next_question(now) == now
    assert tell_questions(now) == 1
    assert tell_questions(now) == 0
    assert next_question(now) is None
    message = Effect.objects.get(key=f"start-question:{bulk.pk}:{revops.pk}")
    assert message.payload["title"] == "Start clocks for 4 leads?"
    assert message.payload["href"] == reverse("slas:start_question", args=[bulk.pk])


def test_nobody_is_told_while_something_is_left_to_conclude(bulk: StartQuestion) -> None:
    Touched.objects.create(record=Clock.objects.all()[0].record)
    assert tell_questions(austin("Thu 10:03")) == 0


def test_a_yes_starts_the_clocks_from_when_it_happened(
    bulk: StartQuestion, house: House, revops: Person
) -> None:
    answer(bulk.pk, starts=True, by=revops, now=austin("Thu 10:10"))
    settle(house, "Thu 10:11")
    assert measured_only() == {False}
    assert set(Clock.objects.filter(rule_key="touch").values_list("state", flat=True)) == {"running"}
    clock = house.clock("touch", "100")
    assert clock.started_at == austin("Thu 10:00:00")
    event = Event.objects.filter(kind="clock.started", record=clock.record).first()
    assert event is not None
    assert (event.actor, event.data["question"]) == (revops, bulk.pk)
    bulk.refresh_from_db()
    assert (bulk.answer, bulk.answered_by, bulk.clocks) == ("started", revops, 4)


def test_started_clocks_fall_due_and_are_late(bulk: StartQuestion, house: House, revops: Person) -> None:
    answer(bulk.pk, starts=True, by=revops, now=austin("Thu 10:10"))
    settle(house, "Thu 10:11")
    assert house.tick("Fri 17:00") > 0
    house.serve_requests("Fri 17:01")
    settle(house, "Fri 17:02")
    assert house.clock("touch", "101").state == "breached"


def test_a_no_leaves_them_measured_and_is_kept(bulk: StartQuestion, house: House, revops: Person) -> None:
    answer(bulk.pk, starts=False, by=revops, now=austin("Thu 10:10"))
    settle(house, "Thu 10:11")
    assert measured_only() == {True}
    assert not Event.objects.filter(kind="clock.started").exists()
    bulk.refresh_from_db()
    assert (bulk.answer, bulk.answered_by, bulk.answered_at) == ("left", revops, austin("Thu 10:10"))


def test_the_first_answer_stands(bulk: StartQuestion, house: House, revops: Person) -> None:
    answer(bulk.pk, starts=False, by=revops, now=austin("Thu 10:10"))
    assert answer(bulk.pk, starts=True, by=revops, now=austin("Thu 10:11")).answer == "left"
    assert not Event.objects.filter(kind="clock.started").exists()


def test_what_comes_late_to_a_started_minute_is_asked_about_again(
    bulk: StartQuestion, house: House, revops: Person
) -> None:
    answer(bulk.pk, starts=True, by=revops, now=austin("Thu 10:10"))
    settle(house, "Thu 10:11")
    house.become_mql("Thu 10:00:30", remote_id="109")
    settle(house, "Thu 10:12")
    later = StartQuestion.objects.exclude(pk=bulk.pk).get()
    assert asked(later).records == 1
    assert house.clock("touch", "101").is_measured_only is False


def test_few_are_never_asked_about(house: House, few: None) -> None:
    for number in range(2):
        house.become_mql(f"Thu 10:00:0{number}", remote_id=f"10{number}")
    settle(house, "Thu 10:02")
    assert not StartQuestion.objects.exists()
    assert measured_only() == {False}


def test_what_was_before_go_live_is_no_bulk_change(house: House, few: None) -> None:
    Connection.objects.filter(pk=house.hubspot.pk).update(go_live_at=austin("Thu 12:00"))
    house.hubspot.refresh_from_db()
    for number in range(4):
        house.become_mql(f"Thu 10:00:0{number}", remote_id=f"10{number}")
    settle(house, "Thu 10:02")
    assert not StartQuestion.objects.exists()


# --- a first load and an import ----------------------------------------------------------------------------------


@pytest.fixture
def loaded(house: House, revops: Person) -> Callable[[str], StartQuestion]:
    """Before go-live one lead became MQL minutes ago, and one days ago; the load began at eleven."""

    def load(kind: str) -> StartQuestion:
        Connection.objects.filter(pk=house.hubspot.pk).update(
            go_live_at=austin("Thu 12:00") if kind == "first_load" else None
        )
        house.hubspot.refresh_from_db()
        for remote_id, at in (("101", "Thu 10:59"), ("102", "Mon 10:00")):
            told = {"company": "Kestrel", "stage": "mql", "owner": "sasha", "business_unit": None}
            house._store("contacts", remote_id, told, austin(at), austin("Thu 11:00"))
        settle(house, "Thu 11:01")
        ask_of_load(house.hubspot, kind, austin("Thu 11:00"), austin("Thu 11:01"))
        return StartQuestion.objects.get()

    return load


@pytest.mark.parametrize("kind", ["first_load", "import"])
def test_a_load_asks_for_what_still_has_time(
    loaded: Callable[[str], StartQuestion], house: House, revops: Person, kind: str
) -> None:
    question = loaded(kind)
    assert measured_only() == {True}
    assert tell_questions(austin("Thu 11:02")) == 1
    assert asked(question).records == 1
    answer(question.pk, starts=True, by=revops, now=austin("Thu 11:03"))
    settle(house, "Thu 11:04")
    assert house.clock("touch", "101").is_measured_only is False
    assert house.clock("touch", "102").is_measured_only is True


def test_a_load_with_nothing_that_waits_ends_its_question(house: House, revops: Person) -> None:
    ask_of_load(house.hubspot, "first_load", austin("Thu 11:00"), austin("Thu 11:01"))
    assert tell_questions(austin("Thu 11:02")) == 1
    assert StartQuestion.objects.get().answer == "left"
    assert not Effect.objects.exists()


def test_a_connection_that_is_not_live_is_not_asked_about_yet(house: House) -> None:
    Connection.objects.filter(pk=house.hubspot.pk).update(go_live_at=None)
    ask_of_load(house.hubspot, "first_load", austin("Thu 11:00"), austin("Thu 11:01"))
    assert tell_questions(austin("Thu 11:02")) == 0


# --- pages -------------------------------------------------------------------------------------------------------


def test_the_page_asks_and_takes_the_answer(bulk: StartQuestion, client: Client, revops: Person) -> None:
    tell_questions(austin("Thu 10:03"))
    client.force_login(revops)
    listed = client.get(reverse("slas:start_questions")).content.decode()
    assert "Start clocks for 4 leads?" in listed
    address = reverse("slas:start_question", args=[bulk.pk])
    assert "No, only measure them" in client.get(address).content.decode()
    answered = client.post(address, {"answer": "no"}, follow=True).content.decode()
    assert "The clocks stay measured only" in answered
    assert "Measured only" in client.get(reverse("slas:start_questions")).content.decode()


def test_an_answer_that_cannot_be_read_changes_nothing(
    bulk: StartQuestion, client: Client, revops: Person
) -> None:
    client.force_login(revops)
    client.post(reverse("slas:start_question", args=[bulk.pk]), {"answer": "perhaps"})
    bulk.refresh_from_db()
    assert bulk.answer == ""
