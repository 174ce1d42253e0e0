"""Reading HubSpot as it is: pages without rows, ties, an index that lags, records that move while they are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.base import RemoteObject, Wanted, Window
from integrations.errors import Misconfigured, RetryLater
from integrations.hubspot import reading
from integrations.hubspot.session import HubspotSession
from integrations.standins.app import Running
from integrations.standins.hubspot_rules import API_ACTOR, archive, update
from integrations.standins.hubspot_shown import LINKS_BESIDE
from tests.integrations.conftest import START, small_world
from tests.integrations.hubspot.conftest import EMAIL, UNTIL, Begin, connector_of, pulled

SINCE = Window(until=UNTIL, since=START)
WHOLE = Window(until=UNTIL)


def contact_ids(count: int) -> set[str]:
    return {str(100 + n) for n in range(1, count + 1)}


def tied(count: int) -> Any:
    world = small_world(count)
    for row in world["hubspot"]["contacts"]:
        row["modified"] = START
    return world


@pytest.mark.parametrize("window", [WHOLE, SINCE], ids=["list", "search"])
def test_an_empty_page_is_not_the_end(begin: Begin, window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    running, connection = begin(small_world(23))
    monkeypatch.setattr(reading, "SEARCH_PAGE", 5)
    monkeypatch.setattr(reading, "LIST_PAGE", 5)
    strikes = iter(n % 3 != 2 for n in range(10_000))
    monkeypatch.setattr(running.application.faults, "hits", lambda name: name == "empty" and next(strikes))
    assert set(pulled(connection, "contacts", EMAIL, window)) == contact_ids(23)


def test_ties_across_pages_and_a_page_full_of_one_stamp(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, connection = begin(tied(23))
    monkeypatch.setattr(reading, "SEARCH_PAGE", 5)
    assert set(pulled(connection, "contacts", EMAIL, SINCE)) == contact_ids(23)


def test_a_search_goes_on_from_any_page_of_a_tie(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection = begin(tied(12))
    monkeypatch.setattr(reading, "SEARCH_PAGE", 5)
    connector = connector_of(connection)
    pages = list(connector.pull("contacts", EMAIL, SINCE, {}))
    for n, page in enumerate(pages):
        before = {r.remote_id for p in pages[: n + 1] for r in p.records}
        rest = {r.remote_id for p in connector.pull("contacts", EMAIL, SINCE, page.state) for r in p.records}
        assert before | rest == contact_ids(12)


def test_records_that_change_while_they_are_read_push_nobody_out(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = begin(small_world(23))
    monkeypatch.setattr(reading, "SEARCH_PAGE", 5)
    # Each page's last record moves to now, for as many pages as there are records.
    strikes = iter([True] * 10 + [False] * 1000)
    monkeypatch.setattr(running.application.faults, "hits", lambda name: name == "churn" and next(strikes))
    assert set(pulled(connection, "contacts", EMAIL, SINCE)) == contact_ids(23)


def test_the_index_lags_and_the_overlap_finds_what_it_forgot(begin: Begin) -> None:
    running, connection = begin(faults="late:600")
    row = running.store.get("hubspot", "contacts", "101")
    assert row is not None
    written = update(running.store, row, {"lastname": "Renamed"}, API_ACTOR)
    wanted = Wanted(fields=("lastname",))
    after = Window(until=UNTIL, since=START + timedelta(days=1))
    assert pulled(connection, "contacts", wanted, after) == {}
    assert connector_of(connection).read("contacts", ["101"], wanted).records[0].values == {
        "lastname": "Renamed"
    }
    running.store.execute("DELETE FROM late")
    found = pulled(connection, "contacts", wanted, after)
    assert {i: r.values["lastname"] for i, r in found.items()} == {"101": "Renamed"}
    assert found["101"].modified_at.isoformat()[:19] == written.modified[:19]


def test_what_was_archived_a_moment_ago_is_counted_and_not_shown(begin: Begin) -> None:
    running, connection = begin(faults="late:600")
    row = running.store.get("hubspot", "contacts", "101")
    assert row is not None
    archive(running.store, row, API_ACTOR)
    pages = list(connector_of(connection).pull("contacts", EMAIL, SINCE, {}))
    assert pages[0].total == 7
    found = {r.remote_id: r.is_deleted for p in pages for r in p.records}
    assert found == {i: i == "101" for i in contact_ids(7)}


def test_history_is_read_with_the_records_and_to_its_depth(begin: Begin) -> None:
    world = small_world(1)
    stages = ["lead", "opportunity"]
    world["hubspot"]["contacts"][0]["history"] = [
        {
            "field": "lifecyclestage", "old": stages[n % 2], "new": stages[(n + 1) % 2],
            "at": START + timedelta(minutes=n), "by": "9501",
        }
        for n in range(60)
    ]  # fmt: skip
    _, connection = begin(world)
    wanted = Wanted(fields=("lifecyclestage",), with_history=("lifecyclestage",))
    for window in (WHOLE, SINCE):
        record = pulled(connection, "contacts", wanted, window)["101"]
        assert len(record.history) == 45
        ordered = sorted(record.history, key=lambda h: h.occurred_at)
        assert [h.old for h in ordered[1:]] == [h.new for h in ordered[:-1]]
        assert ordered[-1].occurred_at == START + timedelta(minutes=59)


def test_more_associations_than_a_list_shows_are_all_read(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = LINKS_BESIDE + 30
    world = small_world(count)
    world["hubspot"]["calls"][0]["associations"] = [
        {"to_type": "contacts", "to_id": i, "type_id": 194} for i in sorted(contact_ids(count))
    ]
    _, connection = begin(world)
    monkeypatch.setattr("integrations.standins.hubspot_associations.PAGE", 50)
    wanted = Wanted(fields=("hs_call_title",), links=("contacts",))
    for window in (WHOLE, Window(until=UNTIL, since=START - timedelta(days=1))):
        links = pulled(connection, "calls", wanted, window)["900"].links
        assert {i for _, i in links} == contact_ids(count)


def test_many_properties_go_round_the_longest_address(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection = begin()
    monkeypatch.setattr(reading, "LONGEST_QUERY", 10)
    monkeypatch.setattr(reading, "LONGEST_SEARCH", 10)
    for window in (WHOLE, SINCE):
        found = pulled(connection, "contacts", EMAIL, window)
        assert found["101"].values == {"email": "p1@acme.example"}
        assert len(found) == 7


def test_a_part_that_failed_is_not_taken_for_a_part_that_is_missing(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, connection = begin()
    connector = connector_of(connection)
    call = HubspotSession.call

    def partly(self: HubspotSession, method: Any, *arguments: Any, **options: Any) -> Any:
        answer = call(self, method, *arguments, **options)
        if "batch" in str(method):
            answer["results"] = []
            answer["errors"] = [{"category": "INTERNAL_ERROR", "message": "Try again"}]
        return answer

    monkeypatch.setattr(HubspotSession, "call", partly)
    with pytest.raises(RetryLater, match="a part of the records only: Try again"):
        connector.read("contacts", ["101"], EMAIL)
    with pytest.raises(RetryLater, match="Try again"):
        connector.reading.associated("contacts", "calls", ["101"])


def test_ids_are_listed_and_gone_on_with(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection = begin(small_world(23))
    monkeypatch.setattr(reading, "LIST_PAGE", 10)
    connector = connector_of(connection)
    pages = list(connector.list_ids("contacts", ""))
    assert [len(page.ids) for page in pages] == [10, 10, 3]
    assert dict(pages[0].ids)["101"] == START
    rest = [i for page in connector.list_ids("contacts", pages[0].after) for i, _ in page.ids]
    assert rest == [i for page in pages[1:] for i, _ in page.ids]
    assert pages[-1].after == ""


def test_samples_come_from_what_changed_last(begin: Begin) -> None:
    _, connection = begin()
    found = connector_of(connection).sample("contacts", ["email", "nothing_of_that_name"], 2)
    assert [s["nothing_of_that_name"] for s in found] == [None, None]
    assert {s["email"] for s in found} <= {"p6@acme.example", "p7@acme.example"}


def leads_world() -> Any:
    world = small_world()
    world["hubspot"]["leads"] = [
        {
            "id": "801",
            "fields": {
                "hs_lead_name": "Acme",
                "hs_pipeline_stage": "attempting-stage-id",
                "hubspot_owner_id": "501",
            },
            "created": START,
            "modified": START,
            "associations": [{"to_type": "contacts", "to_id": "101", "type_id": 578}],
        }
    ]
    return world


def test_leads_are_read_with_their_contact(begin: Begin) -> None:
    _, connection = begin(leads_world())
    connector = connector_of(connection)
    wanted = Wanted(fields=("hs_pipeline_stage",), links=connector.links_of("leads"))
    lead = pulled(connection, "leads", wanted, WHOLE)["801"]
    assert lead.values == {"hs_pipeline_stage": "attempting-stage-id"}
    assert lead.links == (("contacts", "101"),)


def test_the_kinds_of_records_depend_on_the_plan(begin: Begin) -> None:
    running, connection = begin()
    assert RemoteObject("leads", "Leads") in connector_of(connection).list_objects()
    held = ["crm.objects.contacts.read", "crm.objects.companies.read", "crm.objects.deals.read"]
    running.store.set_meta("hubspot-scopes:pat-only-a-test", held)
    without = [o.name for o in connector_of(connection).list_objects()]
    assert "leads" not in without
    assert {"contacts", "companies", "deals", "calls", "meetings", "emails", "tasks", "notes"} == set(without)


@pytest.mark.parametrize("faults", ["", "external:1"], ids=["in the property", "from the pipelines"])
def test_stages_are_known_wherever_they_are_listed(begin: Begin, faults: str) -> None:
    _, connection = begin(faults=faults)
    described = connector_of(connection).describe("deals")
    assert described["pipeline"].options == (("default", "Sales Pipeline"),)
    assert ("closedwon", "Closed Won") in described["dealstage"].options
    assert ("new-stage-id", "New") in connector_of(connection).describe("leads")["hs_pipeline_stage"].options


def test_stages_of_two_pipelines_are_told_apart(begin: Begin) -> None:
    running, connection = begin(faults="external:1")
    pipelines = running.store.meta("pipelines")
    running.store.set_meta("pipelines", [*pipelines, {**pipelines[0], "id": "77", "label": "Renewals"}])
    labels = {label for _, label in connector_of(connection).describe("deals")["dealstage"].options}
    assert {"Closed Won (Sales Pipeline)", "Closed Won (Renewals)"} <= labels


def test_owners_come_with_their_teams_the_main_one_first(begin: Begin) -> None:
    running, connection = begin()
    owners = running.store.meta("owners")
    owners[0]["teams"] = ["EMEA", "Inbound"]
    running.store.set_meta("owners", owners)
    found = {o.remote_id: o for o in connector_of(connection).owners()}
    assert found["501"].teams == ("EMEA", "Inbound")
    assert (found["502"].teams, found["502"].is_active) == ((), False)


def test_an_account_without_leads_says_so(begin: Begin) -> None:
    running, connection = begin()
    limited(running)
    with pytest.raises(Misconfigured, match=r"crm\.objects\.leads\.read"):
        connector_of(connection).describe("leads")


def limited(running: Running) -> None:
    running.store.set_meta("hubspot-scopes:pat-only-a-test", ["crm.objects.contacts.read"])
