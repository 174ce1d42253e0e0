"""What stands in one cell: a moment, a number, yes or no. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

_SYMBOLS = re.compile(r"[\s\u00a0\u202f$€£¥]")
_PLAIN = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_GROUPED = {
    ".": re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?"),
    ",": re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"),
}
BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "y", "1", "x", "ja", "oui", "si", "sí", "sim", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "nein", "non", "não", "off"), False),
}


@dataclass(frozen=True)
class WayOfDates:
    """A way people write dates. ``formats`` as in strptime; ``iso``, ``epoch`` and ``epoch_ms`` are ours."""

    key: str
    label: str
    formats: tuple[str, ...]


def _with_times(*days: str) -> tuple[str, ...]:
    return tuple(f"{day}{time}" for day in days for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p"))


WAYS = (
    WayOfDates("iso", "2026-01-31, with or without a time", ("iso",)),
    WayOfDates("d/m/y", "31/01/2026, day first", _with_times("%d/%m/%Y", "%d/%m/%y")),
    WayOfDates("m/d/y", "01/31/2026, month first", _with_times("%m/%d/%Y", "%m/%d/%y")),
    WayOfDates("d.m.y", "31.01.2026", _with_times("%d.%m.%Y", "%d.%m.%y")),
    WayOfDates("d-m-y", "31-01-2026, day first", _with_times("%d-%m-%Y", "%d-%m-%y")),
    WayOfDates("m-d-y", "01-31-2026, month first", _with_times("%m-%d-%Y", "%m-%d-%y")),
    WayOfDates("y/m/d", "2026/01/31", _with_times("%Y/%m/%d")),
    WayOfDates("d b y", "31 Jan 2026", _with_times("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y")),
    WayOfDates("b d y", "Jan 31, 2026", _with_times("%b %d, %Y", "%B %d, %Y")),
    WayOfDates("epoch", "1769860800, seconds since 1970", ("epoch",)),
    WayOfDates("epoch_ms", "1769860800000, milliseconds since 1970", ("epoch_ms",)),
)
WAY_BY_KEY = {way.key: way for way in WAYS}
_LABELS = {way.formats: way.label for way in WAYS}


@dataclass(frozen=True)
class Moment:
    """A column with dates or times; ``formats`` as in strptime, tried in turn; without an offset in ``zone``."""

    column: str
    formats: tuple[str, ...]
    zone: tzinfo

    def read(self, text: str) -> datetime:
        """Raises ValueError."""
        for form in self.formats:
            found = read_moment(text, form)
            if found is not None:
                return (found if found.tzinfo else found.replace(tzinfo=self.zone)).astimezone(UTC)
        raise ValueError(
            f"{text[:40]!r} is not a time like {_LABELS.get(self.formats) or ' or '.join(self.formats)}"
        )


def read_moment(text: str, form: str) -> datetime | None:
    """None where the text is not written so; without a time zone where the text has none."""
    try:
        if form == "iso":
            return datetime.fromisoformat(text)
        if form in {"epoch", "epoch_ms"}:
            number = float(text) if _PLAIN.fullmatch(text) else None
            seconds = number / (1000 if form == "epoch_ms" else 1) if number is not None else None
            return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
        return datetime.strptime(text, form)  # noqa: DTZ007 - the caller adds the zone
    except (ValueError, OverflowError, OSError):
        return None


def read_number(text: str, decimal: str) -> str:
    """The number as JSON writes it; ``decimal``: '.' or ',' with thousands between, '' takes it as it stands.

    Raises ValueError."""
    if not decimal:
        return text
    bare = _SYMBOLS.sub("", text)
    if not _GROUPED[decimal].fullmatch(bare):
        if decimal == "." and _PLAIN.fullmatch(bare):
            return bare
        example = "1,234.50" if decimal == "." else "1.234,50"
        raise ValueError(f"{text[:40]!r} is not a number written like {example}")
    return bare.replace("," if decimal == "." else ".", "").replace(decimal, ".")


def read_boolean(text: str) -> str:
    """``true`` or ``false`` for the usual words; anything else as it stands."""
    found = BOOLEANS.get(text.strip().lower())
    return text if found is None else str(found).lower()
