"""Saved views on our properties, to be made by hand: HubSpot has no API that creates views, reports or dashboards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from records.own_fields import OWN_FIELD_BY_NAME

_OBJECT_IDS = {"contacts": "0-1", "deals": "0-3"}
_RECORD_URL = re.compile(r"(https://[^/]+/contacts/\d+)/record/")


@dataclass(frozen=True)
class Filter:
    """One line of HubSpot's filter panel. ``name``: an own field's, or a property's of HubSpot with its ``label``."""

    name: str
    operator: str
    value: str = ""
    label: str = ""

    def __str__(self) -> str:
        label = self.label or OWN_FIELD_BY_NAME[self.name].label
        return " ".join(part for part in (f"{label} ({self.name})", self.operator, self.value) if part)


@dataclass(frozen=True)
class SavedView:
    """``columns`` are names of properties; ``sort`` is the one to sort by, the earliest or A first."""

    title: str
    says: str
    remote_object: str
    filters: tuple[Filter, ...]
    columns: tuple[str, ...]
    sort: str

    @property
    def fields(self) -> frozenset[str]:
        """The fields of ours without which the view can't be made."""
        named = (*(f.name for f in self.filters), *self.columns, self.sort)
        return frozenset(n for n in named if n in OWN_FIELD_BY_NAME)

    @property
    def recipe(self) -> str:
        """What to type into HubSpot, as text to copy."""
        return "\n".join(
            [
                f"View: {self.title} ({self.remote_object})",
                *(f"Filter: {f}" for f in self.filters),
                f"Columns: {', '.join(self.columns)}",
                f"Sort: {self.sort}, ascending",
            ]
        )


SAVED_VIEWS = (
    SavedView(
        "gtmops: late now",
        "Whose next step should have been taken by now.",
        "contacts",
        (Filter("gtm_late", "is known"),),
        ("gtm_late", "gtm_has_it", "gtm_due", "gtm_stage", "gtm_handoff_link"),
        "gtm_due",
    ),
    SavedView(
        "gtmops: due today",
        "What has to happen before the day ends.",
        "contacts",
        (Filter("gtm_due", "is", "Today"), Filter("gtm_late", "is unknown")),
        ("gtm_due", "gtm_has_it", "gtm_stage", "gtm_handoff_link"),
        "gtm_due",
    ),
    SavedView(
        "gtmops: handoffs without an answer",
        "Handed over, and neither accepted nor sent back.",
        "contacts",
        (Filter("gtm_handoff_link", "is known"), Filter("gtm_handoff_answer", "is unknown")),
        ("gtm_handoff_link", "gtm_handoff_answer", "gtm_has_it", "gtm_due"),
        "gtm_due",
    ),
    SavedView(
        "gtmops: what is missing",
        "Buyers on their way, and what the definition still asks for.",
        "contacts",
        (Filter("gtm_stage", "is known"), Filter("gtm_missing", "is known")),
        ("gtm_stage", "gtm_missing", "gtm_qualified", "gtm_has_it"),
        "gtm_stage",
    ),
    SavedView(
        "gtmops: expansion signals",
        "Customers at whom something happened.",
        "contacts",
        (Filter("gtm_trigger", "is known"),),
        ("gtm_trigger", "gtm_has_it", "gtm_due"),
        "gtm_trigger",
    ),
    SavedView(
        "gtmops: deals that lack something",
        "Open deals that may not leave their stage yet.",
        "deals",
        (Filter("gtm_missing", "is known"), Filter("hs_is_closed", "is", "False", label="Is Deal Closed?")),
        ("dealstage", "gtm_missing", "gtm_exception", "gtm_has_it", "closedate"),
        "closedate",
    ),
    SavedView(
        "gtmops: late deals",
        "Deals whose next step should have been taken by now.",
        "deals",
        (Filter("gtm_late", "is known"),),
        ("dealstage", "gtm_late", "gtm_has_it", "gtm_due"),
        "gtm_due",
    ),
    SavedView(
        "gtmops: deals under an exception",
        "Deals that were let go on without their exit criteria.",
        "deals",
        (Filter("gtm_exception", "is known"),),
        ("dealstage", "gtm_exception", "gtm_missing", "closedate"),
        "closedate",
    ),
)


def list_address(record_url: str, remote_object: str) -> str:
    """HubSpot's page of all records of that kind, where a view is made; empty when the account isn't known."""
    found = _RECORD_URL.match(record_url)
    return f"{found[1]}/objects/{_OBJECT_IDS[remote_object]}/views/all/list" if found else ""
