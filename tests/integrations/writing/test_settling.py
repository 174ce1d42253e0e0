"""What the CRM refused, what it took and did not keep, what a person undoes; and the log of all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import PullCursor, Run
from integrations.push import push_due
from integrations.writing.dead import dead_letters, drop_refused, reasons_of, retry_refused
from integrations.writing.kept import find_kept
from integrations.writing.models import WriteAttempt
from integrations.writing.undoing import undo_plan, undo_run
from records import desired
from records.models import DesiredField, Record
from tests.integrations.writing.bare import NOW, Bare

HOUR = timedelta(hours=1)


def later(bare: Bare, value: str) -> None:
    """What the pipeline does when the model says something else."""
    for row in DesiredField.objects.filter(record__connection=bare.connection):
        desired._want(row, value, NOW)
        row.save()


# --- dead letters ----------------------------------------------------------------------------------------------


def test_refused_values_stand_with_the_words_of_the_crm_and_the_others_are_written(bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first", "4": "Ask Legal first", "5": "Closed"}
    bare.want("MQL")
    push_due(NOW)
    assert bare.crm.written == {"1", "3"}
    assert [(r.text, r.records) for r in reasons_of(dead_letters(bare.connection))] == [
        ("NO: Ask Legal first", 2),
        ("NO: Closed", 1),
    ]
    assert dead_letters(bare.connection, reason="NO: Closed").get().record.remote_id == "5"
    assert push_due(NOW + HOUR) == 0


def test_one_or_all_are_sent_again_and_one_or_all_let_go(bare: Bare) -> None:
    bare.crm.refuses = dict.fromkeys("12345", "Ask Legal first")
    bare.want("MQL")
    push_due(NOW)
    bare.crm.refuses = {}
    assert retry_refused(bare.connection, [bare.of("1").pk]) == 1
    assert drop_refused(bare.connection, [bare.of("2").pk]) == 1
    future = NOW.replace(year=2027)
    push_due(future)
    assert bare.crm.written == {"1"}
    assert dead_letters(bare.connection).count() == 3
    assert retry_refused(bare.connection) == 3
    push_due(future + HOUR)
    assert bare.crm.written == {"1", "3", "4", "5"}
    assert bare.of("2").state == "dropped"


def test_a_value_let_go_comes_back_when_the_model_says_something_else(bare: Bare) -> None:
    bare.crm.refuses = dict.fromkeys("12345", "Ask Legal first")
    bare.want("MQL")
    push_due(NOW)
    drop_refused(bare.connection)
    bare.crm.refuses = {}
    assert push_due(NOW + HOUR) == 0
    later(bare, "SQL")
    assert push_due(NOW + HOUR) == 5


def test_the_dead_letters_of_records_that_are_gone_are_not_listed(bare: Bare) -> None:
    bare.crm.refuses = {"2": "gone"}
    bare.want("MQL")
    push_due(NOW)
    Record.objects.filter(remote_id="2").update(deleted_at=NOW)
    assert not dead_letters(bare.connection).exists()


# --- taken, but not kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "read_to", "refused"),
    [
        ("Theirs", NOW + HOUR, 5),
        (None, NOW + HOUR, 5),
        ("MQL", NOW + HOUR, 0),
        ("Theirs", NOW, 0),
        ("absent", NOW + HOUR, 0),
    ],
)
def test_what_the_crm_took_and_did_not_keep_is_found_once_it_was_read_past_our_write(
    bare: Bare, shown: str | None, read_to: object, refused: int
) -> None:
    bare.want("MQL")
    push_due(NOW)
    values = {} if shown == "absent" else {"gtm_stage": shown}
    Record.objects.update(values=values)
    PullCursor.objects.create(connection=bare.connection, remote_object="contacts", mark_at=read_to)
    assert find_kept(bare.connection, NOW + 2 * HOUR) == refused
    assert WriteAttempt.objects.filter(outcome="kept").count() == refused
    if refused:
        row = bare.of("1")
        assert (row.state, row.known) == ("refused", shown)
        assert "answered that it was saved" in row.last_error
        assert push_due(NOW + 3 * HOUR) == 0


# --- undo ------------------------------------------------------------------------------------------------------


def test_before_a_run_is_undone_it_is_said_what_would_happen(bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    run = Run.objects.get(kind="push")
    assert undo_plan(run).text == (
        "5 fields of 5 records get their earlier value back, and are held until someone lifts the hold."
    )
    DesiredField.objects.filter(record__remote_id="1").update(changed_by_others_at=NOW + HOUR)
    Record.objects.filter(remote_id="2").update(deleted_at=NOW)
    DesiredField.objects.filter(record__remote_id="3").update(hold=True, hold_reason="Ola")
    DesiredField.objects.filter(record__remote_id="4").update(desired="SQL", state="different")
    push_due(NOW + HOUR)
    plan = undo_plan(run)
    assert (plan.fields, plan.records, plan.others, plan.gone, plan.held, plan.later) == (1, 1, 1, 1, 1, 1)
    assert "Left as it is: 1 changed by others since, 1 written again by a later run" in plan.text
    assert undo_run(run) == 1
    push_due(NOW.replace(year=2027))
    assert bare.crm.effects[-1] == ("5", {"gtm_stage": None})
    assert not undo_plan(run).is_possible


def test_undo_writes_what_stood_just_before_even_when_nothing_was_read_between(bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    later(bare, "SQL")
    push_due(NOW + HOUR)
    run = Run.objects.filter(kind="push").latest("started_at")
    undo_run(run)
    push_due(NOW.replace(year=2027))
    assert {v["gtm_stage"] for v in bare.crm.rows.values()} == {"MQL"}


def test_what_the_model_takes_back_before_it_was_read_is_written_back(bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    later(bare, "SQL")
    push_due(NOW + HOUR)
    later(bare, "MQL")
    push_due(NOW + 2 * HOUR)
    assert {v["gtm_stage"] for v in bare.crm.rows.values()} == {"MQL"}


# --- the log ---------------------------------------------------------------------------------------------------


def test_each_try_of_each_record_is_kept_with_its_answer_for_as_long_as_said(bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first"}
    bare.want("MQL")
    bare.want("Budget", "gtm_missing")
    push_due(NOW)
    told = WriteAttempt.objects.get(record__remote_id="2")
    assert (told.outcome, told.code, told.text) == ("refused", "NO", "Ask Legal first")
    assert told.values == {"gtm_stage": [None, "MQL"], "gtm_missing": [None, "Budget"]}
    assert WriteAttempt.objects.filter(outcome="written").count() == 4
    bare.want("SQL")
    push_due(NOW + timedelta(days=91))
    assert not WriteAttempt.objects.filter(at=NOW).exists()


def test_a_bug_of_ours_with_one_value_does_not_stop_the_others(
    bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bare.crm.push

    def push(remote_object: str, writes: list[tuple[str, dict[str, object]]]) -> object:
        if any(remote_id == "3" for remote_id, _ in writes):
            raise TypeError("not JSON")
        return real(remote_object, writes)

    monkeypatch.setattr(bare.crm, "push", push)
    bare.want("MQL")
    for minute in range(0, 20 * 16, 16):
        push_due(NOW + timedelta(minutes=minute))
        DesiredField.objects.filter(record__remote_id="1").update(desired=f"M{minute}", state="different")
    assert bare.crm.written == {"1", "2", "4", "5"}
    assert bare.of("3").state == "refused"
    assert "not JSON" in bare.of("3").last_error
