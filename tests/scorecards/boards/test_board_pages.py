"""Every board answers whoever asks, whatever the address says, in a bounded number of queries."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scorecards.boards.views import EXPORTS, FILTERS
from teams.models import Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15


def test_every_board_shows_and_exports_what_is_there_in_a_bounded_number_of_queries(
    quarter: House, signed_in: Callable[[Person], Client], boss: Person
) -> None:
    browser = signed_in(boss)
    for name in FILTERS:
        answer = browser.get(reverse(f"scorecards:{name}"))
        assert answer.status_code == 200, name
        text = answer.content.decode()
        assert text.count('aria-current="page"') >= 1, name
        for href in sorted(set(re.findall(r'href="(/numbers/[^"]+)"', text)))[:3]:
            assert browser.get(href.replace("&amp;", "&")).status_code == 200, (name, href)
        for query in (
            "?by=urgency",
            "?by=owner",
            "?by=week",
            "?since=form",
            "?region=NA&period=12m",
            "?by=team",
        ):
            assert browser.get(reverse(f"scorecards:{name}") + query).status_code == 200, (name, query)
        lines = b"".join(browser.get(answer.context["export_href"]).streaming_content)  # type: ignore[attr-defined]  # streamed
        assert len(lines.splitlines()) >= 1
    costs = {}
    for name in FILTERS:
        for query in ("", "?region=NA&rule=s2_first_touch", "?by=owner&since=form", "?by=urgency"):
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(reverse(f"scorecards:{name}") + query).status_code == 200
            costs[name, query] = len(captured)
    assert max(costs.values()) <= MOST_QUERIES, costs


def test_no_address_breaks_a_board(house: House, signed_in: Callable[[Person], Client]) -> None:
    browser = signed_in(house.sdr)
    for name in FILTERS:
        for query in (
            {"page": "?", "by": "\x00", "owner": "x", "bounds": "now", "touches": "-1"},
            {"team": "'", "show": "%", "appeal": "none", "period": "x", "from": "\x00"},
            {"owner": "999999999999999999", "rule": "none", "unit": "\x00"},
        ):
            assert browser.get(reverse(f"scorecards:{name}"), query).status_code == 200, (name, query)
        assert browser.get(reverse("scorecards:board_export", args=[name])).status_code == 200
    assert browser.get(reverse("scorecards:board_export", args=["nothing"])).status_code == 404
    assert set(EXPORTS) == set(FILTERS)
