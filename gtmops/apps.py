from __future__ import annotations

import gc

from django.apps import AppConfig


class GtmopsConfig(AppConfig):
    name = "gtmops"
    verbose_name = "gtmops"

    def ready(self) -> None:
        # Importing the Celery app makes it the current one, so that a page may ring a worker.
        from gtmops import celery, gauges, wiring

        celery.app.set_current()
        wiring.connect()
        gauges.register_gauges()
        # What is loaded by now lives as long as the process: without this, Python looks through it again and again.
        gc.collect()
        gc.freeze()
