"""Roll-ups move by what changed; whatever changed, they equal a count of the facts."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Q

from records.derived import write_derived
from records.models import Journey, Record
from scorecards import services
from scorecards.models import DailyRollup, MetricFact
from teams.models import BusinessUnit
from tests.gtmops.policy_objects import make_record
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db

Table = dict[tuple[str, date, int | None, str], tuple[int, Decimal]]


def rolled_up() -> Table:
    rows = DailyRollup.objects.values_list("metric", "day", "business_unit_id", "slice", "count", "total")
    return {(m, d, u, s): (n, total) for m, d, u, s, n, total in rows}


def counted() -> Table:
    number: Counter[tuple[str, date, int | None, str]] = Counter()
    total: Counter[tuple[str, date, int | None, str]] = Counter()
    for fact in MetricFact.objects.all():
        key = (fact.metric, fact.day, fact.business_unit_id, fact.slice)
        number[key] += 1
        total[key] += fact.value  # type: ignore[assignment]  # Counter is typed for int; Decimal adds as well
    return {key: (n, Decimal(total[key])) for key, n in number.items()}


@pytest.mark.parametrize("seed", range(6))
def test_any_change_of_facts_leaves_the_roll_ups_equal_to_their_count(seed: int) -> None:
    choose = random.Random(seed)
    units = [None, BusinessUnit.objects.create(key="fleet", name="Fleet")]
    records = [make_record(units[1] or BusinessUnit.objects.get()) for _ in range(4)]
    ids = [uuid.UUID(int=i) for i in range(12)]
    for _ in range(8):
        wanted = []
        for pk in choose.sample(ids, choose.randint(0, len(ids))):
            record = choose.choice(records)
            at = datetime(2026, 3, choose.randint(1, 3), 9, tzinfo=UTC)
            unit = choose.choice(units)
            wanted.append(
                MetricFact(
                    pk=pk, metric=choose.choice(["in_time", "mql_to_sql"]), metric_version=1, anchor_at=at,
                    journey_id=record.journey_id, record=record, business_unit=unit, day=at.date(),
                    value=Decimal(choose.randint(0, 1)), slice=choose.choice(["", "s1"]), dimensions={},
                )
            )  # fmt: skip
        services._roll_up(write_derived(MetricFact, wanted, fields=services.FIELDS, scope=Q()))
        assert rolled_up() == counted()
    services.recount()
    assert rolled_up() == counted()


def test_a_second_conclusion_of_the_same_writes_nothing(house: House) -> None:
    house.mql("C1", house.now - timedelta(hours=2))
    before = set(DailyRollup.objects.values_list("pk", "count", "total"))
    assert before
    house.say("hubspot", "contacts", "C1", house.now - timedelta(hours=1), firstname="Kit")
    assert set(DailyRollup.objects.values_list("pk", "count", "total")) == before


def test_two_buyers_that_turn_out_to_be_one_are_counted_once(house: House) -> None:
    house.mql("C1", house.now - timedelta(hours=3))
    house.mql("C2", house.now - timedelta(hours=2))
    assert MetricFact.objects.filter(metric="mql_to_sql").count() == 2
    house.say("hubspot", "contacts", "C2", house.now - timedelta(hours=1), email="c1@buyer.example")
    assert Journey.objects.count() == 1
    assert MetricFact.objects.filter(metric="mql_to_sql").count() == 1
    assert rolled_up() == counted()


def test_a_fact_stands_behind_the_border_of_its_record(house: House) -> None:
    record = house.mql("C1", house.now - timedelta(hours=2))
    yards = BusinessUnit.objects.get(key="yards")
    house.say("hubspot", "contacts", "C1", house.now - timedelta(hours=1), business_unit="yards")
    record = Record.objects.get(pk=record.pk)
    assert record.business_unit == yards
    assert set(record.metric_facts.values_list("business_unit", flat=True)) == {yards.pk}
    assert rolled_up() == counted()
