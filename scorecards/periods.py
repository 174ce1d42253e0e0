"""Stretches of days that numbers are about (pure). Days are UTC, as roll-ups are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

CHOICES: Mapping[str, tuple[str, int]] = {
    "4w": ("Last 4 weeks", 28),
    "90d": ("Last 90 days", 90),
    "12m": ("Last 12 months", 365),
}
LONGEST_DAYS = 3660


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both included. ``choice`` is a key of CHOICES or ''."""

    first: date
    last: date
    choice: str = ""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def begin(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The instant after the last day."""
        return datetime(self.last.year, self.last.month, self.last.day, tzinfo=UTC) + timedelta(days=1)

    @property
    def before(self) -> Period:
        """As many days, just before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def words(self) -> str:
        """ "last 90 days", or "1 Sep to 12 Nov 2026"."""
        if self.choice:
            label = CHOICES[self.choice][0]
            return label[0].lower() + label[1:]
        year = f" {self.first.year}" if self.first.year != self.last.year else ""
        return f"{self.first.day} {self.first:%b}{year} to {self.last.day} {self.last:%b %Y}"

    @property
    def query(self) -> dict[str, str]:
        """The days themselves, for links that must mean the same tomorrow."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}

    def weeks(self) -> list[Period]:
        """Whole weeks up to the last day; the oldest may be shorter."""
        found = []
        last = self.last
        while last >= self.first:
            first = max(self.first, last - timedelta(days=6))
            found.append(Period(first, last))
            last = first - timedelta(days=1)
        return found[::-1]


def last_days(choice: str, today: date) -> Period:
    """A choice of CHOICES, ending today."""
    return Period(today - timedelta(days=CHOICES[choice][1] - 1), today, choice)


def read_day(text: str | None) -> date | None:
    """A day as ``YYYY-MM-DD``; None for anything else, years nobody means included."""
    try:
        found = date.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2200 else None


def read_period(query: Mapping[str, str], today: date, *, default: str = "90d") -> Period:
    """``period=4w`` or ``from`` and ``to``; what can't be read is the default."""
    first, last = read_day(query.get("from")), read_day(query.get("to"))
    if first and last and first <= last and (last - first).days < LONGEST_DAYS:
        return Period(first, last)
    choice = query.get("period", default)
    return last_days(choice if choice in CHOICES else default, today)
