"""One-shot side effects, the messages people find in their inbox, and how they want to be told."""

from __future__ import annotations

from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Effect(models.Model):
    """A side effect decided inside a transaction and carried out outside it (the outbox).

    ``key`` makes it happen once; the row is written in the deciding transaction. A channel delivers ``payload``.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        LEASED = "leased"
        DONE = "done"
        DEAD = "dead"

    class Held(models.TextChoices):
        HOLD = "hold", "until quiet hours end"
        DIGEST = "digest", "for the digest"
        GROUPED = "grouped", "to come with others of its group"

    key = models.CharField(max_length=300, unique=True)
    channel = models.CharField(max_length=40)
    receiver = models.CharField(
        max_length=120,
        blank=True,
        help_text="person:ID or channel:NAME. No foreign key: a deleted person must not undo who decided to tell them.",
    )
    group = models.CharField(max_length=120, blank=True)
    held = models.CharField(
        max_length=10, choices=Held, blank=True, help_text="Why it waits for next_try_at."
    )
    planned_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was decided that it leaves; of what disturbs people only."
    )
    carried_by = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="carried",
        help_text="The message that it leaves with; its end is this one's end.",
    )
    order_key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    may_be_repeated = models.BooleanField(
        default=False, help_text="A worker died after handing it over: the receiver may have it twice."
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="effect_due", condition=Q(state__in=["pending", "leased"])
            ),
            models.Index(fields=["state", "created_at"], name="effect_state"),
            models.Index(
                fields=["order_key", "id"],
                name="effect_order",
                condition=Q(state__in=["pending", "leased"]) & ~Q(order_key=""),
            ),
            models.Index(
                fields=["receiver", "planned_at"], name="effect_receiver", condition=~Q(receiver="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"


class InboxMessage(models.Model):
    """A message to one person inside gtmops."""

    key = models.CharField(max_length=300, unique=True)
    person = models.ForeignKey("teams.Person", on_delete=models.CASCADE, related_name="inbox_messages")
    severity = models.CharField(
        max_length=10, choices=[("info", "info"), ("warning", "warning"), ("late", "late")], default="info"
    )
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    href = models.CharField(max_length=500, blank=True)
    group = models.CharField(max_length=120, blank=True, help_text="Shown together with others of it.")
    group_name = models.CharField(max_length=200, blank=True)
    record = models.UUIDField(null=True, blank=True, help_text="The record it is about.")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["person", "-created_at"], name="inbox_person"),
            # Every page counts them.
            models.Index(fields=["person"], name="inbox_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return self.title


class NotificationPreferences(models.Model):
    """How one person wants to be told, beside the inbox. No row: the defaults (``effects.policy.Preferences``)."""

    class Quiet(models.TextChoices):
        WORKING_HOURS = "working_hours", "Outside my working hours"
        OWN = "own", "Between two times of my own"
        NEVER = "never", "Never: tell me at any hour"

    person = models.OneToOneField(
        "teams.Person", primary_key=True, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    warning_by_email = models.BooleanField("E-mail", default=True)
    warning_by_slack = models.BooleanField("Slack", default=True)
    late_by_email = models.BooleanField("E-mail", default=True)
    late_by_slack = models.BooleanField("Slack", default=True)
    quiet = models.CharField("Don't disturb me", max_length=16, choices=Quiet, default=Quiet.WORKING_HOURS)
    quiet_from = models.TimeField("Quiet from", default=time(20))
    quiet_to = models.TimeField("Quiet until", default=time(7))
    has_digest = models.BooleanField("One summary when my day begins", default=True)
    messages_a_day = models.PositiveSmallIntegerField(
        "Messages a day at most", default=20, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )

    class Meta:
        verbose_name_plural = "notification preferences"

    def __str__(self) -> str:
        return f"notifications of {self.person_id}"


class TickBeat(models.Model):
    """When each tick source last ran to its end, and what went wrong last; health reads it."""

    source = models.CharField(max_length=40, primary_key=True)
    ran_at = models.DateTimeField()
    done_count = models.PositiveBigIntegerField(default=0)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["source"]

    def __str__(self) -> str:
        return self.source
