"""A draft is judged beside what is in force, and changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from definitions.agreement import drafts, watching
from definitions.agreement import signing as agreement
from definitions.agreement.drafts import AgreementError, Refused
from definitions.files.model_files import ModelTree, apply
from definitions.models import Judgement, Version, WatchedJudgement
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Journey, Record, Touched
from teams.models import BusinessUnit, Team
from tests.definitions.agreement_people import Cast, cast, load_little_model, stricter
from tests.definitions.conftest import LONG_AGO, NOW, change, make_record
from tests.definitions.test_triggers import export_at

pytestmark = pytest.mark.django_db

ASKED = "2026-03-01T00:00:00Z"


@pytest.fixture
def people(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> Cast:
    load_little_model()
    return cast(house_teams)


@pytest.fixture
def records(people: Cast, hubspot: Connection) -> list[Record]:
    sizes = [5, 12, 15, 40, None]
    found = [
        make_record(hubspot, str(i), {"fleet_size": size, "demo_requested_at": ASKED} if size else {})
        for i, size in enumerate(sizes)
    ]
    judge_all()
    return found


@pytest.fixture
def draft(people: Cast) -> Version:
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    return drafts.save(opened, stricter(opened.body), 1, people.ines, NOW)


def judge_all() -> None:
    batch = load_batch(Journey.objects.values_list("pk", flat=True), NOW)
    refresh(batch)


def compare_all() -> int:
    pages = 0
    while watching.compare_due(NOW):
        pages += 1
    # What the pipeline does with those that are marked.
    marked = Touched.objects.values("record")
    refresh(load_batch(Journey.objects.filter(records__in=marked).values_list("pk", flat=True), NOW))
    Touched.objects.all().delete()
    return pages


def turns(version: Version, people: Cast) -> list[tuple[str, str, int]]:
    version.refresh_from_db()
    return [(t.now_state, t.state, t.count) for t in watching.report(version, people.ines).turns]


def test_it_reports_what_would_differ(draft: Version, people: Cast, records: list[Record]) -> None:
    watched = watching.watch(draft, people.ines, NOW, days=7)
    assert watched.watch_until == NOW + timedelta(days=7)
    assert compare_all() == 1
    assert turns(draft, people) == [("met", "missing", 2)]
    named = [row.record for row in watching.watched(draft, people.ines, now_state="met", state="missing")]
    assert named == [records[1], records[2]]


def test_nothing_else_changes(draft: Version, people: Cast, records: list[Record]) -> None:
    before = list(Judgement.objects.values())
    watching.watch(draft, people.ines, NOW)
    compare_all()
    assert list(Judgement.objects.values()) == before


def test_a_large_population_is_compared_page_by_page(
    draft: Version, people: Cast, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAGE", 2)
    watching.watch(draft, people.ines, NOW)
    assert not watching.report(Version.objects.get(pk=draft.pk), people.ines).is_complete
    assert compare_all() == 3
    assert turns(draft, people) == [("met", "missing", 2)]
    assert watching.report(draft, people.ines).is_complete


def test_a_record_that_changes_while_it_is_watched_is_compared(
    draft: Version, people: Cast, records: list[Record]
) -> None:
    watching.watch(draft, people.ines, NOW)
    compare_all()
    change(records[3], "fleet_size", 18, NOW)
    judge_all()
    assert turns(draft, people) == [("met", "missing", 3)]


def test_what_no_longer_differs_leaves_the_report(
    draft: Version, people: Cast, records: list[Record]
) -> None:
    watching.watch(draft, people.ines, NOW)
    compare_all()
    change(records[1], "fleet_size", 60, NOW)
    judge_all()
    assert turns(draft, people) == [("met", "missing", 1)]


def test_watched_twice_it_is_watched_once(draft: Version, people: Cast, records: list[Record]) -> None:
    for _ in range(2):
        watching.watch(draft, people.ines, NOW)
        compare_all()
    assert compare_all() == 0
    assert WatchedJudgement.objects.count() == 2


def test_stopped_it_is_not_compared_any_more(draft: Version, people: Cast, records: list[Record]) -> None:
    watching.watch(draft, people.ines, NOW)
    watching.stop(draft, people.ines, NOW)
    assert compare_all() == 0


def test_an_edit_begins_the_watch_anew(draft: Version, people: Cast, records: list[Record]) -> None:
    watching.watch(draft, people.ines, NOW)
    compare_all()
    drafts.save(draft, stricter(draft.body, 13), draft.revision, people.ines, NOW)
    assert compare_all() == 1
    assert turns(draft, people) == [("met", "missing", 1)]


def test_in_force_it_is_watched_no_longer(draft: Version, people: Cast, records: list[Record]) -> None:
    watching.watch(draft, people.ines, NOW)
    compare_all()
    asked = agreement.propose(draft, people.ines, NOW)
    agreement.sign(asked, "marketing", people.theo, NOW)
    agreed = agreement.sign(asked, "sdr", people.marisol, NOW)
    assert agreed.watch_until == NOW
    assert compare_all() == 0
    assert agreed.population_done_at is None


def test_exit_criteria_are_watched_where_a_deal_stands(people: Cast, salesforce: Connection) -> None:
    deal = {"pipeline": "New business", "stage": "Negotiation", "success_criteria": "Fewer breakdowns"}
    make_record(salesforce, "1", {**deal, "amount": 5}, object_name="deal")
    make_record(salesforce, "2", {**deal, "amount": 5, "stage": "Proposal"}, object_name="deal")
    judge_all()
    opened = drafts.open_draft("pipelines", "new_business", people.ines, NOW)
    stages = [dict(stage) for stage in opened.body["stages"]]
    stages[3]["exit_criteria"] = {"field": "amount", "op": "more_than", "value": 100}
    draft = drafts.save(opened, {**opened.body, "stages": stages}, 1, people.ines, NOW)
    watching.watch(draft, people.ines, NOW)
    compare_all()
    [row] = watching.watched(draft, people.ines)
    assert (row.key, row.now_state, row.state) == ("new_business/negotiation", "met", "missing")


def test_what_judges_no_records_can_not_be_watched(people: Cast) -> None:
    opened = drafts.open_draft("calendars", "berlin", people.ines, NOW)
    with pytest.raises(AgreementError, match="judges no records"):
        watching.watch(opened, people.ines, NOW)


def test_a_draft_with_faults_can_not_be_watched(draft: Version, people: Cast) -> None:
    broken = drafts.save(draft, {**draft.body, "criteria": {}}, draft.revision, people.ines, NOW)
    with pytest.raises(Refused):
        watching.watch(broken, people.ines, NOW)


def test_the_report_names_only_records_inside_the_border(
    draft: Version, people: Cast, records: list[Record]
) -> None:
    other = BusinessUnit.objects.create(key="yards", name="Yards")
    Record.objects.filter(pk=records[1].pk).update(business_unit=other)
    watching.watch(draft, people.ines, NOW)
    compare_all()
    assert turns(draft, people) == [("met", "missing", 1)]


def test_a_trigger_is_watched_over_what_it_reads(people: Cast, hubspot: Connection) -> None:
    """In force it wants three exports in a week, the draft one: only the event tells them apart."""
    exported = {"event": "signal.report_exported", "at_least": 3, "within": {"days": 7}}
    body = {
        "name": "Power user", "owner": "sdr", "agreed_by": ["sdr"], "object": "person", "in": ["hubspot"],
        "kind": "product_usage", "text": "Works with reports.", "play": "Ask why.",
        "criteria": {"all": [{"field": "fleet_size", "op": "at_least", "value": 10}, exported]},
    }  # fmt: skip
    apply(ModelTree({"triggers": {"power_user": body}}), now=NOW, force=True, effective_from=LONG_AGO)
    small, large = (
        make_record(hubspot, str(size), {"fleet_size": size, "product_user_id": f"u_{size}"})
        for size in (5, 12)
    )
    judge_all()
    for record in (small, large):
        export_at(record, NOW - timedelta(days=1))
    opened = drafts.open_draft("triggers", "power_user", people.ines, NOW)
    criteria = {"all": [body["criteria"]["all"][0], exported | {"at_least": 1}]}
    found = drafts.save(opened, opened.body | {"criteria": criteria}, opened.revision, people.ines, NOW)
    watching.watch(found, people.ines, NOW)
    compare_all()
    assert turns(found, people) == [("missing", "met", 1)]
    named = [row.record for row in watching.watched(found, people.ines)]
    assert named == [large]
