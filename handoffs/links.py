"""Addresses that rows and pages of handoffs lead to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from records.journey_data import RecordData
from records.models import Connection


@dataclass(frozen=True)
class Place:
    """Where a connection's records can be opened by people. ``record_url`` holds {object} and {id}, or is empty."""

    name: str
    label: str
    kind: str
    record_url: str

    def url_of(self, remote_object: str, remote_id: str) -> str:
        return self.record_url.replace("{object}", remote_object).replace("{id}", remote_id)


def load_places() -> dict[str, Place]:
    """Connection name -> place. One query."""
    rows = Connection.objects.values_list("name", "label", "kind", "record_url")
    return {name: Place(name, label, kind, url) for name, label, kind, url in rows}


def menu_of(
    records: Iterable[RecordData],
    places: Mapping[str, Place],
    record_id: uuid.UUID,
    clock_id: uuid.UUID | None,
    *,
    waits_for_touch: bool = False,
) -> list[dict[str, str]]:
    """The "···" of a row: our page of the record, the CRMs' own, why it is due, and saying that it was done."""
    items = [{"text": "Open record", "href": record_href(record_id), "icon": "person-lines-fill"}]
    for record in records:
        place = places.get(record.connection)
        if place is not None and place.record_url:
            items.append(
                {
                    "text": f"Open in {place.label}",
                    "href": place.url_of(record.remote_object, record.remote_id),
                    "icon": "box-arrow-up-right",
                }
            )
    if waits_for_touch:
        href = f"{_address('slas:touch', record_id)}?back={reverse('handoffs:my_day')}"
        items.insert(0, {"text": "I already called", "href": href, "icon": "telephone-outbound"})
    if clock_id is not None:
        items.append({"text": "Why is this due?", "href": clock_href(clock_id), "icon": "question-circle"})
        items.append({"text": "Not mine", "href": _address("slas:appeal", clock_id), "icon": "person-x"})
    return [item for item in items if item["href"]]


def record_href(record_id: uuid.UUID) -> str:
    return _address("records:record", record_id)


def clock_href(clock_id: uuid.UUID) -> str:
    return _address("slas:clock", clock_id)


def handoff_href(handoff_id: uuid.UUID) -> str:
    return reverse("handoffs:handoff", args=[handoff_id])


def _address(route: str, pk: uuid.UUID) -> str:
    # A room may stand without its pages; then the row is no link.
    try:
        return reverse(route, args=[pk])
    except NoReverseMatch:
        return ""
