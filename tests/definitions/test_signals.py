"""Signals: what is taken, kept once, matched with records, and removed when its time is over."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from definitions.models import Signal
from definitions.signals import storing as signals
from definitions.signals.events import EventRefused, SignalEvent, Unusable, events_in, read_event, signal_name
from records.incoming import IncomingRecord
from records.models import CatalogueField, Connection, FieldMapping, LinkKey, Record, Touched
from records.services import store_page
from tests.definitions.conftest import NOW, make_record

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Workspace Invited",
    "userId": "u_1",
    "messageId": "m1",
    "timestamp": "2026-03-01T08:00:00Z",
    "properties": {"seats": 4},
}


def read(**changes: Any) -> SignalEvent:
    return read_event({**EVENT, **changes}, NOW)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Workspace Invited", "workspace_invited"),
        ("report-exported", "report_exported"),
        ("  API.Key created! ", "api_key_created"),
        ("Größe geändert", "groe_geandert"),
        ("登録", ""),
    ],
)
def test_a_name_is_what_criteria_call_it(told: str, name: str) -> None:
    assert signal_name(told) == name


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({}, ("u_1", "", "")),
        ({"userId": 12}, ("12", "", "")),
        ({"userId": "Ada@Acme.example"}, ("", "ada@acme.example", "")),
        ({"userId": None, "user_id": "x", "groupId": "g"}, ("x", "", "g")),
        ({"context": {"groupId": "g", "traits": {"email": "A@b.co"}}}, ("u_1", "a@b.co", "g")),
        ({"userId": "", "account_id": 7}, ("", "", "7")),
        ({"properties": {"email": "a@b.co"}}, ("u_1", "a@b.co", "")),
    ],
)
def test_who_it_is_about_stands_in_the_usual_places(changes: dict[str, Any], who: tuple[str, ...]) -> None:
    event = read(**changes)
    assert (event.user_ref, event.user_email, event.account_ref) == who


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("x", "not_an_event"),
        ({**EVENT, "type": "identify"}, "not_track"),
        ({**EVENT, "event": " "}, "no_name"),
        ({**EVENT, "event": 3}, "no_name"),
        ({**EVENT, "event": "x" * 81}, "name"),
        ({**EVENT, "event": "登録"}, "name"),
        ({**EVENT, "userId": ""}, "nobody"),
        ({**EVENT, "userId": ["u"]}, "id"),
        ({**EVENT, "userId": "u" * 201}, "id"),
        ({**EVENT, "userId": "u\x00"}, "id"),
        ({**EVENT, "properties": [1]}, "properties"),
        ({**EVENT, "properties": {"a": "\ud800"}}, "text"),
        ({**EVENT, "properties": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, "too_deep"),
        ({**EVENT, "properties": {str(i): i for i in range(201)}}, "too_many"),
        ({**EVENT, "properties": {"a": "x" * 33_000}}, "too_large"),
        ({**EVENT, "timestamp": "yesterday"}, "timestamp"),
        ({**EVENT, "timestamp": 17}, "timestamp"),
        ({**EVENT, "timestamp": "2020-01-01T00:00:00Z"}, "too_old"),
        ({**EVENT, "messageId": "m" * 201}, "message_id"),
    ],
)
def test_what_cant_be_kept_is_refused_with_a_code_and_words(event: Any, code: str) -> None:
    with pytest.raises(EventRefused) as refused:
        read_event(event, NOW, oldest=NOW - timedelta(days=400))
    assert refused.value.code == code
    assert refused.value.text


@pytest.mark.parametrize(
    ("timestamp", "sent", "minutes_ago"),
    [
        ("2026-03-02T11:30:00Z", None, 30),
        ("2026-03-02T11:30:00", None, 30),
        ("2026-03-02T12:30:00+01:00", None, 30),
        ("2026-03-02T11:30:00Z", "2026-03-02T12:00:30Z", 30),  # half a minute is no wrong clock
        ("2026-03-02T13:30:00Z", "2026-03-02T14:00:00Z", 30),  # two hours ahead
        ("2026-03-02T09:30:00Z", "2026-03-02T10:00:00Z", 30),  # two hours behind
        ("2026-03-02T13:30:00Z", None, 0),  # nothing happens in the future
        (None, None, 0),
    ],
)
def test_a_wrong_clock_is_set_right(timestamp: str | None, sent: str | None, minutes_ago: int) -> None:
    event = read_event({**EVENT, "timestamp": timestamp}, NOW, sent=sent)
    assert NOW - event.occurred_at == timedelta(minutes=minutes_ago)


def test_without_a_message_id_the_same_event_is_one_and_another_another() -> None:
    first, again, other = read(messageId=None), read(messageId=""), read(messageId=None, userId="u_2")
    assert first.message_id == read(messageId=None).message_id
    assert len({first.message_id, other.message_id}) == 2
    assert again.message_id


@pytest.mark.parametrize("payload", [7, "x", None, [], {"batch": {}}, {"batch": []}, [EVENT] * 501])
def test_a_delivery_without_events_is_unusable(payload: Any) -> None:
    with pytest.raises(Unusable):
        events_in(payload)


@pytest.mark.parametrize("payload", [EVENT, [EVENT], {"batch": [EVENT]}])
def test_one_event_or_many(payload: Any) -> None:
    assert list(events_in(payload)) == [EVENT]


# --- keeping and matching --------------------------------------------------------------------------------------


def person(connection: Connection, remote_id: str, values: Mapping[str, Any]) -> Record:
    record = make_record(connection, remote_id, values)
    if email := values.get("email"):
        LinkKey.objects.create(record=record, key=f"email:{email}")
    return record


def account(connection: Connection, remote_id: str, product_id: str) -> Record:
    return Record.objects.create(
        id=uuid.UUID(int=int(remote_id)), connection=connection, object="account",
        remote_object="companies", remote_id=remote_id, values={"product_account_id": product_id},
    )  # fmt: skip


@pytest.mark.django_db
def test_a_signal_is_kept_once_and_marks_its_record(hubspot: Connection) -> None:
    ada = person(hubspot, "1", {"email": "ada@acme.example"})
    told = [read(userId="ada@acme.example"), read(userId="x", messageId="m2"), read(messageId="m2")]
    done = signals.store_signals("product", told, NOW)
    assert (done.is_new, done.matched) == ((True, True, False), 1)
    assert signals.store_signals("product", told, NOW).is_new == (False, False, False)
    assert signals.store_signals("other", told[:1], NOW).is_new == (True,)
    assert list(Signal.objects.filter(record=ada).values_list("source", flat=True)) == ["product", "other"]
    assert set(Touched.objects.values_list("record", flat=True)) == {ada.pk}


@pytest.mark.django_db
def test_the_products_id_goes_before_the_address_and_the_person_before_the_account(
    hubspot: Connection, salesforce: Connection
) -> None:
    by_id = person(hubspot, "1", {"product_user_id": "u_1"})
    by_mail = person(hubspot, "2", {"email": "ada@acme.example"})
    firm = account(salesforce, "3", "acme")
    gone = person(hubspot, "4", {"product_user_id": "u_9"})
    Record.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    cases: list[tuple[dict[str, Any], Record | None]] = [
        ({"email": "ada@acme.example", "groupId": "acme"}, by_id),
        ({"userId": "u_2", "email": "ada@acme.example", "groupId": "acme"}, by_mail),
        ({"userId": "u_2", "groupId": "acme"}, firm),
        ({"userId": "u_9"}, None),
    ]
    events = [read(**changes, messageId=str(i)) for i, (changes, _) in enumerate(cases)]
    signals.store_signals("product", events, NOW)
    held = dict(Signal.objects.values_list("message_id", "record"))
    assert held == {str(i): record.pk if record else None for i, (_, record) in enumerate(cases)}


def incoming(remote_id: str, remote_object: str, **values: Any) -> IncomingRecord:
    return IncomingRecord(
        remote_object=remote_object,
        remote_id=remote_id,
        values=values,
        raw={},
        created_at=NOW,
        modified_at=NOW,
    )


@pytest.fixture
def mapped(hubspot: Connection) -> Connection:
    for object_name, remote, name in [
        ("person", "contacts", "email"),
        ("person", "contacts", "product_user_id"),
        ("account", "companies", "product_account_id"),
    ]:
        field = CatalogueField.objects.create(object=object_name, name=name, label=name, type="text")
        FieldMapping.objects.create(connection=hubspot, field=field, remote_object=remote, remote_name=name)
    return hubspot


@pytest.mark.django_db
def test_signals_wait_for_their_record(mapped: Connection) -> None:
    told = [
        read(userId="ada@acme.example", messageId="mail"),
        read(userId="u_7", groupId="acme", messageId="user"),
        read(userId="", groupId="acme", messageId="account"),
        read(userId="nobody", messageId="none"),
    ]
    signals.store_signals("product", told, NOW)
    assert not Signal.objects.exclude(record=None).exists()

    store_page(mapped, [incoming("9", "companies", product_account_id="acme")], now=NOW)
    firm = Record.objects.get(object="account")
    assert set(Signal.objects.filter(record=firm).values_list("message_id", flat=True)) == {"user", "account"}

    store_page(mapped, [incoming("1", "contacts", email="Ada@acme.example", product_user_id="u_7")], now=NOW)
    ada = Record.objects.get(object="person")
    assert set(Signal.objects.filter(record=ada).values_list("message_id", flat=True)) == {"mail", "user"}
    assert list(Signal.objects.filter(record=firm).values_list("message_id", flat=True)) == ["account"]
    assert Signal.objects.get(record=None).message_id == "none"
    assert {ada.pk, firm.pk} <= set(Touched.objects.values_list("record", flat=True))


@pytest.mark.django_db
def test_what_came_in_the_same_moment_as_its_record_is_found_by_the_tick(hubspot: Connection) -> None:
    signals.store_signals("product", [read(), read(userId="u_2", messageId="m2")], NOW)
    ada = person(hubspot, "1", {"product_user_id": "u_1"})
    assert signals.tend(NOW + timedelta(seconds=1)) == 1
    assert Signal.objects.get(record=ada).message_id == "m1"
    assert signals.tend(NOW + timedelta(seconds=2)) == 0


@pytest.mark.django_db
def test_old_signals_are_removed_page_by_page(
    hubspot: Connection, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "PAGE", 2)
    events = [read(messageId=str(i), timestamp=None) for i in range(3)]
    signals.store_signals("product", events, NOW)
    later = NOW + timedelta(days=settings.GTMOPS.signal_days, seconds=1)
    signals.store_signals("product", [read_event({**EVENT, "timestamp": None}, later)], later)
    assert [signals.remove_old(later) for _ in range(3)] == [2, 1, 0]
    assert Signal.objects.get().message_id == "m1"
    assert signals.next_due(NOW) == later + timedelta(days=settings.GTMOPS.signal_days)


@pytest.mark.django_db
def test_many_signals_cost_as_many_statements_as_few(
    hubspot: Connection, django_assert_max_num_queries: Any
) -> None:
    people = [person(hubspot, str(i), {"product_user_id": f"u_{i}"}) for i in range(100)]
    events = [read(userId=f"u_{i}", messageId=str(i)) for i in range(500)]
    with django_assert_max_num_queries(8):
        done = signals.store_signals("product", events, NOW)
    assert (sum(done.is_new), done.matched) == (500, len(people))


@pytest.mark.django_db
def test_the_names_seen_say_who_waits(hubspot: Connection) -> None:
    person(hubspot, "1", {"product_user_id": "u_1"})
    told = [
        read(),
        read(userId="u_2", messageId="m2"),
        read(userId="u_2", messageId="m3"),
        read(userId="a@b.co", messageId="m4"),
        read(event="Report Exported", messageId="m5", timestamp="2026-02-01T00:00:00Z"),
    ]
    signals.store_signals("product", told, NOW)
    first, second = signals.names_seen()
    assert (first.name, first.count, first.waiting, first.waiting_users) == ("workspace_invited", 4, 3, 2)
    assert (second.name, second.waiting, second.sources) == ("report_exported", 0, ("product",))
    assert {(w.who, w.count) for w in signals.waiting_users()} == {("u_2", 2), ("a@b.co", 1)}
