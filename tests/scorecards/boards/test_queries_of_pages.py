"""Every page that `make bench` times costs at most fifteen queries, whoever looks at it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from slas.appeals.acts import Said, open_appeal
from slas.models import Clock
from teams.models import Person
from tests.benchmarks.bench_pages import ADMIN, MOST_QUERIES, PAGES, REP
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db


def test_no_page_costs_more_than_fifteen_queries(
    quarter: House, signed_in: Callable[[Person], Client], boss: Person
) -> None:
    clocks = Clock.objects.with_names().filter(owner__isnull=False).order_by("started_at", "pk")
    late = clocks.filter(state__in=Clock.LATE, owner=quarter.sdr)[0]
    open_appeal(late, quarter.sdr, Said("other", "They were at a fair."), act_key="1", now=quarter.now)
    # The quarter is over: one runs again.
    running = clocks.exclude(pk=late.pk)[0]
    Clock.objects.filter(pk=running.pk).update(state="running", stopped_at=None, stop_event=None)
    hours = late.calendar.key if late.calendar else ""
    ids = {"record": late.record_id, "clock": late.pk, "running": running.pk, "hours": hours}
    people = Person.objects.in_bulk(field_name="email")
    asked = [(who, address.format(**ids)) for _, who, address in PAGES]
    # Who had it, who decides, and through the API.
    asked += [(who, f"/clocks/{late.pk}/") for who in (REP, boss.email, ADMIN)]
    asked += [(who, f"/api/v1/clocks/{late.pk}/") for who in (REP, ADMIN)]
    browsers = {who: signed_in(people[who]) for who, _ in asked}
    for browser in browsers.values():
        browser.get("/profile/")  # the session is written once a minute
    costs = {}
    for who, path in asked:
        with CaptureQueriesContext(connection) as captured:
            answer = browsers[who].get(path)
            lines = list(answer.streaming_content) if answer.streaming else [answer.content]  # type: ignore[attr-defined]  # a StreamingHttpResponse
        assert answer.status_code == 200, (who, path, answer.get("Location"))
        assert lines, path
        costs[who, path] = len(captured)
    assert {page: number for page, number in costs.items() if number > MOST_QUERIES} == {}
