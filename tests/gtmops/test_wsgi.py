"""What every web process has loaded before it takes a request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_REQUEST = """
import sys
from django.test import RequestFactory
from gtmops.wsgi import application

before = set(sys.modules)
answer = application(RequestFactory().get("/healthz").environ, lambda status, _headers: print(status))
print([name for name in set(sys.modules) - before if name.endswith((".urls", ".views"))])
"""


def test_the_first_request_of_a_process_loads_no_pages() -> None:
    # The pages take seconds to load on a busy machine, and the first visitor of each process would wait for them.
    done = subprocess.run(
        [sys.executable, "-c", FIRST_REQUEST],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["200 OK", "[]"]
