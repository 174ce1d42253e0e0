"""Starts that need more than the log: signals, stages of pipelines, what a machine did to many, and blind sources."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

import definitions.services
import slas.services
from definitions.models import Signal
from definitions.signals.storing import tend
from records.kinds import register_kinds
from records.loading import load_batch
from records.models import CatalogueField, Event, FieldMapping, Journey, Touched
from slas.kinds import KINDS
from slas.looks import look_again, next_look
from slas.models import Clock
from slas.sources import _failing
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House

register_kinds(KINDS)


def publish(house: House, key: str, **change: Any) -> None:
    house.publish("sla_rules", key, {**RULES["touch"], **change})


def signal(house: House, at: str, message: str = "m1", name: str = "report_exported") -> None:
    record = house.lead("Mon 09:00", owner="sasha")
    Signal.objects.create(
        source="app",
        message_id=message,
        name=name,
        occurred_at=austin(at),
        received_at=austin(at),
        record=record,
    )
    Touched.objects.create(record=record)


# --- signals ---------------------------------------------------------------------------------------------------


def test_a_signal_starts_a_clock_that_outlives_it(house: House) -> None:
    publish(house, "exported", start={"signal": "report_exported"})
    signal(house, "Thu 10:00")
    house.conclude("Thu 10:01")
    assert not Clock.objects.filter(rule_key="exported").exists()
    event = Event.objects.get(kind="clock.signal")
    assert (event.occurred_at, event.observed_at) == (austin("Thu 10:00"), austin("Thu 10:00"))
    house.conclude("Thu 10:02")
    clock = Clock.objects.get(rule_key="exported")
    assert (clock.started_at, clock.start_event, clock.due_at) == (
        austin("Thu 10:00"), event, austin("Thu 11:00"),
    )  # fmt: skip
    assert clock.receipt["start"]["what"] == "Signal: report exported"
    signal(house, "Thu 10:20", "m2")
    house.conclude("Thu 10:21")
    tend(austin("Thu 10:00") + timedelta(days=5000))
    assert not Signal.objects.exists()
    Touched.objects.create(record=clock.record)
    house.conclude("Thu 10:30")
    assert [c.pk for c in Clock.objects.filter(rule_key="exported")] == [clock.pk]


def test_a_signal_no_rule_names_is_not_remembered(house: House) -> None:
    signal(house, "Thu 10:00")
    house.conclude("Thu 10:01")
    assert not Event.objects.filter(kind="clock.signal").exists()


# --- stages of a pipeline --------------------------------------------------------------------------------------


def test_a_deal_that_enters_a_stage_of_its_pipeline_has_its_own_clock(house: House) -> None:
    for name, kind in (("pipeline", "picklist"), ("stage", "picklist"), ("owner", "reference")):
        known, _ = CatalogueField.objects.get_or_create(
            object="deal", name=name, defaults={"label": name, "type": kind}
        )
        FieldMapping.objects.create(
            connection=house.hubspot, field=known, remote_object="deals", remote_name=name
        )
    stages = [{"key": k, "name": k.capitalize(), "value": k} for k in ("open", "plan", "won")]
    house.publish(
        "pipelines", "growth",
        {"name": "Growth", "owner": "sales", "agreed_by": ["sales"], "object": "deal", "connection": "hubspot",
         "stage_field": "stage", "stages": stages},
    )  # fmt: skip
    publish(
        house, "planned", start={"stage_entered": "growth/open"}, stop={"stage_entered": "growth/plan"},
        target={"elapsed": "48h"},
    )  # fmt: skip
    told = {"pipeline": "Growth", "stage": None, "owner": "sasha"}
    house._store("deals", "9", told, austin("Mon 09:00"), austin("Mon 09:00"))
    house.conclude("Mon 09:00")
    for at, stage in (("Tue 09:00", "open"), ("Wed 09:00", "plan")):
        house._store("deals", "9", {**told, "stage": stage}, austin(at), austin(at))
        house.conclude(at)
    clock = Clock.objects.get(rule_key="planned")
    assert (clock.record.remote_id, clock.state, clock.stopped_at) == ("9", "met", austin("Wed 09:00"))
    assert clock.receipt["stop"]["what"] == "Became Plan"


# --- many at once ----------------------------------------------------------------------------------------------


def test_what_happened_to_many_in_one_minute_is_measured_only(house: House, settings: LazySettings) -> None:
    settings.GTMOPS = replace(settings.GTMOPS, bulk_per_minute=3)
    for number in (1, 2):
        house.become_mql(f"Thu 10:00:0{number}", remote_id=f"10{number}")
    assert set(Clock.objects.filter(rule_key="touch").values_list("is_measured_only", flat=True)) == {False}
    house.become_mql("Thu 10:00:30", remote_id="103")
    while Touched.objects.exists():
        house.conclude("Thu 10:02")
    assert set(Clock.objects.values_list("is_measured_only", flat=True)) == {True}
    house.become_mql("Thu 10:03", remote_id="104")
    assert house.clock("touch", "104").is_measured_only is False
    assert Touched.objects.count() == 0


def test_what_is_loaded_does_not_grow_with_the_batch(house: House) -> None:
    publish(house, "exported", start={"signal": "report_exported"})
    publish(house, "named", start={"field_set": "company"})

    def queries() -> int:
        batch = load_batch(Journey.objects.values_list("pk", flat=True), austin("Thu 10:30"))
        definitions.services.refresh(batch)
        with CaptureQueriesContext(connection) as seen:
            slas.services.refresh(batch)
        return len(seen)

    house.become_mql("Thu 10:00")
    few = queries()
    for number in range(5):
        house.become_mql("Thu 10:00", remote_id=f"2{number}")
    assert queries() == few


# --- sources that can't be read --------------------------------------------------------------------------------


def test_what_no_source_could_tell_is_late_but_not_verified(house: House) -> None:
    FieldMapping.objects.filter(field__object="activity", field__name="owner").update(is_broken=True)
    house.become_mql("Thu 10:00")
    house.run_late()
    clock = house.clock()
    assert (clock.state, clock.receipt["no_data"]) == ("breached_not_verified", ["HubSpot"])
    # What was said stays said, although it can be read by now.
    FieldMapping.objects.update(is_broken=False)
    Touched.objects.create(record=clock.record)
    house.conclude("Thu 12:00")
    assert house.clock().state == "breached_not_verified"


def test_who_owns_it_needs_no_activities(house: House) -> None:
    FieldMapping.objects.filter(field__object="activity").delete()
    house.become_mql("Thu 10:00", owner=None)
    house.tick("Thu 10:05")
    house.conclude("Thu 10:05")
    house.serve_requests("Thu 10:05")
    house.conclude("Thu 10:05")
    assert house.clock("routed").state == "breached"


@pytest.mark.parametrize(
    ("since", "state"), [("Thu 09:00", "breached_not_verified"), ("Thu 10:30", "breached")]
)
def test_reading_that_fails_since_before_the_start_proves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, since: str, state: str
) -> None:
    monkeypatch.setattr("slas.sources._failing", [*_failing, lambda: {"hubspot": austin(since)}])
    house.become_mql("Thu 10:00")
    house.run_late()
    assert house.clock().state == state


def test_history_that_nobody_could_read_is_not_verified_either(house: House) -> None:
    FieldMapping.objects.filter(field__object="activity").delete()
    house.hubspot.go_live_at = austin("Fri 00:00")
    house.hubspot.save()
    house.become_mql("Thu 10:00")
    Touched.objects.create(record=house.clock().record)
    house.conclude("Thu 12:00")
    assert (house.clock().state, house.clock().is_measured_only) == ("breached_not_verified", True)


# --- looking again ---------------------------------------------------------------------------------------------


def test_a_meeting_that_lay_ahead_is_looked_at_when_it_begins(house: House) -> None:
    publish(house, "met", stop={"meeting_held": "sdr"}, target={"business_days": 3})
    house.become_mql("Thu 10:00")
    meeting = "2026-11-12T18:00:00Z"  # 12:00 in Austin
    house.call("Thu 10:10", kind="meeting", occurred_at=meeting)
    house.conclude("Thu 10:10")
    assert house.clock("met").state == "running"
    assert (next_look(austin("Thu 10:11")), look_again(austin("Thu 11:59"))) == (austin("Thu 12:00"), 0)
    assert look_again(austin("Thu 12:00:01")) == 2
    assert look_again(austin("Thu 12:00:02")) == 0
    house.conclude("Thu 12:00:02")
    assert (house.clock("met").state, house.clock("met").stopped_at) == ("met", austin("Thu 12:00"))
    assert next_look(austin("Thu 12:01")) is None
