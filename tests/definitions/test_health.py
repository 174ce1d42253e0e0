"""Which conditions earn their keep: never failing, mostly filler; counts without names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.evidence import health
from definitions.evidence.health import ConditionLine, definitions_health, exits_health
from definitions.in_force import load_typed_model
from definitions.models import Passage, Version
from definitions.services import refresh
from records.ids import derive_id
from records.loading import load_batch
from records.models import Connection, Record
from teams.models import BusinessUnit, Person, Team
from tests.definitions.conftest import NOW, make_record
from tests.definitions.small_model import NEW_BUSINESS, make_small_model, put_in_force

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_model")]

CRITERIA, AMOUNT = "Success criteria is not empty", "Amount is more than 0"
FILLER = [{"path": "$.all[0]", "field": "success_criteria", "reason": "placeholder", "text": "Filler."}]


@pytest.fixture
def small_model(db: None, house_teams: dict[str, Team]) -> None:
    make_small_model()


@pytest.fixture
def deal(salesforce: Connection) -> Record:
    return make_record(
        salesforce, "1", {"pipeline": "New business", "stage": "Discovery"}, object_name="deal"
    )


def left(deal: Record, judgement: str, days: int = 5, version: Version | None = None, **more: Any) -> None:
    """One stay in Negotiation that ended so many days ago."""
    number = Passage.objects.count()
    event = deal.events.first()
    assert event is not None
    Passage.objects.create(
        id=derive_id("test", str(number)), journey_id=deal.journey_id, record=deal, pipeline="new_business",
        stage="negotiation", event=event, entered_at=NOW - timedelta(days=days + 3),
        left_at=NOW - timedelta(days=days), left_to="won", exit_judgement=judgement,
        version=version or Version.objects.get(section="pipelines"), **more,
    )  # fmt: skip


def lines(admin: Person) -> dict[str, ConditionLine]:
    [check] = exits_health(admin, load_typed_model(), NOW)
    return {line.text: line for line in check.lines}


def test_each_condition_is_counted_by_the_stays_of_90_days(deal: Record, admin: Person) -> None:
    for _ in range(3):
        left(deal, "missing", missing=[CRITERIA])
    left(deal, "waived", missing=[CRITERIA])
    left(deal, "unknown", missing=[f"{CRITERIA} (can't tell)"])
    left(deal, "on_paper", paper=FILLER)
    left(deal, "met")
    left(deal, "missing", days=91, missing=[CRITERIA])
    left(deal, "")
    first, second = lines(admin)[CRITERIA], lines(admin)[AMOUNT]
    assert (first.judged, first.failed, first.excepted, first.unknown, first.on_paper) == (7, 4, 1, 1, 1)
    assert (second.judged, second.failed, second.on_paper) == (7, 0, 0)


def test_what_nobody_fails_and_what_everybody_fakes_are_found(deal: Record, admin: Person) -> None:
    for _ in range(health.LEAST_JUDGED):
        left(deal, "on_paper", paper=FILLER)
    assert lines(admin)[CRITERIA].flag == "mostly_filler"
    assert lines(admin)[AMOUNT].flag == "never_fails"


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        (ConditionLine("a", 29, 0, 0), ""),
        (ConditionLine("a", 30, 0, 0), "never_fails"),
        (ConditionLine("a", 30, 1, 0), ""),
        (ConditionLine("a", 30, 30, 0), "never_holds"),
        (ConditionLine("a", 30, 0, 15), "rarely_known"),
        (ConditionLine("a", 60, 20, 0, on_paper=20), "mostly_filler"),
        (ConditionLine("a", 60, 20, 0, on_paper=19), ""),
        (ConditionLine("a", 40, 20, 0, on_paper=20), ""),
        (ConditionLine("a", 0, 0, 0), ""),
    ],
)
def test_a_finding_needs_enough_of_them(line: ConditionLine, flag: str) -> None:
    assert line.flag == flag


def test_a_condition_counts_only_where_the_version_had_it(deal: Record, admin: Person) -> None:
    old = Version.objects.get(section="pipelines")
    stages: Any = [dict(stage) for stage in NEW_BUSINESS["stages"]]
    stages[2]["exit_criteria"] = {"field": "success_criteria", "op": "is_not_empty"}
    new = put_in_force(
        "pipelines", "new_business", {**NEW_BUSINESS, "stages": stages}, NOW - timedelta(days=9)
    )
    left(deal, "missing", missing=[CRITERIA, AMOUNT], version=old)
    left(deal, "met", version=new)
    found = lines(admin)
    assert list(found) == [CRITERIA]
    assert (found[CRITERIA].judged, found[CRITERIA].failed) == (2, 1)


def test_other_business_units_count_for_nothing(deal: Record, admin: Person) -> None:
    left(deal, "missing", missing=[CRITERIA])
    Record.objects.update(business_unit=BusinessUnit.objects.create(key="elsewhere", name="Elsewhere"))
    assert lines(admin)[CRITERIA].judged == 0


def test_definitions_are_counted_on_the_records_as_they_are(hubspot: Connection, admin: Person) -> None:
    for i in range(4):
        lead = make_record(hubspot, str(i), {"fleet_size": 10 * (i + 1), "demo_requested_at": None})
        refresh(load_batch([lead.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    [check] = definitions_health(admin, load_typed_model(), NOW)
    found = {(line.group, line.text): line for line in check.lines}
    size = found["Everyone else", "Fleet size is at least 20"]
    assert (check.judged, size.judged, size.failed, size.unknown) == (4, 4, 1, 0)
    assert found["Everyone else", "Pain is not empty"].unknown == 4


def test_the_page_its_records_and_its_file(
    deal: Record, admin: Person, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr("definitions.evidence.health_views.now_utc", lambda: NOW)
    for _ in range(health.LEAST_JUDGED):
        left(deal, "missing", missing=[CRITERIA])
    client = Client()
    client.force_login(admin)
    page = client.get(reverse("definitions:checks"))
    assert page.context["findings"] == 2
    [(_, rows)] = page.context["checks"]
    behind = client.get(rows[0]["href"])
    assert [row.record_id for row in behind.context["rows"]] == [deal.pk] * health.LEAST_JUDGED
    assert client.get(reverse("definitions:checks"), {"show": "definitions"}).status_code == 200
    table = client.get(reverse("definitions:export_checks")).content.decode()
    assert f"pipelines/new_business/negotiation,{CRITERIA},,30,30,0,0,0,never_holds" in table
    with django_assert_max_num_queries(10):
        client.get(reverse("definitions:checks"), {"only": "findings"})
