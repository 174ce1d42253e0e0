"""Countries and their parts, as the library of public holidays knows them (pure)."""

from __future__ import annotations

import re
from functools import cache

import holidays
from holidays.registry import COUNTRIES


@cache
def countries() -> list[tuple[str, str]]:
    """(code, name) of every country, by name."""
    found = {code: _spaced(name) for name, code, *_ in COUNTRIES.values()}
    return sorted(found.items(), key=lambda pair: pair[1])


@cache
def subdivisions(country: str) -> list[tuple[str, str]]:
    """(code, name) of the parts of a country with holidays of their own; none for a country nobody knows."""
    if country not in dict(countries()):
        return []
    told = getattr(holidays, country)
    names = {code: name for name, code in reversed(list(getattr(told, "subdivisions_aliases", {}).items()))}
    return sorted(((code, names.get(code, code)) for code in told.subdivisions), key=lambda pair: pair[1])


def place_name(country: str, subdivision: str | None) -> str:
    """ "Germany, Berlin"; the codes where no name is known."""
    name = dict(countries()).get(country, country)
    return f"{name}, {dict(subdivisions(country)).get(subdivision, subdivision)}" if subdivision else name


def _spaced(name: str) -> str:
    """UnitedStatesVirginIslands -> United States Virgin Islands"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace(" And ", " and ").replace(" Of ", " of ")
