"""Since when nobody can tell what was done: only while all of a connection's activities fail to be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.failing import NEVER, activities_failing_since
from integrations.models import PullCursor
from records.models import CatalogueField, Connection, FieldMapping

READ = datetime(2026, 11, 12, 9, tzinfo=UTC)
LATER = datetime(2026, 11, 12, 10, tzinfo=UTC)


@pytest.fixture
def crm(db: None) -> Connection:
    made = Connection.objects.create(name="crm", label="CRM", kind="hubspot")
    kind = CatalogueField.objects.create(object="activity", name="kind", label="Kind", type="picklist")
    name = CatalogueField.objects.create(object="person", name="email", label="E-mail", type="text")
    for remote_object, field in (("calls", kind), ("meetings", kind), ("contacts", name)):
        FieldMapping.objects.create(
            connection=made, field=field, remote_object=remote_object, remote_name="x"
        )
    return made


def cursor(crm: Connection, remote_object: str, failures: int, read_at: datetime | None = READ) -> None:
    PullCursor.objects.create(
        connection=crm, remote_object=remote_object, failures=failures, last_pulled_at=read_at
    )


def test_while_one_kind_of_activity_can_be_read_nothing_is_said(crm: Connection) -> None:
    cursor(crm, "calls", 3)
    cursor(crm, "meetings", 0)
    cursor(crm, "contacts", 0)
    assert activities_failing_since() == {}


def test_all_of_them_fail_since_the_last_was_read(crm: Connection) -> None:
    cursor(crm, "calls", 3)
    cursor(crm, "meetings", 1, LATER)
    cursor(crm, "contacts", 0)
    assert activities_failing_since() == {"crm": LATER}


def test_what_was_never_read_fails_since_ever(crm: Connection) -> None:
    cursor(crm, "calls", 1, None)
    cursor(crm, "meetings", 1, None)
    assert activities_failing_since() == {"crm": NEVER}


def test_a_broken_connection_reads_nothing_any_more(crm: Connection) -> None:
    crm.state = Connection.State.BROKEN
    crm.save()
    cursor(crm, "calls", 0)
    cursor(crm, "meetings", 0, LATER)
    assert activities_failing_since() == {"crm": LATER}
