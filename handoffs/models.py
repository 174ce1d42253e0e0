"""Handoffs: one row per stage entry that opens one, folded from its ledger of events."""

from __future__ import annotations

from django.db import models

from handoffs.querysets import HandoffQuerySet


class Handoff(models.Model):
    """A handoff between two teams. ``id`` = uuid5 of (template key, record natural key, opening event key).

    The ledger is the list of its ``handoff.*`` events (``data.handoff`` = id) and CRM answers; this row is their fold.
    """

    class State(models.TextChoices):
        OPEN = "open"
        SENT = "sent"
        SEEN = "seen"
        ASKED = "asked"
        ACCEPTED = "accepted"
        SENT_BACK = "sent_back"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    class Move(models.TextChoices):
        SENDER = "sender"
        RECEIVER = "receiver"
        CUSTOMER = "customer"
        NOBODY = "nobody"

    id = models.UUIDField(primary_key=True, editable=False)
    template_key = models.SlugField(max_length=80)
    template = models.ForeignKey("definitions.Version", on_delete=models.PROTECT, related_name="+")
    journey = models.ForeignKey("records.Journey", on_delete=models.CASCADE, related_name="handoffs")
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="handoffs")
    opened_by = models.ForeignKey("records.Event", on_delete=models.CASCADE, related_name="+")
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    whose_move = models.CharField(max_length=10, choices=Move, default=Move.SENDER)
    sender = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="sent_handoffs"
    )
    receiver = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="received_handoffs"
    )
    form = models.JSONField(default=dict, help_text="field key -> value as last filled in.")
    sent_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="Accepted or sent back.")
    answered_in = models.CharField(max_length=60, blank=True, help_text="Connection the answer came from.")
    completed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=80, blank=True)
    reason_text = models.TextField(blank=True)
    next_step = models.CharField(max_length=300, blank=True)
    next_step_at = models.DateTimeField(null=True, blank=True)
    next_step_confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "id"]
        indexes = [
            models.Index(fields=["-opened_at", "id"], name="handoff_listed"),
            models.Index(fields=["sender", "state"], name="handoff_sender"),
            models.Index(fields=["receiver", "state"], name="handoff_receiver"),
            models.Index(fields=["template_key", "opened_at"], name="handoff_template"),
            models.Index(fields=["journey"], name="handoff_journey"),
        ]

    def __str__(self) -> str:
        return f"{self.template_key} {self.state}"
