"""Faults of writing (FLT5a, 11, 12, 13, 15, 16, 21): nothing is lost, nothing is written twice, nobody blocks others.

Each invariant has a negative control: the same test with the mechanism taken away must fail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from integrations.push import push_due
from integrations.standins.http import Request, Response, json_response
from integrations.writing import deciding, sending
from integrations.writing.claiming import Claim
from integrations.writing.models import PushState, WriteAttempt
from records.models import Connection, DesiredField, FieldMapping
from tests.integrations.writing.conftest import Live, Wire

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


@pytest.mark.parametrize("after", ["30", "3600"])
def test_told_to_wait_it_is_not_tried_before_the_time(hubspot: Live, wire: Wire, after: str) -> None:
    def throttled(request: Request, carry_out: CarryOut) -> Response:
        body = {"status": "error", "message": "ten_secondly_rolling", "policyName": "TEN_SECONDLY_ROLLING"}
        return json_response(body, 429, {"Retry-After": after})

    hubspot.want("gtm_stage", "MQL")
    wire.acts = [throttled]
    now = datetime.now(UTC)
    push_due(now)
    assert PushState.objects.get().failures == 1
    push_due(now + timedelta(seconds=int(after) - 5))
    assert wire.writes == 1
    # It said wait, not "which of you": nobody is suspected, and one record finds out that it is over.
    assert set(DesiredField.objects.values_list("attempts", flat=True)) == {0}
    push_due(now + timedelta(seconds=int(after) + 5))
    assert wire.writes == 3
    everyone_written_once(hubspot, "MQL")


def test_while_the_crm_is_away_one_record_asks_and_everything_goes_when_it_is_back(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    hubspot.want("gtm_stage", "MQL")
    sizes: list[int] = []

    def heard(request: Request, carry_out: CarryOut) -> Response:
        sizes.append(len(json.loads(request.body)["inputs"]))
        return unavailable(request, carry_out)

    wire.always = heard
    start = datetime.now(UTC)
    for seconds in range(0, 7200, 60):
        push_due(start + timedelta(seconds=seconds))
    assert sizes[0] == 7
    assert set(sizes[1:]) == {1}
    assert len(sizes) < 20
    assert not DesiredField.objects.filter(state="refused").exists()
    wire.always = None
    wire.forget()
    later = start + timedelta(seconds=7200 + deciding.LONGEST_PAUSE_SECONDS)
    push_due(later)
    push_due(later + timedelta(seconds=deciding.LONGEST_PAUSE_SECONDS))
    everyone_written_once(hubspot, "MQL")
    assert PushState.objects.get().failures == 0


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


def test_a_locked_row_is_tried_again_and_the_others_are_not(live: Live, wire: Wire) -> None:
    rows = live.want("gtm_stage", "MQL")
    locked = rows[0].record.remote_id

    def lock(request: Request, carry_out: CarryOut) -> Response:
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
        # What HubSpot's answer does not mention is tried again.
        return json_response(said, 207)

    wire.acts = [lock]
    now = datetime.now(UTC)
    push_due(now)
    assert live.shown("gtm_stage")[locked] is None
    assert DesiredField.objects.filter(state="sent").count() == 6
    push_due(now + timedelta(seconds=60))
    assert wire.writes == 2
    everyone_written_once(live, "MQL")


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
