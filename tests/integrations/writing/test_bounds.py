"""Who is written, how much a day, and what is kept from being written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.models import Run, WriteSwitch
from integrations.push import next_due, push_due
from integrations.writing.dead import hold_fields, hold_record, lift_hold, release_record
from integrations.writing.models import PilotRecord, PushState, WriteLimits
from integrations.writing.pilot import (
    PilotError,
    pilot_by_condition,
    pilot_by_list,
    pilot_of,
    read_list,
    register_list_reader,
    write_everybody,
)
from integrations.writing.preview import preview
from integrations.writing.undoing import undo_run
from records.models import CatalogueField, DesiredField, Record
from teams.models import Person
from tests.integrations.writing.bare import NOW, Bare

EU = {"field": "region", "op": "is", "value": "EU"}
DAY = timedelta(days=1)


@pytest.fixture
def admin(db: None) -> Person:
    return Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")


# --- pilot -----------------------------------------------------------------------------------------------------


def test_only_records_that_meet_the_conditions_are_written_until_everybody(bare: Bare, admin: Person) -> None:
    bare.want("MQL")
    pilot_by_condition(bare.connection, "person", EU, admin, NOW)
    view = pilot_of(bare.connection, NOW)
    assert (view.count, view.total, view.is_on) == (2, 5, True)
    assert "Region" in view.words
    assert {w.row.record.remote_id for w in preview(bare.connection)} == {"2", "4"}
    assert push_due(NOW) == 2
    assert bare.crm.written == {"2", "4"}
    write_everybody(bare.connection, admin)
    assert push_due(NOW) == 3
    assert bare.crm.written == {"1", "2", "3", "4", "5"}


def test_who_comes_to_meet_the_conditions_is_written_with_the_next_run(bare: Bare) -> None:
    bare.want("MQL")
    pilot_by_condition(bare.connection, "person", EU, None, NOW)
    push_due(NOW)
    Record.objects.filter(remote_id="1").update(values={"region": "EU"})
    push_due(NOW)
    assert bare.crm.written == {"1", "2", "4"}


def test_a_condition_that_can_no_longer_be_read_lets_nobody_through_and_says_so(bare: Bare) -> None:
    bare.want("MQL")
    pilot_by_condition(bare.connection, "person", EU, None, NOW)
    CatalogueField.objects.filter(name="region").delete()
    assert push_due(NOW) == 0
    assert pilot_of(bare.connection, NOW).fault


def test_only_the_records_of_a_list_are_written(bare: Bare) -> None:
    bare.want("MQL")
    listed = list(Record.objects.filter(remote_id__in=["1", "5"]))
    assert pilot_by_list(bare.connection, listed, None, NOW) == 2
    assert push_due(NOW) == 2
    assert bare.crm.written == {"1", "5"}
    pilot_by_condition(bare.connection, "person", EU, None, NOW)
    assert not PilotRecord.objects.exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1\n2", {"1", "2"}),
        ("https://app.example/contacts/1/record/0-1/3/, 4;", {"3", "4"}),
        ("https://gtmops.example/records/?region=EU", {"2", "4"}),
        ("5 https://gtmops.example/records/?region=EU", {"2", "4", "5"}),
    ],
)
def test_a_list_is_read_from_ids_addresses_and_lists(
    bare: Bare, admin: Person, text: str, found: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations.writing import pilot

    monkeypatch.setattr(pilot, "_readers", [])
    register_list_reader(lambda viewer, query: Record.objects.filter(values__region=query.partition("=")[2]))
    assert {r.remote_id for r in read_list(bare.connection, admin, text)} == found


@pytest.mark.parametrize(
    ("text", "said"), [("", "Paste ids"), ("1 77 88", "Not found among the records of HubSpot: 77, 88")]
)
def test_a_list_that_cannot_be_read_says_which(bare: Bare, admin: Person, text: str, said: str) -> None:
    with pytest.raises(PilotError, match=said):
        read_list(bare.connection, admin, text)


@pytest.mark.parametrize(
    ("kind", "tree", "field"),
    [
        ("activity", EU, "object"),
        ("person", None, "criteria"),
        ("person", {"field": "no", "op": "is"}, "criteria"),
    ],
)
def test_a_pilot_that_makes_no_sense_is_refused_by_name(
    bare: Bare, kind: str, tree: object, field: str
) -> None:
    with pytest.raises(PilotError) as refused:
        pilot_by_condition(bare.connection, kind, tree, None, NOW)
    assert refused.value.field == field
    assert not WriteLimits.objects.exists()


# --- the daily cap ---------------------------------------------------------------------------------------------


def test_a_day_writes_no_more_than_its_cap_says_so_and_goes_on_tomorrow(bare: Bare) -> None:
    WriteLimits.objects.create(connection=bare.connection, records_a_day=2)
    bare.want("MQL")
    assert push_due(NOW) == 2
    run = Run.objects.get(kind="push")
    assert (
        "The cap of 2 records a day is reached: 3 records wait and go on on 03 Mar" in run.steps[-1]["text"]
    )
    assert push_due(NOW + timedelta(hours=11)) == 0
    assert next_due(NOW) == NOW.replace(hour=0) + DAY
    assert push_due(NOW + DAY) == 2
    assert push_due(NOW + 2 * DAY) == 1
    assert len(bare.crm.effects) == 5
    assert next_due(NOW + 2 * DAY) is None


def test_the_cap_of_the_installation_holds_where_a_connection_has_none(bare: Bare, settings: object) -> None:
    from dataclasses import replace

    settings.GTMOPS = replace(settings.GTMOPS, push_records_a_day=3)  # type: ignore[attr-defined]  # pytest-django's
    bare.want("MQL")
    assert push_due(NOW) == 3


def test_an_undo_is_not_kept_back_by_cap_pilot_or_switch(bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    WriteLimits.objects.create(connection=bare.connection, records_a_day=1)
    pilot_by_condition(bare.connection, "person", EU, None, NOW)
    WriteSwitch.objects.update(is_on=False)
    run = Run.objects.get(kind="push")
    assert undo_run(run) == 5
    assert push_due(NOW.replace(year=2027)) == 5
    assert {v["gtm_stage"] for v in bare.crm.rows.values()} == {None}


def test_another_claimer_counts_what_is_under_way(bare: Bare) -> None:
    WriteLimits.objects.create(connection=bare.connection, records_a_day=3)
    bare.want("MQL")
    DesiredField.objects.filter(record__remote_id__in=["1", "2"]).update(
        lease_until=NOW + timedelta(seconds=60)
    )
    assert push_due(NOW) == 1


# --- hold ------------------------------------------------------------------------------------------------------


def test_a_held_record_is_not_written_whatever_the_field_until_it_is_lifted(
    bare: Bare, admin: Person
) -> None:
    record = Record.objects.get(remote_id="3")
    hold_record(record, "Legal looks at it", admin, NOW)
    bare.want("MQL")
    bare.want("Budget", "gtm_missing")
    push_due(NOW)
    assert bare.crm.written == {"1", "2", "4", "5"}
    assert release_record(record)
    assert not release_record(record)
    push_due(NOW)
    assert bare.crm.rows["3"] == {"gtm_stage": "MQL", "gtm_missing": "Budget"}


def test_a_held_field_is_left_and_the_others_of_the_record_are_written(bare: Bare) -> None:
    bare.want("MQL")
    bare.want("Budget", "gtm_missing")
    rows = DesiredField.objects.filter(record__remote_id="3", field="gtm_stage")
    assert hold_fields(rows, "Ola put it on hold") == 1
    push_due(NOW)
    assert bare.crm.rows["3"] == {"gtm_missing": "Budget"}
    assert lift_hold(rows) == 1
    push_due(NOW.replace(year=2027))
    assert bare.crm.rows["3"]["gtm_stage"] == "MQL"


def test_what_is_written_is_counted_by_day(bare: Bare) -> None:
    bare.want("MQL")
    push_due(NOW)
    assert (PushState.objects.get().written, PushState.objects.get().counted_on) == (5, NOW.date())
    bare.want("SQL")
    push_due(NOW + DAY)
    assert (PushState.objects.get().written, PushState.objects.get().counted_on) == (5, (NOW + DAY).date())
