"""A clock made by hand, for tests that need one to exist and nothing of how it came to be."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from definitions.models import Version
from records.models import Connection, Event, Journey, Record
from records.services import gtmops_connection
from slas.appeals.kinds import OPENED
from slas.appeals.rows import appeals_of, write_of_clock
from slas.models import Appeal, Clock
from teams.models import BusinessUnit, Person
from tests.slas.builders import RULES

START = datetime(2026, 11, 12, 16, tzinfo=UTC)


def make_clock(unit: BusinessUnit | None, owner: Person | None, **other: object) -> Clock:
    """Late by an hour, stopped by nothing, of a record in ``unit``."""
    crm = Connection.objects.get_or_create(name="crm", defaults={"label": "CRM", "kind": "hubspot"})[0]
    rule = Version.objects.get_or_create(
        section="sla_rules",
        key="routed",
        number=1,
        defaults={"body": RULES["routed"], "state": "signed", "effective_from": START - timedelta(days=9)},
    )[0]
    pk = uuid.uuid4()
    journey = Journey.objects.create(id=pk, key=f"crm:contacts:{pk}", business_unit=unit)
    record = Record.objects.create(
        id=pk, connection=crm, object="person", remote_object="contacts", remote_id=str(pk)[:8],
        title="Kestrel Haulage", journey=journey, business_unit=unit,
    )  # fmt: skip
    start = Event.objects.create(
        connection=crm, external_key=f"start:{pk}", kind="change", record=record, occurred_at=START
    )
    values: dict[str, object] = {
        "rule_key": "routed",
        "rule": rule,
        "journey": journey,
        "record": record,
        "start_event": start,
        "started_at": START,
        "due_at": START + timedelta(hours=1),
        "state": "breached",
        "breached_at": START + timedelta(hours=1),
        "owner": owner,
        "receipt": {"holder": owner.name if owner else "Nobody"},
    }
    return Clock.objects.create(id=uuid.uuid4(), **(values | other))


def make_appeal(clock: Clock) -> Appeal:
    """One that waits for a decision of RevOps: its event, and the row that is its fold."""
    pk = uuid.uuid4()
    gtmops = gtmops_connection()
    person = clock.owner_id
    data = {
        "appeal": str(pk),
        "clock": str(clock.pk),
        "person": person,
        "reason": "other",
        "note": "Not mine.",
    }
    Event.objects.create(
        connection=gtmops, external_key=f"appeal:{pk}", kind=OPENED, record=clock.record, actor_id=person,
        occurred_at=START + timedelta(hours=3), observed_at=START + timedelta(hours=3), data=data,
    )  # fmt: skip
    write_of_clock(clock.pk, appeals_of(clock.record_id))
    return Appeal.objects.get(pk=pk)
