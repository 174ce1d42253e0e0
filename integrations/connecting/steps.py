"""Where the guided connect stands, read from what is stored: a reload, or another browser, goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from integrations.connecting.services import unmapped_objects
from integrations.connecting.testing import last_found
from integrations.models import Credential
from records.models import Connection


@dataclass(frozen=True)
class Step:
    """As components/stage_bar.html shows it."""

    name: str
    href: str
    state: str
    note: str = ""


def steps_of(connection: Connection, here: str = "") -> list[Step]:
    """The five steps; ``here`` is the name of the one whose page is shown."""
    name = connection.name
    found = last_found(connection)
    objects = (connection.setup or {}).get("objects", {})
    left = unmapped_objects(connection)
    done = {
        "Sign in": Credential.objects.filter(connection=connection).exists(),
        "Test": found is not None and not found.error,
        "Objects": bool(objects),
        "Fields": bool(objects) and not left,
        "Go live": connection.setup is None,
    }
    notes = {
        "Sign in": connection.account_name,
        "Objects": f"{len(objects)} chosen" if objects else "",
        "Fields": f"{len(left)} left" if left else "",
    }
    places = {
        "Sign in": reverse("integrations:sign_in", args=[name]),
        "Test": reverse("integrations:connection_test", args=[name]),
        "Objects": reverse("integrations:connection_objects", args=[name]),
        "Fields": reverse("integrations:connection_fields", args=[name]),
        "Go live": reverse("integrations:connection_go_live", args=[name]),
    }
    current = here or next((step for step, is_done in done.items() if not is_done), "Go live")
    found_steps, is_open = [], True
    for step, is_done in done.items():
        state = "current" if step == current else "done" if is_done else "ahead"
        found_steps.append(Step(step, places[step] if is_open or is_done else "", state, notes.get(step, "")))
        is_open = is_open and is_done
    return found_steps


def next_page(connection: Connection) -> str:
    """The page of the first step that is not done."""
    steps: Sequence[Step] = steps_of(connection, here="-")
    ahead = next((step for step in steps if step.state == "ahead"), steps[-1])
    if ahead.name == "Fields" and (left := unmapped_objects(connection)):
        return fields_page(connection, next(iter(left)))
    return ahead.href


def fields_page(connection: Connection, remote_object: str) -> str:
    return reverse("integrations:connection_mapping", args=[connection.name, remote_object])
