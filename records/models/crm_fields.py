"""What we want of the CRMs: rows read again, our own fields written, theirs changed as people ask."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from records.models.rows import Record


class RefreshRequest(models.Model):
    """Please read this record, and its activities, again from its CRM (served by integrations)."""

    class Outcome(models.TextChoices):
        READ = "read"
        UNREADABLE = "unreadable"

    key = models.CharField(max_length=200, unique=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="refresh_requests")
    objects_wanted = models.JSONField(
        default=list, help_text='Logical objects to read beside it, e.g. ["activity"].'
    )
    requested_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    served_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["next_try_at"], name="refresh_due", condition=Q(served_at=None))]

    def __str__(self) -> str:
        return self.key


class DesiredField(models.Model):
    """What one of our own fields on a CRM record should say, what the CRM says, and the push between them."""

    class State(models.TextChoices):
        IN_SYNC = "in_sync"
        DIFFERENT = "different"
        SENT = "sent"
        REFUSED = "refused"
        DROPPED = "dropped"

    record = models.ForeignKey(
        Record, on_delete=models.CASCADE, related_name="desired_fields", db_index=False
    )
    field = models.CharField(max_length=60)
    writer = models.CharField(max_length=40, help_text="The one declaration that decides this field.")
    desired = models.JSONField(null=True, blank=True)
    known = models.JSONField(null=True, blank=True)
    is_known = models.BooleanField(default=False, help_text="False until the CRM's value has been read once.")
    before_write = models.JSONField(
        null=True, blank=True, help_text="What it said before our last write; for undo."
    )
    state = models.CharField(max_length=10, choices=State, default=State.DIFFERENT)
    hold = models.BooleanField(default=False)
    hold_reason = models.CharField(max_length=200, blank=True)
    changed_by_others = models.PositiveSmallIntegerField(default=0)
    changed_by_others_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    desired_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.CharField(max_length=80, blank=True, help_text="The run that wrote it last.")
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["record", "field"]
        constraints = [models.UniqueConstraint(fields=["record", "field"], name="desired_field_once")]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="desired_due", condition=Q(state="different", hold=False)
            ),
            models.Index(
                fields=["next_try_at"], name="desired_undoing", condition=Q(state="different", hold=True)
            ),
            models.Index(fields=["sent_at"], name="desired_sent", condition=Q(state="sent")),
            models.Index(fields=["record"], name="desired_refused", condition=Q(state="refused")),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}.{self.field}"


class AskedChange(models.Model):
    """The CRM's own fields of one record as somebody asked to have them, written once and together; see decision 12."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=250, unique=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="asked_changes")
    values = models.JSONField(help_text="Logical field to the value asked for.")
    expected = models.JSONField(help_text="What the CRM showed when it was asked; absent: unknown.")
    before = models.JSONField(null=True, blank=True, help_text="What it showed just before we wrote.")
    by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="asked_changes"
    )
    why = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    text = models.TextField(blank=True, help_text="Why it is refused, or what it waits for.")
    faults = models.JSONField(
        default=list, blank=True, help_text="Logical fields that the CRM named when it refused."
    )
    asked_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="Set before it is sent.")
    sent_by = models.CharField(max_length=80, blank=True, help_text="The run that sent it.")
    finished_at = models.DateTimeField(null=True, blank=True)
    echoes = models.JSONField(
        default=dict, blank=True, help_text="Logical field to polled or history: how its change came back."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        indexes = [
            models.Index(fields=["next_try_at"], name="asked_due", condition=Q(state="waiting")),
            models.Index(fields=["record", "asked_at"], name="asked_record"),
        ]

    def __str__(self) -> str:
        return self.key
