from __future__ import annotations

from django.apps import AppConfig


class SlasConfig(AppConfig):
    name = "slas"
