"""From bytes to rows: what kind of file it is, how its letters are written, what stands between its cells. Pure."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from integrations.csv.errors import NotATable

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "mac-roman": "Macintosh",
    "cp1251": "Cyrillic (Windows-1251)",
}
SEPARATORS = {",": "Comma ,", ";": "Semicolon ;", "\t": "Tab", "|": "Bar |"}
LOOKED_AT = 100  # rows that tell the separator
LONGEST_CELL = 131_072
_GZIP = b"\x1f\x8b"
_SEP_LINE = re.compile(r"\"?sep=([^\"\w\r\n])\"?\r?\n", re.IGNORECASE)
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "This is an Excel workbook (.xls)"),
    (b"%PDF", "This is a PDF"),
    (b"\x89PNG", "This is a picture"),
    (b"\xff\xd8\xff", "This is a picture"),
    (b"{\\rtf", "This is a Word document"),
    (b"7z\xbc\xaf", "This is a packed archive"),
    (b"Rar!", "This is a packed archive"),
    (b"SQLite format 3", "This is a database"),
)
SAVE_AS = ", whatever its name says. Open it and save it as “CSV UTF-8”, then choose that file."


@dataclass(frozen=True)
class Row:
    """``line`` is where the row begins. ``fault``: why it can't be read; then it has no cells."""

    line: int
    cells: Sequence[str]
    fault: str = ""


def unpack(data: bytes, most_bytes: int) -> bytes:
    """The file itself, of a gzipped one what is in it. Raises NotATable for one that is broken or longer."""
    if data.startswith(_GZIP):
        try:
            reader = zlib.decompressobj(wbits=31)
            data = reader.decompress(data, most_bytes + 1)
            if len(data) <= most_bytes and not reader.eof:
                raise NotATable("The file can't be read: it ends in the middle. Send it again.")
        except zlib.error as error:
            raise NotATable(f"The file can't be read: {error}") from error
    if len(data) > most_bytes:
        raise NotATable(
            f"The file is longer than {most_bytes // 1_000_000} MB. Split it, or ask your system administrator "
            "to allow more (GTMOPS_IMPORT_MAX_BYTES)."
        )
    return data


def detect_encoding(data: bytes) -> str:
    """One of ENCODINGS. Raises NotATable for what is no text."""
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise NotATable("The file is empty.", 1)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    _refuse_other_formats(data)
    if b"\0" in data:
        raise NotATable(f"This is not a text{SAVE_AS}")
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _refuse_other_formats(data: bytes) -> None:
    for start, what in _KINDS:
        if data.startswith(start):
            raise NotATable(what + SAVE_AS)
    if data.startswith(b"PK\x03\x04"):
        is_sheet = b"xl/" in data[:4000] or b"[Content_Types].xml" in data[:4000]
        if is_sheet or b"mimetypeapplication/vnd.oasis" in data[:200]:
            raise NotATable(f"This is a spreadsheet (.xlsx or .ods){SAVE_AS}")
        raise NotATable("This is a zip archive. Unpack it, then choose the file that was in it.")
    start = data.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        raise NotATable(f"This is a web page or XML{SAVE_AS}")
    if start.startswith((b"{", b"[{")):
        raise NotATable("This is JSON, not CSV. Export it as CSV.")


def decode(data: bytes, encoding: str) -> str:
    """The text without a byte-order mark. Raises NotATable with the line, LookupError for no such encoding."""
    is_utf8 = encoding.lower().replace("-", "").replace("_", "") in {"utf8", "utf8sig"}
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, is_utf8 = "utf-16", False
    try:
        return data.decode("utf-8-sig" if is_utf8 else encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise NotATable(
            f"the file is not {encoding}; set encoding, for example cp1252, in the mapping", line
        ) from error


def detect_separator(text: str) -> str:
    """The one by which most rows have as many cells as the header; the commonest in the header where that ties."""
    if told := _SEP_LINE.match(text):
        return told[1]
    header = text.partition("\n")[0]
    return max(SEPARATORS, key=lambda s: (_agreement(text, s), header.count(s)))


def _agreement(text: str, separator: str) -> tuple[float, int]:
    widths: list[int] = []
    for row in rows_of(text, separator):
        if row.fault or row.cells:
            widths.append(0 if row.fault else len(row.cells))
        if len(widths) > LOOKED_AT:
            break
    if not widths or widths[0] < 2:
        return (0.0, 0)
    share = Counter(widths)[widths[0]] / len(widths)
    return (round(share, 1), widths[0])


def rows_of(text: str, separator: str) -> Iterator[Row]:
    """Every row with the line it begins on, empty ones too; one that can't be read ends with its own line."""
    lines = list(io.StringIO(text, newline=""))
    at = 1 if _SEP_LINE.match(text) else 0
    while at < len(lines):
        reader = csv.reader(iter(lines[at:]) if at else iter(lines), delimiter=separator, strict=True)
        begin = at
        while True:
            row_begin = begin + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(row_begin + 1, (), f"not readable as CSV: {error}")
                at = row_begin + 1
                break
            yield Row(row_begin + 1, cells)


def headings(cells: Sequence[str]) -> list[str]:
    """Names of the columns, each once: a second ``Name`` is ``Name (2)``, one without a name ``Column 3``."""
    found: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = cell.strip() or f"Column {number}"
        count, unique = 1, name
        while unique in found:
            count += 1
            unique = f"{name} ({count})"
        found.append(unique)
    return found
