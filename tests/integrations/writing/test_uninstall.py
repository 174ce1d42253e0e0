"""Taking everything of ours out: what goes and stays is said first, and each step may be repeated."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from integrations import provision
from integrations.connecting.services import resume
from integrations.errors import Misconfigured, RetryLater
from integrations.models import ActivitySwitches, Credential, Run, WriteSwitch
from integrations.push import push_due
from integrations.registry import connector_for
from integrations.standins.app import running_standins
from integrations.writing import uninstall as uninstalling
from integrations.writing.models import Uninstall
from integrations.writing.uninstall import WrongName, plan, start, uninstall_due
from records.models import Connection, DesiredField, FieldMapping, Record
from records.own_fields import OWN_FIELD_BY_NAME
from teams.models import Person
from tests.integrations.conftest import small_world
from tests.integrations.writing.bare import NOW, Bare
from tests.integrations.writing.conftest import Live, Wire, make_live

HOUR = timedelta(hours=1)


@pytest.fixture
def installed(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> Bare:
    Credential.objects.create(connection=bare.connection, method="private_app_token", secret=b"-")
    monkeypatch.setattr(uninstalling, "connector_for", lambda connection: bare.crm)
    return bare


def words(run: Run) -> list[str]:
    return [step["text"] for step in Run.objects.get(pk=run.pk).steps]


def test_what_goes_and_what_stays_is_said_and_nothing_happens(installed: Bare) -> None:
    found = plan(installed.connection)
    assert [line.what for line in found.goes] == [
        "2 fields of contacts, and every value in them",
        "Our credentials, here",
    ]
    assert found.goes[0].detail == "gtm_missing, gtm_stage"
    assert found.stays[0].what.startswith("5 records")
    assert not Uninstall.objects.exists()


@pytest.mark.parametrize("typed", ["", "hubspo", "Salesforce"])
def test_without_the_name_nothing_happens(installed: Bare, typed: str) -> None:
    with pytest.raises(WrongName, match="Type “HubSpot” to confirm"):
        start(installed.connection, typed, None, NOW)
    assert Connection.objects.get(name="hub").is_writing


def test_writing_stops_at_once_and_the_rest_goes_step_by_step(installed: Bare) -> None:
    ActivitySwitches.objects.create(connection=installed.connection, creates_tasks=True)
    installed.want("MQL")
    person = Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")
    row = start(installed.connection, " hubspot ", person, NOW)
    connection = Connection.objects.get(name="hub")
    assert not connection.is_writing
    assert push_due(NOW) == 0
    assert start(installed.connection, "hub", person, NOW) == row
    assert uninstall_due(NOW) == 4
    assert installed.crm.removed == ["contacts.gtm_missing", "contacts.gtm_stage"]
    assert not Credential.objects.exists()
    assert not WriteSwitch.objects.exists()
    assert not ActivitySwitches.objects.exists()
    assert not DesiredField.objects.exists()
    assert Record.objects.count() == 5
    connection.refresh_from_db()
    assert connection.state == Connection.State.PAUSED
    assert "Uninstalled by Ola Opsen" in connection.state_reason
    assert connection.disconnected_at == NOW, "without credentials it is connected again, not resumed"
    assert not resume(connection)
    row.run.refresh_from_db()
    assert (row.run.state, row.run.done, row.run.total) == ("done", 4, 4)
    assert "2 fields of ours were removed." in words(row.run)
    assert plan(installed.connection).is_gone


def test_our_fields_may_be_left_there(installed: Bare) -> None:
    start(installed.connection, "hub", None, NOW, leaves_ours=True)
    assert uninstall_due(NOW) == 1
    assert installed.crm.removed == []
    assert not Credential.objects.exists()


def test_a_crm_that_is_away_is_tried_again_and_then_it_goes_on(installed: Bare) -> None:
    installed.crm.fails = [RetryLater("HubSpot is away.", is_for_all=True)]
    row = start(installed.connection, "hub", None, NOW)
    uninstall_due(NOW)
    row.refresh_from_db()
    assert row.finished_at is None
    assert row.done == ["rules", "reports"]
    assert Credential.objects.exists()
    uninstall_due(NOW + HOUR)
    row.refresh_from_db()
    assert row.finished_at is not None
    assert installed.crm.removed == ["contacts.gtm_missing", "contacts.gtm_stage"]


def test_what_the_crm_refuses_ends_it_in_its_words_and_asked_again_it_goes_on(installed: Bare) -> None:
    installed.crm.fails = [Misconfigured("HubSpot: the property is used in a workflow.")]
    first = start(installed.connection, "hub", None, NOW)
    uninstall_due(NOW)
    first.run.refresh_from_db()
    assert (first.run.state, first.run.error) == ("failed", "HubSpot: the property is used in a workflow.")
    assert Credential.objects.exists()
    second = start(installed.connection, "hub", None, NOW + HOUR)
    assert second != first
    uninstall_due(NOW + HOUR)
    assert installed.crm.removed == ["contacts.gtm_missing", "contacts.gtm_stage"]
    assert not Credential.objects.exists()


@pytest.mark.parametrize("at", range(6))
def test_killed_at_any_step_it_goes_on_and_removes_each_once(
    installed: Bare, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    class Killed(BaseException):
        pass

    moments = iter(range(1000))
    real = uninstalling._lease

    def kill(row: Uninstall, now: datetime) -> None:
        real(row, now)
        if next(moments) == at:
            raise Killed

    row = start(installed.connection, "hub", None, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(uninstalling, "_lease", kill)
        with contextlib.suppress(Killed):
            uninstall_due(NOW)
    assert uninstall_due(NOW + timedelta(seconds=30)) == 0 or at == 0
    uninstall_due(NOW + timedelta(seconds=120))
    row.refresh_from_db()
    assert row.finished_at is not None
    assert installed.crm.removed == ["contacts.gtm_missing", "contacts.gtm_stage"]
    assert not Credential.objects.exists()


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_a_crm_has_nothing_of_ours_afterwards(kind: str, db: None, wire: Wire) -> None:
    with running_standins(small_world(2)) as standins:
        live: Live = make_live(kind, standins)
        live.want("gtm_stage", "MQL")
        now = datetime.now(UTC)
        push_due(now)
        connector = connector_for(live.connection)
        remote_object = Record.objects.filter(object="person")[:1][0].remote_object
        ours = {connector.own_field_name(own) for own in OWN_FIELD_BY_NAME.values()}
        assert ours & set(connector.describe(remote_object))
        row = start(live.connection, kind, None, now)
        uninstall_due(now)
        row.run.refresh_from_db()
        assert row.run.error == ""
        assert not FieldMapping.objects.filter(field__name__in=OWN_FIELD_BY_NAME).exists()
        Credential.objects.create(connection=live.connection, **_credential(kind))
        fresh = connector_for(Connection.objects.get(pk=live.connection.pk))
        assert not ours & set(fresh.describe(remote_object))
        assert provision.plan(live.connection, fresh)


def _credential(kind: str) -> dict[str, object]:
    from integrations.secrets import seal
    from tests.integrations.conftest import SECRETS

    method, secret = SECRETS[kind]
    return {"method": method, "secret": seal(secret)}
