"""The map, the Monday page and the receipts of numbers: every number is as many records as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from records.models import Connection, OwnerMatch, Record
from scorecards.facts import FactSet, count_of, facts_of
from scorecards.metrics import METRICS
from scorecards.models import MetricFact
from scorecards.periods import last_days
from scorecards.services import recount
from slas.due import due_clocks
from teams.models import BusinessUnit, Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15
MQLS = 12


@pytest.fixture
def quarter(house: House) -> House:
    """Twelve MQLs; two became SQL; the last two came into a queue that nobody reads, and nobody called them."""
    hubspot = Connection.objects.get(name="hubspot")
    OwnerMatch.objects.create(connection=hubspot, remote_id="queue", name="Inbound queue", kind="queue")
    for i in range(MQLS):
        owner = "queue" if i >= MQLS - 2 else "sdr"
        house.mql(
            f"C{i}", house.now - timedelta(days=20, hours=i), hubspot_owner_id=owner, email=f"c{i}@x.example"
        )
    for i in range(2):
        house.lead(f"L{i}", house.now - timedelta(days=15), Email=f"c{i}@x.example")
        house.say("salesforce", "Lead", f"L{i}", house.now - timedelta(days=14), Status="Qualified")
    while due_clocks(house.now):
        house.conclude()
    return house


@pytest.fixture
def browser(house: House, signed_in: Callable[[Person], Client]) -> Client:
    return signed_in(house.sdr)


def listed(browser: Client, href: str) -> int:
    """How many records or facts the page behind a link lists."""
    answer = browser.get(href)
    assert answer.status_code == 200, href
    return len(answer.context["rows"])


def test_every_stage_of_the_map_leads_to_as_many_records(quarter: House, browser: Client) -> None:
    page = browser.get(reverse("scorecards:map")).context["map"]
    counts = {stage.key: stage.count for stage in page.stages}
    assert counts == {"lead": MQLS, "mql": MQLS, "sql": 2, "opportunity": 0, "won": 0}
    for stage in page.stages:
        assert listed(browser, stage.href) == stage.count, stage.key


def test_an_arrow_says_who_went_over_and_how_many_in_time(quarter: House, browser: Client) -> None:
    page = browser.get(reverse("scorecards:map")).context["map"]
    arrows = {(a.start, a.end): a for a in page.arrows}
    assert {pair: a.volume for pair, a in arrows.items()} == {("lead", "mql"): MQLS, ("mql", "sql"): 2}
    assert arrows["mql", "sql"].is_handoff
    assert not arrows["lead", "mql"].is_handoff
    assert arrows["mql", "sql"].chip.first == "Too few to say"
    clocks = browser.get(arrows["mql", "sql"].href).context["lines"]
    assert len(clocks) == MQLS


def test_the_first_finding_needs_no_set_up(
    quarter: House, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scorecards.map_page.TOO_FEW", 2)
    finding = browser.get(reverse("scorecards:map")).context["findings"][0]
    assert finding.sentence == "2 MQLs waited in Inbound queue; 2 were never touched."
    assert listed(browser, finding.href) == 2
    assert all(listed(browser, href) == 2 for _, href in finding.also)


def test_the_map_narrows_by_place_and_days(quarter: House, browser: Client) -> None:
    Record.objects.filter(remote_id="C0").update(values={"region": "EMEA"})

    def mqls(**query: str) -> int:
        page = browser.get(reverse("scorecards:map"), query).context["map"]
        return next(int(s.count) for s in page.stages if s.key == "mql")

    assert mqls(region="EMEA") == 1
    assert mqls(region="APAC") == 0
    assert mqls(unit="nowhere") == 0
    assert mqls(**{"from": "2020-01-01", "to": "2020-01-31"}) == 0
    assert mqls(pipeline="New business") == MQLS  # people stand in no pipeline


def test_nobody_sees_the_numbers_of_another_unit(
    quarter: House, signed_in: Callable[[Person], Client]
) -> None:
    hidden = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    Record.objects.update(business_unit=hidden)
    outsider = Person.objects.create_user("out@fernhill.example", name="Out Sider")
    browser = signed_in(outsider)
    assert {s.count for s in browser.get(reverse("scorecards:map")).context["map"].stages} == {0}
    MetricFact.objects.update(business_unit=hidden)
    recount()
    assert browser.get(reverse("scorecards:monday")).context["page"].conversion.now.n == 0
    assert listed(browser, reverse("scorecards:number", args=["mql_to_sql"])) == 0


def test_the_monday_page_says_both_numbers_with_n(quarter: House, browser: Client) -> None:
    page = browser.get(reverse("scorecards:monday")).context["page"]
    assert (page.conversion.share_words, page.conversion.now.n) == ("17%", MQLS)
    assert page.conversion.change_words == ""  # nothing to compare with
    assert "MQL to SQL: 17% (n = 12)." in page.slides
    week = sum(value or 0 for value in page.volume_chart["series"][0]["values"])
    assert week == MQLS


def test_under_ten_it_is_too_few_to_say(house: House, browser: Client) -> None:
    house.mql("C1", house.now - timedelta(days=2))
    answer = browser.get(reverse("scorecards:monday"))
    assert answer.context["page"].conversion.share_words == "Too few to say"
    assert "Too few to say" in answer.content.decode()


def test_every_number_of_the_monday_page_leads_to_as_many_facts(quarter: House, browser: Client) -> None:
    answer = browser.get(reverse("scorecards:monday"))
    page = answer.context["page"]
    assert listed(browser, page.conversion.facts.href) == page.conversion.now.n
    for rule in page.rules:
        assert listed(browser, rule.facts.href) == rule.now.n, rule.label
    for line in page.handoffs:
        assert listed(browser, line.facts.href) == line.accepted.n
        assert listed(browser, line.waiting_href) == line.waiting
    for href in re.findall(r'href="(/numbers/[^"]+)"', answer.content.decode()):
        assert browser.get(unquote(href).replace("&amp;", "&")).status_code == 200


def test_a_receipt_counts_what_it_lists_and_what_it_exports(quarter: House, browser: Client) -> None:
    for value, expected in (("", MQLS), ("1", 2), ("0", MQLS - 2)):
        query = {"period": "90d", "value": value}
        page = browser.get(reverse("scorecards:number", args=["mql_to_sql"]), query)
        assert (page.context["shown"], len(page.context["rows"])) == (expected, expected)
        export = browser.get(page.context["export_href"])
        assert len(b"".join(export.streaming_content).splitlines()) == expected + 1  # type: ignore[attr-defined]  # streamed
    assert "from=" in page.context["permanent"]


def test_roll_ups_and_facts_of_any_set_agree(quarter: House) -> None:
    period = last_days("90d", quarter.now.date())
    for metric in METRICS:
        slices = ["", *MetricFact.objects.filter(metric=metric).values_list("slice", flat=True).distinct()]
        for part in slices:
            wanted = FactSet(metric, period, slice=part)
            values = [int(v) for v in facts_of(quarter.sdr, wanted).values_list("value", flat=True)]
            told = count_of(quarter.sdr, wanted)
            assert (told.n, told.yes) == (len(values), sum(values)), (metric, part)


def test_an_unknown_number_does_not_exist(house: House, browser: Client) -> None:
    assert browser.get(reverse("scorecards:number", args=["nothing"])).status_code == 404


def test_no_query_breaks_the_pages(house: House, browser: Client) -> None:
    for query in (
        {"from": "x", "to": "\x00"},
        {"period": "\x00", "unit": "\x00", "region": "'"},
        {"value": "7", "page": "?"},
    ):
        for path in (
            reverse("scorecards:map"),
            reverse("scorecards:monday"),
            reverse("scorecards:number", args=["in_time"]),
        ):
            assert browser.get(path, query).status_code == 200, (path, query)


def test_pages_cost_a_constant_number_of_queries(
    quarter: House, browser: Client, django_assert_max_num_queries: Any
) -> None:
    browser.get(reverse("scorecards:monday"))  # the session is written once a minute
    for path in (
        reverse("scorecards:monday"),
        reverse("scorecards:number", args=["in_time"]),
        reverse("scorecards:map"),
    ):
        with django_assert_max_num_queries(MOST_QUERIES):
            browser.get(path)
