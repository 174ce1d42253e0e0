"""Rows read past the ORM are the rows that it reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from definitions.models import StageEntry, Version
from gtmops import pipeline
from records.models import Connection, DesiredField, Event, Journey, Record
from records.stored import Where, rows_where
from scorecards.models import MetricFact
from slas.models import Clock
from tests.slas.builders import austin
from tests.slas.conftest import House

MODELS: list[type[models.Model]] = [
    Connection, Journey, Record, Event, StageEntry, Version, Clock, MetricFact, DesiredField
]  # fmt: skip


@pytest.fixture
def concluded(db: None) -> None:
    house = House()
    house.lead("Mon 09:00", owner="sasha")
    pipeline.process(austin("Mon 09:00"))
    house.lead("Mon 10:00", owner="sasha", stage="mql")
    pipeline.process(austin("Mon 10:00"))


def told(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_every_column_is_as_a_queryset_reads_it(concluded: None) -> None:
    for model in MODELS:
        expected = {row.pk: told(row) for row in model._default_manager.all()}
        assert {row.pk: told(row) for row in rows_where(model, Where("TRUE"))} == expected
    assert all(model._default_manager.exists() for model in MODELS)


def test_they_are_rows_that_stand_in_the_table(concluded: None) -> None:
    [clock] = rows_where(Clock, Where("rule_key = %s", ("touch",)))
    assert not clock._state.adding
    clock.has_it = "sender"
    clock.save(update_fields=["has_it"])
    assert Clock.objects.get(pk=clock.pk).has_it == "sender"
