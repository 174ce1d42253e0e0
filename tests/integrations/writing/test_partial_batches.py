"""FLT15: of 200 records in one go k fail, each known error code among them. The good ones are never sent again; the bad
ones are tried again or dead, by class."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Connector, PushResult, Write
from integrations.hubspot import writing as hubspot_writing
from integrations.push import push_due
from integrations.salesforce import errors as salesforce_errors
from integrations.standins.app import running_standins
from integrations.standins.http import Request, Response, json_response
from integrations.writing import deciding, sending
from records.models import DesiredField
from tests.integrations.conftest import small_world
from tests.integrations.writing.conftest import Live, Wire, make_live

PEOPLE = 200
SEED = 15
LATER, NEVER = "tried again", "dead"
CODES: dict[str, dict[str, str]] = {
    "salesforce": {
        "UNABLE_TO_LOCK_ROW": LATER,
        "SERVER_UNAVAILABLE": LATER,
        "UNKNOWN_EXCEPTION": LATER,
        "REQUEST_RUNNING_TOO_LONG": LATER,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK": LATER,
        "ENTITY_IS_DELETED": NEVER,
        "INVALID_CROSS_REFERENCE_KEY": NEVER,
        "CANNOT_UPDATE_CONVERTED_LEAD": NEVER,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": NEVER,
        "DUPLICATES_DETECTED": NEVER,
        "STRING_TOO_LONG": NEVER,
        "NUMBER_OUTSIDE_VALID_RANGE": NEVER,
        "INVALID_EMAIL_ADDRESS": NEVER,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": NEVER,
        "REQUIRED_FIELD_MISSING": NEVER,
        "INVALID_FIELD_FOR_INSERT_UPDATE": NEVER,
        "INSUFFICIENT_ACCESS_OR_READONLY": NEVER,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": NEVER,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": NEVER,
        "CANNOT_EXECUTE_FLOW_TRIGGER": NEVER,
        "APEX_ERROR": NEVER,
        "A_CODE_OF_NEXT_YEAR": NEVER,
    },
    "hubspot": {
        "RATE_LIMITS": LATER,
        "RATE_LIMIT": LATER,
        "INTERNAL_ERROR": LATER,
        "SERVICE_UNAVAILABLE": LATER,
        "TIMEOUT": LATER,
        "LOCKED": LATER,
        "OBJECT_NOT_FOUND": NEVER,
        "VALIDATION_ERROR": NEVER,
        "INVALID_OPTION": NEVER,
        "INVALID_DATE": NEVER,
        "PROPERTY_DOESNT_EXIST": NEVER,
        "READ_ONLY_VALUE": NEVER,
        "CONFLICT": NEVER,
        "A_CATEGORY_OF_NEXT_YEAR": NEVER,
    },
}
OF_A_PROPERTY = {"INVALID_OPTION", "INVALID_DATE", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"}

CarryOut = Callable[[], Response]


@pytest.fixture(params=["salesforce", "hubspot"])
def many(request: pytest.FixtureRequest, db: None, wire: Wire) -> Iterator[Live]:
    with running_standins(small_world(PEOPLE)) as standins:
        yield make_live(request.param, standins)


@pytest.fixture(params=["salesforce", "hubspot"])
def some(request: pytest.FixtureRequest, db: None, wire: Wire) -> Iterator[Live]:
    """Enough for a control."""
    with running_standins(small_world(30)) as standins:
        yield make_live(request.param, standins)


def failing(codes: dict[str, str], asked: list[set[str]]) -> Callable[[Request, CarryOut], Response]:
    """The CRM refuses those of ``codes`` (remote id -> code) and writes the others. ``asked``: ids of each call."""

    def act(request: Request, carry_out: CarryOut) -> Response:
        told = json.loads(request.body)
        name = "records" if "records" in told else "inputs"
        ids = [row["id"] for row in told[name]]
        asked.append(set(ids))
        kept = [row for row in told[name] if row["id"] not in codes]
        request.body = json.dumps({**told, name: kept}).encode()
        said = json.loads(carry_out().body) if kept else ([] if name == "records" else {"results": []})
        if name == "records":
            done = iter(said)
            return json_response([_item(codes[i]) if i in codes else next(done) for i in ids])
        return json_response({**said, "status": "COMPLETE", "errors": _errors(ids, codes)}, 207)

    return act


def _item(code: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": f"no: {code}", "fields": []}]}


def _errors(ids: Sequence[str], codes: dict[str, str]) -> list[dict[str, Any]]:
    """One entry for all of a code, as HubSpot does it; of some by the trace that we sent along."""
    found = []
    for number, code in enumerate(dict.fromkeys(codes[i] for i in ids if i in codes)):
        those = [i for i in ids if codes.get(i) == code]
        context = {"objectWriteTraceId" if number % 2 else "ids": those}
        entry: dict[str, Any] = {
            "status": "error",
            "category": code,
            "message": f"no: {code}",
            "context": context,
        }
        if code in OF_A_PROPERTY:
            part = {"message": "no", "code": code, "context": {"propertyName": ["gtm_stage"]}}
            entry |= {"category": "VALIDATION_ERROR", "errors": [part]}
        found.append(entry)
    return found


def drawn(live: Live, k: int, chance: random.Random) -> dict[str, str]:
    """``k`` of the records, each known code in turn and then any."""
    ids = sorted(live.shown("gtm_stage"))
    known = list(CODES[live.connection.kind])
    chance.shuffle(known)
    codes = [*known, *chance.choices(known, k=k)][:k]
    return dict(zip(chance.sample(ids, k), codes, strict=True))


def only_the_bad_again(live: Live, wire: Wire, codes: dict[str, str], now: datetime, value: str) -> None:
    """One push in which ``codes`` fail, and all that follow, in which nothing does."""
    classes = CODES[live.connection.kind]
    DesiredField.objects.all().delete()
    before = len(live.effects())
    rows = live.want("gtm_stage", value)
    asked: list[set[str]] = []
    wire.always = failing(codes, asked)
    push_due(now)
    everybody = {row.record.remote_id for row in rows}
    assert set().union(*asked) == everybody
    assert sum(map(len, asked)) == len(everybody), "somebody was sent twice at once"

    by_id = {row.record.remote_id: row for row in DesiredField.objects.select_related("record")}
    later = {i for i, code in codes.items() if classes[code] == LATER}
    for remote_id, row in by_id.items():
        code = codes.get(remote_id, "")
        state = "sent" if not code else "different" if remote_id in later else "refused"
        assert row.state == state, f"{remote_id} ({code}) is {row.state}: {row.last_error}"
        assert code in row.last_error
        if remote_id in later:
            assert now < row.next_try_at <= now + timedelta(seconds=deciding.LONGEST_PAUSE_SECONDS)

    again: list[set[str]] = []
    wire.always = failing({}, again)
    for minutes in (1, 2, 60, 24 * 60):
        push_due(now + timedelta(minutes=minutes))
    assert set().union(*again) == later, "not those that may be tried again were"
    assert sum(map(len, again)) == len(later), "somebody was sent more than once more"
    written = Counter(i for i, fields in live.effects()[before:] if value in fields.values())
    assert written == Counter(everybody - (codes.keys() - later)), "somebody was written twice"


def test_flt15_of_two_hundred_k_fail_and_only_they_are_tried_again_or_dead(many: Live, wire: Wire) -> None:
    chance, known = random.Random(SEED), CODES[many.connection.kind]
    sizes = [len(known), 1, chance.randint(2, PEOPLE - 1), PEOPLE]
    for number, k in enumerate(sizes):
        codes = drawn(many, k, chance)
        now = datetime.now(UTC) + timedelta(days=2 * number)
        only_the_bad_again(many, wire, codes, now, f"MQL {number}")
        assert k < len(known) or set(codes.values()) == set(known)


def test_flt15_who_is_busy_for_good_becomes_a_dead_letter(live: Live, wire: Wire) -> None:
    """A row that stays locked is not tried for ever, and nobody waits for it."""
    locked = "UNABLE_TO_LOCK_ROW" if live.connection.kind == "salesforce" else "LOCKED"
    victim = sorted(live.shown("gtm_stage"))[3]
    live.want("gtm_stage", "MQL")
    asked: list[set[str]] = []
    wire.always = failing({victim: locked}, asked)
    now = datetime.now(UTC)
    for number in range(3 * deciding.GIVE_UP_AFTER):
        push_due(now + number * timedelta(minutes=16))
    assert [ids for ids in asked if len(ids) > 1] == [set(live.shown("gtm_stage"))]
    assert len(asked) == deciding.GIVE_UP_AFTER
    dead = DesiredField.objects.get(state="refused")
    assert dead.record.remote_id == victim
    assert dead.last_error.startswith(f"Given up after {deciding.GIVE_UP_AFTER} tries: {locked}")


def changed_meanwhile(live: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CRM refuses a value while something else is wanted already: the new one is no dead letter, it is sent."""
    live.want("gtm_stage", "MQL")
    victim = sorted(live.shown("gtm_stage"))[3]
    code = "STRING_TOO_LONG" if live.connection.kind == "salesforce" else "VALIDATION_ERROR"
    wire.acts, wire.always = [failing({victim: code}, [])], failing({}, [])
    real = sending.push_parts

    def meanwhile(*asked: Any) -> list[PushResult]:
        results = real(*asked)
        DesiredField.objects.filter(record__remote_id=victim).update(desired="SQL")
        return results

    monkeypatch.setattr(sending, "push_parts", meanwhile)
    now = datetime.now(UTC)
    for minutes in (0, 1):
        push_due(now + timedelta(minutes=minutes))
    assert live.shown("gtm_stage")[victim] == "SQL", "what is wanted now was never sent"
    assert not DesiredField.objects.exclude(state="sent").exists()


