"""What a CRM's fields look like is remembered, with what they said before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from records.models import Connection, SchemaField
from records.schema import SeenField, store_schema

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
STAGE = SeenField(
    "StageName", "Stage", "picklist", (("Discovery", "Discovery"), ("Closed Won", "Closed won"))
)


@pytest.fixture
def salesforce() -> Connection:
    return Connection.objects.create(name="salesforce", label="Salesforce", kind="salesforce")


def test_a_renamed_option_is_a_change_with_what_it_was(salesforce: Connection) -> None:
    store_schema(salesforce, "Opportunity", [STAGE], NOW)
    renamed = SeenField(
        "StageName", "Stage", "picklist", (("Discover", "Discover"), ("Closed Won", "Closed won"))
    )
    (row,) = store_schema(salesforce, "Opportunity", [renamed], NOW + timedelta(days=1))
    assert row.changed_at == NOW + timedelta(days=1)
    assert row.before is not None
    assert row.before["options"][0] == ["Discovery", "Discovery"]
    assert SchemaField.objects.get().options[0] == ["Discover", "Discover"]


def test_a_field_that_goes_is_kept_as_gone_and_comes_back_whole(salesforce: Connection) -> None:
    store_schema(salesforce, "Opportunity", [STAGE], NOW)
    store_schema(salesforce, "Opportunity", [], NOW + timedelta(days=1))
    assert SchemaField.objects.get().gone_at == NOW + timedelta(days=1)
    store_schema(salesforce, "Opportunity", [STAGE], NOW + timedelta(days=2))
    row = SchemaField.objects.get()
    assert (row.gone_at, row.changed_at) == (None, None)


def test_nothing_new_costs_one_query_and_no_write(salesforce: Connection) -> None:
    store_schema(salesforce, "Opportunity", [STAGE], NOW)
    with CaptureQueriesContext(
        database,
    ) as queries:
        assert store_schema(salesforce, "Opportunity", [STAGE], NOW + timedelta(days=1)) == []
    assert [q["sql"][:6] for q in queries if "SAVEPOINT" not in q["sql"]] == ["SELECT"]
