"""Faults of writing (FLT5a, 11, 12, 13, 15, 16, 21): nothing is lost, nothing is written twice, nobody blocks others.

Each invariant has a negative control: the same test with the mechanism taken away must fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.test import Client
from django.urls import reverse

from integrations.base import Connector, PushResult, Write
from integrations.connecting.testing import look
from integrations.pull import pull_to_the_end
from integrations.push import push_due
from integrations.registry import connector_for
from integrations.standins.app import running_standins
from integrations.standins.http import Request, Response, json_response
from integrations.standins.store import Actor
from integrations.writing import claiming, deciding, sending
from integrations.writing.claiming import Claim
from integrations.writing.models import PushState, WriteAttempt
from records.models import Connection, DesiredField, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME
from teams.models import Person
from tests.integrations.conftest import small_world
from tests.integrations.writing.conftest import Act, Live, Wire, make_live

CarryOut = Callable[[], Response]


def answer_lost(request: Request, carry_out: CarryOut) -> Response:
    """The CRM writes, and the connection breaks before we hear of it."""
    answer = carry_out()
    answer.is_cut = True
    return answer


def unavailable(request: Request, carry_out: CarryOut) -> Response:
    return Response(503, b"<html><body>Down for maintenance</body></html>")


def everyone_written_once(live: Live, value: str) -> None:
    """I4 and I5: what was wanted stands at each record, and no write of it came twice."""
    assert set(live.shown("gtm_stage").values()) == {value}
    assert set(Counter(remote_id for remote_id, _ in live.effects()).values()) == {1}


# --- FLT5a: the answer is lost -----------------------------------------------------------------------------------


def test_what_was_written_without_our_hearing_of_it_is_read_and_not_written_again(
    live: Live, wire: Wire
) -> None:
    live.want("gtm_stage", "MQL")
    wire.acts = [answer_lost]
    now = datetime.now(UTC)
    push_due(now)
    assert DesiredField.objects.filter(state="different").count() == 7
    push_due(now + timedelta(seconds=60))
    push_due(now + timedelta(seconds=120))
    assert wire.writes == 1
    everyone_written_once(live, "MQL")
    assert set(DesiredField.objects.values_list("state", "before_write", "lease_token")) == {
        ("sent", None, None)
    }
    assert set(WriteAttempt.objects.values_list("outcome", flat=True)) == {"stood"}


def test_control_without_reading_first_it_is_written_twice(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_standing", lambda *args: {})
    hubspot.want("gtm_stage", "MQL")
    wire.acts = [answer_lost]
    now = datetime.now(UTC)
    for seconds in (0, 60, 120):
        push_due(now + timedelta(seconds=seconds))
    assert wire.writes > 1


def test_a_worker_killed_before_it_stored_the_answer_leaves_nothing_to_write_again(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(claim: Claim, *args: object) -> None:
        raise Killed

    hubspot.want("gtm_stage", "MQL")
    now = datetime.now(UTC)
    with monkeypatch.context() as patch:
        patch.setattr(sending, "store_results", die)
        with pytest.raises(Killed):
            push_due(now)
    assert push_due(now + timedelta(seconds=30)) == 0
    assert push_due(now + timedelta(seconds=120)) == 7
    assert wire.writes == 1
    everyone_written_once(hubspot, "MQL")


# --- FLT11, FLT12, FLT13: told to wait, away ---------------------------------------------------------------------


def busy(headers: dict[str, str], policy: str = "TEN_SECONDLY_ROLLING") -> Act:
    """HubSpot's 429; Salesforce says it with 503."""

    def answering(request: Request, carry_out: CarryOut) -> Response:
        if "/services/" in request.path:
            return Response(503, b"", "text/plain", headers)
        return json_response({"status": "error", "policyName": policy}, 429, headers)

    return answering


def until_a_date(request: Request, carry_out: CarryOut) -> Response:
    until = datetime.now(UTC) + timedelta(seconds=3601)
    return busy({"Retry-After": format_datetime(until, usegmt=True)})(request, carry_out)


def spent(request: Request, carry_out: CarryOut) -> Response:
    said = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    return json_response(said, 403)


def waits_of(kind: str) -> list[tuple[str, Act, int]]:
    """(what is said, how, for how many seconds nothing may be asked)"""
    said = [
        ("30 s", busy({"Retry-After": "30"}), 30),
        ("an hour", busy({"Retry-After": "3600"}), 3600),
        ("a date", until_a_date, 3600),
    ]
    if kind == "salesforce":
        return [*said, ("the day's calls are spent", spent, 1800)]
    return [
        *said,
        ("not how long", busy({}), 10),
        ("the day's calls are spent", busy({}, "DAILY"), 3600),
    ]


