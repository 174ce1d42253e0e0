"""What stands in each column of a file: how full it is, what its values look like. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from integrations.csv.cells import BOOLEANS, WAYS, WayOfDates, read_moment, read_number

LOOKED_AT = 2000  # values of a column that tell its type
FIRST = 20  # of them, that tell which ways of writing dates are worth trying
MOST_OPTIONS = 40  # different values of what may still be a choice
SAMPLES = 5
MOST = 0.9  # so much must fit: a file with bad lines is guessed as well as one without
_LEADING_ZERO = re.compile(r"-?0\d")
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_LONG = 40


@dataclass(frozen=True)
class Column:
    """``kind`` is a type of the catalogue; ``ways`` are the ways of writing dates that fit, the best first; ``decimal``
    as in a mapping. ``options``: all values with how often they stand there, commonest first, when they are few."""

    name: str
    filled: int = 0
    repeats: int = 0  # times that a value stood there before
    samples: tuple[str, ...] = ()
    kind: str = "text"
    ways: tuple[str, ...] = ()
    decimal: str = ""
    options: tuple[tuple[str, int], ...] = ()

    @property
    def is_unique(self) -> bool:
        return self.filled > 0 and self.repeats == 0

    @property
    def is_nearly_unique(self) -> bool:
        """A slip or two aside; an id that stands twice by mistake is still the id."""
        return self.filled > 0 and self.repeats <= max(1, self.filled // 100)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data | {
            "samples": tuple(data["samples"]), "ways": tuple(data["ways"]),
            "options": tuple((str(value), int(count)) for value, count in data["options"]),
        })  # fmt: skip

    @property
    def is_ambiguous(self) -> bool:
        """Every date in it can be read with the day first and with the month first."""
        return len(self.ways) > 1 and sorted(self.ways[0]) == sorted(self.ways[1])


@dataclass
class _Count:
    filled: int = 0
    repeats: int = 0
    seen: set[str] | None = field(default_factory=set)
    options: Counter[str] | None = field(default_factory=Counter)
    values: list[str] = field(default_factory=list)
    samples: dict[str, None] = field(default_factory=dict)

    def add(self, value: str) -> None:
        self.filled += 1
        if self.seen is not None:
            self.repeats += value in self.seen
            self.seen.add(value)
            # Enough to know that it tells no rows apart.
            if self.repeats > MOST_OPTIONS and self.repeats > self.filled // 50:
                self.seen = None
        if self.options is not None:
            self.options[value] += 1
            if len(self.options) > MOST_OPTIONS:
                self.options = None
        if len(self.values) < LOOKED_AT:
            self.values.append(value)
        if len(self.samples) < SAMPLES:
            self.samples[value[:120]] = None


def profile(header: Sequence[str], rows: Iterable[Sequence[str]]) -> tuple[list[Column], int]:
    """(the columns, rows that were counted); rows of another width are passed over."""
    counts = [_Count() for _ in header]
    total = 0
    for row in rows:
        if len(row) != len(header):
            continue
        total += 1
        for count, cell in zip(counts, row, strict=True):
            if value := cell.strip():
                count.add(value)
    return [_column(name, count) for name, count in zip(header, counts, strict=True)], total


def _column(name: str, count: _Count) -> Column:
    kind, ways, decimal = _kind(count)
    return Column(
        name=name,
        filled=count.filled,
        repeats=count.repeats,
        samples=tuple(count.samples),
        kind=kind,
        ways=ways,
        decimal=decimal,
        options=tuple(count.options.most_common()) if count.options is not None else (),
    )


def _kind(count: _Count) -> tuple[str, tuple[str, ...], str]:
    """(type, ways of dates, decimal)."""
    values = count.values
    if not values:
        return "text", (), ""
    if len(set(values)) <= 2 and all(v.lower() in BOOLEANS for v in values):
        return "boolean", (), ""
    if ways := ways_of(values):
        return ("datetime" if any(":" in v or "epoch" in ways[0] for v in values) else "date"), ways, ""
    if not any(_LEADING_ZERO.match(v) for v in values):
        shares = {
            decimal: _share(values, lambda v, d=decimal: _is_number(v, d)) for decimal in ("", ".", ",")
        }
        best = max(shares, key=lambda decimal: shares[decimal])
        if _is_most(shares[best], len(values)):
            return "number", (), best
    if (
        count.options is not None
        and len(count.options) * 3 <= count.filled
        and max(map(len, count.options)) <= 80
    ):
        return "picklist", (), ""
    if _share(values, lambda v: ";" in v and max(map(len, v.split(";"))) <= _LONG) > 0.3:
        return "multi_picklist", (), ""
    return "text", (), ""


def ways_of(values: Sequence[str]) -> tuple[str, ...]:
    """The ways of writing dates that fit nearly all of the values, the best first."""
    likely = [way for way in WAYS if _share(values[:FIRST], lambda v, w=way: _fits(w, v)) >= 0.5]
    shares = [(_share(values, lambda v, w=way: _fits(w, v)), way.key) for way in likely]
    found = [(share, key) for share, key in shares if _is_most(share, len(values))]
    best = max((share for share, _ in found), default=0.0)
    return tuple(key for share, key in found if share == best)


def _fits(way: WayOfDates, value: str) -> bool:
    if way.key == "iso" and not re.match(r"\d{4}-\d\d-\d\d", value):
        return False
    # Any number is some second since 1970: only lengths that mean our times are taken for one.
    if way.key.startswith("epoch") and len(value) != (13 if way.key == "epoch_ms" else 10):
        return False
    if not value[-1:].isalnum() or not any(c.isdigit() for c in value):
        return False
    return any(read_moment(value, form) is not None for form in way.formats)


def _is_number(value: str, decimal: str) -> bool:
    if not decimal:
        return bool(_PLAIN.fullmatch(value))
    try:
        read_number(value, decimal)
    except ValueError:
        return False
    return True


def _is_most(share: float, count: int) -> bool:
    """In a short column one value may be a slip."""
    return share >= MOST or (share * count >= 2 and share * count >= count - 1.01)


def _share(values: Sequence[str], fits: Any) -> float:
    return sum(1 for v in values if fits(v)) / len(values)
