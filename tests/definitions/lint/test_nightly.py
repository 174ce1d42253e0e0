"""The nightly check: remarks come, stay with their first day, and go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings

from definitions.lint.services import check_due, check_now, next_check
from definitions.models import ModelCheck, Remark
from records.models import CatalogueField, Connection, FieldMapping
from records.schema import SeenField, store_schema
from teams.models import Person, Role
from tests.definitions.conftest import NOW, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]

STAGE = ("Discovery", "Evaluation", "Proposal", "Negotiation", "Closed Won", "Closed Lost")


def connect(connection: Connection, remote_object: str, object_name: str, **fields: str) -> None:
    for name, remote in fields.items():
        FieldMapping.objects.create(
            connection=connection,
            field=CatalogueField.objects.get(object=object_name, name=name),
            remote_object=remote_object,
            remote_name=remote,
        )


def describe(connection: Connection, values: tuple[str, ...], *, days: int = 0) -> None:
    options = tuple((value, value) for value in values)
    store_schema(
        connection,
        "Opportunity",
        [SeenField("StageName", "Stage", "picklist", options)],
        NOW + timedelta(days=days),
    )


def codes(**where: str) -> set[str]:
    return set(Remark.objects.filter(**where).values_list("code", flat=True))


def test_a_stage_renamed_since_yesterday_is_found_and_goes_when_the_model_follows(
    salesforce: Connection,
) -> None:
    connect(salesforce, "Opportunity", "deal", stage="StageName")
    describe(salesforce, STAGE)
    check_now(NOW)
    assert "renamed" not in codes()
    describe(salesforce, tuple("Haggling" if s == "Negotiation" else s for s in STAGE), days=1)
    check_now(NOW + timedelta(days=1))
    (text,) = Remark.objects.filter(code="renamed", key="new_business").values_list("text", flat=True)
    assert text.startswith(
        "“Negotiation” of Stage in Salesforce (Opportunity.StageName) seems to be “Haggling”"
    )
    assert text.endswith("since 3 March; change it here too")
    describe(salesforce, STAGE, days=2)
    check_now(NOW + timedelta(days=2))
    assert "renamed" not in codes()


def test_a_remark_keeps_the_day_it_was_first_seen() -> None:
    check_now(NOW)
    first = Remark.objects.filter(code="not_connected").order_by("pk").first()
    assert first is not None
    check_now(NOW + timedelta(days=3))
    again = Remark.objects.get(pk=first.pk)
    assert (again.first_seen_at, again.seen_at) == (NOW, NOW + timedelta(days=3))


def test_a_field_that_hardly_anybody_fills_is_told_with_its_rate(hubspot: Connection) -> None:
    for n in range(240):
        make_record(hubspot, str(n), {"fleet_size": 12 if n < 3 else None, "demo_requested_at": None})
    check_now(NOW)
    (text,) = Remark.objects.filter(code="rarely_filled", key="mql", text__contains="fleet_size").values_list(
        "text", flat=True
    )
    assert text == "hardly anybody fills fleet_size: 3 of 240 records have it (1.2%)"


def test_conditions_that_none_of_the_records_meets_are_counted_not_proved(hubspot: Connection) -> None:
    values = dict.fromkeys(["pricing_page_views", "content_downloads"], 0)
    for n in range(220):
        make_record(
            hubspot,
            str(n),
            {"fleet_size": 12, "demo_requested_at": None, "webinar_attended_at": None, **values},
        )
    check_now(NOW)
    assert "none_meet" in codes(section="definitions", key="mql")


def test_it_is_due_once_a_day_and_not_twice() -> None:
    with override_settings():
        assert next_check(NOW) == NOW
        assert check_due(NOW) == 1
        assert check_due(NOW + timedelta(hours=1)) == 0
        assert next_check(NOW) == NOW + timedelta(days=1)
        assert check_due(NOW + timedelta(days=1)) == 1
    assert ModelCheck.objects.count() == 2


def test_an_admin_reads_the_remarks_and_checks_again(client: Client) -> None:
    admin = Person.objects.create_user("admin@fernhill.example", name="Ada", role=Role.REVOPS_ADMIN)
    client.force_login(admin)
    assert "Not checked yet" in client.get("/model/remarks/").content.decode()
    answer = client.post("/model/remarks/check/", follow=True).content.decode()
    assert "is not connected in HubSpot" in answer
    assert "Connect the field in the CRM&#x27;s mapping." in answer
