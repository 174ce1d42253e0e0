"""From bytes to rows: letters, separators, quotes, and what is no table at all."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.csv.detecting import decode, detect_encoding, detect_separator, headings, rows_of, unpack
from integrations.csv.errors import NotATable


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"name\nAnna", "utf-8"),
        ("name\nJosé".encode(), "utf-8"),
        ("\ufeffname\nJosé".encode(), "utf-8"),
        ("name\nJosé".encode("cp1252"), "cp1252"),
        ("name\nJosé".encode("utf-16"), "utf-16"),
    ],
)
def test_letters_are_told_from_the_bytes(data: bytes, encoding: str) -> None:
    assert detect_encoding(data) == encoding
    assert decode(data, encoding).splitlines()[0] == "name"


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2;3\n", ";"),
        ("a\tb\n1,000\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"Last, first";amount\n"Opsen, Ola";"1,5"\n', ";"),
        ("sep=;\na;b\n1;2\n", ";"),
        ("only\n1\n", ","),
        ("a,b\nx;y,1\nz;w,2\n", ","),
    ],
)
def test_the_separator_is_told_from_how_well_the_rows_agree(text: str, separator: str) -> None:
    assert detect_separator(text) == separator


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "xls"),
        (b"PK\x03\x04 mimetypeapplication/vnd.oasis", "ods"),
        (b"PK\x03\x04 notes.txt", "zip archive"),
        (b"%PDF-1.7", "PDF"),
        (b'{"a": 1}', "JSON"),
        (b"a,b\n\x00\x01", "not a text"),
    ],
)
def test_what_is_no_table_says_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(NotATable, match=words):
        detect_encoding(data)


def test_a_packed_file_is_never_unpacked_beyond_the_limit() -> None:
    assert unpack(gzip.compress(b"a,b\n"), 100) == b"a,b\n"
    with pytest.raises(NotATable, match="longer than"):
        unpack(gzip.compress(b"\0" * 10_000_000), 1_000_000)
    with pytest.raises(NotATable, match="ends in the middle"):
        unpack(gzip.compress(b"a,b\n" * 500)[:-12], 100_000)
    with pytest.raises(NotATable, match="can't be read"):
        unpack(b"\x1f\x8bno", 100)


def test_a_line_that_cannot_be_read_costs_only_itself() -> None:
    text = 'a,b\n1,"x\ny"\n"bad"z,2\n3,4\n"never closed,5\n6,7\n'
    rows = list(rows_of(text, ","))
    assert [(r.line, list(r.cells), bool(r.fault)) for r in rows] == [
        (1, ["a", "b"], False),
        (2, ["1", "x\ny"], False),
        (4, [], True),
        (5, ["3", "4"], False),
        (6, [], True),
        (7, ["6", "7"], False),
    ]


def test_columns_are_told_apart_even_when_their_names_are_not() -> None:
    assert headings(["Name", "", "Name", " Name "]) == ["Name", "Column 2", "Name (2)", "Name (3)"]


CELLS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_of_csv_writes_is_read_as_it_was(
    rows: list[list[str]], separator: str, end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    read = list(rows_of(text.getvalue(), separator))
    assert [list(r.cells) for r in read] == rows
    assert not any(r.fault for r in read)
