"""What the CRMs say: connections, catalogue, records, events, journeys, and what we want written back."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone

from records.matching.models import AccountDomain, AccountMatch, FreeDomain, ManualLink
from records.matching.sql import mail_domain
from records.owner_match import OwnerMatch
from records.querysets import EventQuerySet, RecordQuerySet

__all__ = [
    "AccountDomain",
    "AccountMatch",
    "AskedChange",
    "CatalogueField",
    "Connection",
    "DesiredField",
    "Event",
    "FieldMapping",
    "FreeDomain",
    "Journey",
    "LinkKey",
    "ManualLink",
    "OwnerMatch",
    "Record",
    "RecordPayload",
    "RefreshRequest",
    "SchemaField",
    "Touched",
]


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


class Journey(models.Model):
    """One pursuit of one buyer; its members are records with ``journey`` set. ``id`` = uuid5 of ``key``."""

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=300, unique=True, help_text="Smallest natural key of the members.")
    title = models.CharField(max_length=300, blank=True)
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.title or self.key


# Activities are most of the rows, and nobody lists or searches them.
_LISTED = Q(object__in=["person", "deal", "account"])


class Record(models.Model):
    """One CRM row as we last saw it. ``values``: logical field -> canonical value; absent = unknown, null = empty."""

    id = models.UUIDField(primary_key=True, editable=False)
    # Without an index of its own: another one begins with it, and every write pays for each.
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="records", db_index=False
    )
    object = models.CharField(max_length=40)
    remote_object = models.CharField(max_length=80)
    remote_id = models.CharField(max_length=80)
    title = models.CharField(max_length=300, blank=True)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    journey = models.ForeignKey(
        Journey, null=True, blank=True, on_delete=models.SET_NULL, related_name="records", db_index=False
    )
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.SET_NULL)
    owner = models.ForeignKey(
        "teams.Person",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_records",
        db_index=False,
    )
    created_at_remote = models.DateTimeField(null=True, blank=True)
    modified_at_remote = models.DateTimeField(null=True, blank=True)
    fingerprint = models.CharField(max_length=32, blank=True)
    seen_at = models.DateTimeField(default=timezone.now, help_text="First time we saw it.")
    deleted_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged"
    )

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_object", "remote_id"], name="record_once")
        ]
        indexes = [
            models.Index(fields=["journey"], name="record_journey"),
            # The list of records: its orders, its search, and its filter by source.
            models.Index(
                F("object"),
                Coalesce("modified_at_remote", "seen_at").desc(),
                F("id").desc(),
                name="record_recent",
                condition=_LISTED,
            ),
            models.Index(fields=["object", "title", "id"], name="record_title", condition=_LISTED),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="record_search", condition=_LISTED),
            models.Index(
                F("object"),
                KeyTextTransform("lead_source", "values"),
                name="record_source",
                condition=_LISTED,
            ),
            models.Index(fields=["owner", "object"], name="record_owner"),
            # Everybody of a domain and of what lies under it: an account's, when its web address is learned.
            models.Index(
                OpClass(mail_domain("values"), name="text_pattern_ops"),
                name="record_mail_domain",
                condition=Q(object="person"),
            ),
            # What is related by account; see records/relations.py.
            models.Index(
                F("connection"),
                KeyTextTransform("account", "values"),
                name="record_account",
                condition=_LISTED,
            ),
            models.Index(
                F("connection"),
                KeyTextTransform("converted_account", "values"),
                name="record_converted_account",
                condition=_LISTED,
            ),
            models.Index(
                fields=["connection", "remote_id"], name="record_account_id", condition=Q(object="account")
            ),
            # Whom a product's signals are about.
            models.Index(
                KeyTextTransform("product_user_id", "values"),
                name="record_product_user",
                condition=Q(object="person", values__has_key="product_user_id"),
            ),
            models.Index(
                KeyTextTransform("product_account_id", "values"),
                name="record_product_account",
                condition=Q(object="account", values__has_key="product_account_id"),
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.remote_object} {self.remote_id}"


class RecordPayload(models.Model):
    """The CRM's own answer, apart from the mapped values so that those stay narrow."""

    record = models.OneToOneField(Record, primary_key=True, on_delete=models.CASCADE, related_name="payload")
    body = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.pk)


class LinkKey(models.Model):
    """A strong link of a record, e.g. ``email:…`` or ``id:hubspot:contacts:101``; equal keys make one journey."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="link_keys", db_index=False)
    key = models.CharField(max_length=300)

    class Meta:
        ordering = ["record", "key"]
        constraints = [models.UniqueConstraint(fields=["record", "key"], name="link_key_once")]
        # text_pattern_ops: equal keys make journeys, and the search finds an e-mail address by its beginning.
        indexes = [models.Index(fields=["key"], name="link_key_key", opclasses=["text_pattern_ops"])]

    def __str__(self) -> str:
        return self.key


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
