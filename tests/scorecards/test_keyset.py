from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from records.models import Record
from scorecards import keyset
from scorecards.keyset import COUNT_CAP, Order, capped_count, keyset_page, read_cursor
from teams.models import BusinessUnit
from tests.gtmops.policy_objects import make_record

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def records() -> list[Record]:
    """23 records at 9 moments: many are of the same instant."""
    unit = BusinessUnit.objects.create(key="fleet", name="Fleet")
    found = [make_record(unit) for _ in range(23)]
    for i, record in enumerate(found):
        Record.objects.filter(pk=record.pk).update(
            seen_at=START + timedelta(hours=i % 9), title=f"Title {i % 4}"
        )
    return list(Record.objects.all())


@pytest.mark.parametrize(
    "order",
    [
        Order("seen_at"),
        Order("seen_at", is_descending=True),
        Order("title", False, False),
        Order("title", True, False),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 22, 23, 50])
def test_walking_to_the_end_and_back_sees_every_row_once_in_order(
    records: list[Record], order: Order, size: int
) -> None:
    right = sorted(records, key=lambda r: (getattr(r, order.column), r.pk), reverse=order.is_descending)
    seen, page = [], keyset_page(Record.objects.all(), order, None, size=size)
    while True:
        assert page.start == len(seen) + 1
        seen += page.rows
        assert page.end == len(seen)
        if not page.next:
            break
        page = keyset_page(Record.objects.all(), order, read_cursor(page.next, order), size=size)
    assert seen == right
    back = list(page.rows)
    while page.previous:
        page = keyset_page(Record.objects.all(), order, read_cursor(page.previous, order), size=size)
        back = [*page.rows, *back]
    assert back == right
    assert page.start == 1


def test_the_count_ends_at_its_cap(records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    assert capped_count(Record.objects.all()) == (23, False)
    monkeypatch.setattr(keyset, "COUNT_CAP", 20)
    page = keyset_page(Record.objects.all(), Order("seen_at"), None, size=5)
    assert (page.count, page.is_capped, page.count_words) == (20, True, "20+")
    assert COUNT_CAP == 10_000


@pytest.mark.parametrize(
    "text",
    ["", "x", "bm90IGpzb24", "W10", "WzEsMiwzLDRd", "💥", "WyIiLCAxLCAiMjAyNi0wMS0wMSIsICJubyJd", "null"],
)
def test_a_cursor_that_makes_no_sense_is_the_first_page(text: str) -> None:
    assert read_cursor(text, Order("seen_at")) is None
