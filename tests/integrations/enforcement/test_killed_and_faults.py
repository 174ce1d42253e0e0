"""A process that dies anywhere, and a CRM that answers badly, leave nothing half done for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.enforcement import services
from integrations.models import EnforcementItem, Run
from integrations.pull import pull_to_the_end
from integrations.salesforce.rules import Rules
from integrations.standins.app import Running, running_standins
from integrations.standins.faults import Faults
from records.models import Connection
from tests.integrations.conftest import connect
from tests.integrations.enforcement.conftest import (
    EMPTY,
    KEY,
    NOW,
    PIPELINE,
    SALESFORCE_FIELDS,
    mappings,
    put_in_force,
    rules_there,
    save_in_the_crm,
    world_of_deals,
)

pytestmark = pytest.mark.django_db
CALLS = (
    "create_permission",
    "create_permission_set",
    "create_access",
    "create_assignment",
    "create",
    "put",
)


class Killed(BaseException):
    pass


def die_at(monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
    """The process ends before the call, or after Salesforce did it and before we wrote it down."""
    real = getattr(Rules, name)

    def dying(self: Rules, *args: Any, **kwargs: Any) -> Any:
        if after:
            real(self, *args, **kwargs)
        raise Killed

    monkeypatch.setattr(Rules, name, dying)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_killed_at_any_call_the_same_act_goes_on_and_makes_nothing_twice(
    crm: Running, salesforce: Connection, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    services.check(salesforce, NOW)
    if name == "put":
        services.create(salesforce, [KEY], NOW)
    act = services.activate if name == "put" else services.create
    with monkeypatch.context() as patch:
        die_at(patch, name, after=after)
        with pytest.raises(Killed):
            act(salesforce, [KEY], NOW)
    assert Run.objects.filter(kind="enforce", state="running").count() == 1
    run = services.create(salesforce, [KEY], NOW)
    assert not run.error
    assert not services.activate(salesforce, [KEY], NOW).error
    assert not Run.objects.filter(kind="enforce", state="running").exists()
    assert [r["Active"] for r in rules_there(crm)] == [True]
    for kind in ("CustomPermission", "PermissionSet", "SetupEntityAccess", "PermissionSetAssignment"):
        assert len(crm.store.all_of("salesforce", kind)) == 1
    assert set(EnforcementItem.objects.values_list("state", flat=True)) == {"created", "active"}
    assert save_in_the_crm(crm, EMPTY, StageName="Closed Won").status_code == 400


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["delete", "delete_row"])
def test_killed_while_removing_the_same_act_removes_the_rest(
    crm: Running, salesforce: Connection, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    services.check(salesforce, NOW)
    services.create(salesforce, [KEY], NOW)
    with monkeypatch.context() as patch:
        die_at(patch, name, after=after)
        with pytest.raises(Killed):
            services.remove(salesforce, None, NOW)
    assert not services.remove(salesforce, None, NOW).error
    assert rules_there(crm) == []
    assert crm.store.all_of("salesforce", "CustomPermission") == []
    assert not EnforcementItem.objects.exists()


def test_two_at_once_do_not_meddle(salesforce: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connections

    from integrations.enforcement.acting import Refused

    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x656E66, salesforce.pk])
        with pytest.raises(Refused, match="Somebody is changing"):
            services.check(salesforce, NOW)
        # A closed session lets go of its lock a moment after close() has returned, so it is given back first.
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [0x656E66, salesforce.pk])
    finally:
        other.close()
    assert not services.check(salesforce, NOW).error


@pytest.fixture(params=["429:0.25", "500:0.25", "slow:0.2", "expire:4"])
def bad_crm(request: pytest.FixtureRequest, db: None) -> Iterator[tuple[Running, Connection]]:
    with running_standins(world_of_deals()) as running:
        connection = connect(
            "salesforce",
            running.base_url,
            is_writing=True,
            go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
            mappings=mappings("Opportunity", SALESFORCE_FIELDS),
        )
        put_in_force(PIPELINE)
        assert pull_to_the_end(connection) == []
        running.application.faults = running.application.salesforce.faults = Faults.parse(request.param)
        yield running, connection


def test_a_bad_crm_is_borne(bad_crm: tuple[Running, Connection]) -> None:
    running, connection = bad_crm
    for act in (
        lambda: services.check(connection, NOW),
        lambda: services.create(connection, [KEY], NOW),
        lambda: services.activate(connection, [KEY], NOW),
    ):
        errors = []
        for _ in range(4):
            run = act()
            if not run.error:
                break
            errors.append(run.error)
        assert not run.error, errors
    assert save_in_the_crm(running, EMPTY, StageName="Closed Won").status_code == 400
    for _ in range(4):
        if not services.remove(connection, None, NOW).error:
            break
    assert rules_there(running) == []


def test_what_the_crm_says_stands_in_the_run(
    crm: Running, salesforce: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.application.faults = Faults.parse("daily:1")
    run = services.check(salesforce, NOW)
    assert run.state == "failed"
    assert "TotalRequests Limit exceeded" in run.error
    assert "TotalRequests Limit exceeded" in run.steps[-1]["text"]
