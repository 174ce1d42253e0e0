"""The model's currencies: what one unit of each is worth in the base currency, from which day on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from definitions.criteria import Catalogue
from definitions.criteria.currencies import CODE
from definitions.criteria.values import exact
from definitions.files.reading import Reader
from definitions.models import Version
from definitions.sections import Body, Context, Fault, Section
from records.models import Record

CURRENCIES = "currencies"


def currency_faults(key: str, body: Body, context: Context) -> list[Fault]:
    """What forbids a currency: its key is its code; it is the base, or has rates."""
    read = Reader(body)
    read.text("name", most=120)
    read.one_of("owner", context.teams, "team")
    read.some_of("agreed_by", context.teams, "team", required=False)
    if not CODE.fullmatch(key):
        read.fault("key", f"a currency is known by its code of three capital letters, not “{key}”")
    is_base = read.flag("is_base")
    rates = read.get("rates", required=not is_base)
    if is_base and rates:
        read.fault("unexpected", "the base currency has no rates; every other one is told in it", "rates")
    elif rates is not None:
        _read_rates(read, rates)
    others = context.bodies.get(CURRENCIES, {})
    base = next(
        (other for other, told in sorted(others.items()) if other != key and told.get("is_base")), None
    )
    if is_base and base is not None:
        read.fault("two_bases", f"“{base}” is the base currency already; only one can be", "is_base")
    return read.finish()


def _read_rates(read: Reader, rates: Any) -> None:
    if not isinstance(rates, dict) or not rates:
        read.fault("not_a_mapping", "write rates as “date: number” lines, at least one", "rates")
        return
    for since, rate in rates.items():
        if not _is_date(since):
            read.fault("not_a_date", f'“{since}” is no date; write it as "2026-01-01"', "rates", str(since))
        number = exact(rate)
        if number is None or number <= 0:
            read.fault("not_a_number", "a rate is a number above zero", "rates", str(since))


def _is_date(told: Any) -> bool:
    if isinstance(told, date):
        return True
    try:
        return len(told) == 10 and bool(date.fromisoformat(told))
    except (TypeError, ValueError):
        return False


def base_remarks(key: str, body: Body, context: Context) -> list[Fault]:
    """Rates mean nothing without a base."""
    if any(told.get("is_base") for told in context.bodies.get(CURRENCIES, {}).values()):
        return []
    return [Fault((), "no_base", "no currency is the base, so amounts of two currencies can't be compared")]


def plain_currencies(versions: Iterable[Version]) -> dict[str, dict[str, Any]]:
    """What is in force, as ``Catalogue.from_spec`` takes it."""
    return {
        version.key: {
            "is_base": version.body.get("is_base") is True,
            "rates": {str(since): rate for since, rate in (version.body.get("rates") or {}).items()},
        }
        for version in versions
    }


def _sentence(body: Body, catalogue: Catalogue) -> str:
    if body.get("is_base"):
        return "The base: what the others are worth is told in it."
    since, rate = max((str(day), rate) for day, rate in body["rates"].items())
    return f"Worth {rate} of the base currency since {since}."


def judged_in_currencies(body: Body) -> QuerySet[Record]:
    """The records of every object that some version judges by an amount in a currency."""
    told = (
        Version.objects.annotate(text=Cast("body", TextField()))
        .filter(text__contains='"currency"')
        .exclude(section=CURRENCIES)
        .values_list("body__object", flat=True)
    )
    return Record.objects.filter(object__in={name for name in told if name})


SECTIONS = (
    Section(
        CURRENCIES,
        "Currencies",
        currency_faults,
        lambda body: str(body.get("name") or ""),
        _sentence,
        base_remarks,
        judged_in_currencies,
    ),
)
