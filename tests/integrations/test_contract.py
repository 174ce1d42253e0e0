"""What every connector promises, run for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.base import Connector, Wanted, Window
from integrations.csv.models import FileImport
from integrations.errors import Misconfigured, Reconnect
from integrations.models import Credential
from integrations.registry import connector_for
from integrations.secrets import seal
from integrations.standins.app import Running
from integrations.wanted import wanted_for
from records.models import Connection, FieldMapping
from records.own_fields import OWN_FIELDS
from tests.integrations.conftest import LEADS, START, connect, first_id
from tests.integrations.csv_files import connect_files

UNTIL = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=["salesforce", "hubspot", "csv"])
def connection(request: pytest.FixtureRequest, standins: Running, db: None) -> Connection:
    """Every kind in turn."""
    return connect_files() if request.param == "csv" else connect(request.param, standins.base_url)


@pytest.fixture
def connector(connection: Connection) -> Connector:
    return connector_for(connection)


def test_good_credentials_give_the_account_and_the_clock_of_the_crm(connector: Connector) -> None:
    account = connector.check()
    assert account.remote_id
    assert abs(account.now - datetime.now(UTC)) < timedelta(minutes=5)


def test_bad_credentials_ask_for_a_new_connection(standins: Running, db: None) -> None:
    connection = connect("salesforce", standins.base_url)
    Credential.objects.filter(connection=connection).update(
        secret=seal({"consumer_key": "key", "consumer_secret": "wrong", "domain": "fernhill.my"})
    )
    with pytest.raises(Reconnect):
        connector_for(connection).check()


def test_a_connection_without_credentials_says_so(connection: Connection) -> None:
    Credential.objects.all().delete()
    FileImport.objects.all().delete()
    with pytest.raises(Misconfigured, match=r"no credentials|no files"):
        connector_for(connection).check()


def test_describe_names_the_mapped_fields(connection: Connection, connector: Connector) -> None:
    remote_object, _ = first_id(connection)
    mapped = FieldMapping.objects.filter(connection=connection, remote_object=remote_object)
    assert set(mapped.values_list("remote_name", flat=True)) <= set(connector.describe(remote_object))


def test_an_object_that_is_not_there_is_misconfigured(connector: Connector) -> None:
    with pytest.raises(Misconfigured):
        connector.describe("Nothing__c")


def test_a_full_pull_reads_every_record_once_with_its_history(
    connection: Connection, connector: Connector
) -> None:
    remote_object, first = first_id(connection)
    wanted = wanted_for(connection, connector, remote_object)
    pages = list(connector.pull(remote_object, wanted, Window(until=UNTIL), {}))
    records = [r for page in pages for r in page.records]
    assert len(records) == LEADS
    assert {r.remote_id for r in records} >= {first}
    one = next(r for r in records if r.remote_id == first)
    changes = [h for h in one.history if h.old is not None]
    assert len(changes) == 1
    assert changes[0].occurred_at == START + timedelta(seconds=30)


def test_a_window_reads_only_what_changed_in_it(connection: Connection, connector: Connector) -> None:
    remote_object, _ = first_id(connection)
    wanted = wanted_for(connection, connector, remote_object)
    since = START + timedelta(minutes=LEADS // 2)
    window = Window(until=UNTIL, since=since, with_deleted=False)
    records = [r for page in connector.pull(remote_object, wanted, window, {}) for r in page.records]
    assert {r.modified_at for r in records} == {since}


def test_a_pull_goes_on_from_the_state_of_any_page(connection: Connection, connector: Connector) -> None:
    remote_object, _ = first_id(connection)
    wanted = wanted_for(connection, connector, remote_object)
    window = Window(until=UNTIL)
    whole = {r.remote_id for page in connector.pull(remote_object, wanted, window, {}) for r in page.records}
    first = next(iter(connector.pull(remote_object, wanted, window, {})))
    rest = {
        r.remote_id
        for page in connector.pull(remote_object, wanted, window, first.state)
        for r in page.records
    }
    assert {r.remote_id for r in first.records} | rest == whole


def test_records_are_read_by_id_and_strangers_are_named(connection: Connection, connector: Connector) -> None:
    remote_object, first = first_id(connection)
    stranger = "00QFh0000000zzzAAA" if connection.kind == "salesforce" else "999999"
    read = connector.read(remote_object, [first, stranger], Wanted(fields=()))
    assert [r.remote_id for r in read.records] == [first]
    assert list(read.missing) == [stranger]


def test_activities_of_a_record_are_read_with_it(connection: Connection, connector: Connector) -> None:
    remote_object, first = first_id(connection)
    activity = "Task" if connection.kind == "salesforce" else "calls"
    found = connector.read_about(
        remote_object, first, {activity: wanted_for(connection, connector, activity)}
    )
    assert [r.remote_object for r in found] == [activity]


def test_owners_include_leavers_and_queues(connection: Connection, connector: Connector) -> None:
    owners = {o.name: o for o in connector.owners()}
    assert owners["Anna Ostra"].email == "anna@fernhill.example"
    if connection.kind == "salesforce":
        assert owners["Inbound"].kind == "queue"
    elif connection.kind == "hubspot":
        assert not owners["Gone Leaver"].is_active


def test_own_fields_are_created_once_and_can_be_written(connection: Connection, connector: Connector) -> None:
    remote_object, first = first_id(connection)
    if not connector.capabilities.can_create_fields:
        with pytest.raises(Misconfigured, match="never written"):
            connector.create_fields(remote_object, OWN_FIELDS)
        return
    connector.create_fields(remote_object, OWN_FIELDS)
    connector.create_fields(remote_object, OWN_FIELDS)
    names = {f.name: connector.own_field_name(f) for f in OWN_FIELDS}
    assert set(names.values()) <= set(connector.describe(remote_object))
    wrote = {names["gtm_stage"]: "MQL", names["gtm_due"]: "2026-03-02T17:00:00Z", names["gtm_missing"]: None}
    assert [r.outcome for r in connector.push(remote_object, [(first, wrote)])] == ["written"]
    read = connector.read(remote_object, [first], Wanted(fields=tuple(names.values())))
    assert read.records[0].values[names["gtm_stage"]] == "MQL"


def test_one_refused_record_never_blocks_the_others(connection: Connection, connector: Connector) -> None:
    remote_object, first = first_id(connection)
    if not connector.capabilities.can_push:
        refused = connector.push(remote_object, [(first, {"gtm_due": None})])
        assert [(r.outcome, r.text) for r in refused] == [("refused", "Files are read, never written to.")]
        return
    connector.create_fields(remote_object, OWN_FIELDS)
    name = {f.name: connector.own_field_name(f) for f in OWN_FIELDS}["gtm_due"]
    second = first_id(connection)[1]
    ids = [
        r.remote_id
        for page in connector.pull(remote_object, Wanted(fields=()), Window(until=UNTIL), {})
        for r in page.records
    ]
    second = next(i for i in ids if i != first)
    results = connector.push(
        remote_object, [(first, {name: "not a time"}), (second, {name: "2026-03-02T17:00:00Z"})]
    )
    assert {r.remote_id: r.outcome for r in results} == {first: "refused", second: "written"}
    assert next(r for r in results if r.outcome == "refused").text


def test_every_live_id_is_listed_once_with_its_last_change(
    connection: Connection, connector: Connector
) -> None:
    remote_object, first = first_id(connection)
    pages = list(connector.list_ids(remote_object, ""))
    ids = [remote_id for page in pages for remote_id, _ in page.ids]
    assert len(ids) == len(set(ids)) == LEADS
    assert dict(pair for page in pages for pair in page.ids)[first] == START


def test_objects_and_values_of_some_records_can_be_shown(
    connection: Connection, connector: Connector
) -> None:
    remote_object, _ = first_id(connection)
    assert remote_object in {o.name for o in connector.list_objects()}
    name = next(n for n in connector.describe(remote_object) if n.lower().replace("_", "") == "firstname")
    shown = connector.sample(remote_object, [name], 3)
    assert [row[name] for row in shown] == ["Person"] * 3


def test_only_our_own_fields_are_removed_and_twice_is_harmless(
    connection: Connection, connector: Connector
) -> None:
    remote_object, _ = first_id(connection)
    if connector.capabilities.can_create_fields:
        connector.create_fields(remote_object, OWN_FIELDS)
    before = set(connector.describe(remote_object))
    removed = set(connector.remove_fields(remote_object, OWN_FIELDS))
    assert removed == {connector.own_field_name(f) for f in OWN_FIELDS} & before
    assert not connector.remove_fields(remote_object, OWN_FIELDS)
