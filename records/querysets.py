"""Named reads of records and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from records.models import Event, Record  # noqa: F401 - names for the generic parameters
    from teams.models import Person


class RecordQuerySet(models.QuerySet["Record"]):
    def for_person(self, person: Person) -> RecordQuerySet:
        """Inside the person's business units; a record without a unit is visible to everyone signed in."""
        units = person.business_units.values("pk")
        return self.filter(Q(business_unit=None) | Q(business_unit__in=units))

    def present(self) -> RecordQuerySet:
        """Not deleted and not merged away in its CRM."""
        return self.filter(deleted_at=None, merged_into=None)


class EventQuerySet(models.QuerySet["Event"]):
    def effective(self) -> EventQuerySet:
        """Without events that a better source has superseded."""
        return self.filter(superseded_by=None)
