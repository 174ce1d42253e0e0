"""10,000 changed records cost 50 calls to Salesforce or 100 to HubSpot, and a second push none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database

from integrations import provision
from integrations.budget import api_use
from integrations.hubspot import session
from integrations.push import push_due
from integrations.salesforce import connector
from integrations.standins.app import Running, running_standins
from integrations.standins.world import salesforce_id
from integrations.writing.models import WriteAttempt
from records.models import Connection, DesiredField
from tests.integrations.conftest import START, connect, small_world
from tests.integrations.writing.conftest import Wire

RECORDS = 10_000


def crm_of(kind: str) -> Any:
    """As many bare records as are pushed; the rest of the small world as it is."""
    world: Any = small_world(1)
    if kind == "salesforce":
        world["salesforce"]["Lead"] = [
            {
                "id": salesforce_id("00Q", n),
                "fields": {"LastName": f"N{n}"},
                "created": START,
                "modified": START,
            }
            for n in range(1, RECORDS + 1)
        ]
    else:
        world["hubspot"]["contacts"] = [
            {"id": str(n), "fields": {"lastname": f"N{n}"}, "created": START, "modified": START}
            for n in range(1, RECORDS + 1)
        ]
    return world


@pytest.fixture(
    params=[("salesforce", RECORDS // 200), ("hubspot", RECORDS // 100)], ids=["salesforce", "hubspot"]
)
def crm(
    request: pytest.FixtureRequest, db: None, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Connection, Running, int]]:
    kind, calls = request.param
    # A hundred calls in ten seconds is more than HubSpot allows, and no more than we make on a quick machine.
    monkeypatch.setattr(session, "RATES", ())
    monkeypatch.setattr(connector, "RATES", ())
    with running_standins(crm_of(kind)) as standins:
        connection = connect(kind, standins.base_url, go_live_at=START, is_writing=True, switches=True)
        assert not provision.apply(connection, datetime.now(UTC)).error
        yield connection, standins, calls


def mirror(connection: Connection, remote_object: str, ids: list[str]) -> None:
    """Records and a field wanted of each, set by set."""
    with database.cursor() as cursor:
        cursor.execute(
            """INSERT INTO records_record (id, connection_id, object, remote_object, remote_id, title, values, seen_at,
                   fingerprint)
               SELECT gen_random_uuid(), %s, 'person', %s, id, id, '{}', now(), '' FROM unnest(%s::text[]) id""",
            [connection.pk, remote_object, ids],
        )
        cursor.execute(
            """INSERT INTO records_desiredfield (record_id, field, writer, desired, is_known, state, hold, hold_reason,
                   changed_by_others, attempts, next_try_at, desired_at, sent_by, last_error)
               SELECT r.id, f, 'test', to_jsonb('say ' || r.remote_id), true, 'different', false, '', 0, 0,
                   now() - interval '1 minute', now(), '', ''
               FROM records_record r, unnest(ARRAY['gtm_stage']) f WHERE r.connection_id = %s""",
            [connection.pk],
        )
        # As the server does by itself once this is committed; a plan made for empty tables takes minutes.
        cursor.execute("ANALYZE records_record, records_desiredfield")


def test_ten_thousand_changed_records_cost_the_fewest_calls_and_a_second_push_none(
    crm: tuple[Connection, Running, int], wire: Wire
) -> None:
    connection, standins, calls = crm
    kind = connection.kind
    remote_object = "Lead" if kind == "salesforce" else "contacts"
    mirror(connection, remote_object, [row["id"] for row in crm_of(kind)[kind][remote_object]])
    wire.forget()
    before = api_use(connection.name).ours
    now = datetime.now(UTC)
    assert push_due(now) == RECORDS
    assert wire.writes == calls
    assert len(wire.calls) - wire.sign_ins == calls
    assert api_use(connection.name).ours - before == len(wire.calls)
    assert not DesiredField.objects.exclude(state="sent").exists()
    assert WriteAttempt.objects.filter(outcome="written").count() == RECORDS
    written = [w["remote_id"] for w in standins.store.writes(kind) if w["object"] == remote_object]
    assert len(written) == len(set(written)) == RECORDS
    wire.forget()
    assert push_due(now + timedelta(seconds=1)) == 0
    assert wire.calls == []
