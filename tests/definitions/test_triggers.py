"""Expansion triggers: when they fire, who is told, what the CRM says, and what is only measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from definitions.files.model_files import ModelTree, apply, check
from definitions.models import Firing, Judgement
from definitions.signals.events import read_event
from definitions.signals.storing import store_signals
from definitions.triggers import desired
from definitions.triggers.services import firings_of, handle, refresh
from effects.models import Effect
from records.loading import load_batch
from records.models import Connection, Event, Record, Touched
from teams.models import BusinessUnit, Membership, Person, Role, Team
from tests.definitions.conftest import LONG_AGO, NOW, change, make_record

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
CUSTOMER = {"lifecycle_stage": "customer", "email": "ada@acme.example"}
POWER_USER: dict[str, Any] = {
    "name": "Power user",
    "owner": "cs",
    "shared_with": ["sales"],
    "agreed_by": ["cs", "sales"],
    "object": "person",
    "in": ["hubspot"],
    "kind": "product_usage",
    "text": "Works with reports every day.",
    "play": "Ask what the reports are for.",
    "criteria": {
        "all": [
            {"field": "lifecycle_stage", "op": "is", "value": "customer"},
            {"event": "signal.report_exported", "at_least": 3, "within": {"days": 7}},
        ]
    },
}


@pytest.fixture
def agreed(catalogue: None, hubspot: Connection, house_teams: dict[str, Team]) -> Mapping[str, Any]:
    apply(ModelTree({"triggers": {"power_user": POWER_USER}}), now=NOW, force=True, effective_from=LONG_AGO)
    return POWER_USER


@pytest.fixture
def rosalind(house_teams: dict[str, Team]) -> Person:
    person = Person.objects.create_user("rosalind@fernhill.example", name="Rosalind", role=Role.MANAGER)
    Membership.objects.create(person=person, team=house_teams["cs"], started_at=LONG_AGO)
    return person


def export_at(record: Record, *moments: datetime) -> None:
    for at in moments:
        told = {
            "event": "Report Exported",
            "userId": record.values["product_user_id"],
            "timestamp": at.isoformat(),
        }
        store_signals("product", [read_event(told, max(NOW, at))], max(NOW, at))


@pytest.fixture
def ada(hubspot: Connection) -> Record:
    return make_record(hubspot, "1", {**CUSTOMER, "product_user_id": "u_1"}, at=NOW - 100 * DAY)


def conclude(record: Record, now: datetime = NOW) -> None:
    assert record.journey_id
    refresh(load_batch([record.journey_id], now))


def fired(record: Record) -> list[tuple[int, int | None]]:
    """(days before NOW it began, days before NOW it ended), oldest first."""
    return [
        ((NOW - f.fired_at).days, None if f.ended_at is None else (NOW - f.ended_at).days)
        for f in Firing.objects.filter(record=record).order_by("fired_at")
    ]


def test_it_fires_when_the_last_signal_makes_it_true_and_ends_by_time(
    agreed: object, ada: Record, hubspot: Connection
) -> None:
    export_at(ada, *(NOW - d * DAY for d in (60, 59, 58, 3, 2)))
    conclude(ada)
    assert fired(ada) == [(58, 52)]
    export_at(ada, NOW - DAY)
    conclude(ada)
    assert fired(ada) == [(58, 52), (1, None)]
    first, second = Firing.objects.filter(record=ada).order_by("fired_at")
    assert any("3" in text and "7 days" in text for text in second.because), second.because
    assert Judgement.objects.get(record=ada, section="triggers").state == "met"
    later = NOW + 30 * DAY
    conclude(ada, later)
    assert fired(ada) == [(58, 52), (1, -5)]
    assert Firing.objects.get(pk=first.pk).fired_at == first.fired_at


def test_concluding_again_writes_nothing_and_tells_nobody_twice(
    agreed: object, ada: Record, rosalind: Person
) -> None:
    export_at(ada, *(NOW - h * timedelta(hours=1) for h in (3, 2, 1)))
    conclude(ada)
    before = list(Firing.objects.values()), list(Effect.objects.values()), list(Event.objects.values())
    conclude(ada)
    assert before == (
        list(Firing.objects.values()),
        list(Effect.objects.values()),
        list(Event.objects.values()),
    )
    told = Effect.objects.order_by("channel")
    assert [(e.channel, e.payload["person"]) for e in told] == [
        ("email", rosalind.pk),
        ("inbox", rosalind.pk),
    ]
    assert told[0].payload["title"] == "Expansion signal: Power user · Record 1"
    assert "Ask what the reports are for." in told[0].payload["body"]
    assert Event.objects.get(kind="trigger.fired").data["owner"] == "cs"
    assert Touched.objects.filter(record=ada).exists()


def test_the_records_owner_is_told_when_the_team_is_theirs(
    agreed: object, ada: Record, rosalind: Person, house_teams: dict[str, Team]
) -> None:
    devon = Person.objects.create_user("devon@fernhill.example", name="Devon")
    Membership.objects.create(person=devon, team=house_teams["cs"], started_at=LONG_AGO)
    Record.objects.filter(pk=ada.pk).update(owner=devon)
    export_at(ada, NOW, NOW - DAY, NOW - 2 * DAY)
    conclude(ada)
    assert {e.payload["person"] for e in Effect.objects.all()} == {devon.pk}


def test_a_manager_who_may_not_read_the_record_is_not_told(
    agreed: object, ada: Record, rosalind: Person
) -> None:
    unit = BusinessUnit.objects.create(key="yards", name="Yards")
    ines = Person.objects.create_user("ines@fernhill.example", name="Ines", role=Role.REVOPS_ADMIN)
    ines.business_units.add(unit)
    Record.objects.filter(pk=ada.pk).update(business_unit=unit)
    export_at(ada, NOW, NOW - DAY, NOW - 2 * DAY)
    conclude(ada)
    assert {e.payload["person"] for e in Effect.objects.all()} == {ines.pk}


def test_before_go_live_it_is_measured_only(
    agreed: object, ada: Record, rosalind: Person, hubspot: Connection
) -> None:
    Connection.objects.filter(pk=hubspot.pk).update(go_live_at=NOW - DAY / 2)
    export_at(ada, NOW - DAY, NOW - 2 * DAY, NOW - 3 * DAY)
    conclude(ada)
    assert Firing.objects.get().is_measured_only
    assert not Effect.objects.exists()
    assert not Event.objects.filter(kind="trigger.fired").exists()
    assert firings_of(ada)[0].is_in_flight is False


def test_what_is_no_longer_true_is_not_news(agreed: object, ada: Record, rosalind: Person) -> None:
    export_at(ada, NOW - 20 * DAY, NOW - 21 * DAY, NOW - 22 * DAY)
    conclude(ada)
    assert fired(ada) == [(20, 14)]
    assert not Effect.objects.exists()


def test_a_change_of_a_field_ends_it_and_lets_it_fire_again(agreed: object, ada: Record) -> None:
    export_at(ada, *(NOW - d * DAY for d in (6, 5, 4)))
    change(ada, "lifecycle_stage", "lead", NOW - 3 * DAY)
    change(ada, "lifecycle_stage", "customer", NOW - 2 * DAY)
    conclude(ada)
    assert fired(ada) == [(4, 3), (2, None)]


def test_unknown_neither_fires_nor_ends(agreed: object, hubspot: Connection) -> None:
    unknown = make_record(hubspot, "2", {"product_user_id": "u_2"}, at=NOW - 100 * DAY)
    export_at(unknown, NOW, NOW - DAY, NOW - 2 * DAY)
    conclude(unknown)
    assert fired(unknown) == []


def test_handled_by_somebody_of_the_team_and_by_nobody_else(
    agreed: object, ada: Record, rosalind: Person
) -> None:
    export_at(ada, NOW, NOW - DAY, NOW - 2 * DAY)
    conclude(ada)
    firing = Firing.objects.get()
    assert firings_of(ada)[0].who_words == "CS has it"
    stranger = Person.objects.create_user("dana@fernhill.example", name="Dana")
    with pytest.raises(PermissionDenied):
        handle(firing, stranger, NOW)
    handle(firing, rosalind, NOW)
    handle(firing, rosalind, NOW + DAY)
    conclude(ada)
    firing.refresh_from_db()
    assert (firing.handled_at, firing.handled_by) == (NOW, rosalind)
    (shown,) = firings_of(ada)
    assert (shown.state, shown.who_words, shown.is_in_flight) == ("handled", "Handled by Rosalind", False)
    assert Event.objects.filter(kind="trigger.handled").count() == 1


def test_the_crm_says_what_is_open_and_who_has_it(agreed: object, ada: Record, rosalind: Person) -> None:
    export_at(ada, NOW, NOW - DAY, NOW - 2 * DAY)
    conclude(ada)
    assert ada.journey_id
    said = desired.compute(load_batch([ada.journey_id], NOW))
    assert said == {(ada.pk, "gtm_trigger"): "Power user, 2 Mar; CS has it"}
    handle(Firing.objects.get(), rosalind, NOW)
    assert desired.compute(load_batch([ada.journey_id], NOW)) == {(ada.pk, "gtm_trigger"): None}


def test_a_long_history_costs_a_bounded_work_and_keeps_what_fired_before(
    agreed: object, ada: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from definitions.triggers import fold

    export_at(ada, *(NOW - d * DAY for d in (60, 59, 58)))
    conclude(ada)
    export_at(ada, *(NOW - d * DAY for d in (30, 29, 10, 9, 8)))
    monkeypatch.setattr(fold, "MOST_MOMENTS", 3)
    conclude(ada)
    assert fired(ada) == [(58, 52), (8, 2)]


def test_a_batch_costs_as_many_queries_as_one_record(
    agreed: object, hubspot: Connection, django_assert_max_num_queries: Any
) -> None:
    people = [
        make_record(hubspot, str(i), {**CUSTOMER, "product_user_id": f"u_{i}"}, at=NOW - 9 * DAY)
        for i in range(20)
    ]
    for person in people:
        export_at(person, NOW, NOW - DAY, NOW - 2 * DAY)
    batch = load_batch([p.journey_id for p in people if p.journey_id], NOW)
    with django_assert_max_num_queries(30):
        refresh(batch)
    assert Firing.objects.count() == 20


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "rumour"}, "unknown"),
        ({"owner": "nobody"}, "unknown"),
        ({"shared_with": ["cs"]}, "owner_twice"),
        ({"criteria": None}, "missing"),
        ({"criteria": {"field": "nothing", "op": "is_empty"}}, "unknown_field"),
        ({"variants": []}, "unknown_key"),
    ],
)
def test_a_trigger_that_cant_be_meant_is_refused(
    agreed: Mapping[str, Any], changes: dict[str, Any], code: str
) -> None:
    body = {k: v for k, v in {**agreed, **changes}.items() if v is not None}
    faults = check(ModelTree({"triggers": {"power_user": body}}), NOW).faults
    assert [f.code for f in faults] == [code], faults
