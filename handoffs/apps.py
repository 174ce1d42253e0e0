from __future__ import annotations

from django.apps import AppConfig


class HandoffsConfig(AppConfig):
    name = "handoffs"
