from __future__ import annotations

from django.apps import AppConfig


class EffectsConfig(AppConfig):
    name = "effects"
