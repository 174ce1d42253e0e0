from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from definitions.judging.checklists import checklist
from definitions.judging.rechecks import next_recheck, recheck_due
from definitions.models import Judgement, Passage, StageEntry, Version, WatchedJudgement
from definitions.services import refresh
from records.derived import Written
from records.loading import load_batch
from records.models import Connection, Record, Touched
from tests.definitions.conftest import NOW, change, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]

LEAD = {
    "lifecycle_stage": "lead",
    "fleet_size": 12,
    "demo_requested_at": None,
    "pricing_page_views": 0,
    "content_downloads": 0,
    "webinar_attended_at": None,
}


def conclude(*records: Record, now: Any = NOW) -> Any:
    return refresh(load_batch([r.journey_id for r in records if r.journey_id], now))


def states(record: Record) -> dict[str, str]:
    return dict(Judgement.objects.filter(record=record).values_list("key", "state"))


def test_a_lead_that_becomes_mql_has_an_entry_with_its_judgement(hubspot: Connection) -> None:
    lead = make_record(hubspot, "1", LEAD, at=NOW - timedelta(days=3))
    change(lead, "pricing_page_views", 4, NOW - timedelta(days=2))
    change(lead, "lifecycle_stage", "marketingqualifiedlead", NOW - timedelta(days=1))
    conclude(lead)
    entries = StageEntry.objects.filter(record=lead).order_by("occurred_at")
    assert [(e.stage, e.judgement, e.pass_number) for e in entries] == [("lead", "", 1), ("mql", "met", 1)]
    assert entries[0].left_at == entries[1].occurred_at == NOW - timedelta(days=1)
    assert entries[1].definition == Version.objects.get(section="definitions", key="mql")
    assert entries[1].snapshot["pricing_page_views"] == 4
    assert states(lead) == {"mql": "met", "mql_by_sales": "missing"}


def test_a_second_refresh_writes_nothing(hubspot: Connection, salesforce: Connection) -> None:
    lead = make_record(hubspot, "1", LEAD | {"lifecycle_stage": "marketingqualifiedlead"})
    make_record(salesforce, "9", {"need_confirmed": True, "lead_status": "Qualified"}, journey=lead.journey)
    first = conclude(lead)
    assert (first.stage_entries.created, first.judgements.created) == (2, 3)
    again = conclude(lead)
    assert (again.stage_entries, again.judgements) == (Written(), Written())
    later = conclude(lead, now=NOW + timedelta(days=30))
    assert (later.stage_entries, later.judgements) == (Written(), Written())


def test_only_what_changed_is_written(hubspot: Connection) -> None:
    leads = [make_record(hubspot, str(i), LEAD, at=NOW - timedelta(days=1)) for i in range(5)]
    conclude(*leads)
    change(leads[3], "pricing_page_views", 2, NOW)
    written = conclude(*leads)
    assert written.stage_entries == Written()
    assert (written.judgements.created, written.judgements.changed, written.judgements.removed) == (0, 1, 0)


def test_the_number_of_queries_does_not_grow_with_the_batch(hubspot: Connection) -> None:
    def queries(*records: Record) -> int:
        batch = load_batch([r.journey_id for r in records if r.journey_id], NOW)
        with CaptureQueriesContext(
            database,
        ) as captured:
            refresh(batch)
        return len(captured)

    lead = make_record(hubspot, "a", LEAD)
    queries(lead)  # what is kept between batches
    few = queries(make_record(hubspot, "b", LEAD))
    many = queries(*[make_record(hubspot, str(i), LEAD) for i in range(30)])
    assert many == few


def test_a_deleted_record_keeps_its_entries_and_loses_its_judgements(hubspot: Connection) -> None:
    lead = make_record(hubspot, "1", LEAD)
    conclude(lead)
    Record.objects.filter(pk=lead.pk).update(deleted_at=NOW)
    conclude(lead)
    assert (StageEntry.objects.count(), Judgement.objects.count()) == (1, 0)


def test_a_checklist_says_what_was_seen_in_the_order_of_the_criterion(hubspot: Connection) -> None:
    lead = make_record(hubspot, "1", {"fleet_size": 4, "demo_requested_at": None})
    conclude(lead)
    check = next(c for c in checklist(lead, NOW) if c.key == "mql")
    first = check.parts[0].conditions[0]
    assert (first.text, first.state, first.seen) == ("Fleet size is at least 10", "missing", 4)
    states = [condition.state for part in check.parts for condition in part.conditions]
    assert states == ["missing", "missing", "unknown", "unknown", "unknown"]


