"""What bounds writing to a CRM, how it stands, and what became of each record that was sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class WriteLimits(models.Model):
    """What people set for writing to one connection; no row: everybody, and the installation's daily cap."""

    class Pilot(models.TextChoices):
        EVERYBODY = "everybody"
        CONDITION = "condition"
        LIST = "list"

    connection = models.OneToOneField(
        "records.Connection", primary_key=True, on_delete=models.CASCADE, related_name="write_limits"
    )
    records_a_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: GTMOPS_PUSH_RECORDS_A_DAY."
    )
    pilot = models.CharField(max_length=10, choices=Pilot, default=Pilot.EVERYBODY)
    pilot_object = models.CharField(max_length=40, blank=True, help_text="Of which kind of record it speaks.")
    pilot_criteria = models.JSONField(
        null=True, blank=True, help_text="Only records that meet it are written."
    )
    pilot_since = models.DateTimeField(null=True, blank=True)
    pilot_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "write limits"

    def __str__(self) -> str:
        return f"limits of {self.connection_id}"


class PilotRecord(models.Model):
    """A record of a pilot by list."""

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="pilot_records"
    )
    record = models.OneToOneField(
        "records.Record", primary_key=True, on_delete=models.CASCADE, related_name="pilot_record"
    )

    def __str__(self) -> str:
        return str(self.record_id)


class PushState(models.Model):
    """How writing to one connection stands; locked by whoever claims or stores a batch of it."""

    connection = models.OneToOneField(
        "records.Connection", primary_key=True, on_delete=models.CASCADE, related_name="push_state"
    )
    counted_on = models.DateField(null=True, blank=True, help_text="The UTC day that `written` counts.")
    written = models.PositiveIntegerField(default=0, help_text="Records written that day.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Batches in a row that got no answer.")
    next_try_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    paused_objects = models.JSONField(
        default=dict, blank=True, help_text="{remote object: {until, text}}: what can't work there just now."
    )
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text="When what was sent was last compared with what came back."
    )

    def __str__(self) -> str:
        return f"writing to {self.connection_id}"


class WriteAttempt(models.Model):
    """What became of sending one record once, in the CRM's own words."""

    class Outcome(models.TextChoices):
        WRITTEN = "written"
        STOOD = "stood"
        REFUSED = "refused"
        RETRY = "retry"
        GONE = "gone"
        KEPT = "kept"

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="write_attempts"
    )
    run = models.ForeignKey(
        "integrations.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="attempts"
    )
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="write_attempts")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(
        max_length=8,
        choices=Outcome,
        help_text="stood: it was there already. kept: the CRM took it and kept its own.",
    )
    code = models.CharField(max_length=100, blank=True)
    text = models.TextField(blank=True, help_text="The CRM's own words.")
    values = models.JSONField(default=dict, help_text="{our field: [before, sent]}")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["connection", "-at", "-id"], name="write_attempt_recent"),
            models.Index(fields=["record", "-at"], name="write_attempt_record"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} {self.outcome}"


class RecordHold(models.Model):
    """Nothing of ours is written to this record until somebody lifts it."""

    record = models.OneToOneField(
        "records.Record", primary_key=True, on_delete=models.CASCADE, related_name="write_hold"
    )
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"hold on {self.record_id}"


class Uninstall(models.Model):
    """Taking out of a CRM what we made there, step by step; each may be repeated."""

    connection = models.ForeignKey("records.Connection", on_delete=models.CASCADE, related_name="uninstalls")
    run = models.OneToOneField("integrations.Run", on_delete=models.CASCADE, related_name="uninstall")
    by = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=200, blank=True)
    leaves_ours = models.BooleanField(default=False, help_text="Our fields and rules stay there.")
    done = models.JSONField(default=list, help_text="Keys of the steps that ended.")
    next_try_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=Q(finished_at=None), name="one_uninstall_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"uninstall of {self.connection_id}"
