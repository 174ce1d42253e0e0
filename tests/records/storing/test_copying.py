"""Many rows at once: the same as Django writes them, by COPY and in the statement, whatever their text."""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.incoming import IncomingRecord
from records.models import Connection, Record, RecordPayload
from records.services import store_page
from records.storing import copying
from records.storing.copying import Made, Upserted, json_cell, replace, stage, update, upsert
from tests.records.conftest import NOON

HOSTILE = [
    "\\N",
    "\\",
    "\t",
    "\r\n",
    '"',
    "{}",
    "NULL",
    "a\\tb",
    "\u00eb\u4e2d\U0001f600",
    "",
    "'",
    "%s",
    "\\.",
]
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
)


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(texts, st.one_of(st.none(), texts)), min_size=1, max_size=5))
def test_every_text_arrives_as_it_was(few: int, rows: list[tuple[str, str | None]], db: None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "FEW", few)
        cells = [
            (str(n), title, None if body is None else json_cell(body)) for n, (title, body) in enumerate(rows)
        ]
        with stage(Record, ("remote_id", "title", "values"), cells) as staged, connection.cursor() as cursor:
            cursor.execute(
                f"SELECT title, values #>> '{{}}' FROM {staged._source} s ORDER BY remote_id", staged._params
            )
            assert cursor.fetchall() == rows


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": "x\x00y"}, {"a": "xy"}),
        ({"a": "literally \\u0000"}, {"a": "literally \\u0000"}),
        ({"a": "ends with \\\x00"}, {"a": "ends with \\"}),
        ({"a": "half \ud83d of one"}, {"a": "half ? of one"}),
        ({"a": float("nan"), "b": [float("inf")], "c": "NaN"}, {"a": None, "b": [None], "c": "NaN"}),
    ],
)
@pytest.mark.parametrize("few", [0, 1000])
def test_what_postgresql_would_refuse_never_holds_up_a_page(
    few: int, value: Any, kept: Any, hubspot: Connection, contact: Callable[..., IncomingRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from dataclasses import replace

    monkeypatch.setattr(copying, "FEW", few)
    store_page(hubspot, [replace(contact(), raw=value)], now=NOON)
    assert RecordPayload.objects.get().body == kept


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        {"a": 2**70, "b": -(2**63), "c": 0.1, "d": 1e300, "e": True},
        {1: "a key that is no text", None: 2},
        {"a": Decimal("12.50"), "b": NOON, "c": uuid.UUID(int=7), "d": (1, 2)},
        OrderedDict(attributes={"type": "Lead"}, Name=Text("Tarnbrook")),
        ["\u00eb\u4e2d\U0001f600", "\u2028", "\x7f", '"', "\\", ""],
    ],
    ids=["numbers", "keys", "what JSON has no word for", "subclasses", "texts"],
)
def test_json_says_what_the_standard_library_says(value: Any) -> None:
    assert json.loads(json_cell(value)) == json.loads(json.dumps(value, default=str))


def records(connection: Connection, titles: dict[int, str]) -> list[Record]:
    return [
        Record(
            id=uuid.UUID(int=n), connection=connection, object="person", remote_object="contacts", remote_id=str(n),
            title=title, values={"n": n, "at": None}, seen_at=NOON,
        )
        for n, title in titles.items()
    ]  # fmt: skip


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
def test_upsert_leaves_what_django_leaves_and_writes_what_differs(
    few: int, hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    fields = ["title", "values"]
    first = {1: "one", 2: "two"}
    then = {1: "one", 2: "deux", 3: "trois"}
    upsert(records(hubspot, first), unique_fields=["id"], update_fields=fields)
    done = upsert(records(hubspot, then), unique_fields=["id"], update_fields=fields)
    assert done == Upserted(created=1, changed=1)
    ours = list(Record.objects.order_by("pk").values())
    Record.objects.all().delete()
    for titles in (first, then):
        Record.objects.bulk_create(
            records(hubspot, titles), update_conflicts=True, unique_fields=["id"], update_fields=fields
        )
    assert list(Record.objects.order_by("pk").values()) == ours


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
def test_where_all_are_there_only_what_differs_is_written(
    few: int, hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    upsert(records(hubspot, {1: "one", 2: "two"}), unique_fields=["id"], update_fields=["title"])
    again = records(hubspot, {1: "one", 2: "deux"})
    assert upsert(again, unique_fields=["id"], update_fields=["title"]) == Upserted(created=0, changed=1)
    assert list(Record.objects.order_by("pk").values_list("title", flat=True)) == ["one", "deux"]


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
def test_update_leaves_what_django_leaves_and_passes_over_who_is_gone(
    few: int, hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    fields = ["title", "values", "modified_at_remote", "owner"]
    changed = records(hubspot, {1: "tab\t and \\N", 2: ""})
    changed[0].modified_at_remote = NOON
    left = []
    for write in (update, Record.objects.bulk_update):
        Record.objects.bulk_create(records(hubspot, {1: "one", 3: "stays"}))
        write(changed, fields)
        left.append(list(Record.objects.order_by("pk").values()))
        Record.objects.all().delete()
    assert left[0] == left[1]
    assert [row["title"] for row in left[0]] == ["tab\t and \\N", "stays"]


def test_upsert_of_nothing_is_nothing(db: None) -> None:
    assert upsert([], unique_fields=["id"], update_fields=["title"]) == Upserted()


def test_a_text_too_long_for_its_column_is_refused_and_never_cut(hubspot: Connection) -> None:
    from django.db import DataError

    with pytest.raises(DataError):
        upsert(records(hubspot, {1: "x" * 301}), unique_fields=["id"], update_fields=["title"])


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
def test_a_row_that_can_not_be_made_says_so_itself_and_nothing_is_written(
    few: int, hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    monkeypatch.setattr(copying, "SENT_AT_ONCE", 2)
    upsert(records(hubspot, dict.fromkeys(range(5), "held")), unique_fields=["id"], update_fields=["title"])

    def cells(n: int) -> tuple[str, str]:
        return str(uuid.UUID(int=n)), json_cell({"share": 1 / (3 - n)})

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        copying.insert_new(RecordPayload, ("record", "body"), Made(range(5), cells), returning="record")
    assert not RecordPayload.objects.exists()


@pytest.mark.parametrize("few", [0, 1000], ids=["by COPY", "in the statement"])
def test_rows_take_the_place_of_those_of_their_key_or_are_new(
    few: int, hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    upsert(records(hubspot, dict.fromkeys(range(3), "held")), unique_fields=["id"], update_fields=["title"])

    def put(bodies: dict[int, str]) -> None:
        rows = [(str(uuid.UUID(int=n)), json_cell(body)) for n, body in bodies.items()]
        replace(RecordPayload, ("record", "body"), rows, key="record", of=[pk for pk, _ in rows])

    put({0: "old", 1: "stays"})
    put({0: "new", 2: "first"})
    held = {pk.int: body for pk, body in RecordPayload.objects.values_list("pk", "body")}
    assert held == {0: "new", 1: "stays", 2: "first"}
