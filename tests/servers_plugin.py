"""Starts one throw-away PostgreSQL and one Valkey for a test run; xdist's workers share them.

Named by -p, because pytest-django reads the settings before a conftest could set DATABASE_URL.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from gtmops.embedded import (
    Postgres,
    Server,
    ServerError,
    Valkey,
    prepare_data_dir,
    socket_dir,
    start_all,
    stop_all,
)

_servers: list[Server] = []
_folder: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    global _folder
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    # Chromium's driver runs an event loop in the test's thread; Django would refuse the database there.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    if worker:
        os.environ["GTMOPS_REDIS_PREFIX"] = f"gtmops-{worker}"
        return
    _folder = Path(tempfile.mkdtemp(prefix="gtmops-test-"))
    prepare_data_dir(_folder)
    if "DATABASE_URL" not in os.environ:
        _servers.append(Postgres(_folder, throw_away=True))
    if "REDIS_URL" not in os.environ:
        _servers.append(Valkey(_folder, throw_away=True))
    try:
        start_all(_servers)
    except ServerError as fault:
        _clean()
        raise pytest.UsageError(str(fault)) from None
    for server in _servers:
        os.environ["DATABASE_URL" if isinstance(server, Postgres) else "REDIS_URL"] = server.url
    os.environ |= {
        "SECRET_KEY": "the-tests-need-one-and-it-protects-nothing-0123456789",
        "GTMOPS_ENCRYPTION_KEYS": "dGhlLXRlc3RzLW5lZWQtb25lLW9mLTMyLWJ5dGVzISE=",
        "GTMOPS_DATA": str(_folder),
        "GTMOPS_HTTPS": "0",
        "GTMOPS_TOTP_ROLES": "",  # tests/teams asks for it where it is the subject
        "GTMOPS_SITE_URL": "http://testserver",
        "GTMOPS_HOSTS": "*",
        "GTMOPS_DEMO": "0",
        "GTMOPS_LOG_LEVEL": "WARNING",
    }


def pytest_unconfigure() -> None:
    _clean()


def _clean() -> None:
    stop_all(_servers)
    _servers.clear()
    if _folder is not None:
        shutil.rmtree(socket_dir(_folder), ignore_errors=True)
        shutil.rmtree(_folder, ignore_errors=True)
