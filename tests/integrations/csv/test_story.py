"""Imports over time: bad lines, the same again, changed cells, logs, a kill, a cancel, cleaning up; no clock starts."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.csv import running
from integrations.csv.drafting import Draft
from integrations.csv.incoming import join
from integrations.csv.models import FileImport
from integrations.csv.reader import FileRecord
from integrations.csv.running import serve_imports
from integrations.csv.uploads import cancel, draft_from, start_run, take_upload
from integrations.models import Run
from records.models import Connection, Event, OwnerMatch, Record
from tests.integrations.csv.steps import NOW, check, run, serve

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LEADS = "id,email,source,created\n" + "".join(
    f"{n},p{n}@acme.example,web,2026-01-{n:02}\n" for n in range(1, 8)
)
LOG = (
    "case_id,activity,lifecycle,resource,timestamp\n"
    "7,Sent,SCHEDULE,,2026-01-01T09:00:00+01:00\n"
    "7,Sent,COMPLETE,11,2026-01-01T10:00:00+01:00\n"
    "8,Sent,COMPLETE,12,2026-01-01T10:00:00+01:00\n"
    "7,Won,COMPLETE,12,2026-01-03T10:00:00+01:00\n"
    "7,Checked,COMPLETE,11,2026-01-03T10:00:00+01:00\n"
    "8,,COMPLETE,11,2026-01-04T10:00:00+01:00\n"
)


def log_of_events() -> list[Any]:
    return list(Event.objects.order_by("pk").values_list("external_key", "occurred_at", "new"))


def test_the_same_file_again_changes_nothing_and_says_so_before() -> None:
    first = run("leads.csv", LEADS)
    assert (first.state, first.counts["new"], first.run.counts["created"]) == ("done", 7, 7)  # type: ignore[union-attr]
    before = log_of_events()
    again = run("leads.csv", LEADS, NOW + DAY)
    assert (again.counts["unchanged"], again.counts.get("new", 0), again.counts["events"]) == (7, 0, 0)
    assert again.run.counts["unchanged"] == 7  # type: ignore[union-attr]
    assert log_of_events() == before
    assert again.connection == first.connection


def test_a_cell_that_changes_under_the_same_dates_changed_when_it_was_seen_each_time() -> None:
    run("leads.csv", LEADS)
    for turn, source in enumerate(("event", "web", "event"), 1):
        changed = LEADS.replace("p3@acme.example,web", f"p3@acme.example,{source}")
        row = run("leads.csv", changed, NOW + turn * DAY)
        assert (row.counts["changed"], row.counts["unchanged"]) == (1, 6)
        assert Record.objects.get(remote_id="3").values["source"] == source
    told = Event.objects.filter(record__remote_id="3", kind="change", field="source").order_by("occurred_at")
    assert [(e.new, e.occurred_at) for e in told] == [
        ("event", NOW + DAY), ("web", NOW + 2 * DAY), ("event", NOW + 3 * DAY),
    ]  # fmt: skip


def test_a_log_becomes_one_record_per_id_with_its_events_in_the_order_of_the_file() -> None:
    row = run("log.csv", LOG)
    assert (row.counts["records"], row.counts["passed_over"], row.counts["refused"]) == (2, 1, 1)
    record = Record.objects.get(remote_id="7")
    told = Event.objects.filter(record=record, field="stage").order_by("occurred_at")
    # Won and Checked have one moment: the file says which came first.
    assert [e.new for e in told] == ["Sent", "Won", "Checked"]
    assert record.values["stage"] == "Checked"
    assert record.values["owner"] == "11"
    assert record.created_at_remote == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert set(OwnerMatch.objects.values_list("remote_id", flat=True)) == {"11", "12"}
    before = log_of_events()
    run("log.csv", LOG, NOW + DAY)
    assert log_of_events() == before


def test_rows_without_a_date_are_refused_or_hold_from_when_the_file_was_sent() -> None:
    text = "id,stage,engaged_date\nA,Engaged,2026-01-05\nB,New,\n"
    refused = check("deals.csv", text)
    assert (refused.counts["records"], refused.counts["refused"]) == (1, 1)
    assert b"B has no time" in gzip.decompress(bytes(refused.refused or b""))
    taken = run("deals.csv", text, takes_undated=True)
    assert taken.counts["refused"] == 0
    new = Record.objects.get(remote_id="B")
    assert (new.values["stage"], new.modified_at_remote) == ("New", NOW)
    before = log_of_events()
    again = run("deals.csv", text, NOW + DAY)
    assert again.counts["unchanged"] == 2
    assert log_of_events() == before


def test_what_has_not_happened_is_no_history() -> None:
    row = check("deals.csv", "id,name,created\nA,x,2026-01-01\nB,y,2031-01-01\n")
    assert (row.counts["records"], row.counts["refused"]) == (1, 1)


def test_a_file_of_which_nothing_can_be_taken_says_why() -> None:
    row = check("leads.csv", LEADS, is_log=False, zone="Europe/Berlin")
    assert row.error == ""
    columns = tuple(c for c in draft_from(row).columns)
    bad = LEADS.replace("2026-01-", "soon ")
    draft: Draft = draft_from(take_upload("leads.csv", LEADS.encode(), None, NOW))
    assert len(draft.columns) == len(columns)
    row = check("leads.csv", bad, columns=columns)
    assert row.error.startswith("Nothing in this file can be taken in. The first reason: leads.csv line 2")


@pytest.mark.parametrize("killed_at", [0, 1, 3])
def test_a_killed_import_goes_on_from_its_last_page(monkeypatch: pytest.MonkeyPatch, killed_at: int) -> None:
    import integrations.csv.importing as importing

    monkeypatch.setattr(importing.pages_of, "__defaults__", (2,))
    row = check("leads.csv", LEADS)
    assert start_run(row, NOW)
    pages, real = [0], running.store_records

    def store(*args: Any) -> Any:
        if pages[0] == killed_at:
            raise KeyboardInterrupt
        pages[0] += 1
        return real(*args)

    monkeypatch.setattr(running, "store_records", store)
    with pytest.raises(KeyboardInterrupt):
        serve_imports(NOW)
    assert FileImport.objects.get().pages_stored == killed_at
    assert serve_imports(NOW) == 0  # its lease is still held
    monkeypatch.setattr(running, "store_records", real)
    done = serve(row, datetime.now(UTC) + timedelta(hours=1))
    assert (done.state, done.pages_stored) == ("done", 4)
    told = Run.objects.get()
    assert (told.state, told.done, told.total, told.counts["created"]) == ("done", 7, 7, 7)
    assert Record.objects.count() == 7
    assert Event.objects.filter(kind="baseline").count() == 7


def test_a_fault_is_told_and_the_import_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    row = check("leads.csv", LEADS)
    assert start_run(row, NOW)
    monkeypatch.setattr(running, "store_records", lambda *args: 1 / 0)
    failed = serve(row)
    assert (failed.state, failed.error) == ("failed", "ZeroDivisionError: division by zero")
    assert failed.run is not None
    assert failed.run.state == "failed"
    monkeypatch.undo()
    assert start_run(failed, NOW)
    assert serve(failed).state == "done"
    assert Run.objects.get().state == "done"


def test_one_that_runs_can_be_stopped_and_what_is_in_stays() -> None:
    row = check("leads.csv", LEADS)
    assert start_run(row, NOW)
    cancel(row, NOW)
    stopped = serve(row)
    assert stopped.state == "cancelled"
    assert not start_run(stopped, NOW)


def test_old_files_go_and_what_their_columns_mean_stays() -> None:
    run("leads.csv", LEADS)
    draft = take_upload("other.csv", b"id,created\n1,2026-01-01\n", None, NOW)
    FileImport.objects.update(changed_at=NOW)
    later = NOW + timedelta(days=15)
    assert running.next_due(NOW) == NOW + timedelta(days=14)
    assert serve_imports(later) == 2
    assert not FileImport.objects.filter(pk=draft.pk).exists()
    kept = FileImport.objects.get()
    assert (kept.content, kept.refused, kept.preview) == (None, None, [])
    assert not any(c["samples"] for c in kept.columns)
    again = take_upload("leads of march.csv", LEADS.encode(), None, later)
    assert again.connection == kept.connection
    assert draft_from(again).columns == draft_from(kept).columns


def test_nothing_imported_is_live() -> None:
    row = run("deals.csv", "id,stage,won_date,created\nA,Won,2026-02-20,2026-01-01\n")
    assert row.connection is not None
    assert Connection.objects.get(pk=row.connection.pk).go_live_at is None


VALUES = st.sampled_from(["a", "b", "c"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    files=st.lists(
        st.tuples(st.none() | VALUES, st.dictionaries(st.integers(1, 5), VALUES, max_size=3)), min_size=1, max_size=4
    )
)  # fmt: skip
def test_what_was_said_is_never_taken_back_and_saying_it_twice_adds_nothing(
    files: list[tuple[str | None, dict[int, str]]],
) -> None:
    known, told = None, set()
    for turn, (current, dated) in enumerate(files):
        record = FileRecord("deals", "1", {"stage": current} if current else {})
        for day, value in dated.items():
            at = NOW - timedelta(days=day)
            record.history[f"stage:{value}@{at.isoformat()}"] = ("stage", value, at)
        record.modified_at = NOW - timedelta(days=9)
        joined = join(record, known, NOW + turn * DAY)
        keys = {h.key for h in joined.record.history}
        assert told <= keys
        if current and keys:
            assert joined.record.values["stage"] == current
        elif keys:
            assert joined.record.values["stage"] == joined.record.history[-1].new
        known, told = joined.record.raw, keys
        again = join(record, known, NOW + (turn + 1) * DAY)
        assert (again.change, again.events) == ("unchanged", 0)
        assert again.record.raw == known


def test_a_worker_leaves_long_files_to_the_ticker(monkeypatch: pytest.MonkeyPatch) -> None:
    row = check("leads.csv", LEADS)
    FileImport.objects.update(rows=running.ROWS_IN_A_TASK + 1)
    assert start_run(row, NOW)
    monkeypatch.setattr(running, "_is_in_a_task", lambda: True)
    assert serve_imports(NOW) == 0
    monkeypatch.undo()
    assert serve(row).state == "done"


def test_the_lease_is_kept_while_a_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    row = check("leads.csv", LEADS)
    assert start_run(row, NOW)
    monkeypatch.setattr(running, "BEAT_SECONDS", 0)
    monkeypatch.setattr("integrations.csv.reader.BEAT_ROWS", 1)
    seen: list[datetime] = []
    real = running.store_records

    def store(*args: Any) -> Any:
        seen.append(FileImport.objects.get().lease_until or NOW)
        return real(*args)

    monkeypatch.setattr(running, "store_records", store)
    assert serve(row).state == "done"
    assert seen[0] > NOW + timedelta(days=1)
