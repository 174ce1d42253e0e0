"""Writes: 200 in a call, a result for each, no assignment rule, and what is locked comes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.errors import RetryLater
from integrations.salesforce.connector import SalesforceConnector
from integrations.standins.app import Running, running_standins
from integrations.standins.salesforce_life import delete_whole
from integrations.standins.store import Actor
from integrations.writing.claiming import Queue, claim
from records.models import Connection, Record
from tests.integrations.conftest import ANNA, lead_id, small_world
from tests.integrations.salesforce.conftest import Start, connector_of
from tests.integrations.writing.conftest import make_live


def test_200_records_cost_one_call_and_201_two(start: Start) -> None:
    _, connection = start(small_world(201))
    connector = connector_of(connection)
    connector.check()
    before = connector.guard.calls
    writes = [(lead_id(n), {"Title": "Fleet manager"}) for n in range(1, 202)]
    assert {r.outcome for r in connector.push("Lead", writes[:200])} == {"written"}
    assert connector.guard.calls - before == 1
    results = connector.push("Lead", writes)
    assert connector.guard.calls - before == 3
    assert [r.remote_id for r in results] == [remote_id for remote_id, _ in writes]


def test_no_write_of_ours_lets_the_assignment_rule_take_the_record(
    salesforce: tuple[Running, Connection],
) -> None:
    running, connection = salesforce
    connector_of(connection).push("Lead", [(lead_id(1), {"Title": "Fleet manager"})])
    row = running.store.get("salesforce", "Lead", lead_id(1))
    assert row is not None
    assert (row.fields["Title"], row.fields["OwnerId"]) == ("Fleet manager", ANNA)


def test_each_record_has_its_own_fate(salesforce: tuple[Running, Connection]) -> None:
    running, connection = salesforce
    gone = running.store.get("salesforce", "Lead", lead_id(3))
    assert gone is not None
    delete_whole(running.store, gone, Actor(ANNA, "CRM_UI"))
    results = connector_of(connection).push(
        "Lead",
        [
            (lead_id(1), {"Title": "a"}),
            (lead_id(2), {"Company": "x" * 300}),
            (lead_id(3), {"Title": "c"}),
            (lead_id(900), {"Title": "d"}),
        ],
    )
    assert [(r.outcome, r.code) for r in results] == [
        ("written", ""),
        ("refused", "STRING_TOO_LONG"),
        ("gone", "ENTITY_IS_DELETED"),
        ("gone", "INVALID_CROSS_REFERENCE_KEY"),
    ]


@pytest.mark.parametrize(("fault", "outcome"), [("lock", "retry"), ("dupes", "refused")])
def test_what_is_locked_comes_again_and_what_is_a_duplicate_does_not(
    start: Start, fault: str, outcome: str
) -> None:
    _, connection = start(faults=fault)
    results = connector_of(connection).push("Lead", [(lead_id(1), {"Title": "a"})])
    assert [r.outcome for r in results] == [outcome]


def test_a_connection_cut_after_the_write_may_be_written_again(start: Start) -> None:
    running, connection = start()
    connector = connector_of(connection)
    connector.check()
    from integrations.standins.faults import Cut

    running.application.faults.faults.append(Cut(1))
    with pytest.raises(RetryLater):
        connector.push("Lead", [(lead_id(1), {"Title": "a"})])
    running.application.faults.faults.clear()
    assert [r.outcome for r in connector.push("Lead", [(lead_id(1), {"Title": "a"})])] == ["written"]
    writes = [w for w in running.store.writes("salesforce", "API") if w["remote_id"] == lead_id(1)]
    assert [w["fields"] for w in writes] == [{"Title": "a"}, {"Title": "a"}]


@pytest.mark.django_db
def test_records_of_one_account_are_written_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_standins(small_world(7)) as standins:
        live = make_live("salesforce", standins)
        live.want("gtm_stage", "MQL")
        leads = list(Record.objects.filter(remote_object="Lead").order_by("pk"))
        for lead, account in zip(leads, "ABCABCA", strict=True):
            Record.objects.filter(pk=lead.pk).update(values={**lead.values, "account": account})
        few = replace(SalesforceConnector.capabilities, push_batch=3)
        monkeypatch.setattr(SalesforceConnector, "capabilities", few)
        batches = []
        queue = Queue(live.connection, datetime.now(UTC))
        while (taken := claim(queue)) is not None:
            batches.append(sorted({str(row.record.values["account"]) for row in taken.rows}))
        assert batches == [["A"], ["B", "C"], ["C"]]