def waited_out(live: Live, wire: Wire, act: Act, seconds: int) -> None:
    """Nothing is asked before the time, nobody is suspected, and then everybody is written, once."""
    DesiredField.objects.all().delete()
    PushState.objects.all().delete()
    live.want("gtm_stage", f"MQL {len(live.effects())}")
    before = len(live.effects())
    wire.acts = [act]
    now = datetime.now(UTC)
    push_due(now)
    asked = len(wire.calls)
    state = PushState.objects.get()
    assert (state.failures, bool(state.last_error)) == (1, True)
    push_due(now + timedelta(seconds=seconds - 5))
    assert len(wire.calls) == asked
    # It said wait, not "which of you".
    assert set(DesiredField.objects.values_list("attempts", flat=True)) == {0}
    push_due(now + timedelta(seconds=seconds + 600))
    written = Counter(remote_id for remote_id, _ in live.effects()[before:])
    assert sorted(written.values()) == [1] * 7


def test_flt11_told_to_wait_it_is_not_tried_before_the_time(live: Live, wire: Wire) -> None:
    for _, act, seconds in waits_of(live.connection.kind):
        waited_out(live, wire, act, seconds)


def test_flt11_while_one_crm_wants_us_to_wait_the_other_is_written(hubspot: Live, wire: Wire) -> None:
    other = make_live("salesforce", hubspot.standins)
    hubspot.want("gtm_stage", "MQL")
    other.want("gtm_stage", "MQL")
    wire.acts = [busy({"Retry-After": "3600"})]
    push_due(datetime.now(UTC))
    assert set(hubspot.shown("gtm_stage").values()) == {None}
    assert set(other.shown("gtm_stage").values()) == {"MQL"}


def test_control_a_wait_that_is_not_kept_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending._free
    monkeypatch.setattr("integrations.push.is_open", lambda state, now: True)
    monkeypatch.setattr(claiming, "is_open", lambda state, now: True)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(sending, "_free", lambda rows, text, at, unknown: real(rows, text, long_ago, unknown))
    with pytest.raises(AssertionError):
        waited_out(hubspot, wire, busy({"Retry-After": "30"}), 30)


def asks_seldom(hubspot: Live, wire: Wire, minutes: int, most: int) -> datetime:
    """While it is away one record at a time asks, less and less often. When that ended."""
    hubspot.want("gtm_stage", "MQL")
    sizes: list[int] = []

    def heard(request: Request, carry_out: CarryOut) -> Response:
        sizes.append(len(json.loads(request.body)["inputs"]))
        return unavailable(request, carry_out)

    wire.always = heard
    start = datetime.now(UTC)
    for minute in range(minutes):
        push_due(start + timedelta(minutes=minute))
        assert len(sizes) <= minute + 1  # at most one a minute
    assert sizes[0] == 7
    assert set(sizes[1:]) == {1}
    assert len(sizes) <= most
    assert not DesiredField.objects.filter(state="refused").exists()
    return start + timedelta(minutes=minutes)


def test_flt12_while_the_crm_is_away_one_record_asks_and_everything_goes_when_it_is_back(
    hubspot: Live, wire: Wire
) -> None:
    end = asks_seldom(hubspot, wire, 120, most=19)
    wire.always = None
    wire.forget()
    later = end + timedelta(seconds=deciding.LONGEST_PAUSE_SECONDS)
    push_due(later)
    push_due(later + timedelta(seconds=deciding.LONGEST_PAUSE_SECONDS))
    everyone_written_once(hubspot, "MQL")
    assert PushState.objects.get().failures == 0


def test_control_a_pause_that_does_not_grow_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "pause_after", lambda *args: timedelta(0))
    monkeypatch.setattr(deciding, "pause_while_away", lambda *args: timedelta(0))
    with pytest.raises(AssertionError):
        asks_seldom(hubspot, wire, 9, most=7)


# --- FLT15: one of many ------------------------------------------------------------------------------------------


