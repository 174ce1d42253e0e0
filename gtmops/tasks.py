"""Celery's doors to the tick: a worker does the same as the ticker, sooner."""

from __future__ import annotations

from celery import shared_task

from effects import tick as ticking


@shared_task(name="gtmops.tasks.tick")
def tick() -> None:
    """Every source once; fired by beat, so that a dead ticker costs seconds."""
    ticking.tick_once()


@shared_task(name="gtmops.tasks.run_source")
def run_source(name: str) -> None:
    """One source, because somebody rang its bell."""
    ticking.run_source(name)
