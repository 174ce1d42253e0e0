"""What a probe may ask: is it alive, is it ready, how far behind is it.

A room adds what it knows with `register_gauge`, in gtmops/wiring.py; nothing here names a table of a room.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

import structlog
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from gtmops.cache import ForgivingCache

log = structlog.get_logger(__name__)

# One value, or one per label ({"fernhill-hubspot": 3.2}); None where there is nothing to measure.
Reading = float | None | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number a probe may read. Above `limit`, or without a reading where one `is_needed`: not ready."""

    name: str
    help: str
    read: Callable[[], Reading]
    label: str = ""
    limit: float | None = None
    is_needed: bool = False


@dataclass(slots=True)
class Registry:
    gauges: dict[str, Gauge] = field(default_factory=dict)

    def add(self, gauge: Gauge) -> None:
        """Raises ValueError for a second gauge of the same name."""
        if gauge.name in self.gauges and self.gauges[gauge.name] != gauge:
            raise ValueError(f"there is a gauge named {gauge.name} already")
        self.gauges[gauge.name] = gauge


registry = Registry()


def register_gauge(
    name: str,
    read: Callable[[], Reading],
    *,
    help: str,  # noqa: A002 - Prometheus calls it that
    label: str = "",
    limit: float | None = None,
    is_needed: bool = False,
) -> None:
    """`name` ends with its unit, as in `outbox_oldest_seconds`. Raises ValueError for a bad or a taken name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is no name for a gauge")
    registry.add(Gauge(name=name, help=help, read=read, label=label, limit=limit, is_needed=is_needed))


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_redis() -> None:
    cast("ForgivingCache", caches["default"]).ping()  # every other question is forgiven


def _fault_of(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as fault:  # noqa: BLE001 - a probe reports every fault, it never crashes
        log.warning("probe_failed", check=check.__name__, fault=str(fault))
        # Its kind only: the text of a driver's error may name hosts and users.
        return type(fault).__name__
    return ""


def read_gauges() -> dict[str, Reading]:
    """All readings; a gauge whose table can't be read (a fresh database) is None."""
    readings: dict[str, Reading] = {}
    for gauge in registry.gauges.values():
        try:
            readings[gauge.name] = gauge.read()
        except DatabaseError as fault:
            log.warning("gauge_failed", gauge=gauge.name, fault=str(fault))
            readings[gauge.name] = None
    return readings


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Alive: this process answers. Touches neither database nor Redis."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Ready: 200 when everything is within its limit, else 503 with what isn't."""
    faults: dict[str, str] = {}
    body: dict[str, object] = {}
    for name, check in (("database", _check_database), ("redis", _check_redis)):
        fault = _fault_of(check)
        body[name] = fault or "ok"
        if fault:
            faults[name] = fault
    if "database" not in faults:
        for name, reading in read_gauges().items():
            body[name] = dict(reading) if isinstance(reading, Mapping) else reading
            limit = registry.gauges[name].limit
            values = (
                reading.values() if isinstance(reading, Mapping) else [] if reading is None else [reading]
            )
            if limit is not None and any(value > limit for value in values):
                faults[name] = f"above {limit:g}"
            elif reading is None and registry.gauges[name].is_needed:
                faults[name] = "no reading"
    body["ready"] = not faults
    if faults:
        body["not_ready"] = faults
    return JsonResponse(body, status=503 if faults else 200)


def _label_value(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """The same numbers as Prometheus text."""
    lines: list[str] = []

    def write(name: str, text: str, reading: Reading, label: str = "") -> None:
        full = f"gtmops_{name}"
        lines.extend([f"# HELP {full} {text}", f"# TYPE {full} gauge"])
        if isinstance(reading, Mapping):
            lines.extend(
                f'{full}{{{label or "name"}="{_label_value(key)}"}} {value:g}'
                for key, value in sorted(reading.items())
            )
        elif reading is not None:
            lines.append(f"{full} {reading:g}")

    database_fault = _fault_of(_check_database)
    redis_fault = _fault_of(_check_redis)
    write(
        "up",
        "1 where the database and Redis answer.",
        {"database": not database_fault, "redis": not redis_fault},
        "part",
    )
    if not database_fault:
        for name, reading in read_gauges().items():
            gauge = registry.gauges[name]
            write(name, gauge.help, reading, gauge.label)
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