def test_a_record_that_brings_the_crm_down_is_found_and_the_others_are_written(
    hubspot: Live, wire: Wire
) -> None:
    """Nobody says whose fault it is: whatever batch it is in gets a 500."""
    hubspot.want("gtm_stage", "MQL")
    poisoned = "104"

    def crash(request: Request, carry_out: CarryOut) -> Response:
        ids = [row["id"] for row in json.loads(request.body)["inputs"]]
        return Response(500, b"", "text/plain") if poisoned in ids else carry_out()

    wire.always = crash
    now = datetime.now(UTC)
    for number in range(20):
        push_due(now + number * timedelta(minutes=16))
        # Another is written all the while, so that the CRM is known not to be away.
        DesiredField.objects.filter(record__remote_id="101").update(desired=f"M{number}", state="different")
    shown = hubspot.shown("gtm_stage")
    assert shown.pop(poisoned) is None
    shown.pop("101")
    assert set(shown.values()) == {"MQL"}
    dead = DesiredField.objects.get(state="refused")
    assert dead.record.remote_id == poisoned
    assert dead.last_error.startswith("Given up after")
    others = Counter(remote_id for remote_id, _ in hubspot.effects() if remote_id != "101")
    assert set(others.values()) == {1}


def test_a_batch_refused_as_a_whole_is_halved_at_once(live: Live, wire: Wire) -> None:
    """A 400 without a name: the good ones are written in the same pass, each once."""
    rows = live.want("gtm_stage", "MQL")
    poisoned = rows[3].record.remote_id

    def refuse(request: Request, carry_out: CarryOut) -> Response:
        told = json.loads(request.body)
        if poisoned not in [row["id"] for row in told.get("inputs") or told["records"]]:
            return carry_out()
        body = {"status": "error", "category": "VALIDATION_ERROR", "message": "Ask Legal first"}
        said = [{"errorCode": "JSON_PARSER_ERROR", "message": "Ask Legal first"}]
        return json_response(body if "inputs" in told else said, 400)

    wire.always = refuse
    push_due(datetime.now(UTC))
    shown = live.shown("gtm_stage")
    assert shown.pop(poisoned) is None
    assert set(shown.values()) == {"MQL"}
    assert set(Counter(remote_id for remote_id, _ in live.effects()).values()) == {1}
    dead = DesiredField.objects.get(state="refused")
    assert "Ask Legal first" in dead.last_error


def only_the_locked_again(live: Live, wire: Wire) -> None:
    rows = live.want("gtm_stage", "MQL")
    locked = rows[0].record.remote_id
    asked: list[set[str]] = []

    def ids_of(request: Request) -> set[str]:
        told = json.loads(request.body)
        return {row["id"] for row in told.get("inputs") or told["records"]}

    def lock(request: Request, carry_out: CarryOut) -> Response:
        asked.append(ids_of(request))
        told = json.loads(request.body)
        name = "records" if "records" in told else "inputs"
        kept = [row for row in told[name] if row["id"] != locked]
        request.body = json.dumps({**told, name: kept}).encode()
        answer = carry_out()
        said = json.loads(answer.body)
        if name == "records":
            fault = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}]}
            said.insert([row["id"] for row in told[name]].index(locked), fault)
            return json_response(said)
        # What HubSpot's answer does not mention is read, and then tried again.
        return json_response(said, 207)

    def noted(request: Request, carry_out: CarryOut) -> Response:
        asked.append(ids_of(request))
        return carry_out()

    wire.acts, wire.always = [lock], noted
    now = datetime.now(UTC)
    push_due(now)
    assert live.shown("gtm_stage")[locked] is None
    push_due(now + timedelta(seconds=60))
    assert [len(ids) for ids in asked] == [7, 1]
    assert asked[1] == {locked}
    everyone_written_once(live, "MQL")


def test_flt15_a_locked_row_is_tried_again_and_the_others_are_not(live: Live, wire: Wire) -> None:
    only_the_locked_again(live, wire)


