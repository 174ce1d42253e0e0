"""Owners of the CRMs. Read as `records.models.OwnerMatch`."""

from __future__ import annotations

from django.db import models


class OwnerMatch(models.Model):
    """Who a CRM's owner id is, from when: a person, or a queue (no person). Effective-dated."""

    class Kind(models.TextChoices):
        PERSON = "person"
        QUEUE = "queue"

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="owner_matches"
    )
    remote_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PERSON)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    inactive_since = models.DateTimeField(
        null=True, blank=True, help_text="When we saw it switched off; empty: it was so when we first saw it."
    )
    person = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="owner_matches"
    )
    role = models.CharField(max_length=200, blank=True)
    manager_remote_id = models.CharField(max_length=80, blank=True)
    teams = models.JSONField(default=list, blank=True, help_text="Names of the CRM's own teams.")
    members = models.JSONField(null=True, blank=True, help_text="Of a queue; null: the CRM does not tell.")
    settled = models.JSONField(default=dict, blank=True, help_text="What was proposed here and decided last.")

    class Meta:
        ordering = ["connection", "remote_id"]
        verbose_name_plural = "owner matches"
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="owner_match_once")]

    def __str__(self) -> str:
        return self.name
