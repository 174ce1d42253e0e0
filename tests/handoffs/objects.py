"""A handoff as a bare row, for tests that ask for doors and not for what is behind them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from definitions.model_files import load_starter_model
from definitions.models import Version
from handoffs.models import Handoff
from records.models import Connection, Event, Journey, Record
from teams.models import BusinessUnit, Person, Team

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def handoff_of(unit: BusinessUnit, owner: Person) -> Handoff:
    """Open, of a record of ``unit``, with ``owner`` to send it."""
    template = Version.objects.filter(section="handoffs", key="sdr_to_ae").first()
    if template is None:
        for key in ("marketing", "sdr", "sales", "cs", "revops"):
            Team.objects.get_or_create(key=key, defaults={"name": key.upper(), "purpose": key})
        load_starter_model(LONG_AGO, LONG_AGO)
        template = Version.objects.get(section="handoffs", key="sdr_to_ae")
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
