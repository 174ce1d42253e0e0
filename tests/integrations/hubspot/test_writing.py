"""Writing to HubSpot: hundreds in a call, one result per record, no silent refusal, our properties and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.errors import Misconfigured
from integrations.hubspot import names
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response
from records.own_fields import OWN_FIELD_BY_NAME, OWN_FIELDS, OwnField
from tests.integrations.conftest import small_world
from tests.integrations.hubspot.conftest import Begin, connector_of

PERSON = [f for f in OWN_FIELDS if "person" in f.objects]
LONG_AGO = "2026-03-02T17:00:00Z"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that reached HubSpot, as method and path."""
    seen: list[str] = []

    def observe(request: Request, response: Response) -> None:
        seen.append(f"{request.method} {request.path}")

    monkeypatch.setattr(Application, "observers", [*Application.observers, observe])
    return seen


def outcomes(results: Any) -> dict[str, str]:
    return {r.remote_id: r.outcome for r in results}


def value_of(running: Running, remote_id: str, name: str) -> Any:
    row = running.store.get("hubspot", "contacts", remote_id)
    assert row is not None
    return row.fields.get(name)


def test_a_hundred_records_are_one_call(begin: Begin, calls: list[str]) -> None:
    running, connection = begin(small_world(250))
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    calls.clear()
    writes = [(str(100 + n), {"gtm_stage": "MQL"}) for n in range(1, 251)]
    assert set(outcomes(connector.push("contacts", writes)).values()) == {"written"}
    assert calls == ["POST /crm/v3/objects/contacts/batch/update"] * 3
    assert value_of(running, "350", "gtm_stage") == "MQL"


@pytest.mark.parametrize("faults", ["", "traced"], ids=["the whole batch refused", "207 for the record"])
def test_one_bad_value_is_named_and_the_others_are_written(begin: Begin, faults: str) -> None:
    running, connection = begin(faults=faults)
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    writes = [(str(100 + n), {"gtm_due": "soon" if n == 3 else LONG_AGO}) for n in range(1, 8)]
    results = connector.push("contacts", writes)
    assert outcomes(results) == {str(100 + n): "refused" if n == 3 else "written" for n in range(1, 8)}
    refused = next(r for r in results if r.outcome == "refused")
    assert (refused.code, refused.fields) == ("INVALID_DATE", ("gtm_due",))
    assert "soon was not a valid datetime" in refused.text
    assert value_of(running, "101", "gtm_due") == "2026-03-02T17:00:00.000Z"


def test_a_record_that_is_gone_is_said_to_be(begin: Begin) -> None:
    _, connection = begin()
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    writes = [("101", {"gtm_stage": "MQL"}), ("999999", {"gtm_stage": "MQL"})]
    assert outcomes(connector.push("contacts", writes)) == {"101": "written", "999999": "gone"}


def test_what_is_answered_200_and_not_done_is_refused(begin: Begin) -> None:
    running, connection = begin()
    result = connector_of(connection).push(
        "contacts", [("101", {"lifecyclestage": "lead", "lastname": "New"})]
    )[0]
    assert (result.outcome, result.fields) == ("refused", ("lifecyclestage",))
    assert "kept its own value of lifecyclestage" in result.text
    assert value_of(running, "101", "lifecyclestage") == "marketingqualifiedlead"


def test_any_value_that_hubspot_keeps_to_itself_is_found(begin: Begin) -> None:
    _, connection = begin(faults="keeps:1")
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    result = connector.push("contacts", [("101", {"gtm_late": "Call", "gtm_stage": "MQL"})])[0]
    assert (result.outcome, result.fields) == ("refused", ("gtm_late",))


def test_a_passing_fault_of_one_record_is_tried_again(begin: Begin) -> None:
    _, connection = begin(faults="partial:1")
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    result = connector.push("contacts", [("101", {"gtm_stage": "MQL"})])[0]
    assert result.outcome == "retry"
    assert "try again" in result.text


