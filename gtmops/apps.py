from __future__ import annotations

from django.apps import AppConfig


class GtmopsConfig(AppConfig):
    name = "gtmops"
    verbose_name = "gtmops"

    def ready(self) -> None:
        from gtmops import wiring

        wiring.connect()
