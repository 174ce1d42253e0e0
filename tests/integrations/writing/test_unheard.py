"""Writes of which nobody heard whether they were done: known as such, read before they go again, never done twice.

FLT13 and FLT14 while writing, and what may happen between such a write and the look whether it stands there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from integrations import http
from integrations.errors import RetryLater
from integrations.push import push_due
from integrations.standins.http import Request, Response, json_response
from integrations.writing import sending
from records.models import Connection, DesiredField
from tests.integrations.clocks import PolicyClock
from tests.integrations.writing.conftest import Act, Live, Wire
from tests.integrations.writing.test_faults import CarryOut, answer_lost

PEOPLE = 7
clock = PolicyClock()


@pytest.fixture(autouse=True)
def _time_is_the_crms(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    clock.ahead_seconds = 0.0
    monkeypatch.setattr(http, "time", clock)
    settings.GTMOPS = replace(settings.GTMOPS, http_max_bytes=200_000)


def drips(request: Request, carry_out: CarryOut) -> Response:
    """Written; then a byte from time to time, and a minute goes by."""
    answer = carry_out()

    def pieces() -> Iterator[bytes]:
        yield b" "
        clock.ahead_seconds += 60.0
        while True:
            yield b" "

    return replace(answer, pieces=pieces())


def never_ends(request: Request, carry_out: CarryOut) -> Response:
    answer = carry_out()

    def pieces() -> Iterator[bytes]:
        while True:
            yield b" " * 10_000

    return replace(answer, pieces=pieces())


def says(body: str, kind: str = "application/json") -> Act:
    def answering(request: Request, carry_out: CarryOut) -> Response:
        carry_out()
        return Response(200, body.encode(), kind)

    return answering


def half_of_it(request: Request, carry_out: CarryOut) -> Response:
    answer = carry_out()
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def of_other_types(request: Request, carry_out: CarryOut) -> Response:
    carry_out()
    if "composite" in request.path:
        return json_response([{"id": n, "success": "yes"} for n in range(PEOPLE)])
    return json_response({"status": "COMPLETE", "results": [{"id": None}, 7]})


def late_and_says_when(request: Request, carry_out: CarryOut) -> Response:
    """A proxy gave up, and its words are no promise that nothing was done behind it."""
    carry_out()
    return Response(504, b"", "text/plain", {"Retry-After": "30"})


UNHEARD: dict[str, Act] = {
    "the line breaks": answer_lost,
    "it drips": drips,
    "it never ends": never_ends,
    "a page of HTML": says("<html><body>Maintenance</body></html>", "text/html"),
    "nothing": says(""),
    "half of it": half_of_it,
    "other types": of_other_types,
    "a gateway's time is over": late_and_says_when,
}


def want_anew(live: Live, wire: Wire, value: str, now: datetime) -> int:
    """Something else is wanted of everybody. How much had been written before."""
    if DesiredField.objects.exists():
        DesiredField.objects.update(desired=value, state="different", next_try_at=now)
    else:
        live.want("gtm_stage", value)
    wire.forget()
    return len(live.effects())


def written_once_after(live: Live, wire: Wire, what: str, now: datetime) -> None:
    before = want_anew(live, wire, f"MQL: {what}", now)
    wire.acts = [UNHEARD[what]]
    push_due(now)
    assert wire.writes == 1, what
    open_ = DesiredField.objects.filter(state="different", lease_until=None, lease_token__isnull=False)
    assert open_.count() == PEOPLE, f"{what}: it is not known that nobody knows"
    assert set(open_.values_list("last_error", flat=True)) != {""}, what
    for seconds in (60, 120, 180):
        push_due(now + timedelta(seconds=seconds))
    assert wire.writes == 1, what
    once(live, f"MQL: {what}", before)
    assert set(DesiredField.objects.values_list("state", "lease_token")) == {("sent", None)}, what


def once(live: Live, value: str, before: int = 0) -> None:
    """I4 and I5, of what was written since."""
    assert set(live.shown("gtm_stage").values()) == {value}
    counts = Counter(remote_id for remote_id, fields in live.effects()[before:] if value in fields.values())
    assert sorted(counts.values()) == [1] * PEOPLE, value


def test_flt13_flt14_what_was_written_unheard_is_read_and_not_written_again(live: Live, wire: Wire) -> None:
    now = datetime.now(UTC)
    for number, what in enumerate(UNHEARD):
        written_once_after(live, wire, what, now + number * timedelta(hours=1))


def test_control_without_the_look_before_it_would_be_written_twice(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_standing", lambda *args: {})
    now = datetime.now(UTC)
    for number, what in enumerate(["it drips", "it never ends", "half of it"]):
        with pytest.raises(AssertionError, match=what):
            written_once_after(hubspot, wire, what, now + number * timedelta(hours=1))
        assert wire.writes > 1


def test_flt13_what_never_reached_the_crm_is_written_when_it_is_there(live: Live, wire: Wire) -> None:
    live.want("gtm_stage", "MQL")
    before = len(live.effects())
    there = live.connection.base_url
    Connection.objects.filter(pk=live.connection.pk).update(base_url="http://127.0.0.1:9")
    now = datetime.now(UTC)
    push_due(now)
    assert len(live.effects()) == before
    assert DesiredField.objects.filter(state="different").count() == PEOPLE
    Connection.objects.filter(pk=live.connection.pk).update(base_url=there)
    for seconds in (60, 120):
        push_due(now + timedelta(seconds=seconds))
    once(live, "MQL")


# --- between the write and the look ------------------------------------------------------------------------------


def told_to_wait(request: Request, carry_out: CarryOut) -> Response:
    if "/services/" in request.path:
        said = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
        return json_response(said, 403)
    return json_response(
        {"status": "error", "policyName": "TEN_SECONDLY_ROLLING"}, 429, {"Retry-After": "30"}
    )


def refused(request: Request, carry_out: CarryOut) -> Response:
    if "/services/" in request.path:
        return json_response([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], 401)
    return json_response({"category": "INVALID_AUTHENTICATION", "message": "The token was revoked"}, 401)


def forbidden(request: Request, carry_out: CarryOut) -> Response:
    if "/services/" in request.path:
        return json_response([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no access"}], 403)
    return json_response({"category": "MISSING_SCOPES", "message": "crm.objects.contacts.read"}, 403)


BETWEEN: dict[str, Act] = {"told to wait": told_to_wait, "a session refused": refused, "no access": forbidden}


def still_read_first(live: Live, wire: Wire, what: str, now: datetime) -> None:
    """The look itself fails: what nobody knew before is not known after it either."""
    before = want_anew(live, wire, f"MQL: {what}", now)
    wire.acts = [answer_lost]
    push_due(now)
    wire.reading = BETWEEN[what]
    push_due(now + timedelta(seconds=60))
    wire.reading = None
    Connection.objects.update(state="active", state_reason="")
    for hours in (1, 2):
        push_due(now + timedelta(hours=hours))
    assert wire.writes == 1, what
    once(live, f"MQL: {what}", before)


def test_what_nobody_knows_stays_so_when_the_look_fails(live: Live, wire: Wire) -> None:
    now = datetime.now(UTC)
    for number, what in enumerate(BETWEEN):
        still_read_first(live, wire, what, now + number * timedelta(hours=3))


def test_control_a_failed_look_that_is_taken_for_one_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending.give_back
    monkeypatch.setattr(sending, "give_back", lambda claim, error, now, unread: real(claim, error, now))
    now = datetime.now(UTC)
    for number, what in enumerate(BETWEEN):
        with pytest.raises(AssertionError, match=what):
            still_read_first(hubspot, wire, what, now + number * timedelta(hours=3))


# --- a batch in several calls ------------------------------------------------------------------------------------


def stopped_half_way(live: Live, wire: Wire) -> None:
    """Refused as a whole, sent in halves; after the first half the CRM wants no more for now."""
    live.want("gtm_stage", "MQL")
    carried: list[list[str]] = []

    def act(request: Request, carry_out: CarryOut) -> Response:
        told = json.loads(request.body)
        ids = [row["id"] for row in told.get("inputs") or told["records"]]
        if len(ids) == PEOPLE:
            said = {"status": "error", "category": "VALIDATION_ERROR", "message": "Ask Legal first"}
            body = said if "inputs" in told else [{"errorCode": "JSON_PARSER_ERROR", "message": "no"}]
            return json_response(body, 400)
        if len(carried) == 1:
            return told_to_wait(request, carry_out)
        carried.append(ids)
        return carry_out()

    wire.always = act
    now = datetime.now(UTC)
    push_due(now)
    assert DesiredField.objects.filter(state="sent").count() == len(carried[0])
    wire.always = lambda request, carry_out: carry_out()
    for hours in (1, 2):
        push_due(now + timedelta(hours=hours))
    once(live, "MQL")


def test_flt11_flt15_of_a_batch_that_was_stopped_half_way_the_rest_goes_on(live: Live, wire: Wire) -> None:
    stopped_half_way(live, wire)


def test_control_an_error_that_forgets_what_was_answered_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetryLater, "answered", property(lambda self: (), lambda self, value: None))
    with pytest.raises(AssertionError):
        stopped_half_way(hubspot, wire)
