"""Values of records in words, as pages of one record show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from definitions.criteria.catalogue import Catalogue
from records.canonical import Unreadable, instant

NOT_CONNECTED = "field not connected"
LISTS = {"activities": "Activities", "events": "Signals", "stages": "Stages"}


@dataclass(frozen=True)
class Seen:
    """A value in words; ``at`` instead when it is a moment. ``source``: the connection it was read from; ``since``:
    when it was last changed, ``who``: by whom, where that is known."""

    label: str
    text: str
    at: datetime | None = None
    source: str = ""
    since: datetime | None = None
    who: str = ""


def seen_words(value: Any, options: Mapping[str, str] | None = None) -> str:
    """``options``: value -> label of a picklist."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    known = options or {}
    if isinstance(value, list):
        return ", ".join(known.get(str(one), str(one)) for one in value) or "empty"
    return shortened(known.get(str(value), str(value)), 120)


def label_of(catalogue: Catalogue, object_name: str, name: str) -> str:
    """The label of a field, or what a list of a record is called."""
    if name.startswith("related."):
        return name.removeprefix("related.").replace("_", " ").capitalize()
    field = catalogue.objects.get(object_name, {}).get(name)
    return LISTS.get(name) or (field.label if field else "") or name


def is_list(name: str) -> bool:
    """Whether a condition's field is a list of the record, not a field of it."""
    return name in LISTS or name.startswith("related.")


def options_of(catalogue: Catalogue, object_name: str, name: str) -> Mapping[str, str]:
    field = catalogue.objects.get(object_name, {}).get(name)
    return field.options if field else {}


def moment_of(value: Any) -> datetime | None:
    try:
        return instant(value) if value else None
    except Unreadable:
        return None


def day_words(at: datetime) -> str:
    """ "3 Nov 2026", where the viewer is."""
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y}"


def shortened(text: str, length: int = 240) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def nth(number: int) -> str:
    """ "2nd time"."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending} time"
