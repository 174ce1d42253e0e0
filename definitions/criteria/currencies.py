"""Comparing money of one currency with an amount in another, by exact multiplication."""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

from definitions.criteria.values import exact

CODE = re.compile("[A-Z]{3}")
# Wide enough that no product of two readable numbers is rounded.
_EXACT = Context(prec=2_000)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Currency:
    """`rates`: from which UTC date on, what one unit is worth in the base currency; oldest first."""

    code: str
    rates: tuple[tuple[date, Decimal], ...] = ()
    is_base: bool = False

    def rate_on(self, day: date) -> Decimal | None:
        """What one unit is worth in the base currency on a day; None before the first rate."""
        if self.is_base:
            return ONE
        place = bisect_right([since for since, _ in self.rates], day)
        return self.rates[place - 1][1] if place else None

    def next_rate(self, day: date) -> date | None:
        """The first day after `day` on which another rate begins."""
        return None if self.is_base else next((since for since, _ in self.rates if since > day), None)


@dataclass(frozen=True, slots=True)
class Conversion:
    """The currency of a condition's numbers, with all that are known."""

    code: str
    known: tuple[Currency, ...] = ()

    def currency(self, code: str) -> Currency | None:
        return next((one for one in self.known if one.code == code), None)

    def factors(self, code: str, now: datetime) -> tuple[Decimal, Decimal] | None:
        """What to multiply the record's amount and the condition's numbers with before comparing them.

        None when it can't be told: a currency nobody knows, or no rate yet.
        """
        if code == self.code:
            return ONE, ONE
        theirs, ours = self.currency(code), self.currency(self.code)
        if theirs is None or ours is None:
            return None
        day = now.astimezone(UTC).date()
        first, second = theirs.rate_on(day), ours.rate_on(day)
        return None if first is None or second is None else (first, second)

    def next_change(self, code: str, now: datetime) -> datetime | None:
        """When another rate begins for a record in the currency `code`; None if never."""
        theirs, ours = self.currency(code), self.currency(self.code)
        if code == self.code or theirs is None or ours is None:
            return None
        day = now.astimezone(UTC).date()
        ahead = [since for one in (theirs, ours) if (since := one.next_rate(day)) is not None]
        return datetime.combine(min(ahead), datetime.min.time(), UTC) if ahead else None


def times(number: Decimal | int, factor: Decimal) -> Decimal:
    """The exact product."""
    return _EXACT.multiply(Decimal(number), factor)


def read_currencies(spec: Mapping[str, Mapping[str, Any]]) -> tuple[Currency, ...]:
    """Build from {"EUR": {"is_base": true}, "USD": {"rates": {"2026-01-01": 0.92}}}.

    Raises ValueError for anything else: at most one base, codes of three capitals, rates above zero.
    """
    found = tuple(_read_currency(code, told) for code, told in sorted(spec.items()))
    if sum(one.is_base for one in found) > 1:
        raise ValueError("only one currency is the base")
    return found


def _read_currency(code: str, told: Mapping[str, Any]) -> Currency:
    if not CODE.fullmatch(code):
        raise ValueError(f"a currency is three capital letters, not {code!r}")
    rates = told.get("rates") or {}
    if not isinstance(rates, Mapping):
        raise ValueError(f"{code}: rates map a date to a number")
    return Currency(code, tuple(sorted(_read_rates(code, rates.items()))), told.get("is_base") is True)


def _read_rates(code: str, rates: Iterable[tuple[Any, Any]]) -> list[tuple[date, Decimal]]:
    found = []
    for since, told in rates:
        rate = exact(told)
        if rate is None or rate <= 0:
            raise ValueError(f"{code}: a rate is a number above zero, not {told!r}")
        day = since if isinstance(since, date) else date.fromisoformat(str(since))
        found.append((day, Decimal(rate)))
    return found
