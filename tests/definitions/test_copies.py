"""The same text with several buyers: found per batch, whichever batch comes last."""

from __future__ import annotations

import pytest

from definitions.evidence import paper
from definitions.evidence.copies import load_copies
from definitions.evidence.paper import COPIES, text_key
from definitions.models import Judgement, WrittenText
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Record, Touched
from teams.models import Team
from tests.definitions.conftest import NOW, change, make_record
from tests.definitions.small_model import make_small_model

pytestmark = pytest.mark.django_db

TEXT = "Every vehicle has a service plan by day sixty"
FIELDS = {"deal": frozenset({"success_criteria"})}
DEAL = {"pipeline": "New business", "stage": "Negotiation", "amount": 9}


def deals(salesforce: Connection, number: int, text: str = TEXT, start: int = 0) -> list[Record]:
    values = DEAL | {"success_criteria": text}
    return [make_record(salesforce, str(i), values, object_name="deal") for i in range(start, start + number)]


def copied(*records: Record) -> set[str]:
    batch = load_batch([r.journey_id for r in records if r.journey_id], NOW)
    found = load_copies(batch, FIELDS)
    return {r.remote_id for r in records if ("success_criteria", text_key(TEXT)) in found.get(r.pk, ())}


def test_it_takes_five_other_buyers(salesforce: Connection) -> None:
    few = deals(salesforce, COPIES)
    assert copied(*few) == set()
    [last] = deals(salesforce, 1, f"  {TEXT.upper()}. ", COPIES)
    assert copied(last) == {last.remote_id}
    assert copied(*few) == {r.remote_id for r in few}


def test_those_judged_before_are_judged_again_when_the_line_is_crossed(salesforce: Connection) -> None:
    few = deals(salesforce, COPIES)
    copied(*few)
    Touched.objects.all().delete()
    [last, more] = deals(salesforce, 2, start=COPIES)
    copied(last)
    assert set(Touched.objects.values_list("record_id", flat=True)) == {r.pk for r in few}
    Touched.objects.all().delete()
    copied(more)
    assert not Touched.objects.exists()


def test_one_buyer_with_two_records_is_no_copy(salesforce: Connection) -> None:
    first = deals(salesforce, 1)[0]
    values = DEAL | {"success_criteria": TEXT}
    twins = [
        make_record(salesforce, f"t{i}", values, object_name="deal", journey=first.journey)
        for i in range(COPIES)
    ]
    assert copied(first, *twins) == set()


def test_a_text_counts_also_after_it_was_replaced(salesforce: Connection) -> None:
    found = deals(salesforce, COPIES + 1)
    for record in found:
        change(record, "success_criteria", "Something of their own", NOW)
    assert copied(*found) == {r.remote_id for r in found}
    assert WrittenText.objects.count() == COPIES + 1


def test_the_number_of_queries_does_not_grow(
    salesforce: Connection, django_assert_max_num_queries: object
) -> None:
    batch = load_batch([r.journey_id for r in deals(salesforce, 12) if r.journey_id], NOW)
    with django_assert_max_num_queries(4):  # type: ignore[operator]  # a fixture
        load_copies(batch, FIELDS)


def test_a_copied_text_meets_exit_criteria_on_paper(
    salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    make_small_model()
    found = deals(salesforce, COPIES + 1)
    for record in found:
        refresh(load_batch([record.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    for pk in Touched.objects.values_list("record__journey_id", flat=True):
        refresh(load_batch([pk], NOW))
    assert set(Judgement.objects.values_list("state", flat=True)) == {"on_paper"}
    [reason] = {told["reason"] for row in Judgement.objects.all() for told in row.paper}
    assert reason == paper.COPIED
