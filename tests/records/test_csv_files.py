from __future__ import annotations

import csv
from typing import Any

import pytest
from django.db import connection

from records.csv_files import csv_lines, csv_streamed, safe_cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Kestrel Haulage", "Kestrel Haulage"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+49 30 1", "'+49 30 1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("a=b", "a=b"),
        (-3, "-3"),
        (2.5, "2.5"),
        (True, "true"),
        (None, ""),
        (["=a", "b"], "'=a; b"),
    ],
)
def test_no_spreadsheet_takes_a_cell_for_a_formula(value: Any, text: str) -> None:
    assert safe_cell(value) == text


def test_lines_come_one_by_one_and_read_back() -> None:
    taken = []

    def rows() -> Any:
        for i in range(3):
            taken.append(i)
            yield [f'say "{i}", twice\nor more', i]

    lines = csv_lines(["Text", "Number"], rows())
    assert (next(lines), taken) == ("\ufeffText,Number\r\n", [])
    assert next(lines)
    assert taken == [0]
    read = list(csv.reader("".join(lines).splitlines(keepends=True)))
    assert read == [['say "1", twice\nor more', "1"], ['say "2", twice\nor more', "2"]]


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_in_one_transaction_that_ends_with_them() -> None:
    """Outside one PostgreSQL finds the last row before it hands out the first."""
    answer = csv_streamed("people", ["Together"], ([connection.in_atomic_block] for _ in range(2)))
    assert answer.getvalue().decode("utf-8-sig").split() == ["Together", "true", "true"]
    assert not connection.in_atomic_block
    assert answer["Content-Disposition"] == 'attachment; filename="people.csv"'
