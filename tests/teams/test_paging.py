"""A page of a list, wherever its rows are."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from gtmops.templatetags.gtmops_ui import total
from teams.models import Team
from teams.paging import CappedPaginator, page_of


def asked(query: str = "") -> Any:
    return RequestFactory().get(f"/?{query}")


@pytest.mark.django_db
def test_rows_in_the_database_are_counted_no_further_than_anybody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CappedPaginator, "MOST", 4)
    Team.objects.bulk_create(Team(key=f"t{n}", name=f"Team {n}") for n in range(5))
    page = page_of(asked("page=2"), Team.objects.order_by("key"), 3)
    assert [team.key for team in page] == ["t3"]
    assert total(page) == "4+"
    assert not page.has_next()


@pytest.mark.parametrize(
    ("query", "rows"), [("", [0, 1]), ("page=3", [4]), ("page=9", [4]), ("page=x", [0, 1])]
)
def test_a_list_in_hand_is_counted_whole(query: str, rows: list[int]) -> None:
    page = page_of(asked(query), range(5), 2)
    assert (list(page), total(page)) == (rows, "5")
