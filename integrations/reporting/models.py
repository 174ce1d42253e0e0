"""What we made in a CRM for looking at the results there."""

from __future__ import annotations

from django.db import models


class ReportItem(models.Model):
    """A report, or the dashboard, that we put into a CRM; the row is there before the thing is."""

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="report_items"
    )
    name = models.CharField(max_length=80, help_text="What it is called by the CRM's API.")
    fingerprint = models.CharField(max_length=32, help_text="Of the package it was last put there with.")
    put_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last put there; empty: being made."
    )

    class Meta:
        ordering = ["connection", "name"]
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="report_item_once")]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.name}"
