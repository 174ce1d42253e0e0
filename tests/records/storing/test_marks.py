"""The mark of a row: equal for the same row read the same way, different for everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from records.incoming import HistoryEntry, IncomingRecord
from records.storing.reading import MappedField, Reading
from tests.records.conftest import NOON

READING = Reading(
    "crm",
    "contacts",
    "person",
    (MappedField("email", "text", "email"), MappedField("stage", "picklist", "stage", has_history=True)),
)
ROW = IncomingRecord("contacts", "1", {"email": "kip@tarnbrook.example", "stage": None}, NOON)
ENTRY = HistoryEntry("stage", "lead", NOON, "h1")


@pytest.mark.parametrize(
    "same",
    [
        {"modified_at": NOON + timedelta(days=1)},
        {"raw": {"other": 1}},
        {"values": {"stage": None, "email": "kip@tarnbrook.example"}},
        {"values": {**ROW.values, "not mapped": "x"}},
    ],
)
def test_the_same_row(same: dict[str, Any]) -> None:
    assert READING.mark(replace(ROW, **same)) == READING.mark(ROW)


@pytest.mark.parametrize(
    "other",
    [
        {"values": {"email": "kip@tarnbrook.example"}},
        {"values": {"email": "kip@tarnbrook.example", "stage": ""}},
        {"values": {"email": "", "stage": None}},
        {"values": {"email": 1, "stage": None}},
        {"values": {"email": True, "stage": None}},
        {"values": {"email": NOON, "stage": None}},
        {"values": {}},
        {"is_deleted": True},
        {"merged_into": "2"},
        {"links": (("companies", "1"),)},
        {"history": (ENTRY,)},
    ],
)
def test_another_row(other: dict[str, Any]) -> None:
    row = replace(ROW, **other)
    assert READING.mark(row) != READING.mark(ROW)
    assert READING.mark(row) == READING.mark(replace(ROW, **other))


def test_the_order_of_links_and_history_says_nothing() -> None:
    links, history = (("a", "1"), ("b", "2")), (ENTRY, replace(ENTRY, key="h2"))
    one = replace(ROW, links=links, history=history)
    assert READING.mark(one) == READING.mark(replace(ROW, links=links[::-1], history=history[::-1]))


@pytest.mark.parametrize(
    "field",
    [
        MappedField("email", "text", "other"),
        MappedField("email", "picklist", "email"),
        MappedField("email", "text", "email", is_broken=True),
        MappedField("email", "text", "email", links_to=("salesforce:Lead",)),
        MappedField("email", "text", "email", value_map={"a": "b"}),
        MappedField("email", "text", "=kip", constant="kip"),
    ],
)
def test_a_row_that_is_read_otherwise_is_another(field: MappedField) -> None:
    reading = replace(READING, fields=(field, READING.fields[1]))
    assert reading.mark(ROW) != READING.mark(ROW)
