"""On real rows, what a batch knows in Python and what PostgreSQL counts in the tables is the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.criteria import Criterion, parse
from definitions.in_force import load_typed_model
from definitions.judging.facts import FactsOf, load_facts
from definitions.services import refresh
from records.journey_data import Batch, JourneyData
from records.loading import load_batch, load_records
from records.models import CatalogueField, Connection, Journey, Record
from tests.definitions.conftest import NOW
from tests.definitions.criteria.list_strategies import EVENTS, STAGES, World, catalogue_of, whole_trees
from tests.definitions.populations import OBJECTS, Population, put_model_in_force

WORLD: World = {
    "objects": OBJECTS,
    "currencies": {"EUR": {"is_base": True}, "USD": {"rates": {"2026-01-01": 1.08}}},
}
EVERYTHING = [
    {"activity": "any"},
    *({"related": name} for name in ("deals", "people", "account", "account_deals", "account_people")),
    *({"stage": stage, "op": "is_in"} for stage in STAGES),
    *({"event": event} for event in EVENTS),
]
MOMENTS = [NOW, NOW - timedelta(microseconds=1), NOW + timedelta(days=1), NOW + timedelta(days=16)]


def judge_in_tables(criterion: Criterion, now: datetime) -> dict[Any, bool | None]:
    truth, params = criterion.to_sql("r", now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, ({truth}) FROM records_record r WHERE r.object = %s",
            [*params, criterion.object],
        )
        return dict(cursor.fetchall())


@pytest.fixture(params=range(3))
def facts_of(
    request: pytest.FixtureRequest, db: None, hubspot: Connection, salesforce: Connection
) -> FactsOf:
    for object_name, fields in OBJECTS.items():
        CatalogueField.objects.bulk_create(
            CatalogueField(object=object_name, name=name, label=name, type=told["type"])
            for name, told in fields.items()
        )
    put_model_in_force()
    population = Population(Random(request.param), [hubspot, salesforce])
    population.fill(journeys=12)
    population.store()
    batch = load_batch(Journey.objects.values_list("pk", flat=True), NOW)
    refresh(batch)
    accounts = load_records(Record.objects.filter(object="account").values_list("pk", flat=True))
    alone = {record.id: JourneyData(record.id, record.key, None, (record,)) for record in accounts}
    return load_facts(Batch({**batch.journeys, **alone}, now=NOW), load_typed_model(), EVERYTHING)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_batch_and_the_tables_agree(facts_of: FactsOf, data: st.DataObject) -> None:
    tree = data.draw(whole_trees(WORLD, most=3), label="tree")
    now = data.draw(st.sampled_from(MOMENTS), label="now")
    criterion = parse(tree, catalogue_of(WORLD), object="person")
    in_tables = judge_in_tables(criterion, now)
    in_python = {
        record.id: criterion.evaluate(facts_of.now(record), now).truth
        for journey in facts_of.batch.journeys.values()
        for record in journey.records
        if record.object == "person"
    }
    assert in_python == in_tables


@pytest.mark.parametrize("about", ["person", "deal", "account"])
def test_each_list_agrees(facts_of: FactsOf, about: str) -> None:
    catalogue = catalogue_of(WORLD)
    for told in EVERYTHING:
        if about == "account" and told.get("related", "").startswith("account"):
            continue
        for tree in [told] if "stage" in told else [{**told, "at_least": n} for n in (1, 2, 3)]:
            criterion = parse(tree, catalogue, object=about)
            in_python = {
                record.id: criterion.evaluate(facts_of.now(record), NOW).truth
                for journey in facts_of.batch.journeys.values()
                for record in journey.records
                if record.object == about
            }
            assert in_python == judge_in_tables(criterion, NOW), tree