def test_exit_criteria_are_judged_in_the_stage_and_after_it(salesforce: Connection) -> None:
    base = {"pipeline": "New business", "stage": "Proposal", "success_criteria": None, "amount": 10}
    deal = make_record(salesforce, "1", base, object_name="deal")
    conclude(deal)
    assert states(deal) == {}
    change(deal, "stage", "Negotiation", NOW)
    conclude(deal)
    assert states(deal) == {"new_business/negotiation": "missing"}
    change(deal, "stage", "Closed Won", NOW + timedelta(hours=1))
    conclude(deal)
    assert states(deal) == {"new_business/negotiation": "missing"}
    change(deal, "success_criteria", "Fewer breakdowns", NOW + timedelta(hours=2))
    conclude(deal)
    assert states(deal) == {"new_business/negotiation": "met"}


def test_a_deal_of_another_pipeline_is_not_judged(salesforce: Connection) -> None:
    deal = make_record(salesforce, "1", {"pipeline": "Renewal", "stage": "Negotiation"}, object_name="deal")
    conclude(deal)
    assert states(deal) == {}


def test_a_judgement_that_time_changes_is_found_and_made_again(hubspot: Connection) -> None:
    Version.objects.filter(section="definitions", key="mql").update(
        body={
            "name": "Fresh", "owner": "marketing", "agreed_by": ["marketing"], "object": "person", "in": ["hubspot"],
            "text": "x", "criteria": {"field": "demo_requested_at", "op": "within_last", "value": {"hours": 1}},
        }
    )  # fmt: skip
    lead = make_record(hubspot, "1", LEAD | {"demo_requested_at": "2026-03-02T11:30:00Z"})
    conclude(lead)
    assert states(lead)["mql"] == "met"
    due = next_recheck(NOW)
    assert due is not None
    assert due > NOW
    assert recheck_due(due - timedelta(seconds=1)) == 0
    assert recheck_due(due) == 1
    assert recheck_due(due) == 0
    assert list(Touched.objects.values_list("record", flat=True)) == [lead.pk]
    conclude(lead, now=due)
    assert states(lead)["mql"] == "missing"
    assert next_recheck(due) is None


def test_a_deal_s_way_through_its_pipeline_is_kept_and_judged(salesforce: Connection) -> None:
    base = {"pipeline": "New business", "stage": "Negotiation", "success_criteria": None, "amount": 10}
    deal = make_record(salesforce, "1", base, object_name="deal", at=NOW - timedelta(days=2))
    change(deal, "stage", "Closed Won", NOW - timedelta(days=1))
    conclude(deal)
    first, last = Passage.objects.order_by("entered_at")
    assert (first.stage, first.left_to, first.exit_judgement) == ("negotiation", "won", "missing")
    assert (first.left_event, last.event) == (last.event, first.left_event)
    assert (last.stage, last.left_at, last.exit_judgement) == ("won", None, "")
    assert conclude(deal).passages == Written()


def test_a_watched_version_is_judged_beside_the_one_in_force(hubspot: Connection) -> None:
    leads = [
        make_record(hubspot, str(i), LEAD | {"fleet_size": i * 10, "pricing_page_views": 2}) for i in range(4)
    ]
    told = Version.objects.get(section="definitions", key="mql").body
    criteria = {"field": "fleet_size", "op": "at_least", "value": 30}
    watched = Version.objects.create(
        section="definitions", key="mql", number=2, body=told | {"criteria": criteria}, state="draft",
        watch_from=NOW, watch_until=NOW + timedelta(days=7),
    )  # fmt: skip
    conclude(*leads)
    rows = WatchedJudgement.objects.filter(version=watched).values_list("record_id", "state", "now_state")
    assert set(rows) == {(leads[i].pk, "missing", "met") for i in (1, 2)}
    assert conclude(*leads).watched == Written()
    change(leads[1], "fleet_size", 40, NOW)
    conclude(*leads)
    assert WatchedJudgement.objects.filter(version=watched).count() == 1
    conclude(*leads, now=NOW + timedelta(days=8))
    assert WatchedJudgement.objects.filter(version=watched).count() == 1
