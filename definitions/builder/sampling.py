"""Samples of a population, what they say of the whole, and how long a statement may take.

Ids are uuid5 of natural keys, so that a range of the primary key is a random sample, the same one every time."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from records.models import Record

FIRST_LIMIT_SECONDS = 1.0  # of a small run: what is slower than this can't be shown while editing
PROBE_FRACTION = 1 / 1024
Z_95 = 1.96
QUERY_CANCELED = "57014"


def sample_of(population: QuerySet[Record], size: int) -> QuerySet[Record] | None:
    """About ``size`` records of a larger population, all of a smaller one; None when that takes too long to tell."""
    total = within(FIRST_LIMIT_SECONDS, lambda: estimate_size(population))
    if total is None:
        return None
    return population if total <= 2 * size else population.filter(pk__lt=threshold(size / total))


def estimate_size(population: QuerySet[Record]) -> int:
    """From one in 1,024 of the ids: the planner's own guess may be days old."""
    return round(population.filter(pk__lt=threshold(PROBE_FRACTION)).count() / PROBE_FRACTION)


def threshold(fraction: float) -> uuid.UUID:
    return uuid.UUID(int=min(int(fraction * 2**128), 2**128 - 1))


def margin_of(seen: int, fraction: float) -> int:
    """Each record is in the sample with chance ``fraction``: binomial, and by the rule of three when none was seen."""
    if fraction >= 1:
        return 0
    raw = Z_95 * math.sqrt(seen * (1 - fraction)) / fraction if seen else 3 / fraction
    step = _step(raw)
    return max(step, math.ceil(raw / step) * step)


def _step(margin: float) -> int:
    """Two digits of the margin are told; more would be noise."""
    return int(10 ** max(0, math.floor(math.log10(max(margin, 1))) - 1))


def scaled(seen: int, fraction: float) -> int:
    """From what a sample saw to the whole, no finer than its margin."""
    if fraction >= 1:
        return seen
    step = _step(margin_of(seen, fraction))
    return round(seen / fraction / step) * step


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """A time limit on every statement inside; without compiling, which takes longer than these statements."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('jit', 'off', true)",
                [f"{max(1, round(seconds * 1000))}ms"],
            )
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT; SET LOCAL jit TO DEFAULT")


def within(seconds: float, ask: Callable[[], Any]) -> Any:
    """What ``ask`` answers, or None when it took longer."""
    try:
        with limited(seconds):
            return ask()
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != QUERY_CANCELED:
            raise
        return None