def test_flt15_a_refusal_of_what_is_no_longer_wanted_is_no_dead_letter(
    live: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed_meanwhile(live, wire, monkeypatch)


# --- and the tests can fail ----------------------------------------------------------------------------------------


def one_round(live: Live, wire: Wire) -> None:
    only_the_bad_again(live, wire, drawn(live, 22, random.Random(SEED)), datetime.now(UTC), "MQL")


def test_control_a_batch_that_goes_again_for_some_of_it_is_seen(
    some: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending.push_parts

    def all_or_none(connector: Connector, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
        results = real(connector, remote_object, writes)
        failed = any(result.outcome == "retry" for result in results)
        return [PushResult(r.remote_id, "retry") for r in results] if failed else results

    monkeypatch.setattr(sending, "push_parts", all_or_none)
    with pytest.raises(AssertionError, match=r"is different|''"):
        one_round(some, wire)


def test_control_a_passing_fault_that_is_taken_for_a_final_one_is_seen(
    some: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salesforce_errors, "TRANSIENT", {"SERVER_UNAVAILABLE"})
    monkeypatch.setattr(hubspot_writing, "_PASSES", frozenset({"TIMEOUT"}))
    with pytest.raises(AssertionError, match="is refused"):
        one_round(some, wire)


def test_control_a_final_fault_that_is_tried_again_is_seen(
    some: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salesforce_errors, "TRANSIENT", set(CODES["salesforce"]))
    monkeypatch.setattr(hubspot_writing, "_PASSES", frozenset(CODES["hubspot"]))
    with pytest.raises(AssertionError, match="is different"):
        one_round(some, wire)


def test_control_who_is_never_given_up_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "is_given_up", lambda **told: False)
    with pytest.raises(AssertionError):
        test_flt15_who_is_busy_for_good_becomes_a_dead_letter(hubspot, wire)


def test_control_a_refusal_that_stands_for_any_value_is_seen(
    hubspot: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending._apply

    def blind(row: DesiredField, sent: DesiredField, *told: Any) -> None:
        now_wanted, row.desired = row.desired, sent.desired
        real(row, sent, *told)
        row.desired = now_wanted

    monkeypatch.setattr(sending, "_apply", blind)
    with pytest.raises(AssertionError, match="never sent"):
        changed_meanwhile(hubspot, wire, monkeypatch)
