"""No Docker engine runs the tests, so what can be read of the compose file and the Dockerfile is held to the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands
from ruamel.yaml import YAML

from teams.sso.configured import VARIABLES as SIGN_ON_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
OURS = ["migrate", "web", "worker", "beat", "ticker"]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_all_processes_of_the_product_are_there(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "redis", *OURS}


@pytest.mark.parametrize("name", OURS)
def test_ours_come_from_one_image_and_wait_for_the_database(services: dict[str, Any], name: str) -> None:
    assert services[name]["image"] == "gtmops"
    assert services[name]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert services[name]["restart"] == ("no" if name == "migrate" else "unless-stopped")


def test_every_variable_is_one_that_the_settings_read(services: dict[str, Any]) -> None:
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', (ROOT / "gtmops" / "settings.py").read_text()))
    read |= set(SIGN_ON_VARIABLES)

    for name in OURS:
        assert set(services[name]["environment"]) <= read


def test_what_the_settings_cannot_do_without_is_given(services: dict[str, Any]) -> None:
    needed = set(re.findall(r'need\(\s*"([A-Z_]+)"', (ROOT / "gtmops" / "settings.py").read_text()))

    assert needed == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "GTMOPS_ENCRYPTION_KEYS"}
    assert needed <= set(services["web"]["environment"])


@pytest.mark.parametrize("name", ["migrate", "ticker"])
def test_the_commands_exist(services: dict[str, Any], name: str) -> None:
    python, script, command, *_ = services[name]["command"]

    assert (python, script) == ("python", "manage.py")
    assert command in get_commands()


def test_a_stopping_worker_may_end_its_longest_task(services: dict[str, Any]) -> None:
    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > settings.CELERY_TASK_TIME_LIMIT


def test_redis_keeps_its_queue_and_evicts_nothing(services: dict[str, Any]) -> None:
    command = services["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_image_holds_every_room_and_nothing_embedded(dockerfile: str) -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, flags=re.MULTILINE))

    assert {*settings.ROOMS, "gtmops", "templates"} <= copied
    assert "embedded.txt" not in dockerfile
    assert re.search(r"^USER (?!root)\w+$", dockerfile, flags=re.MULTILINE)


def test_what_the_image_copies_is_not_ignored(dockerfile: str) -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    sources = {
        word.split("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, flags=re.MULTILINE)
        for word in line.split()[:-1]
    }

    assert sources <= kept