def test_an_error_that_names_nobody_is_not_laid_on_those_who_were_answered(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, connection = begin()
    connector = connector_of(connection)
    rows = [{"id": "101", "properties": {"lastname": "New"}}]
    answer = {"results": rows, "errors": [{"category": "VALIDATION_ERROR", "message": "No."}]}
    monkeypatch.setattr(connector.session, "call", lambda *a, **k: answer)
    writes = [("101", {"lastname": "New"}), ("102", {"lastname": "New"})]
    assert outcomes(connector.push("contacts", writes)) == {"101": "written", "102": "refused"}


def test_errors_without_a_category_are_read_by_their_status(begin: Begin) -> None:
    _, connection = begin(faults="bare:1")
    connector = connector_of(connection)
    connector.create_fields("contacts", PERSON)
    connector.create_fields("contacts", PERSON)
    result = connector.push("contacts", [("101", {"gtm_due": "soon"})])[0]
    assert (result.outcome, result.fields) == ("refused", ("gtm_due",))


# --- our properties ---------------------------------------------------------------------------------------------


def properties(running: Running) -> dict[str, Any]:
    return running.store.schema("hubspot", "contacts")


def test_ours_stand_in_a_group_of_ours(begin: Begin, calls: list[str]) -> None:
    running, connection = begin()
    connector_of(connection).create_fields("contacts", PERSON)
    ours = {n: d for n, d in properties(running).items() if n.startswith("gtm_")}
    assert {d["groupName"] for d in ours.values()} == {names.GROUP}
    assert set(ours) == {f.name for f in PERSON}
    made = len([c for c in calls if c.startswith("POST /crm/v3/properties/contacts")])
    connector_of(connection).create_fields("contacts", PERSON)
    assert len([c for c in calls if c.startswith("POST /crm/v3/properties/contacts")]) == made + 1


def test_an_option_of_ours_that_is_missing_is_added_to_what_people_added(begin: Begin) -> None:
    running, connection = begin()
    answer = OWN_FIELD_BY_NAME["gtm_handoff_answer"]
    connector_of(connection).create_fields("contacts", [answer])
    known = properties(running)["gtm_handoff_answer"]
    theirs = [o for o in known["options"] if o["value"] != "Send back"] + [
        {"value": "Later", "label": "Later"}
    ]
    running.store.put_fields("hubspot", "contacts", [{**known, "options": theirs}])
    connector_of(connection).create_fields("contacts", [answer])
    held = [o["value"] for o in properties(running)["gtm_handoff_answer"]["options"]]
    assert held == ["Accept", "Later", "Send back"]


def test_a_property_of_our_name_that_is_not_ours_is_left_alone(begin: Begin) -> None:
    running, connection = begin()
    theirs = {"name": "gtm_due", "label": "Theirs", "type": "string", "groupName": "contactinformation"}
    running.store.put_fields("hubspot", "contacts", [theirs])
    with pytest.raises(Misconfigured, match="gtm_due of type string, which is not ours"):
        connector_of(connection).create_fields("contacts", PERSON)
    assert "gtm_stage" not in properties(running)
    connector_of(connection).remove_fields("contacts", PERSON)
    assert not properties(running)["gtm_due"].get("archived")


def test_removing_takes_ours_and_nothing_else(begin: Begin) -> None:
    running, connection = begin()
    connector_of(connection).create_fields("contacts", PERSON)
    theirs = {
        "name": "gtm_of_theirs", "label": "Theirs", "type": "string", "groupName": names.GROUP, "made_by_api": True,
    }  # fmt: skip
    running.store.put_fields("hubspot", "contacts", [theirs])
    gone = connector_of(connection).remove_fields("contacts", PERSON)
    assert sorted(gone) == sorted(f.name for f in PERSON)
    assert connector_of(connection).remove_fields("contacts", PERSON) == []
    assert not properties(running)["gtm_of_theirs"].get("archived")
    assert names.GROUP in running.store.meta("groups")["contacts"]
    assert not set(gone) & set(connector_of(connection).describe("contacts"))


def test_the_group_goes_with_the_last_of_ours_and_all_come_back(begin: Begin) -> None:
    running, connection = begin()
    connector_of(connection).create_fields("contacts", PERSON)
    connector_of(connection).push("contacts", [("101", {"gtm_stage": "MQL"})])
    connector_of(connection).remove_fields("contacts", PERSON)
    assert names.GROUP not in running.store.meta("groups")["contacts"]
    connector_of(connection).create_fields("contacts", PERSON)
    assert {f.name for f in PERSON} <= set(connector_of(connection).describe("contacts"))


def test_a_property_in_use_is_named(begin: Begin) -> None:
    running, connection = begin()
    stage: list[OwnField] = [OWN_FIELD_BY_NAME["gtm_stage"]]
    connector_of(connection).create_fields("contacts", stage)
    running.application.faults.faults.append(_InUse())
    with pytest.raises(Misconfigured, match=r"HubSpot keeps gtm_stage .* Take it out of the form"):
        connector_of(connection).remove_fields("contacts", stage)


class _InUse:
    """Whatever a form or list uses."""

    def hits(self, name: str) -> bool:
        return name == "inuse"

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: 0 if name != "before" else None


def test_the_write_is_a_batch_as_hubspot_takes_it(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection = begin()
    bodies: list[Any] = []

    def observe(request: Request, response: Response) -> None:
        if request.path.endswith("/batch/update"):
            bodies.append(json.loads(request.body))

    monkeypatch.setattr(Application, "observers", [*Application.observers, observe])
    connector_of(connection).push("contacts", [("101", {"lastname": None, "firstname": "Ada"})])
    assert bodies == [
        {
            "inputs": [
                {"id": "101", "properties": {"lastname": "", "firstname": "Ada"}, "objectWriteTraceId": "101"}
            ]
        }
    ]
