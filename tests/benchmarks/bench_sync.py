"""Storing what a CRM says, beside dlt, beside Django's upsert and beside COPY of lines that lie ready."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.benchmarks import crm_rows
from tests.benchmarks.database import start_database, transaction_now, written_since
from tests.benchmarks.loading import PAGE, Loader, crm_connection, incoming, pages, set_aside, start_loader
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

if TYPE_CHECKING:
    from records.incoming import IncomingRecord
    from records.models import Record, RecordPayload

RECORDS = 100_000
ROUNDS = 2
DELTAS = {1: 40, 100: 25, 1_000: 8}
"""Records, and how many times as fast as dlt."""
DELTA_ROUNDS = 10
PEOPLE = 1_000
DUE_GOAL_SECONDS = 0.025
NOW = crm_rows.FIRST + timedelta(days=60)
WHOLE = "mirror, events, links"
DJANGO = "bulk_create(update_conflicts)"
LINES = "COPY of prepared lines"


def compare() -> list[Result]:
    start_database()
    crm_connection()
    number = int(OPTIONS.get("records", RECORDS))
    with start_loader() as loader:
        loads, dlt = _loads(number, loader)
        rest = [*_hardly_changed(number, loader), *_deltas(number, loader)]
    return [*loads, *rest, *_upserts(number, dlt), _to_due_time()]


# --- everything is new, everything has changed --------------------------------------------------------------------


def _loads(number: int, loader: Loader) -> tuple[list[Result], dict[str, float]]:
    """And the seconds that dlt took for what is all new and all changed."""
    taken: dict[str, list[float]] = {}
    copied: list[float] = []
    first = incoming(crm_rows.rows(number))
    then = incoming(crm_rows.rows(number, changed=range(number), turn=1))
    for turn in range(ROUNDS):
        dataset = f"loads_{turn}"
        _note(taken, "first load, dlt", loader.load(dataset, number))
        for what, store in (("mirror", _merge_mirror), (WHOLE, _store)):
            _empty()
            with _timed(taken, f"first load, {what}"):
                store(first)
            _check_equal(dataset, number)
            if what == "mirror":
                copied.append(_copy_prepared_lines(_RECORDS, _PAYLOADS))
        _note(taken, "all changed, dlt", loader.load(dataset, number, changed=range(number), turn=1))
        for what, store in (("mirror", _merge_mirror), (WHOLE, _store)):
            _empty()
            _store(first)
            with _timed(taken, f"all changed, {what}"):
                store(then)
            _check_equal(dataset, number)
    best = {what: min(seconds) for what, seconds in taken.items()}
    results = [
        Result(f"{act} of {number:,}: {what}", best[f"{act}, {what}"], "dlt", best[f"{act}, dlt"], goal)
        for act, times in (("first load", 9), ("all changed", 7))
        for what, goal in (("mirror", times), (WHOLE, None))
    ]
    limits = [
        Result(f"first load of {number:,}: mirror", best["first load, mirror"], LINES, min(copied), 0.7),
        Result(f"first load of {number:,}: {LINES}", min(copied), "dlt", best["first load, dlt"]),
    ]
    return [*results, *limits], {"new": best["first load, dlt"], "changed": best["all changed, dlt"]}


def _copy_prepared_lines(*tables: str) -> float:
    """Seconds, into the same tables with the same indexes; what is there now is what is prepared."""
    from django.db import connection, transaction

    prepared = [io.BytesIO() for _ in tables]
    with connection.cursor() as cursor:
        for table, lines in zip(tables, prepared, strict=True):
            cursor.copy_expert(f"COPY {table} TO STDOUT", lines)
            lines.seek(0)
        _truncate(tables[0])
        began = time.perf_counter()
        with transaction.atomic():
            for table, lines in zip(tables, prepared, strict=True):
                cursor.copy_expert(f"COPY {table} FROM STDIN", lines)
    return time.perf_counter() - began


# --- everything is read, hardly anything has changed --------------------------------------------------------------


def _hardly_changed(number: int, loader: Loader) -> list[Result]:
    """One record in a hundred is news: the whole way of a page, and the mirror alone. Then the same rows once more."""
    taken: dict[str, list[float]] = {}
    news = range(0, number, 100)
    _empty()
    _store(incoming(crm_rows.rows(number)))
    loader.load("full_pulls", number)
    for turn in range(2, 2 * ROUNDS + 1, 2):
        before = incoming(crm_rows.rows(number, changed=news, turn=turn - 1))
        with _timed(taken, "mirror"):
            _merge_mirror(before)
        rows = incoming(crm_rows.rows(number, changed=news, turn=turn))
        _note(taken, "dlt", loader.load("full_pulls", number, changed=news, turn=turn))
        mark = transaction_now()
        with _timed(taken, WHOLE):
            _store(rows)
        _check_equal("full_pulls", number)
        for table, key in (("records_record", "id"), ("records_recordpayload", "record_id")):
            if (written := len(written_since(mark, table, key))) != len(news):
                raise WrongAnswerError(f"{len(news)} records changed, and {written} of {table} were written")
        with _timed(taken, "nothing changed"):
            _store(rows)
        _check_nothing_written(rows)
        objects = _as_models(rows)
        set_aside()
        with _timed(taken, DJANGO):
            _django_upsert(objects)
    best = {what: min(seconds) for what, seconds in taken.items()}
    return [
        *(
            Result(f"{number:,} read, 1% changed: {what}", best[what], peer, best[peer], goal)
            for what, goals in (("mirror", (50, 25)), (WHOLE, (None, None)))
            for peer, goal in zip(("dlt", DJANGO), goals, strict=True)
        ),
        Result(f"{number:,} read, none changed", best["nothing changed"], "dlt, 1% changed", best["dlt"]),
    ]


def _check_nothing_written(rows: Sequence[IncomingRecord]) -> None:
    """A transaction that wrote or locked a row, or anything into the WAL, has a number."""
    from django.db import connection, transaction

    from records.services import store_page

    with transaction.atomic(), connection.cursor() as cursor:
        for page in pages(rows):
            store_page(crm_connection(), page, now=NOW)
        cursor.execute("SELECT pg_current_xact_id_if_assigned()")
        if cursor.fetchone()[0] is not None:
            raise WrongAnswerError("rows that did not change were written or locked")


# --- what changed since the last pull -----------------------------------------------------------------------------


def _deltas(number: int, loader: Loader) -> list[Result]:
    """On what ``_hardly_changed`` left."""
    from records.models import Event

    results = []
    turn = 100
    for size, goal in DELTAS.items():
        taken: dict[str, list[float]] = {}
        for _ in range(DELTA_ROUNDS):
            turn += 1
            rows = incoming(crm_rows.row(n, turn) for n in range(size))
            _note(taken, "dlt", loader.load("full_pulls", positions=range(size), turn=turn))
            before = Event.objects.count()
            with _timed(taken, "ours"):
                _store(rows)
            if Event.objects.count() < before + size:
                raise WrongAnswerError(f"{size} records changed, and there are fewer events")
        # Once: to look at every record between two rounds would leave nothing of ours or of the peer's at hand.
        _check_equal("full_pulls", number)
        results.append(
            Result(f"delta of {size:,}: {WHOLE}", min(taken["ours"]), "dlt", min(taken["dlt"]), goal)
        )
    return results


def _to_due_time() -> Result:
    """One record of a thousand enters a stage: from what the CRM says to its due time and the fields written back."""
    from gtmops import pipeline
    from records.models import DesiredField
    from slas.models import Clock
    from tests.slas.builders import austin
    from tests.slas.conftest import House

    _empty()
    house = House()
    for n in range(PEOPLE):
        house.lead("Mon 09:00", str(n))
    while pipeline.process(austin("Mon 09:01")):
        pass
    taken: dict[str, list[float]] = {}
    for n in range(DELTA_ROUNDS):
        with _timed(taken, "one record to its due time"):
            record = house.lead(f"Mon 10:{n:02}", str(n), stage="mql")
            while pipeline.process(austin(f"Mon 10:{n:02}")):
                pass
        clock = Clock.objects.get(record=record, rule_key="touch")
        if clock.due_at is None or not DesiredField.objects.filter(record=record, field="gtm_due").exists():
            raise WrongAnswerError("a record entered a stage, and has no due time or nothing to write back")
    best = min(taken["one record to its due time"])
    return Result(
        "one changed record to its due time and desired fields", best, "the goal", DUE_GOAL_SECONDS, 1
    )


# --- the upsert for any model ---------------------------------------------------------------------------------------


def _upserts(number: int, dlt: Mapping[str, float]) -> list[Result]:
    """Each model alone, all new, then all changed: payloads (two columns, as dlt's table without further indexes) and
    records (twenty columns, with all their indexes)."""
    results = []
    for what, model, unique_fields, update_fields in _UPSERTED:
        taken: dict[str, list[float]] = {}
        _empty()
        _store(incoming(crm_rows.rows(number)))
        for _ in range(ROUNDS):
            for who in ("Django", "ours"):
                _truncate(model)
                for turn, news in ((1, "new"), (2, "changed")):
                    pairs = _as_models(incoming(crm_rows.rows(number, changed=range(number), turn=turn)))
                    objects = [pair[model == _PAYLOADS] for pair in pairs]
                    set_aside()
                    with _timed(taken, f"{who}, {what}, all {news}"):
                        for start in range(0, number, PAGE):
                            _upsert(who, objects[start : start + PAGE], unique_fields, update_fields)
                    _check_upserted(objects)
            _note(taken, f"COPY, {what}", _copy_prepared_lines(model))
        limit = f"upsert of {number:,} {what}, all new: {LINES}"
        copied, django = min(taken[f"COPY, {what}"]), min(taken[f"Django, {what}, all new"])
        results.append(Result(limit, copied, DJANGO, django))
        for news in ("new", "changed"):
            ours = min(taken[f"ours, {what}, all {news}"])
            told = f"upsert of {number:,} {what}, all {news}"
            results.append(Result(told, ours, DJANGO, min(taken[f"Django, {what}, all {news}"]), 4))
            if model == _PAYLOADS:
                results.append(Result(told, ours, "dlt", dlt[news], {"new": 9, "changed": 7}[news]))
    return results


_RECORDS = "records_record"
_PAYLOADS = "records_recordpayload"
_UPSERTED = (
    ("payloads", _PAYLOADS, ["record"], ["body"]),
    ("records", _RECORDS, ["id"], ["title", "values", "modified_at_remote", "fingerprint"]),
)


def _upsert(
    who: str, objects: Sequence[Record | RecordPayload], unique_fields: list[str], update_fields: list[str]
) -> None:
    from records.storing.copying import upsert

    if who == "ours":
        upsert(objects, unique_fields=unique_fields, update_fields=update_fields)
    else:
        type(objects[0])._default_manager.bulk_create(
            objects, update_conflicts=True, unique_fields=unique_fields, update_fields=update_fields
        )


def _check_upserted(objects: Sequence[Record | RecordPayload]) -> None:
    model = type(objects[0])
    name = "body" if hasattr(objects[0], "body") else "values"
    held = dict(model._default_manager.values_list("pk", name))
    if held != {row.pk: getattr(row, name) for row in objects}:
        raise WrongAnswerError(f"{model.__name__}: what was sent is not what is there")


def _as_models(rows: Sequence[IncomingRecord]) -> list[tuple[Record, RecordPayload]]:
    from records.ids import record_id
    from records.models import Record, RecordPayload
    from records.storing.held import load_reading

    crm = crm_connection()
    reading = load_reading(crm, "contacts")
    found = []
    for row in rows:
        pk, values = record_id(crm.name, "contacts", row.remote_id), reading.values(row)
        record = Record(
            pk=pk, connection=crm, object="person", remote_object="contacts", remote_id=row.remote_id, seen_at=NOW,
            title=reading.title(values), values=values, modified_at_remote=row.modified_at,
            fingerprint=reading.mark(row),
        )  # fmt: skip
        found.append((record, RecordPayload(record_id=pk, body=row.raw)))
    return found


def _django_upsert(objects: Sequence[tuple[Record, RecordPayload]]) -> None:
    from django.db import transaction

    from records.models import Record, RecordPayload

    for start in range(0, len(objects), PAGE):
        some = objects[start : start + PAGE]
        with transaction.atomic():
            Record.objects.bulk_create(
                [record for record, _ in some],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["title", "values", "modified_at_remote", "fingerprint"],
            )
            RecordPayload.objects.bulk_create(
                [payload for _, payload in some],
                update_conflicts=True,
                unique_fields=["record"],
                update_fields=["body"],
            )


# --- acts and checks ------------------------------------------------------------------------------------------------


@contextmanager
def _timed(taken: dict[str, list[float]], what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    _note(taken, what, time.perf_counter() - began)


def _note(taken: dict[str, list[float]], what: str, seconds: float) -> None:
    taken.setdefault(what, []).append(seconds)
    sys.stderr.write(f"  {what}: {seconds:.3f} s\n")


def _store(rows: Sequence[IncomingRecord]) -> None:
    """By the page, one commit each, as a pull does."""
    from django.db import transaction

    from records.services import store_page

    for page in pages(rows):
        with transaction.atomic():
            store_page(crm_connection(), page, now=NOW)


def _merge_mirror(rows: Sequence[IncomingRecord]) -> None:
    """Records and payloads alone, by what the whole way uses for them."""
    from django.db import transaction

    from records.ids import record_id
    from records.storing import writing
    from records.storing.events import Mirrored
    from records.storing.held import known_marks, load_reading

    crm = crm_connection()
    for page in pages(rows):
        with transaction.atomic():
            reading = load_reading(crm, "contacts")
            known = known_marks(crm, "contacts", [row.remote_id for row in page])
            new: list[tuple[Mirrored, datetime | None]] = []
            changed: list[Mirrored] = []
            bodies: dict[Any, Any] = {}
            for row in page:
                mark = reading.mark(row)
                if known.get(row.remote_id) == mark:
                    continue
                pk, values = record_id(crm.name, "contacts", row.remote_id), reading.values(row)
                record = Mirrored(
                    pk, row.remote_id, reading.title(values), values, None, None, row.modified_at, mark, None, None
                )  # fmt: skip
                bodies[pk] = row.raw
                if row.remote_id in known:
                    changed.append(record)
                else:
                    new.append((record, row.created_at))
            writing.insert_records(crm, reading, new, NOW)
            writing.insert_payloads([(record.id, bodies[record.id]) for record, _ in new])
            writing.update_records(changed)
            writing.update_payloads([(record.id, bodies[record.id]) for record in changed])


def _empty() -> None:
    _truncate(_RECORDS)


def _truncate(table: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


_EQUAL = """
SELECT count(*) FROM {dataset}.mirror d
JOIN records_record r ON r.connection_id = %s AND r.remote_object = 'contacts' AND r.remote_id = d.id
JOIN records_recordpayload p ON p.record_id = r.id
WHERE d.properties__fleet_size = r.values ->> 'fleet_size' AND d.properties__pain = r.values ->> 'pain'
    AND d.properties__lifecyclestage = r.values ->> 'lifecycle_stage'
    AND d.properties__custom_24 = p.body #>> '{{properties,custom_24}}' AND d.updated_at = r.modified_at_remote
"""


def _check_equal(dataset: str, number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_EQUAL.format(dataset=dataset), [crm_connection().pk])
        equal = cursor.fetchone()[0]
    if equal != number:
        raise WrongAnswerError(f"{equal} of {number} records are the same in our mirror and in dlt's")
