"""One-shot side effects and the messages people find in their inbox."""

from __future__ import annotations

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

    key = models.CharField(max_length=300, unique=True)
    channel = models.CharField(max_length=40)
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
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["person", "-created_at"], name="inbox_person")]

    def __str__(self) -> str:
        return self.title


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
