"""The log of all that happened, and the records whose conclusions it makes old."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from records.models.connections import Connection
from records.models.rows import Record
from records.querysets import EventQuerySet


class Event(models.Model):
    """One thing that happened; append-only. See docs/architecture.md, Events."""

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    external_key = models.CharField(max_length=300)
    kind = models.CharField(max_length=60)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="events", db_index=False)
    field = models.CharField(max_length=60, blank=True)
    old = models.JSONField(null=True, blank=True)
    new = models.JSONField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    actor = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL)
    occurred_at = models.DateTimeField()
    observed_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Polling can't know better: it happened between this and occurred_at.",
    )
    superseded_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    caused_by = models.CharField(
        max_length=80, blank=True, help_text="The run of ours whose write this echoes."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["occurred_at", "connection__source_order", "external_key"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_key"], name="event_once"),
        ]
        indexes = [
            models.Index(fields=["record", "occurred_at"], name="event_record"),
            models.Index(fields=["kind", "occurred_at"], name="event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.field}".strip()


class Touched(models.Model):
    """A record whose conclusions are out of date. Claimed by lease, removed when the pipeline has written them."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="+")
    touched_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "touched"

    def __str__(self) -> str:
        return str(self.record_id)
