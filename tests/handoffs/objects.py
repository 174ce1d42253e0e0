"""A handoff as a bare row, for tests that ask for doors and not for what is behind them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from ruamel.yaml import YAML

from definitions.models import Version
from handoffs.models import Handoff
from records.models import Connection, Event, Journey, Record
from teams.models import BusinessUnit, Person

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def starter_body() -> dict[str, Any]:
    text = (settings.BASE_DIR / "definitions/starter_model/handoffs.yaml").read_text("utf-8")
    body: dict[str, Any] = YAML(typ="safe").load(text)["handoffs"]["sdr_to_ae"]
    return body


def handoff_of(unit: BusinessUnit, owner: Person) -> Handoff:
    """Open, of a record of ``unit``, with ``owner`` to send it."""
    template, _ = Version.objects.get_or_create(
        section="handoffs",
        key="sdr_to_ae",
        number=1,
        defaults={"body": starter_body(), "state": "signed", "effective_from": LONG_AGO},
    )
    connection, _ = Connection.objects.get_or_create(
        name="salesforce", defaults={"label": "Salesforce", "kind": "salesforce"}
    )
    pk = uuid.uuid4()
    journey = Journey.objects.create(pk=pk, key=str(pk))
    record = Record.objects.create(
        pk=pk,
        connection=connection,
        object="person",
        remote_object="Lead",
        remote_id=str(pk),
        journey=journey,
        business_unit=unit,
        title="Kestrel Haulage · Maren Tolliver",
    )
    event = Event.objects.create(
        connection=connection, external_key=str(pk), kind="baseline", record=record, occurred_at=LONG_AGO
    )
    return Handoff.objects.create(
        pk=uuid.uuid4(),
        template_key=template.key,
        template=template,
        journey=journey,
        record=record,
        opened_by=event,
        opened_at=LONG_AGO,
        sender=owner,
    )
