"""A change asked of a CRM's own fields: written once and together, then let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from effects.models import Effect
from integrations import asks
from integrations.models import Run
from integrations.push import push_due
from integrations.registry import connector_class
from integrations.writing.preview import preview
from integrations.writing.undoing import undo_run
from records.asked import AskError, KeyReused, NotOptedIn, ask, withdraw
from records.models import AskedChange, Connection, Event
from teams.models import Person
from tests.moves.conftest import BORIS, BOTH, DEAL, OBJECT, OTHER_DEAL, Place, pipeline, put_in_force

pytestmark = pytest.mark.django_db
MOVE = {"stage": "Evaluation", "next_step": "Demo on Friday"}


class Killed(BaseException):
    """The process dies here."""


def asked(
    place: Place, values: Any = MOVE, by: Person | None = None, key: str = "k", **more: Any
) -> AskedChange:
    return ask(place.deal, values, by=by, why="Move to Evaluation", key=key, now=datetime.now(UTC), **more)


@BOTH
def test_stage_and_fields_arrive_in_one_write_and_are_known_at_once(place: Place, anna: Person) -> None:
    before = place.versions_in_crm()
    row = asked(place, by=anna)
    assert row.state == "waiting"
    assert place.push() == 1
    row.refresh_from_db()
    assert (row.state, row.text) == ("done", "")
    assert place.stage_in_crm() == "Evaluation"
    assert place.in_crm()["next_step"] == "Demo on Friday"
    assert place.deal.values["stage"] == "Evaluation"
    stamps = {
        c["at"] for c in place.crm.store.history(place.kind, OBJECT[place.kind], [DEAL[place.kind]])[before:]
    }
    assert len(stamps) == 1


@BOTH
def test_the_change_that_comes_back_is_ours_and_that_persons(place: Place, anna: Person) -> None:
    row = asked(place, by=anna)
    place.push()
    row.refresh_from_db()
    place.read()
    back = Event.objects.effective().filter(record=place.deal, kind="change", data__asked=str(row.pk))
    assert {e.field for e in back} == {"stage", "next_step"}
    assert {(e.actor_id, e.caused_by) for e in back} == {(anna.pk, row.sent_by)}
    assert len({e.occurred_at for e in back}) == 1
    assert len(place.stage_changes()) == 1


@BOTH
def test_later_edits_in_the_crm_are_never_written_over(place: Place, anna: Person) -> None:
    asked(place, by=anna)
    place.push()
    place.save_in_crm(stage="Discovery", next_step="Theirs")
    place.read()
    assert place.push() == 0
    assert place.stage_in_crm() == "Discovery"
    assert place.in_crm()["next_step"] == "Theirs"
    told = {e.new: (e.actor_id, bool(e.caused_by)) for e in place.stage_changes()}
    assert told == {"Evaluation": (anna.pk, True), "Discovery": (None, False)}


@BOTH
def test_a_stage_changed_in_the_meantime_is_left_alone_and_said(place: Place, anna: Person) -> None:
    row = asked(place, by=anna)
    place.save_in_crm(stage="Negotiation")
    place.push()
    row.refresh_from_db()
    assert (row.state, row.text) == ("refused", "Somebody changed Stage to “Negotiation” in the meantime.")
    assert place.stage_in_crm() == "Negotiation"
    assert place.in_crm()["next_step"] in (None, "")


@BOTH
def test_what_stands_there_already_is_not_written_and_not_ours(place: Place, anna: Person) -> None:
    row = asked(place, {"stage": "Evaluation"}, by=anna)
    place.save_in_crm(stage="Evaluation")
    writes = place.versions_in_crm()
    place.push()
    row.refresh_from_db()
    assert (row.state, row.text, row.sent_at) == ("done", asks.STOOD_ALREADY, None)
    assert place.versions_in_crm() == writes
    assert not Event.objects.filter(record=place.deal, data__asked=str(row.pk), kind="change").exists()


def test_the_same_key_is_the_same_change_and_another_change_needs_another(place: Place, anna: Person) -> None:
    first = asked(place, by=anna)
    assert asked(place, by=anna).pk == first.pk
    with pytest.raises(KeyReused):
        asked(place, {"stage": "Negotiation"}, by=anna)
    place.push()
    assert asked(place, by=anna).state == "done"
    assert place.push() == 0
    assert Event.objects.filter(kind="field.asked").count() == 1


OFF: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"is_writing": False}, MOVE, "Writing to"),
    ({"go_live_at": None}, MOVE, "not live"),
    ({"is_writing_stage": False}, {"stage": "Evaluation"}, "Moving stages"),
    ({"is_writing_fields": False}, MOVE, "Filling in fields"),
    ({"is_writing_owner": False}, {"owner": "501"}, "Changing owners"),
]


@pytest.mark.parametrize(("change", "values", "words"), OFF)
def test_with_a_switch_off_nothing_can_be_asked(
    place: Place, change: dict[str, Any], values: dict[str, Any], words: str
) -> None:
    Connection.objects.filter(pk=place.connection.pk).update(**change)
    with pytest.raises(NotOptedIn, match=words):
        asked(place, values)
    assert not AskedChange.objects.exists()
    assert not Event.objects.filter(kind="field.asked").exists()


@pytest.mark.parametrize(("change", "values", "words"), OFF)
def test_with_a_switch_turned_off_meanwhile_nothing_is_written(
    place: Place, change: dict[str, Any], values: dict[str, Any], words: str
) -> None:
    writes = place.versions_in_crm()
    asked(place, values if "owner" not in values else {"owner": place.deal.values["owner"]})
    Connection.objects.filter(pk=place.connection.pk).update(**change)
    place.push()
    assert place.versions_in_crm() == writes
    Connection.objects.filter(pk=place.connection.pk).update(
        is_writing=True, go_live_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    place.connection.refresh_from_db()
    if "is_writing" not in change and "go_live_at" not in change and "owner" not in values:
        assert words in AskedChange.objects.get().text


def test_a_pipeline_that_does_not_allow_it_is_not_moved(place: Place) -> None:
    put_in_force(pipeline(place.kind, moves_in_gtmops=False), 2)
    with pytest.raises(NotOptedIn, match="leaves its stages to"):
        asked(place)
    assert asked(place, {"next_step": "Only this"}).state == "waiting"


def test_a_pipeline_that_stops_allowing_it_stops_what_waits(place: Place) -> None:
    row = asked(place)
    put_in_force(pipeline(place.kind, moves_in_gtmops=False), 2)
    place.push()
    row.refresh_from_db()
    assert row.state == "refused"
    assert place.stage_in_crm() == "Discovery"


@pytest.mark.parametrize(
    "change", [{"writing_paused_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"state": "paused"}]
)
def test_while_writing_is_paused_it_waits(place: Place, change: dict[str, Any]) -> None:
    row = asked(place)
    Connection.objects.filter(pk=place.connection.pk).update(**change)
    assert push_due(datetime.now(UTC)) == 0
    assert place.stage_in_crm() == "Discovery"
    Connection.objects.filter(pk=place.connection.pk).update(writing_paused_at=None, state="active")
    assert push_due(datetime.now(UTC)) == 1
    row.refresh_from_db()
    assert row.state == "done"


def test_what_waited_longer_than_a_day_is_refused(place: Place) -> None:
    row = asked(place)
    push_due(datetime.now(UTC) + timedelta(days=2))
    row.refresh_from_db()
    assert (row.state, place.stage_in_crm()) == ("refused", "Discovery")


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"stage": "Nowhere"}, "stage"),
        ({"amount": "a lot"}, "amount"),
        ({"region": "Moon"}, "region"),
        ({"nothing_like_it": 1}, "nothing_like_it"),
    ],
)
def test_what_the_crm_cant_hold_is_said_of_its_field(
    place: Place, values: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(AskError) as caught:
        asked(place, {"next_step": "Fine", **values})
    assert list(caught.value.fields) == [wrong]


def test_our_own_fields_are_not_asked_for(place: Place) -> None:
    with pytest.raises(AskError):
        asked(place, {"gtm_missing": "x"})


@BOTH
def test_values_of_every_type_read_back_as_asked(place: Place) -> None:
    values = {
        "amount": 24_000.5, "close_date": "2026-12-31", "is_hot": True, "region": "EMEA", "next_step": "a\nb “c” ;",
        "success_criteria": "Two depots",
    }  # fmt: skip
    row = asked(place, values)
    place.push()
    row.refresh_from_db()
    assert (row.state, row.text) == ("done", "")
    assert {name: place.deal.values[name] for name in values} == values


@BOTH
def test_an_owner_is_given_away_by_rule(place: Place) -> None:
    row = asked(place, {"owner": BORIS[place.kind]}, by=None)
    place.push()
    row.refresh_from_db()
    assert (row.state, row.text) == ("done", "")
    assert place.in_crm()["owner"] == BORIS[place.kind]
    back = Event.objects.effective().get(record=place.deal, field="owner", kind="change")
    assert (back.actor, back.caused_by) == (None, row.sent_by)


@BOTH
def test_what_the_crm_refuses_is_told_in_its_words_and_to_who_asked(place: Place, anna: Person) -> None:
    row = asked(place, by=anna)
    wrong = {"next_step": "x" * 300} if place.kind == "salesforce" else {"region": "Moon"}
    AskedChange.objects.filter(pk=row.pk).update(values={"stage": "Evaluation", **wrong})
    place.push()
    row.refresh_from_db()
    assert row.state == "refused"
    assert row.text
    assert place.stage_in_crm() == "Discovery"
    told = Effect.objects.get(channel="inbox")
    assert told.payload["person"] == anna.pk
    assert told.payload["body"] == row.text
    assert Event.objects.filter(kind="field.refused", record=place.deal).count() == 1


@BOTH
@pytest.mark.parametrize("moment", ["before_send", "after_write", "before_commit"])
def test_killed_anywhere_it_is_written_once_in_effect_and_not_lost(
    place: Place, anna: Person, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    row = asked(place, by=anna)
    kind = connector_class(place.kind)
    real = kind.push

    def die(*args: Any, **more: Any) -> Any:
        if moment == "after_write":
            real(*args, **more)
        raise Killed

    now = datetime.now(UTC)
    with monkeypatch.context() as patched:
        if moment == "before_commit":
            patched.setattr(asks, "_finish", die)
        else:
            patched.setattr(kind, "push", die)
        with pytest.raises(Killed):
            push_due(now)
    _again(place, row, now)


def _again(place: Place, row: AskedChange, now: datetime) -> None:
    writes = place.versions_in_crm()
    was_written = place.stage_in_crm() == "Evaluation"
    assert push_due(now + timedelta(seconds=1)) == 0
    assert push_due(now + timedelta(seconds=600)) == 1
    assert push_due(now + timedelta(seconds=1200)) == 0
    row.refresh_from_db()
    assert row.state == "done"
    assert place.stage_in_crm() == "Evaluation"
    if was_written:
        assert place.versions_in_crm() == writes
    place.read()
    assert [(e.new, e.actor_id) for e in place.stage_changes()] == [("Evaluation", row.by_id)]


def test_two_pushes_at_once_claim_it_once(place: Place) -> None:
    asked(place)
    now = datetime.now(UTC)
    first = asks._claim(place.connection, now)
    assert first is not None
    assert asks._claim(place.connection, now) is None


def test_two_changes_of_one_record_go_one_after_the_other(place: Place) -> None:
    first = asked(place, {"next_step": "One"}, key="1")
    second = asked(place, {"success_criteria": "Two"}, key="2")
    assert push_due(datetime.now(UTC)) == 2
    for row in (first, second):
        row.refresh_from_db()
        assert row.state == "done"
    assert place.in_crm()["success_criteria"] == "Two"


@BOTH
def test_many_records_are_read_and_written_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    kind = connector_class(place.kind)
    real = kind.push

    def push(self: Any, remote_object: str, writes: Any) -> Any:
        sizes.append(len(writes))
        return real(self, remote_object, writes)

    monkeypatch.setattr(kind, "push", push)
    asked(place, {"next_step": "One"}, key="1")
    ask(place.record(OTHER_DEAL), {"next_step": "Two"}, by=None, why="", key="2", now=datetime.now(UTC))
    assert push_due(datetime.now(UTC)) == 2
    assert sizes == [2]


def test_it_can_be_taken_back_until_it_is_sent(place: Place, anna: Person) -> None:
    row = asked(place, by=anna)
    assert withdraw(row, by=anna, now=datetime.now(UTC))
    assert push_due(datetime.now(UTC)) == 0
    row.refresh_from_db()
    assert (row.state, row.text) == ("refused", "Anna Test took it back.")
    again = asked(place, by=anna, key="again")
    place.push()
    assert not withdraw(again, by=anna, now=datetime.now(UTC))


@BOTH
def test_undoing_a_run_asks_back_what_still_stands(place: Place, anna: Person) -> None:
    asked(place, by=anna)
    place.push()
    run = Run.objects.filter(kind="push").latest("started_at")
    assert undo_run(run, anna) == 2
    place.push()
    assert place.stage_in_crm() == "Discovery"
    assert place.deal.values["next_step"] is None
    assert undo_run(run, anna) == 0


def test_the_preview_of_our_own_fields_stays_free_of_it(place: Place) -> None:
    asked(place)
    assert preview(place.connection) == []


@pytest.mark.django_db(transaction=True)
def test_what_refers_to_the_record_is_written_while_somebody_asks(place: Place) -> None:
    """A row that refers to another holds the lock below at its COMMIT, and two who do that crosswise end each other."""
    other = database.copy()
    try:
        with transaction.atomic(), other.cursor() as cursor:
            asked(place)
            cursor.execute(
                "SELECT id FROM records_record WHERE id = %s FOR KEY SHARE NOWAIT", [place.deal.pk]
            )
            assert cursor.fetchall() == [(place.deal.pk,)]
    finally:
        other.close()