def test_control_a_batch_that_goes_again_for_one_of_it_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending.push_parts

    def all_or_none(connector: Connector, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
        results = real(connector, remote_object, writes)
        failed = any(result.outcome == "retry" for result in results)
        return [PushResult(r.remote_id, "retry") for r in results] if failed else results

    monkeypatch.setattr(sending, "push_parts", all_or_none)
    with pytest.raises(AssertionError):
        only_the_locked_again(hubspot, wire)


# --- FLT16: the session ends, the credentials end ----------------------------------------------------------------


def test_revoked_credentials_stop_the_writing_and_lose_nothing(hubspot: Live, wire: Wire) -> None:
    def revoked(request: Request, carry_out: CarryOut) -> Response:
        return json_response({"category": "INVALID_AUTHENTICATION", "message": "The token was revoked"}, 401)

    hubspot.want("gtm_stage", "MQL")
    wire.acts = [revoked]
    now = datetime.now(UTC)
    push_due(now)
    connection = Connection.objects.get(pk=hubspot.connection.pk)
    assert connection.state == Connection.State.BROKEN
    assert "The token was revoked" in connection.state_reason
    assert push_due(now + timedelta(hours=5)) == 0
    assert DesiredField.objects.filter(state="different", attempts=0).count() == 7
    Connection.objects.filter(pk=connection.pk).update(state=Connection.State.ACTIVE)
    push_due(now + timedelta(hours=6))
    everyone_written_once(hubspot, "MQL")


# --- FLT21: a field of ours is gone ------------------------------------------------------------------------------


def test_a_field_that_is_gone_there_stops_nobody_elses(hubspot: Live, wire: Wire) -> None:
    hubspot.want("gtm_stage", "MQL")
    hubspot.want("gtm_missing", "Budget")
    FieldMapping.objects.filter(field__name="gtm_missing").update(is_broken=True)
    push_due(datetime.now(UTC))
    assert set(hubspot.shown("gtm_stage").values()) == {"MQL"}
    assert set(hubspot.shown("gtm_missing").values()) == {None}
    assert DesiredField.objects.filter(field="gtm_missing", state="different", attempts=0).count() == 7


def test_our_field_that_somebody_removed_there_is_made_again_and_filled(live: Live, client: Client) -> None:
    """Its page names it, and the button that made it first makes it again."""
    live.want("gtm_stage", "MQL")
    push_due(datetime.now(UTC))
    people = "Lead" if live.connection.kind == "salesforce" else "contacts"
    connector_for(live.connection).remove_fields(people, [OWN_FIELD_BY_NAME["gtm_stage"]])
    pull_to_the_end(live.connection)
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    page = client.get(reverse("integrations:writing")).content.decode()
    assert "Our fields" in page
    assert "Create 1 field" in page
    client.post(reverse("integrations:provision", args=[live.connection.name]))
    pull_to_the_end(live.connection)
    assert "Our fields" not in client.get(reverse("integrations:writing")).content.decode()
    push_due(datetime.now(UTC) + timedelta(minutes=10))
    assert set(live.shown("gtm_stage").values()) == {"MQL"}


def test_a_field_that_our_user_may_no_longer_write_is_named_by_the_test_of_the_connection(
    db: None, wire: Wire
) -> None:
    with running_standins(small_world(2)) as standins:
        live = make_live("salesforce", standins)
        now = datetime.now(UTC)
        assert look(live.connection, now).lacking == []
        grants = standins.store.all_of(
            "salesforce", "FieldPermissions", "json_extract(fields, '$.Field') = ?", ["Lead.Gtm_Stage__c"]
        )
        for grant in grants:
            standins.store.update(grant, {"PermissionsEdit": False}, Actor("", "CRM_UI"))
        (lacking,) = look(live.connection, now).lacking
    assert lacking.name == "Lead"
    assert lacking.text.endswith("but our user can't write Gtm_Stage__c")
    assert "Gtmops_Integration" in lacking.what_to_do


def test_a_right_that_is_missing_stops_that_object_and_says_so(hubspot: Live, wire: Wire) -> None:
    def forbidden(request: Request, carry_out: CarryOut) -> Response:
        return json_response({"category": "MISSING_SCOPES", "message": "crm.objects.contacts.write"}, 403)

    hubspot.want("gtm_stage", "MQL")
    wire.acts = [forbidden]
    now = datetime.now(UTC)
    push_due(now)
    assert "crm.objects.contacts.write" in PushState.objects.get().paused_objects["contacts"]["text"]
    push_due(now + timedelta(minutes=4))
    assert wire.writes == 1
    push_due(now + timedelta(minutes=6))
    everyone_written_once(hubspot, "MQL")
    assert PushState.objects.get().paused_objects == {}


def test_a_right_that_is_missing_is_no_fault_of_the_one_record_that_changed(
    hubspot: Live, wire: Wire
) -> None:
    def forbidden(request: Request, carry_out: CarryOut) -> Response:
        error = {"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}
        return json_response({"message": "not granted", "errors": [error]}, 403)

    hubspot.want("gtm_stage", "MQL")
    DesiredField.objects.exclude(pk=DesiredField.objects.order_by("pk")[0].pk).delete()
    wire.acts = [forbidden]
    now = datetime.now(UTC)
    push_due(now)
    assert "crm.objects.contacts.write" in PushState.objects.get().paused_objects["contacts"]["text"]
    assert DesiredField.objects.get().state == "different"
    push_due(now + timedelta(minutes=6))
    assert DesiredField.objects.get().state == "sent"
