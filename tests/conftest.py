from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from records import standing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

SHARE_A_PRODUCT = ("tests/end_to_end/", "tests/gtmops/test_up.py")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these Chromium looks up its maker's hosts at every start.
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def pytest_configure() -> None:
    # A loaded machine is slow, too: no example has a time to keep.
    # CI judges every change by the same examples; whoever works on it looks at new ones each time.
    hypothesis.settings.register_profile("gtmops", deadline=None, derandomize=bool(os.environ.get("CI")))
    hypothesis.settings.load_profile("gtmops")
    # Argon2 is slow by design, and tests sign people in all the time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What is counted or kept for a moment (rate limits, the pace of CRM calls, numbers) never crosses tests."""
    cache.clear()
    standing.forget()


LOCK_OF_ALL = re.compile(r"\bFOR (NO KEY )?UPDATE\b(?! OF)")
INNERMOST = re.compile(r"\([^()]*\)")


@pytest.fixture(autouse=True)
def locks_are_narrow() -> Iterator[None]:
    """A lock that joins says whose rows it locks. Ordering by a relation joins, too: every page that was read once
    locked its connection for all others, and now and then PostgreSQL ended one of them."""

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if LOCK_OF_ALL.search(sql) and " JOIN " in outermost(sql):
            pytest.fail(f"locks the rows of every table it joins; say of=('self',): {sql}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield


def outermost(sql: str) -> str:
    """Without what stands in brackets: a lock doesn't reach there."""
    while (shorter := INNERMOST.sub("", sql)) != sql:
        sql = shorter
    return sql


class OneProductAtATime(LoadScopeScheduling):
    """Tests that share a started product stay on one worker, in order; all others go wherever there is room.

    pytest-xdist's own groups rename tests, which pytest 9 no longer allows.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((path for path in SHARE_A_PRODUCT if nodeid.startswith(path)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneProductAtATime:
    return OneProductAtATime(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: the worker with the started product mostly waits."""
    return (os.cpu_count() or 1) + 1


def find_chromium() -> str | None:
    told = os.environ.get("GTMOPS_CHROMIUM")
    return told or next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in GTMOPS_CHROMIUM")
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, headless=True, args=flags)
        yield started
        started.close()


@pytest.fixture
def page_faults() -> list[str]:
    """What the browser complained about: script errors, and everything the CSP refused. Empty when all is well."""
    return []


@pytest.fixture
def page(browser: Browser, page_faults: list[str]) -> Iterator[Page]:
    """A fresh browser page at 1280 x 800 in UTC; put it on `live_server.url`."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(30_000)  # a loaded machine is slow
    opened = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            page_faults.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: page_faults.append(str(error)))
    yield opened
    context.close()
