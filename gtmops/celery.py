from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gtmops.settings")

app = Celery("gtmops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_: object) -> None:
    """Django's settings have set up the logs; with a receiver here Celery leaves them alone."""
