from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gtmops.settings")
application = get_wsgi_application()

from django.urls import reverse  # noqa: E402 - the URLs can't be read before Django is set up

# Django reads them at the first request of each process, which takes seconds on a busy machine. Read here, before
# gunicorn forks (--preload), they are read once and no visitor waits.
reverse("healthz")
gc.freeze()
