"""What products and other tools sent, for whoever connects them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from definitions.bodies import DEFINITIONS, DefinitionBody
from definitions.in_force import TypedModel, load_typed_model
from definitions.sections import sections
from definitions.signals.storing import SignalName, names_seen, waiting_users
from definitions.triggers.bodies import TRIGGERS, trigger_body
from effects.tick import now_utc

PREFIX = "signal."
_EXAMPLE = """curl -X POST {url} \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{{"type": "track", "event": "Test Signal", "userId": "you@your-company.example",
       "properties": {{"from": "curl"}}, "messageId": "test-1"}}'"""


@dataclass(frozen=True)
class Reader:
    """Something of the model that reads a signal."""

    section: str
    section_label: str
    key: str
    name: str


@dataclass(frozen=True)
class Row:
    """A name with what reads it; ``seen`` None: it is read, and nobody has sent it yet."""

    name: str
    seen: SignalName | None
    readers: tuple[Reader, ...]


@require_safe
def signals(request: HttpRequest) -> HttpResponse:
    now = now_utc()
    seen = {one.name: one for one in names_seen()}
    readers = readers_of_signals(load_typed_model(), now)
    names = [*seen, *sorted(readers.keys() - seen.keys())]
    context = {
        "rows": [Row(name, seen.get(name), tuple(readers.get(name, ()))) for name in names],
        "has_signals": bool(seen),
        "waiting": waiting_users(),
        "example": _EXAMPLE.format(url=f"{settings.SITE_URL}{reverse('api:signals')}"),
        "kept_days": settings.GTMOPS.signal_days,
        "updated_at": now,
    }
    return render(request, "definitions/signals.html", context)


def readers_of_signals(model: TypedModel, now: datetime) -> Mapping[str, list[Reader]]:
    """Name of a signal -> the definitions and triggers in force that read it."""
    bodies: list[tuple[str, DefinitionBody]] = [
        (DEFINITIONS, body) for _, body in model.in_force(now).definitions.values()
    ]
    bodies += [
        (TRIGGERS, trigger_body(key, v.body, model.catalogue).definition)
        for key, v in model.versions.in_force(TRIGGERS, now).items()
    ]
    labels = {DEFINITIONS: "Definition", TRIGGERS: sections()[TRIGGERS].label.removesuffix("s")}
    found: dict[str, list[Reader]] = defaultdict(list)
    for section, body in bodies:
        criterion = body.whole
        for event in sorted(criterion.reads().events if criterion else ()):
            if event.startswith(PREFIX):
                reader = Reader(section, labels[section], body.key, body.name)
                found[event.removeprefix(PREFIX)].append(reader)
    return found
