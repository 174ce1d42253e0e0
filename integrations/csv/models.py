"""A file somebody sent: what it is, what its columns mean, how far it has been read."""

from __future__ import annotations

import gzip

from django.db import models
from django.db.models import Q
from django.utils import timezone


class FileImport(models.Model):
    """One uploaded file on its way into records. The row outlives its content, so that the next file of its kind
    finds its mapping."""

    class State(models.TextChoices):
        DRAFT = "draft"
        CHECKING = "checking"
        CHECKED = "checked"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, editable=False)
    connection = models.ForeignKey(
        "records.Connection", null=True, blank=True, on_delete=models.CASCADE, related_name="file_imports"
    )
    uploaded_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    file_name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField(help_text="Bytes, unpacked.")
    content = models.BinaryField(null=True, blank=True, help_text="Gzipped; empty once it is cleaned away.")
    encoding = models.CharField(max_length=20)
    separator = models.CharField(max_length=1)
    columns = models.JSONField(
        default=list,
        help_text="[{name, samples, filled, distinct, kind, ways, most}]: what was found in each.",
    )
    rows = models.PositiveIntegerField(default=0)
    choices = models.JSONField(default=dict, blank=True, help_text="What was chosen for each column.")
    mapping = models.JSONField(default=dict, blank=True, help_text="As docs/import-csv.md writes it.")
    counts = models.JSONField(
        default=dict, blank=True, help_text="new, changed, unchanged, refused, passed_over, events."
    )
    preview = models.JSONField(
        default=list, blank=True, help_text="The first records as they will be stored."
    )
    refused = models.BinaryField(null=True, blank=True, help_text="Gzipped CSV of the refused lines.")
    error = models.TextField(blank=True)
    run = models.OneToOneField(
        "integrations.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="file_import"
    )
    pages_stored = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-uploaded_at"]
        indexes = [
            models.Index(
                fields=["uploaded_at"],
                name="file_import_at_work",
                condition=Q(state__in=["checking", "running"]),
            ),
            models.Index(fields=["changed_at"], name="file_import_kept", condition=Q(content__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.file_name

    def data(self) -> bytes:
        """The file as it was sent, unpacked. Raises ValueError once it is cleaned away."""
        if self.content is None:
            raise ValueError(f"{self.file_name} is no longer kept")
        return gzip.decompress(bytes(self.content))
