"""Only differences, in the largest batches, one result per record; echo, refusal, undo and hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import provision
from integrations.models import Run, WriteSwitch
from integrations.pull import pull_to_the_end
from integrations.push import push_due
from integrations.registry import connector_class
from integrations.standins.app import Running, running_standins
from integrations.writing import sending
from integrations.writing.dead import lift_hold
from integrations.writing.preview import preview
from integrations.writing.rows import UNDONE
from integrations.writing.undoing import undo_run
from records.models import Connection, DesiredField, Record, Touched
from tests.integrations.conftest import connect, first_id, small_world

pytestmark = pytest.mark.django_db
PEOPLE = 205


@pytest.fixture(params=["salesforce", "hubspot"])
def writing(request: pytest.FixtureRequest, db: None) -> Iterator[tuple[Connection, Running]]:
    """A connection that is live and writes, with more people than one batch holds."""
    with running_standins(small_world(PEOPLE)) as standins:
        connection = connect(
            request.param,
            standins.base_url,
            go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
            is_writing=True,
            switches=True,
        )
        assert not provision.apply(connection, datetime.now(UTC)).error
        assert pull_to_the_end(connection) == []
        yield connection, standins


def want(connection: Connection, field: str, value: Any, count: int = PEOPLE) -> None:
    records = Record.objects.filter(connection=connection, object="person").order_by("remote_id")[:count]
    DesiredField.objects.bulk_create(
        [
            DesiredField(record=r, field=field, writer="test", desired=value, next_try_at=r.seen_at)
            for r in records
        ]
    )


def count_writes(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> list[int]:
    sizes: list[int] = []
    kind = connector_class(connection.kind)
    real = kind.push

    def push(self: Any, remote_object: str, writes: Any) -> Any:
        sizes.append(len(writes))
        return real(self, remote_object, writes)

    monkeypatch.setattr(kind, "push", push)
    return sizes


def test_n_changed_records_cost_n_by_batch_calls_and_a_second_push_none(
    writing: tuple[Connection, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _ = writing
    want(connection, "gtm_stage", "MQL")
    want(connection, "gtm_qualified", "yes")
    sizes = count_writes(monkeypatch, connection)
    assert push_due(datetime.now(UTC)) == PEOPLE
    batch = connector_class(connection.kind).capabilities.push_batch
    assert sizes == [batch] * (PEOPLE // batch) + [PEOPLE % batch]
    assert push_due(datetime.now(UTC)) == 0
    assert not DesiredField.objects.exclude(state="sent").exists()


def test_what_we_wrote_is_verified_by_the_next_pull_and_wakes_nothing(
    writing: tuple[Connection, Running],
) -> None:
    connection, _ = writing
    want(connection, "gtm_stage", "MQL", 3)
    push_due(datetime.now(UTC))
    Touched.objects.all().delete()
    pull_to_the_end(connection)
    assert set(DesiredField.objects.values_list("state", "known")) == {("in_sync", "MQL")}
    assert not Touched.objects.exists()


def test_a_refused_record_keeps_the_words_of_the_crm(writing: tuple[Connection, Running]) -> None:
    connection, _ = writing
    want(connection, "gtm_due", "2026-03-02T17:00:00Z", 4)
    bad = DesiredField.objects.order_by("pk").first()
    assert bad is not None
    DesiredField.objects.filter(pk=bad.pk).update(desired="soon")
    push_due(datetime.now(UTC))
    bad.refresh_from_db()
    assert bad.state == "refused"
    assert "soon" in bad.last_error
    assert DesiredField.objects.filter(state="sent").count() == 3
    assert Run.objects.get(kind="push").counts == {"written": 3, "refused": 1, "calls": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"is_writing": False},
        {"writing_paused_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"go_live_at": None},
        {"state": "paused"},
    ],
)
def test_nothing_is_sent_unless_the_connection_writes(standins: Running, change: dict[str, Any]) -> None:
    connection = connect(
        "salesforce",
        standins.base_url,
        go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
        is_writing=True,
        switches=True,
    )
    provision.apply(connection, datetime.now(UTC))
    pull_to_the_end(connection)
    want(connection, "gtm_stage", "MQL", 2)
    assert len(preview(connection)) == 2
    Connection.objects.filter(pk=connection.pk).update(**change)
    assert push_due(datetime.now(UTC)) == 0


def test_a_field_whose_switch_is_off_and_one_on_hold_are_left_alone(
    writing: tuple[Connection, Running],
) -> None:
    connection, _ = writing
    want(connection, "gtm_stage", "MQL", 2)
    want(connection, "gtm_qualified", "yes", 2)
    WriteSwitch.objects.filter(field="gtm_qualified").update(is_on=False)
    DesiredField.objects.filter(field="gtm_stage").update(hold=True)
    assert push_due(datetime.now(UTC)) == 0
    lift_hold(DesiredField.objects.all())
    assert push_due(datetime.now(UTC)) == 2


def test_undoing_a_run_writes_the_earlier_values_back_and_holds(writing: tuple[Connection, Running]) -> None:
    connection, standins = writing
    remote_object, first = first_id(connection)
    want(connection, "gtm_stage", "MQL", PEOPLE)
    push_due(datetime.now(UTC))
    pull_to_the_end(connection)
    DesiredField.objects.update(desired="SQL", state="different")
    push_due(datetime.now(UTC))
    run = Run.objects.filter(kind="push").latest("started_at")
    assert undo_run(run) == PEOPLE
    assert push_due(datetime.now(UTC)) == PEOPLE
    row = standins.store.get(connection.kind, remote_object, first)
    assert row is not None
    assert row.fields[connector_class(connection.kind).own_field_name(_stage())] == "MQL"
    assert set(DesiredField.objects.values_list("hold", "hold_reason")) == {(True, UNDONE)}
    pull_to_the_end(connection)
    assert push_due(datetime.now(UTC)) == 0


def test_a_lost_answer_is_sent_again_after_the_lease(
    writing: tuple[Connection, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _ = writing

    class Killed(BaseException):
        pass

    def die(*args: Any) -> None:
        raise Killed

    want(connection, "gtm_stage", "MQL", 3)
    now = datetime.now(UTC)
    monkeypatch.setattr(sending, "store_results", die)
    with pytest.raises(Killed):
        push_due(now)
    monkeypatch.undo()
    assert push_due(now + timedelta(seconds=30)) == 0
    assert push_due(now + timedelta(seconds=120)) == 3


def _stage() -> Any:
    from records.own_fields import OWN_FIELD_BY_NAME

    return OWN_FIELD_BY_NAME["gtm_stage"]
