"""What is connected, and how its fields are read."""

from __future__ import annotations

import pghistory
from django.db import models


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    obj_field=pghistory.ObjForeignKey(related_name="history"),
    model_name="ConnectionHistory",
)
class Connection(models.Model):
    """One source of events: a CRM, a CSV import, or gtmops itself (the built-in connection ``gtmops``)."""

    class Kind(models.TextChoices):
        SALESFORCE = "salesforce"
        HUBSPOT = "hubspot"
        CSV = "csv"
        GTMOPS = "gtmops"

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        BROKEN = "broken"

    name = models.SlugField(max_length=60, unique=True)
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    state_reason = models.TextField(blank=True)
    is_sandbox = models.BooleanField(default=False)
    source_order = models.PositiveSmallIntegerField(
        default=10, help_text="Breaks ties between events of the same instant."
    )
    base_url = models.URLField(
        max_length=300, blank=True, help_text="Where the API answers; a stand-in's address in the demo."
    )
    record_url = models.CharField(
        max_length=300, blank=True, help_text="Link to a record for people, with {object} and {id}."
    )
    go_live_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="What happened before is measured, never alerted or written. Empty: nothing is live.",
    )
    is_writing = models.BooleanField(default=False, help_text="Off: reading only.")
    writing_paused_at = models.DateTimeField(null=True, blank=True)
    is_writing_stage = models.BooleanField(
        default=False, help_text="The CRM's own stage may be moved from gtmops."
    )
    is_writing_fields = models.BooleanField(
        default=False, help_text="The CRM's own fields may be filled in from gtmops."
    )
    is_writing_owner = models.BooleanField(
        default=False, help_text="Records may be given to another owner from gtmops."
    )
    account_id = models.CharField(
        max_length=80,
        blank=True,
        help_text="The organisation or portal it was first connected to; it is never another one's.",
    )
    account_name = models.CharField(max_length=200, blank=True)
    setup = models.JSONField(
        null=True,
        blank=True,
        help_text="What was chosen so far while it is being connected; empty: it is set up.",
    )
    disconnected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.label


class CatalogueField(models.Model):
    """A logical field of a logical object, with the type that criteria rely on."""

    class Type(models.TextChoices):
        TEXT = "text"
        NUMBER = "number"
        MONEY = "money"
        BOOLEAN = "boolean"
        DATE = "date"
        DATETIME = "datetime"
        PICKLIST = "picklist"
        MULTI_PICKLIST = "multi_picklist"
        REFERENCE = "reference"

    object = models.CharField(max_length=40)
    name = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)
    type = models.CharField(max_length=20, choices=Type)
    options = models.JSONField(default=list, blank=True)
    is_personal = models.BooleanField(default=False, help_text="Blanked by erasure.")

    class Meta:
        ordering = ["object", "name"]
        constraints = [models.UniqueConstraint(fields=["object", "name"], name="catalogue_field_once")]

    def __str__(self) -> str:
        return f"{self.object}.{self.name}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    obj_field=pghistory.ObjForeignKey(related_name="history"),
    model_name="FieldMappingHistory",
)
class FieldMapping(models.Model):
    """Where a logical field lives in one connection's remote object."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="mappings")
    field = models.ForeignKey(CatalogueField, on_delete=models.CASCADE, related_name="mappings")
    remote_object = models.CharField(max_length=80)
    remote_name = models.CharField(max_length=120)
    has_history = models.BooleanField(
        default=False, help_text="The CRM keeps this field's history and we read it."
    )
    is_broken = models.BooleanField(
        default=False, help_text="Gone or unreadable in the CRM: its values are unknown."
    )
    links_to = models.CharField(
        max_length=200,
        blank=True,
        help_text="The value is an id there, e.g. hubspot:contacts; comma-separated when it may be one of several.",
    )
    value_map = models.JSONField(
        default=dict, blank=True, help_text="Remote value to logical value, where they differ."
    )

    class Meta:
        ordering = ["connection", "remote_object", "field"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_object", "field"], name="mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.connection.name} {self.remote_object}.{self.remote_name}"

    @property
    def constant(self) -> str | None:
        """``=meeting`` as remote name: every row of the remote object has this value; nothing is read."""
        return self.remote_name[1:] if self.remote_name.startswith("=") else None


class SchemaField(models.Model):
    """A field of a CRM as the connected user last saw it, with what it said before its last change."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="schema")
    remote_object = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    label = models.CharField(max_length=255, blank=True)
    type = models.CharField(max_length=60, help_text="The CRM's own word.")
    options = models.JSONField(default=list, blank=True, help_text="[[value, label]] in the CRM's order.")
    before = models.JSONField(
        null=True,
        blank=True,
        help_text="{label, type, options} before the last change; empty: never changed.",
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True, help_text="When it was no longer to be seen.")

    class Meta:
        ordering = ["connection", "remote_object", "name"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_object", "name"], name="schema_field_once")
        ]

    def __str__(self) -> str:
        return f"{self.remote_object}.{self.name}"
