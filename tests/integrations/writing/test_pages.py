"""Screen 10: the pages of writing, in numbers and words; each is a door to the same functions as command and task."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from integrations.models import Credential, Run
from integrations.push import push_due
from integrations.writing import uninstall as uninstalling
from integrations.writing.models import RecordHold, Uninstall, WriteLimits
from records.models import Connection, DesiredField, Record
from teams.models import BusinessUnit, Person
from tests.integrations.writing.bare import NOW, Bare

EU = '{"field": "region", "op": "is", "value": "EU"}'


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    return client


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.status_code
    return str(response.content.decode())


def url(route: str, *arguments: object) -> str:
    return reverse(f"integrations:{route}", args=arguments)


# --- the page --------------------------------------------------------------------------------------------------


def test_the_page_says_cap_pilot_and_what_was_not_written(admin: Client, bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first"}
    WriteLimits.objects.create(connection=bare.connection, records_a_day=3)
    bare.want("MQL")
    push_due(NOW)
    page = text(admin.get(url("writing")))
    assert "Writing 2 fields to HubSpot." in page
    assert "Not written: 1" in page
    assert "Ask Legal first" in page
    WriteLimits.objects.update(pilot="list")
    assert "Pilot: only 0 of 5 records are written." in text(admin.get(url("writing")))


def test_a_connection_that_is_not_set_up_yet_is_not_written_and_not_shown(admin: Client, bare: Bare) -> None:
    Connection.objects.create(name="half", label="Half made", kind="hubspot", setup={}, state="paused")
    assert "Half made" not in text(admin.get(url("writing")))
    assert "Half made" not in text(admin.get(url("possible")))


def test_a_cap_of_one_is_said_in_the_singular(
    admin: Client, bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.writing.views.now_utc", lambda: NOW)
    WriteLimits.objects.create(connection=bare.connection, records_a_day=1)
    bare.want("MQL")
    push_due(NOW)
    assert "Today&#x27;s 1 record is written: the rest goes on at" in text(admin.get(url("writing")))


def test_what_the_pilot_keeps_back_is_counted_in_the_preview(admin: Client, bare: Bare) -> None:
    bare.want("MQL")
    WriteLimits.objects.create(connection=bare.connection, pilot="list")
    page = text(admin.get(url("preview", "hub")))
    assert "In the pilot, your CRM says what the model says" in page
    assert "5 changes of records outside the pilot wait" in page
    DesiredField.objects.all().delete()
    assert "outside the pilot" not in text(admin.get(url("preview", "hub")))


def test_what_is_undone_is_held_and_never_said_to_be_sent(admin: Client, bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    run = Run.objects.get(kind=Run.Kind.PUSH)
    Connection.objects.update(writing_paused_at=NOW)
    shown = text(admin.post(url("undo", run.pk), follow=True))
    assert "held until someone lifts it. It goes out when the writing is resumed." in shown
    assert "the earlier value is being written back" in shown
    Connection.objects.update(writing_paused_at=None)
    DesiredField.objects.update(next_try_at=NOW)
    push_due(NOW)
    record = DesiredField.objects.first()
    assert record is not None
    assert "What it wrote was undone, or written again by a later run." in text(admin.get(url("run", run.pk)))
    shown = text(admin.get(f"{url('write_log', 'hub')}?record={record.record_id}"))
    shown = shown.split("What became of each try")[0]
    assert "the earlier value was written back" in shown
    assert "To be sent" not in shown


def test_writing_is_started_and_stopped_by_a_person(admin: Client, bare: Bare) -> None:
    Connection.objects.update(is_writing=False)
    bare.want("MQL")
    page = text(admin.get(url("writing")))
    assert "Reading only: nothing is written." in page
    assert "Start writing to HubSpot?" in page
    assert push_due(NOW) == 0
    admin.post(url("start_or_stop", "hub"), {"is_on": "1"})
    assert push_due(NOW) == 5
    admin.post(url("start_or_stop", "hub"))
    assert "Reading only" in text(admin.get(url("writing")))


# --- preview ---------------------------------------------------------------------------------------------------


def test_the_preview_has_pages_a_filter_and_a_file(admin: Client, bare: Bare) -> None:
    bare.want("MQL")
    bare.want("=Budget", "gtm_missing")
    page = text(admin.get(url("preview", "hub")))
    assert "10 changes in the next run" in page
    narrowed = text(admin.get(url("preview", "hub"), {"field": "gtm_missing"}))
    assert "5 changes" in narrowed
    assert "MQL" not in narrowed
    assert "10 changes" in text(admin.get(url("preview", "hub"), {"field": "nonsense", "page": "x"}))
    unit = BusinessUnit.objects.create(key="other", name="Other")
    Record.objects.filter(remote_id="1").update(business_unit=unit)
    answer = admin.get(url("preview_export", "hub"), {"field": "gtm_missing"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Id there"] for row in rows] == ["2", "3", "4", "5"] or len(rows) == 4
    assert {row["After"] for row in rows} == {"'=Budget"}


# --- not written, log, hold --------------------------------------------------------------------------------------


def test_what_was_refused_is_narrowed_sent_again_or_let_go(admin: Client, bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first", "4": "Closed"}
    bare.want("MQL")
    push_due(NOW)
    page = text(admin.get(url("dead", "hub")))
    assert "2 fields were not written" in page
    narrowed = text(admin.get(url("dead", "hub"), {"reason": "NO: Closed"}))
    assert "Person 4" in narrowed
    assert "Person 2" not in narrowed
    admin.post(url("settle_refused", "hub", "retry"), {"only": [str(bare.of("2").pk), "x", "-1"]})
    admin.post(url("settle_refused", "hub", "drop"), {"only": str(bare.of("4").pk)})
    assert (bare.of("2").state, bare.of("4").state) == ("different", "dropped")
    empty = text(admin.post(url("settle_refused", "hub", "retry"), follow=True))
    assert "Tick at least one line" in empty
    assert "Everything was taken" in empty
    assert admin.post(url("settle_refused", "hub", "burn"), {"everything": "on"}).status_code == 404


def test_what_a_list_is_narrowed_to_is_what_its_button_sends_again(admin: Client, bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first", "3": "Closed", "4": "Closed\r\n  for good", "5": "Closed"}
    bare.want("MQL")
    push_due(NOW)
    page = text(admin.get(url("dead", "hub"), {"reason": "NO: Closed", "q": "person 3"}))
    assert "Send these 1 again" in page
    assert "Person 5" not in page
    refused = text(
        admin.post(url("settle_refused", "hub", "retry"), {"everything": "on", "field": "x"}, follow=True)
    )
    assert "Tick at least one line" in refused
    admin.post(
        url("settle_refused", "hub", "retry"), {"everything": "on", "reason": "NO: Closed", "q": "Person 3"}
    )
    assert [bare.of(n).state for n in "2345"] == ["refused", "different", "refused", "refused"]
    admin.post(url("settle_refused", "hub", "drop"), {"everything": "on", "reason": "NO: Closed for good"})
    assert [bare.of(n).state for n in "2345"] == ["refused", "different", "dropped", "refused"]
    admin.post(url("settle_refused", "hub", "retry"), {"everything": "on"})
    assert [bare.of(n).state for n in "2345"] == ["different", "different", "dropped", "different"]


def test_nobody_settles_records_of_another_business_unit(admin: Client, bare: Bare) -> None:
    bare.crm.refuses = dict.fromkeys("12345", "Ask Legal first")
    bare.want("MQL")
    push_due(NOW)
    unit = BusinessUnit.objects.create(key="other", name="Other")
    Record.objects.filter(remote_id="1").update(business_unit=unit)
    assert '<td data-label="Records" class="gt-num">4</td>' in text(admin.get(url("dead", "hub")))
    admin.post(url("settle_refused", "hub", "retry"), {"everything": "on"})
    assert bare.of("1").state == "refused"
    assert bare.of("2").state == "different"
    hidden = Record.objects.get(remote_id="1")
    assert admin.get(url("write_log", "hub"), {"record": str(hidden.pk)}).status_code == 404
    assert "Person 1" not in text(admin.get(url("write_log", "hub")))
    assert admin.post(url("hold", "hub"), {"record": str(hidden.pk)}).status_code == 404
    DesiredField.objects.update(hold=True)
    assert "4 fields are written again" in text(admin.post(url("lift_hold", "hub"), follow=True))
    assert bare.of("1").hold


def test_the_log_of_a_record_says_each_try_and_holds_it(admin: Client, bare: Bare) -> None:
    bare.crm.refuses = {"2": "Ask Legal first"}
    bare.want("MQL")
    push_due(NOW)
    assert "Ask Legal first" in text(admin.get(url("write_log", "hub"), {"outcome": "refused"}))
    assert "Ask Legal first" not in text(admin.get(url("write_log", "hub"), {"outcome": "written"}))
    assert "Ask Legal first" in text(admin.get(url("write_log", "hub"), {"q": "2 person"}))
    assert "No try is like this" in text(admin.get(url("write_log", "hub"), {"q": "nobody"}))
    record = Record.objects.get(remote_id="2")
    page = text(admin.get(url("write_log", "hub"), {"record": str(record.pk)}))
    assert "NO: Ask Legal first" in page
    assert "Send again" in page
    held = text(admin.post(url("hold", "hub"), {"record": str(record.pk), "reason": "Legal"}, follow=True))
    assert "On hold: nothing of ours is written to this record." in held
    assert RecordHold.objects.get().by is not None
    admin.post(url("hold", "hub"), {"record": str(record.pk), "lift": "on"})
    assert not RecordHold.objects.exists()
    admin.post(url("hold", "hub"), {"record": str(record.pk), "field": "gtm_stage"})
    assert bare.of("2").hold_reason == "Ola Opsen put it on hold"
    admin.post(url("hold", "hub"), {"record": str(record.pk), "field": "gtm_stage", "lift": "on"})
    assert not bare.of("2").hold
    assert admin.get(url("write_log", "hub"), {"record": "nonsense"}).status_code == 404
    page = text(admin.post(url("hold", "hub"), {"record": "x"}, follow=True))
    assert "could not be read" in page


# --- limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "said", "kept"),
    [
        ({"what": "cap", "records_a_day": "many"}, "Write a whole number of records", 'value="many"'),
        ({"what": "cap", "records_a_day": "0"}, "At least 1 record a day", 'value="0"'),
        ({"pilot": "some"}, "Choose who is written.", "Who is written"),
        ({"pilot": "list", "records": "77"}, "Not found among the records of HubSpot: 77", ">77</textarea>"),
        ({"pilot": "list", "records": " "}, "Paste ids or addresses", 'value="list" checked'),
        (
            {"pilot": "condition", "object": "person", "criteria": ""},
            "Write at least one condition",
            'value="condition" checked',
        ),
        ({"pilot": "condition", "object": "person", "criteria": "{{{"}, "is-invalid", "{{{"),
        (
            {"pilot": "condition", "object": "person", "criteria": '{"field": "nope", "op": "is"}'},
            "nope",
            "field: nope",
        ),
    ],
)
def test_a_form_filled_in_wrong_says_what_is_wrong_and_keeps_what_was_typed(
    admin: Client, bare: Bare, sent: dict[str, str], said: str, kept: str
) -> None:
    page = text(admin.post(url("limits", "hub"), sent), 422)
    assert said in page
    assert kept in page
    assert not WriteLimits.objects.exists()


def test_pilot_and_cap_are_set_and_taken_back(admin: Client, bare: Bare) -> None:
    admin.post(url("limits", "hub"), {"what": "cap", "records_a_day": "250"})
    page = text(
        admin.post(
            url("limits", "hub"), {"pilot": "condition", "object": "person", "criteria": EU}, follow=True
        )
    )
    assert "Only 2 of 5 records are written" in page
    assert 'value="250"' in page
    page = text(admin.post(url("limits", "hub"), {"pilot": "list", "records": "1 3"}, follow=True))
    assert "Person 1, Person 3" in page
    page = text(admin.post(url("limits", "hub"), {"pilot": "everybody"}, follow=True))
    assert "Everybody is written" in page
    admin.post(url("limits", "hub"), {"what": "cap", "records_a_day": ""})
    assert WriteLimits.objects.get().records_a_day is None


# --- everything we may write, uninstall ------------------------------------------------------------------------------


def test_everything_we_may_ever_write_is_a_page_and_a_file(admin: Client, bare: Bare) -> None:
    assert "Stage by the model" in text(admin.get(url("possible")))
    answer = admin.get(url("possible_export"))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    by_name = {row["Name there"]: row for row in rows}
    assert by_name["gtm_stage"]["State"] == "on"
    assert by_name["gtm_due"]["State"] == "not created"
    assert by_name["gtm_handoff_answer"]["State"] == "never"
    assert all(row["What it means"] and row["Who reads it"] and row["When it is written"] for row in rows)
    assert {row["Kind"] for row in rows} == {"Our field", "Record we create"}


def test_uninstalling_asks_for_the_name_and_shows_how_far_it_is(
    admin: Client, bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uninstalling, "connector_for", lambda connection: bare.crm)
    Credential.objects.create(connection=bare.connection, method="private_app_token", secret=b"-")
    page = text(admin.get(url("uninstall", "hub")))
    assert "2 fields of contacts, and every value in them" in page
    assert "What stays" in page
    wrong = text(admin.post(url("uninstall", "hub"), {"typed_name": "hubbub", "leaves_ours": "on"}), 422)
    assert "Type “HubSpot” to confirm." in wrong
    assert 'name="leaves_ours" checked' in wrong
    run = text(admin.post(url("uninstall", "hub"), {"typed_name": "HubSpot"}, follow=True))
    assert "Ola Opsen asked for it. Writing to HubSpot is off." in run
    assert "It is being taken out just now." in text(admin.get(url("uninstall", "hub")))
    uninstalling.uninstall_due(NOW.replace(year=2027))
    assert "no credentials for it any more" in text(admin.get(url("uninstall", "hub")))
    assert Uninstall.objects.get().finished_at is not None


def test_the_commands_are_doors_to_the_same(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(uninstalling, "connector_for", lambda connection: bare.crm)
    Credential.objects.create(connection=bare.connection, method="private_app_token", secret=b"-")
    bare.want("MQL")
    call_command("push", connection="hub", dry_run=True)
    assert "5 changes, nothing was sent" in capsys.readouterr().out
    call_command("uninstall", connection="hub")
    assert "Nothing was done. Add --confirm hub to do it." in capsys.readouterr().out
    call_command("uninstall", connection="hub", confirm="hub")
    assert "2 fields of ours were removed." in capsys.readouterr().out
    assert Run.objects.get(kind="uninstall").state == "done"
    assert not DesiredField.objects.exists()
